//! The demo's loops: whole bars, as long as they say to the sample, with their tails wrapped round.

use super::instruments as sound;
use super::instruments::{Drum, Voice};
use super::score::{Echo, Part, Piece, Room, all, raise};

fn looped(seed: u64, key: &str, bpm: f64, bars: usize, chords: &str) -> Piece {
    let mut p = Piece::new(seed, key, bpm, 4, bars);
    p.is_loop = true;
    p.harmony(bars, chords);
    p.room = Room { secs: 1.1, damp: 5000.0, size: 0.6 };
    p.lufs = -15.0;
    p
}

fn hits(p: &mut Piece, of: Drum, level: f32, pan: f32, room: f32, rhythm: &str) {
    let notes = p.beat(0, p.bars, rhythm, 4.0);
    p.play(Part::new(Voice::Drum(of), level, pan, room).loose(2.0), notes);
}

/// House: drums, bass and a chord.
pub fn nightshift(seed: u64) -> Piece {
    let mut p = looped(seed, "fm", 126.0, 8, "i:4 VI:2 v:2");
    p.lufs = -13.5;
    p.warmth = 0.4;
    hits(&mut p, Drum::ClubKick, -2.0, 0.0, 0.02, "X...X...X...X...");
    hits(&mut p, Drum::OpenHat, -11.0, 0.2, 0.05, "..x...x...x...x.");
    hits(&mut p, Drum::Hat, -14.0, -0.25, 0.04, "xo,oxo,oxo,oxoxo");
    hits(&mut p, Drum::Clap, -9.0, 0.0, 0.2, "....x.......x..,");
    let bass = p.bass(0, 8, 29, "..r.r.8...r.7.5.", 4.0);
    p.play(Part::new(Voice::Synth(&sound::SAW_BASS), -3.0, 0.0, 0.02).duck(0.6), bass);
    let stab = p.comp(0, 8, 63, 4, "...x..x....x....", 4.0);
    p.play(Part::new(Voice::Synth(&sound::STAB), -9.0, -0.1, 0.25).echo(0.25).duck(0.3), stab);
    p
}

/// A drum kit, half-time, dry.
pub fn half_time_kit(seed: u64) -> Piece {
    let mut p = looped(seed, "c", 88.0, 4, "I");
    p.swing = 0.58;
    p.swing_unit = 0.25;
    p.room = Room { secs: 0.5, damp: 4000.0, size: 0.4 };
    hits(&mut p, Drum::Kick, -2.0, 0.0, 0.06, "X..x......X.....|X..x...x..X..x..");
    hits(&mut p, Drum::Snare, -4.0, 0.0, 0.12, "........X......,|..,.....X....,,o");
    hits(&mut p, Drum::Hat, -10.0, 0.3, 0.06, "x.o.x.oox.o.x,o.");
    hits(&mut p, Drum::OpenHat, -14.0, 0.3, 0.06, "................|..............x.");
    let tom = raise(p.beat(3, 4, "............x.xx", 4.0), -1.0);
    p.play(Part::new(Voice::Drum(Drum::Tom), -6.0, -0.35, 0.1), tom);
    p
}

/// Electric piano turning round.
pub fn rhodes_turnaround(seed: u64) -> Piece {
    let mut p = looped(seed, "gs", 84.0, 4, "Imaj9 vi9 ii9 V13");
    p.swing = 0.6;
    p.swing_unit = 0.25;
    p.lufs = -17.0;
    let chords = p.comp(0, 4, 61, 4, "x---..o-x-..o-..", 4.0);
    p.play(Part::new(Voice::ElectricPiano, -3.0, -0.1, 0.15).loose(6.0), chords);
    let fill =
        p.sing(0, &["r:2 4:.5 5:.5 4:1", "r:2 2:.5 1:.5 0:1", "r:2 3:.5 4:.5 5:1", "r:2 3:.5 2:.5 1:1"], 75);
    p.play(Part::new(Voice::ElectricPiano, -5.0, 0.2, 0.2).loose(6.0), fill);
    let bass = p.bass(0, 4, 32, "R-----..5---..a.", 4.0);
    p.play(Part::new(Voice::Fingered, -3.0, 0.0, 0.04), bass);
    p
}

/// Nylon guitar, picked.
pub fn nylon_figure(seed: u64) -> Piece {
    let mut p = looped(seed, "d", 96.0, 4, "I vi IV V");
    p.lufs = -18.0;
    let figure = p.arp(0, 4, 62, 4, "0213210302132123", 4.0, 0.9);
    p.play(Part::new(Voice::Nylon, -3.0, -0.1, 0.18).loose(3.0), figure);
    let thumb = p.bass(0, 4, 38, "R-------5-------", 4.0);
    p.play(Part::new(Voice::Nylon, -4.0, 0.1, 0.15).loose(3.0), thumb);
    p
}

/// One bar of acid, four times, opening.
pub fn acid_line(seed: u64) -> Piece {
    let mut p = looped(seed, "am", 130.0, 4, "i");
    p.warmth = 0.7;
    p.lufs = -14.0;
    p.echo = Echo { beats: 0.75, feedback: 0.3, damp: 2600.0 };
    let line = p.bass(0, 4, 33, "r.8r.r5.r.7r8.rr", 4.0);
    p.play(
        Part::new(Voice::Synth(&sound::ACID), -3.0, 0.0, 0.08)
            .echo(0.15)
            .loose(0.0)
            .lid(4.0, &[(0.0, 700.0), (3.0, 5200.0), (4.0, 700.0)]),
        line,
    );
    p
}

/// A break at 172.
pub fn cut_break(seed: u64) -> Piece {
    let mut p = looped(seed, "c", 172.0, 4, "I");
    p.room = Room { secs: 0.6, damp: 5200.0, size: 0.4 };
    p.warmth = 0.6;
    p.lufs = -13.5;
    hits(&mut p, Drum::Kick, -3.0, 0.0, 0.05, "X.x.......xx....|X.x.......x.....");
    hits(&mut p, Drum::TightSnare, -3.0, 0.0, 0.14, "....X..,.,..X..,|....X..,.x..,.Xo");
    hits(&mut p, Drum::Ride, -10.0, 0.3, 0.08, "x.x.x.x.x.x.x.x.");
    hits(&mut p, Drum::Hat, -12.0, -0.2, 0.05, ",o,o,o,o,o,o,oxo");
    p
}

/// Kalimba in fives over fours.
pub fn kalimba_rain(seed: u64) -> Piece {
    let mut p = looped(seed, "c", 100.0, 5, "I69 I69 vi7 IVmaj7 I69");
    p.lufs = -18.0;
    p.rate = 96_000;
    p.room = Room { secs: 2.0, damp: 5200.0, size: 0.9 };
    let drops = p.arp(0, 5, 72, 5, "0.3.2.4.1.", 4.0, 0.5);
    p.play(Part::new(Voice::Kalimba, -3.0, -0.25, 0.3).echo(0.25), drops);
    let low = p.arp(0, 5, 60, 3, "0...1...2.......", 4.0, 1.0);
    p.play(Part::new(Voice::Kalimba, -4.0, 0.25, 0.3), low);
    p
}

/// A double bass that walks.
pub fn bass_walk(seed: u64) -> Piece {
    let mut p = looped(seed, "as", 120.0, 8, "I7 IV7 I7 I7 IV7 IV7 I7 V7");
    p.swing = 0.64;
    p.lufs = -17.0;
    let line = p.walk(0, 8, 34);
    p.play(Part::new(Voice::Upright, 0.0, 0.0, 0.12).loose(5.0), line);
    let tick = p.beat(0, 8, "..x...x.", 2.0);
    p.play(Part::new(Voice::Drum(Drum::Hat), -15.0, 0.3, 0.1), tick);
    let brush = p.beat(0, 8, "o.,.o.,o", 2.0);
    p.play(Part::new(Voice::Drum(Drum::Brush), -13.0, -0.2, 0.12), brush);
    p
}

/// Voices that hold four chords.
pub fn choir_bed(seed: u64) -> Piece {
    let mut p = looped(seed, "dm", 70.0, 4, "i VI III VII");
    p.rate = 48_000;
    p.room = Room { secs: 2.8, damp: 4600.0, size: 1.2 };
    p.lufs = -19.0;
    let high = p.pads(0, 4, 64, 4, 0.6);
    p.play(Part::new(Voice::Synth(&sound::CHOIR), -4.0, 0.0, 0.45).loose(12.0), high);
    let low = p.pads(0, 4, 50, 3, 0.5);
    p.play(Part::new(Voice::Synth(&sound::OO), -8.0, 0.1, 0.45).loose(12.0), low);
    p
}

/// Hand percussion.
pub fn shaker_and_rim(seed: u64) -> Piece {
    let mut p = looped(seed, "c", 112.0, 4, "I");
    p.room = Room { secs: 0.7, damp: 5000.0, size: 0.5 };
    p.lufs = -18.0;
    hits(&mut p, Drum::Shaker, -4.0, 0.35, 0.1, "xo,oxo,oxo,oxooo");
    hits(&mut p, Drum::Rim, -5.0, -0.3, 0.15, "x..x..x...x..x..");
    let low = raise(p.beat(0, 4, "x..o..x.x..o..xo", 4.0), -3.0);
    let high = raise(p.beat(0, 4, "..o..o....o.xo..", 4.0), 4.0);
    p.play(Part::new(Voice::Drum(Drum::Conga), -3.0, -0.1, 0.14), low);
    p.play(Part::new(Voice::Drum(Drum::Conga), -5.0, 0.15, 0.14), high);
    p
}

/// A lattice of short synthesiser notes.
pub fn arp_lattice(seed: u64) -> Piece {
    let mut p = looped(seed, "fsm", 128.0, 8, "i:2 VI:2 III:2 VII:2");
    p.echo = Echo { beats: 0.75, feedback: 0.4, damp: 3600.0 };
    p.room = Room { secs: 1.8, damp: 5000.0, size: 0.9 };
    p.lufs = -16.0;
    let one = p.arp(0, 8, 66, 4, "01231+01232", 4.0, 0.3);
    p.play(Part::new(Voice::Synth(&sound::SOFT_ARP), -4.0, -0.3, 0.25).echo(0.3), one);
    let two = p.arp(0, 8, 54, 3, "0..1..2.", 4.0, 0.5);
    p.play(Part::new(Voice::Synth(&sound::SOFT_ARP), -6.0, 0.3, 0.25).echo(0.2), two);
    let bass = all([p.bass(0, 8, 30, "R-------r-------", 4.0)]);
    p.play(Part::new(Voice::Synth(&sound::SUB_BASS), -8.0, 0.0, 0.0), bass);
    p
}
