//! The basket: what a visitor means to license, with an account or without.

use rocket::{State, get, post};
use serde::Serialize;

use crate::App;
use crate::accounts::band::Band;
use crate::clock::Timestamp;
use crate::consent::guards::Decided;
use crate::error::{Error, Result};
use crate::ids::Slug;
use crate::money::Cents;
use crate::sales::basket::{self, Basket, Line, Standing};
use crate::sales::guards::{Holder, keep};
use crate::web::{Page, Posted, Reply, View};

/// `/cart`.
#[derive(Serialize)]
pub struct ShowBasket {
    pub lines: Vec<Line>,
    pub total: Cents,
    /// How many can be bought.
    pub count: usize,
    /// Whether something is not as its visitor saw it last.
    pub changed: bool,
}

impl ShowBasket {
    fn new(basket: Basket) -> ShowBasket {
        ShowBasket {
            total: basket.total(),
            count: basket.buyable().count(),
            changed: basket.has_changed(),
            lines: basket.lines,
        }
    }
}

/// The basket as it stands now.
#[get("/cart")]
pub async fn index(holder: Holder, page: Page, app: &State<App>) -> Result<Reply> {
    let currency = app.config.currency.clone();
    let basket = match holder.owner() {
        Some(owner) => app.db.read(move |conn| Basket::of(conn, &owner, &currency)).await?,
        None => Basket::default(),
    };
    page.show(&ShowBasket::new(basket))
}

/// What a child reads who would put something in. It would be kept, in a row and in its browser, for nothing.
const NOTHING_TO_BUY: &str = "A licence is a contract, and children make none here. Listening is free.";

/// Puts an offer in. `Guardian` for a child, with an account or without.
#[post("/cart", data = "<form>")]
pub async fn create(form: Posted, holder: Holder, consent: Decided, app: &State<App>) -> Result<Reply> {
    let Posted(fields) = form;
    if consent.band == Some(Band::Child) {
        return Err(Error::Guardian(NOTHING_TO_BUY));
    }
    let slug = Slug::parse(fields.text("track")).ok_or(Error::NotFound)?;
    let (tier, currency) = (fields.text("tier").to_owned(), app.config.currency.clone());
    let (owner, token) = holder.made()?;
    let put =
        app.db.write(move |conn| basket::put(conn, &owner, &slug, &tier, &currency, Timestamp::now())).await;
    let reply = Reply::go("/cart");
    match put {
        Ok(true) => Ok(keep(reply, token)),
        Ok(false) => Ok(keep(reply, token).notice("It is in your basket already.")),
        Err(error) => Err(error),
    }
}

/// Takes an offer out.
#[post("/cart/removals", data = "<form>")]
pub async fn destroy(form: Posted, holder: Holder, app: &State<App>) -> Result<Reply> {
    let Posted(fields) = form;
    let slug = Slug::parse(fields.text("track")).ok_or(Error::NotFound)?;
    let tier = fields.text("tier").to_owned();
    if let Some(owner) = holder.owner() {
        app.db.write(move |conn| basket::take_out(conn, &owner, &slug, &tier)).await?;
    }
    Ok(Reply::go("/cart"))
}

impl View for ShowBasket {
    const TEMPLATE: &'static str = "sales/cart.html";

    fn samples() -> Vec<ShowBasket> {
        let lines = sample_lines();
        vec![ShowBasket::new(Basket { lines, currency: "usd".into() }), ShowBasket::new(Basket::default())]
    }
}

/// A line of each standing.
pub fn sample_lines() -> Vec<Line> {
    let line = |title: &str, tier: &str, cents: i64, standing: Standing| Line {
        track: crate::ids::TrackId::new(),
        upload: crate::ids::UploadId::new(),
        slug: Slug::from_title(title),
        title: title.into(),
        uploader: crate::ids::UserId::new(),
        uploader_name: "Ines Morrow".into(),
        uploader_handle: crate::ids::Handle::parse("ines-morrow"),
        duration_ms: 154_000,
        tier: tier.into(),
        tier_name: tier.into(),
        permits: "You may use this in one work or one series, online, anywhere, for ever.".into(),
        groups: 1,
        terms_hash: "0".repeat(64),
        price: Cents(cents),
        standing,
    };
    vec![
        line("Copper Weather", "creator", 2_900, Standing::Same),
        line("Rain on Tin & <Glass>", "business", 7_900, Standing::Changed { was: Cents(6_900) }),
        line("Slow Harbour", "film", 59_900, Standing::Gone),
        line("Iron Weather", "creator", 2_900, Standing::Unpriced),
        line("Door", "listen", 0, Standing::Same),
    ]
}
