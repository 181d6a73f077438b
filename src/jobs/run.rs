//! The postman: takes jobs on a lease and brings each to its room.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::queue::{LEASE_MS, Lease, claim};
use super::{Job, Priority};
use crate::App;
use crate::clock::{MINUTE, Timestamp};
use crate::error::{Error, Result};
use crate::{accounts, consent, demo, guardians, sales, studio, upkeep};

/// How long a worker sleeps when nothing is due and nobody rings.
const NAP: Duration = Duration::from_millis(500);

/// Rung after a write that left a job, so that workers of this process do not sleep on.
#[derive(Clone, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    /// Wakes every worker that waits, and the next that is about to.
    pub fn ring(&self) {
        self.0.notify_waiters();
        self.0.notify_one();
    }
}

/// Says when to stop: workers finish what they have in hand.
#[derive(Clone)]
pub struct Stop(watch::Receiver<bool>);

/// The other end of a `Stop`: says when.
pub struct Stopper(watch::Sender<bool>);

/// Two ends of one line: whoever holds the first tells whoever holds a copy of the second.
pub fn stopper() -> (Stopper, Stop) {
    let (tx, rx) = watch::channel(false);
    (Stopper(tx), Stop(rx))
}

impl Stopper {
    /// Says it, once and for all.
    pub fn stop(&self) {
        let _ = self.0.send(true);
    }
}

impl Stop {
    /// Whether it was said.
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when it is time to stop.
    pub async fn stopped(&mut self) {
        while !self.is_stopped() && self.0.changed().await.is_ok() {}
    }
}

/// Works the queue until told to stop: as many workers as the settings say, and one more that never takes the demo's
/// jobs, so that people wait for nobody but people.
pub async fn work(app: App, stop: Stop) {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let count = if app.config.workers == 0 { cores } else { app.config.workers };
    let mut all = tokio::task::JoinSet::new();
    for n in 0..=count {
        let least = if n == count { Priority::Upkeep } else { Priority::Demo };
        all.spawn(worker(app.clone(), stop.clone(), least, n));
    }
    while all.join_next().await.is_some() {}
}

async fn worker(app: App, mut stop: Stop, least: Priority, number: usize) {
    let owner = format!("{}-{number}", std::process::id());
    while !stop.is_stopped() {
        let name = owner.clone();
        match app.db.write(move |conn| claim(conn, &name, least)).await {
            Ok(Some(lease)) => drop(run(&app, &lease).await),
            Ok(None) => {
                tokio::select! {
                    () = app.bell.0.notified() => {}
                    () = tokio::time::sleep(NAP) => {}
                    () = stop.stopped() => {}
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the queue could not be asked");
                tokio::time::sleep(NAP).await;
            }
        }
    }
}

/// Works everything that is due, in this task: for tests and for commands. Answers how many jobs ran.
pub async fn drain(app: &App) -> Result<usize> {
    let mut count = 0;
    while let Some(lease) = app.db.write(|conn| claim(conn, "drain", Priority::Demo)).await? {
        run(app, &lease).await?;
        count += 1;
    }
    Ok(count)
}

/// Works one job that is due, but none of the demo's, in this task. False: there was none. A failure stays with its job.
pub async fn one(app: &App) -> Result<bool> {
    let Some(lease) = app.db.write(|conn| claim(conn, "one", Priority::Upkeep)).await? else {
        return Ok(false);
    };
    // It is told of, kept with the job and tried again.
    let _ = run(app, &lease).await;
    Ok(true)
}

/// One job under its lease, renewed while it runs. A failure is kept with the job.
async fn run(app: &App, lease: &Lease) -> Result<()> {
    let done = match lease.is_worn_out() {
        true => Err(Error::internal("its worker died each time")),
        false => tokio::select! {
            done = deliver(app, lease) => done,
            () = renewing(app, lease) => Err(Error::conflict("the lease was lost")),
        },
    };
    let Err(error) = done else { return Ok(()) };
    let (kind, id) = (lease.job.kind(), lease.id.to_string());
    tracing::warn!(kind, id, runs = lease.runs, %error, "a job failed");
    let (lease, why) = (lease.clone(), error.to_string());
    app.db
        .write(move |conn| {
            if lease.fail(conn, &why)? {
                studio::jobs::given_up(conn, &lease.job, Timestamp::now())?;
            }
            Ok(())
        })
        .await?;
    Err(error)
}

/// Returns when the lease is lost.
async fn renewing(app: &App, lease: &Lease) {
    loop {
        tokio::time::sleep(Duration::from_millis(LEASE_MS as u64 / 3)).await;
        let one = lease.clone();
        if let Ok(false) = app.db.write(move |conn| one.renew(conn)).await {
            return;
        }
    }
}

async fn deliver(app: &App, lease: &Lease) -> Result<()> {
    if lease.job.asks_stripe() && !app.stripe.is_there() {
        // Another process may know where it is, or this one when it is started again.
        let lease = lease.clone();
        return app.db.write(move |conn| lease.postpone(conn, MINUTE)).await;
    }
    match &lease.job {
        Job::SendLetter { to, template, values } => {
            accounts::jobs::send_letter(app, lease, to, template, values).await
        }
        Job::SendReset { email } => accounts::jobs::send_reset(app, lease, email).await,
        Job::ProcessUpload { upload } => studio::jobs::process(app, lease, upload).await,
        Job::SampleWords { after } => studio::jobs::sample_words(app, lease, after).await,
        Job::FillDemo { number } => demo::jobs::fill(app, lease, *number).await,
        Job::SelfCheck {} => consent::look::self_check(app, lease).await,
        Job::Collect {} => upkeep::jobs::collect(app, lease).await,
        Job::SendNews {} => consent::jobs::send_news(app, lease).await,
        Job::FetchVendorList {} => consent::jobs::fetch_vendor_list(app, lease).await,
        Job::SendReceipt { order } => sales::jobs::send_receipt(app, lease, order).await,
        Job::Reconcile {} => sales::jobs::reconcile(app, lease).await,
        Job::EndCheckouts { buyer } => sales::jobs::end_checkouts(app, lease, buyer).await,
        Job::CloseOrder { order } => sales::jobs::close_order(app, lease, order).await,
        Job::ProveCard { verification } => guardians::jobs::prove_card(app, lease, verification).await,
        Job::DropUnanswered { ward } => guardians::jobs::drop_unanswered(app, lease, ward).await,
        Job::SendText { text } => guardians::jobs::send_text(app, lease, text).await,
        Job::DropNumbers {} => guardians::jobs::drop_numbers(app, lease).await,
        Job::ConfirmGuardian { ward } => guardians::jobs::confirm(app, lease, ward).await,
        Job::MoveBands {} => guardians::jobs::move_bands(app, lease).await,
    }
}
