//! Deleting an account with everything of it that the law does not make us keep. What somebody else bought stays theirs:
//! a sold sound loses its maker's name and stays with those who licensed it.

use diesel::prelude::*;

use super::leaf::{self, Step, Stub};
use super::notice::{self, Ground};
use super::permission::Permission;
use super::state::{Edge, State};
use super::ward::Ward;
use crate::accounts::band::Band;
use crate::accounts::session;
use crate::accounts::user::User;
use crate::catalogue::track::{self, Track};
use crate::clock::Timestamp;
use crate::consent::log;
use crate::consent::receipt::Action;
use crate::db::Conn;
use crate::db::schema::{
    account_choices, account_letters, ad_free, ad_free_events, ad_wishes, age_answers, age_signals,
    agreements, basket_lines, baskets, entries, favourites, mail_tokens, offers, order_lines, orders,
    payout_holds, provider_checks, recordings, roles, sessions, shown_ages, track_days, track_events, tracks,
    uploads, user_links, users,
};
use crate::error::Result;
use crate::ids::{TrackId, UploadId, UserId};
use crate::jobs::{Job, enqueue};

/// Edges 10 and 15, and then nothing is left: the guardian orders deletion, or its owner does whose account rests.
pub fn forget_ward(conn: &mut Conn, ground: &Ground, ward: &Ward, stub: &Stub, now: Timestamp) -> Result<()> {
    log::wait_turn(conn)?;
    let items = Permission::revoke(conn, &ward.id, None, now)?.into_iter().map(|s| (s, false)).collect();
    let (edge, to) = match ward.band {
        Band::Child => (Edge::ParentRevoke, State::ChildEnded),
        _ => (Edge::Revoke, State::Ended),
    };
    let notice = notice::event(
        "The account was deleted, as its owner or whoever answers for them ordered, with everything of it that the law does \
         not make us keep.",
    );
    let step = Step { edge, to, action: Action::Revoke, items, notice, until: now, stub };
    leaf::write(conn, ground, ward, step, now)?;
    ward.forget(conn)?;
    match &ward.account {
        Some(user) => erase(conn, user, now),
        None => Ok(()),
    }
}

/// Deletes what an account holds. One that bought or sold keeps a row without a name, so that licences and books stay
/// whole; of any other nothing stays.
pub fn erase(conn: &mut Conn, user: &UserId, now: Timestamp) -> Result<()> {
    track::withdraw_all(conn, user, now)?;
    session::close_all(conn, user, None)?;
    // Nobody pays for what nobody can fetch.
    enqueue(conn, &Job::EndCheckouts { buyer: user.clone() }, now)?;
    User::find(conn, user)?.leave_handles(conn, now)?;
    for upload in unsold(conn, user)? {
        remove_upload(conn, &upload, now)?;
    }
    let basket: Vec<String> =
        baskets::table.filter(baskets::user_id.eq(user)).select(baskets::id).load(conn)?;
    diesel::delete(basket_lines::table.filter(basket_lines::basket_id.eq_any(&basket))).execute(conn)?;
    diesel::delete(baskets::table.filter(baskets::user_id.eq(user))).execute(conn)?;
    diesel::delete(favourites::table.filter(favourites::user_id.eq(user))).execute(conn)?;
    diesel::delete(user_links::table.filter(user_links::user_id.eq(user))).execute(conn)?;
    diesel::delete(agreements::table.filter(agreements::user_id.eq(user))).execute(conn)?;
    diesel::delete(roles::table.filter(roles::user_id.eq(user))).execute(conn)?;
    diesel::delete(sessions::table.filter(sessions::user_id.eq(user))).execute(conn)?;
    diesel::delete(mail_tokens::table.filter(mail_tokens::user_id.eq(user))).execute(conn)?;
    diesel::delete(account_choices::table.find(user)).execute(conn)?;
    diesel::delete(ad_free::table.find(user)).execute(conn)?;
    diesel::delete(ad_free_events::table.filter(ad_free_events::user_id.eq(user))).execute(conn)?;
    diesel::delete(ad_wishes::table.find(user)).execute(conn)?;
    diesel::delete(account_letters::table.filter(account_letters::user_id.eq(user))).execute(conn)?;
    diesel::delete(age_answers::table.filter(age_answers::account.eq(user))).execute(conn)?;
    diesel::delete(age_signals::table.filter(age_signals::account.eq(user))).execute(conn)?;
    // The provider is still to forget them, without our knowing whose they were.
    diesel::update(provider_checks::table.filter(provider_checks::account.eq(user)))
        .set(provider_checks::account.eq(None::<UserId>))
        .execute(conn)?;
    diesel::delete(shown_ages::table.find(user)).execute(conn)?;
    log::erase_of(conn, user)?;
    let bought: i64 = orders::table.filter(orders::buyer_id.eq(user)).count().get_result(conn)?;
    let sold: i64 = order_lines::table.filter(order_lines::uploader_id.eq(user)).count().get_result(conn)?;
    let booked: i64 = entries::table.filter(entries::user_id.eq(user)).count().get_result(conn)?;
    let noted: i64 = track_events::table.filter(track_events::by_user.eq(user)).count().get_result(conn)?;
    if bought + sold + booked + noted == 0 {
        diesel::delete(payout_holds::table.find(user)).execute(conn)?;
        diesel::delete(users::table.find(user)).execute(conn)?;
        return Ok(());
    }
    let nowhere = format!("{user}@deleted.invalid");
    diesel::update(users::table.find(user))
        .set((
            users::email.eq(&nowhere),
            users::email_folded.eq(&nowhere),
            users::name.eq("Somebody who left"),
            users::password_hash.eq(""),
            users::handle.eq(None::<String>),
            users::about.eq(""),
            users::picture.eq(None::<String>),
            users::band.eq(Band::Adult),
            users::hold.eq(None::<String>),
            users::country.eq(None::<String>),
            users::disabled_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// What a person uploaded and nobody ever ordered.
fn unsold(conn: &mut Conn, user: &UserId) -> Result<Vec<UploadId>> {
    let ordered = order_lines::table.filter(order_lines::uploader_id.eq(user)).select(order_lines::upload_id);
    Ok(uploads::table
        .filter(uploads::uploader_id.eq(user))
        .filter(uploads::id.ne_all(ordered))
        .select(uploads::id)
        .load(conn)?)
}

/// Removes one upload and what was made of it: rows now, bytes when the collector finds that no row names them. What was
/// ever ordered is left alone. Answers whether it is gone.
pub fn remove_upload(conn: &mut Conn, upload: &UploadId, now: Timestamp) -> Result<bool> {
    let ordered: i64 =
        order_lines::table.filter(order_lines::upload_id.eq(upload)).count().get_result(conn)?;
    if ordered > 0 {
        return Ok(false);
    }
    if let Some(track) = Track::of_upload(conn, upload)? {
        let id: &TrackId = &track.id;
        track.changed(conn, now)?;
        diesel::delete(basket_lines::table.filter(basket_lines::track_id.eq(id))).execute(conn)?;
        diesel::delete(favourites::table.filter(favourites::track_id.eq(id))).execute(conn)?;
        diesel::delete(offers::table.filter(offers::track_id.eq(id))).execute(conn)?;
        diesel::delete(track_events::table.filter(track_events::track_id.eq(id))).execute(conn)?;
        diesel::delete(track_days::table.filter(track_days::track_id.eq(id))).execute(conn)?;
        diesel::delete(tracks::table.find(id)).execute(conn)?;
    }
    diesel::delete(recordings::table.find(upload)).execute(conn)?;
    diesel::update(uploads::table.filter(uploads::twin_of.eq(upload)))
        .set((uploads::twin_of.eq(None::<String>), uploads::twin_kind.eq(None::<String>)))
        .execute(conn)?;
    diesel::delete(uploads::table.find(upload)).execute(conn)?;
    Ok(true)
}
