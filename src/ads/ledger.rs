//! The ledger: how often a campaign was shown and followed on each day. Numbers alone; nothing here knows a visitor.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::db::Conn;
use crate::db::schema::ad_days;
use crate::each_db;
use crate::error::Result;
use crate::ids::CampaignId;

/// How often shown, how often followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    pub shown: i64,
    pub followed: i64,
}

impl Tally {
    pub fn plus(self, more: Tally) -> Tally {
        Tally { shown: self.shown + more.shown, followed: self.followed + more.followed }
    }
}

/// Adds to what a campaign came to on a day (`2026-11-28`, UTC).
pub fn add(conn: &mut Conn, campaign: &CampaignId, day: &str, more: Tally) -> Result<()> {
    let row = (
        ad_days::campaign_id.eq(campaign),
        ad_days::day.eq(day),
        ad_days::shown.eq(more.shown),
        ad_days::followed.eq(more.followed),
    );
    each_db!(conn, |c| diesel::insert_into(ad_days::table)
        .values(row)
        .on_conflict((ad_days::campaign_id, ad_days::day))
        .do_update()
        .set((
            ad_days::shown.eq(ad_days::shown + more.shown),
            ad_days::followed.eq(ad_days::followed + more.followed),
        ))
        .execute(c))?;
    Ok(())
}

/// What a campaign came to on each day, the newest first, at most so many days.
pub fn days(conn: &mut Conn, campaign: &CampaignId, most: i64) -> Result<Vec<(String, Tally)>> {
    let rows: Vec<(String, i64, i64)> = ad_days::table
        .filter(ad_days::campaign_id.eq(campaign))
        .order(ad_days::day.desc())
        .select((ad_days::day, ad_days::shown, ad_days::followed))
        .limit(most)
        .load(conn)?;
    Ok(rows.into_iter().map(|(day, shown, followed)| (day, Tally { shown, followed })).collect())
}

/// What each campaign came to in all; who is missing was never shown.
pub fn totals(conn: &mut Conn, of: &[&CampaignId]) -> Result<HashMap<CampaignId, Tally>> {
    use diesel::sql_types::{BigInt, Nullable};
    if of.is_empty() {
        return Ok(HashMap::new());
    }
    // PostgreSQL sums whole numbers into a decimal.
    let whole =
        |column: &str| diesel::dsl::sql::<Nullable<BigInt>>(&format!("CAST(SUM({column}) AS BIGINT)"));
    let rows: Vec<(CampaignId, Option<i64>, Option<i64>)> = ad_days::table
        .filter(ad_days::campaign_id.eq_any(of.iter().map(|id| id.as_str()).collect::<Vec<_>>()))
        .group_by(ad_days::campaign_id)
        .select((ad_days::campaign_id, whole("shown"), whole("followed")))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(id, shown, followed)| {
            (id, Tally { shown: shown.unwrap_or_default(), followed: followed.unwrap_or_default() })
        })
        .collect())
}
