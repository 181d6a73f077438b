//! What somebody wishes of advertisements: topics they like, topics they block, whether their browser counts, and whether
//! we may choose by what they like. Kept where they set it: sealed in their browser, and with their account if they have
//! one.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use diesel::prelude::*;

use super::topic::{Topic, read, write};
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::ad_wishes;
use crate::each_db;
use crate::error::Result;
use crate::ids::UserId;
use crate::secrets;

/// What somebody is told before they say yes to personalised advertisements of ours. Other words are another question.
pub const PERSONAL_TOLD: &str = "We choose advertisements of our own by the topics you say you like, on any page. An \
                                 advertiser names the topics and never learns who you are; following such an advertisement, \
                                 you may let them guess that you like one of them.";

/// The hash of what was told.
pub static PERSONAL_FINGERPRINT: LazyLock<String> = LazyLock::new(|| secrets::sha256(PERSONAL_TOLD));

/// What is wished. The default: nothing was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Among advertisements that fit a page, those about these come first.
    pub liked: BTreeSet<Topic>,
    /// An advertisement about one of these is never shown.
    pub blocked: BTreeSet<Topic>,
    /// The browser counts what it was shown today, so that nothing comes too often.
    pub counts: bool,
    /// A yes to being found by what one likes, for what was told then, and until when it holds.
    pub personal: Option<(String, Timestamp)>,
}

impl Wishes {
    /// Whether a yes to personalised advertisements of ours stands, for what is told today.
    pub fn are_personal(&self, now: Timestamp) -> bool {
        self.personal.as_ref().is_some_and(|(print, until)| {
            now < *until && PERSONAL_FINGERPRINT.starts_with(print.as_str()) && print.len() == 16
        })
    }

    /// Says yes until then, or no.
    pub fn set_personal(&mut self, until: Option<Timestamp>) {
        self.personal = until.map(|until| (PERSONAL_FINGERPRINT[..16].to_owned(), until));
    }

    /// As one line: what cookies and rows keep.
    pub fn write(&self) -> String {
        let (print, until) = match &self.personal {
            Some((print, until)) => (print.as_str(), until.secs().to_string()),
            None => ("", String::new()),
        };
        let counts = if self.counts { "c" } else { "" };
        ["1", &write(&self.liked), &write(&self.blocked), counts, print, &until].join("~")
    }

    /// Reads such a line; anything else wishes nothing.
    pub fn read(line: &str) -> Option<Wishes> {
        let parts: Vec<&str> = line.split('~').collect();
        let ["1", liked, blocked, counts, print, until] = parts[..] else { return None };
        let personal = until.parse().ok().map(|secs| (print.to_owned(), Timestamp::from_secs(secs)));
        Some(Wishes {
            liked: read(liked, Topic::parse).into_iter().collect(),
            blocked: read(blocked, Topic::parse).into_iter().collect(),
            counts: counts == "c",
            personal,
        })
    }
}

/// What an account wishes.
pub fn of(conn: &mut Conn, user: &UserId) -> Result<Option<Wishes>> {
    Ok(kept(conn, user)?.map(|(wishes, _)| wishes))
}

/// The same with the moment since which it does.
pub fn kept(conn: &mut Conn, user: &UserId) -> Result<Option<(Wishes, Timestamp)>> {
    let row = ad_wishes::table.find(user).select((ad_wishes::line, ad_wishes::changed_at));
    let row: Option<(String, Timestamp)> = row.first(conn).optional()?;
    Ok(row.and_then(|(line, since)| Some((Wishes::read(&line)?, since))))
}

/// Keeps what an account wishes in place of what it wished before.
pub fn keep(conn: &mut Conn, user: &UserId, wishes: &Wishes, now: Timestamp) -> Result<()> {
    let line = wishes.write();
    let row = (ad_wishes::user_id.eq(user), ad_wishes::line.eq(&line), ad_wishes::changed_at.eq(now));
    each_db!(conn, |c| diesel::insert_into(ad_wishes::table)
        .values(row)
        .on_conflict(ad_wishes::user_id)
        .do_update()
        .set((ad_wishes::line.eq(&line), ad_wishes::changed_at.eq(now)))
        .execute(c))?;
    Ok(())
}

/// Whether an account's yes to personalised advertisements stands.
pub fn is_found(conn: &mut Conn, user: &UserId, now: Timestamp) -> Result<bool> {
    Ok(of(conn, user)?.is_some_and(|wishes| wishes.are_personal(now)))
}

/// Takes a yes to personalised advertisements back; whoever gave none stays as they are. Answers whether it stood.
pub fn withdraw(conn: &mut Conn, user: &UserId, now: Timestamp) -> Result<bool> {
    let Some(wishes) = of(conn, user)?.filter(|wishes| wishes.personal.is_some()) else { return Ok(false) };
    let stood = wishes.are_personal(now);
    keep(conn, user, &Wishes { personal: None, ..wishes }, now)?;
    Ok(stood)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub fn any_topics() -> impl Strategy<Value = BTreeSet<Topic>> {
        prop::sample::subsequence(Topic::ALL.to_vec(), 0..=Topic::ALL.len())
            .prop_map(|topics| topics.into_iter().collect())
    }

    pub fn any_wishes() -> impl Strategy<Value = Wishes> {
        let until = prop::option::of((0i64..4_000_000_000, any::<bool>()));
        (any_topics(), any_topics(), any::<bool>(), until).prop_map(|(liked, blocked, counts, until)| {
            let mut wishes = Wishes { liked, blocked, counts, personal: None };
            if let Some((secs, told)) = until {
                wishes.set_personal(Some(Timestamp::from_secs(secs)));
                if !told {
                    wishes.personal = wishes.personal.map(|(_, at)| ("0123456789abcdef".into(), at));
                }
            }
            wishes
        })
    }

    proptest! {
        #[test]
        fn wishes_are_read_as_they_were_written(wishes in any_wishes()) {
            prop_assert_eq!(Wishes::read(&wishes.write()), Some(wishes));
        }
    }

    #[test]
    fn a_yes_holds_for_what_was_told_and_until_its_day() {
        let now = Timestamp::from_secs(1_800_000_000);
        let mut wishes = Wishes::default();
        assert!(!wishes.are_personal(now));
        wishes.set_personal(Some(now.plus(1000)));
        assert!(wishes.are_personal(now) && !wishes.are_personal(now.plus(1000)));
        wishes.personal = Some(("0123456789abcdef".into(), now.plus(1000)));
        assert!(!wishes.are_personal(now), "it was given for other words");
        wishes.personal = Some((String::new(), now.plus(1000)));
        assert!(!wishes.are_personal(now));
        for line in ["", "2~~~~~", "1~games", "1~~~~~~", "games"] {
            assert_eq!(Wishes::read(line), None, "{line}");
        }
    }
}
