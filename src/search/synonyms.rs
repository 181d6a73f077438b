//! Words that mean each other: the list that comes with the program, and what the operator adds to it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use super::words::phrase;

/// A word or a few, as the index keeps them.
pub type Phrase = Vec<String>;

/// Words in a phrase.
pub const PHRASE: usize = 4;
/// The list that comes with the program, which says how such a list is written.
const LIST: &str = include_str!("synonyms.txt");

static BUILT_IN: LazyLock<Arc<Synonyms>> = LazyLock::new(|| {
    let mut all = Synonyms::default();
    for (_, line) in lines(LIST) {
        // A test holds that each of them is one.
        let _ = all.take(line);
    }
    Arc::new(all)
});

/// What each phrase also finds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Synonyms(HashMap<Phrase, Vec<Phrase>>);

impl Synonyms {
    /// Those of the program's own list.
    pub fn built_in() -> Arc<Synonyms> {
        Arc::clone(&BUILT_IN)
    }

    /// The built-in ones and those of another list beside them. The error is every line of it that is none, a sentence
    /// each.
    pub fn with(list: &str) -> Result<Synonyms, Vec<String>> {
        let mut all = Synonyms::clone(&BUILT_IN);
        let faults: Vec<String> = lines(list)
            .filter_map(|(n, line)| all.take(line).err().map(|why| format!("line {n} ({line:?}) {why}")))
            .collect();
        if faults.is_empty() { Ok(all) } else { Err(faults) }
    }

    /// What a phrase also finds.
    pub fn of(&self, phrase: &[String]) -> &[Phrase] {
        self.0.get(phrase).map(Vec::as_slice).unwrap_or_default()
    }

    /// Takes in a line, or says why it is none and takes in nothing of it.
    fn take(&mut self, line: &str) -> Result<(), &'static str> {
        let phrases = |list: &str| list.split(',').map(phrase).collect::<Vec<Phrase>>();
        let (from, to) = match line.split_once("=>") {
            Some((from, to)) => (phrases(from), phrases(to)),
            None => (phrases(line), phrases(line)),
        };
        let all = || from.iter().chain(&to);
        if all().any(Vec::is_empty) {
            return Err("has nothing where a word should be");
        }
        if all().any(|phrase| phrase.len() > PHRASE) {
            return Err("has a phrase of more than four words");
        }
        if from.iter().all(|one| to.iter().all(|other| one == other)) {
            return Err("has no word that would mean another");
        }
        for phrase in &from {
            let found = self.0.entry(phrase.clone()).or_default();
            for other in &to {
                if other != phrase && !found.contains(other) {
                    found.push(other.clone());
                }
            }
        }
        Ok(())
    }
}

/// The lines of a list that are neither empty nor a remark, with their numbers.
fn lines(list: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = list.lines().enumerate().map(|(n, line)| (n + 1, line.trim()));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(synonyms: &Synonyms, words: &str) -> Vec<String> {
        synonyms.of(&phrase(words)).iter().map(|words| words.join(" ")).collect()
    }

    #[test]
    fn every_line_of_the_built_in_list_says_something() {
        assert_eq!(Synonyms::with(LIST).as_ref(), Ok(&*Synonyms::built_in()));
        assert!(Synonyms::built_in().0.len() > 150);
    }

    #[test]
    fn a_list_of_the_operators_stands_beside_the_built_in_one() {
        let list = "# ours\n\n Gong , Tamtams\nbrolly => um-brella\nfilm, biopic\n";
        let all = Synonyms::with(list).unwrap();
        assert_eq!(found(&all, "gong"), ["tamtam"]);
        assert_eq!(found(&all, "tamtams"), ["gong"]);
        assert_eq!(found(&all, "brolly"), ["um brella"]);
        assert!(found(&all, "um brella").is_empty());
        let film = found(&all, "film");
        assert!(film.contains(&"biopic".to_owned()) && film.contains(&"cinematic".to_owned()));
        assert!(found(&Synonyms::built_in(), "gong").is_empty());
    }

    #[test]
    fn every_line_that_is_none_is_said() {
        let faults = Synonyms::with("rain\nrain, , hail\na b c d e, f\nrain, RAINS\n=> rain\nhail, sleet")
            .unwrap_err();
        let said = [
            "line 1 (\"rain\") has no word that would mean another",
            "line 2 (\"rain, , hail\") has nothing where a word should be",
            "line 3 (\"a b c d e, f\") has a phrase of more than four words",
            "line 4 (\"rain, RAINS\") has no word that would mean another",
            "line 5 (\"=> rain\") has nothing where a word should be",
        ];
        assert_eq!(faults, said);
    }
}
