//! An uploader as anyone sees them. The e-mail address is not even read.

use diesel::dsl::exists;
use diesel::prelude::*;

use super::track::State;
use crate::accounts::band::Band;
use crate::accounts::user::Role;
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::{permissions, roles, shown_ages, tracks, user_links, users, wards};
use crate::error::Result;
use crate::ids::{Handle, UserId};

/// A public profile.
#[derive(Clone, Debug, Queryable)]
pub struct Profile {
    pub id: UserId,
    pub name: String,
    pub about: String,
    /// The storage key of the picture.
    pub picture: Option<String>,
    pub since: Timestamp,
    /// Whether they chose to show that they are of age. Never of anybody who is not.
    pub shows_age: bool,
    /// Whether more than a name and a picture is shown ([`says_more`]).
    pub says_more: bool,
}

/// A link a person gave: its label and its address.
pub type UserLink = (String, String);

impl Profile {
    /// The profile under this handle: of somebody who sells or sold, and whose account is neither closed nor held back. Of
    /// somebody under age only where their guardian allowed one, and then without their words ([`says_more`]).
    pub fn open(conn: &mut Conn, handle: &Handle, now: Timestamp) -> Result<Profile> {
        let allowed = permissions::table
            .filter(permissions::ward.eq(wards::id).and(permissions::scope.eq("profile")))
            .filter(permissions::granted_at.is_not_null().and(permissions::revoked_at.is_null()))
            .filter(permissions::expires_at.gt(now));
        let ward = wards::table
            .filter(wards::account.eq(users::id.nullable()))
            .filter(wards::state.eq("cleared").or(exists(allowed)));
        let shown =
            shown_ages::table.filter(shown_ages::account.eq(users::id).and(users::band.eq(Band::Adult)));
        let sells = roles::table.filter(roles::user_id.eq(users::id)).filter(roles::role.eq(Role::Uploader));
        let sold = tracks::table.filter(tracks::uploader_id.eq(users::id));
        let alone =
            wards::table.filter(wards::account.eq(users::id.nullable())).filter(wards::state.eq("cleared"));
        let more = users::band.eq(Band::Adult).or(exists(alone));
        let profile: Profile = users::table
            .filter(users::handle.eq(handle).and(users::disabled_at.is_null()))
            .filter(users::hold.is_null())
            .filter(users::band.eq(Band::Adult).or(exists(ward)))
            .filter(exists(sells).or(exists(sold)))
            .select((
                users::id,
                users::name,
                users::about,
                users::picture,
                users::created_at,
                exists(shown),
                more,
            ))
            .first(conn)?;
        Ok(match profile.says_more {
            true => profile,
            false => Profile { about: String::new(), ..profile },
        })
    }

    /// Who sells under this handle, by the name that stands beside their sounds, whether they have a page or not. Of a child,
    /// whose sounds name no handle, `NotFound`.
    pub fn seller(conn: &mut Conn, handle: &Handle) -> Result<(UserId, String)> {
        let published = tracks::table
            .filter(tracks::uploader_id.eq(users::id))
            .filter(tracks::state.eq(State::Published));
        Ok(users::table
            .filter(users::handle.eq(handle).and(users::disabled_at.is_null()))
            .filter(users::hold.is_null().and(users::band.ne(Band::Child)))
            .filter(exists(published))
            .select((users::id, users::name))
            .first(conn)?)
    }

    /// Whether somebody under age sells under this handle whose guardian allowed no page: their sounds are found all the
    /// same.
    pub fn is_closed(conn: &mut Conn, handle: &Handle) -> Result<bool> {
        let published = tracks::table
            .filter(tracks::uploader_id.eq(users::id))
            .filter(tracks::state.eq(State::Published));
        let seller = users::table
            .filter(users::handle.eq(handle).and(users::disabled_at.is_null()))
            .filter(users::hold.is_null().and(users::band.eq(Band::Minor)))
            .filter(exists(published));
        Ok(diesel::select(exists(seller)).get_result(conn)?)
    }

    /// Where else they are, in their order.
    pub fn links(&self, conn: &mut Conn) -> Result<Vec<UserLink>> {
        if !self.says_more {
            return Ok(vec![]);
        }
        Ok(user_links::table
            .filter(user_links::user_id.eq(&self.id))
            .order(user_links::position)
            .select((user_links::label, user_links::url))
            .load(conn)?)
    }
}

/// Whether more than a name and a picture stands on somebody's profile: of nobody under age for whom a guardian answers, since
/// guardians are asked for no more.
pub fn says_more(conn: &mut Conn, user: &UserId) -> Result<bool> {
    let alone =
        wards::table.filter(wards::account.eq(users::id.nullable())).filter(wards::state.eq("cleared"));
    let more = users::table.find(user).filter(users::band.eq(Band::Adult).or(exists(alone)));
    Ok(diesel::select(exists(more)).get_result(conn)?)
}
