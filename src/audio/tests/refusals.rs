//! What is refused, and in which words.

use std::collections::HashSet;

use super::{KEY, RATE, band, examined, scaled, worked};
use crate::audio::wire::Task;
use crate::audio::{Refusal, wav};

#[test]
fn every_refusal_is_a_sentence_for_the_one_who_uploaded() {
    let all = [
        Refusal::NotSound { looks_like: "a web page".into() },
        Refusal::Unsupported { what: "Opus".into() },
        Refusal::Damaged,
        Refusal::CutOff { declared_secs: 62.0, found_secs: 9.96 },
        Refusal::CutOff { declared_secs: 1.5e6, found_secs: 3.0 },
        Refusal::CutOff { declared_secs: 0.0, found_secs: 12.0 },
        Refusal::Empty,
        Refusal::Silent,
        Refusal::TooShort,
        Refusal::TooLong { max_secs: 14_400 },
        Refusal::TooLarge,
        Refusal::TooSlow,
        Refusal::OddRate { hertz: 1 },
        Refusal::OddChannels { channels: 12 },
        Refusal::OddBits { bits: 4 },
        Refusal::Changes,
        Refusal::NotNumbers { count: 12 },
        Refusal::Ours { why: "no space left on device (os error 28)".into() },
    ];
    let (mut slugs, mut sentences) = (HashSet::new(), HashSet::new());
    for refusal in &all {
        // A new variant must be written above: this match fails to compile without it.
        match refusal {
            Refusal::NotSound { .. } | Refusal::Unsupported { .. } | Refusal::Damaged => {}
            Refusal::CutOff { .. } | Refusal::Empty | Refusal::Silent | Refusal::TooShort => {}
            Refusal::TooLong { .. } | Refusal::TooLarge | Refusal::TooSlow | Refusal::OddRate { .. } => {}
            Refusal::OddChannels { .. } | Refusal::OddBits { .. } | Refusal::Changes => {}
            Refusal::NotNumbers { .. } | Refusal::Ours { .. } => {}
        }
        let text = refusal.to_string();
        assert!(
            text.ends_with('.') && text.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit()),
            "{text}"
        );
        assert!((25..300).contains(&text.len()), "{text}");
        for word in ["os error", "Error", "{", "  ", "NaN", "inf", "None", "Some(", "..", "packet"] {
            assert!(!text.contains(word), "{word} in: {text}");
        }
        slugs.insert(refusal.slug());
        sentences.insert(text);
    }
    assert_eq!((slugs.len(), sentences.len()), (all.len() - 2, all.len()));
    assert_eq!(
        Refusal::CutOff { declared_secs: 62.0, found_secs: 9.96 }.to_string(),
        "This file says that it lasts 1:02, but only 0:10 of sound is in it: it was cut off, or says something \
         untrue about itself. Please export it again and upload the new file."
    );
    assert!(all.iter().filter(|refusal| refusal.is_ours()).count() == 1);
}

#[test]
fn hollow_sounds_are_refused_by_name() {
    let music = band(RATE, 120.0, 0, false, 1.0);
    let refused = |bytes: &[u8]| match examined(bytes, 60) {
        Err(refusal) => refusal.slug(),
        Ok(_) => "taken",
    };
    let wav = |sound: &[f32]| wav::bytes(RATE, 2, 16, sound);
    assert_eq!(refused(&wav(&music)), "taken");
    assert_eq!(refused(b""), "empty");
    assert_eq!(refused(&wav(&[])), "empty");
    assert_eq!(refused(&wav(&music[..2000])), "too_short");
    assert_eq!(refused(&wav(&vec![0.0; 44_100])), "silent");
    assert_eq!(refused(&wav(&scaled(&music, 1e-4))), "silent");
    assert_eq!(refused(&wav(&scaled(&music, 0.005))), "taken");
    let task = || Task::Examine { motif: KEY, preview: KEY, sample: KEY, sample_secs: 60 };
    let long = worked(&wav(&music.repeat(3)), task(), 2).err();
    assert_eq!(long, Some(Refusal::TooLong { max_secs: 2 }));
}
