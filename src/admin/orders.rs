//! Orders of which Stripe said what the shop cannot mend by itself, until somebody dealt with it.

use rocket::{Route, State, get, post, routes};
use serde::Serialize;

use super::pages::age;
use crate::App;
use crate::accounts::guards::Support;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::ids::OrderId;
use crate::money::Cents;
use crate::sales::inbox::Puzzle;
use crate::sales::note;
use crate::sales::order::Order;
use crate::web::{Page, Posted, Reply, View};

/// Orders on one page.
pub const MOST: i64 = 200;
/// Events below them.
const PUZZLES: i64 = 50;

/// Every address of this file.
pub fn all() -> Vec<Route> {
    routes![index, dismiss]
}

/// An order with a note.
#[derive(Clone, Debug, Serialize)]
pub struct Noted {
    order: String,
    words: String,
    state: &'static str,
    total: Cents,
    currency: String,
    /// How Stripe calls the payment.
    payment: Option<String>,
    since: Timestamp,
    /// `3 hours`.
    waits: String,
}

impl Noted {
    fn new(order: Order, now: Timestamp) -> Noted {
        Noted {
            order: order.id.to_string(),
            words: order.note.unwrap_or_default(),
            state: order.state.as_str(),
            total: order.total_cents,
            currency: order.currency,
            payment: order.payment_intent,
            since: order.changed_at,
            waits: age(now.since(order.changed_at)),
        }
    }
}

/// An event of no order, or that nobody could read.
#[derive(Clone, Debug, Serialize)]
pub struct PuzzleLine {
    id: String,
    kind: String,
    why: String,
    at: Timestamp,
}

impl PuzzleLine {
    fn new(puzzle: Puzzle) -> PuzzleLine {
        PuzzleLine {
            id: puzzle.id,
            kind: puzzle.kind,
            why: puzzle.why.unwrap_or_default(),
            at: puzzle.received_at,
        }
    }
}

/// `/admin/orders`.
#[derive(Clone, Debug, Serialize)]
pub struct OrdersPage {
    all: Vec<Noted>,
    puzzles: Vec<PuzzleLine>,
}

impl View for OrdersPage {
    const TEMPLATE: &'static str = "admin/orders.html";

    fn samples() -> Vec<OrdersPage> {
        let noted = Noted {
            order: "0190".into(),
            words: "Paid $1 instead of $108.".into(),
            state: "awaiting",
            total: Cents(10_800),
            currency: "usd".into(),
            payment: Some("pi_1".into()),
            since: Timestamp(1_795_000_000_000),
            waits: "3 hours".into(),
        };
        let unpaid = Noted { payment: None, ..noted.clone() };
        let puzzle = PuzzleLine {
            id: "evt_1".into(),
            kind: "checkout.session.completed".into(),
            why: "The event lacks <id>.".into(),
            at: Timestamp(1_795_000_000_000),
        };
        vec![
            OrdersPage { all: vec![noted, unpaid], puzzles: vec![puzzle] },
            OrdersPage { all: vec![], puzzles: vec![] },
        ]
    }
}

/// What waits for somebody who looks.
#[get("/admin/orders")]
pub async fn index(_who: Support, page: Page, app: &State<App>) -> Result<Reply> {
    let now = Timestamp::now();
    let (all, puzzles) =
        app.db.read(|conn| Ok((note::open(conn, MOST)?, Puzzle::newest(conn, PUZZLES)?))).await?;
    page.show(&OrdersPage {
        all: all.into_iter().map(|order| Noted::new(order, now)).collect(),
        puzzles: puzzles.into_iter().map(PuzzleLine::new).collect(),
    })
}

/// Takes an order from the list whose note somebody read and dealt with.
#[post("/admin/orders/<id>/dismissal", data = "<form>")]
pub async fn dismiss(id: OrderId, _who: Support, app: &State<App>, form: Posted) -> Result<Reply> {
    let words = form.0.text("note").to_owned();
    app.db.write(move |conn| note::dealt_with(conn, &id, &words, Timestamp::now())).await?;
    Ok(Reply::go("/admin/orders").notice("It is off the list. If Stripe says more of it, it comes back."))
}
