//! A form of wishes that was sent: what of it is taken. Saying no is never refused; a yes (to being found by what one likes, to a
//! browser that counts) is taken from a form that its browser was given and that was not used before. The row of an account
//! says whether it was; of a browser alone nothing is known but what it keeps itself.

use super::wishes::{Wishes, keep, kept};
use crate::clock::Timestamp;
use crate::consent::log;
use crate::consent::own::OwnChoice;
use crate::consent::receipt::Action;
use crate::consent::word::{Refusal, Row, Verdict, Word};
use crate::db::Conn;
use crate::error::Result;
use crate::ids::{ReceiptId, UserId};

/// What a form says.
pub struct Wishing {
    /// Its topics, and whether the browser counts.
    pub said: Wishes,
    /// Whether we may choose by what they like. Only an account can say so; nothing where the form did not ask.
    pub personal: Option<bool>,
    pub word: Word,
    /// How long a yes lasts.
    pub lasts_ms: i64,
}

/// What became of it.
#[derive(Debug)]
pub struct Wished {
    /// What is wished from now on.
    pub wishes: Wishes,
    /// The receipt of a yes, or of one that was taken back, now or by the same press before, and what it proves.
    pub receipt: Option<(ReceiptId, Action)>,
    /// Why what it would have switched on stays off, and its topics are not kept.
    pub refusal: Option<Refusal>,
}

impl Wishing {
    /// All that it says, upon what was wished before.
    fn whole(&self, before: &Wishes, now: Timestamp) -> Wishes {
        let mut wishes = self.said.clone();
        match (self.personal, before.are_personal(now)) {
            (None, _) | (Some(true), true) => wishes.personal.clone_from(&before.personal),
            (Some(true), false) => wishes.set_personal(Some(now.plus(self.lasts_ms))),
            (Some(false), _) => {}
        }
        wishes
    }

    /// What it says no to, and nothing else.
    fn less(&self, before: &Wishes) -> Wishes {
        Wishes {
            counts: before.counts && self.said.counts,
            personal: before.personal.clone().filter(|_| self.personal != Some(false)),
            ..before.clone()
        }
    }

    /// Whether it says yes to what is off.
    fn gives(&self, before: &Wishes, now: Timestamp) -> bool {
        self.personal == Some(true) && !before.are_personal(now) || self.said.counts && !before.counts
    }

    /// What holds after it: all that it says, or its no alone where it is refused and where its browser was not given it.
    fn after(&self, before: &Wishes, refusal: Option<Refusal>, now: Timestamp) -> (Wishes, Option<Refusal>) {
        let (whole, less) = (self.whole(before, now), self.less(before));
        match refusal {
            Some(_) => (less, refusal),
            None if self.word.is_given() || whole == less => (whole, None),
            None => (less, Some(Refusal::NotGiven)),
        }
    }

    /// What becomes of it in a browser that nobody is signed in to.
    pub fn alone(&self, before: &Wishes, now: Timestamp) -> Wished {
        let is_late = self.gives(before, now) && self.word.is_old(now);
        let refusal = if is_late { self.word.refusal(Verdict::Outdated) } else { None };
        let (wishes, refusal) = self.after(before, refusal, now);
        Wished { wishes, receipt: None, refusal }
    }

    /// The same with an account, whose row is the truth; `elsewhere` is what its browser keeps, which counts as long as there is
    /// no row. A yes that is given, and one that is taken back, write the receipt of `choice`; the same press again does not.
    pub fn write(
        &self,
        conn: &mut Conn,
        user: &UserId,
        choice: &OwnChoice,
        elsewhere: &Wishes,
        now: Timestamp,
    ) -> Result<Wished> {
        log::wait_turn(conn)?;
        let (before, since) = match kept(conn, user)? {
            Some((wishes, since)) => (wishes, Some(since)),
            None => (Wishes { personal: None, ..elsewhere.clone() }, None),
        };
        let row = Row { line: before.write(), since };
        let alters = self.whole(&before, now) != before;
        let (verdict, made) = self.word.upon(conn, &row, self.gives(&before, now), alters, now)?;
        if verdict == Verdict::Holds {
            let receipt = made.map(|made| (made.receipt, made.action));
            return Ok(Wished { wishes: before, receipt, refusal: None });
        }
        let (wishes, refusal) = self.after(&before, self.word.refusal(verdict), now);
        let is_choice = wishes.are_personal(now) != before.are_personal(now);
        let receipt = is_choice.then(|| choice.proof());
        if let Some((id, _)) = &receipt {
            choice.record(conn, now)?;
            if verdict == Verdict::Choice {
                self.word.used(&row.line, &wishes.write()).keep(conn, id)?;
            }
        }
        if wishes != before || since.is_none() && refusal.is_none() {
            keep(conn, user, &wishes, now)?;
        }
        Ok(Wished { wishes, receipt, refusal })
    }
}
