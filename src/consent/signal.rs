//! What a device, an operating system or a browser says of its user's age. It can only make somebody younger, and nothing
//! that anybody declares makes up for it.
//!
//! California has systems tell programs one of four brackets from 1 January 2027 (AB 1043, Civil Code 1798.500: under 13,
//! 13 to 15, 16 and 17, 18 and more) and takes whoever received one for knowing it; New York's Child Data Protection Act
//! binds sites to such a signal, too. As of November 2026 programs ask by interfaces of their system, and no header for the
//! web is agreed upon. So which header it is, and what its values mean, is the operator's setting, and there is none by
//! itself. A lawyer must look at it before a launch.

use std::convert::Infallible;

use rocket::Request;
use rocket::request::{FromRequest, Outcome};

use super::age::{Answer, Band, Thresholds};
use crate::App;

/// The brackets as Play Age Signals names them (read November 2026), each with the oldest age it allows. That of grown-ups
/// says nothing here.
pub const BRACKETS: [(&str, u32); 3] = [("0-12", 12), ("13-15", 15), ("16-17", 17)];

/// A header that carries a bracket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgeSignal {
    pub header: String,
    /// Each value that means something, with the oldest age somebody of it can have.
    pub oldest: Vec<(String, u32)>,
    /// Whether it counts only where a trusted proxy handed it on.
    pub by_proxy: bool,
}

impl AgeSignal {
    /// The band that these lines of the header leave possible: of several the youngest counts, and what is not known says
    /// nothing.
    pub fn band<'a>(&self, lines: impl Iterator<Item = &'a str>, at: Thresholds) -> Option<Band> {
        let oldest = lines.flat_map(|line| line.split(',')).filter_map(|item| self.oldest_of(item)).min()?;
        match oldest {
            years if years < at.minimum => Some(Band::Child),
            years if years < at.adult => Some(Band::Minor),
            _ => None,
        }
    }

    /// A word, or a word in quotes, with or without parameters (RFC 9651).
    fn oldest_of(&self, item: &str) -> Option<u32> {
        let word = item.split(';').next().unwrap_or_default().trim().trim_matches('"');
        self.oldest.iter().find(|(value, _)| value.eq_ignore_ascii_case(word)).map(|(_, years)| *years)
    }
}

/// What was said in a request of its sender's age, if anything was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said(pub Option<Band>);

impl Said {
    /// What this request says.
    pub fn of(request: &Request<'_>) -> Said {
        let Some(app) = request.rocket().state::<App>() else { return Said(None) };
        let Some(signal) = &app.config.age.signal else { return Said(None) };
        let trusted = request
            .remote()
            .is_some_and(|remote| app.config.trusted_proxies.iter().any(|net| net.holds(remote.ip())));
        if signal.by_proxy && !trusted {
            return Said(None);
        }
        Said(signal.band(request.headers().get(&signal.header), app.consent.thresholds(None, &[])))
    }

    /// The younger of an answer and what was said. When the next band of the younger begins is not known.
    pub fn lowers(self, answer: Answer) -> Answer {
        self.0.filter(|band| *band < answer.band).map_or(answer, Answer::from)
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Said {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Said, Infallible> {
        Outcome::Success(Said::of(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::age::Month;

    fn signal() -> AgeSignal {
        let oldest = BRACKETS.iter().map(|(value, years)| ((*value).to_owned(), *years)).collect();
        AgeSignal { header: "Age-Bracket".into(), oldest, by_proxy: false }
    }

    /// T-AGE-9, R-SG-11: a bracket is the band of its oldest; the youngest of several counts; anything else says nothing.
    #[test]
    fn a_bracket_means_the_band_of_its_oldest() {
        let band =
            |lines: &[&str], minimum| signal().band(lines.iter().copied(), Thresholds { minimum, adult: 18 });
        for (lines, is) in [
            (&["0-12"][..], Some(Band::Child)),
            (&["13-15"], Some(Band::Minor)),
            (&[" \"16-17\";v=1 "], Some(Band::Minor)),
            (&["18+"], None),
            (&["18+", "13-15"], Some(Band::Minor)),
            (&["13-15, 0-12"], Some(Band::Child)),
            (&["", "13", "minor", "0-12x"], None),
            (&[], None),
        ] {
            assert_eq!(band(lines, 13), is, "{lines:?}");
        }
        // Somebody of fifteen may be fourteen, and is then no child where that is the minimum; where it is sixteen they are.
        assert_eq!((band(&["13-15"], 14), band(&["13-15"], 16)), (Some(Band::Minor), Some(Band::Child)));
    }

    /// R-EN-2, R-SG-11: it only lowers.
    #[test]
    fn nobody_grows_older_by_a_signal() {
        let next = Month::parse("2030-01");
        for said in [None, Some(Band::Child), Some(Band::Minor)] {
            for band in [Band::Child, Band::Minor, Band::Adult] {
                let answer = Answer { band, next };
                let is = Said(said).lowers(answer);
                assert_eq!(is.band, said.map_or(band, |said| said.min(band)));
                assert!(is == answer || is.next.is_none());
            }
        }
    }
}
