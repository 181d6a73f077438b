//! Which earlier recordings a new one may be the same as, whoever gave them.
//!
//! Candidates share words of their fingerprints: one word in eight, chosen by what it is, stands in a table, and whoever
//! shares most of them is held against the new one bit by bit (`audio::alike`). An uploader never learns whose the other
//! is. What a child keeps for itself is a candidate for nobody else's.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;

use super::upload::{Likeness, Twin};
use crate::audio;
use crate::db::Conn;
use crate::db::schema::{recordings, resemblances, sampled_words, uploads};
use crate::each_db;
use crate::error::Result;
use crate::ids::{UploadId, UserId};

/// Most recordings that a new one is held against.
const CANDIDATES: i64 = 20;
/// Words of more recordings than these tell nothing: a held note, a loop that everybody uses.
const COMMON: i64 = 200;
/// One word in common is chance.
const SHARED: i64 = 2;
/// Rows in one statement: SQLite takes 32,766 values.
const ROWS: usize = 10_000;

/// A recording that shares words with a new one.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct Candidate {
    #[diesel(sql_type = Text)]
    pub upload: UploadId,
    #[diesel(sql_type = Text)]
    pub uploader: UserId,
    /// Where its fingerprint lies.
    #[diesel(sql_type = Text)]
    pub fingerprint_key: String,
}

#[derive(Insertable)]
// So that many go into one statement on SQLite too.
#[diesel(table_name = sampled_words, treat_none_as_default_value = false)]
struct Sampled {
    word: i64,
    upload_id: UploadId,
}

/// Keeps by which words of its fingerprint a recording is found; one that is gone is found by none. Told twice, it keeps
/// them once.
pub fn sample(conn: &mut Conn, upload: &UploadId, fingerprint: &[u32]) -> Result<()> {
    diesel::delete(sampled_words::table.filter(sampled_words::upload_id.eq(upload))).execute(conn)?;
    let there: i64 = recordings::table.filter(recordings::upload_id.eq(upload)).count().get_result(conn)?;
    if there == 0 {
        return Ok(());
    }
    let words = audio::sampled(fingerprint).into_iter().map(i64::from);
    let rows: Vec<Sampled> = words.map(|word| Sampled { word, upload_id: upload.clone() }).collect();
    for some in rows.chunks(ROWS) {
        each_db!(conn, |c| diesel::insert_into(sampled_words::table).values(some).execute(c))?;
    }
    Ok(())
}

/// The recordings that share most words with this one, at most twenty: its uploader's own, and those of everybody who is
/// no child.
pub fn candidates(
    conn: &mut Conn,
    upload: &UploadId,
    uploader: &UserId,
    fingerprint: &[u32],
) -> Result<Vec<Candidate>> {
    let words = serde_json::to_string(&audio::sampled(fingerprint))?;
    let found = match conn {
        Conn::Pg(c) => {
            let list = "SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST($2 AS json))";
            sql_query(sharing(list))
                .bind::<Text, _>(upload.as_str())
                .bind::<Text, _>(words.as_str())
                .bind::<Text, _>(uploader.as_str())
                .load::<Candidate>(c)?
        }
        Conn::Sqlite(c) => sql_query(sharing("SELECT value FROM json_each($2)").replace('$', "?"))
            .bind::<Text, _>(upload.as_str())
            .bind::<Text, _>(words.as_str())
            .bind::<Text, _>(uploader.as_str())
            .load::<Candidate>(c)?,
    };
    Ok(found)
}

/// The question for recordings that share words with `$1`, whose words are this `list` and whose uploader is `$3`.
fn sharing(list: &str) -> String {
    format!(
        "SELECT c.upload_id AS upload, u.uploader_id AS uploader, r.fingerprint_key AS fingerprint_key \
         FROM (SELECT s.upload_id AS upload_id, COUNT(*) AS shared FROM sampled_words s \
               WHERE s.word IN (SELECT w.word FROM sampled_words w WHERE w.word IN ({list}) \
                                GROUP BY w.word HAVING COUNT(*) <= {COMMON}) \
               AND s.upload_id <> $1 GROUP BY s.upload_id HAVING COUNT(*) >= {SHARED}) c \
         JOIN uploads u ON u.id = c.upload_id JOIN users p ON p.id = u.uploader_id \
         JOIN recordings r ON r.upload_id = c.upload_id \
         WHERE r.fingerprint_key IS NOT NULL AND (u.uploader_id = $3 OR p.band <> 'child') \
         ORDER BY c.shared DESC, c.upload_id LIMIT {CANDIDATES}"
    )
}

/// Keeps which earlier recordings this one sounds like; what was kept before stays.
pub fn keep(conn: &mut Conn, upload: &UploadId, near: &[Twin]) -> Result<()> {
    for twin in near {
        let row = (
            resemblances::upload_id.eq(upload),
            resemblances::other_id.eq(&twin.upload),
            resemblances::kind.eq(twin.kind),
        );
        each_db!(conn, |c| diesel::insert_into(resemblances::table)
            .values(row)
            .on_conflict_do_nothing()
            .execute(c))?;
    }
    Ok(())
}

/// Which earlier recordings this one was found to sound like.
pub fn kept(conn: &mut Conn, upload: &UploadId) -> Result<Vec<Twin>> {
    let rows: Vec<(UploadId, UserId, Likeness)> = resemblances::table
        .inner_join(uploads::table.on(uploads::id.eq(resemblances::other_id)))
        .filter(resemblances::upload_id.eq(upload))
        .order(resemblances::other_id)
        .select((uploads::id, uploads::uploader_id, resemblances::kind))
        .load(conn)?;
    Ok(rows.into_iter().map(|(upload, uploader, kind)| Twin { upload, uploader, kind }).collect())
}

/// Recordings behind this one, in the order of their ids, that have a fingerprint and are found by no word of it yet, with
/// where it lies.
pub fn unsampled(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<(UploadId, String)>> {
    let known = sampled_words::table.filter(sampled_words::upload_id.eq(recordings::upload_id));
    let rows: Vec<(UploadId, Option<String>)> = recordings::table
        .filter(recordings::upload_id.gt(after))
        .filter(recordings::fingerprint_key.is_not_null())
        // As NOT IN, PostgreSQL would go through all words for each recording.
        .filter(not(exists(known)))
        .order(recordings::upload_id)
        .limit(limit)
        .select((recordings::upload_id, recordings::fingerprint_key))
        .load(conn)?;
    Ok(rows.into_iter().filter_map(|(id, key)| Some((id, key?))).collect())
}
