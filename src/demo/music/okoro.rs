//! What Okoro Lane plays.

use super::{drum, synth};
use crate::demo::instruments as sound;
use crate::demo::instruments::{Drum, Voice};
use crate::demo::score::{Echo, Part, Piece, Room, all, grow, raise};

/// A pulse that does not let go.
pub fn signal_from_harrow(seed: u64) -> Piece {
    let mut p = Piece::new(seed, "cm", 140.0, 4, 26);
    p.harmony(26, "i:4 VI:2 v:2");
    p.room = Room { secs: 2.2, damp: 4200.0, size: 1.0 };
    p.echo = Echo { beats: 0.75, feedback: 0.45, damp: 2600.0 };
    p.lufs = -13.5;
    p.warmth = 0.5;
    p.tail = 4.0;
    let m = p.meter;
    let pulse = p.arp(0, 24, 60, 3, "0010201", 4.0, 0.2);
    p.play(
        Part::new(synth(&sound::ARP), -6.0, -0.15, 0.2)
            .echo(0.3)
            .duck(0.5)
            .lid(m, &[(0.0, 500.0), (8.0, 2500.0), (15.0, 7000.0), (16.0, 1500.0), (22.0, 9000.0)]),
        pulse,
    );
    let bass = p.bass(4, 24, 36, "..r...r...r...r.", 4.0);
    p.play(Part::new(synth(&sound::SAW_BASS), -4.0, 0.0, 0.04).duck(0.6), bass);
    let kick = all([p.beat(4, 16, "X...X...X...X...", 4.0), p.beat(17, 24, "X...X...X...X..o", 4.0)]);
    p.play(Part::new(drum(Drum::ClubKick), -2.0, 0.0, 0.03).loose(0.0), kick);
    let hats = all([p.beat(6, 16, "..x...x...x...xo", 4.0), p.beat(17, 24, ",,x,,,x,,,x,,oxo", 4.0)]);
    p.play(Part::new(drum(Drum::Hat), -10.0, 0.25, 0.08).loose(1.0), hats);
    let clap = p.beat(8, 24, "....x.......x...", 4.0);
    p.play(Part::new(drum(Drum::Clap), -10.0, -0.1, 0.25).loose(1.0), clap);
    let pad = p.pads(0, 26, 58, 4, 0.6);
    p.play(
        Part::new(synth(&sound::GLASS_PAD), -13.0, 0.0, 0.5)
            .duck(0.6)
            .curve(m, &[(0.0, 0.5), (14.0, 0.9), (25.0, 1.0)]),
        pad,
    );
    let call = all([
        p.sing(
            8,
            &[
                "4:1.5 3:.5 4:2",
                "r:4",
                "2:1.5 1:.5 2:2",
                "r:4",
                "4:1.5 5:.5 4:2",
                "2:4",
                "1:1.5 0:.5 1:2?",
                "r:4",
            ],
            72,
        ),
        p.sing(
            16,
            &[
                "4:1.5 3:.5 4:2",
                "2:4",
                "2:1.5 1:.5 2:2",
                "4:4",
                "4:1.5 5:.5 7:2",
                "4:4",
                "2:1.5 1:.5 1:2?",
                "r:4",
            ],
            72,
        ),
        p.sing(24, &["0:4.", "r:4"], 72),
    ]);
    p.play(Part::new(synth(&sound::HOLLOW_LEAD), -10.0, 0.2, 0.35).echo(0.45), call);
    let crash = all([
        p.beat(8, 9, "X...............", 4.0),
        p.beat(17, 18, "X...............", 4.0),
        p.beat(24, 25, "X...............", 4.0),
    ]);
    p.play(Part::new(drum(Drum::Crash), -12.0, 0.0, 0.3), crash);
    let roll = grow(p.beat(15, 17, "oooooooooooooooo", 4.0), 0.4, 1.3);
    p.play(Part::new(drum(Drum::TightSnare), -11.0, 0.0, 0.3).loose(1.0), roll);
    p
}

/// A tired electric piano on a worn record.
pub fn slow_kettle(seed: u64) -> Piece {
    let mut p = Piece::new(seed, "cs", 78.0, 4, 13);
    p.swing = 0.60;
    p.swing_unit = 0.25;
    p.harmony(13, "IVmaj9 iii7 vi9 V9:0.5 I9:0.5");
    p.room = Room { secs: 1.0, damp: 3000.0, size: 0.5 };
    p.dust = 1.0;
    p.warmth = 0.5;
    p.lufs = -16.5;
    p.fade = 1.0;
    let m = p.meter;
    let chords =
        all([p.comp(0, 1, 60, 4, "x-------....o---", 4.0), p.comp(1, 13, 60, 4, "x---..o-x-..o-..", 4.0)]);
    p.play(
        Part::new(Voice::ElectricPiano, -3.0, -0.1, 0.15)
            .loose(10.0)
            .lid(m, &[(0.0, 900.0), (2.0, 3200.0), (13.0, 3200.0)]),
        chords,
    );
    let bass = p.bass(1, 13, 32, "R--..r..5-..r.a.", 4.0);
    p.play(Part::new(synth(&sound::SUB_BASS), -4.0, 0.0, 0.0).loose(6.0), bass);
    let tune = all([
        p.sing(4, &["r:1 4:.5 5:.5 4:1 2:1", "r:1 2:.5 3:.5 2:2", "r:1 4:.5 5:.5 7:1 5:1", "4:2? r:2"], 73),
        p.sing(
            8,
            &[
                "r:1 4:.5 5:.5 4:1 2:1",
                "r:1 2:.5 3:.5 2:2",
                "2:1 1:.5 0:.5 1:2",
                "2:1 0:1. r:2",
                "r:2 2:1 1:1",
            ],
            73,
        ),
    ]);
    p.play(Part::new(Voice::Vibraphone, -8.0, 0.3, 0.25).loose(14.0), tune);
    let kick = p.beat(1, 12, "X.....x...X.....|X.....x..xX.....", 4.0);
    p.play(Part::new(drum(Drum::Kick), -4.0, 0.0, 0.04).loose(6.0), kick);
    let snare = p.beat(1, 12, "....x.......x..,", 4.0);
    p.play(Part::new(drum(Drum::Snare), -9.0, 0.05, 0.12).loose(8.0).lid(m, &[(0.0, 5000.0)]), snare);
    let hat = p.beat(2, 12, "x.o.x.oox.o.x,o.", 4.0);
    p.play(Part::new(drum(Drum::Hat), -13.0, -0.25, 0.05).loose(7.0), hat);
    p
}

/// Drum and bass.
pub fn undertow_practice(seed: u64) -> Piece {
    let mut p = Piece::new(seed, "gm", 174.0, 4, 32);
    p.harmony(32, "i:2 VI:2 iv:2 v:2");
    p.room = Room { secs: 1.9, damp: 5200.0, size: 0.9 };
    p.echo = Echo { beats: 1.5, feedback: 0.45, damp: 3000.0 };
    p.lufs = -13.0;
    p.warmth = 0.6;
    p.tail = 4.0;
    let m = p.meter;
    let pad = p.pads(0, 32, 60, 4, 0.6);
    p.play(
        Part::new(synth(&sound::GLASS_PAD), -10.0, 0.0, 0.5)
            .duck(0.3)
            .curve(m, &[(0.0, 0.8), (8.0, 0.7), (16.0, 1.1), (20.0, 0.7)]),
        pad,
    );
    let keys = all([p.arp(0, 8, 70, 4, "3.2.1.0.", 1.0, 0.9), p.arp(16, 20, 70, 4, "3.2.1.0.", 1.0, 0.9)]);
    p.play(Part::new(Voice::ElectricPiano, -8.0, 0.2, 0.3).echo(0.4), keys);
    let kick = all([
        p.beat(8, 16, "X.........X.....", 4.0),
        p.beat(20, 31, "X.........X.....|X.....x...X.....", 4.0),
    ]);
    p.play(Part::new(drum(Drum::Kick), -3.0, 0.0, 0.03).loose(1.0), kick);
    let snare = all([
        p.beat(8, 15, "....X..,.,..X..,", 4.0),
        p.beat(15, 16, "....X..o.o.oX.xX", 4.0),
        p.beat(20, 31, "....X..,.,..X.,o", 4.0),
    ]);
    p.play(Part::new(drum(Drum::TightSnare), -3.0, 0.05, 0.12).loose(2.0), snare);
    let hat = all([p.beat(4, 16, "x.o.x.o.x.o.x.o.", 4.0), p.beat(20, 31, "xox,xoxox,xoxoxo", 4.0)]);
    p.play(Part::new(drum(Drum::Hat), -10.0, -0.2, 0.05).loose(2.0), hat);
    let ride = p.beat(24, 31, "x...x...x...x...", 4.0);
    p.play(Part::new(drum(Drum::Ride), -12.0, 0.3, 0.1).loose(2.0), ride);
    let bass = all([p.bass(8, 16, 31, "R-----..r-..5-..", 4.0), p.bass(20, 31, 31, "R-----..r-..5-a.", 4.0)]);
    p.play(
        Part::new(synth(&sound::REESE), -3.0, 0.0, 0.05)
            .duck(0.4)
            .lid(m, &[(8.0, 400.0), (15.0, 1600.0), (20.0, 700.0), (30.0, 2600.0)]),
        bass,
    );
    let call = all([
        p.sing(
            8,
            &["r:2 4:1 3:1", "4:4", "r:2 3:1 2:1", "2:4", "r:2 3:1 4:1", "5:4", "r:2 2:1 1:1", "1:4?"],
            74,
        ),
        p.sing(
            20,
            &[
                "r:2 4:1 3:1",
                "4:4",
                "r:2 3:1 2:1",
                "2:4",
                "r:2 5:1 4:1",
                "3:4",
                "r:2 2:1 1:1",
                "0:4.",
                "r:2 4:1 3:1",
                "4:4",
                "2:4",
            ],
            74,
        ),
    ]);
    p.play(Part::new(synth(&sound::OO), -8.0, -0.1, 0.5).echo(0.3), call);
    let crash = all([p.beat(8, 9, "X...", 1.0), p.beat(20, 21, "X...", 1.0)]);
    p.play(Part::new(drum(Drum::Crash), -11.0, 0.0, 0.3), crash);
    p
}

/// Funk with horns.
pub fn elbow_room(seed: u64) -> Piece {
    let mut p = Piece::new(seed, "as", 106.0, 4, 18);
    p.swing = 0.55;
    p.swing_unit = 0.25;
    p.harmony(10, "I9 I9 IV9 I9");
    p.harmony(4, "IV9 IV9 ii9 V13");
    p.harmony(4, "I9 I9 IV9 I9");
    p.room = Room { secs: 0.9, damp: 5000.0, size: 0.5 };
    p.lufs = -14.0;
    p.warmth = 0.4;
    let bass = all([
        p.bass(2, 10, 34, "R..r..8.r.5.7..a", 4.0),
        p.bass(10, 14, 34, "R.r...5.R.r..5.a", 4.0),
        p.bass(14, 17, 34, "R..r..8.r.5.7..a", 4.0),
        p.bass(17, 18, 34, "R---", 1.0),
    ]);
    p.play(Part::new(Voice::Fingered, 0.0, 0.0, 0.04).loose(4.0), bass);
    let scratch =
        all([p.comp(0, 10, 67, 3, "o.xox.xoo.x.xoox", 4.0), p.comp(14, 17, 67, 3, "o.xox.xoo.x.xoox", 4.0)]);
    p.play(Part::new(Voice::Muted, -6.0, -0.55, 0.08).loose(4.0).floor(220.0), scratch);
    let keys = all([
        p.comp(4, 10, 62, 4, "..x...x-...x....", 4.0),
        p.comp(10, 14, 62, 4, "x-------x-..x...", 4.0),
        p.comp(14, 18, 62, 4, "..x...x-...x....", 4.0),
    ]);
    p.play(Part::new(Voice::ElectricPiano, -6.0, 0.35, 0.12).loose(5.0), keys);
    let horns = all([
        p.comp(4, 10, 68, 3, "................|..X...........xX", 4.0),
        p.comp(13, 14, 68, 3, "x-------X-X-X---", 4.0),
        p.comp(14, 17, 68, 3, "X.....x.......xX", 4.0),
        p.comp(17, 18, 68, 3, "X---............", 4.0),
    ]);
    p.play(Part::new(synth(&sound::STAB_BRASS), -8.0, 0.15, 0.2).loose(4.0), horns);
    let line = all([
        p.sing(
            6,
            &[
                "r:.5 4:.5 3:.5 2:.5 0:1 r:1",
                "r:.5 0:.5 1:.5 2:.5 4:1 r:1",
                "r:.5 4:.5 5:.5 4:.5 2:1 r:1",
                "0:1. r:3",
            ],
            70,
        ),
        p.sing(10, &["4:1 3:.5 2:.5 3:2", "2:1 1:.5 0:.5 1:2", "3:1 2:.5 1:.5 2:2", "4:2? r:2"], 72),
    ]);
    p.play(Part::new(Voice::Organ, -10.0, -0.2, 0.15), line);
    let kick = p.beat(1, 17, "X..x......x.....|X..x...x..x..x..", 4.0);
    p.play(Part::new(drum(Drum::Kick), -3.0, 0.0, 0.03).loose(3.0), kick);
    let snare = all([
        p.beat(1, 9, "....X..,.,..X..,", 4.0),
        p.beat(9, 10, "....X..,.xx.XxXX", 4.0),
        p.beat(10, 17, "....X..,.,..X..,", 4.0),
    ]);
    p.play(Part::new(drum(Drum::TightSnare), -4.0, 0.05, 0.12).loose(3.0), snare);
    let hat = p.beat(0, 17, "x.x.x.xox.x.x,x.", 4.0);
    p.play(Part::new(drum(Drum::Hat), -11.0, 0.25, 0.05).loose(3.0), hat);
    let open = p.beat(2, 17, "..............o.", 4.0);
    p.play(Part::new(drum(Drum::OpenHat), -13.0, 0.25, 0.08), open);
    p
}

/// Dub.
pub fn quiet_depot(seed: u64) -> Piece {
    let mut p = Piece::new(seed, "gsm", 72.0, 4, 12);
    p.swing = 0.57;
    p.swing_unit = 0.25;
    p.harmony(12, "i:2 iv:1 v:1");
    p.room = Room { secs: 2.8, damp: 3000.0, size: 1.1 };
    p.echo = Echo { beats: 0.75, feedback: 0.6, damp: 1900.0 };
    p.lufs = -15.0;
    p.warmth = 0.5;
    p.tail = 6.0;
    let bass = p.bass(1, 12, 32, "R-.r5-..R-r.7.5.", 4.0);
    p.play(Part::new(synth(&sound::SUB_BASS), -1.0, 0.0, 0.0).loose(5.0), bass);
    let skank = all([
        p.comp(0, 2, 66, 3, "....x...........", 4.0),
        p.comp(2, 7, 66, 3, "..x...x...x...x.", 4.0),
        p.comp(7, 9, 66, 3, "....x...........", 4.0),
        p.comp(9, 12, 66, 3, "..x...x...x...x.", 4.0),
    ]);
    p.play(Part::new(synth(&sound::STAB), -9.0, -0.35, 0.2).echo(0.5).floor(250.0), skank);
    let bubble =
        all([p.comp(3, 7, 61, 3, ".ox..ox..ox..ox.", 4.0), p.comp(9, 12, 61, 3, ".ox..ox..ox..ox.", 4.0)]);
    p.play(Part::new(Voice::Organ, -13.0, 0.3, 0.15), bubble);
    let kick = all([p.beat(1, 7, "........X.......", 4.0), p.beat(8, 12, "X...x...X...x...", 4.0)]);
    p.play(Part::new(drum(Drum::DeepKick), -4.0, 0.0, 0.06).loose(4.0), kick);
    let rim = all([p.beat(1, 7, "........x......,", 4.0), p.beat(8, 12, "........x..,....", 4.0)]);
    p.play(Part::new(drum(Drum::Rim), -6.0, 0.1, 0.35).echo(0.35), rim);
    let hat = p.beat(1, 12, "x.o.x.oox.o.x.o,", 4.0);
    p.play(Part::new(drum(Drum::Hat), -13.0, 0.3, 0.08).loose(6.0), hat);
    let call = all([
        p.sing(3, &["r:1 4:1 3:.5 2:1.5", "r:4", "r:1 2:1 3:.5 1:1.5", "0:2. r:2"], 68),
        p.sing(9, &["r:1 4:1 3:.5 2:1.5", "4:2 2:2", "0:4."], 68),
    ]);
    p.play(Part::new(synth(&sound::HOLLOW_LEAD), -9.0, 0.2, 0.3).echo(0.55), call);
    let fall = raise(p.beat(7, 8, "..X..X..X.xX....", 4.0), -2.0);
    p.play(Part::new(drum(Drum::Tom), -7.0, -0.3, 0.4).echo(0.4), fall);
    p
}

/// Techno.
pub fn terminal_nine(seed: u64) -> Piece {
    let mut p = Piece::new(seed, "asm", 132.0, 4, 24);
    p.harmony(24, "i:4 i:4 VI:2 VII:2");
    p.room = Room { secs: 1.8, damp: 4200.0, size: 0.9 };
    p.echo = Echo { beats: 0.75, feedback: 0.5, damp: 2600.0 };
    p.lufs = -12.5;
    p.warmth = 0.7;
    p.tail = 3.0;
    let m = p.meter;
    let kick = all([p.beat(0, 11, "X...", 4.0), p.beat(12, 24, "X...", 4.0)]);
    p.play(Part::new(drum(Drum::ClubKick), -1.0, 0.0, 0.02).loose(0.0), kick);
    let acid = p.bass(2, 24, 34, "r.8r.r5.r.7r8.r.", 4.0);
    p.play(
        Part::new(synth(&sound::ACID), -6.0, 0.0, 0.08)
            .duck(0.5)
            .echo(0.12)
            .lid(m, &[(2.0, 400.0), (11.0, 3500.0), (12.0, 900.0), (22.0, 7000.0)]),
        acid,
    );
    let hat = all([p.beat(4, 11, "..x.", 4.0), p.beat(12, 24, "..x.", 4.0)]);
    p.play(Part::new(drum(Drum::OpenHat), -10.0, 0.15, 0.05).loose(0.0), hat);
    let tick = p.beat(4, 23, "xo,oxo,o", 4.0);
    p.play(Part::new(drum(Drum::Hat), -13.0, -0.3, 0.05).loose(1.0), tick);
    let clap = p.beat(8, 23, "....x.......x...", 4.0);
    p.play(Part::new(drum(Drum::Clap), -9.0, 0.0, 0.2).loose(0.0), clap);
    let stab =
        all([p.comp(6, 12, 62, 3, "...x.......x....", 4.0), p.comp(12, 23, 62, 3, "...x..x....x....", 4.0)]);
    p.play(Part::new(synth(&sound::STAB), -9.0, -0.2, 0.3).echo(0.45).duck(0.4), stab);
    let pad = p.pads(8, 24, 58, 3, 0.6);
    p.play(Part::new(synth(&sound::WARM_PAD), -14.0, 0.1, 0.5).duck(0.7), pad);
    let conga = raise(p.beat(12, 23, "..o..x..o.x..o.x", 4.0), 2.0);
    p.play(Part::new(drum(Drum::Conga), -13.0, 0.4, 0.15), conga);
    let roll = grow(p.beat(11, 12, "oooooooooooooooo", 4.0), 0.4, 1.4);
    p.play(Part::new(drum(Drum::TightSnare), -11.0, 0.0, 0.3).loose(0.0), roll);
    p
}
