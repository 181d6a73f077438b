//! A folder of recordings taken in at once, from the shell. Begun again after an interruption it goes on where it was:
//! what the uploader has already, by its hash, is not taken twice.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::pages::first_prices;
use super::routes::tiers;
use super::upload::{State, Upload};
use super::{describing, receive};
use crate::App;
use crate::accounts::user::{Role, User};
use crate::catalogue::offer;
use crate::catalogue::track::{State as TrackState, Track};
use crate::catalogue::voices::Said;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::ids::{Handle, UploadId, UserId};
use crate::jobs::{Priority, run};
use crate::secrets::sha256_of;
use crate::web::{Faults, Fields, FormView};

/// Endings of the files that are taken; everything else in the folder is passed over.
const ENDINGS: &[&str] = &[
    "wav", "wave", "bwf", "rf64", "aif", "aiff", "aifc", "flac", "caf", "m4a", "mp4", "alac", "aac", "ogg",
    "oga", "mp3",
];

/// What to bring in.
#[derive(Clone, Debug)]
pub struct Import {
    pub folder: PathBuf,
    /// Whose the tracks become.
    pub uploader: Handle,
    /// A table with a column `file` and, as far as wanted, those of the form on a track's page (`title`, `description`,
    /// `kind`, `genre`, `mood`, `instrument`, `tags`, `bpm`, `key`, `under_age`, `price.creator`, …).
    pub csv: Option<PathBuf>,
    /// Put into the shop at once what is described and priced, without a reviewer.
    pub publish: bool,
    /// Nobody under 18 speaks or sings in any of them. Else the table says so, in `under_age`.
    pub of_age: bool,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Imported {
    /// Files taken in now.
    pub taken: usize,
    /// Files the uploader had already.
    pub known: usize,
    pub published: usize,
    /// Files that became nothing, or not what was wanted, each with why.
    pub faults: Vec<(String, String)>,
}

/// Takes in a folder; shows how far it is.
pub async fn import(app: &App, what: &Import) -> Result<Imported> {
    let (folder, handle) = (what.folder.clone(), what.uploader.clone());
    let files = tokio::task::spawn_blocking(move || sounds_in(&folder)).await??;
    let table = what.csv.as_deref().map(table_of).transpose()?.unwrap_or_default();
    let uploader = app
        .db
        .read(move |conn| {
            let user = match User::by_handle(conn, &handle) {
                Err(Error::NotFound) => return Err(Error::refused(format!("nobody is called @{handle}"))),
                found => found?,
            };
            match user.roles(conn)?.contains(&Role::Uploader) {
                true => Ok(user.id),
                false => Err(Error::refused(format!("@{handle} is no uploader"))),
            }
        })
        .await?;
    let mut done = Imported::default();
    for name in table.keys().filter(|name| !files.iter().any(|f| f.name == **name)) {
        done.faults.push((name.clone(), "stands in the table, but not in the folder".into()));
    }
    let bar = bar(files.len(), "taking in");
    let mut taken: Vec<(String, UploadId)> = vec![];
    for file in &files {
        bar.set_message(file.name.clone());
        match take(app, &uploader, file).await {
            Ok((id, new)) => {
                if new {
                    done.taken += 1
                } else {
                    done.known += 1
                }
                taken.push((file.name.clone(), id));
            }
            Err(Error::Refused(why)) => done.faults.push((file.name.clone(), why)),
            Err(error) => return Err(error),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    examined(app, &taken).await?;
    for (name, id) in taken {
        match finish(app, &uploader, &id, table.get(&name), what).await {
            Ok(published) => done.published += usize::from(published),
            Err(Error::Refused(why)) => done.faults.push((name, why)),
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

struct Found {
    /// Below the folder, with `/` between the steps.
    name: String,
    path: PathBuf,
}

fn sounds_in(folder: &Path) -> Result<Vec<Found>> {
    let (mut folders, mut all) = (vec![folder.to_owned()], vec![]);
    while let Some(inner) = folders.pop() {
        for entry in std::fs::read_dir(&inner)? {
            let entry = entry?;
            let path = entry.path();
            // A link may lead anywhere, also in a circle.
            let kind = entry.file_type()?;
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
            if kind.is_dir() && !hidden {
                folders.push(path);
            } else if kind.is_file() && !hidden && ENDINGS.contains(&ending.as_str()) {
                let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                all.push(Found { name, path });
            }
        }
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

/// The table's rows by the name of their file.
fn table_of(path: &Path) -> Result<HashMap<String, Fields>> {
    let wrong = |error: csv::Error| Error::refused(format!("{}: {error}", path.display()));
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(wrong)?;
    let heads: Vec<String> = reader.headers().map_err(wrong)?.iter().map(str::to_owned).collect();
    if !heads.iter().any(|head| head == "file") {
        return Err(Error::refused(format!("{} has no column called file.", path.display())));
    }
    let mut all = HashMap::new();
    for row in reader.records() {
        let row = row.map_err(wrong)?;
        let pairs = heads.iter().zip(row.iter()).map(|(n, v)| (n.clone(), v.to_owned()));
        let line = row.position().map_or(0, csv::Position::line);
        let nul = |error: Error| Error::refused(format!("{}, line {line}: {error}", path.display()));
        let fields = Fields::from_iter(pairs).without_nul().map_err(nul)?;
        all.insert(fields.text("file").replace('\\', "/"), fields);
    }
    Ok(all)
}

/// The upload of a file: the one there is, or a new one. Answers whether it is new.
async fn take(app: &App, uploader: &UserId, file: &Found) -> Result<(UploadId, bool)> {
    let path = file.path.clone();
    let (hash, _) = tokio::task::spawn_blocking(move || sha256_of(&path)).await??;
    let whose = uploader.clone();
    if let Some(known) = app.db.read(move |conn| Upload::of_bytes(conn, &whose, &hash)).await? {
        if known.state == State::Failed {
            let id = known.id.clone();
            app.db.write(move |conn| Upload::again(conn, &id, Timestamp::now())).await?;
        }
        return Ok((known.id, false));
    }
    let bytes = tokio::fs::File::open(&file.path).await?;
    Ok((receive(app, uploader, &file.name, bytes, Priority::Upkeep).await?, true))
}

/// Works the queue, beside whoever else does, until all of these are examined.
async fn examined(app: &App, all: &[(String, UploadId)]) -> Result<()> {
    let bar = bar(all.len(), "listening");
    loop {
        let ids: Vec<UploadId> = all.iter().map(|(_, id)| id.clone()).collect();
        let open = app.db.read(move |conn| Upload::count_unexamined(conn, &ids)).await?;
        bar.set_position((all.len() as i64 - open) as u64);
        if open == 0 {
            bar.finish_and_clear();
            return Ok(());
        }
        // One at a time, so that the bar moves; a failure stays with its job and is tried again.
        if !run::one(app).await? {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// Describes a draft as the table says, and publishes it where that is wanted. Answers whether it was published now.
async fn finish(
    app: &App,
    uploader: &UserId,
    id: &UploadId,
    said: Option<&Fields>,
    what: &Import,
) -> Result<bool> {
    let (id, by, said) = (id.clone(), uploader.clone(), said.cloned());
    let (publish, of_age) = (what.publish, what.of_age);
    let (currency, least) = (app.config.currency.clone(), app.config.age.services.clone());
    let bounds = app.config.catalogue.bounds();
    app.db
        .write(move |conn| {
            let now = Timestamp::now();
            let upload = Upload::find(conn, &id)?;
            let Some(track) = Track::of_upload(conn, &id)? else {
                let why = upload.reason.unwrap_or_else(|| "could not be examined".into());
                return if upload.state == State::Ready { Ok(false) } else { Err(Error::refused(why)) };
            };
            if track.state != TrackState::Draft {
                return Ok(false);
            }
            let tiers = tiers(conn)?;
            let voices = Said::of(conn, &track.id)?;
            let offers = offer::of_track(conn, &track.id)?;
            let kept = describing::fields_of(&track, voices.as_ref(), &offers, &tiers, &currency);
            let mut fields = over(&kept, said.as_ref());
            if publish {
                fields = with_defaults(fields, &track, &tiers);
            }
            if of_age && !fields.has("under_age") {
                let said = ("under_age".to_owned(), "no".to_owned());
                fields = fields.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).chain([said]).collect();
            }
            let said = describing::read(&fields, &track, &tiers, bounds, &currency)
                .map_err(|faults| sentence(&faults))?;
            track.describe(conn, &said, &currency, &by, now)?;
            if publish {
                let track = Track::find(conn, &track.id)?;
                track.submit(conn, &by, now)?;
                least.demand_seller(conn, &by, now)?;
                track.publish(conn, &by, now)?;
            }
            Ok(publish)
        })
        .await
}

/// What the table says stands before what is kept.
fn over(kept: &Fields, said: Option<&Fields>) -> Fields {
    let Some(said) = said else { return kept.clone() };
    let says = |name: &str| said.has(name);
    let new = said.iter().filter(|(n, v)| *n != "file" && !v.trim().is_empty());
    let old = kept.iter().filter(|(n, _)| !says(n));
    new.chain(old).map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
}

/// What a track needs before it can be published, where nobody said it: the shop's prices, its title as description.
fn with_defaults(fields: Fields, track: &Track, tiers: &[crate::sales::tier::Tier]) -> Fields {
    let mut pairs: Vec<(String, String)> = fields.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    if !fields.has("description") {
        pairs.retain(|(n, _)| n != "description");
        pairs.push(("description".into(), fields.text("title").to_owned()));
    }
    if !fields.iter().any(|(n, v)| n.starts_with("price.") && !v.trim().is_empty()) {
        let kind = if fields.has("kind") { fields.text("kind") } else { track.kind.as_str() };
        pairs.extend(first_prices(tiers, kind));
    }
    pairs.into_iter().collect()
}

fn sentence(faults: &Faults) -> Error {
    let view = FormView::new(&Fields::default(), faults.clone());
    let all: Vec<String> = view.faults.iter().map(|(field, why)| format!("{field}: {why}")).collect();
    Error::refused(all.join(" "))
}

fn bar(len: usize, what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {msg:.dim}");
    let bar = ProgressBar::new(len as u64).with_prefix(what.to_owned());
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
