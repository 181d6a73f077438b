//! How a choice is written: what its receipt says is drawn and worded before, and then the state and the receipt are written
//! in one transaction, or neither is.

use std::collections::BTreeSet;

use super::account::{self, Kept};
use super::age::Band;
use super::choices::Choices;
use super::deed::{Change, met};
use super::guards::Signals;
use super::log;
use super::notice;
use super::own;
use super::receipt::{self, Action, AgeBand, Answer, Notice, Receipt, Recipient, Salt};
use super::whereabouts::Here;
use super::word::{self, Made, Refusal, Row, Use, Verdict, Word};
use crate::App;
use crate::accounts::user::User;
use crate::ads::wishes;
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::guardians::leaf::Stub;
use crate::guardians::moving;
use crate::guardians::notice::Ground;
use crate::ids::{ReceiptId, UserId};

/// A change with what its receipt says beside it. Drawn and worded before the write, which may run twice.
pub struct Deed {
    pub account: Option<UserId>,
    /// The account's row of choices that it was computed upon.
    pub row: Option<String>,
    /// Whether everything is refused, our own choosing by what somebody likes too.
    pub refuses_all: bool,
    pub change: Change,
    pub receipt: Receipt,
    pub salt: Salt,
    pub notice: Notice,
    /// What an account says of where its owner is, where that is what changes: then its choices stay as they were.
    pub country: Option<Country>,
    /// What follows for somebody young who said where they are.
    pub moves: Option<Moves>,
}

/// Where an account says its owner is: before, and from now on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Country {
    pub was: Option<String>,
    pub is: Option<String>,
}

impl Country {
    /// One that stays.
    pub fn same(is: Option<&str>) -> Country {
        Country { was: is.map(str::to_owned), is: is.map(str::to_owned) }
    }
}

/// What another country of an account means for who may be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// Somebody can be met who could not before: like a yes.
    Looser,
    /// Somebody could be met before who cannot any more, and nobody else can; or it is left open where its owner is, which is the
    /// strictest. Like a no.
    Stricter,
    /// The same may be met.
    Same,
}

/// Somebody young with an account says that they are somewhere.
pub struct Moves {
    pub ground: Ground,
    pub place: String,
    pub stub: Stub,
}

impl Moves {
    /// To this place.
    pub fn to(app: &App, place: &str) -> Result<Moves> {
        Ok(Moves { ground: Ground::of(app), place: place.to_owned(), stub: Stub::draw()? })
    }
}

/// Who chose, from what, and where.
pub struct Scene<'a> {
    pub account: Option<UserId>,
    pub before: &'a Choices,
    /// The account's row when that was read. Nothing where it has none yet, and without an account.
    pub row: Option<String>,
    pub country: Country,
    pub signals: Signals,
    pub band: Option<Band>,
    pub surface: &'static str,
    /// The words that were in front of them.
    pub shown: String,
}

/// A choice that was made, now or by the same press before.
pub struct Done {
    pub choices: Choices,
    pub receipt: ReceiptId,
    pub action: Action,
    pub takes_away: bool,
    pub lost: BTreeSet<String>,
}

impl Done {
    /// A change that has its receipt.
    pub fn of(change: Change, receipt: ReceiptId) -> Done {
        let Change { choices, action, takes_away, lost, .. } = change;
        Done { choices, receipt, action, takes_away, lost }
    }

    /// Choices that were made before and still hold.
    pub fn holding(choices: Choices, made: Made) -> Done {
        Done { choices, receipt: made.receipt, action: made.action, takes_away: false, lost: BTreeSet::new() }
    }
}

/// What became of a write.
pub enum Recorded {
    Now(Done),
    /// Nothing: its word had made a choice before.
    Before(Made),
    /// Nothing: the account's row is another than it was computed upon, and holds this.
    Moved(Kept),
}

/// What became of what an account says of where its owner is.
pub enum Settled {
    /// This receipt proves it, now or by the same press before.
    Proved(ReceiptId),
    /// Nothing: that is how it was.
    Already,
    /// Nothing, and why.
    Refused(Refusal),
    /// Nothing yet: something else was said or chosen meanwhile, and the deed is another upon this place and row.
    Moved(Option<String>, Box<Kept>),
}

impl Deed {
    /// The deed of a change in a scene, with a receipt of its own.
    pub fn new(app: &App, scene: Scene<'_>, mut change: Change, now: Timestamp) -> Result<Deed> {
        let Scene { account, before, row, country, signals, band, surface, shown } = scene;
        let book = &app.consent;
        let notice =
            Notice { version: notice::VERSION.into(), language: notice::LANGUAGE.into(), text: shown };
        let place = change.choices.place.clone();
        let id = ReceiptId::draw()?;
        let granted: BTreeSet<&str> =
            change.items.iter().filter(|i| i.state == Answer::Granted).map(|i| i.vendor.as_str()).collect();
        let met_before = met(book, before, country.was.as_deref(), now);
        let met_now = met(book, &change.choices, country.is.as_deref(), now);
        let told_once = book.on().filter(|v| {
            granted.contains(v.id.as_str()) || met_before.contains(&v.id) || met_now.contains(&v.id)
        });
        // A place is known as long as its cookie lasts.
        let until = match change.action {
            receipt::Action::Place => now.plus(book.choice_ms),
            _ => change.choices.expires_at.unwrap_or(now),
        };
        let receipt = Receipt {
            id,
            time: Timestamp::from_secs(now.secs()),
            action: change.action,
            items: change
                .items
                .iter()
                .map(|i| receipt::Item {
                    purpose: i.purpose.slug().into(),
                    vendor: i.vendor.clone(),
                    state: i.state,
                    fingerprint: i.fingerprint.clone(),
                })
                .collect(),
            notice: notice.named(),
            registry_fingerprint: book.registry.fingerprint().to_owned(),
            profile: Here::new(place.as_deref(), country.is.as_deref()).profile(book),
            band: match band {
                None => AgeBand::Unknown,
                Some(Band::Child) => AgeBand::Child,
                Some(Band::Minor) => AgeBand::Minor,
                Some(Band::Adult) => AgeBand::Adult,
            },
            signals: receipt::Signals { gpc: signals.gpc, dnt: signals.dnt },
            surface: surface.into(),
            previous: before.receipt.as_deref().and_then(ReceiptId::parse),
            valid_until: Timestamp::from_secs(until.secs().max(now.secs())),
            recipients: told_once.map(Recipient::of).collect(),
            limit_note: receipt::LIMIT_NOTE.into(),
        };
        change.proved_by(&receipt.id);
        let country = (country.was != country.is).then_some(country);
        let salt = Salt::draw()?;
        Ok(Deed { account, row, refuses_all: false, change, receipt, salt, notice, country, moves: None })
    }

    /// Changes the state and writes the receipt, both or neither. With a word that made a choice before neither, in whichever
    /// process that was; but for `said`: a no that is said again to an account, which holds in any case. Nor where the account's
    /// row is another than the change was computed upon: a no that was said meanwhile is not overwritten by an earlier yes.
    pub async fn record(
        self,
        app: &App,
        used: Option<Use>,
        said: Option<Made>,
        now: Timestamp,
    ) -> Result<Recorded> {
        let done = Done::of(self.change.clone(), self.receipt.id.clone());
        let proof_ms = app.consent.proof_ms;
        let found = app
            .db
            .write(move |conn| {
                log::wait_turn(conn)?;
                let insists = self.account.as_ref().zip(said.as_ref());
                if let Some((user, made)) = insists
                    && self.holds(conn, user, now)?
                {
                    return Ok(Some(Recorded::Before(made.clone())));
                }
                let mut used = used.as_ref();
                if let Some(word) = used
                    && let Some(made) = word::made(conn, &word.word)?
                {
                    if insists.is_none() {
                        return Ok(Some(Recorded::Before(made)));
                    }
                    used = None;
                }
                if let Some(moved) = self.moved(conn)? {
                    return Ok(Some(Recorded::Moved(moved)));
                }
                self.keep(conn, used, proof_ms, now)?;
                Ok(None)
            })
            .await?;
        Ok(found.unwrap_or(Recorded::Now(done)))
    }

    /// The same for a change of an account that several requests see at once: the first makes it and writes its receipt.
    /// Answers nothing when another was first.
    pub async fn record_first(self, app: &App, now: Timestamp) -> Result<Option<Choices>> {
        let account = self.account.clone().ok_or_else(|| Error::internal("a change of no account"))?;
        let (choices, proof_ms) = (self.change.choices.clone(), app.consent.proof_ms);
        let first = app
            .db
            .write(move |conn| {
                log::wait_turn(conn)?;
                let row = self.row.as_deref();
                let is_first = account::keep_first(conn, &account, row, &self.change.choices, now)?;
                if is_first {
                    self.keep(conn, None, proof_ms, now)?;
                }
                Ok(is_first)
            })
            .await?;
        Ok(first.then_some(choices))
    }

    /// The same for where an account says its owner is: the row says what the word of the form may still do, and the receipts
    /// when it was last said. From a page of before that nothing is taken but what is stricter; whoever sends their own form
    /// once more with another place says nothing older than they said themselves.
    pub async fn settle(self, app: &App, word: Word, course: Course, now: Timestamp) -> Result<Settled> {
        let account = self.account.clone().ok_or(Error::SignIn)?;
        let country = self.country.clone().ok_or_else(|| Error::internal("a country that stays"))?;
        let proof_ms = app.consent.proof_ms;
        let settled = app.db.write(move |conn| {
            log::wait_turn(conn)?;
            let (here, kept) = (User::country_of(conn, &account)?, account::of(conn, &account)?);
            let since = log::last_of(conn, &account, Action::Place)?;
            let row = Row { line: here.clone().unwrap_or_default(), since };
            let gives = course == Course::Looser;
            let (verdict, made) = word.upon(conn, &row, gives, here != country.is, now)?;
            let is_last = made.as_ref().is_some_and(|made| since.is_none_or(|since| made.at >= since));
            let is_overtaken = !is_last && since.is_some_and(|since| word.is_before(since));
            match (verdict, made) {
                (Verdict::Holds, Some(made)) => return Ok(Settled::Proved(made.receipt)),
                _ if here != country.was || kept.line != self.row => {
                    return Ok(Settled::Moved(here, Box::new(kept)));
                }
                _ if course == Course::Same && is_overtaken => return Ok(Settled::Refused(Refusal::Used)),
                (Verdict::Choice | Verdict::No, _) => {}
                (verdict, _) => {
                    return Ok(word.refusal(verdict).map_or(Settled::Already, Settled::Refused));
                }
            }
            // A word that was used stays with the receipt that has it.
            let to = country.is.as_deref().unwrap_or_default();
            let used = (verdict == Verdict::Choice).then(|| word.used(&row.line, to));
            self.keep(conn, used.as_ref(), proof_ms, now)?;
            Ok(Settled::Proved(self.receipt.id.clone()))
        });
        settled.await
    }

    /// What the account's row holds, where that is not what this was computed upon. A country changes no choices.
    fn moved(&self, conn: &mut Conn) -> Result<Option<Kept>> {
        let Some(user) = self.account.as_ref().filter(|_| self.country.is_none()) else { return Ok(None) };
        Ok(Some(account::of(conn, user)?).filter(|kept| kept.line != self.row))
    }

    /// Whether an account says already what it would say after this, of our own choosing by what somebody likes too.
    fn holds(&self, conn: &mut Conn, user: &UserId, now: Timestamp) -> Result<bool> {
        if self.refuses_all && wishes::is_found(conn, user, now)? {
            return Ok(false);
        }
        Ok(account::of(conn, user)?.choices.is_some_and(|has| has.says_the_same(&self.change.choices)))
    }

    /// Its rows: the receipt with its notice and the word that made it, and what it changes. Belongs into the write that found
    /// out that it may be made.
    fn keep(&self, conn: &mut Conn, used: Option<&Use>, proof_ms: i64, now: Timestamp) -> Result<()> {
        let mut receipt = self.receipt.clone();
        if let Some(user) = self.account.as_ref().filter(|_| self.refuses_all)
            && wishes::withdraw(conn, user, now)?
        {
            own::takes_back_personal(&mut receipt);
        }
        self.notice.keep(conn)?;
        let until = receipt::kept_until(receipt.valid_until, proof_ms);
        log::append(conn, &receipt, &self.salt, self.account.as_ref(), until, now)?;
        if let Some(used) = used {
            used.keep(conn, &receipt.id)?;
        }
        let Some(user) = &self.account else { return Ok(()) };
        match &self.country {
            Some(country) => User::set_country(conn, user, country.is.as_deref())?,
            None => account::keep(conn, user, &self.change.choices, now)?,
        }
        if let Some(Moves { ground, place, stub }) = &self.moves {
            moving::moved(conn, ground, user, place, stub, now)?;
        }
        Ok(())
    }
}
