//! The front door: what can be asked of the program, and which room does it.

use std::io::IsTerminal;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use crate::accounts::password::Hashing;
use crate::accounts::shell;
use crate::accounts::user::Role;
use crate::ids::Handle;
use crate::jobs::{self, calendar, run};
use crate::proof::issuer;
use crate::{App, Config, Error, Keys, Result, consent, db, demo, sales, sandbox, studio, upkeep};
use clap::{Parser, Subcommand};

/// A stock-audio marketplace that one person can run from one binary.
#[derive(Parser)]
#[command(name = "cuehouse", version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Brings the database up to date, serves the site and works the job queue (the default).
    Serve,
    /// Works the job queue only: for more machines.
    Work,
    /// Reads one sound inside limits; started by the others, never by hand.
    #[command(hide = true)]
    Worker,
    /// Brings the database up to date and stops.
    Migrate,
    /// Fills an empty shop with accounts and with tracks that are synthesised here. For development.
    Demo {
        /// How many tracks the shop shall have: beyond those that are synthesised, rows are added that share their
        /// sound under other words.
        #[arg(long)]
        tracks: Option<usize>,
    },
    /// Accounts from the shell, also while the site serves: the first admin has nobody to ask.
    #[command(subcommand)]
    User(UserCommand),
    /// Proves the shop's promises on the live data. Exits with 1 and a list when one is broken, with 2 when it could not look.
    Check {
        /// Also reads every master and every made file again and compares its SHA-256.
        #[arg(long)]
        deep: bool,
        /// Prints the report as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Brings a folder of recordings in. Begun again after an interruption it goes on where it was. Exits with 1 when a
    /// file became nothing, or not what was wanted, with 2 when the folder could not be taken in at all.
    Import {
        /// The folder; those inside it are looked through, too.
        folder: PathBuf,
        /// Whose they become: the handle of an uploader.
        #[arg(long)]
        uploader: String,
        /// A table with a column `file` and, as far as wanted, the fields of the form on a track's page: title,
        /// description, kind, genre, mood, instrument, tags, bpm, key, under_age, price.<tier>.
        #[arg(long, value_name = "FILE")]
        csv: Option<PathBuf>,
        /// Puts them into the shop at once, without a reviewer.
        #[arg(long)]
        publish: bool,
        /// States that nobody under 18 speaks or sings in any of them. Else the table says it of each, in under_age.
        #[arg(long)]
        of_age: bool,
        /// Prints what became of them as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Looks at the running site as a visitor does: does it ask, take a no, obey the signal and opt people out? Exits with 1
    /// and a list when not, with 2 when it could not look. The site does the same by itself once a day.
    SelfCheck,
    /// Builds the search index anew, in every process that serves this shop.
    Reindex,
    /// Removes stored bytes that no row names and that are older than a day.
    Gc {
        /// Prints what was done as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Copies the whole shop into a folder while it serves: rows, files, hashes of all of them. Exits with 1 when the shop
    /// itself lacks a file, with 2 when the copy could not be made.
    Backup {
        /// A new or empty folder, or an earlier backup to bring up to date.
        folder: PathBuf,
    },
    /// Brings a backup into an empty shop, after verifying every hash; also from SQLite to PostgreSQL and back.
    Restore {
        /// The folder that `cuehouse backup` made.
        folder: PathBuf,
    },
    /// Checks a certificate (JSON or PDF) or a consent receipt without network or database: is it as it was signed, and by an issuer we know?
    /// Exits with 0 when it is, 1 when it was altered, 2 when its issuer is unknown, 3 when it was not checked: it, the key
    /// document or a setting cannot be read, or the command is not understood.
    Verify {
        /// The file to check.
        file: PathBuf,
        /// The issuer's key document, as its site serves it at /.well-known/did.json; without, the one in the data folder.
        #[arg(long, value_name = "KEYFILE")]
        issuer: Option<PathBuf>,
        /// Says it as JSON, for scripts.
        #[arg(long)]
        json: bool,
    },
    /// Runs the pretend Stripe alone, for several processes that share it through CUEHOUSE_STRIPE_URL.
    StripeSandbox {
        /// The port to listen on; without, CUEHOUSE_STRIPE_SANDBOX_PORT or any free one.
        #[arg(long)]
        port: Option<u16>,
        /// Where webhooks go; by default /stripe/webhook of the site.
        #[arg(long)]
        webhook: Option<String>,
    },
}

#[derive(Subcommand)]
enum UserCommand {
    /// Adds a confirmed, adult account. Without --password-stdin a password is made up and printed.
    Add {
        email: String,
        /// The name that others see.
        #[arg(long)]
        name: String,
        /// uploader, reviewer, support or admin; may be given several times.
        #[arg(long = "role", value_parser = role)]
        roles: Vec<Role>,
        /// Reads the password from the first line of standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Grants a role, or takes it back.
    Role {
        email: String,
        /// uploader, reviewer, support or admin.
        #[arg(value_parser = role)]
        role: Role,
        /// Takes the role back instead.
        #[arg(long)]
        revoke: bool,
    },
    /// Closes accounts and signs them out everywhere. Until they are enabled, nobody finds, hears or buys their sounds; what
    /// was licensed stays valid.
    Disable {
        #[arg(required = true)]
        emails: Vec<String>,
    },
    /// Opens a closed account again. Its sounds are back in the shop as they were, without a reviewer.
    Enable { email: String },
}

fn role(text: &str) -> Result<Role, String> {
    let all = || Role::ALL.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ");
    Role::parse(text).ok_or_else(|| format!("roles are {}", all()))
}

/// Reads what is asked on the command line and does it. It is here and not in the binary so that everything is compiled once.
pub fn open() -> ExitCode {
    // Before anything else: the worker gives up every right before it reads a byte.
    let first = std::env::args_os().nth(1).and_then(|word| word.into_string().ok());
    if first.as_deref() == Some("worker") {
        return crate::audio::worker_main();
    }
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command.unwrap_or(Command::Serve),
        Err(said) => {
            // To help is no fault.
            let code = if said.use_stderr() { unusable(first.as_deref() == Some("verify")) } else { 0 };
            return if said.print().is_ok() { ExitCode::from(code) } else { ExitCode::FAILURE };
        }
    };
    let config = match Config::load() {
        Ok(config) => config,
        Err(faults) => {
            eprintln!("Cuehouse cannot start with these settings:");
            for fault in faults {
                eprintln!("  - {fault}");
            }
            return ExitCode::from(unusable(matches!(command, Command::Verify { .. })));
        }
    };
    if let Command::Verify { file, issuer, json } = command {
        return verify(&file, issuer.as_deref(), json, &config);
    }
    // Where 1 says what was found, whatever kept it from being found says 2.
    let finds = matches!(
        command,
        Command::Check { .. } | Command::SelfCheck | Command::Import { .. } | Command::Backup { .. }
    );
    log(matches!(command, Command::Serve | Command::Work | Command::Demo { .. }));
    for name in &config.unheard {
        tracing::warn!("there is no setting {name}: it changes nothing");
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cuehouse: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(async {
        match command {
            Command::Serve => serve(config).await,
            Command::Work => work(config).await,
            Command::Migrate => migrate(&config),
            Command::Demo { tracks } => fill_demo(config, tracks).await,
            Command::StripeSandbox { port, webhook } => stripe_sandbox(&config, port, webhook).await,
            Command::User(command) => user(&config, command).await,
            Command::Import { folder, uploader, csv, publish, of_age, json } => {
                let uploader = Handle::parse(uploader.trim_start_matches('@'))
                    .ok_or_else(|| Error::refused(format!("{uploader:?} is no handle")))?;
                return import(config, &studio::Import { folder, uploader, csv, publish, of_age }, json)
                    .await;
            }
            Command::Check { deep, json } => return upkeep::shell::check(&config, deep, json).await,
            Command::SelfCheck => {
                let pretend = pretend_beside(&config);
                let app = App::open(config, pretend.as_deref()).await?;
                let holds = consent::look::by_hand(&app).await;
                app.index.stop().await;
                return holds;
            }
            Command::Reindex => upkeep::shell::reindex(&config).await,
            Command::Gc { json } => upkeep::shell::gc(&config, json).await,
            Command::Backup { folder } => return upkeep::shell::backup(&config, &folder).await,
            Command::Restore { folder } => upkeep::shell::restore(&config, &folder).await,
            Command::Worker | Command::Verify { .. } => Ok(()),
        }
        .map(|()| true)
    });
    // What still blocks (a sound being read, a hash) must not hold the exit up.
    runtime.shutdown_timeout(Duration::from_secs(1));
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        // What was asked for was done, and what it found is not as it should be.
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cuehouse: {error}");
            if finds { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

/// What a command exits with that cannot even begin. Of `verify` the figures below 3 say something of a document.
fn unusable(is_verify: bool) -> u8 {
    if is_verify { 3 } else { 2 }
}

fn log(is_server: bool) {
    use tracing_subscriber::EnvFilter;
    // Rocket would write down every request with its path, and some paths are secrets (`/reset/…`). What goes wrong is
    // said by ourselves.
    let default = if is_server { "info,tantivy=warn,rocket=off,_=off" } else { "warn,rocket=off,_=off" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
}

async fn serve(config: Config) -> Result<()> {
    let pretend = match (&config.stripe.secret_key, &config.stripe.url) {
        (None, None) => {
            Some(sandbox::start(sandbox_options(&config, config.stripe_sandbox_port, None)?).await?)
        }
        _ => None,
    };
    let app = App::open(config, pretend.as_ref().map(|p| p.url.as_str())).await?;
    let (stopper, stop) = jobs::stopper();
    let working = tokio::spawn(run::work(app.clone(), stop.clone()));
    let keeping = tokio::spawn(calendar::keep(app.clone(), stop));
    let greeting = rocket::fairing::AdHoc::on_liftoff("greeting", {
        let (app, pretend_url) = (app.clone(), pretend.as_ref().map(|p| p.url.clone()));
        move |rocket| {
            greet(&app, rocket.config().port, pretend_url.as_deref());
            if app.config.demo {
                tokio::spawn(keep_demo(app.clone()));
            }
            Box::pin(async {})
        }
    });
    let (index, ads, rows) = (app.index.clone(), app.ads.clone(), app.db.clone());
    let launched = crate::rocket(app).attach(greeting).launch().await;
    stopper.stop();
    // The last pages were shown when nobody listened any more.
    if let Err(error) = ads.write(&rows).await {
        tracing::warn!(%error, "what was shown could not be written down");
    }
    let _ =
        tokio::time::timeout(Duration::from_secs(8), async { tokio::join!(working, keeping, index.stop()) })
            .await;
    if let Some(pretend) = pretend {
        pretend.stop().await;
    }
    launched.map(drop).map_err(|e| Error::internal(named(&e)))
}

/// A launch error says more in its kind than in its words.
fn named(error: &rocket::Error) -> String {
    format!("the site could not start: {:?}", error.kind())
}

fn greet(app: &App, port: u16, pretend: Option<&str>) {
    tracing::info!(
        "{} is at {} (listening on {}:{port})",
        app.config.site_name,
        app.config.site_url,
        app.config.address
    );
    if let Some(url) = pretend {
        tracing::info!("payments are pretend: no money moves; the pretend Stripe is at {url}");
    } else if app.config.stripe.is_pretend() {
        tracing::info!("payments are pretend: no money moves");
    }
    if let Some(folder) = app.mail.folder() {
        tracing::info!("letters are not sent, they lie in {}", folder.display());
    }
}

/// Fills an empty shop beside everything else, and says who may sign in.
async fn keep_demo(app: App) {
    let filled = async {
        if demo::fill::begin(&app, 0..demo::TRACKS).await? {
            say_accounts(&app).await?;
            demo::fill::watch(&app).await?;
        }
        Ok::<(), Error>(())
    };
    if let Err(error) = filled.await {
        tracing::error!(%error, "the demo shop could not be filled");
    }
}

/// One account of each kind, with its password: this is a shop where nothing is worth stealing.
async fn say_accounts(app: &App) -> Result<()> {
    let Some(accounts) = demo::fill::passwords(app).await? else {
        tracing::info!("the demo's passwords lie in the data folder of whoever filled it");
        return Ok(());
    };
    for role in ["buyer", "uploader", "reviewer", "support", "admin"] {
        if let Some(one) = accounts.iter().find(|a| a.roles.iter().any(|r| r == role)) {
            tracing::info!("demo account, {role}: {} · password {}", one.email, one.password);
        }
    }
    tracing::info!("all demo accounts: {}", app.config.data(demo::accounts::FILE).display());
    Ok(())
}

async fn fill_demo(config: Config, tracks: Option<usize>) -> Result<()> {
    if config.is_production() {
        return Err(Error::refused("the demo is for development, and this shop is in production"));
    }
    let pretend = pretend_beside(&config);
    let app = App::open(config, pretend.as_deref()).await?;
    let own = tracks.unwrap_or(demo::TRACKS).min(demo::TRACKS);
    if !demo::fill::begin(&app, 0..own).await? {
        return Err(Error::refused("this shop has tracks of its own; the demo fills only an empty one"));
    }
    let (stopper, stop) = jobs::stopper();
    let working = tokio::spawn(run::work(app.clone(), stop));
    let filled = demo::fill::watch(&app).await;
    stopper.stop();
    let _ = working.await;
    let given_up = filled?;
    if let Some(tracks) = tracks {
        let bar = demo::fill::bar("rows", tracks as u64);
        demo::bulk::grow(&app, tracks as u64, |there| bar.set_position(there)).await?;
        bar.finish_and_clear();
        tracing::info!("building the search index");
        app.index.rebuild().await?;
    }
    tracing::info!("the shop has {} tracks", app.index.count());
    say_accounts(&app).await?;
    match given_up {
        0 => Ok(()),
        n => Err(Error::refused(format!(
            "{n} tracks of the demo could not be made: /admin/jobs says why, and tries them again"
        ))),
    }
}

/// Takes a folder in, and says what became of every file that became nothing. Answers whether there was none.
async fn import(config: Config, what: &studio::Import, json: bool) -> Result<bool> {
    let pretend = pretend_beside(&config);
    let app = App::open(config, pretend.as_deref()).await?;
    let done = studio::import(&app, what).await?;
    app.index.stop().await;
    match json {
        true => println!("{}", serde_json::to_string_pretty(&done)?),
        false => {
            for (file, why) in &done.faults {
                eprintln!("{file}: {why}");
            }
            println!(
                "{} taken in, {} known already, {} published, {} with a fault.",
                done.taken,
                done.known,
                done.published,
                done.faults.len()
            );
        }
    }
    Ok(done.faults.is_empty())
}

/// Where the pretend Stripe of the `serve` on this machine is, if payments are pretend.
fn pretend_beside(config: &Config) -> Option<String> {
    match (&config.stripe.secret_key, &config.stripe.url) {
        (None, None) => std::fs::read_to_string(config.data("stripe-sandbox/port"))
            .ok()
            .map(|port| format!("http://127.0.0.1:{}", port.trim())),
        _ => None,
    }
}

async fn work(config: Config) -> Result<()> {
    let pretend = pretend_beside(&config);
    let app = App::open(config, pretend.as_deref()).await?;
    let (stopper, stop) = jobs::stopper();
    let index = app.index.clone();
    let keeping = tokio::spawn(calendar::keep(app.clone(), stop.clone()));
    let working = tokio::spawn(run::work(app, stop));
    tracing::info!("working the job queue");
    told_to_end().await?;
    stopper.stop();
    let _ =
        tokio::time::timeout(Duration::from_secs(12), async { tokio::join!(working, keeping, index.stop()) })
            .await;
    Ok(())
}

/// Returns on SIGTERM or SIGINT.
async fn told_to_end() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

fn migrate(config: &Config) -> Result<()> {
    if let db::DbUrl::Sqlite(path) = &config.database_url
        && let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder)?;
    }
    db::migrate(&config.database_url)?;
    println!("The database is up to date.");
    Ok(())
}

fn verify(file: &Path, issuer: Option<&Path>, json: bool, config: &Config) -> ExitCode {
    let said = verdict(file, issuer, &config.data_dir).map(|(code, words, document)| {
        match json {
            true => println!("{document}"),
            false => print!("{words}"),
        }
        code
    });
    ExitCode::from(said.unwrap_or_else(|error| {
        eprintln!("cuehouse: {error}");
        3
    }))
}

/// What a certificate or a receipt is: exit code, words, and the same for programs.
fn verdict(file: &Path, issuer: Option<&Path>, data_dir: &Path) -> Result<(u8, String, serde_json::Value)> {
    let bytes = std::fs::read(file)
        .map_err(|error| Error::refused(format!("{} cannot be read: {error}", file.display())))?;
    let keys = issuer::known(issuer, data_dir)?;
    Ok(match consent::log::bundle::is_one(&bytes) {
        true => {
            let verdict = consent::log::bundle::check(&bytes, &keys);
            (verdict.code(), verdict.words(), verdict.json())
        }
        false => {
            let verdict = sales::verify::check(&bytes, &keys);
            (verdict.code(), verdict.words(), verdict.json())
        }
    })
}

async fn user(config: &Config, command: UserCommand) -> Result<()> {
    let url = config.database_url.clone();
    let db = tokio::task::spawn_blocking(move || db::Db::open(&url)).await??;
    match command {
        UserCommand::Add { email, name, roles, password_stdin } => {
            let mut line = String::new();
            if password_stdin {
                std::io::stdin().read_line(&mut line)?;
            }
            let password = password_stdin.then(|| line.trim_end_matches(['\r', '\n']));
            let hashing = Hashing::start(1)?;
            match shell::add(&db, &hashing, &email, &name, &roles, password).await? {
                Some(made_up) => println!("{email} has an account. Password: {made_up}"),
                None => println!("{email} has an account."),
            }
        }
        UserCommand::Role { email, role, revoke } => {
            shell::role(&db, &email, role, revoke).await?;
            println!("{email} {} {role}.", if revoke { "is no longer" } else { "is" });
        }
        UserCommand::Disable { emails } => {
            shell::disable(&db, &emails).await?;
            for email in &emails {
                println!("{email} is closed and signed out everywhere; its sounds are out of the shop.");
            }
        }
        UserCommand::Enable { email } => {
            shell::enable(&db, &email).await?;
            println!("{email} is open, and its sounds are back in the shop.");
        }
    }
    Ok(())
}

async fn stripe_sandbox(config: &Config, port: Option<u16>, webhook: Option<String>) -> Result<()> {
    sandbox::serve_until_signal(sandbox_options(config, port.unwrap_or(config.stripe_sandbox_port), webhook)?)
        .await
}

fn sandbox_options(config: &Config, port: u16, webhook: Option<String>) -> Result<sandbox::Options> {
    let secret = config.stripe.webhook_secrets.first().cloned();
    Ok(sandbox::Options {
        port,
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        folder: config.data("stripe-sandbox"),
        webhook_url: webhook.unwrap_or_else(|| config.absolute("/stripe/webhook")),
        webhook_secret: match secret {
            Some(secret) => secret,
            None => Keys::load(config)?.pretend_webhook_secret(),
        },
    })
}
