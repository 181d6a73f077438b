//! What Ines Morrow plays.

use super::{drum, synth};
use crate::demo::instruments as sound;
use crate::demo::instruments::{Drum, Voice};
use crate::demo::score::{Part, Piece, Room, all, grow, raise};

/// Low strings that gather and do not break.
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

/// A piano that says little.
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

/// An organ with a limp.
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

/// A small orchestra in three.
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

/// Something to get up for.
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
