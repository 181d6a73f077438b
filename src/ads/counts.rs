//! How often one browser was shown what today, kept by that browser alone.
//!
//! A cap for each visitor needs a memory of the visitor. It is theirs: a session cookie, sealed, with a day and numbers
//! beside short names of campaigns. There is no identifier in it, and two browsers that were shown the same carry the
//! same text under their seals. Still it is not necessary for a page to work (ePrivacy Directive, article 5(3); Working
//! Party 29, opinion 04/2012, names frequency capping among what is not exempt, of advertisements of others; for a lawyer
//! to check), so it is set only for those who ask for it among their wishes: then it is what a service they asked for
//! needs. Everyone else is kept from tedium by turns: where several advertisements fit a page equally well, each is shown
//! in its turn, whoever looks.

use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::ids::CampaignId;

/// So many campaigns are counted; one more counts as shown too often.
const MOST: usize = 40;

/// What a browser was shown on one day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    day: String,
    shown: BTreeMap<String, u32>,
}

/// Ids begin with their time; where they end they differ.
fn short(id: &CampaignId) -> &str {
    &id.as_str()[22..]
}

impl Counts {
    /// What the browser says, if it says it of today.
    pub fn read(line: &str, now: Timestamp) -> Counts {
        let mut words = line.split(' ');
        let day = now.day();
        if words.next() != Some(day.as_str()) {
            return Counts { day, shown: BTreeMap::new() };
        }
        let pair = |word: &str| {
            let (name, count) = word.split_once('.')?;
            Some((name.to_owned(), count.parse().ok()?))
        };
        Counts { day, shown: words.filter_map(pair).take(MOST).collect() }
    }

    pub fn write(&self) -> String {
        let mut line = self.day.clone();
        for (name, count) in &self.shown {
            line += &format!(" {name}.{count}");
        }
        line
    }

    /// Whether a campaign was shown so often that it is not shown again today.
    pub fn are_at(&self, id: &CampaignId, most: i32) -> bool {
        match self.shown.get(short(id)) {
            Some(count) => i64::from(*count) >= i64::from(most),
            None => self.shown.len() >= MOST,
        }
    }

    /// Counts one more.
    pub fn count(&mut self, id: &CampaignId) {
        if self.shown.len() < MOST || self.shown.contains_key(short(id)) {
            let count = self.shown.entry(short(id).to_owned()).or_default();
            *count = count.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::DAY;

    /// S3-60: the counts are those of a day, and hold nothing but a day, names of campaigns and numbers.
    #[test]
    fn a_browser_counts_for_a_day() {
        let now = Timestamp::from_secs(1_800_000_000);
        let (one, other) = (CampaignId::new(), CampaignId::new());
        let mut counts = Counts::read("", now);
        for n in 0..3 {
            assert!(!counts.are_at(&one, 3), "{n}");
            counts.count(&one);
        }
        assert!(counts.are_at(&one, 3) && !counts.are_at(&other, 3));
        assert_eq!(Counts::read(&counts.write(), now), counts);
        assert_eq!(counts.write(), format!("{} {}.3", now.day(), short(&one)));
        assert!(!Counts::read(&counts.write(), now.plus(DAY)).are_at(&one, 3));
        for _ in 0..MOST * 2 {
            counts.count(&CampaignId::new());
        }
        assert!(
            counts.write().len() < 640 && counts.are_at(&other, 3),
            "what cannot be counted is not shown"
        );
    }
}
