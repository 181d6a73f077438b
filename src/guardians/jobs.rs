//! What is done about the young beside a request. Each may run twice, and the second time finds it done.

use super::confirming;
use super::growing;
use super::leaf::Stub;
use super::minimum;
use super::notice::Ground;
use super::passage;
use super::routes::forget_checks;
use super::text::{self, Message, TextMessage};
use super::verification::Verification;
use super::ward::{self, Guardian, Ward};
use crate::App;
use crate::clock::{DAY, HOUR, SECOND, Timestamp};
use crate::consent::disclosure::Line;
use crate::consent::log;
use crate::consent::recipient::Use;
use crate::error::{Error, Result};
use crate::ids::{TextId, VerificationId, WardId};
use crate::jobs::Lease;
use crate::secrets;

/// Wards looked at in one write.
const SOME: i64 = 200;
/// How soon a code is handed over again that nobody was there to take.
const TEXT_AGAIN_MS: i64 = 30 * SECOND;
/// A guardian is reminded of what they allow once a year.
const YEARLY_MS: i64 = 365 * DAY;

/// Forgets both contacts where nobody answered in time.
pub async fn drop_unanswered(app: &App, lease: &Lease, ward: &WardId) -> Result<()> {
    let (ground, stub, ward, lease) = (Ground::of(app), Stub::draw()?, ward.clone(), lease.clone());
    app.db
        .write(move |conn| {
            let now = Timestamp::now();
            passage::lapse(conn, &ground, &ward, &stub, now)?;
            lease.finish(conn, now)
        })
        .await
}

/// What became of a message that was to be carried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Carried {
    Yes,
    /// Whoever carries it cannot be reached; it may be otherwise soon.
    Later,
    /// Nobody carries it.
    Never,
}

/// Hands a message to whoever carries messages here, and writes into the ledger that it was.
async fn carry(app: &App, message: &Message) -> Carried {
    let Some(carrier) = app.config.age.carrier() else { return Carried::Never };
    let line = app.services.of(Use::TextMessages).map(Line::of_service);
    match app.egress.hand(&carrier.at, "texts", &message.told(), line, Timestamp::now()).await {
        Ok(()) => Carried::Yes,
        Err(error) => {
            tracing::warn!(%error, "a text message was not taken to be carried");
            if matches!(error, Error::Refused(_)) { Carried::Never } else { Carried::Later }
        }
    }
}

/// Has a parent's code carried to their number, for as long as it counts.
pub async fn send_text(app: &App, lease: &Lease, id: &TextId) -> Result<()> {
    let wanted = id.clone();
    let found = app.db.read(move |conn| TextMessage::find(conn, &wanted)).await?;
    let message = found
        .as_ref()
        .and_then(|text| text.first_message(&app.config.site_name, &app.keys.texts, Timestamp::now()));
    let carried = match &message {
        Some(message) => Some(carry(app, message).await),
        None => None,
    };
    let lease = lease.clone();
    app.db
        .write(move |conn| {
            let now = Timestamp::now();
            let (Some(text), Some(carried)) = (&found, carried) else { return lease.finish(conn, now) };
            match carried {
                Carried::Yes => text.sent(conn, now)?,
                Carried::Later => text.failed(conn, false, now)?,
                Carried::Never => text.failed(conn, true, now)?,
            }
            match carried {
                Carried::Later => lease.postpone(conn, TEXT_AGAIN_MS),
                _ => lease.finish(conn, now),
            }
        })
        .await
}

/// Forgets numbers whose time is over.
pub async fn drop_numbers(app: &App, lease: &Lease) -> Result<()> {
    let lease = lease.clone();
    app.db
        .write(move |conn| {
            let now = Timestamp::now();
            text::sweep(conn, now)?;
            lease.finish(conn, now)
        })
        .await
}

/// Writes to a guardian once more, a day after their answer; by text message to whoever answered by one, as long as somebody
/// carries it.
pub async fn confirm(app: &App, lease: &Lease, ward: &WardId) -> Result<()> {
    let (ground, texts, wanted) = (Ground::of(app), app.keys.texts, ward.clone());
    let message = app
        .db
        .write(move |conn| confirming::by_text(conn, &ground, &wanted, &texts, Timestamp::now()))
        .await?;
    let carried = match &message {
        Some(message) => carry(app, message).await,
        None => Carried::Never,
    };
    if carried != Carried::Never {
        let (ward, lease) = (ward.clone(), lease.clone());
        return app
            .db
            .write(move |conn| {
                if carried == Carried::Later {
                    return lease.postpone(conn, HOUR);
                }
                let now = Timestamp::now();
                confirming::told_by_text(conn, &ward, now)?;
                lease.finish(conn, now)
            })
            .await;
    }
    let (ground, token, ward, lease) = (Ground::of(app), secrets::token()?, ward.clone(), lease.clone());
    app.db
        .write(move |conn| {
            let now = Timestamp::now();
            confirming::confirm(conn, &ground, &ward, &token, now)?;
            lease.finish(conn, now)
        })
        .await?;
    app.bell.ring();
    Ok(())
}

/// A guardian's card was proved: what waited for it counts from now on, then the payment goes back. Run again, it is given
/// back once.
pub async fn prove_card(app: &App, lease: &Lease, id: &VerificationId) -> Result<()> {
    let (ground, stub, wanted) = (Ground::of(app), Stub::draw()?, id.clone());
    let payment = app
        .db
        .write(move |conn| {
            let now = Timestamp::now();
            log::wait_turn(conn)?;
            let proof = Verification::find(conn, &wanted)?;
            // One that somebody began who answers no longer proves nobody, and is given back all the same.
            let named = Guardian::of_ward(conn, &proof.ward)?.map(|guardian| guardian.asked_at);
            if named.is_some_and(|at| proof.asked_at >= at) && proof.pass(conn, now)? {
                let ward = Ward::find(conn, &proof.ward)?;
                passage::prove(conn, &ground, &ward, proof.method, &stub, now)?;
            }
            Ok(proof.payment)
        })
        .await?;
    if let Some(payment) = payment {
        app.stripe.refund(&payment, id.as_str()).await?;
    }
    let (lease, id) = (lease.clone(), id.clone());
    app.db
        .write(move |conn| {
            let now = Timestamp::now();
            Verification::find(conn, &id)?.refunded(conn, now)?;
            lease.finish(conn, now)
        })
        .await
}

/// Everything about age that a day brings.
pub async fn move_bands(app: &App, lease: &Lease) -> Result<()> {
    daily(app, Timestamp::now()).await?;
    let lease = lease.clone();
    app.db.write(move |conn| lease.finish(conn, Timestamp::now())).await
}

/// The same at a given moment: timers that are over, permissions that ran out, bands that move, services that are not open to
/// somebody, letters once a year, checks that a provider is to forget. Each ward in a write of its own.
pub async fn daily(app: &App, now: Timestamp) -> Result<()> {
    let ground = Ground::of(app);
    let due = app.db.read(move |conn| Ward::due(conn, now, SOME)).await?;
    for ward in due {
        let (ground, stub) = (ground.clone(), Stub::draw()?);
        app.db.write(move |conn| growing::over(conn, &ground, &ward.id, &stub, now)).await?;
    }
    let out = app.db.read(move |conn| growing::run_out(conn, now, SOME)).await?;
    let grown = app.db.read(move |conn| Ward::grown(conn, now, SOME)).await?;
    for ward in grown {
        let (ground, stub) = (ground.clone(), Stub::draw()?);
        app.db.write(move |conn| growing::grow(conn, &ground, &ward.id, &stub, now)).await?;
    }
    for ward in out {
        let (ground, stub) = (ground.clone(), Stub::draw()?);
        app.db.write(move |conn| growing::expire(conn, &ground, &ward, &stub, now)).await?;
    }
    close_services(app, now).await?;
    let remind = app.db.read(move |conn| Guardian::to_remind(conn, now.plus(-YEARLY_MS), SOME)).await?;
    for guardian in remind {
        let (ground, token) = (ground.clone(), secrets::token()?);
        app.db.write(move |conn| confirming::remind(conn, &ground, &guardian, &token, now)).await?;
    }
    app.db.write(move |conn| ward::sweep_links(conn, now)).await?;
    app.db.write(move |conn| text::sweep(conn, now)).await?;
    forget_checks(app, now).await?;
    app.bell.ring();
    Ok(())
}

/// What was allowed before a service had its own age ends with the start under that setting, for whoever is younger.
pub(super) async fn keep_minimums(app: &App) {
    if let Err(error) = close_services(app, Timestamp::now()).await {
        tracing::error!(%error, "services could not be closed to whoever is too young for them");
    }
}

/// Ends services of people who are younger than they begin at here.
async fn close_services(app: &App, now: Timestamp) -> Result<()> {
    if app.config.age.services.is_empty() {
        return Ok(());
    }
    let ground = Ground::of(app);
    loop {
        let least = ground.minimums.clone();
        let young = app.db.read(move |conn| minimum::too_young(conn, &least, now, SOME)).await?;
        let is_last = young.len() < SOME as usize;
        for ward in young {
            let (ground, stub) = (ground.clone(), Stub::draw()?);
            app.db.write(move |conn| minimum::close(conn, &ground, &ward, &stub, now)).await?;
        }
        if is_last {
            break;
        }
    }
    loop {
        let least = ground.minimums.clone();
        let done = app.db.write(move |conn| minimum::take_off_sale(conn, &least, now, SOME)).await?;
        if done < SOME as usize {
            break;
        }
    }
    app.bell.ring();
    Ok(())
}
