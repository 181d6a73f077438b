//! What is held about a ward, for whoever answers for them and for themselves; and the link that leads there.

use diesel::prelude::*;
use serde_json::{Value, json};

use super::notice::Ground;
use super::permission::{Permission, Reach};
use super::routes::Purchase;
use super::ward::{self, Guardian, Opens, Ward};
use crate::accounts::band::Band;
use crate::accounts::user::User;
use crate::catalogue::track::{self, Track};
use crate::clock::Timestamp;
use crate::consent::whereabouts;
use crate::db::Conn;
use crate::db::schema::{favourites, payout_holds, permissions, sessions, tracks, uploads};
use crate::error::Result;
use crate::ids::UserId;
use crate::jobs::{Job, enqueue};
use crate::sales::order::Order;

/// Rows of each kind that are named.
const MOST: usize = 1_000;
/// How many are read, so that it is known whether there are more.
const ONE_MORE: i64 = MOST as i64 + 1;
/// What stands for a sound whose page nobody opens any more: its title was its maker's to take back.
const GONE: &str = "a sound that is no longer in the shop";

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
    let shown = tracks::table.filter(tracks::uploader_id.eq(user).and(tracks::published_at.is_not_null()));
    let live: i64 = shown.count().get_result(conn)?;
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

/// What the ward bought, the newest first, of their last thousand orders.
pub fn purchases(conn: &mut Conn, ward: &Ward) -> Result<Vec<Purchase>> {
    bought(conn, ward, &mut vec![])
}

fn bought(conn: &mut Conn, ward: &Ward, stops: &mut Vec<String>) -> Result<Vec<Purchase>> {
    let Some(user) = &ward.account else { return Ok(vec![]) };
    let mut all = vec![];
    for order in cut(Order::settled_of(conn, user, ONE_MORE)?, "orders", stops) {
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

/// A list that was read one row further than it goes, as far as it goes; where there is more, `stops` says so.
fn cut<T>(mut rows: Vec<T>, name: &str, stops: &mut Vec<String>) -> Vec<T> {
    if rows.len() > MOST {
        rows.truncate(MOST);
        stops.push(format!("There are more than {MOST} {name}. The others are not in this document."));
    }
    rows
}

/// What somebody keeps as a favourite: what is in the shop by title, and after that what is not, which is not named.
fn liked(conn: &mut Conn, user: &UserId, stops: &mut Vec<String>) -> Result<Vec<String>> {
    let liked = favourites::table.filter(favourites::user_id.eq(user)).select(favourites::track_id);
    let sounds: Vec<(String, track::State)> = tracks::table
        .filter(tracks::id.eq_any(liked))
        .order(tracks::title)
        .limit(ONE_MORE)
        .select((tracks::title, tracks::state))
        .load(conn)?;
    let (mut titles, mut gone) = (vec![], vec![]);
    for (title, state) in cut(sounds, "favourites", stops) {
        match state {
            track::State::Published => titles.push(title),
            _ => gone.push(GONE.to_owned()),
        }
    }
    titles.append(&mut gone);
    Ok(titles)
}

/// The files somebody put here: each one's name, and when it came.
fn files(conn: &mut Conn, user: &UserId, stops: &mut Vec<String>) -> Result<Vec<Value>> {
    let files: Vec<(String, Timestamp)> = uploads::table
        .filter(uploads::uploader_id.eq(user))
        .order(uploads::created_at)
        .limit(ONE_MORE)
        .select((uploads::filename, uploads::created_at))
        .load(conn)?;
    let files = cut(files, "files", stops);
    Ok(files.into_iter().map(|(name, at)| json!({ "name": name, "came": at.rfc3339() })).collect())
}

/// Everything as one document. Where a list stops, it says so in `stops`.
pub fn export(conn: &mut Conn, ward: &Ward, guardian: Option<&Guardian>) -> Result<Value> {
    let held: serde_json::Map<String, Value> =
        of(conn, ward)?.into_iter().map(|(name, words)| (name, words.into())).collect();
    let mut stops = vec![];
    let bought: Vec<Value> = bought(conn, ward, &mut stops)?
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
        Some(user) => (liked(conn, user, &mut stops)?, files(conn, user, &mut stops)?),
        None => (vec![], vec![]),
    };
    let tracks: Vec<Value> = match &ward.account {
        Some(user) => cut(Track::all_of(conn, user, ONE_MORE)?, "sounds", &mut stops)
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
        "stops": stops,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S3-16: whoever downloads what is held is told where there is more of it.
    #[test]
    fn a_list_that_stops_says_so() {
        for (count, is_whole) in [(0, true), (MOST, true), (MOST + 1, false)] {
            let mut stops = vec![];
            let named = cut(vec!["a sound"; count], "sounds", &mut stops);
            assert_eq!((named.len(), stops.is_empty()), (count.min(MOST), is_whole), "{count}");
        }
    }
}
