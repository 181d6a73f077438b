//! Choices for the consent log, as the room that asks visitors would record them.

use cuehouse::clock::{DAY, Timestamp};
use cuehouse::consent::log::{self, Leaf};
use cuehouse::consent::receipt::{
    Action, AgeBand, Answer, Item, LIMIT_NOTE, Notice, PROOF_KEPT_MS, Profile, Receipt, Recipient, Salt,
    Signals, kept_until,
};
use cuehouse::db::Db;
use cuehouse::error::Result;
use cuehouse::ids::{ReceiptId, UserId};

/// What was shown.
pub fn notice() -> Notice {
    Notice {
        version: "2026-11-25".into(),
        language: "en".into(),
        text: "We use no cookies but our own.\n\nMay StatCounter count you? “Yes” or “no”.".into(),
    }
}

/// A choice about one vendor.
pub fn receipt(action: Action, state: Answer, now: Timestamp) -> Receipt {
    Receipt {
        id: ReceiptId::draw().unwrap(),
        time: now,
        action,
        items: vec![Item {
            purpose: "analytics".into(),
            vendor: "statcounter".into(),
            state,
            fingerprint: "a".repeat(64),
        }],
        notice: notice().named(),
        registry_fingerprint: "c".repeat(64),
        profile: Profile { id: "strict".into(), how_decided: "unknown_place".into() },
        band: AgeBand::Unknown,
        signals: Signals { gpc: true, dnt: false },
        surface: "banner".into(),
        previous: None,
        valid_until: now.plus(182 * DAY),
        recipients: vec![Recipient {
            vendor: "statcounter".into(),
            name: "StatCounter (Ireland)".into(),
            deletion_url: Some("https://statcounter.com/contact/".into()),
        }],
        limit_note: LIMIT_NOTE.into(),
    }
}

/// A refusal.
pub fn refusal(now: Timestamp) -> Receipt {
    receipt(Action::Refuse, Answer::Refused, now)
}

/// Records a choice as one write.
pub async fn records(
    db: &Db,
    receipt: &Receipt,
    salt: &Salt,
    account: Option<&UserId>,
    now: Timestamp,
) -> Result<Leaf> {
    let (receipt, salt, account) = (receipt.clone(), salt.clone(), account.cloned());
    db.write(move |conn| {
        log::wait_turn(conn)?;
        notice().keep(conn)?;
        log::append(
            conn,
            &receipt,
            &salt,
            account.as_ref(),
            kept_until(receipt.valid_until, PROOF_KEPT_MS),
            now,
        )
    })
    .await
}

/// Records so many refusals of nobody in particular, and answers their receipts.
pub async fn refusals(db: &Db, count: usize, now: Timestamp) -> Vec<Receipt> {
    let mut all = vec![];
    for _ in 0..count {
        let receipt = refusal(now);
        records(db, &receipt, &Salt::draw().unwrap(), None, now).await.unwrap();
        all.push(receipt);
    }
    all
}
