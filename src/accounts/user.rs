//! A person with an account. Everyone who has one is a buyer; other roles are granted.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde::Serialize;

use super::band::{Band, Hold};
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::{
    agreements, changes, former_handles, order_lines, orders, roles, tracks, users, wards,
};
use crate::each_db;
use crate::error::{Error, Result};
use crate::ids::{Handle, OrderId, UserId};
use crate::jobs::{Job, close_order, enqueue};
use crate::secrets::sha256;
use crate::text_enum;
use crate::words::fold;

text_enum! {
    /// What a person may do beyond buying. Roles add up.
    pub enum Role {
        Uploader = "uploader",
        Reviewer = "reviewer",
        Support = "support",
        Admin = "admin",
    }
}

/// A person with an account.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = users)]
pub struct User {
    pub id: UserId,
    /// Where letters about the account go, as typed. Shown to nobody but its owner. A child gives no address: letters go to
    /// whoever answers for it.
    pub email: String,
    /// What its owner signs in with, folded: the address, or of a child the handle. No handle holds an `@`.
    pub email_folded: String,
    pub name: String,
    pub password_hash: String,
    pub handle: Option<Handle>,
    pub handle_changed_at: Option<Timestamp>,
    pub about: String,
    /// The storage key of the picture.
    pub picture: Option<String>,
    /// Whether single keys play and seek (WCAG 2.2, 2.1.4).
    pub shortcuts: bool,
    pub created_at: Timestamp,
    pub confirmed_at: Option<Timestamp>,
    pub disabled_at: Option<Timestamp>,
    pub band: Band,
    pub hold: Option<Hold>,
    /// Where its owner says they are: the ISO 3166 code of a country, or of a state of the United States. Shown to nobody else.
    pub country: Option<String>,
}

/// An address as two people would compare it.
pub fn fold_email(email: &str) -> String {
    fold(email.trim())
}

/// Whether this looks like an address a letter can reach: one `@`, something on both sides, a dot or `localhost`.
pub fn is_email(text: &str) -> bool {
    let text = text.trim();
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plain = |c: char| {
        !c.is_whitespace() && !c.is_control() && !matches!(c, '<' | '>' | '"' | ',' | ';' | '(' | ')')
    };
    text.len() <= 254
        && !local.is_empty()
        && local.len() <= 64
        && text.chars().all(plain)
        && !local.contains('@')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && (domain.contains('.') || domain == "localhost")
}

impl User {
    /// Keeps a new person. `Conflict` when the address is taken.
    pub fn insert(&self, conn: &mut Conn) -> Result<()> {
        diesel::insert_into(users::table).values(self).execute(conn)?;
        Ok(())
    }

    /// A person not yet kept: unconfirmed, with a handle derived from the name that nobody has.
    pub fn new(
        conn: &mut Conn,
        email: &str,
        name: &str,
        password_hash: &str,
        now: Timestamp,
    ) -> Result<User> {
        Ok(User {
            id: UserId::new(),
            email: email.trim().to_owned(),
            email_folded: fold_email(email),
            name: name.trim().to_owned(),
            password_hash: password_hash.to_owned(),
            handle: Some(free_handle(conn, name)?),
            handle_changed_at: None,
            about: String::new(),
            picture: None,
            shortcuts: true,
            created_at: now,
            confirmed_at: None,
            disabled_at: None,
            band: Band::Adult,
            hold: None,
            country: None,
        })
    }

    pub fn find(conn: &mut Conn, id: &UserId) -> Result<User> {
        Ok(users::table.find(id).select(User::as_select()).first(conn)?)
    }

    /// Whoever signs in with this address, or as a child with this name.
    pub fn by_email(conn: &mut Conn, email: &str) -> Result<Option<User>> {
        let found = users::table.filter(users::email_folded.eq(fold_email(email)));
        Ok(found.select(User::as_select()).first(conn).optional()?)
    }

    pub fn by_handle(conn: &mut Conn, handle: &Handle) -> Result<User> {
        Ok(users::table.filter(users::handle.eq(handle)).select(User::as_select()).first(conn)?)
    }

    /// Everyone who runs the shop and whose account is open.
    pub fn admins(conn: &mut Conn) -> Result<Vec<User>> {
        let who = roles::table.filter(roles::role.eq(Role::Admin)).select(roles::user_id);
        let open = users::table.filter(users::id.eq_any(who)).filter(users::disabled_at.is_null());
        Ok(open.order(users::id).select(User::as_select()).load(conn)?)
    }

    pub fn roles(&self, conn: &mut Conn) -> Result<Vec<Role>> {
        Ok(roles::table
            .filter(roles::user_id.eq(&self.id))
            .select(roles::role)
            .order(roles::role)
            .load(conn)?)
    }

    /// Grants a role; one that is there already stays as it was.
    pub fn grant(&self, conn: &mut Conn, role: Role, now: Timestamp) -> Result<()> {
        let row = (roles::user_id.eq(&self.id), roles::role.eq(role), roles::granted_at.eq(now));
        each_db!(conn, |c| diesel::insert_into(roles::table)
            .values(&row)
            .on_conflict_do_nothing()
            .execute(c))?;
        Ok(())
    }

    /// Takes a role back.
    pub fn revoke(&self, conn: &mut Conn, role: Role) -> Result<()> {
        diesel::delete(roles::table.find((&self.id, role))).execute(conn)?;
        Ok(())
    }

    /// The letter's link was followed: the address is theirs.
    pub fn confirm(&self, conn: &mut Conn, now: Timestamp) -> Result<()> {
        diesel::update(users::table.find(&self.id))
            .filter(users::confirmed_at.is_null())
            .set(users::confirmed_at.eq(now))
            .execute(conn)?;
        Ok(())
    }

    /// Becomes an uploader: takes the handle, accepts this edition of the agreement. `Refused` when the handle is
    /// taken or was changed once already.
    pub fn become_uploader(
        &self,
        conn: &mut Conn,
        handle: &Handle,
        agreement: &str,
        now: Timestamp,
    ) -> Result<()> {
        if self.handle.as_ref() != Some(handle) {
            self.rename(conn, handle, now)?;
        }
        let row = (
            agreements::user_id.eq(&self.id),
            agreements::version.eq(agreement),
            agreements::accepted_at.eq(now),
        );
        each_db!(conn, |c| diesel::insert_into(agreements::table)
            .values(&row)
            .on_conflict_do_nothing()
            .execute(c))?;
        self.grant(conn, Role::Uploader, now)
    }

    /// Keeps another password's hash.
    pub fn set_password(&self, conn: &mut Conn, hash: &str) -> Result<()> {
        diesel::update(users::table.find(&self.id)).set(users::password_hash.eq(hash)).execute(conn)?;
        Ok(())
    }

    /// Moves to another address. `Conflict` when somebody else has it.
    pub fn set_email(&self, conn: &mut Conn, email: &str) -> Result<()> {
        diesel::update(users::table.find(&self.id))
            .set((users::email.eq(email.trim()), users::email_folded.eq(fold_email(email))))
            .execute(conn)?;
        Ok(())
    }

    /// Whether its owner signs in with the handle and has given no address.
    pub fn signs_in_by_name(&self) -> bool {
        !self.email_folded.contains('@')
    }

    /// Forgets the address, if there was one: from now on its owner signs in with the handle, and letters go to somebody who
    /// answers for them (16 CFR 312.7: no more than is needed).
    pub fn forget_address(&self, conn: &mut Conn, handle: &Handle, letters_to: &str) -> Result<()> {
        diesel::update(users::table.find(&self.id))
            .set((
                users::email.eq(letters_to),
                users::email_folded.eq(fold_email(handle.as_str())),
                users::handle.eq(handle),
            ))
            .execute(conn)?;
        Ok(())
    }

    /// Changes the shown name, beside what they published, too. The handle stays.
    pub fn set_name(&self, conn: &mut Conn, name: &str, now: Timestamp) -> Result<()> {
        let name = name.trim();
        let n = diesel::update(users::table.find(&self.id))
            .filter(users::name.ne(name))
            .set(users::name.eq(name))
            .execute(conn)?;
        if n == 1 { self.shown_otherwise(conn, now) } else { Ok(()) }
    }

    /// Leaves a row in the change feed for everything they published: the index holds who made it, and nothing of whoever's
    /// account is closed.
    fn shown_otherwise(&self, conn: &mut Conn, now: Timestamp) -> Result<()> {
        // In one statement: somebody may have tens of thousands.
        each_db!(conn, |c| tracks::table
            .filter(tracks::uploader_id.eq(&self.id).and(tracks::state.eq("published")))
            .select((tracks::id, diesel::IntoSql::into_sql::<BigInt>(now.0)))
            .insert_into(changes::table)
            .into_columns((changes::track_id, changes::at))
            .execute(c))?;
        Ok(())
    }

    /// Keeps what the person's age means, and why the account shows nothing but a notice, if it does.
    pub fn set_band(conn: &mut Conn, user: &UserId, band: Band, hold: Option<Hold>) -> Result<()> {
        diesel::update(users::table.find(user))
            .set((users::band.eq(band), users::hold.eq(hold)))
            .execute(conn)?;
        Ok(())
    }

    /// Where an account's owner says they are, if they do and there still is one.
    pub fn country_of(conn: &mut Conn, user: &UserId) -> Result<Option<String>> {
        let found: Option<Option<String>> =
            users::table.find(user).select(users::country).first(conn).optional()?;
        Ok(found.flatten())
    }

    /// Keeps where its owner says they are, by the code of a place that exists, or that they would rather not say.
    pub fn set_country(conn: &mut Conn, user: &UserId, country: Option<&str>) -> Result<()> {
        diesel::update(users::table.find(user)).set(users::country.eq(country)).execute(conn)?;
        Ok(())
    }

    /// Closes the account: until it is opened again nobody signs in with it, and what it has in the shop is neither found nor
    /// sold; its own payment pages and those with something of it are sent to be closed. What was licensed stays valid.
    pub fn disable(&self, conn: &mut Conn, now: Timestamp) -> Result<()> {
        let n = diesel::update(users::table.find(&self.id))
            .filter(users::disabled_at.is_null())
            .set(users::disabled_at.eq(now))
            .execute(conn)?;
        if n != 1 {
            return Ok(());
        }
        let of_theirs =
            order_lines::table.filter(order_lines::uploader_id.eq(&self.id)).select(order_lines::order_id);
        let asked: Vec<OrderId> = orders::table
            .filter(orders::id.eq_any(of_theirs).and(orders::state.eq_any(["open", "awaiting"])))
            .select(orders::id)
            .load(conn)?;
        for order in asked {
            close_order(conn, &order, now)?;
        }
        // They pay for nothing any more, either: they could not fetch it.
        enqueue(conn, &Job::EndCheckouts { buyer: self.id.clone() }, now)?;
        self.shown_otherwise(conn, now)
    }

    /// Opens a closed account again, with everything it has in the shop as it was.
    pub fn enable(&self, conn: &mut Conn, now: Timestamp) -> Result<()> {
        let n = diesel::update(users::table.find(&self.id))
            .filter(users::disabled_at.is_not_null())
            .set(users::disabled_at.eq(None::<Timestamp>))
            .execute(conn)?;
        if n == 1 { self.shown_otherwise(conn, now) } else { Ok(()) }
    }

    /// Changes the handle, which can be done once, also beside what they published. The one they leave is nobody else's from
    /// now on. Their own stays as it is.
    pub fn rename(&self, conn: &mut Conn, handle: &Handle, now: Timestamp) -> Result<()> {
        if self.handle.as_ref() == Some(handle) {
            return Ok(());
        }
        if self.signs_in_by_name() {
            return Err(Error::refused("You sign in with that name, so it stays."));
        }
        if self.handle_changed_at.is_some() {
            return Err(Error::refused(CHANGED));
        }
        if !is_free_for(conn, handle, Some(&self.id))? {
            return Err(Error::refused(format!("@{handle} belongs to someone else.")));
        }
        let n = diesel::update(users::table.find(&self.id))
            .filter(users::handle_changed_at.is_null())
            .set((users::handle.eq(handle), users::handle_changed_at.eq(now)))
            .execute(conn)?;
        if n != 1 {
            return Err(Error::refused(CHANGED));
        }
        // Taken back, it is no former one any more.
        diesel::delete(former_handles::table.find(sha256(handle.as_str()))).execute(conn)?;
        if let Some(left) = &self.handle {
            leave(conn, left, Some(&self.id), now)?;
        }
        self.shown_otherwise(conn, now)
    }

    /// Gives the handles of an account that ends to nobody: they stay taken, and nothing says whose they were.
    pub fn leave_handles(&self, conn: &mut Conn, now: Timestamp) -> Result<()> {
        diesel::update(former_handles::table.filter(former_handles::account.eq(&self.id)))
            .set(former_handles::account.eq(None::<UserId>))
            .execute(conn)?;
        self.handle.as_ref().map_or(Ok(()), |handle| leave(conn, handle, None, now))
    }

    /// The handle that whoever had this one has now, if there still is such an account.
    pub fn moved_to(conn: &mut Conn, former: &Handle) -> Result<Option<Handle>> {
        let left = former_handles::table
            .find(sha256(former.as_str()))
            .select(former_handles::account)
            .first::<Option<UserId>>(conn)
            .optional()?;
        let Some(account) = left.flatten() else { return Ok(None) };
        let has: Option<Option<Handle>> =
            users::table.find(&account).select(users::handle).first(conn).optional()?;
        Ok(has.flatten())
    }
}

/// Said to whoever changed their handle already.
const CHANGED: &str = "The name in your address can be changed once, and it was.";

/// Notes that nobody has this handle any more, and who had it.
fn leave(conn: &mut Conn, handle: &Handle, account: Option<&UserId>, now: Timestamp) -> Result<()> {
    let row = (
        former_handles::handle_hash.eq(sha256(handle.as_str())),
        former_handles::account.eq(account),
        former_handles::left_at.eq(now),
    );
    each_db!(conn, |c| diesel::insert_into(former_handles::table)
        .values(&row)
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// Switches single keys on or off (WCAG 2.2, 2.1.4).
pub fn set_shortcuts(conn: &mut Conn, user: &UserId, on: bool) -> Result<()> {
    diesel::update(users::table.find(user)).set(users::shortcuts.eq(on)).execute(conn)?;
    Ok(())
}

/// What is wrong with a shown name, if anything. Everyone sees it, so it is no e-mail address.
pub fn name_fault(name: &str) -> Option<&'static str> {
    let name = name.trim();
    if name.is_empty() {
        Some("Say how you want to be called. Everyone will see it.")
    } else if name.chars().count() > NAME_LONGEST {
        Some("Use at most 60 characters.")
    } else if name.chars().any(char::is_control) {
        Some("Use letters, figures and spaces.")
    } else if name.contains('@') {
        Some("Everyone will see this name, so leave your e-mail address and the sign @ out of it.")
    } else {
        None
    }
}

/// The longest shown name.
pub const NAME_LONGEST: usize = 60;

/// Handles that would read as the shop itself.
const RESERVED: &[&str] = &["admin", "cuehouse", "support", "staff", "reviewer", "help", "shop", "root"];

/// Whether nobody has this handle and nobody ever had: no account, nobody for whom it is kept free, and not the shop itself.
pub fn is_free(conn: &mut Conn, handle: &Handle) -> Result<bool> {
    is_free_for(conn, handle, None)
}

/// The same for somebody with an account, who may take back what was theirs.
fn is_free_for(conn: &mut Conn, handle: &Handle, who: Option<&UserId>) -> Result<bool> {
    let taken: i64 = users::table.filter(users::handle.eq(handle)).count().get_result(conn)?;
    let kept: i64 = wards::table
        .filter(wards::handle.eq(handle).and(wards::account.is_null()))
        .count()
        .get_result(conn)?;
    let left = former_handles::table
        .find(sha256(handle.as_str()))
        .select(former_handles::account)
        .first::<Option<UserId>>(conn)
        .optional()?;
    let was_anothers = left.is_some_and(|account| account.is_none() || account.as_ref() != who);
    Ok(taken == 0 && kept == 0 && !was_anothers && !RESERVED.contains(&handle.as_str()))
}

/// A handle for a name that nobody has: the name's own, or the first free number after it.
fn free_handle(conn: &mut Conn, name: &str) -> Result<Handle> {
    let wish = Handle::from_name(name);
    for number in 1..1000 {
        let handle = match number {
            1 => wish.clone(),
            n => Handle::parse(&format!("{wish}-{n}")).unwrap_or_else(|| wish.clone()),
        };
        if is_free(conn, &handle)? {
            return Ok(handle);
        }
    }
    let random = hex::encode(crate::secrets::random::<4>()?);
    Handle::parse(&format!("sounds-{random}")).ok_or_else(|| Error::internal("no handle left"))
}

/// Who asks: what pages and guards need to know of a signed-in person, and nothing else.
#[derive(Clone, Debug, Serialize)]
pub struct Visitor {
    pub id: UserId,
    pub name: String,
    pub handle: Option<Handle>,
    pub picture: Option<String>,
    pub confirmed: bool,
    pub shortcuts: bool,
    pub roles: Vec<Role>,
    /// Shown to nobody: no page, address or log line says it.
    #[serde(skip)]
    pub band: Band,
    #[serde(skip)]
    pub hold: Option<Hold>,
    /// Where they say they are, as their account keeps it.
    #[serde(skip)]
    pub country: Option<String>,
    /// Whether no advertisements are shown to them today.
    pub ad_free: bool,
    /// What they wish of advertisements, as the room of advertisements wrote it down.
    #[serde(skip)]
    pub ad_wishes: Option<String>,
    #[serde(skip)]
    pub session: crate::ids::SessionId,
}

impl Visitor {
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whoever does something for the shop, and not only in it.
    pub fn is_staff(&self) -> bool {
        self.may_review() || self.has(Role::Support)
    }

    /// Reviewers and admins see what waits.
    pub fn may_review(&self) -> bool {
        self.has(Role::Reviewer) || self.has(Role::Admin)
    }
}
