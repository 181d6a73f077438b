//! What is held about a ward, for whoever answers for them and for themselves; and the link that leads there.

use diesel::prelude::*;
use serde_json::{Value, json};

use super::notice::Ground;
use super::permission::{Permission, Reach};
use super::routes::Purchase;
use super::ward::{self, Guardian, Opens, Ward};
use crate::accounts::band::Band;
use crate::accounts::user::User;
use crate::catalogue::track::Track;
use crate::clock::Timestamp;
use crate::consent::whereabouts;
use crate::db::Conn;
use crate::db::schema::{favourites, payout_holds, permissions, sessions, tracks, uploads};
use crate::error::Result;
use crate::ids::UserId;
use crate::jobs::{Job, enqueue};
use crate::sales::order::Order;

/// Rows of each kind that are looked at.
const MOST: i64 = 1_000;

/// Sends a guardian the link that opens their page for a day.
pub fn send_link(
    conn: &mut Conn,
    ground: &Ground,
    guardian: &Guardian,
    ward: &Ward,
    token: &str,
    now: Timestamp,
) -> Result<()> {
    ward::link(conn, &ward.id, Opens::Area, token, now)?;
    let letter = Job::SendLetter {
        to: guardian.email.clone(),
        template: "guardian_link".into(),
        values: json!({ "name": ward.name, "link": format!("{}/guardians/{token}", ground.site_url) }),
    };
    enqueue(conn, &letter, now)
}

/// What is held, in lines: what it is, and what it says.
pub fn of(conn: &mut Conn, ward: &Ward) -> Result<Vec<(String, String)>> {
    let mut lines = vec![("Name of the account".to_owned(), format!("{} (@{})", ward.name, ward.handle))];
    let Some(user) = &ward.account else {
        lines.push(("Account".into(), "not opened yet".into()));
        return Ok(lines);
    };
    let owner = User::find(conn, user)?;
    let signs_in_with = match owner.signs_in_by_name() {
        true if owner.email.is_empty() => format!("the name {}; letters go to nobody", owner.email_folded),
        true => format!("the name {}; letters come to you", owner.email_folded),
        false => format!("the e-mail address {}", owner.email),
    };
    let country = owner.country.as_deref().and_then(whereabouts::named);
    let count = |n: i64, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let kept: i64 = favourites::table.filter(favourites::user_id.eq(user)).count().get_result(conn)?;
    let files: i64 = uploads::table.filter(uploads::uploader_id.eq(user)).count().get_result(conn)?;
    let open: i64 = sessions::table.filter(sessions::user_id.eq(user)).count().get_result(conn)?;
    let tracks = Track::all_of(conn, user, MOST)?;
    let live = tracks.iter().filter(|t| t.published_at.is_some()).count() as i64;
    lines.extend([
        ("Signs in with".to_owned(), signs_in_with),
        ("Since".to_owned(), owner.created_at.long_day()),
        ("About".to_owned(), if owner.about.is_empty() { "nothing".into() } else { owner.about }),
        ("Picture".to_owned(), if owner.picture.is_some() { "one" } else { "none" }.to_owned()),
        ("Favourites".to_owned(), count(kept, "sound", "sounds")),
        ("Uploads".to_owned(), count(files, "file", "files")),
        ("Published so far".to_owned(), count(live, "sound", "sounds")),
        ("Signed in".to_owned(), count(open, "browser", "browsers")),
        ("Country".to_owned(), country.map_or("not said".to_owned(), |place| place.name)),
        ("Age band".to_owned(), if owner.band < Band::Adult { "under age" } else { "of age" }.to_owned()),
    ]);
    Ok(lines)
}

/// What the ward bought, the newest first.
pub fn purchases(conn: &mut Conn, ward: &Ward) -> Result<Vec<Purchase>> {
    let Some(user) = &ward.account else { return Ok(vec![]) };
    let mut all = vec![];
    for order in Order::settled_of(conn, user, MOST)? {
        for line in order.lines(conn)? {
            all.push(Purchase {
                title: line.title,
                at: order.paid_at.unwrap_or(order.created_at),
                price: line.price_cents,
                currency: order.currency.clone(),
            });
        }
    }
    Ok(all)
}

/// Since when earnings wait for the guardian, if they do.
pub fn payouts_held(conn: &mut Conn, user: &UserId) -> Result<Option<Timestamp>> {
    Ok(payout_holds::table
        .find(user)
        .filter(payout_holds::ended_at.is_null())
        .select(payout_holds::since)
        .first(conn)
        .optional()?)
}

/// What somebody keeps as a favourite, by title, and the files they put here: each one's name, and when it came.
fn kept(conn: &mut Conn, user: &UserId) -> Result<(Vec<String>, Vec<Value>)> {
    let liked = favourites::table.filter(favourites::user_id.eq(user)).select(favourites::track_id);
    let titles: Vec<String> = tracks::table
        .filter(tracks::id.eq_any(liked))
        .order(tracks::title)
        .limit(MOST)
        .select(tracks::title)
        .load(conn)?;
    let files: Vec<(String, Timestamp)> = uploads::table
        .filter(uploads::uploader_id.eq(user))
        .order(uploads::created_at)
        .limit(MOST)
        .select((uploads::filename, uploads::created_at))
        .load(conn)?;
    let files = files.into_iter().map(|(name, at)| json!({ "name": name, "came": at.rfc3339() }));
    Ok((titles, files.collect()))
}

/// Everything as one document.
pub fn export(conn: &mut Conn, ward: &Ward, guardian: Option<&Guardian>) -> Result<Value> {
    let held: serde_json::Map<String, Value> =
        of(conn, ward)?.into_iter().map(|(name, words)| (name, words.into())).collect();
    let bought: Vec<Value> = purchases(conn, ward)?
        .into_iter()
        .map(|p| json!({ "title": p.title, "at": p.at.rfc3339(), "price_cents": p.price, "currency": p.currency }))
        .collect();
    let allowed: Vec<Permission> = permissions::table
        .filter(permissions::ward.eq(&ward.id))
        .order(permissions::asked_at)
        .select(Permission::as_select())
        .load(conn)?;
    let allowed: Vec<Value> = allowed
        .into_iter()
        .map(|p| {
            json!({
                "scope": p.scope.as_str(),
                "with": p.reach.map(Reach::as_str),
                "method": p.method.map(|m| m.as_str()),
                "form": p.form_hash,
                "asked": p.asked_at.rfc3339(),
                "granted": p.granted_at.map(Timestamp::rfc3339),
                "until": p.expires_at.rfc3339(),
                "taken_back": p.revoked_at.map(Timestamp::rfc3339),
            })
        })
        .collect();
    let (favourites, files) = match &ward.account {
        Some(user) => kept(conn, user)?,
        None => (vec![], vec![]),
    };
    let tracks: Vec<Value> = match &ward.account {
        Some(user) => Track::all_of(conn, user, MOST)?
            .into_iter()
            .map(|t| json!({ "title": t.title, "state": t.state.as_str(), "licences": t.licensed }))
            .collect(),
        None => vec![],
    };
    let receipts: Vec<Value> = ward
        .steps(conn)?
        .into_iter()
        .map(|(_, at, receipt)| json!({ "at": at.rfc3339(), "receipt": receipt }))
        .collect();
    Ok(json!({
        "held": held,
        "guardian": guardian.map(|g| json!({ "name": g.name, "relationship": g.relationship, "email": g.email })),
        "permissions": allowed,
        "purchases": bought,
        "sounds": tracks,
        "files": files,
        "favourites": favourites,
        "receipts": receipts,
    }))
}
