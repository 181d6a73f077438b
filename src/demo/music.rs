//! The demo's music, piece by piece: which instruments, which chords, how it is built. The words about a piece stand in
//! `catalogue`, and are true to what is written here.

use super::instruments as sound;
use super::instruments::{Drum, Voice};
use super::score::{Echo, Part, Piece, Room, all, grow, raise};

const fn synth(of: &'static sound::Synth) -> Voice {
    Voice::Synth(of)
}

const fn drum(of: Drum) -> Voice {
    Voice::Drum(of)
}

/// Ines Morrow: low strings that gather and do not break.
pub fn copper_weather(seed: u64) -> Piece {
    let mut p = Piece::new(seed, "am", 92.0, 4, 32);
    p.rate = 48_000;
    p.harmony(8, "i:2 VI:2 iv:2 V:2");
    p.harmony(16, "i VI III VII iv i VI V");
    p.harmony(8, "i VI iv V i VI iv:2");
    p.room = Room { secs: 3.4, damp: 3800.0, size: 1.2 };
    p.lufs = -17.0;
    p.tail = 5.0;
    let m = p.meter;
    let low = all([p.bass(0, 8, 33, "R---------------", 2.0), p.bass(8, 32, 33, "R---r---", 2.0)]);
    p.play(
        Part::new(synth(&sound::LOW_STRINGS), -3.0, 0.15, 0.35)
            .curve(m, &[(0.0, 0.45), (16.0, 0.9), (24.0, 1.1), (30.0, 0.7)]),
        low,
    );
    let bed = p.pads(0, 32, 55, 3, 0.6);
    p.play(
        Part::new(synth(&sound::LOW_STRINGS), -7.0, -0.2, 0.45)
            .curve(m, &[(0.0, 0.35), (12.0, 0.8), (24.0, 1.1), (31.0, 0.5)]),
        bed,
    );
    // The motor: short bows, softly at first.
    let motor = all([
        grow(p.arp(4, 16, 57, 3, "01210121", 2.0, 0.4), 0.4, 0.9),
        grow(p.arp(16, 30, 57, 3, "0121012101210+121", 2.0, 0.4), 0.9, 1.15),
    ]);
    p.play(Part::new(synth(&sound::SHORT_STRINGS), -8.0, -0.35, 0.3), motor);
    let theme =
        p.sing(8, &["0:3 1:1", "2:2 1:2", "0:3 -1:1", "1:4?", "2:3 3:1", "4:2 3:2", "2:3 1:1", "0:4?"], 64);
    let answer = p.sing(
        16,
        &["0:1.5 1:.5 2:2", "4:3 3:1", "2:2 1:2", "1:4?", "0:1.5 1:.5 2:2", "5:3 4:1", "3:2 1:2", "1:4?"],
        69,
    );
    let high = p.sing(24, &["4:4", "5:4", "3:4", "2:4?", "4:4", "5:4", "3:4", "3:4"], 74);
    p.play(
        Part::new(synth(&sound::CELLO), -5.0, 0.1, 0.4),
        all([theme.clone(), raise(answer.clone(), -12.0)]),
    );
    p.play(Part::new(synth(&sound::STRINGS), -6.0, -0.1, 0.45), all([answer, high]));
    let horns = p.pads(20, 32, 60, 3, 0.8);
    p.play(
        Part::new(synth(&sound::BRASS), -9.0, 0.3, 0.45).curve(m, &[(20.0, 0.2), (28.0, 1.0), (31.0, 0.3)]),
        horns,
    );
    let thunder = all([
        p.beat(8, 16, "o...............|........o.......", 2.0),
        p.beat(16, 24, "x.......x..oo...", 2.0),
        grow(p.beat(24, 30, "x..ox..ox..oxoxo", 2.0), 0.7, 1.1),
    ]);
    let thunder = raise(thunder, p.key.tonic as f32 - 12.0);
    p.play(Part::new(drum(Drum::Timpani), -7.0, 0.0, 0.45), thunder);
    p
}

/// Halden Kit: a folk tune for two guitars on the move.
pub fn two_trains_north(seed: u64) -> Piece {
    let mut p = Piece::new(seed, "g", 118.0, 4, 22);
    p.harmony(4, "I I IV I");
    p.harmony(8, "I IV I V I IV V I");
    p.harmony(8, "vi IV I V vi IV V V");
    p.harmony(2, "IV I");
    p.room = Room { secs: 1.1, damp: 4800.0, size: 0.6 };
    p.lufs = -16.0;
    let pick = p.arp(0, 22, 59, 4, "02130213", 2.0, 0.9);
    p.play(Part::new(Voice::Steel, -3.0, -0.45, 0.16).loose(6.0), pick);
    let strum = all([
        p.strum(4, 12, 62, 4, "X..xo.xo", 2.0, 0.08),
        p.strum(12, 21, 64, 4, "X.xxo.xo", 2.0, 0.08),
        p.strum(21, 22, 64, 4, "X-------", 2.0, 0.16),
    ]);
    p.play(Part::new(Voice::Steel, -9.0, 0.5, 0.16).loose(5.0).floor(140.0), strum);
    let bass = all([p.bass(4, 21, 31, "R---5---", 2.0), p.bass(21, 22, 31, "R-------", 2.0)]);
    p.play(Part::new(Voice::Upright, -3.0, 0.0, 0.08), bass);
    let tune = all([
        p.sing(4, &["0:1 1:.5 2:.5 4:1 2:1", "3:1 2:.5 1:.5 2:2", "4:1 2:.5 1:.5 0:1 1:1", "1:3? r:1"], 74),
        p.sing(8, &["0:1 1:.5 2:.5 4:1 2:1", "3:1 2:.5 1:.5 2:2", "2:1 1:1 1:.5 0:.5 -1:1", "0:3. r:1"], 74),
        p.sing(
            12,
            &[
                "2:1.5 3:.5 4:2",
                "4:1 3:.5 2:.5 1:2",
                "2:1.5 1:.5 0:2",
                "1:3? r:1",
                "2:1.5 3:.5 4:2",
                "5:1 4:.5 3:.5 2:2",
                "1:1 2:1 3:1 4:1",
                "3:3? r:1",
            ],
            76,
        ),
        p.sing(20, &["2:1 1:1 0:2", "0:4."], 74),
    ]);
    p.play(Part::new(Voice::Whistle, -7.0, 0.15, 0.3).loose(8.0), tune);
    let kick = p.beat(4, 21, "x...x...", 2.0);
    p.play(Part::new(drum(Drum::SoftKick), -6.0, 0.0, 0.08), kick);
    let shake = p.beat(4, 21, "o,x,o,x,", 2.0);
    p.play(Part::new(drum(Drum::Shaker), -12.0, 0.35, 0.1).loose(7.0), shake);
    let tap = p.beat(12, 20, "..x...x...x...xo", 2.0);
    p.play(Part::new(drum(Drum::Tambourine), -13.0, -0.3, 0.15), tap);
    p
}

/// Ines Morrow: a piano that says little.
pub fn ledger_line(seed: u64) -> Piece {
    let mut p = Piece::new(seed, "dm", 74.0, 4, 14);
    p.rate = 48_000;
    p.harmony(4, "i VI III VII");
    p.harmony(4, "i iv VI V");
    p.harmony(4, "VI III iv V");
    p.harmony(2, "i i");
    p.room = Room { secs: 2.6, damp: 3600.0, size: 1.0 };
    p.lufs = -19.0;
    p.tail = 5.0;
    let left = all([p.arp(0, 12, 50, 3, "0.1.2.1.", 2.0, 1.6), p.pads(12, 14, 48, 3, 0.45)]);
    p.play(Part::new(Voice::FeltPiano, -3.0, -0.1, 0.28).loose(9.0), grow(left, 0.75, 0.85));
    let tune = all([
        p.sing(0, &["r:1 4:1 3:.5 2:1.5", "2:3 r:1", "r:1 4:1 5:.5 4:1.5", "3:3? r:1"], 70),
        p.sing(4, &["r:1 4:1 3:.5 2:1.5", "3:2 2:1 1:1", "2:1.5 1:.5 0:2", "1:3? r:1"], 72),
        p.sing(
            8,
            &["2:1 3:1 4:2", "4:1 3:1 2:2", "1:1.5 2:.5 3:2", "2:3? r:1", "r:1 2:1 1:1 1:1", "0:4."],
            74,
        ),
    ]);
    p.play(Part::new(Voice::FeltPiano, -1.0, 0.12, 0.32).loose(11.0), tune);
    let under = p.pads(8, 14, 52, 3, 0.4);
    p.play(Part::new(synth(&sound::WARM_PAD), -19.0, 0.0, 0.5), under);
    p
}

/// Sunniva: marimba and friends.
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

/// Okoro Lane: a pulse that does not let go.
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

/// Halden Kit: a low hum with bells in it.
pub fn marrow(seed: u64) -> Piece {
    let mut p = Piece::new(seed, "bm", 66.0, 4, 11);
    p.rate = 48_000;
    p.harmony(11, "i:3 VI:2 iv:2 i:1 v:1 i:2");
    p.room = Room { secs: 5.0, damp: 2600.0, size: 1.4 };
    p.echo = Echo { beats: 1.5, feedback: 0.5, damp: 1800.0 };
    p.lufs = -20.0;
    p.tail = 6.0;
    let m = p.meter;
    let hum = p.bass(0, 11, 35, "R---------------", 1.0);
    p.play(
        Part::new(synth(&sound::DRONE), -3.0, 0.0, 0.3).curve(m, &[(0.0, 0.8), (6.0, 1.0), (10.0, 0.6)]),
        hum,
    );
    let bed = p.pads(1, 11, 54, 3, 0.5);
    p.play(
        Part::new(synth(&sound::OO), -12.0, 0.1, 0.6).curve(m, &[(1.0, 0.3), (7.0, 1.0), (10.0, 0.4)]),
        bed,
    );
    let bells =
        p.sing(2, &["r:2 4:2", "r:4", "r:1 2:3", "r:4", "r:2 5:1 4:1", "r:4", "r:1 1:3", "r:4", "0:4."], 71);
    p.play(Part::new(Voice::Bell, -12.0, -0.3, 0.6).echo(0.4), bells);
    let scrape = p.sing(5, &["0:4", "1:4", "-1:4", "0:4?"], 50);
    p.play(Part::new(synth(&sound::CELLO), -9.0, 0.35, 0.5), scrape);
    let heart = p.beat(3, 10, "o.o.............", 2.0);
    p.play(Part::new(drum(Drum::DeepKick), -9.0, 0.0, 0.35), heart);
    p
}

/// Sunniva: a choir in the cold.
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

/// Ines Morrow: an organ with a limp.
pub fn kiosk(seed: u64) -> Piece {
    let mut p = Piece::new(seed, "csm", 112.0, 4, 18);
    p.swing = 0.64;
    p.harmony(2, "i V7");
    p.harmony(8, "i VI iv V7 i VI V7 i");
    p.harmony(4, "iv VII III VI");
    p.harmony(4, "iv:0.5 VI:0.5 V7 i i");
    p.room = Room { secs: 0.9, damp: 4200.0, size: 0.5 };
    let oom = p.bass(0, 17, 37, "R.5.R.l.", 2.0);
    p.play(Part::new(Voice::Upright, -1.0, 0.0, 0.1), oom);
    let pah = p.comp(0, 17, 61, 3, "..x...x.", 2.0);
    p.play(Part::new(Voice::Muted, -6.0, 0.4, 0.12), pah);
    let tune = all([
        p.sing(
            2,
            &[
                "0:.5 1:.5 2:.5 0:.5 4:1 2:1",
                "3:.5 2:.5 1:.5 0:.5 2:2",
                "1:.5 2:.5 3:.5 1:.5 5:1 3:1",
                "2:3? r:1",
            ],
            73,
        ),
        p.sing(
            6,
            &[
                "0:.5 1:.5 2:.5 0:.5 4:1 2:1",
                "3:.5 2:.5 1:.5 0:.5 2:2",
                "3:.5 2:.5 1:.5 0:.5 1:1 -1:1",
                "0:3. r:1",
            ],
            73,
        ),
        p.sing(
            14,
            &["2:.5 3:.5 4:.5 2:.5 1:1 0:1", "1:.5 0:.5 -1:.5 1:.5 3:1 1:1", "0:1 2:1 0:2.", "0:1. r:3"],
            73,
        ),
    ]);
    p.play(Part::new(Voice::Organ, -5.0, -0.15, 0.18), tune);
    let middle = p.sing(10, &["2:1.5 1:.5 0:1 2:1", "3:1.5 2:.5 1:2", "2:1.5 1:.5 0:1 2:1", "1:2? r:2"], 76);
    p.play(Part::new(synth(&sound::CLARINET), -7.0, 0.25, 0.2), middle);
    let chords = all([p.comp(10, 14, 64, 3, "x-----..", 2.0), p.comp(16, 17, 64, 3, "X-X-X---", 2.0)]);
    p.play(Part::new(Voice::Organ, -13.0, 0.1, 0.2), chords);
    let brush = p.beat(2, 17, "o.x.o.xo", 2.0);
    p.play(Part::new(drum(Drum::Brush), -8.0, 0.2, 0.12), brush);
    let kick = p.beat(2, 17, "x...x..o", 2.0);
    p.play(Part::new(drum(Drum::SoftKick), -7.0, 0.0, 0.05), kick);
    let rim = p.beat(0, 17, "...o..x.......x.", 2.0);
    p.play(Part::new(drum(Drum::Rim), -13.0, -0.45, 0.15), rim);
    p
}

/// Halden Kit: bossa nova for guitar and flute.
pub fn harbour_windows(seed: u64) -> Piece {
    let mut p = Piece::new(seed, "f", 132.0, 4, 22);
    p.harmony(2, "Imaj9 Imaj9");
    p.harmony(8, "Imaj9 Imaj9 II9 II9 ii9 V13 Imaj9 V7b9");
    p.harmony(8, "Imaj9 Imaj9 IVmaj7 iv6 iii7 vi9 ii9 V13");
    p.harmony(4, "Imaj9 V7b9 I69 I69");
    p.room = Room { secs: 1.3, damp: 4600.0, size: 0.7 };
    p.lufs = -18.0;
    let guitar =
        all([p.comp(0, 20, 61, 4, "x..x..x...x..x..", 4.0), p.strum(20, 22, 61, 4, "X-------", 1.0, 0.3)]);
    p.play(Part::new(Voice::Nylon, -3.0, -0.3, 0.16).loose(6.0), guitar);
    let bass = all([p.bass(0, 20, 34, "R--5R--l", 2.0), p.bass(20, 22, 34, "R-------", 1.0)]);
    p.play(Part::new(Voice::Upright, -2.0, 0.05, 0.08), bass);
    let tune = all([
        p.sing(
            2,
            &[
                "r:.5 4:1.5 3:.5 2:1.5",
                "1:.5 2:1 0:2.5",
                "r:.5 4:1.5 5:.5 4:1.5",
                "3:3? r:1",
                "r:.5 3:1.5 2:.5 1:1.5",
                "2:.5 1:1 -1:2.5",
                "0:3? r:1",
                "r:4",
            ],
            76,
        ),
        p.sing(
            10,
            &[
                "r:.5 4:1.5 3:.5 2:1.5",
                "1:.5 2:1 4:2.5",
                "r:.5 5:1.5 4:.5 3:1.5",
                "2:3 r:1",
                "r:.5 3:1.5 2:.5 1:1.5",
                "2:.5 1:1 0:2.5",
                "1:1.5 0:.5 -1:2",
                "1:3? r:1",
            ],
            77,
        ),
        p.sing(18, &["2:1.5 1:.5 0:2", "1:2 -1:2", "0:4.", "r:4"], 77),
    ]);
    p.play(Part::new(Voice::Flute, -5.0, 0.2, 0.28).loose(12.0), tune);
    let shake = p.beat(2, 20, "o,x,o,x,", 2.0);
    p.play(Part::new(drum(Drum::Shaker), -13.0, 0.45, 0.1), shake);
    let rim = p.beat(2, 20, "x..x..x...x..x..", 2.0);
    p.play(Part::new(drum(Drum::Rim), -13.0, -0.4, 0.15), rim);
    let kick = p.beat(2, 20, "x..ox..o", 2.0);
    p.play(Part::new(drum(Drum::SoftKick), -9.0, 0.0, 0.05), kick);
    let air = p.pads(10, 20, 62, 3, 0.4);
    p.play(Part::new(synth(&sound::STRINGS), -19.0, 0.0, 0.4), air);
    p
}

/// Okoro Lane: a tired electric piano on a worn record.
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

/// Sunniva: an arcade at night.
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

/// Okoro Lane: drum and bass.
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

/// Halden Kit: trip hop.
pub fn lantern_tax(seed: u64) -> Piece {
    let mut p = Piece::new(seed, "em", 80.0, 4, 13);
    p.swing = 0.56;
    p.swing_unit = 0.25;
    p.harmony(13, "i9 i9 iv7 VI");
    p.room = Room { secs: 2.4, damp: 3000.0, size: 1.0 };
    p.echo = Echo { beats: 0.75, feedback: 0.5, damp: 2200.0 };
    p.dust = 0.6;
    p.warmth = 0.5;
    p.lufs = -15.5;
    p.tail = 4.0;
    let m = p.meter;
    let strings = p.pads(0, 13, 62, 3, 0.6);
    p.play(
        Part::new(synth(&sound::STRINGS), -10.0, 0.2, 0.4)
            .curve(m, &[(0.0, 0.5), (5.0, 0.7), (9.0, 1.1), (12.0, 0.6)]),
        strings,
    );
    let bass = p.bass(1, 13, 28, "R--...r.5-r-..7.", 4.0);
    p.play(Part::new(Voice::Fingered, -1.0, 0.0, 0.05).loose(8.0), bass);
    let kick = p.beat(1, 12, "X......x..x.....|X..x......x...o.", 4.0);
    p.play(Part::new(drum(Drum::Kick), -3.0, 0.0, 0.08).loose(6.0), kick);
    let snare = p.beat(1, 12, "....X.......X...|....X..,....X.,o", 4.0);
    p.play(Part::new(drum(Drum::Snare), -5.0, 0.0, 0.2).loose(9.0), snare);
    let hat = p.beat(1, 12, "x.x.x.xox.x.xox.", 4.0);
    p.play(Part::new(drum(Drum::Hat), -13.0, 0.3, 0.08).loose(8.0), hat);
    let vibes = all([
        p.sing(
            2,
            &[
                "4:.75 5:.25 4:1 2:2",
                "r:4",
                "3:.75 2:.25 1:1 0:2",
                "r:4",
                "4:.75 5:.25 7:1 4:2",
                "r:2 2:1 1:1",
                "0:3. r:1",
                "r:4",
            ],
            76,
        ),
        p.sing(10, &["4:.75 5:.25 4:1 2:2", "3:2 2:2", "0:4."], 76),
    ]);
    p.play(Part::new(Voice::Vibraphone, -7.0, -0.3, 0.35).echo(0.4).loose(12.0), vibes);
    let guitar = p.comp(5, 12, 64, 3, "..........x.....", 4.0);
    p.play(Part::new(Voice::Muted, -7.0, 0.5, 0.3).echo(0.5), guitar);
    p
}

/// Okoro Lane: funk with horns.
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

/// Halden Kit: a trio after hours.
pub fn blue_hour_trio(seed: u64) -> Piece {
    let mut p = Piece::new(seed, "g", 144.0, 4, 26);
    p.swing = 0.65;
    p.harmony(2, "ii9 V13");
    p.harmony(16, "Imaj7 vi7 ii9 V13 iii7 VI7 ii9 V7b9 IVmaj7 iv6 iii7 VI7 ii9 V13 Imaj7 V7b9");
    p.harmony(8, "Imaj7 vi7 ii9 V13 iii7 VI7 ii9:0.5 V13:0.5 I69");
    p.room = Room { secs: 1.0, damp: 4200.0, size: 0.6 };
    p.lufs = -18.0;
    let walk = p.walk(2, 25, 31);
    let end = p.bass(25, 26, 31, "R---", 1.0);
    p.play(Part::new(Voice::Upright, 0.0, 0.0, 0.1).loose(8.0), all([walk, end]));
    let comp = all([
        p.comp(0, 2, 60, 4, "x--.x---", 2.0),
        p.comp(2, 25, 60, 4, "...x....|x--.....|.x...x..|....x-..", 2.0),
        p.strum(25, 26, 60, 4, "X---", 1.0, 0.2),
    ]);
    p.play(Part::new(Voice::Piano, -8.0, -0.3, 0.16).loose(8.0), comp);
    let solo = all([
        p.sing(
            2,
            &[
                "r:1 2:.5 3:.5 4:1 2:1",
                "1:.5 2:.5 0:1 r:2",
                "r:1 1:.5 3:.5 5:1 3:.5 2:.5",
                "1:2? r:2",
                "r:.5 2:.5 3:.5 4:.5 5:1 4:1",
                "3:.5 2:.5 1:1 r:2",
                "3:.5 4:.5 3:.5 2:.5 1:1 2:1",
                "0:1.5? r:2.5",
            ],
            74,
        ),
        p.sing(
            10,
            &[
                "4:1 3:.5 4:.5 5:1 4:1",
                "3:.5 2:.5 3:1 r:2",
                "2:.5 3:.5 4:.5 5:.5 4:.5 3:.5 2:1",
                "1:2 r:2",
                "r:.5 1:.5 2:.5 3:.5 5:1 3:.5 2:.5",
                "1:.5 0:.5 1:1 -1:2",
                "0:2. r:2",
                "r:2 1:1 2:1",
            ],
            77,
        ),
        p.sing(
            18,
            &[
                "r:1 2:.5 3:.5 4:1 2:1",
                "1:.5 2:.5 0:1 r:2",
                "r:1 1:.5 3:.5 5:1 3:.5 2:.5",
                "1:2? r:2",
                "r:.5 2:.5 3:.5 4:.5 5:1 4:1",
                "3:.5 2:.5 1:1 r:2",
                "3:.5 2:.5 1:.5 0:.5 1:1 -1:1",
                "0:4.",
            ],
            74,
        ),
    ]);
    p.play(Part::new(Voice::Piano, -4.0, 0.15, 0.2).loose(10.0), solo);
    let ride = p
        .beat(2, 25, "x..ox.xox..ox.xo", 2.0)
        .into_iter()
        .filter(|n| n.force > 0.6 || (n.at.fract() - 0.5).abs() < 1e-6);
    p.play(Part::new(drum(Drum::Ride), -10.0, 0.35, 0.12).loose(5.0), ride);
    let hat = p.beat(2, 25, "..x...x.", 2.0);
    p.play(Part::new(drum(Drum::Hat), -14.0, 0.5, 0.06), hat);
    let brush = p.beat(2, 25, "o.,.o.,o", 2.0);
    p.play(Part::new(drum(Drum::Brush), -12.0, 0.1, 0.12).loose(8.0), brush);
    let feather = p.beat(10, 25, "o.......o..,....", 2.0);
    p.play(Part::new(drum(Drum::SoftKick), -11.0, 0.0, 0.05), feather);
    p
}

/// Ines Morrow: a small orchestra in three.
pub fn waltz_for_the_stairs(seed: u64) -> Piece {
    let mut p = Piece::new(seed, "d", 152.0, 3, 36);
    p.rate = 48_000;
    p.harmony(4, "I I V I");
    p.harmony(16, "I I V V V V I I I I IV IV V V I I");
    p.harmony(8, "vi vi iii iii IV I V V");
    p.harmony(8, "I I IV IV V V I I");
    p.room = Room { secs: 2.2, damp: 5200.0, size: 1.1 };
    p.lufs = -18.0;
    p.tail = 4.0;
    let m = p.meter;
    let oom = all([p.bass(0, 35, 38, "R..", 1.0), p.bass(35, 36, 38, "R--", 1.0)]);
    p.play(Part::new(Voice::Pizzicato, 0.0, 0.2, 0.25), oom);
    let pah = p.comp(0, 34, 62, 3, ".xo", 1.0);
    p.play(Part::new(Voice::Pizzicato, -7.0, -0.25, 0.28), pah);
    let a = ["0:2 1:1", "2:1 1:1 0:1", "1:2 2:1", "3:3", "1:2 2:1", "3:1 2:1 1:1", "0:2 1:1", "2:3?"];
    let b = ["4:2 3:1", "2:1 1:1 0:1", "3:2 4:1", "5:3", "4:1 3:1 2:1", "1:2 1:1", "0:3.", "r:3"];
    let first = all([p.sing(4, &a, 74), p.sing(12, &b, 74)]);
    p.play(Part::new(synth(&sound::CLARINET), -5.0, 0.1, 0.3), first);
    let second =
        p.sing(20, &["2:2 1:1", "2:3", "1:2 0:1", "1:3", "3:2 2:1", "2:2 0:1", "1:1 2:1 3:1", "4:3?"], 76);
    p.play(Part::new(synth(&sound::OBOE), -7.0, -0.2, 0.3), second);
    let last = p.sing(
        28,
        &["0:2 1:1", "2:1 1:1 0:1", "3:2 4:1", "5:3", "4:1 3:1 2:1", "1:2 1:1", "0:3.", "0:3."],
        76,
    );
    p.play(Part::new(synth(&sound::STRINGS), -3.0, -0.15, 0.35), last.clone());
    p.play(Part::new(Voice::Glockenspiel, -11.0, 0.35, 0.4), raise(last, 12.0));
    let under = p.pads(20, 36, 60, 4, 0.55);
    p.play(
        Part::new(synth(&sound::STRINGS), -12.0, 0.15, 0.4)
            .curve(m, &[(20.0, 0.6), (28.0, 1.0), (36.0, 1.0)]),
        under,
    );
    let horns = p.pads(28, 36, 57, 3, 0.7);
    p.play(Part::new(synth(&sound::BRASS), -14.0, 0.3, 0.4), horns);
    let drum_roll = raise(
        all([p.beat(27, 28, "oxX", 1.0), p.beat(28, 34, "x..|...", 1.0), p.beat(34, 36, "X..|...", 1.0)]),
        2.0,
    );
    p.play(Part::new(drum(Drum::Timpani), -8.0, 0.0, 0.35), drum_roll);
    let triangle = p.beat(28, 34, "..o", 1.0);
    p.play(Part::new(drum(Drum::Tambourine), -19.0, 0.3, 0.3), triangle);
    p
}

/// Sunniva: patterns that shift against each other.
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

/// Okoro Lane: dub.
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

/// Okoro Lane: techno.
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

/// Sunniva: slow light on water.
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

/// Halden Kit: house with a piano in it.
pub fn saltbox(seed: u64) -> Piece {
    let mut p = Piece::new(seed, "c", 122.0, 4, 22);
    p.swing = 0.54;
    p.swing_unit = 0.25;
    p.harmony(22, "vi9 IVmaj7 Imaj7 V");
    p.room = Room { secs: 1.4, damp: 5600.0, size: 0.7 };
    p.lufs = -13.5;
    p.warmth = 0.4;
    p.tail = 3.0;
    let m = p.meter;
    let kick = all([p.beat(0, 11, "X...", 4.0), p.beat(12, 21, "X...", 4.0)]);
    p.play(Part::new(drum(Drum::ClubKick), -2.0, 0.0, 0.02).loose(0.0), kick);
    let piano = all([
        p.comp(2, 12, 62, 4, "x..x..x.x..x.x..", 4.0),
        p.comp(12, 21, 64, 4, "X..X..X.X..X.X..", 4.0),
        p.comp(21, 22, 62, 4, "X---------------", 4.0),
    ]);
    p.play(
        Part::new(Voice::Piano, -3.0, 0.0, 0.18)
            .duck(0.35)
            .loose(2.0)
            .floor(120.0)
            .lid(m, &[(2.0, 900.0), (6.0, 5000.0), (10.0, 6000.0), (11.5, 1200.0), (12.0, 12_000.0)]),
        piano,
    );
    let bass = all([p.bass(4, 11, 33, "..r...r...rr..5.", 4.0), p.bass(12, 21, 33, "..r...r...rr..5.", 4.0)]);
    p.play(Part::new(synth(&sound::SAW_BASS), -4.0, 0.0, 0.02).duck(0.6), bass);
    let clap = all([p.beat(4, 11, "....x.......x...", 4.0), p.beat(12, 21, "....x.......x..o", 4.0)]);
    p.play(Part::new(drum(Drum::Clap), -8.0, 0.0, 0.2).loose(1.0), clap);
    let hat = all([p.beat(2, 11, "..x...x...x...x.", 4.0), p.beat(12, 21, "..x...x...x...x.", 4.0)]);
    p.play(Part::new(drum(Drum::OpenHat), -11.0, 0.2, 0.05).loose(1.0), hat);
    let shake = p.beat(4, 21, "xo,oxo,oxo,oxo,o", 4.0);
    p.play(Part::new(drum(Drum::Shaker), -14.0, -0.35, 0.06), shake);
    let strings = p.pads(8, 22, 72, 3, 0.6);
    p.play(
        Part::new(synth(&sound::STRINGS), -13.0, 0.0, 0.4)
            .duck(0.5)
            .curve(m, &[(8.0, 0.3), (12.0, 1.0), (21.0, 1.0)]),
        strings,
    );
    let hook = p.sing(
        12,
        &[
            "4:.75 3:.25 4:1 2:2",
            "2:.75 1:.25 2:1 0:2",
            "1:.75 2:.25 4:1 2:2",
            "1:2? r:2",
            "4:.75 3:.25 4:1 5:2",
            "4:.75 2:.25 1:1 2:2",
            "2:.75 1:.25 0:1 1:2",
            "1:2? r:2",
            "4:.75 3:.25 2:1 4:2",
            "0:4",
        ],
        76,
    );
    p.play(Part::new(synth(&sound::OO), -8.0, 0.1, 0.35), hook);
    let roll = grow(p.beat(11, 12, "o.o.o.o.oooooooo", 4.0), 0.4, 1.3);
    p.play(Part::new(drum(Drum::Clap), -10.0, 0.0, 0.3).loose(0.0), roll);
    p
}

/// Ines Morrow: something to get up for.
pub fn bright_errand(seed: u64) -> Piece {
    let mut p = Piece::new(seed, "b", 116.0, 4, 20);
    p.harmony(20, "I V vi IV");
    p.room = Room { secs: 1.5, damp: 6000.0, size: 0.8 };
    p.lufs = -14.5;
    p.warmth = 0.25;
    p.tail = 3.5;
    let m = p.meter;
    let guitar = p.arp(0, 19, 64, 4, "0213021302130213", 2.0, 0.5);
    p.play(Part::new(Voice::Muted, -3.0, -0.4, 0.15), guitar);
    let ukulele =
        all([p.strum(4, 19, 68, 4, "x.xxo.xo", 2.0, 0.06), p.strum(19, 20, 68, 4, "X-------", 2.0, 0.1)]);
    p.play(Part::new(Voice::Ukulele, -6.0, 0.45, 0.15), ukulele);
    let piano = all([p.comp(8, 19, 59, 3, "x---x---", 2.0), p.comp(19, 20, 59, 3, "X-------", 2.0)]);
    p.play(Part::new(Voice::Piano, -7.0, 0.0, 0.18), piano);
    let bass = all([p.bass(4, 19, 35, "R.r.r.r.", 2.0), p.bass(19, 20, 35, "R-------", 2.0)]);
    p.play(Part::new(Voice::Fingered, -2.0, 0.0, 0.04), bass);
    let claps = all([p.beat(4, 12, "..x...x.", 2.0), p.beat(12, 19, "..X...X.|..X...XX", 2.0)]);
    p.play(Part::new(drum(Drum::Clap), -9.0, 0.1, 0.2).loose(9.0), claps.clone());
    p.play(Part::new(drum(Drum::Clap), -11.0, -0.4, 0.25).loose(12.0), claps);
    let kick = p.beat(4, 19, "X...X...", 2.0);
    p.play(Part::new(drum(Drum::Kick), -5.0, 0.0, 0.03), kick);
    let tamb = p.beat(8, 19, "o,x,o,x,", 2.0);
    p.play(Part::new(drum(Drum::Tambourine), -16.0, 0.35, 0.12), tamb);
    let tune = all([
        p.sing(8, &["0:1 1:.5 2:.5 4:2", "3:1 2:.5 1:.5 2:2", "2:1 3:.5 4:.5 5:2", "4:3? r:1"], 76),
        p.sing(
            12,
            &[
                "0:1 1:.5 2:.5 4:2",
                "3:1 2:.5 1:.5 2:2",
                "4:1 3:.5 2:.5 1:2",
                "3:3 r:1",
                "4:1 3:.5 2:.5 4:2",
                "3:1 2:.5 1:.5 2:2",
                "2:1 1:.5 0:.5 1:2",
                "0:4.",
            ],
            78,
        ),
    ]);
    p.play(Part::new(Voice::Glockenspiel, -9.0, 0.2, 0.3), raise(tune.clone(), 12.0));
    p.play(Part::new(Voice::Whistle, -11.0, -0.1, 0.3), tune);
    let strings = p.pads(12, 20, 66, 4, 0.6);
    p.play(
        Part::new(synth(&sound::STRINGS), -11.0, 0.0, 0.4).curve(m, &[(12.0, 0.5), (16.0, 1.0), (20.0, 1.0)]),
        strings,
    );
    p
}

/// Halden Kit: a slow blues in twelve bars.
pub fn kindling(seed: u64) -> Piece {
    let mut p = Piece::new(seed, "e", 88.0, 4, 14);
    p.swing = 0.66;
    p.harmony(2, "V7 IV7");
    p.harmony(12, "I7 IV7 I7 I7 IV7 IV7 I7 VI7 ii7 V7 I7 I7");
    p.room = Room { secs: 1.2, damp: 4200.0, size: 0.7 };
    p.lufs = -16.5;
    p.warmth = 0.4;
    p.tail = 4.0;
    let bass = all([p.bass(2, 13, 28, "R.r.5.7.", 2.0), p.bass(13, 14, 28, "R-5-R---", 2.0)]);
    p.play(Part::new(Voice::Fingered, -1.0, 0.0, 0.05).loose(7.0), bass);
    let organ = p.pads(0, 14, 62, 4, 0.5);
    p.play(Part::new(Voice::Organ, -12.0, 0.35, 0.18), organ);
    let guitar = all([p.comp(2, 13, 58, 3, "..x...x.", 2.0), p.strum(13, 14, 58, 4, "x---X---", 2.0, 0.12)]);
    p.play(Part::new(Voice::Steel, -8.0, -0.4, 0.15).loose(7.0), guitar);
    let lick = all([
        p.sing(0, &["4:.5 3:.5 2:1 4:2", "3:.5 2:.5 1:.5 0:.5 1:2?"], 71),
        p.sing(
            2,
            &[
                "r:1 2:.5 3:.5 4:2",
                "3:1.5 2:.5 1:2",
                "r:1 4:.5 3:.5 2:1 0:1",
                "r:4",
                "r:1 2:.5 3:.5 5:2",
                "3:1.5 2:.5 1:2",
                "r:1 4:.5 3:.5 2:1 0:1",
                "2:2 r:2",
                "r:1 1:.5 2:.5 3:1 5:1",
                "3:.5 2:.5 1:1 r:2",
                "0:1 2:1 4:1 2:1",
                "0:4.",
            ],
            71,
        ),
    ]);
    p.play(Part::new(Voice::Steel, -2.0, 0.15, 0.25).loose(12.0), lick);
    let kick = p.beat(2, 13, "x...x..o", 2.0);
    p.play(Part::new(drum(Drum::Kick), -6.0, 0.0, 0.05).loose(5.0), kick);
    let snare = p.beat(2, 13, "..x...x.", 2.0);
    p.play(Part::new(drum(Drum::Snare), -9.0, 0.0, 0.18).loose(7.0), snare);
    let ride = p.beat(2, 13, "x,xoxoxo", 2.0);
    p.play(Part::new(drum(Drum::Ride), -13.0, 0.35, 0.1).loose(6.0), ride);
    p
}
