//! What an account says about its letters, in a form or by the last link of a letter: the switches and the receipt of what
//! changed in one write. A no is taken from any form, a yes from one that was not used before.

use super::{Topic, Wanted, keep};
use crate::accounts::user::User;
use crate::clock::Timestamp;
use crate::consent::account;
use crate::consent::adult::IfAdult;
use crate::consent::age::Band;
use crate::consent::guards::Signals;
use crate::consent::log;
use crate::consent::notice;
use crate::consent::receipt::{self, Action, AgeBand, Answer, Notice, Receipt, Recipient, Salt};
use crate::consent::rulebook::Rulebook;
use crate::consent::whereabouts::Here;
use crate::consent::word::{Refusal, Verdict, Word};
use crate::db::Conn;
use crate::error::Result;
use crate::ids::{ReceiptId, UserId};

/// Who is named in a receipt about what we ourselves do.
const OURSELVES: &str = "this_shop";

/// What is said. Its receipt is drawn before the write, which may run twice.
pub struct Saying {
    pub user: UserId,
    /// Whether each topic is wanted from now on.
    pub said: Vec<(Topic, bool)>,
    /// Where on the site, as a receipt names it.
    pub surface: &'static str,
    /// What the browser or program that said it asks of every site.
    pub signals: Signals,
    /// The word of the form. Nothing where the link of a letter says enough: it can say no alone.
    pub word: Option<Word>,
    /// Whoever carries the letters has the address; nobody else is told.
    pub carrier: Option<Recipient>,
    pub receipt: ReceiptId,
    pub salt: Salt,
}

/// What became of it.
#[derive(Debug, Default)]
pub struct Said {
    /// The receipt of what changed, now or by the same press before, and what it proves. Nothing: that is how it was.
    pub receipt: Option<(ReceiptId, Action)>,
    /// Why what it would have switched on stays off.
    pub refusal: Option<Refusal>,
}

impl Saying {
    /// Switches what it says, with one receipt for what changed. A yes is for people of age alone (`OfAge`).
    pub fn write(&self, conn: &mut Conn, book: &Rulebook, adult: &IfAdult, now: Timestamp) -> Result<Said> {
        log::wait_turn(conn)?;
        let before = Wanted::of(conn, &self.user)?;
        let mut changed: Vec<(Topic, bool)> = self
            .said
            .iter()
            .copied()
            .filter(|(topic, yes)| before.is_on(*topic, book, now) != *yes)
            .collect();
        let gives = changed.iter().any(|(_, yes)| *yes);
        let row = before.row();
        let (verdict, made) = match &self.word {
            Some(word) => word.upon(conn, &row, gives, !changed.is_empty(), now)?,
            None if changed.is_empty() => (Verdict::Already, None),
            None => (Verdict::Choice, None),
        };
        if verdict == Verdict::Holds {
            return Ok(Said { receipt: made.map(|made| (made.receipt, made.action)), refusal: None });
        }
        let refusal = self.word.as_ref().and_then(|word| word.refusal(verdict));
        match refusal {
            // What is switched off in the same form is.
            Some(_) => changed.retain(|(_, yes)| !yes),
            // Nobody under age gets letters with offers, nor letters that report back.
            None if gives => {
                adult.proof()?;
            }
            None => {}
        }
        if changed.is_empty() {
            return Ok(Said { receipt: None, refusal });
        }
        let (notice, receipt) = self.proves(conn, book, &changed, now)?;
        notice.keep(conn)?;
        let until = receipt::kept_until(receipt.valid_until, book.proof_ms);
        log::append(conn, &receipt, &self.salt, Some(&self.user), until, now)?;
        if let (Some(word), Verdict::Choice) = (&self.word, verdict) {
            word.used(&row.line, &before.with(&changed, now).row().line).keep(conn, &receipt.id)?;
        }
        changed.iter().try_for_each(|(topic, yes)| keep(conn, &self.user, *topic, *yes, now))?;
        Ok(Said { receipt: Some((receipt.id, receipt.action)), refusal })
    }

    /// The receipt of what changes, with the words that stood beside it.
    fn proves(
        &self,
        conn: &mut Conn,
        book: &Rulebook,
        changed: &[(Topic, bool)],
        now: Timestamp,
    ) -> Result<(Notice, Receipt)> {
        let owner = User::find(conn, &self.user)?;
        let own = account::of(conn, &self.user)?.choices.and_then(|choices| choices.place);
        let words: Vec<String> =
            Topic::ALL.iter().map(|topic| format!("{}: {}", topic.name(), topic.words())).collect();
        let notice = Notice {
            version: notice::VERSION.into(),
            language: notice::LANGUAGE.into(),
            text: words.join("\n\n"),
        };
        let until =
            changed.iter().filter(|(_, yes)| *yes).map(|(topic, _)| topic.holds_until(book, now)).max();
        let receipt = Receipt {
            id: self.receipt.clone(),
            time: Timestamp::from_secs(now.secs()),
            action: match (changed.iter().any(|(_, yes)| *yes), changed.iter().any(|(_, yes)| !yes)) {
                (true, false) => Action::Accept,
                (true, true) => Action::Partial,
                _ => Action::Withdraw,
            },
            items: changed
                .iter()
                .map(|(topic, yes)| receipt::Item {
                    purpose: topic.as_str().into(),
                    vendor: OURSELVES.into(),
                    state: if *yes { Answer::Granted } else { Answer::Refused },
                    fingerprint: topic.fingerprint(),
                })
                .collect(),
            notice: notice.named(),
            registry_fingerprint: book.registry.fingerprint().to_owned(),
            profile: Here::new(own.as_deref(), owner.country.as_deref()).profile(book),
            band: match owner.band {
                Band::Child => AgeBand::Child,
                Band::Minor => AgeBand::Minor,
                Band::Adult => AgeBand::Adult,
            },
            signals: receipt::Signals { gpc: self.signals.gpc, dnt: self.signals.dnt },
            surface: self.surface.into(),
            previous: None,
            valid_until: Timestamp::from_secs(until.unwrap_or(now).secs()),
            recipients: self.carrier.iter().cloned().collect(),
            limit_note: receipt::LIMIT_NOTE.into(),
        };
        Ok((notice, receipt))
    }
}
