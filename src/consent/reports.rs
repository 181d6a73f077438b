//! What browsers refused on our pages, as they report it: cut down to a directive, a host and a kind of page, counted by
//! day, never joined to anybody (R-EN-8).

use diesel::prelude::*;
use rocket::data::ToByteUnit;
use rocket::request::{FromRequest, Outcome};
use rocket::{Data, Request, State, post};
use serde_json::Value;

use super::constants::REPORTS_KEPT_DAYS;
use crate::App;
use crate::clock::{DAY, Timestamp};
use crate::db::Conn;
use crate::db::schema::policy_reports;
use crate::each_db;
use crate::error::{Error, Result};
use crate::web::{Attempt, Client, Reply, trouble};

/// The longest body, and the most reports taken from one.
const MOST_BYTES: usize = 32 << 10;
const MOST_REPORTS: usize = 20;

/// One refusal, without anything about whose it was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    pub directive: String,
    /// The host that was not contacted, or a word such as `inline`.
    pub host: String,
    /// The first part of the page's path.
    pub page: String,
}

impl Refusal {
    /// Reads a report (Reporting API, or the older `csp-report`). `None` unless it is about a page of this site.
    pub fn read(value: &Value, site: &str) -> Option<Refusal> {
        let body = value.get("body").or_else(|| value.get("csp-report")).unwrap_or(value);
        let text = |names: &[&str]| names.iter().find_map(|n| body.get(n)?.as_str()).unwrap_or_default();
        let page = match text(&["documentURL", "document-uri"]) {
            "" => value.get("url").and_then(Value::as_str).unwrap_or_default(),
            page => page,
        };
        let path = page.strip_prefix(site)?;
        if !(path.is_empty() || path.starts_with(['/', '?', '#'])) {
            return None;
        }
        let directive = text(&["effectiveDirective", "effective-directive", "violated-directive"]);
        let directive =
            if directive.is_empty() { value.get("type").and_then(Value::as_str)? } else { directive };
        let blocked = text(&["blockedURL", "blocked-uri", "url"]);
        let host = match url::Url::parse(blocked) {
            Ok(url) => url.host_str().unwrap_or(url.scheme()).to_owned(),
            Err(_) => blocked.to_owned(),
        };
        let word = |text: &str, plain: &str| -> String {
            text.chars()
                .take_while(|c| c.is_ascii_alphanumeric() || plain.contains(*c))
                .take(80)
                .collect::<String>()
                .to_ascii_lowercase()
        };
        let class = path.trim_start_matches('/').split(['/', '?', '#']).next().unwrap_or_default();
        let class = if class.starts_with('@') { "profile".into() } else { word(class, "-.") };
        let refusal = Refusal { directive: word(directive, "-"), host: word(&host, "-."), page: class };
        (!refusal.directive.is_empty()).then_some(refusal)
    }

    /// Counts it for this day.
    pub fn count(&self, conn: &mut Conn, now: Timestamp) -> Result<()> {
        let row = (
            policy_reports::day.eq(now.day()),
            policy_reports::directive.eq(&self.directive),
            policy_reports::host.eq(&self.host),
            policy_reports::page.eq(&self.page),
            policy_reports::count.eq(1),
        );
        each_db!(conn, |c| diesel::insert_into(policy_reports::table)
            .values(row)
            .on_conflict((
                policy_reports::day,
                policy_reports::directive,
                policy_reports::host,
                policy_reports::page
            ))
            .do_update()
            .set(policy_reports::count.eq(policy_reports::count + 1))
            .execute(c))?;
        Ok(())
    }
}

/// What was refused today, the most frequent first, at most 100 kinds.
pub fn of_day(conn: &mut Conn, now: Timestamp) -> Result<Vec<(Refusal, i64)>> {
    let rows: Vec<(String, String, String, i64)> = policy_reports::table
        .filter(policy_reports::day.eq(now.day()))
        .order((policy_reports::count.desc(), policy_reports::host))
        .select((
            policy_reports::directive,
            policy_reports::host,
            policy_reports::page,
            policy_reports::count,
        ))
        .limit(100)
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(directive, host, page, count)| (Refusal { directive, host, page }, count))
        .collect())
}

/// Forgets counts older than they may be. Answers how many rows.
pub fn sweep(conn: &mut Conn, now: Timestamp) -> Result<usize> {
    let oldest = now.plus(-REPORTS_KEPT_DAYS * DAY).day();
    Ok(diesel::delete(policy_reports::table.filter(policy_reports::day.lt(oldest))).execute(conn)?)
}

/// Proof that no other site's page sent it, as far as the browser says (Fetch Metadata; `Origin`). One that says nothing is
/// heard: what it reports must still be about a page of ours.
pub struct FromHere;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for FromHere {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<FromHere, Error> {
        let said = |name| request.headers().get_one(name);
        let site = request.rocket().state::<App>().map(|app| app.config.site_url.as_str());
        let is_same = said("Sec-Fetch-Site").is_none_or(|from| matches!(from, "same-origin" | "none"))
            && said("Origin").is_none_or(|origin| site == Some(origin));
        if is_same { Outcome::Success(FromHere) } else { trouble::stop(request, Error::Forbidden) }
    }
}

async fn take(body: Data<'_>, client: Client, app: &App) -> Result<Reply> {
    app.limits.attempt(Attempt::Report, &client.ip.to_string())?;
    let text = body.open(MOST_BYTES.bytes()).into_string().await?;
    if !text.is_complete() {
        return Err(Error::refused("That report is too long."));
    }
    let value: Value = serde_json::from_str(&text).map_err(|_| Error::refused("That is not a report."))?;
    let all = match value {
        Value::Array(all) => all,
        one => vec![one],
    };
    let site = &app.config.site_url;
    let mut refusals: Vec<Refusal> =
        all.iter().take(MOST_REPORTS).filter_map(|v| Refusal::read(v, site)).collect();
    refusals.sort();
    refusals.dedup();
    if !refusals.is_empty() {
        app.db.write(move |conn| refusals.iter().try_for_each(|r| r.count(conn, Timestamp::now()))).await?;
    }
    Ok(Reply::done())
}

/// Reports on the Content-Security-Policy.
#[post("/reports/csp", data = "<body>")]
pub async fn csp(body: Data<'_>, _here: FromHere, client: Client, app: &State<App>) -> Result<Reply> {
    take(body, client, app).await
}

/// Reports on the Connection-Allowlist.
#[post("/reports/connection", data = "<body>")]
pub async fn connection(body: Data<'_>, _here: FromHere, client: Client, app: &State<App>) -> Result<Reply> {
    take(body, client, app).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// T-REP-1, R-EN-8: a report is cut down to a directive, a host and a kind of page; one about another site is none.
    #[test]
    fn a_report_loses_everything_about_anybody() {
        let site = "https://shop.example";
        let read = |value| Refusal::read(&value, site);
        let refusal =
            |d: &str, h: &str, p: &str| Some(Refusal { directive: d.into(), host: h.into(), page: p.into() });
        assert_eq!(
            read(json!({ "type": "csp-violation", "url": "https://shop.example/tracks/rain?q=secret",
                "user_agent": "Someone/1.0", "body": { "documentURL": "https://shop.example/tracks/rain?q=secret",
                "effectiveDirective": "img-src", "blockedURL": "https://pixel.evil.example/p?id=7", "sample": "x" } })),
            refusal("img-src", "pixel.evil.example", "tracks")
        );
        assert_eq!(
            read(
                json!({ "csp-report": { "document-uri": "https://shop.example/@ines", "blocked-uri": "inline",
                "violated-directive": "script-src 'self'" } })
            ),
            refusal("script-src", "inline", "profile")
        );
        assert_eq!(
            read(json!({ "type": "connection-allowlist", "url": "https://shop.example/",
                "body": { "url": "https://evil.example/a" } })),
            refusal("connection-allowlist", "evil.example", "")
        );
        for other in ["https://other.example/", "https://shop.example.evil/", ""] {
            assert_eq!(read(json!({ "type": "csp-violation", "url": other, "body": {} })), None, "{other}");
        }
    }
}
