//! What is said to the providers that settings name: that a check begins, what came of it, and that they are to forget it.

use serde_json::Value;

use super::super::check::{About, Begun, Check, Found};
use crate::App;
use crate::clock::Timestamp;
use crate::config::Provider;
use crate::consent::disclosure::Line;
use crate::consent::recipient::Use;
use crate::egress::Verb;
use crate::error::{Error, Result};

/// Checks that are forgotten in one round.
const SOME: i64 = 100;

/// Whoever finds this out here. `NotFound` where the operator named nobody.
pub(super) fn of(app: &App, about: About) -> Result<&Provider> {
    let age = &app.config.age;
    let provider = match about {
        About::Adulthood => &age.provider,
        About::Identity => &age.identity,
    };
    provider.as_ref().ok_or(Error::NotFound)
}

/// Begins a check with what it is told, and writes into the ledger that it was.
pub(super) async fn begin(app: &App, about: About, told: &Value) -> Result<Begun> {
    let used_for = match about {
        About::Adulthood => Use::AgeProof,
        About::Identity => Use::IdentityProof,
    };
    let line = app.services.of(used_for).map(Line::of_service);
    let answer = app.egress.ask(&of(app, about)?.at, Verb::Post(told), "checks", line).await.map_err(away)?;
    Begun::read(&answer).map_err(away)
}

/// What came of a check.
pub(super) async fn result(app: &App, check: &Check) -> Result<Found> {
    match app.egress.ask(&of(app, check.about)?.at, Verb::Get, &path(check), None).await {
        Ok(answer) => Ok(Found::read(check.about, &answer)),
        Err(Error::NotFound) => Ok(Found::Gone),
        Err(error) => Err(away(error)),
    }
}

/// A provider that cannot be asked just now is no fault of whoever wants to prove something.
fn away(error: Error) -> Error {
    tracing::warn!(%error, "a provider was asked in vain");
    Error::Busy(60)
}

fn path(check: &Check) -> String {
    format!("checks/{}", check.provider_ref)
}

/// Has the providers forget checks that are over, and forgets each that was forgotten; one that is not forgotten now is tried
/// again every day. One that its provider does not know any more is forgotten, too. Where no provider is set any more,
/// nobody is left to ask.
pub async fn forget(app: &App, now: Timestamp) -> Result<()> {
    let over = app.db.read(move |conn| Check::to_forget(conn, now, SOME)).await?;
    for check in over {
        if let Ok(provider) = of(app, check.about)
            && let Err(error) = app.egress.ask(&provider.at, Verb::Delete, &path(&check), None).await
            && !matches!(error, Error::NotFound)
        {
            tracing::warn!(%error, "a provider has not forgotten yet");
            continue;
        }
        app.db.write(move |conn| check.forget(conn)).await?;
    }
    Ok(())
}
