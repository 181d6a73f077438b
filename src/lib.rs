//! Cuehouse: a stock-audio marketplace. This page is the map of the house.
//!
//! **Rooms**, in reading order: `accounts` (people, sessions), `consent` (who may see a visitor, how old they are, the
//! log of choices), `ads` (our own advertisements, and what people wish of them), `catalogue` (tracks and offers),
//! `search` (the index and its feed), `player` (samples, previews, waveforms), `guardians` (who answers for the young, and
//! what they allow), `studio` (upload, description, board), `sales` (tiers, basket, licences, money, invoices, certificates),
//! `admin` (review), `upkeep` (check, backup, collection). Each has its nouns, and upstairs its `routes`, `guards` and
//! `jobs`. `door` is the command line in front of them all. `demo` fills an empty shop through the studio's own way; `sandbox` is the pretend Stripe, which knows no room.
//! **The hall** is `web`: what all pages share. **The cellar** knows the outside world and no room: `db`, `storage`,
//! `mail`, `stripe`, `egress`, `audio`, `jobs` (letters and queue), `visit` (our own pages from outside), `proof`
//! (canonical JSON, signatures, the shop's key), `config`.
//!
//! **What never happens.** A master is never readable without a licence, ownership or a reviewer's duty. Money is never
//! a fraction, a journal never sums to anything but zero. A licence never changes, nor does the log of choices. A row
//! never points at bytes that are not there. No page contacts anyone whom its visitor, at their age, did not allow. A
//! browser's word is never taken for a payment.
#![forbid(unsafe_code)]
// The objects of the pretend Stripe are long JSON literals.
#![recursion_limit = "512"]

pub mod clock;
pub mod config;
pub mod error;
pub mod ids;
pub mod money;
pub mod secrets;
pub mod words;

pub mod audio;
pub mod db;
pub mod egress;
pub mod jobs;
pub mod mail;
pub mod proof;
pub mod storage;
pub mod stripe;
pub mod visit;

pub mod web;

pub mod accounts;
pub mod ads;
pub mod catalogue;
pub mod consent;
pub mod guardians;
pub mod player;
pub mod sales;
pub mod search;
pub mod studio;
pub mod upkeep;

pub mod admin;
pub mod demo;

pub mod sandbox;

pub mod door;

use std::sync::Arc;

use rocket::figment::Figment;
use rocket::{Build, Rocket};

pub use config::Config;
pub use error::{Error, Result};

use accounts::password::Hashing;

/// The application: what every handler and every job may reach. Cloning shares it.
#[derive(Clone)]
pub struct App {
    pub config: Arc<Config>,
    pub keys: Arc<Keys>,
    pub db: db::Db,
    pub storage: storage::Storage,
    pub mail: mail::Mail,
    pub stripe: stripe::Stripe,
    /// Every other call of our own.
    pub egress: egress::Egress,
    /// Who signs the certificates.
    pub issuer: proof::Issuer,
    /// Whose rules hold here, and which vendors are on.
    pub consent: Arc<consent::rulebook::Rulebook>,
    /// What holds where nothing was decided: nobody is contacted.
    pub nobody: Arc<consent::decision::Decision>,
    /// The newest vendor list of the framework, for pages and for whoever asks for it.
    pub vendor_list: Arc<consent::trade::vendor_list::Newest>,
    /// The services that the shop itself needs.
    pub services: Arc<consent::recipient::Services>,
    /// What pages let browsers give away, counted until it is written.
    pub tally: Arc<consent::disclosure::Pages>,
    /// Letters that reported back, counted until it is written.
    pub heard: Arc<consent::letters::Heard>,
    pub index: search::Index,
    pub hashing: Hashing,
    pub limits: web::Limits,
    pub templates: web::Templates,
    /// Pages that everyone sees alike, as they were a moment ago.
    pub window: Arc<web::Window>,
    /// Who answered the age screen a moment ago, without the answer's being kept.
    pub turns: Arc<consent::turn::Turns>,
    /// Receipts of a no that wait for the next page of their browser, which holds nothing that names them.
    pub handed: Arc<consent::handed::Handed>,
    /// What was loaded once a moment ago, so that no copy loads it again.
    pub once: Arc<consent::once::Used>,
    /// Pages that appeal to children.
    pub child_pages: Arc<consent::children::ChildPages>,
    /// What may be shown beside pages, and what was.
    pub ads: Arc<ads::Board>,
    pub bell: jobs::Bell,
    /// The program that reads sounds in a jail: ourselves, started again.
    pub worker: std::path::PathBuf,
    /// Where else than from us a browser may fetch sound: the S3 service that signed addresses lead to.
    pub media_origin: Option<String>,
}

/// Keys that follow from the shop's one secret, each for one purpose.
pub struct Keys {
    /// Binds forms to browsers.
    pub forms: [u8; 32],
    /// Places the mark in previews.
    pub mark: [u8; 32],
    /// Seals what a browser keeps for us.
    pub seal: [u8; 32],
    /// Signs licence certificates.
    pub issuer: [u8; 32],
    /// Signs and proves the pretend Stripe's webhooks.
    pub pretend_stripe: [u8; 32],
    /// Makes the codes and the links of text messages.
    pub texts: [u8; 32],
}

impl Keys {
    /// The keys of the shop these settings describe. Without a secret in them, one is made once into the data folder.
    pub fn load(config: &Config) -> Result<Keys> {
        let secret = match &config.secret_key {
            Some(secret) => secret.clone(),
            None => secrets::kept_in(&config.data("secret.key"))?,
        };
        Ok(Keys::of(&secret))
    }

    fn of(secret: &[u8]) -> Keys {
        let key = |purpose| secrets::derive(secret, purpose);
        Keys {
            forms: key("forms"),
            mark: key("mark"),
            seal: key("seal"),
            issuer: key("issuer"),
            pretend_stripe: key("pretend stripe"),
            texts: key("text messages"),
        }
    }
}

impl App {
    /// Opens everything the settings name and brings the database up to date. `stripe_url` overrides where payments
    /// are reached: the pretend Stripe that was started beside us. In production `Refused` while somebody of the demo can
    /// still sign in.
    pub async fn open(config: Config, stripe_url: Option<&str>) -> Result<App> {
        std::fs::create_dir_all(&config.data_dir)?;
        let keys = Keys::load(&config)?;
        let url = config.database_url.clone();
        let db = tokio::task::spawn_blocking(move || db::Db::open(&url)).await??;
        if config.is_production() {
            demo::fill::demand_closed(&db).await?;
        }
        let storage = storage::Storage::open(&config.storage_url, config.s3.as_ref())?;
        let mail = mail::Mail::open(&config.mail_url, &config.mail_from)?;
        let egress = egress::Egress::open(&db, config.egress_proxy.as_deref())?;
        let stripe = payments(&config, stripe_url)?;
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let media_origin = match config.delivery {
            web::stream::Delivery::Redirect => {
                storage.signed_under().and_then(|address| web::headers::origin(&address))
            }
            _ => None,
        };
        let issuer = sales::open(&db, &config, &keys.issuer).await?;
        let child_pages = consent::children::ChildPages::open(&db).await?;
        let ads = ads::Board::open(&db, config.privacy.audience_min).await?;
        let index = search::Index::with(&config.data("search"), &db, Arc::clone(&config.synonyms)).await?;
        let mut rules =
            consent::rulebook::Rulebook::new(&config).map_err(|faults| Error::internal(faults.join("; ")))?;
        let list_at = config.vendor_list.as_ref().map(|file| file.as_str().to_owned());
        let list_file = config.vendor_list_file.clone();
        let vendor_list = consent::trade::vendor_list::Newest::open(&db, list_file, list_at).await?;
        rules.speaks_for(config.cmp, &vendor_list);
        Ok(App {
            nobody: Arc::new(consent::decision::Decision::nobody(&rules)),
            consent: Arc::new(rules),
            services: Arc::new(consent::recipient::Services::new(&config, media_origin.as_deref())),
            vendor_list,
            tally: Arc::default(),
            heard: Arc::default(),
            index,
            limits: web::Limits::new(&config)?,
            templates: web::Templates::new(&config.currency)?,
            window: Arc::default(),
            turns: Arc::default(),
            handed: Arc::default(),
            once: Arc::default(),
            child_pages: Arc::new(child_pages),
            ads: Arc::new(ads),
            hashing: Hashing::start(cores.div_ceil(2))?,
            stripe,
            bell: jobs::Bell::default(),
            egress,
            worker: std::env::current_exe()?,
            keys: Arc::new(keys),
            config: Arc::new(config),
            db,
            storage,
            mail,
            issuer,
            media_origin,
        })
    }

    /// How things stand: another value as soon as this process has written anything, or its index followed.
    pub fn standing(&self) -> web::Standing {
        web::Standing { writes: self.db.writes(), followed: self.index.followed() }
    }

    /// What webhooks are signed with, the newest first.
    pub fn webhook_secrets(&self) -> Vec<String> {
        match self.config.stripe.webhook_secrets.is_empty() {
            false => self.config.stripe.webhook_secrets.clone(),
            true => vec![self.keys.pretend_webhook_secret()],
        }
    }
}

/// Who takes payments. Stripe itself only with a key: what has neither a key nor an address asks nobody.
fn payments(config: &Config, pretend: Option<&str>) -> Result<stripe::Stripe> {
    let key = config.stripe.secret_key.as_deref();
    match (pretend.or(config.stripe.url.as_deref()), key) {
        (Some(url), key) => stripe::Stripe::new(url, key.unwrap_or("sk_test_pretend")),
        (None, Some(key)) => stripe::Stripe::new("https://api.stripe.com", key),
        (None, None) => {
            tracing::warn!("no payment can be taken: there is no key, and no pretend Stripe beside this");
            Ok(stripe::Stripe::nowhere())
        }
    }
}

impl Keys {
    /// What the pretend Stripe signs with when nothing else is set.
    pub fn pretend_webhook_secret(&self) -> String {
        format!("whsec_{}", hex::encode(self.pretend_stripe))
    }
}

/// The web application: one `.attach` per room in reading order.
pub fn rocket(app: App) -> Rocket<Build> {
    let config = rocket::Config {
        address: app.config.address,
        port: app.config.port,
        // Forwarding headers are read by `web::client`, which asks who sent them.
        ip_header: None,
        secret_key: rocket::config::SecretKey::derive_from(&app.keys.seal),
        log_level: rocket::config::LogLevel::Off,
        ident: rocket::config::Ident::none(),
        cli_colors: false,
        ..rocket::Config::release_default()
    };
    let figment = Figment::from(config).merge(("shutdown.grace", 4)).merge(("shutdown.mercy", 4));
    rocket::custom(figment)
        .manage(app)
        .attach(web::stage())
        .attach(accounts::stage())
        .attach(ads::stage())
        .attach(catalogue::stage())
        .attach(player::stage())
        .attach(consent::stage())
        .attach(guardians::stage())
        .attach(sales::stage())
        .attach(search::stage())
        .attach(studio::stage())
        .attach(admin::stage())
}

/// Every page with values it must render with.
pub fn views() -> Vec<web::Sample> {
    let mut all = web::views();
    all.extend(accounts::views());
    all.extend(ads::views());
    all.extend(catalogue::views());
    all.extend(search::views());
    all.extend(consent::views());
    all.extend(guardians::views());
    all.extend(studio::views());
    all.extend(admin::views());
    all.extend(sales::views());
    all
}
