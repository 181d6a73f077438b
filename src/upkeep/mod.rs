//! Looking after the shop: proof that it keeps its promises, collecting what nobody needs, carrying everything away
//! and bringing it back.
//!
//! What is proved is read from the rows and the bytes themselves, not asked of the code that wrote them. Nothing here
//! repairs a row: what is broken is shown to a person. Nothing is removed that a row names, and nothing that is
//! younger than a day.

pub mod backup;
mod certificates;
pub mod check;
mod choices;
pub mod collect;
mod copies;
pub mod jobs;
mod meter;
pub mod named;
mod payments;
pub mod restore;
mod rules;
pub mod shell;

use std::path::PathBuf;

use crate::db::Db;
use crate::error::{Error, Result};
use crate::storage::Storage;
use crate::{App, Config, db};

pub use check::{Finding, Report};
pub use meter::Meter;

/// What upkeep needs of a shop: it works beside a running one and on one that stands still.
#[derive(Clone)]
pub struct Shop {
    pub db: Db,
    pub storage: Storage,
    pub data_dir: PathBuf,
}

impl Shop {
    /// The shop that this application serves.
    pub fn of(app: &App) -> Shop {
        Shop { db: app.db.clone(), storage: app.storage.clone(), data_dir: app.config.data_dir.clone() }
    }

    /// Opens the shop these settings describe. `Refused` when there is none, or when its database is of another
    /// edition of this program: neither is made or changed by looking.
    pub fn open(config: &Config) -> Result<Shop> {
        if let db::DbUrl::Sqlite(path) = &config.database_url
            && !path.exists()
        {
            return Err(Error::refused(format!("There is no shop: {} does not exist.", path.display())));
        }
        if db::pending(&config.database_url)? {
            return Err(Error::refused("The database is not up to date: run cuehouse migrate first."));
        }
        Shop::make(config)
    }

    /// The same, and makes what is not there.
    pub fn make(config: &Config) -> Result<Shop> {
        std::fs::create_dir_all(&config.data_dir)?;
        Ok(Shop {
            db: Db::open(&config.database_url)?,
            storage: Storage::open(&config.storage_url, config.s3.as_ref())?,
            data_dir: config.data_dir.clone(),
        })
    }
}
