//! Which bytes a request wants, and whether it needs any: RFC 9110, sections 13 and 14. Pure.

use std::fmt::Write;

use chrono::{DateTime, NaiveDateTime};

use crate::clock::Timestamp;

/// More ranges in one request than any player asks for; beyond it the whole file is sent.
pub const MOST_RANGES: usize = 16;

/// What a request says it has, and what it wants. Lines of one name are joined with commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Whether only the head of the answer is wanted (`HEAD`), to which ranges do not apply.
    pub head: bool,
    pub range: Option<String>,
    pub if_range: Option<String>,
    pub if_none_match: Option<String>,
    pub if_match: Option<String>,
    pub if_modified_since: Option<String>,
    pub if_unmodified_since: Option<String>,
}

/// The file in question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFacts {
    pub len: u64,
    /// A strong tag without its quotes: other bytes, another tag.
    pub etag: String,
    pub modified: Timestamp,
}

impl FileFacts {
    /// The `ETag` header.
    pub fn tag(&self) -> String {
        format!("\"{}\"", self.etag)
    }
}

/// The bytes from `start` to before `end`; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: u64,
    pub end: u64,
}

impl Span {
    /// How many bytes.
    pub fn size(self) -> u64 {
        self.end - self.start
    }

    /// The `Content-Range` header for these bytes of so many.
    pub fn content_range(self, len: u64) -> String {
        format!("bytes {}-{}/{len}", self.start, self.end - 1)
    }
}

/// What to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// 200.
    Whole,
    /// 206 with these bytes.
    One(Span),
    /// 206 as `multipart/byteranges`: two spans or more, none touching another.
    Many(Vec<Span>),
    /// 304.
    NotModified,
    /// 416 with `Content-Range: bytes */len`.
    Unsatisfiable,
    /// 412.
    PreconditionFailed,
}

/// Decides in the order of RFC 9110, section 13.2.2.
pub fn decide(asked: &Conditions, file: &FileFacts) -> Decision {
    let since =
        |date: &Option<String>| date.as_deref().and_then(http_date).map(|date| file.modified.secs() > date);
    let unchanged = match &asked.if_match {
        Some(tags) => lists(tags, &file.etag, Strength::Strong),
        None => since(&asked.if_unmodified_since) != Some(true),
    };
    if !unchanged {
        return Decision::PreconditionFailed;
    }
    let known = match &asked.if_none_match {
        Some(tags) => lists(tags, &file.etag, Strength::Weak),
        None => since(&asked.if_modified_since) == Some(false),
    };
    if known {
        return Decision::NotModified;
    }
    match &asked.range {
        Some(range) if !asked.head && is_current(asked.if_range.as_deref(), file) => spans(range, file.len),
        _ => Decision::Whole,
    }
}

/// Whether what the asker holds a part of is this file (section 13.1.5): the same strong tag, or exactly its date.
fn is_current(if_range: Option<&str>, file: &FileFacts) -> bool {
    let Some(validator) = if_range.map(str::trim) else { return true };
    if validator.starts_with('"') || validator.starts_with("W/") {
        return validator == file.tag();
    }
    http_date(validator) == Some(file.modified.secs())
}

#[derive(Clone, Copy, PartialEq)]
enum Strength {
    Strong,
    Weak,
}

/// Whether a list of tags names this one (section 8.8.3.2). A tag may hold commas, so the list is read tag by tag.
fn lists(tags: &str, etag: &str, strength: Strength) -> bool {
    let mut rest = tags.trim();
    if rest == "*" {
        return true;
    }
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let weak = rest.strip_prefix("W/");
        let Some((tag, after)) = weak.unwrap_or(rest).strip_prefix('"').and_then(|tag| tag.split_once('"'))
        else {
            return false;
        };
        if tag == etag && (weak.is_none() || strength == Strength::Weak) {
            return true;
        }
        rest = after;
    }
}

/// Seconds since 1970 of a date in one of the three shapes of section 5.6.7.
fn http_date(text: &str) -> Option<i64> {
    let shapes = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let read = |shape| NaiveDateTime::parse_from_str(text.trim(), shape).ok();
    shapes.into_iter().find_map(read).map(|date| date.and_utc()).map(|date: DateTime<_>| date.timestamp())
}

/// What cannot be read counts as not said (section 14.2).
fn spans(range: &str, len: u64) -> Decision {
    let Some(list) = range.split_once('=').filter(|(unit, _)| unit.trim().eq_ignore_ascii_case("bytes"))
    else {
        return Decision::Whole;
    };
    let mut asked = 0;
    let mut found: Vec<Span> = vec![];
    for spec in list.1.split(',').map(|spec| spec.trim_matches([' ', '\t'])).filter(|spec| !spec.is_empty()) {
        asked += 1;
        match span(spec, len) {
            Spec::Bytes(span) if asked <= MOST_RANGES => coalesce(&mut found, span),
            Spec::Beyond if asked <= MOST_RANGES => {}
            _ => return Decision::Whole,
        }
    }
    match (asked, &found[..]) {
        (0, _) => Decision::Whole,
        (_, []) => Decision::Unsatisfiable,
        (_, [one]) => Decision::One(*one),
        _ => Decision::Many(found),
    }
}

enum Spec {
    Bytes(Span),
    /// No byte of it exists.
    Beyond,
    Unreadable,
}

fn span(spec: &str, len: u64) -> Spec {
    let Some((first, last)) = spec.split_once('-') else { return Spec::Unreadable };
    let span = match (first, last) {
        ("", suffix) => number(suffix).map(|suffix| (len.saturating_sub(suffix), len)),
        (first, "") => number(first).map(|first| (first, len)),
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Some((first, last.saturating_add(1).min(len))),
            _ => None,
        },
    };
    match span {
        None => Spec::Unreadable,
        Some((start, end)) if start < end => Spec::Bytes(Span { start, end }),
        Some(_) => Spec::Beyond,
    }
}

/// Digits only; a number too large for us is beyond every file.
fn number(digits: &str) -> Option<u64> {
    let fine = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    fine.then(|| digits.parse().unwrap_or(u64::MAX))
}

/// Adds a span in the order of asking; what overlaps or touches becomes one, at the place of the first.
fn coalesce(found: &mut Vec<Span>, mut new: Span) {
    let mut place = found.len();
    while let Some(at) = found.iter().position(|old| old.start <= new.end && new.start <= old.end) {
        let old = found.remove(at);
        new = Span { start: new.start.min(old.start), end: new.end.max(old.end) };
        place = place.min(at).min(found.len());
    }
    found.insert(place, new);
}

/// The frame of a `multipart/byteranges` body (section 14.6).
#[derive(Clone, Debug)]
pub struct Multipart {
    /// What comes before each span's bytes.
    pub heads: Vec<String>,
    /// What comes after the last.
    pub tail: String,
    /// Bytes of the whole body.
    pub len: u64,
}

impl Multipart {
    /// Frames these spans of a file of `len` bytes. The boundary must not occur in the file.
    pub fn new(spans: &[Span], kind: &str, len: u64, boundary: &str) -> Multipart {
        let mut heads = vec![];
        for (n, span) in spans.iter().enumerate() {
            let mut head = String::from(if n == 0 { "" } else { "\r\n" });
            let range = span.content_range(len);
            let _ = write!(head, "--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: {range}\r\n\r\n");
            heads.push(head);
        }
        let tail = format!("\r\n--{boundary}--\r\n");
        let frame = heads.iter().map(String::len).sum::<usize>() + tail.len();
        let len = frame as u64 + spans.iter().map(|span| span.size()).sum::<u64>();
        Multipart { heads, tail, len }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DATE: &str = "Sun, 09 Sep 2001 01:46:40 GMT";

    fn file(len: u64) -> FileFacts {
        FileFacts { len, etag: "a,b".into(), modified: Timestamp(1_000_000_000_400) }
    }

    fn ask(range: &str, len: u64) -> Decision {
        decide(&Conditions { range: Some(range.into()), ..Conditions::default() }, &file(len))
    }

    fn one(start: u64, end: u64) -> Decision {
        Decision::One(Span { start, end })
    }

    fn many(spans: &[(u64, u64)]) -> Decision {
        Decision::Many(spans.iter().map(|&(start, end)| Span { start, end }).collect())
    }

    #[test]
    fn a_range_is_read_as_the_standard_says() {
        for (range, len, wanted) in [
            ("bytes=0-0", 10, one(0, 1)),
            ("bytes=0-", 10, one(0, 10)),
            ("BYTES=3-5", 10, one(3, 6)),
            ("bytes=5-99", 10, one(5, 10)),
            ("bytes=5-99999999999999999999999", 10, one(5, 10)),
            ("bytes=-3", 10, one(7, 10)),
            ("bytes=-30", 10, one(0, 10)),
            ("bytes=-99999999999999999999999", 10, one(0, 10)),
            ("bytes= 0-1 ,, 4-5 ,", 10, many(&[(0, 2), (4, 6)])),
            ("bytes=4-5,0-1", 10, many(&[(4, 6), (0, 2)])),
            ("bytes=0-1,20-30", 10, one(0, 2)),
            ("bytes=0-5,4-6", 10, one(0, 7)),
            ("bytes=0-1,2-3", 10, one(0, 4)),
            ("bytes=0-1,8-9,1-8", 10, one(0, 10)),
            ("bytes=8-9,0-1,3-4,0-3", 10, many(&[(8, 10), (0, 5)])),
            ("bytes=10-", 10, Decision::Unsatisfiable),
            ("bytes=99999999999999999999999-", 10, Decision::Unsatisfiable),
            ("bytes=-0", 10, Decision::Unsatisfiable),
            ("bytes=10-11,-0", 10, Decision::Unsatisfiable),
            ("bytes=0-", 0, Decision::Unsatisfiable),
            ("bytes=5-4", 10, Decision::Whole),
            ("bytes=5-4,0-1", 10, Decision::Whole),
            ("bytes=a-b", 10, Decision::Whole),
            ("bytes=+1-2", 10, Decision::Whole),
            ("bytes=1 - 2", 10, Decision::Whole),
            ("bytes=-", 10, Decision::Whole),
            ("bytes=", 10, Decision::Whole),
            ("bytes", 10, Decision::Whole),
            ("lines=0-1", 10, Decision::Whole),
        ] {
            assert_eq!(ask(range, len), wanted, "{range} of {len}");
        }
    }

    #[test]
    fn more_than_sixteen_ranges_get_the_whole() {
        let list = |n: u64| (0..n).map(|i| format!("{}-{}", i * 4, i * 4)).collect::<Vec<_>>().join(",");
        assert!(matches!(ask(&format!("bytes={}", list(16)), 1000), Decision::Many(s) if s.len() == 16));
        assert_eq!(ask(&format!("bytes={}", list(17)), 1000), Decision::Whole);
        assert_eq!(ask(&format!("bytes={}", list(17)), 1), Decision::Whole);
    }

    #[test]
    fn conditions_count_in_the_order_of_the_standard() {
        let later = "Sun, 09 Sep 2001 01:46:41 GMT";
        let before = "Sun, 09 Sep 2001 01:46:39 GMT";
        let part = || one(0, 2);
        let (ours, weak, other) = ("\"a,b\"", "W/\"a,b\"", "\"x\"");
        // [If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since, If-Range]
        for (said, wanted) in [
            (["", "", "", "", ""], part()),
            ([ours, "", "", "", ""], part()),
            (["*", "", "", "", ""], part()),
            (["\"x\", \"a,b\"", "", "", "", ""], part()),
            ([weak, "", "", "", ""], Decision::PreconditionFailed),
            ([other, "", ours, "", ""], Decision::PreconditionFailed),
            ([ours, before, "", "", ""], part()),
            (["", before, "", "", ""], Decision::PreconditionFailed),
            (["", DATE, "", "", ""], part()),
            (["", "yesterday", "", "", ""], part()),
            (["", "", ours, "", ""], Decision::NotModified),
            (["", "", weak, "", ""], Decision::NotModified),
            (["", "", "\"x\" , W/\"y\",\"a,b\"", "", ""], Decision::NotModified),
            (["", "", "*", "", ""], Decision::NotModified),
            (["", "", other, DATE, ""], part()),
            (["", "", "a,b", "", ""], part()),
            (["", "", "", DATE, ""], Decision::NotModified),
            (["", "", "", later, ""], Decision::NotModified),
            (["", "", "", before, ""], part()),
            (["", "", "", "yesterday", ""], part()),
            (["", "", "", "", ours], part()),
            (["", "", "", "", weak], Decision::Whole),
            (["", "", "", "", other], Decision::Whole),
            (["", "", "", "", DATE], part()),
            (["", "", "", "", "Sunday, 09-Sep-01 01:46:40 GMT"], part()),
            (["", "", "", "", "Sun Sep  9 01:46:40 2001"], part()),
            (["", "", "", "", later], Decision::Whole),
            (["", "", "", "", "yesterday"], Decision::Whole),
        ] {
            let [a, b, c, d, e] = said.map(|text| (!text.is_empty()).then(|| text.to_owned()));
            let asked = Conditions {
                head: false,
                range: Some("bytes=0-1".into()),
                if_match: a,
                if_unmodified_since: b,
                if_none_match: c,
                if_modified_since: d,
                if_range: e,
            };
            assert_eq!(decide(&asked, &file(10)), wanted, "{said:?}");
        }
    }

    #[test]
    fn a_head_request_has_no_ranges() {
        let asked = Conditions { head: true, range: Some("bytes=0-1".into()), ..Conditions::default() };
        assert_eq!(decide(&asked, &file(10)), Decision::Whole);
        assert_eq!(
            decide(&Conditions { if_none_match: Some("*".into()), ..asked }, &file(10)),
            Decision::NotModified
        );
    }

    /// Takes a multipart body apart by its own `Content-Range` lines.
    fn reassemble(body: &[u8], boundary: &str, into: &mut [Option<u8>]) {
        let mut rest = body;
        loop {
            let head_end = rest.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
            let head = std::str::from_utf8(&rest[..head_end]).unwrap();
            assert!(head.trim_start_matches("\r\n").starts_with(&format!("--{boundary}\r\n")), "{head}");
            let range = head.split("Content-Range: bytes ").nth(1).unwrap().split('/').next().unwrap();
            let (first, last) = range.split_once('-').unwrap();
            let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
            for (at, byte) in (first..=last).zip(&rest[head_end..]) {
                into[at] = Some(*byte);
            }
            rest = &rest[head_end + last - first + 1..];
            if rest == format!("\r\n--{boundary}--\r\n").as_bytes() {
                return;
            }
        }
    }

    proptest! {
        #[test]
        fn nothing_said_goes_beyond_the_file(range in "bytes=[0-9,\\- ]{0,60}", len in 0u64..200) {
            match ask(&range, len) {
                Decision::One(span) => prop_assert!(span.start < span.end && span.end <= len),
                Decision::Many(spans) => {
                    prop_assert!(spans.len() >= 2 && spans.len() <= MOST_RANGES);
                    for (n, a) in spans.iter().enumerate() {
                        prop_assert!(a.start < a.end && a.end <= len);
                        prop_assert!(spans[..n].iter().all(|b| a.end < b.start || b.end < a.start));
                    }
                }
                _ => {}
            }
        }

        #[test]
        fn every_byte_asked_for_comes_and_no_other(
            asked in prop::collection::vec((0u64..120, 0u64..40), 1..=MOST_RANGES),
            bytes in prop::collection::vec(any::<u8>(), 1..100),
        ) {
            let len = bytes.len() as u64;
            let list: Vec<String> = asked.iter().map(|(first, more)| format!("{first}-{}", first + more)).collect();
            let wants = |at: u64| asked.iter().any(|(first, more)| (*first..=first + more).contains(&at));
            let mut got = vec![None; bytes.len()];
            match ask(&format!("bytes={}", list.join(",")), len) {
                Decision::One(span) => {
                    for at in span.start..span.end {
                        got[at as usize] = Some(bytes[at as usize]);
                    }
                }
                Decision::Many(spans) => {
                    let frame = Multipart::new(&spans, "audio/mpeg", len, "edge");
                    let mut body = vec![];
                    for (head, span) in frame.heads.iter().zip(&spans) {
                        body.extend(head.as_bytes());
                        body.extend(&bytes[span.start as usize..span.end as usize]);
                    }
                    body.extend(frame.tail.as_bytes());
                    prop_assert_eq!(body.len() as u64, frame.len);
                    reassemble(&body, "edge", &mut got);
                }
                Decision::Unsatisfiable => prop_assert!(asked.iter().all(|(first, _)| *first >= len)),
                other => prop_assert!(false, "{:?}", other),
            }
            for (at, byte) in got.into_iter().enumerate() {
                prop_assert_eq!(byte, wants(at as u64).then_some(bytes[at]), "byte {}", at);
            }
        }
    }
}
