//! Every setting, read once. The only reader of the environment.
//!
//! Defaults, then `cuehouse.toml` (in the working directory or at `CUEHOUSE_CONFIG`), then `CUEHOUSE_*`. Everything
//! that is wrong is said at once.

mod ad_frames;
mod currency;
mod registered;
mod services;
mod synonyms;
mod tiers;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::NaiveDate;
use url::Url;

pub use ad_frames::AdOrigin;

use crate::clock::DAY;
use crate::consent::constants::{CHOICE_DAYS, LONGEST_CHOICE_DAYS};
use crate::consent::receipt::{LONGEST_PROOF_DAYS, PROOF_KEPT_MS};
use crate::consent::rulebook::{AdsMode, Rulebook};
use crate::consent::trade;
use crate::consent::trade::tcf::Cmp;
use crate::db::DbUrl;
use crate::egress::PublicFile;
use crate::mail;
use crate::sales::tier::Catalogue;
use crate::search::Synonyms;
use crate::storage::{S3Access, StorageUrl};
use crate::web::client::Net;
use crate::web::stream::Delivery;

mod age;

pub use age::{AgeSettings, Provider, Strength};

/// Whether people who rely on it use this shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Pretend payments, letters in a folder, a demo shop.
    Development,
    /// Refuses to start with any of these.
    Production,
}

/// How payments are reached.
#[derive(Clone)]
pub struct StripeSettings {
    /// None: the pretend Stripe inside `serve`, or at `url`.
    pub secret_key: Option<String>,
    /// What webhooks are signed with; several while one replaces another.
    pub webhook_secrets: Vec<String>,
    /// None: Stripe itself with a key, the pretend one without.
    pub url: Option<String>,
}

impl StripeSettings {
    /// Whether nobody's money moves: no key was given.
    pub fn is_pretend(&self) -> bool {
        self.secret_key.is_none()
    }
}

/// What visitors are asked and for how long it holds.
#[derive(Clone, Debug)]
pub struct PrivacySettings {
    /// Whose rules hold for everyone, as a profile of `consent/jurisdictions.toml`.
    pub profile: String,
    /// Places where people may be asked afterwards instead of first. Counts only where a visitor said they are there.
    pub opt_out_places: Vec<String>,
    /// Whether `DNT: 1` counts like `Sec-GPC: 1`.
    pub honour_dnt: bool,
    /// Whether a signal counts as a no to whoever sells, shares or targets, so that nobody who sends one is asked.
    pub signal_refuses: bool,
    /// How long a yes or a no lasts, in days.
    pub choice_days: i64,
    /// How long a receipt is kept beyond the time its choice holds, in days.
    pub receipt_days: i64,
    /// Whether the shop says that it sells and shares nothing: then no vendor that might can be on.
    pub declares_no_sale: bool,
    /// Whether letters may report back at all, to those who agreed.
    pub measures_letters: bool,
    /// Hours between two looks at our own banner; 0: nobody looks.
    pub self_check_hours: i64,
    /// The most that advertising may do here.
    pub ads: AdsMode,
    /// The least number of people an advertisement may be aimed at together.
    pub audience_min: usize,
    /// Where frames with vendors' advertisements come from.
    pub ad_origin: Option<AdOrigin>,
    /// When the operator read that a vendor's terms allow such a frame.
    pub terms_read: Vec<(String, NaiveDate)>,
}

/// Every setting.
#[derive(Clone)]
pub struct Config {
    pub mode: Mode,
    /// Names of the environment that begin like settings and are none: of a mistyped key of Stripe's all but the name is
    /// right. Production does not start with one; their values are shown nowhere, most of a secret may be right, too.
    pub unheard: Vec<String>,
    pub address: IpAddr,
    pub port: u16,
    /// How people reach the site, without a slash at the end.
    pub site_url: String,
    pub data_dir: PathBuf,
    /// Whether an empty shop is filled with a demo.
    pub demo: bool,
    pub database_url: DbUrl,
    pub storage_url: StorageUrl,
    pub s3: Option<S3Access>,
    pub mail_url: String,
    pub mail_from: String,
    pub delivery: Delivery,
    /// Whose forwarding headers are believed.
    pub trusted_proxies: Vec<Net>,
    /// Whether the log has a line for each request.
    pub log_requests: bool,
    /// Whether such a line says which address asked.
    pub log_ip: bool,
    /// None: made once into the data folder.
    pub secret_key: Option<Vec<u8>>,
    pub stripe: StripeSettings,
    /// The port of the pretend Stripe inside `serve`; 0 is any free one.
    pub stripe_sandbox_port: u16,
    pub site_name: String,
    /// Who runs the shop, as certificates name them.
    pub operator_name: String,
    /// Where they are, as an ISO 3166-1 code.
    pub operator_country: String,
    /// Where letters by post reach them; empty where it is not told.
    pub operator_address: String,
    /// Where they are reached by telephone; empty where it is not told.
    pub operator_phone: String,
    /// Who coordinates the security programme (16 CFR 312.8), by name; empty while nobody is named.
    pub security_coordinator: String,
    /// Where people write to.
    pub contact: String,
    /// ISO 4217 in small letters.
    pub currency: String,
    /// Whether anyone may hear the whole preview.
    pub preview_anonymous: bool,
    /// Seconds of a sample.
    pub sample_secs: u32,
    /// The longest sound taken, in seconds.
    pub upload_max_secs: u64,
    /// The largest file taken, in bytes.
    pub upload_max_bytes: u64,
    /// The uploader's part of a sale, in basis points.
    pub share_bps: i64,
    /// Whether the operator stands behind the indemnity the tiers name.
    pub indemnity: bool,
    /// The tiers on sale, the bounds of uploaders' prices and the time for refunds.
    pub catalogue: Catalogue,
    pub age: AgeSettings,
    /// Jobs worked at once; 0 is as many as there are cores.
    pub workers: usize,
    /// Vendors of the registry that are on, each with its key. Which may be is the consent room's to say.
    pub vendors: Vec<(String, String)>,
    pub privacy: PrivacySettings,
    /// Where our server fetches the framework's vendor list. None: it is not asked for.
    pub vendor_list: Option<PublicFile>,
    /// A file with the vendor list: what counts until a newer one was fetched.
    pub vendor_list_file: Option<PathBuf>,
    /// What the server's own calls go through.
    pub egress_proxy: Option<String>,
    /// The key with which our server may tell Google Analytics something, for people who allowed it.
    pub ga4_api_secret: Option<String>,
    /// The operator's consent manager as IAB Europe registered it.
    pub cmp: Option<Cmp>,
    /// Sections of the Global Privacy Platform that pages carry.
    pub gpp: Vec<u16>,
    /// What words also find in a search.
    pub synonyms: Arc<Synonyms>,
    /// Wrong passwords for one account within ten minutes; three times as many from one network address.
    pub sign_in_attempts: u32,
}

impl fmt::Debug for Config {
    /// Without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("mode", &self.mode)
            .field("site_url", &self.site_url)
            .field("data_dir", &self.data_dir)
            .finish_non_exhaustive()
    }
}

/// The words a setting goes by: as in the file; the environment says them in capitals after `CUEHOUSE_`.
const NAMES: &[&str] = &[
    "mode",
    "address",
    "port",
    "site_url",
    "data_dir",
    "demo",
    "database_url",
    "storage_url",
    "mail_url",
    "mail_from",
    "delivery",
    "trusted_proxy",
    "log_requests",
    "log_ip",
    "secret_key",
    "stripe_secret_key",
    "stripe_webhook_secret",
    "stripe_url",
    "stripe_sandbox_port",
    "vendors",
    "privacy.profile",
    "privacy.opt_out_places",
    "privacy.honour_dnt",
    "privacy.signal_refuses",
    "privacy.choice_days",
    "privacy.receipt_days",
    "privacy.declares_no_sale",
    "email.measurement",
    "ads.mode",
    "ads.audience_min",
    "ads.origin",
    "ads.terms_read",
    "tcf.vendor_list_url",
    "egress.proxy",
    "ga4.api_secret",
    "privacy.self_check_hours",
    "tcf.cmp_id",
    "tcf.cmp_version",
    "tcf.vendor_list",
    "gpp.sections",
    "site_name",
    "operator.name",
    "operator.country",
    "operator.address",
    "operator.phone",
    "security.coordinator",
    "operator.contact",
    "currency",
    "preview.anonymous",
    "preview.sample_secs",
    "upload.max_secs",
    "upload.max_bytes",
    "share_bps",
    "indemnity",
    "prices.low_percent",
    "prices.high_percent",
    "refund_days",
    "age.profile",
    "age.under_minimum",
    "age.minimum",
    "age.adult",
    "age.service_minimums",
    "age.strength",
    "age.methods",
    "age.proof_cents",
    "age.signal_header",
    "age.signal_values",
    "age.signal_from",
    "age.provider_url",
    "age.provider_secret",
    "age.provider_name",
    "age.identity_url",
    "age.identity_secret",
    "age.identity_name",
    "age.text_url",
    "age.text_secret",
    "age.text_name",
    "workers",
    "limits.sign_in_attempts",
    "search.synonyms",
];

/// How names of the environment begin that are for the tests.
const OF_TESTS: [&str; 3] = ["CUEHOUSE_TEST_", "CUEHOUSE_CRASH", "CUEHOUSE_DAMAGE_"];

/// Whether a name of the environment begins like a setting and is meant to be none.
fn is_beside(name: &str) -> bool {
    name == "CUEHOUSE_CONFIG" || OF_TESTS.iter().any(|begins| name.starts_with(begins))
}

/// What was said, by name, and what is wrong with it.
struct Said {
    values: BTreeMap<String, String>,
    /// What the file says of tiers, whose fields are more than a word.
    tiers: Option<toml::Value>,
    unheard: Vec<String>,
    faults: Vec<String>,
}

impl Said {
    fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|v| v.trim()).filter(|v| !v.is_empty())
    }

    fn text(&self, name: &str, default: &str) -> String {
        self.get(name).unwrap_or(default).to_owned()
    }

    fn read<T>(&mut self, name: &str, default: T, want: &str, parse: impl Fn(&str) -> Option<T>) -> T {
        match self.get(name).map(|text| (text.to_owned(), parse(text))) {
            None => default,
            Some((_, Some(value))) => value,
            Some((text, None)) => {
                // A secret that was mistyped is still most of a secret, and faults are printed into logs. Addresses may
                // hold a password before their @.
                let is_secret = name.contains("secret") || (text.contains(':') && text.contains('@'));
                let said = if is_secret { "not shown here".into() } else { format!("{text:?}") };
                self.faults.push(format!("{} is {said}, and should be {want}", shown(name)));
                default
            }
        }
    }

    fn number<T: std::str::FromStr>(&mut self, name: &str, default: T, want: &str) -> T {
        self.read(name, default, want, |text| text.parse().ok())
    }

    fn switch(&mut self, name: &str, default: bool) -> bool {
        self.read(name, default, "on or off", |text| match text {
            "on" | "true" | "yes" | "1" => Some(true),
            "off" | "false" | "no" | "0" => Some(false),
            _ => None,
        })
    }
}

fn shown(name: &str) -> String {
    format!("CUEHOUSE_{}", name.to_uppercase().replace('.', "_"))
}

impl Config {
    /// Reads the settings of this process. The error is every fault, one sentence each.
    pub fn load() -> Result<Config, Vec<String>> {
        let (mut env, mut faults) = (BTreeMap::new(), vec![]);
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => drop(env.insert(name, value)),
                Err(_) if name.starts_with("CUEHOUSE_") => faults.push(format!("{name} is no text in UTF-8")),
                Err(_) => {}
            }
        }
        let named = env.get("CUEHOUSE_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from);
        let path = named.clone().unwrap_or_else(|| "cuehouse.toml".into());
        let file = match std::fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(_) if named.is_none() && !path.exists() => None,
            Err(error) => {
                faults.push(format!("{} cannot be read: {error}", path.display()));
                None
            }
        };
        Config::beside(faults, file.as_deref(), &env)
    }

    /// Reads settings from the text of a file and an environment.
    pub fn read(file: Option<&str>, env: &BTreeMap<String, String>) -> Result<Config, Vec<String>> {
        Config::beside(vec![], file, env)
    }

    /// The settings, beside faults that were found before: all of them are said together.
    fn beside(
        faults: Vec<String>,
        file: Option<&str>,
        env: &BTreeMap<String, String>,
    ) -> Result<Config, Vec<String>> {
        let mut said = Said { values: BTreeMap::new(), tiers: None, unheard: vec![], faults };
        if let Some(text) = file {
            match text.parse::<toml::Table>() {
                Ok(mut table) => {
                    said.tiers = table.remove("tiers");
                    from_table(&table, "", &mut said);
                }
                Err(error) => said.faults.push(format!("cuehouse.toml: {error}")),
            }
        }
        let by_env: BTreeMap<String, &str> = NAMES.iter().map(|name| (shown(name), *name)).collect();
        for (name, value) in env.iter().filter(|(name, _)| name.starts_with("CUEHOUSE_")) {
            match by_env.get(name) {
                Some(name) => drop(said.values.insert((*name).to_owned(), value.clone())),
                None if is_beside(name) => {}
                None => said.unheard.push(name.clone()),
            }
        }
        let config = build(&mut said, env);
        if said.faults.is_empty() { Ok(config) } else { Err(said.faults) }
    }

    pub fn is_production(&self) -> bool {
        self.mode == Mode::Production
    }

    /// Whether people reach the site over https: cookies are then `Secure` and carry the host prefix.
    pub fn is_https(&self) -> bool {
        self.site_url.starts_with("https://")
    }

    /// An absolute address of the site.
    pub fn absolute(&self, path: &str) -> String {
        format!("{}{path}", self.site_url)
    }

    /// A path in the data folder.
    pub fn data(&self, name: impl AsRef<Path>) -> PathBuf {
        self.data_dir.join(name)
    }
}

fn from_table(table: &toml::Table, prefix: &str, said: &mut Said) {
    for (key, value) in table {
        let name = format!("{prefix}{key}");
        match value {
            toml::Value::Table(inner) => from_table(inner, &format!("{name}."), said),
            _ if !NAMES.contains(&name.as_str()) => {
                said.faults.push(format!("cuehouse.toml: there is no setting {name}"));
            }
            toml::Value::String(text) => drop(said.values.insert(name, text.clone())),
            toml::Value::Array(items) => {
                let items: Vec<String> =
                    items.iter().map(|i| i.as_str().map_or_else(|| i.to_string(), str::to_owned)).collect();
                said.values.insert(name, items.join(","));
            }
            other => drop(said.values.insert(name, other.to_string())),
        }
    }
}

fn build(said: &mut Said, env: &BTreeMap<String, String>) -> Config {
    let mode = said.read("mode", Mode::Development, "development or production", |text| match text {
        "development" => Some(Mode::Development),
        "production" => Some(Mode::Production),
        _ => None,
    });
    let address = said.number("address", IpAddr::from([127, 0, 0, 1]), "an IP address");
    let port = said.number("port", 8000u16, "a port, 0 to 65535");
    let data_dir = PathBuf::from(said.text("data_dir", "data"));
    let data = data_dir.display().to_string();
    let local = format!("http://127.0.0.1:{port}");
    let site_url = said.read("site_url", local, "an address such as https://shop.example", site_address);
    let demo = said.read("demo", true, "auto or off", |text| match text {
        "auto" => Some(true),
        "off" => Some(false),
        _ => None,
    }) && mode == Mode::Development;
    let database_url = said.read(
        "database_url",
        DbUrl::Sqlite(data_dir.join("cuehouse.db")),
        "sqlite:path or postgres://…",
        DbUrl::parse,
    );
    let storage_url = said.read(
        "storage_url",
        StorageUrl::Folder(data_dir.join("files")),
        "file:path or s3://bucket/prefix",
        StorageUrl::parse,
    );
    let s3 = matches!(storage_url, StorageUrl::S3 { .. }).then(|| services::s3(said, env)).flatten();
    let delivery = match &storage_url {
        StorageUrl::S3 { .. } => Delivery::Redirect,
        _ => Delivery::Direct,
    };
    let delivery = said.read("delivery", delivery, "direct, accel or redirect", |text| match text {
        "direct" => Some(Delivery::Direct),
        "accel" => Some(Delivery::Accel),
        "redirect" => Some(Delivery::Redirect),
        _ => None,
    });
    let trusted_proxies =
        said.read("trusted_proxy", vec![], "addresses such as 10.0.0.1 or 10.0.0.0/8, with commas", |text| {
            text.split(',').map(|net| Net::parse(net.trim())).collect()
        });
    let secret_key = said.read("secret_key", None, "at least 64 bytes in base64", |text| {
        let bytes = STANDARD.decode(text).ok()?;
        let kinds = bytes.iter().collect::<BTreeSet<_>>().len();
        (bytes.len() >= 64 && kinds >= 16).then_some(Some(bytes))
    });
    let stripe = services::stripe(said, mode);
    let list = |text: &str| -> Vec<String> {
        text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
    };
    let vendors = list(&said.text("vendors", ""))
        .into_iter()
        .map(|item| match item.split_once('=') {
            Some((id, key)) => (id.trim().to_owned(), key.trim().to_owned()),
            None => (item, String::new()),
        })
        .collect();
    let privacy = PrivacySettings {
        profile: said.text("privacy.profile", "strict"),
        opt_out_places: list(&said.text("privacy.opt_out_places", "")),
        honour_dnt: said.switch("privacy.honour_dnt", true),
        signal_refuses: said.switch("privacy.signal_refuses", true),
        choice_days: said.read("privacy.choice_days", CHOICE_DAYS, "1 to 396 days (13 months)", |text| {
            text.parse().ok().filter(|n| (1..=LONGEST_CHOICE_DAYS).contains(n))
        }),
        receipt_days: said.read(
            "privacy.receipt_days",
            PROOF_KEPT_MS / DAY,
            "1 to 3660 days (ten years)",
            |text| text.parse().ok().filter(|n| (1..=LONGEST_PROOF_DAYS).contains(n)),
        ),
        declares_no_sale: said.switch("privacy.declares_no_sale", false),
        measures_letters: said.switch("email.measurement", false),
        self_check_hours: said.read("privacy.self_check_hours", 24, "0 (never) to 168 hours", |text| {
            text.parse().ok().filter(|n| (0..=168).contains(n))
        }),
        ads: said.read("ads.mode", AdsMode::Contextual, "none, contextual or vendor", |text| match text {
            "none" => Some(AdsMode::None),
            "contextual" => Some(AdsMode::Contextual),
            "vendor" => Some(AdsMode::Vendor),
            _ => None,
        }),
        audience_min: said
            .read("ads.audience_min", 50, "10 or more people", |text| text.parse().ok().filter(|n| *n >= 10)),
        ad_origin: ad_frames::origin(said, &site_url, mode),
        terms_read: ad_frames::terms_read(said),
    };
    let vendor_list =
        said.read("tcf.vendor_list_url", None, "an https address without a password in it", |text| {
            PublicFile::parse(text).map(Some)
        });
    let egress_proxy =
        said.read("egress.proxy", None, "an address such as http://proxy.example:3128", |text| {
            let known = Url::parse(text).ok()?;
            (matches!(known.scheme(), "http" | "https") && known.has_host()).then(|| Some(text.to_owned()))
        });
    let ga4_api_secret = said.get("ga4.api_secret").map(str::to_owned);
    let host = Url::parse(&site_url).ok().and_then(|u| u.host_str().map(str::to_owned));
    let host = host.unwrap_or_else(|| "localhost".into());
    let site_name = said.text("site_name", "Cuehouse");
    let mail_url = said.text("mail_url", &format!("dir:{data}/mail"));
    if let Some(fault) = mail::fault(&mail_url) {
        said.faults.push(format!("CUEHOUSE_MAIL_URL {fault}"));
    }
    let mail_from = said.text("mail_from", &format!("{site_name} <no-reply@{host}>"));
    if !mail::is_sender(&mail_from) {
        said.faults.push(format!(
            "CUEHOUSE_MAIL_FROM is {mail_from:?}, and should be an address such as shop@shop.example or Shop <shop@shop.example>"
        ));
    }
    let currency = currency::read(said);
    let config = Config {
        mode,
        unheard: std::mem::take(&mut said.unheard),
        address,
        port,
        data_dir,
        demo,
        database_url,
        storage_url,
        s3,
        mail_url,
        mail_from,
        delivery,
        trusted_proxies,
        log_requests: said.switch("log_requests", false),
        log_ip: said.switch("log_ip", false),
        secret_key,
        stripe,
        stripe_sandbox_port: said.number("stripe_sandbox_port", 0u16, "a port, 0 to 65535"),
        operator_name: said.text("operator.name", &site_name),
        operator_country: said.text("operator.country", ""),
        operator_address: said.text("operator.address", ""),
        operator_phone: said.text("operator.phone", ""),
        security_coordinator: said.text("security.coordinator", ""),
        contact: said.text("operator.contact", &format!("hello@{host}")),
        preview_anonymous: said.read("preview.anonymous", false, "sample or full", |text| match text {
            "full" => Some(true),
            "sample" => Some(false),
            _ => None,
        }),
        sample_secs: said.read("preview.sample_secs", 60, "10 to 600 seconds", |text| {
            text.parse().ok().filter(|n| (10..=600).contains(n))
        }),
        upload_max_secs: said.number("upload.max_secs", 4 * 3600, "a number of seconds"),
        upload_max_bytes: said.number("upload.max_bytes", 4 << 30, "a number of bytes"),
        share_bps: said.read("share_bps", 3500, "0 to 10000 basis points", |text| {
            text.parse().ok().filter(|n| (0..=10_000).contains(n))
        }),
        indemnity: said.switch("indemnity", false),
        catalogue: tiers::catalogue(said),
        age: age::read(said, &currency),
        currency,
        vendors,
        privacy,
        vendor_list,
        egress_proxy,
        ga4_api_secret,
        vendor_list_file: registered::list_file(said),
        cmp: registered::read(said),
        gpp: said.read("gpp.sections", vec![], "usnat, usca or both, with a comma", |text| {
            let id = |word: &str| trade::SECTIONS.iter().find(|(_, name)| *name == word).map(|(id, _)| *id);
            list(text).iter().map(|word| id(word)).collect()
        }),
        synonyms: synonyms::read(said),
        workers: said.number("workers", 0, "a number of jobs at once"),
        sign_in_attempts: said
            .read("limits.sign_in_attempts", 10, "1 or more", |text| text.parse().ok().filter(|n| *n >= 1)),
        site_name,
        site_url,
    };
    // The registry is the consent room's, but whatever is wrong with the settings is said at once.
    if let Err(faults) = Rulebook::new(&config) {
        said.faults.extend(faults);
    }
    if mode == Mode::Production {
        demand_production(&config, said);
    }
    config
}

/// What production does not start without.
fn demand_production(config: &Config, said: &mut Said) {
    said.faults.extend(config.unheard.iter().map(|name| format!("there is no setting {name}")));
    let mut need = |is: bool, what: &str| {
        if !is {
            said.faults.push(format!("in production {what}"));
        }
    };
    need(config.secret_key.is_some(), "CUEHOUSE_SECRET_KEY must be 64 random bytes in base64");
    need(config.is_https(), "CUEHOUSE_SITE_URL must begin with https://");
    need(!config.stripe.is_pretend(), "CUEHOUSE_STRIPE_SECRET_KEY must be a key of Stripe's");
    need(!config.stripe.webhook_secrets.is_empty(), "CUEHOUSE_STRIPE_WEBHOOK_SECRET must be the endpoint's");
    need(
        config.mail_url.starts_with("smtp"),
        "CUEHOUSE_MAIL_URL must name a mail server (smtp:// or smtps://)",
    );
    if let Some(url) = &config.stripe.url {
        let url = Url::parse(url).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        let loopback = host == "localhost"
            || host.trim_matches(['[', ']']).parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        need(
            url.as_ref().is_some_and(|u| u.scheme() == "https") && !loopback,
            "CUEHOUSE_STRIPE_URL must be https and not this machine",
        );
    }
}

/// Scheme, host and port, without a slash at the end. The site lives at the root of its host.
fn site_address(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.host().is_some()
        && url.path() == "/"
        && url.query().is_none()
        && url.username().is_empty();
    plain.then(|| url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests;
