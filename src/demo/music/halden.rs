//! What Halden Kit plays.

use super::{drum, synth};
use crate::demo::instruments as sound;
use crate::demo::instruments::{Drum, Voice};
use crate::demo::score::{Echo, Part, Piece, Room, all, grow};

/// A folk tune for two guitars on the move.
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

/// A low hum with bells in it.
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

/// Bossa nova for guitar and flute.
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

/// Trip hop.
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

/// A trio after hours.
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

/// House with a piano in it.
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

/// A slow blues in twelve bars.
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
