//! Why a file was refused, in a sentence for the one who uploaded it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why nothing was made of a file. `Display` is a sentence for its uploader.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Refusal {
    /// The first bytes are something else's: "a web page", "a program".
    NotSound { looks_like: String },
    /// Sound, but of a kind the shop does not read: "Sun audio", "HE-AAC".
    Unsupported { what: String },
    /// More than one packet in a hundred could not be read, or the file's frame is broken.
    Damaged,
    /// The file says it holds so many seconds, and holds fewer; with 0 said it has no end.
    CutOff { declared_secs: f64, found_secs: f64 },
    /// No sound in it at all.
    Empty,
    /// Below -70 LUFS and a peak below -60 dBFS.
    Silent,
    /// Under 0.05 s.
    TooShort,
    /// Longer than the operator takes.
    TooLong { max_secs: u64 },
    /// Reading it took more memory or disk than one file may.
    TooLarge,
    /// Reading it took more time than one file may.
    TooSlow,
    /// A sample rate outside 8 to 384 kHz.
    OddRate { hertz: u32 },
    /// More than eight channels, or none.
    OddChannels { channels: u32 },
    /// Samples under 8 or over 64 bits.
    OddBits { bits: u32 },
    /// The rate or the channels change midway.
    Changes,
    /// More than one sample in ten thousand is not a number, or absurd.
    NotNumbers { count: u64 },
    /// Nothing to do with the file: the worker itself could not be run. Worth another try.
    Ours { why: String },
}

impl Refusal {
    /// A short word for rows and logs; does not change between versions.
    pub fn slug(&self) -> &'static str {
        match self {
            Refusal::NotSound { .. } => "not_sound",
            Refusal::Unsupported { .. } => "unsupported",
            Refusal::Damaged => "damaged",
            Refusal::CutOff { .. } => "cut_off",
            Refusal::Empty => "empty",
            Refusal::Silent => "silent",
            Refusal::TooShort => "too_short",
            Refusal::TooLong { .. } => "too_long",
            Refusal::TooLarge => "too_large",
            Refusal::TooSlow => "too_slow",
            Refusal::OddRate { .. } => "odd_rate",
            Refusal::OddChannels { .. } => "odd_channels",
            Refusal::OddBits { .. } => "odd_bits",
            Refusal::Changes => "changes",
            Refusal::NotNumbers { .. } => "not_numbers",
            Refusal::Ours { .. } => "ours",
        }
    }

    /// The same without more words of its own than a sentence has room for: what a worker sends may come
    /// from the file that took it over.
    pub(super) fn bounded(self) -> Refusal {
        match self {
            Refusal::NotSound { looks_like: words } | Refusal::Unsupported { what: words }
                if words.len() > 120 =>
            {
                Refusal::Damaged
            }
            Refusal::Ours { why } => Refusal::Ours { why: why.chars().take(200).collect() },
            refusal => refusal,
        }
    }

    /// Whether the same file may well be taken at another try.
    pub fn is_ours(&self) -> bool {
        matches!(self, Refusal::Ours { .. })
    }

    pub(super) fn looks_like(what: &str) -> Refusal {
        Refusal::NotSound { looks_like: what.to_owned() }
    }

    pub(super) fn unsupported(what: &str) -> Refusal {
        Refusal::Unsupported { what: what.to_owned() }
    }

    pub(super) fn ours(why: impl fmt::Display) -> Refusal {
        Refusal::Ours { why: why.to_string() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const TAKEN: &str = "Please upload WAV, AIFF, FLAC, CAF, M4A (AAC or ALAC), Ogg Vorbis or MP3.";
        match self {
            Refusal::NotSound { looks_like } => {
                write!(f, "This is not a sound file we can read: it looks like {looks_like}. {TAKEN}")
            }
            Refusal::Unsupported { what } => write!(f, "We do not read {what}. {TAKEN}"),
            Refusal::Damaged => f.write_str(
                "This file is damaged: parts of it cannot be read. Please export it again and upload the new file.",
            ),
            Refusal::CutOff { declared_secs, found_secs } => {
                let found = clock(*found_secs);
                match *declared_secs {
                    0.0 => write!(f, "This file breaks off after {found}, before its own end."),
                    // A header that lies is not worth repeating.
                    100_000.0.. => write!(
                        f,
                        "This file says that it lasts for days, but only {found} of sound is in it: its \
                         header is wrong."
                    ),
                    secs => write!(
                        f,
                        "This file says that it lasts {}, but only {found} of sound is in it: it was cut off, \
                         or says something untrue about itself.",
                        clock(secs)
                    ),
                }?;
                f.write_str(" Please export it again and upload the new file.")
            }
            Refusal::Empty => f.write_str("There is no sound in this file."),
            Refusal::Silent => f.write_str("This file is silent from beginning to end."),
            Refusal::TooShort => {
                f.write_str("This sound is shorter than a twentieth of a second, which is too short to offer.")
            }
            Refusal::TooLong { max_secs } => {
                write!(f, "This sound is longer than {}, the most this shop takes.", clock(*max_secs as f64))
            }
            Refusal::TooLarge => f.write_str("This file unfolds to more than we can hold while reading it."),
            Refusal::TooSlow => f.write_str("Reading this file took longer than we allow a single file."),
            Refusal::OddRate { hertz } => write!(
                f,
                "This file has a sample rate of {hertz} Hz; we take 8 to 384 kHz. Please export it at 44.1 or 48 kHz."
            ),
            Refusal::OddChannels { channels } => {
                write!(f, "This file has {channels} channels; we take 1 to 8.")
            }
            Refusal::OddBits { bits } => write!(f, "This file has samples of {bits} bits; we take 8 to 64."),
            Refusal::Changes => f.write_str(
                "The sample rate or the number of channels changes in the middle of this file. Please export \
                 it as one piece.",
            ),
            Refusal::NotNumbers { count } => write!(
                f,
                "{count} samples of this file are not numbers (or absurdly large), which a faulty export leaves \
                 behind. Please export it again."
            ),
            Refusal::Ours { .. } => {
                f.write_str("Something went wrong on our side while reading this file; nothing is wrong with it.")
            }
        }
    }
}

impl std::error::Error for Refusal {}

/// Seconds as people say them: `0.4 s`, `1:30`, `100:00:00`.
fn clock(secs: f64) -> String {
    let whole = secs.round() as u64;
    match whole {
        0..10 => format!("{secs:.1} s"),
        10..3600 => format!("{}:{:02}", whole / 60, whole % 60),
        _ => format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60),
    }
}
