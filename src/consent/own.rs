//! A question outside of the screen of choices (of our own about nobody else, or a vendor's advertisement loaded once): the
//! answer gets a receipt in the log like every other.

use super::age::Band;
use super::guards::Consent;
use super::log;
use super::notice;
use super::once::{self, Offer};
use super::purpose::Purpose;
use super::receipt::{self, Action, AgeBand, Answer, Notice, Receipt, Recipient, Salt};
use crate::App;
use crate::ads::wishes::PERSONAL_FINGERPRINT;
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::error::Result;
use crate::ids::{ReceiptId, UserId};

/// The shop itself, where a receipt names a vendor.
pub const HOUSE: &str = "house";

/// The shop as a receipt names it among those who were told something.
fn house() -> Recipient {
    Recipient { vendor: HOUSE.into(), name: "The shop itself".into(), deletion_url: None }
}

/// Adds to the receipt of a no to everything that a yes to personalised advertisements of ours was taken back by it.
pub fn takes_back_personal(receipt: &mut Receipt) {
    receipt.items.push(receipt::Item {
        purpose: Purpose::AdsPersonalised.slug().into(),
        vendor: HOUSE.into(),
        state: Answer::Refused,
        fingerprint: PERSONAL_FINGERPRINT.as_str().into(),
    });
    receipt.recipients.push(house());
}

/// What was asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    pub purpose: Purpose,
    pub told: &'a str,
    /// The hash of what was told.
    pub fingerprint: &'a str,
}

/// An answer that is to be recorded. Drawn and worded before the write, which may run twice.
pub struct OwnChoice {
    receipt: Receipt,
    salt: Salt,
    notice: Notice,
    account: Option<UserId>,
    /// How long the receipt is kept beyond its validity.
    proof_ms: i64,
}

/// What was answered, about whom, and under which receipt.
struct Answered {
    id: ReceiptId,
    action: Action,
    state: Answer,
    recipient: Recipient,
    lasts_ms: i64,
}

impl OwnChoice {
    /// A yes, or a yes taken back.
    pub fn new(
        app: &App,
        consent: &Consent,
        question: Question<'_>,
        granted: bool,
        now: Timestamp,
    ) -> Result<OwnChoice> {
        let answered = Answered {
            id: ReceiptId::draw()?,
            action: if granted { Action::Accept } else { Action::Withdraw },
            state: if granted { Answer::Granted } else { Answer::Refused },
            recipient: house(),
            lasts_ms: app.consent.choice_ms,
        };
        OwnChoice::of(app, consent, question, answered, now)
    }

    /// A vendor's advertisement loaded once, by a press that has this receipt. It holds for the one answer, which must be
    /// asked for before it runs out, and changes nothing that was said before.
    pub(super) fn once(
        app: &App,
        consent: &Consent,
        offer: Offer,
        id: ReceiptId,
        now: Timestamp,
    ) -> Result<OwnChoice> {
        let (vendor, told) = (offer.vendor, offer.told().text());
        let question = Question { purpose: Purpose::Ads, told: &told, fingerprint: vendor.fingerprint() };
        let answered = Answered {
            id,
            action: Action::LoadOnce,
            state: Answer::Granted,
            recipient: Recipient::of(vendor),
            lasts_ms: once::LASTS_MS,
        };
        OwnChoice::of(app, consent, question, answered, now)
    }

    fn of(
        app: &App,
        consent: &Consent,
        question: Question<'_>,
        answered: Answered,
        now: Timestamp,
    ) -> Result<OwnChoice> {
        let book = &app.consent;
        let notice = Notice {
            version: notice::VERSION.into(),
            language: notice::LANGUAGE.into(),
            text: question.told.into(),
        };
        let receipt = Receipt {
            id: answered.id,
            time: Timestamp::from_secs(now.secs()),
            action: answered.action,
            items: vec![receipt::Item {
                purpose: question.purpose.slug().into(),
                vendor: answered.recipient.vendor.clone(),
                state: answered.state,
                fingerprint: question.fingerprint.into(),
            }],
            notice: notice.named(),
            registry_fingerprint: book.registry.fingerprint().to_owned(),
            profile: consent.here().profile(book),
            band: match consent.band {
                None => AgeBand::Unknown,
                Some(Band::Child) => AgeBand::Child,
                Some(Band::Minor) => AgeBand::Minor,
                Some(Band::Adult) => AgeBand::Adult,
            },
            signals: receipt::Signals { gpc: consent.signals.gpc, dnt: consent.signals.dnt },
            surface: "ads".into(),
            previous: None,
            valid_until: Timestamp::from_secs(now.plus(answered.lasts_ms).secs()),
            recipients: vec![answered.recipient],
            limit_note: receipt::LIMIT_NOTE.into(),
        };
        Ok(OwnChoice {
            receipt,
            salt: Salt::draw()?,
            notice,
            account: consent.account.clone(),
            proof_ms: app.consent.proof_ms,
        })
    }

    /// The receipt that it writes, and what that proves.
    pub fn proof(&self) -> (ReceiptId, Action) {
        (self.receipt.id.clone(), self.receipt.action)
    }

    /// Writes the receipt, in the transaction that changes the state. A press that was sent twice has one.
    pub fn record(&self, conn: &mut Conn, now: Timestamp) -> Result<()> {
        log::wait_turn(conn)?;
        if log::holds(conn, &self.receipt.id)? {
            return Ok(());
        }
        self.notice.keep(conn)?;
        let until = receipt::kept_until(self.receipt.valid_until, self.proof_ms);
        log::append(conn, &self.receipt, &self.salt, self.account.as_ref(), until, now)?;
        Ok(())
    }
}
