//! What Sunniva plays.

use super::{drum, synth};
use crate::demo::instruments as sound;
use crate::demo::instruments::{Drum, Voice};
use crate::demo::score::{Echo, Part, Piece, Room, all, raise};

/// Marimba and friends.
pub fn paper_boats(seed: u64) -> Piece {
    let mut p = Piece::new(seed, "e", 101.0, 4, 18);
    p.harmony(2, "I I");
    p.harmony(8, "I IV vi V I IV V I");
    p.harmony(4, "ii V iii vi");
    p.harmony(4, "I IV V I");
    p.room = Room { secs: 1.2, damp: 6000.0, size: 0.6 };
    let tick = p.arp(0, 17, 64, 3, "0.12.021", 4.0, 0.3);
    p.play(Part::new(Voice::Marimba, -5.0, -0.35, 0.2), tick);
    let tune = all([
        p.sing(
            2,
            &[
                "0:.5 1:.5 2:.5 4:.5 2:1 1:1",
                "3:.5 2:.5 3:.5 5:.5 3:2",
                "2:.5 1:.5 0:.5 1:.5 2:1 0:1",
                "1:2? r:2",
            ],
            76,
        ),
        p.sing(
            6,
            &[
                "0:.5 1:.5 2:.5 4:.5 2:1 1:1",
                "3:.5 2:.5 3:.5 5:.5 3:2",
                "4:.5 3:.5 2:.5 1:.5 1:1 -1:1",
                "0:2. r:2",
            ],
            76,
        ),
        p.sing(
            14,
            &[
                "0:.5 1:.5 2:.5 4:.5 2:1 1:1",
                "3:.5 2:.5 3:.5 5:.5 3:2",
                "4:.5 3:.5 2:.5 1:.5 1:1 -1:1",
                "0:4.",
            ],
            76,
        ),
    ]);
    p.play(Part::new(Voice::Marimba, -2.0, 0.25, 0.22), tune.clone());
    let shine = raise(tune.into_iter().filter(|n| n.at >= 56.0).collect(), 12.0);
    p.play(Part::new(Voice::Glockenspiel, -12.0, 0.4, 0.35), shine);
    let answer =
        p.sing(10, &["2:1 1:.5 0:.5 1:1 2:1", "1:1.5 0:.5 -1:2", "2:1 1:.5 0:.5 1:1 2:1", "0:2? r:2"], 83);
    p.play(Part::new(Voice::Flute, -10.0, 0.1, 0.3), answer);
    let bass = all([p.bass(2, 17, 40, "R..r5...R..rl.l.", 4.0), p.bass(17, 18, 40, "R-------........", 4.0)]);
    p.play(Part::new(Voice::Pizzicato, -1.0, 0.0, 0.15), bass);
    let ukulele = p.strum(6, 17, 67, 4, "..x...xo..x...x.", 4.0, 0.05);
    p.play(Part::new(Voice::Ukulele, -11.0, 0.45, 0.15), ukulele);
    let block = p.beat(2, 17, "x.....x...x.x...", 4.0);
    p.play(Part::new(drum(Drum::Block), -15.0, -0.5, 0.2), block);
    let shake = p.beat(6, 17, "o,x,o,x,o,x,o,xo", 4.0);
    p.play(Part::new(drum(Drum::Shaker), -15.0, 0.3, 0.12), shake);
    let kick = p.beat(6, 17, "x.......x..o....", 4.0);
    p.play(Part::new(drum(Drum::SoftKick), -8.0, 0.0, 0.05), kick);
    p
}

/// A choir in the cold.
pub fn first_frost(seed: u64) -> Piece {
    let mut p = Piece::new(seed, "ds", 84.0, 4, 15);
    p.rate = 48_000;
    p.harmony(3, "I IV I");
    p.harmony(4, "I vi IV V");
    p.harmony(4, "vi IV I V");
    p.harmony(4, "IV V vi:0.5 IV:0.5 I");
    p.room = Room { secs: 3.8, damp: 5200.0, size: 1.3 };
    p.lufs = -18.0;
    p.tail = 5.0;
    let m = p.meter;
    let bed = p.pads(0, 15, 60, 4, 0.6);
    p.play(
        Part::new(synth(&sound::OO), -5.0, 0.0, 0.5)
            .curve(m, &[(0.0, 0.5), (8.0, 0.9), (12.0, 1.1), (14.5, 0.7)]),
        bed,
    );
    let bells = p.arp(0, 14, 75, 4, "0.2.1.3.", 2.0, 0.8);
    p.play(Part::new(Voice::MusicBox, -13.0, 0.35, 0.4), bells);
    let tune = all([
        p.sing(3, &["0:2 1:1 2:1", "2:3 1:1", "0:2 1:1 2:1", "1:4?"], 70),
        p.sing(
            7,
            &["2:2 3:1 4:1", "4:3 3:1", "2:2 1:1 2:1", "1:4?", "2:2 3:2", "4:3 3:1", "2:2 1:2", "0:4."],
            72,
        ),
    ]);
    p.play(Part::new(synth(&sound::CHOIR), -4.0, -0.05, 0.5), tune);
    let harp = p.arp(7, 14, 62, 4, "0123+0321", 4.0, 1.0);
    p.play(Part::new(Voice::Harp, -10.0, -0.35, 0.35), harp);
    let bass = p.bass(3, 15, 39, "R-------", 2.0);
    p.play(Part::new(synth(&sound::LOW_STRINGS), -8.0, 0.1, 0.35), bass);
    p
}

/// An arcade at night.
pub fn glass_arcade(seed: u64) -> Piece {
    let mut p = Piece::new(seed, "fsm", 104.0, 4, 20);
    p.harmony(20, "i VI III VII i VI iv VII");
    p.room = Room { secs: 2.0, damp: 5600.0, size: 0.9 };
    p.echo = Echo { beats: 0.75, feedback: 0.4, damp: 4200.0 };
    p.lufs = -14.0;
    p.warmth = 0.4;
    p.tail = 4.0;
    let m = p.meter;
    let bass = all([p.bass(2, 19, 30, "r8r8r8r8", 2.0), p.bass(19, 20, 30, "R-------", 2.0)]);
    p.play(Part::new(synth(&sound::SAW_BASS), -4.0, 0.0, 0.03).duck(0.4), bass);
    let arp = p.arp(0, 19, 69, 4, "01231+0132", 4.0, 0.22);
    p.play(
        Part::new(synth(&sound::ARP), -11.0, -0.3, 0.2)
            .echo(0.35)
            .duck(0.4)
            .lid(m, &[(0.0, 700.0), (4.0, 6000.0), (19.0, 6000.0)]),
        arp,
    );
    let pad = p.pads(0, 20, 60, 4, 0.7);
    p.play(
        Part::new(synth(&sound::POLY), -10.0, 0.1, 0.35)
            .duck(0.5)
            .curve(m, &[(0.0, 0.6), (4.0, 0.9), (12.0, 1.0)]),
        pad,
    );
    let tune = all([
        p.sing(
            4,
            &[
                "4:1.5 3:.5 2:1 4:1",
                "2:3 r:1",
                "1:1.5 2:.5 3:1 2:1",
                "1:3? r:1",
                "4:1.5 3:.5 2:1 4:1",
                "5:3 r:1",
                "3:1.5 2:.5 1:1 0:1",
                "1:3? r:1",
            ],
            73,
        ),
        p.sing(
            12,
            &[
                "4:1 5:.5 4:.5 7:2",
                "5:3 4:1",
                "4:1 3:.5 2:.5 4:2",
                "1:3? r:1",
                "4:1.5 3:.5 2:1 4:1",
                "2:3 r:1",
                "1:1 0:1 1:1 -1:1",
                "0:4",
            ],
            76,
        ),
    ]);
    p.play(Part::new(synth(&sound::LEAD), -8.0, 0.1, 0.3).echo(0.35), tune);
    let kick = p.beat(4, 19, "X...X...", 2.0);
    p.play(Part::new(drum(Drum::Kick), -3.0, 0.0, 0.03).loose(1.0), kick);
    let snare = all([
        p.beat(4, 11, "..X...X.", 2.0),
        p.beat(11, 12, "..X...XXXX", 2.5),
        p.beat(12, 19, "..X...X.", 2.0),
    ]);
    p.play(Part::new(drum(Drum::Snare), -6.0, 0.0, 0.35).loose(1.0), snare);
    let hat = p.beat(4, 19, "o,x,o,x,", 4.0);
    p.play(Part::new(drum(Drum::Hat), -13.0, 0.3, 0.06).loose(2.0), hat);
    let toms = raise(p.beat(11, 12, "........x.x.xxxx", 4.0), 3.0);
    p.play(Part::new(drum(Drum::Tom), -7.0, -0.2, 0.35), toms);
    let crash = all([p.beat(4, 5, "X...", 1.0), p.beat(12, 13, "X...", 1.0), p.beat(19, 20, "X...", 1.0)]);
    p.play(Part::new(drum(Drum::Crash), -12.0, 0.2, 0.3), crash);
    p
}

/// Patterns that shift against each other.
pub fn counting_windows(seed: u64) -> Piece {
    let mut p = Piece::new(seed, "a", 126.0, 4, 22);
    p.harmony(22, "I:4 vi:4 IV:4 ii:2 V:2");
    p.room = Room { secs: 1.6, damp: 5200.0, size: 0.8 };
    p.lufs = -17.0;
    let m = p.meter;
    let one = p.arp(0, 21, 64, 4, "01.2.013.2.1", 4.0, 0.3);
    p.play(Part::new(Voice::Marimba, -4.0, -0.6, 0.2).loose(2.0), one);
    let two = p.arp(3, 21, 64, 4, "01.2.013.2.", 4.0, 0.3);
    p.play(Part::new(Voice::Marimba, -5.0, 0.6, 0.2).loose(2.0), two);
    let three = p.arp(8, 22, 71, 4, "0..2..1..", 4.0, 0.6);
    p.play(Part::new(Voice::Vibraphone, -8.0, 0.2, 0.3).loose(2.0), three);
    let piano = p.comp(6, 22, 57, 3, "x.....x...x.....", 4.0);
    p.play(
        Part::new(Voice::Piano, -8.0, -0.2, 0.2).loose(3.0).curve(m, &[(6.0, 0.5), (12.0, 1.0), (20.0, 0.9)]),
        piano,
    );
    let bass = p.bass(10, 22, 33, "R-----r---5-----", 4.0);
    p.play(Part::new(synth(&sound::CLARINET), -6.0, 0.0, 0.2), bass);
    let swell = p.pads(12, 22, 69, 3, 0.5);
    p.play(
        Part::new(synth(&sound::OO), -13.0, 0.0, 0.4)
            .curve(m, &[(12.0, 0.2), (16.0, 1.0), (18.0, 0.3), (20.0, 1.0), (22.0, 0.3)]),
        swell,
    );
    p
}

/// Slow light on water.
pub fn rooms_above_the_sea(seed: u64) -> Piece {
    let mut p = Piece::new(seed, "fs", 60.0, 4, 12);
    p.rate = 48_000;
    p.harmony(12, "Imaj9:2 IVmaj7:2 vi9:2 IVmaj9:2 Imaj9:2 V:1 I:1");
    p.room = Room { secs: 5.5, damp: 4200.0, size: 1.5 };
    p.echo = Echo { beats: 1.0, feedback: 0.55, damp: 2600.0 };
    p.lufs = -19.0;
    p.tail = 6.0;
    let m = p.meter;
    let pad = p.pads(0, 12, 61, 4, 0.6);
    p.play(
        Part::new(synth(&sound::WARM_PAD), -4.0, 0.0, 0.45)
            .lid(m, &[(0.0, 500.0), (5.0, 2600.0), (8.0, 1200.0), (12.0, 700.0)]),
        pad,
    );
    let bass = p.bass(0, 12, 30, "R---------------", 2.0);
    p.play(Part::new(synth(&sound::SUB_BASS), -9.0, 0.0, 0.1), bass);
    let drops = p.sing(
        1,
        &[
            "r:1 4:1 2:2",
            "r:2 5:2",
            "r:1 4:1 6:2",
            "r:4",
            "r:1 2:1 4:2",
            "r:2 1:2",
            "r:1 4:1 2:2",
            "r:4",
            "r:1 4:1 5:2",
            "1:4?",
            "0:4.",
        ],
        78,
    );
    p.play(Part::new(Voice::Bell, -10.0, -0.3, 0.5).echo(0.45).loose(18.0), drops);
    let harp = p.arp(2, 11, 68, 4, "0..1.2..3...", 2.0, 2.0);
    p.play(Part::new(Voice::Harp, -12.0, 0.4, 0.5).echo(0.3).loose(16.0), harp);
    p
}
