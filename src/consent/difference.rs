//! What two editions of the privacy page say differently, word for word.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use rocket::{State, get};
use serde::Serialize;

use super::routes::{day_of, edition_html};
use crate::App;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::web::{Page, Reply, View};

/// Elements that begin and end a paragraph, as people read it.
const BLOCKS: [&str; 14] =
    ["p", "li", "ul", "ol", "h1", "h2", "h3", "tr", "dt", "dd", "table", "thead", "tbody", "section"];
/// How the frame of an earlier edition begins; it is no part of what that edition said.
const FRAME: &str = "This is an earlier edition.";

/// What became of some words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    Same,
    Gone,
    New,
}

/// Words that follow on one another and had the same fate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Piece {
    pub is: Fate,
    pub words: String,
}

/// The paragraphs of the article in a page, without their markup.
pub fn paragraphs(html: &str) -> Vec<String> {
    let article = html.split_once("<article").and_then(|(_, rest)| rest.split_once('>'));
    let mut rest = article.map_or("", |(_, rest)| rest.split("</article>").next().unwrap_or_default());
    let (mut all, mut text) = (vec![], String::new());
    loop {
        let (words, more) = rest.split_once('<').unwrap_or((rest, ""));
        text.push_str(words);
        if more.is_empty() {
            all.push(text);
            break;
        }
        let (tag, after) = more.split_once('>').unwrap_or((more, ""));
        let name = tag.trim_start_matches('/').split([' ', '\n']).next().unwrap_or_default();
        if BLOCKS.contains(&name) {
            all.push(std::mem::take(&mut text));
        } else if matches!(name, "td" | "th") {
            text.push(' ');
        }
        rest = after;
    }
    let squeezed = |text: &String| plain(text).split_whitespace().collect::<Vec<_>>().join(" ");
    all.iter().map(squeezed).filter(|text| !text.is_empty() && !text.starts_with(FRAME)).collect()
}

fn plain(text: &str) -> String {
    let mut text = text.to_owned();
    // The last of them is the one that the others begin with.
    for (written, read) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#39;", "'"),
        ("&#x2F;", "/"),
        ("&amp;", "&"),
    ] {
        text = text.replace(written, read);
    }
    text
}

/// Words, and between paragraphs nothing.
fn tokens(paragraphs: &[String]) -> Vec<Option<&str>> {
    paragraphs.iter().flat_map(|text| text.split(' ').map(Some).chain([None])).collect()
}

/// Both texts as one: what they share, what only the first has, what only the second has. As much as can be is shared.
pub fn between(before: &[String], after: &[String]) -> Vec<Vec<Piece>> {
    let (old, new) = (tokens(before), tokens(after));
    let width = new.len() + 1;
    // How much can still be shared from here on.
    let mut longest = vec![0u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            longest[i * width + j] = match old[i] == new[j] {
                true => longest[(i + 1) * width + j + 1] + 1,
                false => longest[(i + 1) * width + j].max(longest[i * width + j + 1]),
            };
        }
    }
    let (mut all, mut i, mut j) = (vec![vec![]], 0, 0);
    while i < old.len() || j < new.len() {
        let (is, token) = if i < old.len() && j < new.len() && old[i] == new[j] {
            (i, j) = (i + 1, j + 1);
            (Fate::Same, old[i - 1])
        } else if j == new.len()
            || i < old.len() && longest[(i + 1) * width + j] >= longest[i * width + j + 1]
        {
            i += 1;
            (Fate::Gone, old[i - 1])
        } else {
            j += 1;
            (Fate::New, new[j - 1])
        };
        take(&mut all, is, token);
    }
    all.retain(|paragraph| !paragraph.is_empty());
    all
}

fn take(all: &mut Vec<Vec<Piece>>, is: Fate, token: Option<&str>) {
    match (all.last_mut(), token) {
        (Some(paragraph), Some(word)) => match paragraph.last_mut() {
            Some(piece) if piece.is == is => {
                piece.words.push(' ');
                piece.words.push_str(word);
            }
            _ => paragraph.push(Piece { is, words: word.to_owned() }),
        },
        _ => all.push(vec![]),
    }
}

/// Differences that were worked out. Editions say the same as long as a process runs, and to hold two against each other
/// takes longer than a page may.
#[derive(Default)]
pub struct Differences(Mutex<HashMap<[String; 2], Vec<Vec<Piece>>>>);

impl Differences {
    /// The difference between the editions of two days, made once. An error of making it is kept by nobody.
    fn of(&self, days: [&str; 2], make: impl FnOnce() -> Result<Vec<Vec<Piece>>>) -> Result<Vec<Vec<Piece>>> {
        let days = days.map(str::to_owned);
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = known().get(&days) {
            return Ok(made.clone());
        }
        let made = make()?;
        known().insert(days, made.clone());
        Ok(made)
    }
}

/// `/privacy/difference/<day>/<edition>`.
#[derive(Serialize)]
pub struct DifferencePage {
    before: Timestamp,
    after: Timestamp,
    paragraphs: Vec<Vec<Piece>>,
    differs: bool,
}

impl DifferencePage {
    fn new(before: Timestamp, after: Timestamp, paragraphs: Vec<Vec<Piece>>) -> DifferencePage {
        let differs = paragraphs.iter().flatten().any(|piece| piece.is != Fate::Same);
        DifferencePage { before, after, paragraphs, differs }
    }
}

impl View for DifferencePage {
    const TEMPLATE: &'static str = "consent/difference.html";

    fn samples() -> Vec<DifferencePage> {
        let text = |words: &str| vec![words.to_owned()];
        let (now, then) = (Timestamp(1_795_600_000_000), Timestamp(1_795_000_000_000));
        vec![
            DifferencePage::new(
                then,
                now,
                between(&text("We keep <nothing> of it"), &text("We keep all of it")),
            ),
            DifferencePage::new(now, now, between(&text("We keep it"), &text("We keep it"))),
        ]
    }
}

/// What the second of two editions says that the first did not, and the other way round.
#[get("/privacy/difference/<day>/<edition>")]
pub fn show(
    day: &str,
    edition: &str,
    page: Page,
    known: &State<Differences>,
    app: &State<App>,
) -> Result<Reply> {
    let all = known.of([day, edition], || {
        let before = paragraphs(&edition_html(day, &page, app)?);
        let after = paragraphs(&edition_html(edition, &page, app)?);
        Ok(between(&before, &after))
    })?;
    page.show(&DifferencePage::new(day_of(day), day_of(edition), all))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    /// S0-20: both texts can be read from the difference, nothing is lost and nothing is made up; and no more is said to differ
    /// than does.
    #[test]
    fn a_difference_holds_both_texts_whole() {
        let lines = |text: &str| -> Vec<String> { text.lines().map(str::to_owned).collect() };
        for (before, after, changed) in [
            ("", "", 0),
            ("a b c", "a b c", 0),
            ("a b c", "", 3),
            ("", "a b", 2),
            ("we keep it", "we keep all of it", 2),
            ("one two\nthree four", "one two\nnew line\nthree five", 4),
            ("x y x y", "y x y x", 2),
        ] {
            let (old, new) = (lines(before), lines(after));
            let all = between(&old, &new);
            let of = |is: Fate| -> Vec<String> {
                let some = all.iter().flatten().filter(|piece| piece.is == Fate::Same || piece.is == is);
                some.flat_map(|piece| piece.words.split(' ').map(str::to_owned)).collect()
            };
            assert_eq!(of(Fate::Gone), old.join(" ").split_whitespace().collect::<Vec<_>>(), "{before:?}");
            assert_eq!(of(Fate::New), new.join(" ").split_whitespace().collect::<Vec<_>>(), "{after:?}");
            let differ = all.iter().flatten().filter(|piece| piece.is != Fate::Same);
            let words: usize = differ.map(|piece| piece.words.split(' ').count()).sum();
            assert_eq!(words, changed, "{before:?} {after:?}");
        }
        let html = "<article class=\"x\"><p class=\"warning\"><b>This is an earlier edition.</b></p><h1>What &amp; why</h1>\
                    <ul><li>One <a href=\"/a\">link</a>.</li></ul><table><tr><th>al</th><td>a day</td></tr></table></article><p>no";
        assert_eq!(paragraphs(html), ["What & why", "One link.", "al a day"]);
        // Made once; what could not be made is asked for again.
        let (known, mut times) = (Differences::default(), 0);
        for make in [Err(Error::NotFound), Ok(between(&[], &[])), Err(Error::NotFound)] {
            let is_made = known.of(["then", "now"], || {
                times += 1;
                make
            });
            assert_eq!(is_made.is_ok(), times == 2);
        }
        assert_eq!(times, 2);
    }
}
