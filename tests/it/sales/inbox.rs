//! What Stripe says, in any order and any number of times.

use std::collections::BTreeMap;

use cuehouse::db::schema::{
    invoices, jobs, journals, licences, orders, revocations, stripe_events, suspensions, tracks,
};
use cuehouse::ids::{LicenceId, OrderId, Slug, UserId};
use cuehouse::money::Cents;
use cuehouse::sales::basket::{self, Basket, Owner};
use cuehouse::sales::inbox::{self, Kept, Puzzle};
use cuehouse::sales::invoice::Kind as Paper;
use cuehouse::sales::ledger::{self, Account};
use cuehouse::sales::licence::{Held, Reason, Status};
use cuehouse::sales::order::{Order, State};
use cuehouse::sales::settle::{self, settle_free};
use diesel::prelude::*;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use crate::support::database::TestDb;
use crate::support::shop::{NOW, Shop};

/// Events as Stripe writes them, for an order with this payment.
struct Says {
    order: String,
    total: i64,
}

impl Says {
    fn of(order: &Order) -> Says {
        Says { order: order.id.to_string(), total: order.total_cents.0 }
    }

    fn event(&self, id: &str, kind: &str, created: i64, object: &str) -> String {
        format!(
            r#"{{"id":"evt_{id}_{o}","object":"event","type":"{kind}","created":{created},"data":{{"object":{object}}}}}"#,
            o = &self.order[20..]
        )
    }

    fn session(&self, id: &str, kind: &str, created: i64, paid: &str) -> String {
        self.event(
            id,
            kind,
            created,
            &format!(
                r#"{{"id":"cs_{o}","payment_status":"{paid}","payment_intent":"pi_{o}","amount_total":{},"currency":"usd","metadata":{{"order":"{o}"}}}}"#,
                self.total,
                o = self.order
            ),
        )
    }

    fn paid(&self) -> String {
        self.session("paid", "checkout.session.completed", 1_795_000_000, "paid")
    }

    fn refunded(&self, id: &str, sum: i64, created: i64) -> String {
        self.event(
            id,
            "charge.refunded",
            created,
            &format!(
                r#"{{"id":"ch_{o}","payment_intent":"pi_{o}","amount":{},"amount_refunded":{sum},"currency":"usd","metadata":{{"order":"{o}"}}}}"#,
                self.total,
                o = self.order
            ),
        )
    }

    /// A refund of its own, which names its payment and no order.
    fn refund(&self, id: &str, kind: &str, amount: i64, status: &str, created: i64) -> String {
        self.event(
            &format!("{id}_{}_{status}", kind.replace('.', "_")),
            kind,
            created,
            &format!(
                r#"{{"id":"re_{id}","payment_intent":"pi_{}","amount":{amount},"currency":"usd","status":"{status}"}}"#,
                self.order
            ),
        )
    }

    fn dispute(&self, kind: &str, status: &str, created: i64) -> String {
        self.event(
            &format!("dp_{status}"),
            kind,
            created,
            &format!(
                r#"{{"id":"dp_{o}","payment_intent":"pi_{o}","amount":{},"currency":"usd","status":"{status}"}}"#,
                self.total,
                o = self.order
            ),
        )
    }
}

async fn takes(shop: &Shop, body: &str) -> Kept {
    let (body, issuer) = (body.to_owned(), shop.issuer.clone());
    shop.db.write(move |conn| inbox::take(conn, &body, &issuer, NOW)).await.unwrap()
}

/// Everything that follows from an order's events, without the ids and numbers that are drawn.
#[derive(Debug, PartialEq, Clone)]
struct Rows {
    state: State,
    paid_at: Option<i64>,
    intent: Option<String>,
    note: Option<String>,
    licences: Vec<(String, Status)>,
    sums: BTreeMap<String, i64>,
    uneven: usize,
    sales: i64,
    papers: Vec<Paper>,
    suspended: Vec<(i64, Option<i64>)>,
    licensed: Vec<i64>,
    events: i64,
}

async fn rows(shop: &Shop, order: &OrderId) -> Rows {
    let id = order.clone();
    shop.db
        .read(move |conn| {
            let order = Order::find(conn, &id)?;
            assert_eq!(settle::strays(conn, &order)?, None, "what check computes anew");
            let held = Held::of_order(conn, &id)?;
            let sums = ledger::sums(conn, &id)?;
            let ids: Vec<LicenceId> = held.iter().map(|h| h.licence.id.clone()).collect();
            let tracks_of: Vec<_> = order.lines(conn)?.into_iter().map(|l| l.track_id).collect();
            Ok(Rows {
                state: order.state,
                paid_at: order.paid_at.map(|at| at.0),
                intent: order.payment_intent.clone(),
                note: order.note.clone(),
                licences: held.iter().map(|h| (h.licence.tier.clone(), h.status)).collect(),
                sums: sums
                    .into_iter()
                    .map(|((account, user), cents): ((Account, Option<UserId>), Cents)| {
                        (format!("{account} {}", user.map(|u| u.to_string()).unwrap_or_default()), cents.0)
                    })
                    .collect(),
                uneven: ledger::uneven(conn)?.len(),
                sales: journals::table
                    .filter(journals::order_id.eq(&id).and(journals::kind.eq("sale")))
                    .count()
                    .get_result(conn)?,
                papers: invoices::table
                    .filter(invoices::order_id.eq(&id))
                    .order(invoices::running)
                    .select(invoices::kind)
                    .load(conn)?,
                suspended: suspensions::table
                    .filter(suspensions::licence_id.eq_any(&ids))
                    .order((suspensions::at, suspensions::licence_id))
                    .select((suspensions::at, suspensions::ended_at))
                    .load(conn)?,
                licensed: tracks::table
                    .filter(tracks::id.eq_any(&tracks_of))
                    .order(tracks::slug)
                    .select(tracks::licensed)
                    .load(conn)?,
                events: stripe_events::table.count().get_result(conn)?,
            })
        })
        .await
        .unwrap()
}

struct Bought {
    shop: Shop,
    order: Order,
    buyer: UserId,
    uploaders: [UserId; 2],
    _test: TestDb,
}

/// A buyer before the payment page, with two tracks of two uploaders for $108.
async fn at_the_payment_page() -> Bought {
    let test = TestDb::new().await;
    let shop = Shop::new(&test.db).await;
    let uploaders = [shop.person("Ines").await, shop.person("Tomas").await];
    let (_, rain) = shop.track(&uploaders[0], "Rain on tin", &[("creator", 2_900)]).await;
    let (_, copper) = shop.track(&uploaders[1], "Copper weather", &[("business", 7_900)]).await;
    let buyer = shop.person("Ada").await;
    shop.puts(&Owner::Account(buyer.clone()), &[(&rain, "creator"), (&copper, "business")]).await;
    let order = shop.orders(&buyer).await.unwrap();
    awaits(&shop, &order).await;
    Bought { order, buyer, uploaders, shop, _test: test }
}

async fn awaits(shop: &Shop, order: &Order) {
    let waiting = order.clone();
    let session = format!("cs_{}", order.id);
    shop.db.write(move |conn| waiting.awaits(conn, &session, Some("https://pay"), NOW)).await.unwrap();
}

/// S2-08: a paid order gives its licences once, also when the webhook repeats.
#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_gives_one_licence_a_line_and_books_the_sale_once() {
    let b = at_the_payment_page().await;
    let says = Says::of(&b.order);
    for _ in 0..3 {
        assert_eq!(takes(&b.shop, &says.paid()).await, Kept::Settled(b.order.id.clone()));
    }
    let rows = rows(&b.shop, &b.order.id).await;
    assert_eq!(rows.state, State::Paid);
    assert_eq!(rows.paid_at, Some(1_795_000_000_000));
    assert_eq!(
        rows.licences,
        [("creator".to_owned(), Status::Valid), ("business".to_owned(), Status::Valid)]
    );
    assert_eq!(rows.licensed, [1, 1]);
    assert_eq!((rows.sales, rows.uneven, rows.events), (1, 0, 1));
    let [ines, tomas] = &b.uploaders;
    assert_eq!(rows.sums[&format!("uploader {ines}")], 1_015);
    assert_eq!(rows.sums[&format!("uploader {tomas}")], 2_765);
    assert_eq!(rows.sums["stripe "], -10_800);
    assert_eq!(rows.sums["platform "], 10_800 - 1_015 - 2_765);

    let (buyer, ines) = (b.buyer.clone(), ines.clone());
    let (left, owed, receipts) = b
        .shop
        .db
        .read(move |conn| {
            let basket = Basket::of(conn, &Owner::Account(buyer), "usd")?;
            let receipts: i64 = jobs::table.filter(jobs::kind.eq("send_receipt")).count().get_result(conn)?;
            Ok((basket.lines.len(), ledger::balance(conn, &ines)?, receipts))
        })
        .await
        .unwrap();
    assert_eq!((left, owed["usd"], receipts), (0, Cents(1_015), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_webhooks_at_once_are_one_sale() {
    let b = at_the_payment_page().await;
    let says = Says::of(&b.order);
    let paid = says.paid();
    let all = futures::future::join_all((0..10).map(|_| takes(&b.shop, &paid))).await;
    assert!(all.iter().all(|kept| *kept == Kept::Settled(b.order.id.clone())));
    let rows = rows(&b.shop, &b.order.id).await;
    assert_eq!((rows.licences.len(), rows.sales, rows.licensed), (2, 1, vec![1, 1]));
}

/// An event whose work failed is not known either: Stripe tells it again and then it is done.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_not_kept_when_its_work_was_not_done() {
    let b = at_the_payment_page().await;
    let paid = Says::of(&b.order).paid();
    let (body, issuer) = (paid.clone(), b.shop.issuer.clone());
    let failed = b
        .shop
        .db
        .write(move |conn| -> cuehouse::Result<()> {
            inbox::take(conn, &body, &issuer, NOW)?;
            Err(cuehouse::Error::internal("the process died"))
        })
        .await;
    assert!(failed.is_err());
    let before = rows(&b.shop, &b.order.id).await;
    assert_eq!((before.events, before.licences.len(), before.state), (0, 0, State::Awaiting));

    // The other way to lose a sale: the event is known, and whoever knew it did nothing about it.
    let (body, says) = (paid.clone(), Says::of(&b.order));
    b.shop
        .db
        .write(move |conn| {
            diesel::insert_into(stripe_events::table)
                .values((
                    stripe_events::id.eq(format!("evt_paid_{}", &says.order[20..])),
                    stripe_events::kind.eq("checkout.session.completed"),
                    stripe_events::order_id.eq(&says.order),
                    stripe_events::body.eq(&body),
                    stripe_events::happened_at.eq(NOW),
                    stripe_events::received_at.eq(NOW),
                ))
                .execute(conn)?;
            Ok(())
        })
        .await
        .unwrap();
    takes(&b.shop, &paid).await;
    let after = rows(&b.shop, &b.order.id).await;
    assert_eq!((after.events, after.licences.len(), after.state), (1, 2, State::Paid));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_refund_ends_the_licences_reverses_the_books_and_writes_to_the_buyer() {
    let b = at_the_payment_page().await;
    let says = Says::of(&b.order);
    takes(&b.shop, &says.paid()).await;
    takes(&b.shop, &says.refunded("part", 5_000, 1_795_000_100)).await;
    let part = rows(&b.shop, &b.order.id).await;
    assert_eq!(part.state, State::Paid, "a part of the money leaves the licence alone");
    assert!(part.licences.iter().all(|(_, status)| status.is_valid()));
    assert_eq!(part.sums["stripe "], -5_800);

    takes(&b.shop, &says.refunded("whole", 10_800, 1_795_000_200)).await;
    // What comes afterwards changes nothing.
    takes(&b.shop, &says.paid()).await;
    takes(&b.shop, &says.session("async", "checkout.session.async_payment_succeeded", 1_795_000_300, "paid"))
        .await;
    let rows = rows(&b.shop, &b.order.id).await;
    assert_eq!(rows.state, State::Refunded);
    let since = cuehouse::clock::Timestamp(1_795_000_200_000);
    assert!(rows.licences.iter().all(|(_, s)| *s == Status::Revoked { since, reason: Reason::Refunded }));
    assert!(rows.sums.values().all(|cents| *cents == 0), "{:?}", rows.sums);
    assert_eq!((rows.licensed, rows.uneven), (vec![0, 0], 0));
    let letters: Vec<String> = b
        .shop
        .db
        .read(|conn| Ok(jobs::table.filter(jobs::kind.eq("send_letter")).select(jobs::payload).load(conn)?))
        .await
        .unwrap();
    assert_eq!(letters.len(), 1);
    assert!(letters[0].contains("refunded") && letters[0].contains("ada@example.org"));
}

/// Whichever of the two is heard first, the order ended with its refund: what is paid after it is owed back.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_after_the_refund_opens_nothing_and_shows_itself() {
    for late_first in [false, true] {
        let b = at_the_payment_page().await;
        let says = Says::of(&b.order);
        let again = says
            .session("again", "checkout.session.completed", 1_795_000_300, "paid")
            .replace("\"pi_", "\"pi_again_")
            .replace("\"id\":\"cs_", "\"id\":\"cs_again_");
        takes(&b.shop, &says.paid()).await;
        let refunded = says.refunded("whole", b.order.total_cents.0, 1_795_000_200);
        let told = if late_first { [&again, &refunded] } else { [&refunded, &again] };
        for event in told {
            takes(&b.shop, event).await;
        }
        let rows = rows(&b.shop, &b.order.id).await;
        assert_eq!(rows.state, State::Refunded, "late first: {late_first}");
        assert!(rows.licences.iter().all(|(_, s)| matches!(s, Status::Revoked { .. })));
        assert!(rows.sums.values().all(|cents| *cents == 0), "{:?}", rows.sums);
        let id = b.order.id.clone();
        let order = b.shop.db.read(move |conn| Order::find(conn, &id)).await.unwrap();
        assert!(order.note.is_some_and(|note| note.contains("Paid again")), "late first: {late_first}");
    }
}

/// Two pages that were open at the same time and both paid: the money is kept, and somebody is asked to look.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_licence_paid_on_two_pages_shows_itself() {
    let bought = at_the_payment_page().await;
    let (shop, first) = (&bought.shop, &bought.order);
    let copper = Slug::parse("copper-weather").unwrap();
    let owner = Owner::Account(bought.buyer.clone());
    shop.db.write(move |conn| basket::take_out(conn, &owner, &copper, "business")).await.unwrap();
    let second = shop.orders(&bought.buyer).await.unwrap();
    assert_ne!(second.id, first.id);
    awaits(shop, &second).await;
    let paid = |order: &Order, at| Says::of(order).session("paid", "checkout.session.completed", at, "paid");
    for _ in 0..2 {
        takes(shop, &paid(first, 1_795_000_005)).await;
        takes(shop, &paid(&second, 1_795_000_009)).await;
    }
    let (first, second) = (rows(shop, &first.id).await, rows(shop, &second.id).await);
    assert_eq!((first.state, second.state), (State::Paid, State::Paid));
    assert_eq!(first.note, None);
    assert!(second.note.is_some_and(|note| note.contains(bought.order.id.as_str())));

    // Bought once more afterwards it is meant.
    let rain = Slug::parse("rain-on-tin").unwrap();
    shop.puts(&Owner::Account(bought.buyer.clone()), &[(&rain, "creator")]).await;
    let third = shop.orders(&bought.buyer).await.unwrap();
    let id = third.id.clone();
    shop.db
        .write(move |conn| {
            let later = orders::created_at.eq(NOW.plus(10_000));
            diesel::update(orders::table.find(&id)).set(later).execute(conn)?;
            Ok(())
        })
        .await
        .unwrap();
    takes(shop, &paid(&third, 1_795_000_020)).await;
    assert_eq!(rows(shop, &third.id).await.note, None);
}

/// A second payment of which Stripe tells only after both were thought over: the licences stay revoked.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_heard_of_too_late_brings_no_revoked_licence_back() {
    let b = at_the_payment_page().await;
    let says = Says::of(&b.order);
    let early = says
        .session("early", "checkout.session.completed", 1_795_000_050, "paid")
        .replace("\"pi_", "\"pi_early_")
        .replace("\"id\":\"cs_", "\"id\":\"cs_early_");
    takes(&b.shop, &says.paid()).await;
    takes(&b.shop, &says.refunded("whole", b.order.total_cents.0, 1_795_000_200)).await;
    takes(&b.shop, &early).await;
    let rows = rows(&b.shop, &b.order.id).await;
    assert_eq!(rows.state, State::Refunded);
    assert!(rows.licences.iter().all(|(_, s)| matches!(s, Status::Revoked { .. })));
    let id = b.order.id.clone();
    let order = b.shop.db.read(move |conn| Order::find(conn, &id)).await.unwrap();
    assert!(order.note.is_some_and(|note| note.contains("Paid again")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_rests_the_licences_and_a_lost_one_ends_them() {
    let b = at_the_payment_page().await;
    let says = Says::of(&b.order);
    takes(&b.shop, &says.paid()).await;
    takes(&b.shop, &says.dispute("charge.dispute.created", "warning_needs_response", 1_795_000_050)).await;
    let asked = rows(&b.shop, &b.order.id).await;
    assert!(asked.licences.iter().all(|(_, s)| s.is_valid()), "a question takes nothing");

    takes(&b.shop, &says.dispute("charge.dispute.updated", "needs_response", 1_795_000_100)).await;
    let open = rows(&b.shop, &b.order.id).await;
    assert!(open.licences.iter().all(|(_, s)| matches!(s, Status::Suspended { .. })));
    assert_eq!(open.state, State::Paid);

    takes(&b.shop, &says.dispute("charge.dispute.closed", "lost", 1_795_000_200)).await;
    let lost = rows(&b.shop, &b.order.id).await;
    assert_eq!(lost.state, State::Refunded);
    assert!(
        lost.licences.iter().all(|(_, s)| matches!(s, Status::Revoked { reason: Reason::DisputeLost, .. }))
    );
    assert!(lost.sums.values().all(|cents| *cents == 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_won_dispute_gives_the_licences_back() {
    let b = at_the_payment_page().await;
    let says = Says::of(&b.order);
    takes(&b.shop, &says.dispute("charge.dispute.closed", "won", 1_795_000_200)).await;
    takes(&b.shop, &says.paid()).await;
    takes(&b.shop, &says.dispute("charge.dispute.created", "needs_response", 1_795_000_100)).await;
    let rows = rows(&b.shop, &b.order.id).await;
    assert!(rows.licences.iter().all(|(_, s)| s.is_valid()));
    assert_eq!(rows.suspended.len(), 2, "that they rested is remembered");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_sum_than_the_order_pays_nothing_and_shows_itself() {
    let b = at_the_payment_page().await;
    let mut says = Says::of(&b.order);
    says.total = 100;
    takes(&b.shop, &says.paid()).await;
    let rows = rows(&b.shop, &b.order.id).await;
    assert_eq!((rows.state, rows.licences.len()), (State::Awaiting, 0));
    assert_eq!(rows.note.as_deref(), Some("Paid $1 instead of $108."));
}

/// By their names, so that a second one is another note to whoever dealt with the first.
#[tokio::test(flavor = "multi_thread")]
async fn refunds_that_failed_show_themselves() {
    let b = at_the_payment_page().await;
    let says = Says::of(&b.order);
    takes(&b.shop, &says.paid()).await;
    for (id, named) in [("a", "(re_a)"), ("b", "(re_a, re_b)")] {
        takes(&b.shop, &says.refund(id, "refund.failed", 10_800, "failed", 1_795_000_300)).await;
        let note = rows(&b.shop, &b.order.id).await.note;
        assert!(note.as_ref().is_some_and(|note| note.contains(named)), "{note:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_read_is_kept_for_an_operator() {
    let b = at_the_payment_page().await;
    let odd =
        r#"{"id":"evt_odd","type":"checkout.session.completed","created":1,"data":{"object":{"id":"cs_1"}}}"#;
    assert_eq!(takes(&b.shop, odd).await, Kept::Puzzling);
    assert_eq!(takes(&b.shop, odd).await, Kept::Puzzling);
    assert_eq!(takes(&b.shop, "not even JSON").await, Kept::Puzzling);
    let stranger = Says { order: OrderId::new().to_string(), total: 5 };
    assert_eq!(takes(&b.shop, &stranger.paid()).await, Kept::Apart);
    let other = r#"{"id":"evt_i","type":"invoice.paid","created":1,"data":{"object":{}}}"#;
    assert_eq!(takes(&b.shop, other).await, Kept::Apart);
    let puzzles = b.shop.db.read(|conn| Puzzle::newest(conn, 10)).await.unwrap();
    assert_eq!(puzzles.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_payment_page_cancels_and_money_that_comes_all_the_same_counts() {
    let b = at_the_payment_page().await;
    let says = Says::of(&b.order);
    takes(&b.shop, &says.session("exp", "checkout.session.expired", 1_795_000_100, "unpaid")).await;
    assert_eq!(b.shop.order(&b.order.id).await.state, State::Cancelled);
    takes(&b.shop, &says.paid()).await;
    assert_eq!(b.shop.order(&b.order.id).await.state, State::Paid);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_costs_nothing_is_settled_at_once_and_books_nothing() {
    let test = TestDb::new().await;
    let shop = Shop::new(&test.db).await;
    let ines = shop.person("Ines").await;
    let buyer = shop.person("Ada").await;
    let (_, rain) = shop.track(&ines, "Rain on tin", &[("listen", 0)]).await;
    shop.puts(&Owner::Account(buyer.clone()), &[(&rain, "listen")]).await;
    let order = shop.orders(&buyer).await.unwrap();
    for _ in 0..2 {
        let (order, issuer) = (order.clone(), shop.issuer.clone());
        shop.db.write(move |conn| settle_free(conn, &order, &issuer, NOW)).await.unwrap();
    }
    let rows = rows(&shop, &order.id).await;
    assert_eq!((rows.state, rows.licences.len(), rows.sums.len()), (State::Paid, 1, 0));
}

/// Any permutation and any repetition of the same events gives the same rows.
#[tokio::test(flavor = "multi_thread")]
async fn neither_the_order_nor_the_number_of_events_matters() {
    let test = TestDb::new().await;
    let shop = Shop::new(&test.db).await;
    let uploaders = [shop.person("Ines").await, shop.person("Tomas").await];
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    for round in 0..24 {
        let (_, rain) = shop.track(&uploaders[0], &format!("Rain {round}"), &[("creator", 2_900)]).await;
        let (_, copper) = shop.track(&uploaders[1], &format!("Copper {round}"), &[("business", 7_900)]).await;
        let mut outcomes = vec![];
        let chosen = prop::collection::vec(any::<bool>(), 12).new_tree(&mut runner).unwrap().current();
        for copy in 0..3 {
            let buyer = shop.person(&format!("Buyer {round} {copy}")).await;
            shop.puts(&Owner::Account(buyer.clone()), &[(&rain, "creator"), (&copper, "business")]).await;
            let order = shop.orders(&buyer).await.unwrap();
            awaits(&shop, &order).await;
            let says = Says::of(&order);
            let all = [
                says.paid(),
                says.session("async", "checkout.session.async_payment_succeeded", 1_795_000_010, "paid"),
                says.session("wait", "checkout.session.completed", 1_794_999_990, "unpaid"),
                says.session("exp", "checkout.session.expired", 1_795_000_020, "unpaid"),
                says.refunded("r1", 1_000, 1_795_000_100),
                says.refunded("r2", 10_800, 1_795_000_200),
                says.refund("a", "refund.created", 1_000, "succeeded", 1_795_000_100),
                says.refund("b", "refund.updated", 9_800, "succeeded", 1_795_000_210),
                says.refund("c", "refund.failed", 10_800, "failed", 1_795_000_300),
                says.dispute("charge.dispute.created", "needs_response", 1_795_000_400),
                says.dispute(
                    "charge.dispute.closed",
                    if round % 2 == 0 { "won" } else { "lost" },
                    1_795_000_500,
                ),
                says.event("x", "customer.created", 1, "{}"),
            ];
            let set: Vec<String> =
                all.into_iter().zip(&chosen).filter(|(_, chosen)| **chosen).map(|(event, _)| event).collect();
            let repeated: Vec<String> = set.iter().chain(&set).cloned().collect();
            let told = Just(repeated).prop_shuffle().new_tree(&mut runner).unwrap().current();
            for event in if copy == 0 { &set } else { &told } {
                takes(&shop, event).await;
            }
            let mut rows = rows(&shop, &order.id).await;
            // Tracks and the inbox are shared by the copies; payments have names of their own.
            rows.licensed.clear();
            rows.events = 0;
            rows.intent = rows.intent.map(|_| "pi".to_owned());
            outcomes.push(rows);
        }
        assert_eq!(outcomes[0], outcomes[1], "round {round}: {chosen:?}");
        assert_eq!(outcomes[0], outcomes[2], "round {round}: {chosen:?}");
        let paid = outcomes[0].paid_at.is_some();
        assert_eq!(outcomes[0].licences.len(), if paid { 2 } else { 0 });
        assert_eq!(outcomes[0].uneven, 0);
    }
    // Every standing licence is counted, and no other.
    let (standing, counted): (i64, Vec<i64>) = shop
        .db
        .read(|conn| {
            let ended = revocations::table.select(revocations::licence_id);
            let standing = licences::table.filter(licences::id.ne_all(ended)).count().get_result(conn)?;
            Ok((standing, tracks::table.select(tracks::licensed).load(conn)?))
        })
        .await
        .unwrap();
    assert_eq!(counted.iter().sum::<i64>(), standing);
}
