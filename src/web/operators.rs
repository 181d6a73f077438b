//! For the people who run the shop: is it alive, is it ready, how is it doing.

use std::sync::atomic::{AtomicU64, Ordering};

use rocket::http::{ContentType, Status};
use rocket::{State, get};
use serde_json::json;

use super::reply::Reply;
use crate::App;
use crate::clock::Timestamp;
use crate::consent::{janitor, reports};
use crate::jobs;

/// Answers that were our own fault since the start of this process.
pub static FAULTS: AtomicU64 = AtomicU64::new(0);

/// The process answers.
#[get("/healthz")]
pub fn healthz() -> Reply {
    Reply::text("ok\n").header("Cache-Control", "no-store")
}

/// Whether this process can serve: its database and its store answer, and its clock is not known to be wrong. 503 with the
/// reasons when not.
#[get("/readyz")]
pub async fn readyz(app: &State<App>) -> Reply {
    let mut wrong = vec![];
    if let Err(error) = app.db.read(|conn| jobs::waiting(conn, Timestamp::now())).await {
        wrong.push(format!("database: {error}"));
    }
    if let Err(error) = app.storage.answers().await {
        wrong.push(format!("storage: {error}"));
    }
    if let Some(fault) = app.stripe.clock_fault() {
        wrong.push(format!("clock: {fault}"));
    }
    let status = if wrong.is_empty() { Status::Ok } else { Status::ServiceUnavailable };
    let value = json!({ "ready": wrong.is_empty(), "wrong": wrong });
    Reply::json(&value).status(status).header("Cache-Control", "no-store")
}

/// Figures in the text format of Prometheus. None of them is about a person.
#[get("/metrics")]
pub async fn metrics(app: &State<App>) -> crate::Result<Reply> {
    use std::fmt::Write;
    let (waiting, refused) = app
        .db
        .read(|conn| Ok((jobs::waiting(conn, Timestamp::now())?, reports::of_day(conn, Timestamp::now())?)))
        .await?;
    let mut out = String::from("# TYPE cuehouse_faults_total counter\n");
    writeln!(out, "cuehouse_faults_total {}", FAULTS.load(Ordering::Relaxed))?;
    out.push_str("# TYPE cuehouse_vendor_cookies_taken_total counter\n");
    writeln!(out, "cuehouse_vendor_cookies_taken_total {}", janitor::TAKEN.load(Ordering::Relaxed))?;
    out.push_str("# TYPE cuehouse_policy_reports gauge\n");
    for (refusal, count) in refused {
        let reports::Refusal { directive, host, page } = refusal;
        writeln!(
            out,
            "cuehouse_policy_reports{{directive=\"{directive}\",host=\"{host}\",page=\"{page}\"}} {count}"
        )?;
    }
    out.push_str("# TYPE cuehouse_jobs gauge\n# TYPE cuehouse_jobs_oldest_seconds gauge\n");
    for row in waiting {
        let labels = format!("{{kind=\"{}\",state=\"{}\"}}", row.kind, row.state);
        writeln!(out, "cuehouse_jobs{labels} {}", row.count)?;
        writeln!(out, "cuehouse_jobs_oldest_seconds{labels} {}", row.oldest_ms / 1000)?;
    }
    Ok(Reply::bytes(ContentType::Plain, out).header("Cache-Control", "no-store"))
}
