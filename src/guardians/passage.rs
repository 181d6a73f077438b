//! What a guardian's word does: each edge of the table (`state`) one function, in one write, with one leaf.
//!
//! What is taken back ends in that write: sounds leave the shop, sessions close, payment pages are sent to be closed.
//! What was sold before stays sold.

use diesel::prelude::*;
use serde_json::json;

use super::check::{self, Whose};
use super::confirming;
use super::form::{self, Signing};
use super::holdings;
use super::leaf::{self, Step, Stub};
use super::notice::{self, Ground};
use super::permission::{LASTS_MS, Method, Permission, Scope};
use super::showing;
use super::state::{Edge, State};
use super::text::TextMessage;
use super::verification;
use super::ward::{self, ANSWER_MS, Guardian, Opens, Ward};
use crate::accounts::band::Band;
use crate::accounts::joining::{self, Newcomer};
use crate::accounts::session;
use crate::accounts::user::{self, User, fold_email};
use crate::catalogue::track;
use crate::clock::Timestamp;
use crate::consent::age::Answer;
use crate::consent::log;
use crate::consent::receipt::Action;
use crate::db::Conn;
use crate::db::schema::{payout_holds, permissions, users, ward_steps, wards};
use crate::each_db;
use crate::error::{Error, Result};
use crate::ids::{Handle, PermissionId, UserId, WardId};
use crate::jobs::{Job, Priority, Terms, enqueue, enqueue_as};
use crate::proof::Issuer;
use crate::secrets::sha256;

/// Somebody under age who names a guardian. Tokens are drawn before the write.
#[derive(Clone)]
pub struct Asking {
    /// The name of the account to come.
    pub name: String,
    pub email: String,
    pub answer: Answer,
    pub place: Option<String>,
    /// What their browser comes back with.
    pub claim: String,
    /// What the letter's link ends with.
    pub link: String,
}

/// Edges 7 and 11: a guardian is named. The notice goes out, the name is kept free, and both are forgotten in fourteen
/// days without an answer. `Refused` when somebody has that name.
pub fn ask(conn: &mut Conn, ground: &Ground, asking: &Asking, stub: &Stub, now: Timestamp) -> Result<Ward> {
    log::wait_turn(conn)?;
    let handle = Handle::from_name(&asking.name);
    if !user::is_free(conn, &handle)? {
        return Err(Error::refused("Somebody has that name already. Choose another one."));
    }
    let is_child = asking.answer.band == Band::Child;
    let (edge, begins, to) = match is_child {
        true => (Edge::AskParent, State::AsksParent, State::Waiting),
        false => (Edge::Ask, State::Unlinked, State::Pending),
    };
    let told = notice::direct(ground, is_child);
    let known = ground.book.with_month(asking.answer, now);
    let ward = Ward {
        id: WardId::new(),
        state: begins,
        name: asking.name.trim().to_owned(),
        handle,
        account: None,
        band: known.band,
        next_band_month: known.next.map(|month| month.to_string()),
        site_profile: ground.book.site.id.clone(),
        place: asking.place.clone(),
        claim_hash: Some(sha256(&asking.claim)),
        since: now,
        due_at: Some(now.plus(ANSWER_MS)),
    };
    // It begins in a state that is not kept, and is kept from its first edge on.
    Ward { state: to, ..ward.clone() }.insert(conn)?;
    let guardian = Guardian::new(&ward.id, &asking.email, &told.hash(), now);
    guardian.insert(conn)?;
    ward::link(conn, &ward.id, Opens::Answer, &asking.link, now)?;
    leaf::begin(
        conn,
        ground,
        &ward,
        Step {
            edge,
            to,
            action: Action::AskGuardian,
            items: vec![],
            notice: told.clone(),
            until: now.plus(ANSWER_MS),
            stub,
        },
        now,
    )?;
    let letter = Job::SendLetter {
        to: guardian.email.clone(),
        template: "ask_guardian".into(),
        values: json!({
            "name": ward.name,
            "notice": told.text,
            "link": format!("{}/guardians/{}", ground.site_url, asking.link),
        }),
    };
    enqueue(conn, &letter, now)?;
    let drop = Job::DropUnanswered { ward: ward.id.clone() };
    let terms = Terms { once: None, priority: Priority::Upkeep, delay_ms: ANSWER_MS };
    enqueue_as(conn, &drop, terms, now)?;
    Ward::find(conn, &ward.id)
}

/// Edges 7 and 11 from an account that is there: its owner was found out or came of another band, and names somebody. The
/// account stays shut until they answer. `Conflict` where nobody is asked about its owner: a child where none are taken, and
/// whoever is of age.
pub fn ask_for(
    conn: &mut Conn,
    ground: &Ground,
    user: &UserId,
    email: &str,
    link: &str,
    stub: &Stub,
    now: Timestamp,
) -> Result<()> {
    log::wait_turn(conn)?;
    let ward = Ward::of_account(conn, user)?.ok_or(Error::NotFound)?;
    if !ground.asks_somebody(ward.band) {
        return Err(Error::conflict("Nobody is asked about this account."));
    }
    let is_child = ward.band == Band::Child;
    let (edge, to) = match is_child {
        true => (Edge::AskParent, State::Waiting),
        false => (Edge::Ask, State::Pending),
    };
    let told = notice::direct(ground, is_child);
    // Whoever answered before does so no longer.
    Guardian::end(conn, &ward.id)?;
    check::end_all(conn, Whose::GuardianOf(&ward.id), now)?;
    Guardian::new(&ward.id, email, &told.hash(), now).insert(conn)?;
    ward::link(conn, &ward.id, Opens::Answer, link, now)?;
    // The clock of a discovery runs on: naming somebody wins no time, and nobody's address is kept longer than it says.
    let most = now.plus(ANSWER_MS);
    let due = ward.due_at.map_or(most, |due| due.min(most));
    diesel::update(wards::table.find(&ward.id)).set(wards::due_at.eq(due)).execute(conn)?;
    let letter = Job::SendLetter {
        to: email.trim().to_owned(),
        template: "ask_guardian".into(),
        values: json!({
            "name": ward.name,
            "notice": told.text,
            "link": format!("{}/guardians/{link}", ground.site_url),
        }),
    };
    enqueue(conn, &letter, now)?;
    let step = Step { edge, to, action: Action::AskGuardian, items: vec![], notice: told, until: due, stub };
    leaf::take(conn, ground, &ward, step, now)
}

/// Edges 7a and 14: nobody answered in time. Contact and name are forgotten; the account was never made. False while
/// there is time, or when there was an answer.
pub fn lapse(conn: &mut Conn, ground: &Ground, ward: &WardId, stub: &Stub, now: Timestamp) -> Result<bool> {
    log::wait_turn(conn)?;
    let Some(ward) = wards::table.find(ward).select(Ward::as_select()).first(conn).optional()? else {
        return Ok(false);
    };
    let (edge, to) = match ward.state {
        State::Pending => (Edge::Lapse, State::Unlinked),
        State::Waiting => (Edge::ParentLapse, State::ChildEnded),
        _ => return Ok(false),
    };
    if ward.due_at.is_none_or(|due| now < due) {
        return Ok(false);
    }
    let notice =
        notice::event("Nobody answered within the time the notice named. Both contacts were deleted.");
    let step = Step { edge, to, action: Action::Lapse, items: vec![], notice, until: now, stub };
    leaf::write(conn, ground, &ward, step, now)?;
    ward.forget(conn)?;
    if let Some(user) = &ward.account {
        close_account(conn, user, now)?;
    }
    Ok(true)
}

/// Whoever answers, as they name themselves.
#[derive(Clone, Debug)]
pub struct Word {
    pub name: String,
    pub relationship: String,
}

/// The guardian said no: both contacts are forgotten at once, and the name is free again.
pub fn decline(conn: &mut Conn, ground: &Ground, ward: &Ward, stub: &Stub, now: Timestamp) -> Result<()> {
    log::wait_turn(conn)?;
    let (edge, to) = match ward.state {
        State::Pending => (Edge::Revoke, State::Ended),
        State::Waiting => (Edge::ParentLapse, State::ChildEnded),
        _ => return Err(Error::conflict("This was answered already.")),
    };
    let notice = notice::direct(ground, ward.band == Band::Child);
    let items = vec![(Scope::Account, false)];
    let step = Step { edge, to, action: Action::Refuse, items, notice, until: now, stub };
    leaf::take(conn, ground, ward, step, now)?;
    match &ward.account {
        Some(user) => {
            ward.forget(conn)?;
            close_account(conn, user, now)
        }
        None => ward.forget(conn),
    }
}

/// Edges 8 and 12: the guardian read the notice and said yes, by a button: an account and nothing else. Whether a child's
/// sounds may be heard by others is another question; a yes to it waits for a proof that a letter is not.
pub fn permit(
    conn: &mut Conn,
    ground: &Ground,
    ward: &Ward,
    word: &Word,
    disclose: bool,
    stub: &Stub,
    now: Timestamp,
) -> Result<()> {
    log::wait_turn(conn)?;
    let guardian = Guardian::of_ward(conn, &ward.id)?.ok_or(Error::NotFound)?;
    let is_child = ward.band == Band::Child;
    let (edge, to) = match is_child {
        true => (Edge::Allow, State::Internal),
        false => (Edge::Permit, State::General),
    };
    let told = notice::direct(ground, is_child);
    let until = holds_until(ward, None, now);
    // A code that came to their number counts where they are asked about a child, and nowhere else.
    let text = if is_child { TextMessage::proved_of(conn, &ward.id, now)? } else { None };
    let method = if text.is_some() { Method::TextPlus } else { Method::EmailPlus };
    grant(conn, ward, &[Scope::Account], &told.hash(), Some(method), until, now)?;
    if let Some(text) = &text {
        text.answered(conn, now)?;
    }
    guardian.answered(conn, &word.name, &word.relationship, now)?;
    settled(conn, ward)?;
    write_to_guardian(conn, ward, &guardian)?;
    let mut items = vec![(Scope::Account, true)];
    if is_child {
        // Asked apart, and nothing before the proof.
        items.push((Scope::Publication, false));
        if disclose {
            showing::grant(conn, ward, &told.hash(), None, until, now)?;
            verification::ask_for_form(conn, &ward.id, now)?;
        }
    }
    let step = Step { edge, to, action: Action::Permit, items, notice: told, until, stub };
    leaf::take(conn, ground, ward, step, now)?;
    confirming::later(conn, ward, now)
}

/// Edges 9 and 13: the guardian was proved by more than a letter, and what waited for that counts from now on. Answers
/// what it was; nothing when nothing waited.
pub fn prove(
    conn: &mut Conn,
    ground: &Ground,
    ward: &Ward,
    method: Method,
    stub: &Stub,
    now: Timestamp,
) -> Result<Vec<Scope>> {
    log::wait_turn(conn)?;
    let waiting: Vec<Permission> =
        Permission::open_of(conn, &ward.id, now)?.into_iter().filter(|p| p.waits(now)).collect();
    let Some(until) = waiting.iter().map(|p| p.expires_at).min() else { return Ok(vec![]) };
    let scopes: Vec<Scope> = waiting.iter().map(|p| p.scope).collect();
    if !method.unlocks_disclosure() {
        return Err(Error::internal("a letter proves too little to show a child to others"));
    }
    diesel::update(permissions::table.filter(permissions::ward.eq(&ward.id)))
        .filter(permissions::granted_at.is_null().and(permissions::revoked_at.is_null()))
        .set((permissions::granted_at.eq(now), permissions::method.eq(method)))
        .execute(conn)?;
    verification::forget_forms(conn, &ward.id)?;
    check::end_all(conn, Whose::GuardianOf(&ward.id), now)?;
    let (edge, to, notice) = match ward.band == Band::Child {
        true => (Edge::Disclose, State::Disclosing, notice::direct(ground, true)),
        false => (Edge::Authorise, State::Authorised, notice::form(ground)),
    };
    let items = scopes.iter().map(|scope| (*scope, true)).collect();
    let step = Step { edge, to, action: Action::Permit, items, notice, until, stub };
    leaf::take(conn, ground, ward, step, now)?;
    Ok(scopes)
}

/// Edge 9: the form with its scopes, signed. It replaces what was signed before. A scope that wants more proof waits for
/// it. Answers the document. `Conflict` where one begins at an age that the ward has not reached.
pub fn authorise(
    conn: &mut Conn,
    ground: &Ground,
    issuer: &Issuer,
    ward: &Ward,
    signing: &Signing,
    stub: &Stub,
    now: Timestamp,
) -> Result<String> {
    log::wait_turn(conn)?;
    ground.minimums.demand_all(&signing.scopes, ward, now)?;
    let guardian = Guardian::of_ward(conn, &ward.id)?.ok_or(Error::NotFound)?;
    let text = notice::form(ground);
    let (hash, until) = (text.hash(), holds_until(ward, Some(LASTS_MS), now));
    let proved = verification::strong(conn, &ward.id)?;
    let before = Permission::open_of(conn, &ward.id, now)?;
    let gone: Vec<Scope> = before
        .iter()
        .map(|p| p.scope)
        .filter(|s| *s != Scope::Account && !signing.scopes.contains(s))
        .collect();
    for permission in before.iter().filter(|p| p.scope != Scope::Account) {
        Permission::revoke(conn, &ward.id, Some(permission.scope), now)?;
    }
    if before.iter().all(|p| p.scope != Scope::Account) {
        let general = holds_until(ward, None, now);
        grant(conn, ward, &[Scope::Account], &hash, Some(Method::EmailPlus), general, now)?;
    }
    let (strong, plain): (Vec<Scope>, Vec<Scope>) =
        signing.scopes.iter().partition(|scope| ground.wants_more_proof(**scope));
    grant(conn, ward, &plain, &hash, Some(Method::EmailPlus), until, now)?;
    grant(conn, ward, &strong, &hash, proved, until, now)?;
    if signing.scopes.contains(&Scope::Messages) {
        Permission::keep_reach(conn, &ward.id, signing.reach)?;
    }
    if !strong.is_empty() && proved.is_none() {
        verification::ask_for_form(conn, &ward.id, now)?;
    }
    guardian.answered(conn, &signing.name, &signing.relationship, now)?;
    settled(conn, ward)?;
    write_to_guardian(conn, ward, &guardian)?;
    let items = Scope::OF_MINORS.iter().map(|scope| (*scope, signing.scopes.contains(scope)));
    let step = Step {
        edge: Edge::Authorise,
        to: State::Authorised,
        action: Action::Permit,
        items: items.collect(),
        notice: text,
        until,
        stub,
    };
    leaf::take(conn, ground, ward, step, now)?;
    let method = proved.unwrap_or(Method::EmailPlus);
    let document = form::document(ward, &guardian, signing, &hash, ground, method, until, issuer, now);
    let document = crate::proof::jcs::pretty(&document);
    ward::keep_form(conn, &ward.id, &document, now)?;
    effects(conn, ward, &gone, now)?;
    confirming::later(conn, ward, now)?;
    Ok(document)
}

/// Edges 10 and 15: the guardian takes one scope back, or everything; it acts in this write. Answers whether anything was
/// left to take.
pub fn revoke(
    conn: &mut Conn,
    ground: &Ground,
    ward: &Ward,
    scope: Option<Scope>,
    stub: &Stub,
    now: Timestamp,
) -> Result<bool> {
    log::wait_turn(conn)?;
    let scope = scope.filter(|s| *s != Scope::Account);
    let is_whole = scope.is_none();
    let gone = Permission::revoke(conn, &ward.id, scope, now)?;
    if gone.is_empty() && !(is_whole && ward.state == State::Pending) {
        return Ok(false);
    }
    let left = Permission::open_of(conn, &ward.id, now)?;
    let has_scopes = left.iter().any(|p| p.scope != Scope::Account);
    let (edge, to) = match (ward.band == Band::Child, is_whole) {
        (true, true) => (Edge::ParentRevoke, State::ChildEnded),
        (true, false) => (Edge::ParentRevoke, State::Internal),
        (false, true) => (Edge::Revoke, State::Ended),
        (false, false) if has_scopes => (Edge::Revoke, State::Authorised),
        (false, false) => (Edge::Revoke, State::General),
    };
    let notice = notice::event(REVOKED);
    let items = gone.iter().map(|scope| (*scope, false)).collect();
    let step = Step { edge, to, action: Action::Revoke, items, notice, until: now, stub };
    leaf::take(conn, ground, ward, step, now)?;
    effects(conn, ward, &gone, now)?;
    if is_whole {
        end(conn, ward, now)?;
    }
    Ok(true)
}

const REVOKED: &str = "A permission that was given is taken back, or its time is over. It ends at once. What was bought or \
                       licensed before stays valid; what was earned is held for the guardian.";

/// What ends with scopes: sounds leave the shop, payment pages close, earnings wait for the guardian.
pub(super) fn effects(conn: &mut Conn, ward: &Ward, gone: &[Scope], now: Timestamp) -> Result<()> {
    let Some(user) = &ward.account else { return Ok(()) };
    if gone.iter().any(|s| matches!(s, Scope::Sell | Scope::Publication)) {
        track::withdraw_all(conn, user, now)?;
    }
    if gone.contains(&Scope::Buy) {
        enqueue(conn, &Job::EndCheckouts { buyer: user.clone() }, now)?;
    }
    if gone.iter().any(|s| matches!(s, Scope::Sell | Scope::Payouts)) {
        // One that was over begins anew; one that goes on stays from when it is.
        let over = payout_holds::table.find(user).filter(payout_holds::ended_at.is_not_null());
        diesel::update(over)
            .set((payout_holds::since.eq(now), payout_holds::ended_at.eq(None::<Timestamp>)))
            .execute(conn)?;
        let row = (payout_holds::account.eq(user), payout_holds::since.eq(now));
        each_db!(conn, |c| diesel::insert_into(payout_holds::table)
            .values(row)
            .on_conflict_do_nothing()
            .execute(c))?;
    }
    Ok(())
}

/// The same where an account rests whose owner may have needed nobody's leave so far: they may be at a payment page, and
/// whoever put sounds here may have sold.
pub(super) fn rests(conn: &mut Conn, ward: &Ward, mut gone: Vec<Scope>, now: Timestamp) -> Result<()> {
    let Some(user) = &ward.account else { return Ok(()) };
    gone.push(Scope::Buy);
    if !track::Track::all_of(conn, user, 1)?.is_empty() {
        gone.push(Scope::Sell);
    }
    effects(conn, ward, &gone, now)
}

/// Somebody needs nobody's leave after all: earnings that were held since that was doubted wait no longer. What a guardian's
/// word held before stays held.
pub(super) fn release(conn: &mut Conn, ward: &Ward, now: Timestamp) -> Result<()> {
    let Some(user) = &ward.account else { return Ok(()) };
    let Some(since) = holdings::payouts_held(conn, user)? else { return Ok(()) };
    let edge = ward_steps::edge;
    let doubts: i64 = ward_steps::table
        .filter(ward_steps::ward.eq(&ward.id).and(ward_steps::at.eq(since)))
        .filter(edge.eq(Edge::Discover).or(edge.eq(Edge::Doubt)).or(edge.eq(Edge::Move)))
        .count()
        .get_result(conn)?;
    if doubts > 0 {
        let held = payout_holds::table.find(user);
        diesel::update(held).set(payout_holds::ended_at.eq(now)).execute(conn)?;
    }
    Ok(())
}

/// The account of a ward ends: nobody is signed in, and in thirty days it is gone, that of a child in fourteen.
pub(super) fn end(conn: &mut Conn, ward: &Ward, now: Timestamp) -> Result<()> {
    let due = now.plus(ward::export_ms(ward.band));
    diesel::update(wards::table.find(&ward.id)).set(wards::due_at.eq(due)).execute(conn)?;
    match &ward.account {
        Some(user) => session::close_all(conn, user, None).map(drop),
        // There never was one: the name is free again.
        None => ward.forget(conn),
    }
}

/// The ward opens the account its guardian allowed. The name is the one that was kept free. Nothing tells whether the
/// address is known: only letters do. A child gives none: it signs in with its name, and letters go to the parent, whose
/// address is proved by their answer. Answers whether the account is this ward's.
pub fn open_account(conn: &mut Conn, ward: &Ward, new: &Newcomer, now: Timestamp) -> Result<bool> {
    let is_allowed =
        matches!(ward.state, State::General | State::Authorised | State::Internal | State::Disclosing);
    if !is_allowed || ward.account.is_some() {
        return Err(Error::conflict("This account was opened already, or is not allowed any more."));
    }
    let is_child = ward.band == Band::Child;
    let known = if is_child { None } else { User::by_email(conn, &new.email)? };
    if let Some(other) = known {
        let letter = Job::SendLetter {
            to: other.email,
            template: "already".into(),
            values: json!({ "name": other.name }),
        };
        enqueue(conn, &letter, now)?;
        return Ok(false);
    }
    let mut user = User::new(conn, &new.email, &ward.name, &new.password_hash, now)?;
    user.handle = Some(ward.handle.clone());
    user.band = ward.band;
    if is_child {
        let parent = Guardian::of_ward(conn, &ward.id)?.ok_or(Error::NotFound)?;
        user.email_folded = fold_email(ward.handle.as_str());
        user.email = parent.email;
        user.confirmed_at = Some(now);
    }
    user.insert(conn)?;
    ward.claimed(conn, &user.id)?;
    let answer = Answer { band: ward.band, next: ward.next() };
    super::answer::note(conn, &user.id, answer, &ward.site_profile, ward.place.as_deref(), now)?;
    if !is_child {
        joining::ask_to_confirm(conn, &user, &new.token, &new.site_url, now)?;
    }
    Ok(true)
}

/// A child's account has no address of its own: one that it had, because somebody older was said to own it, is forgotten.
/// One that has none, because a child opened it, has none until its owner gives one. Letters go to whoever answers now.
fn write_to_guardian(conn: &mut Conn, ward: &Ward, guardian: &Guardian) -> Result<()> {
    let Some(user) = &ward.account else { return Ok(()) };
    let owner = User::find(conn, user)?;
    if ward.band == Band::Child || owner.signs_in_by_name() {
        owner.forget_address(conn, owner.handle.as_ref().unwrap_or(&ward.handle), &guardian.email)?;
    }
    Ok(())
}

/// Until when a permission of this ward can hold: so long, and never past the month in which the next band begins.
pub(super) fn holds_until(ward: &Ward, most: Option<i64>, now: Timestamp) -> Timestamp {
    let band = ward.next().map(|month| month.begins());
    let most = now.plus(most.unwrap_or(6 * LASTS_MS));
    band.filter(|at| *at > now).map_or(most, |at| at.min(most))
}

pub(super) fn grant(
    conn: &mut Conn,
    ward: &Ward,
    scopes: &[Scope],
    form_hash: &str,
    method: Option<Method>,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<()> {
    for scope in scopes {
        grant_one(conn, ward, *scope, form_hash, method, expires_at, now)?;
    }
    Ok(())
}

pub(super) fn grant_one(
    conn: &mut Conn,
    ward: &Ward,
    scope: Scope,
    form_hash: &str,
    method: Option<Method>,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<PermissionId> {
    let row = Permission {
        id: PermissionId::new(),
        ward: ward.id.clone(),
        scope,
        method,
        form_hash: form_hash.to_owned(),
        asked_at: now,
        // Without a method nothing counts: it waits for one.
        granted_at: method.map(|_| now),
        expires_at,
        revoked_at: None,
        reach: None,
    };
    diesel::insert_into(permissions::table).values(&row).execute(conn)?;
    Ok(row.id)
}

/// An answer came: the timer stops.
fn settled(conn: &mut Conn, ward: &Ward) -> Result<()> {
    diesel::update(wards::table.find(&ward.id)).set(wards::due_at.eq(None::<Timestamp>)).execute(conn)?;
    Ok(())
}

/// Closes an account for good, with everything of it that the law does not make us keep.
pub(super) fn close_account(conn: &mut Conn, user: &UserId, now: Timestamp) -> Result<()> {
    track::withdraw_all(conn, user, now)?;
    session::close_all(conn, user, None)?;
    super::erasing::erase(conn, user, now)
}

/// The wards' accounts that are held back today, for the desk.
pub fn held(conn: &mut Conn, limit: i64) -> Result<Vec<(Ward, String)>> {
    Ok(wards::table
        .inner_join(users::table.on(users::id.nullable().eq(wards::account)))
        .filter(users::hold.is_not_null())
        .order(wards::due_at)
        .limit(limit)
        .select((Ward::as_select(), users::name))
        .load(conn)?)
}
