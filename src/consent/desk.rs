//! Where choices are made: one button for everything, a receipt for each choice, and one choice for each form. The screen with
//! everything on it is `choosing`.

use std::collections::BTreeSet;

use rocket::{State, post};

use super::account::{self, Kept};
use super::adult::IfAdult;
use super::age::Band;
use super::choices::Choices;
use super::choosing;
use super::constants::COOKIE_CEILING_DAYS;
use super::deed::{Change, Press, carry_out, met};
use super::guards::{Consent, Decided, Signals};
use super::notice::{self, Told};
use super::out_of_reach::{self, OutOfReach};
use super::purpose::Purpose;
use super::receipt;
use super::record::{Country, Course, Deed, Done, Moves, Recorded, Scene, Settled};
use super::rulebook::Rulebook;
use super::seal;
use super::upon::Upon;
use super::whereabouts::{loose, named};
use super::word::{self, About, Made, Refusal, Verdict, Word};
use crate::App;
use crate::accounts::guards::SignedIn;
use crate::accounts::user::User;
use crate::ads::wishes;
use crate::clock::{DAY, Timestamp};
use crate::error::{Error, Result};
use crate::ids::{ReceiptId, UserId};
use crate::web::{Ours, Page, Pressed, Reply};

/// An opt-out of sale and sharing is remembered longer than a choice: as long as a browser keeps a cookie.
pub(super) const OPT_OUT_LASTS: i64 = COOKIE_CEILING_DAYS * DAY;
/// How often it may be said somewhere else where an account's owner is, while it is said here.
const MOST_MOVES: usize = 4;
/// How often an account may choose otherwise elsewhere, while a choice of it is made here.
const MOST_TRIES: usize = 8;

/// A signal reached an account that had not opted out: it is opted out from now on, on every device (11 CCR 7025(c)(1)).
/// A browser asks for several pages at once, so `row` says what the account's row held when `before` was read: the
/// first of them changes it, and the others see what it made. Where something else was chosen meanwhile, that is opted out.
/// Answers what is obeyed here, and the row that it was read from.
pub(super) async fn signal(
    app: &App,
    user: &UserId,
    before: &Choices,
    country: Option<&str>,
    mut row: Option<String>,
    signals: Signals,
    now: Timestamp,
) -> Result<(Choices, Option<String>)> {
    let upon = |before: &Choices| carry_out(&app.consent, before, country, &Press::Signal, &[], true, now);
    let mut before = before.clone();
    for _ in 0..MOST_TRIES {
        let scene = Scene {
            account: Some(user.clone()),
            before: &before,
            row: row.clone(),
            country: Country::same(country),
            signals,
            band: Some(Band::Adult),
            surface: "signal",
            shown: notice::sale(app.consent.on().any(|v| v.trades())),
        };
        let deed = Deed { refuses_all: true, ..Deed::new(app, scene, upon(&before), now)? };
        if let Some(made) = deed.record_first(app, now).await? {
            let line = made.write();
            return Ok((made, Some(line)));
        }
        let whose = user.clone();
        let Kept { choices, line } = app.db.read(move |conn| account::of(conn, &whose)).await?;
        match choices {
            Some(own) if own.opted_out_at.is_some() => return Ok((own, line)),
            // A yes in spite of a signal stays. Whoever came second obeys theirs too.
            Some(own) if own.overrides_gpc.is_some() => break,
            Some(own) => before = own,
            None => {}
        }
        row = line;
    }
    Ok((upon(&before).choices, row))
}

/// Opts an account out of sale and sharing because its owner asked for it otherwise than by the button: by post, or by
/// e-mail. Answers the receipt.
pub async fn opt_out(app: &App, user: &UserId, now: Timestamp) -> Result<ReceiptId> {
    for _ in 0..MOST_TRIES {
        let whose = user.clone();
        let (kept, owner) =
            app.db.read(move |conn| Ok((account::of(conn, &whose)?, User::find(conn, &whose)?))).await?;
        let (before, country) = (kept.choices.unwrap_or_default(), owner.country.as_deref());
        let change = carry_out(&app.consent, &before, country, &Press::OptOut, &[], false, now);
        let scene = Scene {
            account: Some(user.clone()),
            before: &before,
            row: kept.line,
            country: Country::same(country),
            signals: Signals::default(),
            band: Some(owner.band),
            surface: "inquiry",
            shown: notice::sale(app.consent.on().any(|v| v.trades())),
        };
        match Deed::new(app, scene, change, now)?.record(app, None, None, now).await? {
            Recorded::Now(Done { receipt, .. }) | Recorded::Before(Made { receipt, .. }) => {
                return Ok(receipt);
            }
            Recorded::Moved(_) => {}
        }
    }
    Err(Error::Busy(1))
}

/// Keeps where the owner of an account says they are, or that they would rather not say, with a receipt of whose rules hold for
/// them then; what they chose stays. Somebody young for whom stricter rules hold there is looked at again in the same
/// transaction. The word of its form counts once: what would loosen anything is not taken from a used one, nor from one that is
/// older than what was said last; what tightens is.
/// `is_young` is what the page of the account went by. Answers as well whether somebody who could be met before cannot any more.
async fn settle(
    app: &App,
    consent: &Consent,
    is_young: bool,
    country: Option<String>,
    word: &Word,
    now: Timestamp,
) -> Result<(Settled, bool)> {
    let account = consent.account.clone().ok_or(Error::SignIn)?;
    let (book, mut upon, mut was) = (&app.consent, Upon::read(consent), consent.country.clone());
    for _ in 0..MOST_MOVES {
        if country == was {
            return Ok((Settled::Already, false));
        }
        let before = &upon.choices;
        let stays = Press::Place(before.place.clone());
        let change = carry_out(book, before, country.as_deref(), &stays, &[], consent.signal(app), now);
        let met_before = met(book, before, was.as_deref(), now);
        let met_now = met(book, before, country.as_deref(), now);
        let (gives, takes_away) = (!met_now.is_subset(&met_before), !met_before.is_subset(&met_now));
        if !word.is_given() && (gives || !takes_away) {
            return Ok((Settled::Refused(Refusal::NotGiven), false));
        }
        let course = match (gives, takes_away || country.is_none()) {
            (true, _) => Course::Looser,
            (false, true) => Course::Stricter,
            (false, false) => Course::Same,
        };
        let moves = match (&country, consent.band) {
            (Some(place), Some(Band::Child | Band::Minor)) => Some(Moves::to(app, place)?),
            _ => None,
        };
        let scene = Scene {
            account: Some(account.clone()),
            before,
            row: upon.row.clone(),
            country: Country { was, is: country.clone() },
            signals: consent.signals,
            band: consent.band,
            surface: "account",
            shown: notice::country(&loose(book), is_young),
        };
        let deed = Deed { moves, ..Deed::new(app, scene, change, now)? };
        match deed.settle(app, word.clone(), course, now).await? {
            Settled::Moved(here, kept) => {
                was = here;
                upon.moved(*kept);
            }
            done => return Ok((done, takes_away)),
        }
    }
    Err(Error::Busy(1))
}

/// One press of a button in a form of ours: what it is about, and what stood beside it.
struct Pressing<'a> {
    app: &'a App,
    consent: &'a Consent,
    upon: Upon,
    press: Press,
    asked: Vec<usize>,
    surface: &'static str,
    shown: String,
    /// Whether it comes from somebody who may say no alone: no earlier yes lasts longer by it either.
    is_bound: bool,
}

/// What comes of a press.
enum Outcome {
    Done(Box<Done>),
    /// Nothing: it was so before.
    Already,
    /// Nothing, and why.
    Refused(Refusal),
}

impl From<Done> for Outcome {
    fn from(done: Done) -> Outcome {
        Outcome::Done(Box::new(done))
    }
}

/// What comes of one try; or nothing yet, because the account's row holds this by now.
type Tried<T> = std::result::Result<T, Box<Kept>>;

impl Pressing<'_> {
    fn change(&self, at: Timestamp) -> Change {
        let signal = self.consent.signal(self.app);
        let (choices, country) = (&self.upon.choices, self.consent.country.as_deref());
        carry_out(&self.app.consent, choices, country, &self.press, &self.asked, signal, at)
            .bounded(choices, self.is_bound)
    }

    /// Whether it says no and nothing else: by it nobody can be met who could not before, and whoever is left of those who were
    /// granted is fewer.
    fn is_no(&self, now: Timestamp) -> bool {
        use receipt::Action::{Refuse, Withdraw};
        let change = self.change(now);
        !change.gives && (self.refuses_all() || matches!(change.action, Refuse | Withdraw))
    }

    /// Whether it says no to everything, to our own choosing by what somebody likes too.
    fn refuses_all(&self) -> bool {
        matches!(self.press, Press::Refuse | Press::OptOut)
    }

    /// What this press made of the same choices when it came before, to the letter.
    fn again(&self, made: &Made, is_bound: bool) -> Change {
        let mut change = self.change(made.at).bounded(&self.upon.choices, is_bound);
        change.proved_by(&made.receipt);
        change
    }

    fn deed(&self, change: Change, now: Timestamp) -> Result<Deed> {
        let consent = self.consent;
        let scene = Scene {
            account: consent.account.clone(),
            before: &self.upon.choices,
            row: self.upon.row.clone(),
            country: Country::same(consent.country.as_deref()),
            signals: consent.signals,
            band: consent.band,
            surface: self.surface,
            shown: self.shown.clone(),
        };
        let is_young = matches!(consent.band, Some(Band::Child | Band::Minor));
        let moves = match (&self.press, is_young && consent.account.is_some()) {
            (Press::Place(Some(place)), true) => Some(Moves::to(self.app, place)?),
            _ => None,
        };
        Ok(Deed { refuses_all: self.refuses_all(), moves, ..Deed::new(self.app, scene, change, now)? })
    }

    /// Why nothing comes of it, whatever its word made before. A form of which nothing but its browser says that it is ours may
    /// say no and no more, or name a place where somebody is met no more; so may a question that is asked otherwise by now, and
    /// a form whose account chose something else while it arrived.
    fn refusal(&self, word: &Word, is_current: bool, now: Timestamp) -> Option<Refusal> {
        let Change { gives, takes_away, .. } = self.change(now);
        let is_move = matches!(self.press, Press::Place(_)) && !takes_away;
        if !word.is_given() && (gives || is_move) {
            return Some(Refusal::NotGiven);
        }
        if gives && self.upon.is_later {
            return Some(Refusal::Used);
        }
        (gives && !is_current).then_some(Refusal::Overtaken)
    }

    /// What comes of it in the end: where something else was chosen before it is written, it is another press upon that.
    async fn comes_of(&mut self, word: &Word, is_current: bool, now: Timestamp) -> Result<Outcome> {
        for _ in 0..MOST_TRIES {
            if let Some(refusal) = self.refusal(word, is_current, now) {
                return Ok(Outcome::Refused(refusal));
            }
            match self.comes_to(word, now).await? {
                Ok(outcome) => return Ok(outcome),
                Err(kept) => self.upon.moved(*kept),
            }
        }
        Err(Error::Busy(1))
    }

    /// Makes the choice, if its word may make one.
    async fn comes_to(&self, word: &Word, now: Timestamp) -> Result<Tried<Outcome>> {
        let (app, before) = (self.app, &self.upon.choices);
        let line = before.write();
        let (change, is_old) = (self.change(now), word.is_old(now));
        let made = if change.gives && is_old {
            let name = word.name();
            app.db.read(move |conn| word::made(conn, &name)).await?
        } else {
            let deed = self.deed(change.clone().bounded(before, is_old), now)?;
            let used = word.used(&line, &deed.change.choices.write());
            match deed.record(app, Some(used), None, now).await? {
                Recorded::Now(done) => return Ok(Ok(done.into())),
                Recorded::Moved(kept) => return Ok(Err(Box::new(kept))),
                Recorded::Before(made) => Some(made),
            }
        };
        // Of an account its row is the truth: this browser may not have heard of it yet, or say more than it.
        let user = self.consent.account.clone();
        let (is_somebodys, mut alters) = (user.is_some(), change.alters);
        if let (Some(made), Some(user)) = (&made, user) {
            let refuses_all = self.refuses_all();
            let read = app.db.read(move |conn| {
                let is_found = refuses_all && wishes::is_found(conn, &user, now)?;
                Ok((account::of(conn, &user)?.choices.unwrap_or_default(), is_found))
            });
            let (own, is_found) = read.await?;
            // Its choices may hold, but not that we choose by what they like: that was said yes to since.
            if is_found {
                let tried = self.refuses(word, Some(made.clone()), change, now).await?;
                return Ok(tried.map(Outcome::from));
            }
            if word.holds(made, &own.write()) {
                return Ok(Ok(Done::holding(own, made.clone()).into()));
            }
            alters |= !own.says_the_same(&change.choices);
        }
        let again = made.as_ref().map(|made| self.again(made, word.is_old(made.at)));
        let both = made.as_ref().zip(again.as_ref());
        let is_dated = !matches!(self.press, Press::Place(_));
        let met = both.map(|(made, again)| {
            word.met(made, &line, &again.choices.write(), before.are_surely_before(made.at, is_dated))
        });
        let verdict = word::verdict(change.gives, alters, is_old, met);
        Ok(Ok(match (verdict, made, again) {
            // Its row says something else than this word made.
            (Verdict::Again, ..) if is_somebodys && change.gives => Outcome::Refused(Refusal::Used),
            (Verdict::Again, made @ Some(_), _) if is_somebodys => {
                return Ok(self.refuses(word, made, change, now).await?.map(Outcome::from));
            }
            (Verdict::Holds, Some(made), _) => Done::holding(before.clone(), made).into(),
            (Verdict::Again, Some(made), Some(again)) => Done::of(again, made.receipt).into(),
            (Verdict::No, made @ Some(_), _) => {
                return Ok(self.refuses(word, made, change, now).await?.map(Outcome::from));
            }
            (Verdict::Already, ..) => Outcome::Already,
            _ => Outcome::Refused(word.refusal(verdict).unwrap_or(Refusal::Outdated)),
        }))
    }

    /// Carries out what a *Save* says no to, where its yes is refused. Nothing where nobody is met less by it, nor for less.
    async fn refuses_in_part(&self, word: &Word, now: Timestamp) -> Result<Option<Done>> {
        let Press::Save { purposes, vendors } = &self.press else { return Ok(None) };
        let press = Press::Less { purposes: purposes.clone(), vendors: vendors.clone() };
        let (upon, asked, shown) = (self.upon.clone(), self.asked.clone(), self.shown.clone());
        let mut less = Pressing { upon, press, asked, shown, is_bound: true, ..*self };
        for _ in 0..MOST_TRIES {
            let change = less.change(now);
            if change.gives || !(change.takes_away || change.narrows) {
                return Ok(None);
            }
            match less.refuses(word, None, change, now).await? {
                Ok(done) => return Ok(Some(done)),
                Err(kept) => less.upon.moved(*kept),
            }
        }
        Err(Error::Busy(1))
    }

    /// Carries out a no whose word was used, or cannot be used for more: once for each state that it is said to. `made` is what
    /// its word made, where an account says the same no again.
    async fn refuses(
        &self,
        word: &Word,
        made: Option<Made>,
        change: Change,
        now: Timestamp,
    ) -> Result<Tried<Done>> {
        let before = &self.upon.choices;
        let deed = self.deed(change.bounded(before, true), now)?;
        let used = word.used_again(&before.write(), &deed.change.choices.write());
        Ok(match deed.record(self.app, Some(used), made, now).await? {
            Recorded::Now(done) => Ok(done),
            Recorded::Before(made) => Ok(Done::of(self.again(&made, true), made.receipt)),
            Recorded::Moved(kept) => Err(Box::new(kept)),
        })
    }
}

/// Takes a choice: the state changes and its receipt is written, or nothing does. Then a whole new document, because a
/// policy is fixed when its document arrives. Who cannot be given what they pressed for is shown what holds, with every choice
/// anew; but where the same press says a no, that is carried out, and the new document says so. Somebody young, and whoever was
/// not asked for their age where children may come, can say no and nothing else.
#[post("/privacy/choices", data = "<form>")]
pub async fn choose(
    form: Pressed,
    page: Page,
    consent: Decided,
    adult: IfAdult,
    app: &State<App>,
) -> Result<Reply> {
    let Some(word) = form.word(About::Choices, &app.keys.seal, page.browser(), consent.signal(app)) else {
        return choosing::instead(app, page, &consent, Refusal::NotGiven, None).await;
    };
    let (Pressed(fields, _), now) = (form, Timestamp::now());
    let back = fields.text("return");
    let press = match fields.text("choice") {
        "accept" => Press::Accept,
        "refuse" => Press::Refuse,
        "opt_out" => Press::OptOut,
        "later" => return Ok(Reply::go_back(back, "/").keep(Ours::Later, "1", None)),
        "save" => {
            let on = |prefix: &str| -> BTreeSet<String> {
                let ticked = fields.iter().filter(|(_, value)| *value == "on");
                ticked.filter_map(|(name, _)| name.strip_prefix(prefix).map(str::to_owned)).collect()
            };
            Press::Save {
                purposes: on("purpose.").iter().filter_map(|slug| Purpose::parse(slug)).collect(),
                vendors: on("vendor."),
            }
        }
        "place" => Press::Place(place_in(fields.text("place"))?),
        _ => return Err(Error::refused("Choose to accept, to refuse, to opt out or to save.")),
    };
    let may_be_child = consent.band.is_none() && app.consent.child_mode;
    let is_young = matches!(consent.band, Some(Band::Child | Band::Minor));
    let is_closed = may_be_child || is_young;
    let book = &app.consent;
    let everyone = || book.enabled.iter().map(|e| e.at).collect::<Vec<usize>>();
    let banner = notice::named_in(book, fields.text("about"));
    let is_current = banner.as_ref().is_none_or(|banner| banner.is_current);
    let banner = banner.map(|banner| banner.about);
    let shown_to = banner.clone().unwrap_or_else(everyone);
    let asked = match (banner, &consent.decision.to_ask) {
        (Some(about), _) => about,
        (None, some) if !some.is_empty() && !fields.has("all") => some.clone(),
        _ => everyone(),
    };
    let surface = match (back, fields.text("from")) {
        ("", "kept") => "kept",
        ("", _) => "choices",
        (_, "footer") => "footer",
        _ => "banner",
    };
    let shown = match is_current {
        true => shown(book, &press, surface, &shown_to, is_closed),
        false => notice::EARLIER.into(),
    };
    let upon = Upon::read(&consent);
    let mut pressing =
        Pressing { app, consent: &consent, upon, press, asked, surface, shown, is_bound: is_closed };
    // Where somebody young with an account is may make what holds for them stricter.
    let says_where = matches!(pressing.press, Press::Place(_)) && consent.account.is_some();
    let to = if back.is_empty() { "/privacy/choices" } else { back };
    if is_closed && !says_where && !pressing.is_no(now) {
        // From a page of before somebody younger answered: what it says no to counts.
        if let Some(done) = pressing.refuses_in_part(&word, now).await? {
            return Ok(answer(app, done, LESS, page.browser(), to, now));
        }
        // A yes by hand: for the young there is none, and who may be a child is asked for their age before it. A no is taken
        // from everyone: what was said yes to in this browser would count again as soon as it forgets the age.
        if matches!(pressing.press, Press::Accept | Press::Save { .. }) {
            adult.proof()?;
        }
        return Err(Error::refused("There is nothing to choose: nobody may see you here."));
    }
    match pressing.comes_of(&word, is_current, now).await? {
        Outcome::Done(done) => {
            let line = said(done.action);
            Ok(answer(app, *done, line, page.browser(), to, now))
        }
        Outcome::Already => Ok(Reply::go_back(to, "/").notice("That is how it was already.")),
        Outcome::Refused(refusal) => match pressing.refuses_in_part(&word, now).await? {
            Some(done) => Ok(answer(app, done, refusal.beside_a_no(), page.browser(), to, now)),
            // What was decided for this request is of before: another document shows what holds.
            None if pressing.upon.is_later => Ok(Reply::go("/privacy/choices").notice(refusal.words())),
            None => choosing::instead(app, page, &consent, refusal, None).await,
        },
    }
}

/// What somebody reads, who may say no and nothing else, of a press that said yes as well.
const LESS: &str = "What you switched off is off. Nothing was switched on: nobody may see you here.";

/// Answers a choice that was made: back to where it was asked, with this line for the next page. Whoever granted something
/// carries the receipt's id anyway; for whoever did not it waits here, and nothing in the browser leads to it.
fn answer(app: &App, done: Done, line: &str, browser: &str, to: &str, now: Timestamp) -> Reply {
    let Done { choices, receipt, takes_away, lost, .. } = done;
    let book = &app.consent;
    let lost = lost.iter().filter_map(|id| OutOfReach::of(book.registry.vendor(id)?, now));
    let said = [Some(line.to_owned()), out_of_reach::words(&lost.collect::<Vec<_>>())];
    let said = said.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let reply = match (&choices.receipt, to) {
        (None, _) => {
            app.handed.leave(browser, receipt, now);
            Reply::go_back(to, "/").notice_with_receipt(&said)
        }
        (Some(_), "/privacy/choices") => {
            Reply::go(format!("/privacy/choices?receipt={receipt}")).notice(&said)
        }
        (Some(_), _) => {
            Reply::go_back(to, "/").notice_with(&said, "Receipt", &format!("/privacy/receipts/{receipt}"))
        }
    };
    let lasts = if choices.opted_out_at.is_some() { OPT_OUT_LASTS } else { book.choice_ms };
    let reply =
        reply.keep(Ours::Consent, seal::close(&app.keys.seal, &choices), Some(lasts)).forget(Ours::Later);
    clearing(app, takes_away, reply)
}

/// Keeps where the owner of an account says they are. An empty field: they would rather not say. A form that does not count any
/// more and would loosen anything is answered with what holds, and every choice anew.
#[post("/privacy/country", data = "<form>")]
pub async fn country(
    who: SignedIn,
    form: Pressed,
    page: Page,
    consent: Decided,
    app: &State<App>,
) -> Result<Reply> {
    let Some(word) = form.word(About::Country, &app.keys.seal, page.browser(), consent.signal(app)) else {
        return choosing::instead(app, page, &consent, Refusal::NotGiven, None).await;
    };
    let (Pressed(fields, _), now) = (form, Timestamp::now());
    let (said, is_young) = (place_in(fields.text("country"))?, who.band != Band::Adult);
    let (settled, takes_away) = settle(app, &consent, is_young, said, &word, now).await?;
    let line = "Saved. It holds from this page on.";
    let reply = match settled {
        Settled::Refused(why) => return choosing::instead(app, page, &consent, why, None).await,
        Settled::Proved(receipt) => {
            app.handed.leave(page.browser(), receipt, now);
            Reply::go("/account").notice_with_receipt(line)
        }
        Settled::Already | Settled::Moved(..) => Reply::go("/account").notice(line),
    };
    Ok(clearing(app, takes_away, reply))
}

/// The code of a place as a form names it; nothing for nowhere. `Refused` for a place that there is not.
fn place_in(code: &str) -> Result<Option<String>> {
    match code {
        "" => Ok(None),
        code => match named(code) {
            Some(place) => Ok(Some(place.code)),
            None => Err(Error::refused("Choose a place from the list.")),
        },
    }
}

/// An answer after which somebody may be met no more: what vendors kept beside cookies goes too (Clear Site Data; browsers
/// take it over https alone).
fn clearing(app: &App, takes_away: bool, reply: Reply) -> Reply {
    match takes_away && app.config.is_https() {
        true => reply.header("Clear-Site-Data", "\"storage\""),
        false => reply,
    }
}

/// The words beside the button that was pressed, as somebody young reads them or everybody else; of the banner those about the
/// vendors that stood in it.
fn shown(book: &Rulebook, press: &Press, surface: &str, about: &[usize], is_young: bool) -> String {
    let told = Told::about(about.iter().filter_map(|at| book.registry.vendors.get(*at)));
    match (press, surface) {
        (Press::Place(_), _) => notice::place(&loose(book), is_young),
        (_, "banner") => told.text(),
        (_, "footer") => notice::FOOT.into(),
        (_, "kept") => notice::KEPT.into(),
        (Press::OptOut, _) => notice::sale(book.on().any(|v| v.trades())),
        _ => told.on_screen(),
    }
}

fn said(action: receipt::Action) -> &'static str {
    use receipt::Action::*;
    match action {
        Accept => "Accepted. You can take it back at any time.",
        Partial => "Saved: only what you chose.",
        Withdraw => "Taken back. From this page on they are not contacted.",
        Place => "Noted. From this page on the rules of that place hold for you.",
        OptOut => "You are opted out of the sale and sharing of your personal information.",
        _ => "Refused. Nobody else sees you here.",
    }
}
