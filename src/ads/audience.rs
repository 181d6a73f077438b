//! An audience: people who like one of some topics and said that advertisements may be chosen by it. It is made of
//! nothing else, and nobody is told who is in one, nor how many are where they are few.

use diesel::prelude::*;

use super::topic::Topic;
use super::wishes::Wishes;
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::{ad_wishes, users};
use crate::error::Result;

/// Whether somebody with these wishes is in it. How old they are is asked where they are met.
pub fn holds(topics: &[Topic], wishes: &Wishes, now: Timestamp) -> bool {
    wishes.are_personal(now) && topics.iter().any(|topic| wishes.liked.contains(topic))
}

/// The wishes of everyone who said yes, of accounts that are open. Whoever has an account passed the age screen as an
/// adult, so no minor is among them.
pub fn everyone(conn: &mut Conn, now: Timestamp) -> Result<Vec<Wishes>> {
    let lines: Vec<String> = ad_wishes::table
        .inner_join(users::table.on(users::id.eq(ad_wishes::user_id)))
        .filter(users::disabled_at.is_null().and(users::confirmed_at.is_not_null()))
        .select(ad_wishes::line)
        .load(conn)?;
    let wishes = lines.iter().filter_map(|line| Wishes::read(line));
    Ok(wishes.filter(|wishes| wishes.are_personal(now)).collect())
}

/// Whether at least so many people are in an audience.
pub fn reaches(everyone: &[Wishes], topics: &[Topic], least: usize, now: Timestamp) -> bool {
    everyone.iter().filter(|wishes| holds(topics, wishes, now)).take(least).count() >= least
}
