//! Where choices are made: one screen with everything on it, one button for everything, and a receipt for each.

use std::collections::BTreeSet;

use rocket::{State, get, post};
use serde::Serialize;

use super::account;
use super::age::Band;
use super::choices::{Choices, Standing};
use super::constants::COOKIE_CEILING_DAYS;
use super::decision::Reason;
use super::deed::{Change, Press, carry_out, met};
use super::guards::{Consent, Decided, Signals};
use super::letters::Wanted;
use super::letters::routes::{Switch, switches};
use super::log;
use super::notice::{self, PurposeTold, Told, VendorTold};
use super::out_of_reach::{self, OutOfReach};
use super::purpose::Purpose;
use super::receipt::{self, AgeBand, Answer, Notice, Receipt, Recipient, Salt};
use super::rulebook::{AdsMode, Enabled, Rulebook};
use super::seal;
use super::whereabouts::{WherePart, named};
use super::who::{WayOut, ways_of};
use crate::App;
use crate::accounts::user::User;
use crate::ads::wishes;
use crate::clock::{DAY, Timestamp};
use crate::error::{Error, Result};
use crate::guardians::leaf::Stub;
use crate::guardians::moving;
use crate::guardians::notice::Ground;
use crate::ids::{ReceiptId, UserId};
use crate::secrets;
use crate::web::{Fields, Ours, Page, Posted, Reply, View};

/// An opt-out of sale and sharing is remembered longer than a choice: as long as a browser keeps a cookie.
pub(super) const OPT_OUT_LASTS: i64 = COOKIE_CEILING_DAYS * DAY;

/// A press that comes again within this time, by the same button of the same page, is the same press.
const TWICE_MS: i64 = 5_000;

/// A change with what its receipt says beside it. Drawn and worded before the write, which may run twice.
struct Deed {
    account: Option<UserId>,
    /// Whether everything is refused, our own choosing by what somebody likes too.
    refuses_all: bool,
    change: Change,
    receipt: Receipt,
    salt: Salt,
    notice: Notice,
    /// What follows for somebody young who said where they are.
    moves: Option<Moves>,
}

/// Somebody young with an account says that they are somewhere.
struct Moves {
    ground: Ground,
    place: String,
    stub: Stub,
}

/// Who chose, from what, and where.
struct Scene<'a> {
    account: Option<UserId>,
    before: &'a Choices,
    signals: Signals,
    band: Option<Band>,
    surface: &'static str,
    /// The words that were in front of them.
    shown: String,
    /// The receipt that is written, where it is the same for a press that is sent twice.
    id: Option<ReceiptId>,
}

impl Deed {
    fn new(app: &App, scene: Scene<'_>, mut change: Change, now: Timestamp) -> Result<Deed> {
        let Scene { account, before, signals, band, surface, shown, id } = scene;
        let book = &app.consent;
        let notice =
            Notice { version: notice::VERSION.into(), language: notice::LANGUAGE.into(), text: shown };
        let place = change.choices.place.clone();
        let id = id.map_or_else(ReceiptId::draw, Ok)?;
        // Whoever says no carries no id: theirs is proved by the receipt they were shown, and found by nobody else.
        change.choices.receipt = change.grants().then(|| id.to_string());
        let granted: BTreeSet<&str> =
            change.items.iter().filter(|i| i.state == Answer::Granted).map(|i| i.vendor.as_str()).collect();
        let (met_before, met_now) = (met(book, before, now), met(book, &change.choices, now));
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
            profile: receipt::Profile {
                id: book.profile_at(place.as_deref()).id.clone(),
                how_decided: if place.is_some() { "visitor_choice" } else { "unknown_place" }.into(),
            },
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
        Ok(Deed { account, refuses_all: false, change, receipt, salt: Salt::draw()?, notice, moves: None })
    }

    /// Changes the state and writes the receipt, both or neither. A press that was sent twice has one receipt.
    async fn record(self, app: &App, now: Timestamp) -> Result<(Choices, ReceiptId)> {
        let Deed { account, refuses_all, change, receipt, salt, notice, moves } = self;
        let (choices, id) = (change.choices, receipt.id.clone());
        let (kept, proof_ms) = (choices.clone(), app.consent.proof_ms);
        app.db
            .write(move |conn| {
                log::wait_turn(conn)?;
                if !log::holds(conn, &receipt.id)? {
                    notice.keep(conn)?;
                    let until = receipt::kept_until(receipt.valid_until, proof_ms);
                    log::append(conn, &receipt, &salt, account.as_ref(), until, now)?;
                }
                if let Some(user) = &account {
                    account::keep(conn, user, &kept, now)?;
                    if refuses_all {
                        wishes::withdraw(conn, user, now)?;
                    }
                    if let Some(Moves { ground, place, stub }) = &moves {
                        moving::moved(conn, ground, user, place, stub, now)?;
                    }
                }
                Ok(())
            })
            .await?;
        Ok((choices, id))
    }

    /// The same for a change of an account that several requests see at once: the first makes it and writes its receipt.
    /// Answers nothing when another was first.
    async fn record_first(self, app: &App, was: Option<String>, now: Timestamp) -> Result<Option<Choices>> {
        let Deed { account, refuses_all, change, receipt, salt, notice, moves: _ } = self;
        let account = account.ok_or_else(|| Error::internal("a change of no account"))?;
        let (kept, proof_ms) = (change.choices.clone(), app.consent.proof_ms);
        let first = app
            .db
            .write(move |conn| {
                log::wait_turn(conn)?;
                if !account::keep_first(conn, &account, was.as_deref(), &kept, now)? {
                    return Ok(false);
                }
                if refuses_all {
                    wishes::withdraw(conn, &account, now)?;
                }
                notice.keep(conn)?;
                let until = receipt::kept_until(receipt.valid_until, proof_ms);
                log::append(conn, &receipt, &salt, Some(&account), until, now)?;
                Ok(true)
            })
            .await?;
        Ok(first.then_some(change.choices))
    }
}

/// A signal reached an account that had not opted out: it is opted out from now on, on every device (11 CCR 7025(c)(1)).
/// A browser asks for several pages at once, so `was` says what the account's row held when `before` was read: the
/// first of them changes it, and the others see what it made.
pub(super) async fn signal(
    app: &App,
    user: &UserId,
    before: &Choices,
    was: Option<String>,
    signals: Signals,
    now: Timestamp,
) -> Result<Choices> {
    let change = carry_out(&app.consent, before, &Press::Signal, &[], true, now);
    // Whoever came second obeys the signal too, whatever the first one kept.
    let mut obeyed = change.choices.clone();
    let scene = Scene {
        account: Some(user.clone()),
        before,
        signals,
        band: Some(Band::Adult),
        surface: "signal",
        shown: notice::sale(app.consent.on().any(|v| v.trades())),
        id: None,
    };
    let deed = Deed { refuses_all: true, ..Deed::new(app, scene, change, now)? };
    if let Some(made) = deed.record_first(app, was, now).await? {
        return Ok(made);
    }
    let user = user.clone();
    if let Some(kept) = app.db.read(move |conn| account::of(conn, &user)).await?.choices
        && kept.opted_out_at.is_some()
    {
        obeyed = kept;
    }
    Ok(obeyed)
}

/// Opts an account out of sale and sharing because its owner asked for it otherwise than by the button: by post, or by
/// e-mail. Answers the receipt.
pub async fn opt_out(app: &App, user: &UserId, now: Timestamp) -> Result<ReceiptId> {
    let whose = user.clone();
    let (kept, owner) =
        app.db.read(move |conn| Ok((account::of(conn, &whose)?, User::find(conn, &whose)?))).await?;
    let before = kept.choices.unwrap_or_default();
    let change = carry_out(&app.consent, &before, &Press::OptOut, &[], false, now);
    let scene = Scene {
        account: Some(user.clone()),
        before: &before,
        signals: Signals::default(),
        band: Some(owner.band),
        surface: "inquiry",
        shown: notice::sale(app.consent.on().any(|v| v.trades())),
        id: None,
    };
    Ok(Deed::new(app, scene, change, now)?.record(app, now).await?.1)
}

/// A purpose with its switch.
#[derive(Serialize)]
struct PurposeRow {
    #[serde(flatten)]
    told: PurposeTold,
    on: bool,
}

/// A vendor with its switch and the reason it is on or off in this very answer.
#[derive(Serialize)]
struct VendorRow {
    #[serde(flatten)]
    told: VendorTold,
    on: bool,
    is_contacted: bool,
    reason: &'static str,
    ways_out: Vec<WayOut>,
}

/// The screen where everything is decided.
#[derive(Serialize)]
pub struct ChoicesPage {
    /// Whether anybody could be contacted at all on this site.
    has_vendors: bool,
    /// Whether nobody is asked, because of the age question.
    is_young: bool,
    /// Whether it makes a difference where they are.
    asks_place: bool,
    /// Where they say they are, and what they may say.
    place: WherePart,
    /// Whether somebody is on without having been granted, because of that place.
    is_loose: bool,
    purposes: Vec<PurposeRow>,
    vendors: Vec<VendorRow>,
    small: &'static str,
    /// Letters that nobody has to get; only for people with an account.
    letters: Vec<Switch>,
    says_gpc: bool,
    says_dnt: bool,
    signal_beaten: bool,
    decided_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    opted_out_at: Option<Timestamp>,
    /// The receipt of the choice just made, or of the last yes.
    receipt: Option<String>,
    /// Whether it was made just now.
    is_fresh: bool,
    /// Whether anything that could be contacted sells, shares or targets.
    trades: bool,
    no_cookies: bool,
    /// Whether house advertisements go on after a no.
    ads_go_on: bool,
    edition: Timestamp,
}

impl ChoicesPage {
    fn new(app: &App, consent: &Consent, letters: Vec<Switch>, fresh: Option<String>) -> ChoicesPage {
        let (book, now) = (&app.consent, Timestamp::now());
        let (choices, decision) = (&consent.choices, &consent.decision);
        let told = Told::about(book.on());
        let standing =
            |id: &str, purpose| book.on().find(|v| v.id == id).map(|v| choices.standing(v, purpose, now));
        let is_young = matches!(consent.band, Some(Band::Child | Band::Minor))
            || consent.band.is_none() && app.consent.child_mode;
        // What is on without a yes is shown as on: a switch that says otherwise would lie.
        let unasked = |at: usize| decision.reasons[at] == Reason::OptOutProfile;
        let vendors = book
            .enabled
            .iter()
            .map(|e| {
                let vendor = &book.registry.vendors[e.at];
                let on = choices.vendors.get(&vendor.id).is_some_and(|a| a.yes)
                    && choices.of(vendor, now) != Standing::Expired
                    && choices.of(vendor, now) != Standing::Changed
                    || unasked(e.at);
                VendorRow {
                    told: VendorTold::new(vendor),
                    on,
                    is_contacted: decision.reasons[e.at].allows(),
                    reason: decision.reasons[e.at].words(),
                    ways_out: ways_of(vendor, now),
                }
            })
            .collect();
        let purposes = told
            .purposes
            .iter()
            .map(|p| {
                let purpose = Purpose::parse(p.slug);
                let on = purpose.is_some_and(|purpose| {
                    let is_unasked = |e: &Enabled| {
                        unasked(e.at) && book.registry.vendors[e.at].purposes.contains(&purpose)
                    };
                    choices.purposes.get(&purpose) == Some(&true)
                        && told.vendors.iter().any(|v| standing(&v.id, purpose) == Some(Standing::Granted))
                        || book.enabled.iter().any(is_unasked)
                });
                PurposeRow { told: p.clone(), on }
            })
            .collect();
        ChoicesPage {
            has_vendors: !book.enabled.is_empty(),
            is_young,
            asks_place: match is_young {
                true => consent.account.is_some(),
                false => !book.enabled.is_empty(),
            },
            place: WherePart::new(book, choices.place.as_deref()),
            is_loose: book.enabled.iter().any(|e| unasked(e.at)),
            purposes,
            vendors,
            small: told.small,
            letters,
            says_gpc: consent.signals.gpc,
            says_dnt: consent.signals.dnt && book.honour_dnt,
            signal_beaten: consent.signal(app) && choices.overrides_gpc.is_some(),
            decided_at: choices.decided_at,
            expires_at: choices.expires_at.filter(|at| *at > now),
            opted_out_at: choices.opted_out_at,
            is_fresh: fresh.is_some(),
            receipt: fresh.or_else(|| choices.receipt.clone()),
            trades: book.on().any(|v| v.trades()),
            no_cookies: !consent.takes_cookies,
            ads_go_on: decision.ads != AdsMode::None,
            edition: super::routes::edition_day(),
        }
    }
}

impl View for ChoicesPage {
    const TEMPLATE: &'static str = "consent/choices.html";

    fn samples() -> Vec<ChoicesPage> {
        let day = Timestamp(1_800_000_000_000);
        let all: Vec<_> = super::vendor::Registry::shipped()
            .map(|r| r.vendors.iter().filter(|v| v.id == "ga4" || v.id == "histats").collect())
            .unwrap_or_default();
        let told = Told::about(all.iter().copied());
        let place = |on: bool| WherePart {
            here: named("US-TX").filter(|_| on),
            states: named("US-TX").into_iter().collect(),
            countries: named("DE").into_iter().collect(),
            loose: if on { vec!["Texas".into()] } else { vec![] },
        };
        let page = |has_vendors: bool, on: bool, account: bool| ChoicesPage {
            has_vendors,
            is_young: false,
            asks_place: has_vendors,
            place: place(on),
            is_loose: on && account,
            purposes: told.purposes.iter().map(|p| PurposeRow { told: p.clone(), on }).collect(),
            vendors: (all.iter().zip(&told.vendors))
                .map(|(vendor, told)| (told.clone(), ways_of(vendor, day)))
                .map(|(told, ways_out)| VendorRow { told, on, is_contacted: on, reason: "On.", ways_out })
                .collect(),
            small: told.small,
            letters: if account {
                vec![Switch { slug: "marketing_email", name: "A letter a week", words: "What is new.", on }]
            } else {
                vec![]
            },
            says_gpc: on,
            says_dnt: !on,
            signal_beaten: on && account,
            decided_at: on.then_some(day),
            expires_at: on.then_some(day),
            opted_out_at: account.then_some(day),
            receipt: on.then(|| "01".into()),
            is_fresh: account,
            trades: true,
            no_cookies: !account,
            ads_go_on: on,
            edition: day,
        };
        let young = ChoicesPage { is_young: true, ..page(true, false, false) };
        vec![page(false, false, false), page(true, false, false), page(true, true, true), young]
    }
}

/// One screen with every choice on it.
#[get("/privacy/choices?<receipt>")]
pub async fn choices(receipt: Option<&str>, page: Page, consent: Decided, app: &State<App>) -> Result<Reply> {
    let fresh = receipt.and_then(ReceiptId::parse).map(|id| id.to_string());
    // Nobody under age gets letters with offers.
    let is_young = matches!(consent.band, Some(Band::Child | Band::Minor));
    let shown = match consent.account.clone().filter(|_| !is_young) {
        None => vec![],
        Some(user) => {
            let wanted = app.db.read(move |conn| Wanted::of(conn, &user)).await?;
            switches(app, &wanted, Timestamp::now())
        }
    };
    page.show(&ChoicesPage::new(app, &consent, shown, fresh))
}

/// Takes a choice: the state changes and its receipt is written, or nothing does. Then a whole new document, because a
/// policy is fixed when its document arrives.
#[post("/privacy/choices", data = "<form>")]
pub async fn choose(form: Posted, consent: Decided, app: &State<App>) -> Result<Reply> {
    let (fields, now) = (form.0, Timestamp::now());
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
        "place" => Press::Place(match fields.text("place") {
            "" => None,
            code => Some(named(code).ok_or_else(|| Error::refused("Choose a place from the list."))?.code),
        }),
        _ => return Err(Error::refused("Choose to accept, to refuse, to opt out or to save.")),
    };
    let may_be_child = consent.band.is_none() && app.consent.child_mode;
    let is_young = matches!(consent.band, Some(Band::Child | Band::Minor));
    // Where somebody young with an account is may make what holds for them stricter, and nothing else.
    let says_where = matches!(press, Press::Place(_)) && consent.account.is_some();
    if (may_be_child || is_young) && !says_where {
        return Err(Error::refused("There is nothing to choose: nobody may see you here."));
    }
    let book = &app.consent;
    let everyone = || book.enabled.iter().map(|e| e.at).collect::<Vec<usize>>();
    let banner = notice::named_in(book, fields.text("about"))?;
    let shown_to = banner.clone().unwrap_or_else(everyone);
    let asked = match (banner, &consent.decision.to_ask) {
        (Some(about), _) => about,
        (None, some) if !some.is_empty() && !fields.has("all") => some.clone(),
        _ => everyone(),
    };
    let change = carry_out(book, &consent.choices, &press, &asked, consent.signal(app), now);
    let (action, takes_away) = (change.action, change.takes_away);
    let lost = change.lost.iter().filter_map(|id| OutOfReach::of(book.registry.vendor(id)?, now));
    let said = [Some(said(action).to_owned()), out_of_reach::words(&lost.collect::<Vec<_>>())];
    let said = said.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let surface = match (back, fields.text("from")) {
        ("", _) => "choices",
        (_, "footer") => "footer",
        _ => "banner",
    };
    let scene = Scene {
        account: consent.account.clone(),
        before: &consent.choices,
        signals: consent.signals,
        band: consent.band,
        surface,
        shown: shown(book, &press, surface, &shown_to),
        id: receipt_of(app, &fields, &press, &consent.choices, now).await?,
    };
    let refuses_all = matches!(press, Press::Refuse | Press::OptOut);
    let moves = match (change.choices.place.clone(), is_young && says_where) {
        (Some(place), true) => Some(Moves { ground: Ground::of(app), place, stub: Stub::draw()? }),
        _ => None,
    };
    let deed = Deed { refuses_all, moves, ..Deed::new(app, scene, change, now)? };
    let (choices, id) = deed.record(app, now).await?;
    let proof = format!("/privacy/receipts/{id}");
    let reply = match surface {
        "banner" | "footer" => Reply::go_back(back, "/").notice_with(&said, "Receipt", &proof),
        _ => Reply::go(format!("/privacy/choices?receipt={id}")).notice(&said),
    };
    let lasts = if choices.opted_out_at.is_some() { OPT_OUT_LASTS } else { book.choice_ms };
    let reply =
        reply.keep(Ours::Consent, seal::close(&app.keys.seal, &choices), Some(lasts)).forget(Ours::Later);
    // What vendors kept beside cookies goes too (Clear Site Data; browsers take it over https alone).
    let clears = takes_away && app.config.is_https();
    Ok(if clears { reply.header("Clear-Site-Data", "\"storage\"") } else { reply })
}

/// The receipt of a press: the same when a form is sent twice, as by a double click, so that one choice has one receipt.
/// Every page's token is another, and a state that was changed since by another press makes this a new one. Who says where
/// they are answers nothing about anybody, and every press of that is its own.
async fn receipt_of(
    app: &App,
    fields: &Fields,
    press: &Press,
    before: &Choices,
    now: Timestamp,
) -> Result<Option<ReceiptId>> {
    if matches!(press, Press::Place(_)) {
        return Ok(None);
    }
    let Some((id, earlier)) = receipt_of_form(app, fields).await? else { return Ok(None) };
    let is_new = earlier.is_some_and(|at| {
        now.since(at) >= TWICE_MS || before.decided_at.is_some_and(|decided| decided.secs() > at.secs())
    });
    Ok((!is_new).then_some(id))
}

/// The receipt that exactly this form has, and when it was written, if it was.
async fn receipt_of_form(app: &App, fields: &Fields) -> Result<Option<(ReceiptId, Option<Timestamp>)>> {
    let sent: String =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields.iter()).finish();
    let bits = secrets::mac(&secrets::derive(&app.keys.seal, "a press of a choice"), sent.as_bytes());
    let Some(bits) = bits.first_chunk::<16>() else { return Ok(None) };
    let id = ReceiptId::of(*bits);
    let asked = id.clone();
    match app.db.read(move |conn| log::kept(conn, &asked)).await {
        Ok(kept) => Ok(Some((id, Some(kept.receipt.time)))),
        Err(Error::NotFound) => Ok(Some((id, None))),
        Err(error) => Err(error),
    }
}

/// The receipt of a press that changes no choice: the same when its form is sent twice, a new one when it is sent later.
pub(super) async fn receipt_of_press(app: &App, fields: &Fields, now: Timestamp) -> Result<ReceiptId> {
    match receipt_of_form(app, fields).await? {
        Some((id, earlier)) if earlier.is_none_or(|at| now.since(at) < TWICE_MS) => Ok(id),
        _ => ReceiptId::draw(),
    }
}

/// The words beside the button that was pressed; of the banner those about the vendors that stood in it.
fn shown(book: &Rulebook, press: &Press, surface: &str, about: &[usize]) -> String {
    let told = Told::about(about.iter().filter_map(|at| book.registry.vendors.get(*at)));
    match (press, surface) {
        (Press::Place(_), _) => notice::PLACE.into(),
        (_, "banner") => told.text(),
        (_, "footer") => notice::FOOT.into(),
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
