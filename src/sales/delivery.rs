//! What a licence hands out: the master byte for byte as it was given, and files made from it on demand, each with a
//! signed note that names its hash and the licence. Every name carries the licence's number.

use std::collections::HashMap;
use std::time::Duration;

use diesel::prelude::*;
use tokio::sync::Semaphore;

use crate::App;
use crate::audio::{self, Limits, Refusal, Rendering, Tags};
use crate::clock::Timestamp;
use crate::db::Conn;
use crate::db::schema::{deliveries, recordings, uploads};
use crate::each_db;
use crate::error::{Error, Result};
use crate::ids::{LicenceId, Slug, UploadId};
use crate::sales::credential;
use crate::sales::licence::Held;
use crate::sales::scope::{FileKind, Scope};
use crate::secrets;
use crate::storage::Scratch;
use crate::text_enum;

/// Files made at once; whoever comes then waits so long, and is asked to come back.
static MAKING: Semaphore = Semaphore::const_new(2);
const PATIENCE: Duration = Duration::from_secs(60);

text_enum! {
    /// What is made from a master.
    pub enum Made {
        Mp3 = "mp3",
        Wav = "wav",
    }
}

/// Where the bytes of a file come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Master,
    Made(Made),
}

/// A file of the library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub source: Source,
    /// Its name, which is the last part of its address too.
    pub name: String,
    /// The media type.
    pub kind: &'static str,
    /// What it is, for people.
    pub words: String,
}

/// The files a licence of this scope hands out for a master in this container.
pub fn files(scope: &Scope, container: &str, slug: &Slug, number: &str) -> Vec<File> {
    let (extension, kind) = form(container);
    let name = |extension: &str| format!("{slug}-{number}.{extension}");
    let (mp3, wav) = (scope.files.contains(&FileKind::Mp3), scope.files.contains(&FileKind::Wav));
    let mut files = vec![];
    // A master that is an MP3 is the best MP3 there is.
    if wav || (mp3 && extension == "mp3") {
        let words = format!("The master, as its maker gave it ({container})");
        files.push(File { source: Source::Master, name: name(extension), kind, words });
    }
    if wav && extension != "wav" {
        let words = "WAV, made from the master".to_owned();
        files.push(File { source: Source::Made(Made::Wav), name: name("wav"), kind: "audio/wav", words });
    }
    if mp3 && extension != "mp3" {
        let words = "MP3, 320 kb/s, made from the master".to_owned();
        files.push(File { source: Source::Made(Made::Mp3), name: name("mp3"), kind: "audio/mpeg", words });
    }
    files
}

/// The ending and the media type of a container, as the examination of a master names it.
fn form(container: &str) -> (&'static str, &'static str) {
    match container {
        "WAV" => ("wav", "audio/wav"),
        "AIFF" => ("aiff", "audio/aiff"),
        "FLAC" => ("flac", "audio/flac"),
        "CAF" => ("caf", "audio/x-caf"),
        "M4A" => ("m4a", "audio/mp4"),
        "Ogg" => ("ogg", "audio/ogg"),
        "MP3" => ("mp3", "audio/mpeg"),
        _ => ("bin", "application/octet-stream"),
    }
}

/// Whether browsers play this media type, each of them.
pub fn is_played(kind: &str) -> bool {
    matches!(kind, "audio/wav" | "audio/flac" | "audio/mpeg")
}

/// A file that was made and is kept.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = deliveries)]
pub struct Kept {
    pub licence_id: LicenceId,
    pub kind: Made,
    pub storage_key: String,
    pub bytes: i64,
    pub sha256: String,
    /// The signed note that travels with it.
    pub note: String,
    pub made_at: Timestamp,
}

impl Kept {
    /// The file of this kind that was made for a licence, if one was.
    pub fn find(conn: &mut Conn, licence: &LicenceId, made: Made) -> Result<Option<Kept>> {
        Ok(deliveries::table.find((licence, made)).select(Kept::as_select()).first(conn).optional()?)
    }

    /// Keeps a made file, unless another was kept first: answers the one that holds.
    pub fn keep(&self, conn: &mut Conn) -> Result<Kept> {
        each_db!(conn, |c| diesel::insert_into(deliveries::table)
            .values(self)
            .on_conflict_do_nothing()
            .execute(c))?;
        let one = deliveries::table.find((&self.licence_id, self.kind));
        Ok(one.select(Kept::as_select()).first(conn)?)
    }
}

/// What masters are kept in, by upload, with the bits of a sample where the container has them.
pub fn containers(conn: &mut Conn, uploads: &[UploadId]) -> Result<HashMap<UploadId, (String, Option<i32>)>> {
    let rows: Vec<(UploadId, String, Option<i32>)> = recordings::table
        .filter(recordings::upload_id.eq_any(uploads))
        .select((recordings::upload_id, recordings::container, recordings::bits))
        .load(conn)?;
    Ok(rows.into_iter().map(|(id, container, bits)| (id, (container, bits))).collect())
}

/// Which files were made for these licences already.
pub fn made_for(conn: &mut Conn, held: &[Held]) -> Result<Vec<(LicenceId, Made)>> {
    let ids: Vec<&LicenceId> = held.iter().map(|held| &held.licence.id).collect();
    Ok(deliveries::table
        .filter(deliveries::licence_id.eq_any(ids))
        .select((deliveries::licence_id, deliveries::kind))
        .load(conn)?)
}

/// The file that is made from a licence's master: the one that was kept, or made now and kept. Made twice at once,
/// one of both is kept.
pub async fn made(app: &App, held: &Held, made: Made, file: &File, bits: Option<i32>) -> Result<Kept> {
    let find = || {
        let id = held.licence.id.clone();
        app.db.read(move |conn| Kept::find(conn, &id, made))
    };
    if let Some(kept) = find().await? {
        return Ok(kept);
    }
    let turn = tokio::time::timeout(PATIENCE, MAKING.acquire()).await;
    let _turn = turn.map_err(|_| Error::Busy(20))?.map_err(Error::internal)?;
    // Somebody may have made it while we waited.
    if let Some(kept) = find().await? {
        return Ok(kept);
    }
    make(app, held, made, file, bits).await
}

async fn make(app: &App, held: &Held, made: Made, file: &File, bits: Option<i32>) -> Result<Kept> {
    let upload = held.line.upload_id.clone();
    let master = app.db.read(move |conn| master(conn, &upload)).await?;
    let tags = Tags {
        title: held.line.title.clone(),
        artist: held.line.uploader_name.clone(),
        licence: held.licence.number.clone(),
    };
    let rendering = match made {
        Made::Mp3 => Rendering::Mp3 { tags },
        Made::Wav => Rendering::Wav { bits: if bits.is_some_and(|b| b > 16) { 24 } else { 16 }, tags },
    };
    let folder = Scratch::new(&app.config)?;
    let limits = Limits { max_secs: app.config.upload_max_secs, ..Limits::default() };
    let from = app.storage.file(&master.key).await?;
    let path = match audio::render(&app.worker, from, rendering, &limits, folder.path()).await {
        Ok(path) => path,
        Err(Refusal::Ours { why }) => return Err(Error::internal(format!("a delivery was not made: {why}"))),
        Err(refusal) => return Err(Error::internal(format!("a master cannot be read any more: {refusal}"))),
    };
    let staged = format!("deliveries/{}/{}.{made}", held.licence.id, hex::encode(secrets::random::<12>()?));
    let stored = app.storage.put_file(&staged, &path, file.kind).await?;
    let document = serde_json::from_str(&held.licence.credential)?;
    let now = Timestamp::now();
    let kept = Kept {
        licence_id: held.licence.id.clone(),
        kind: made,
        bytes: i64::try_from(stored.bytes).map_err(Error::internal)?,
        note: credential::delivery_note(
            &document,
            &file.name,
            &stored.sha256,
            stored.bytes,
            &app.issuer,
            now,
        ),
        sha256: stored.sha256,
        storage_key: staged.clone(),
        made_at: now,
    };
    let holds = app.db.write(move |conn| kept.keep(conn)).await?;
    if holds.storage_key != staged {
        app.storage.delete(&staged).await?;
    }
    Ok(holds)
}

/// The keys of everything that was made, for whoever collects what no row names.
pub fn keys(conn: &mut Conn) -> Result<Vec<String>> {
    Ok(deliveries::table.select(deliveries::storage_key).load(conn)?)
}

/// A master as it lies in storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Master {
    pub key: String,
    pub bytes: i64,
    pub sha256: String,
    pub since: Timestamp,
}

/// The master a line was bought of. Its track may have another by now; this one stays.
pub fn master(conn: &mut Conn, upload: &UploadId) -> Result<Master> {
    let (key, bytes, sha256, since) = uploads::table
        .find(upload)
        .select((uploads::master_key, uploads::bytes, uploads::file_sha256, uploads::created_at))
        .first(conn)?;
    Ok(Master { key, bytes, sha256, since })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sales::tier::default_catalogue;

    #[test]
    fn what_some_browser_does_not_play_is_not_offered_to_be_heard() {
        for (container, played) in
            [("WAV", true), ("FLAC", true), ("MP3", true), ("AIFF", false), ("CAF", false)]
        {
            assert_eq!(is_played(form(container).1), played, "{container}");
        }
        assert!(!is_played(form("").1));
    }

    #[test]
    fn a_tier_hands_out_what_it_says_and_every_name_carries_the_number() {
        let check = |tier: &str, container: &str, expected: &[(&str, Source)]| {
            let scope = default_catalogue().into_iter().find(|t| t.slug == tier).unwrap().scope;
            let slug = Slug::parse("rain").unwrap();
            let files = files(&scope, container, &slug, "7K3M");
            let found: Vec<(String, Source)> = files.into_iter().map(|f| (f.name, f.source)).collect();
            let expected: Vec<(String, Source)> =
                expected.iter().map(|(ending, source)| (format!("rain-7K3M.{ending}"), *source)).collect();
            assert_eq!(found, expected, "{tier} {container}");
        };
        let (mp3, wav) = (Source::Made(Made::Mp3), Source::Made(Made::Wav));
        check("listen", "WAV", &[("mp3", mp3)]);
        check("listen", "MP3", &[("mp3", Source::Master)]);
        check("creator", "WAV", &[("wav", Source::Master), ("mp3", mp3)]);
        check("film", "FLAC", &[("flac", Source::Master), ("wav", wav), ("mp3", mp3)]);
        check("effects", "MP3", &[("mp3", Source::Master), ("wav", wav)]);
    }
}
