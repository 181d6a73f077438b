//! From the basket to the payment page, and back to the order.

use rocket::http::CookieJar;
use rocket::{State, get, post};
use serde::Serialize;

use super::basket::sample_lines;
use super::invoice::Printed;
use crate::App;
use crate::accounts::guards::{Buyer, SignedIn};
use crate::accounts::user::Visitor;
use crate::clock::Timestamp;
use crate::consent::guards::Decided;
use crate::consent::leave::{Navigation, away};
use crate::consent::tell;
use crate::error::{Error, Result};
use crate::guardians::guards::MayBuy;
use crate::ids::OrderId;
use crate::money::Cents;
use crate::sales::basket::{Basket, Line, Owner};
use crate::sales::checkout::{Next, begin, resume};
use crate::sales::edition::Edition;
use crate::sales::invoice::{Invoice, Kind};
use crate::sales::jobs;
use crate::sales::licence::{Held, Status};
use crate::sales::order::{self, Licensee, Order, State as Stands};
use crate::sales::places;
use crate::web::{Attempt, Faults, Fields, FormView, Page, Posted, Reply, View};

/// Where Stripe's own payment pages are.
const STRIPE_PAGES: &str = "https://checkout.stripe.com";

/// `/checkout`.
#[derive(Serialize)]
pub struct Checkout {
    pub lines: Vec<Line>,
    pub total: Cents,
    pub changed: bool,
    /// What the buyer answers to: the lines and prices of this page and no others.
    pub seal: String,
    pub form: FormView,
    pub countries: Vec<Choice>,
    /// The territory groups, where a licence wants one named.
    pub groups: Vec<Choice>,
    /// How many of them may be named; 0 asks for none.
    pub groups_max: u8,
    pub pretend: bool,
}

/// A word of a list.
#[derive(Clone, Serialize)]
pub struct Choice {
    pub slug: String,
    pub name: String,
}

impl Checkout {
    fn new(basket: Basket, form: FormView, app: &App) -> Checkout {
        let groups_max = groups_max(&basket);
        let group = |(slug, name): &(&str, &str)| Choice { slug: (*slug).into(), name: (*name).into() };
        Checkout {
            total: basket.total(),
            changed: basket.has_changed(),
            seal: basket.seal(),
            groups: if groups_max > 0 { places::GROUPS.iter().map(group).collect() } else { vec![] },
            groups_max,
            countries: places::countries()
                .iter()
                .map(|c| Choice { slug: c.code.clone(), name: c.name.clone() })
                .collect(),
            pretend: app.config.stripe.is_pretend(),
            form,
            lines: basket.lines.into_iter().filter(Line::is_sold).collect(),
        }
    }
}

/// How many territory groups every licence of a basket that wants some lets its buyer name.
fn groups_max(basket: &Basket) -> u8 {
    basket.buyable().map(|line| line.groups).filter(|n| *n > 0).min().unwrap_or(0)
}

fn owner(visitor: &Visitor) -> Owner {
    Owner::Account(visitor.id.clone())
}

/// The page that may lead to the payment page: its form ends at another origin.
fn till(page: Page, app: &App) -> Page {
    page.allow_form_to(STRIPE_PAGES).allow_form_to(app.stripe.address())
}

/// What is bought and for whom, before it is paid; without anything to buy, the basket. Whom the last licences were for is
/// filled in.
#[get("/checkout")]
pub async fn new(buyer: Buyer, may: MayBuy, page: Page, app: &State<App>) -> Result<Reply> {
    let (mine, id, currency) = (owner(&buyer), buyer.id.clone(), app.config.currency.clone());
    let (basket, last) = app
        .db
        .read(move |conn| Ok((Basket::of(conn, &mine, &currency)?, Order::settled_of(conn, &id, 1)?.pop())))
        .await?;
    may.pay(basket.total())?;
    if basket.buyable().next().is_none() {
        return Ok(Reply::go("/cart"));
    }
    let form = match last {
        Some(last) => filled(last, groups_max(&basket)),
        None => FormView::filled([("licensee", buyer.name.clone())]),
    };
    till(page, app).show(&Checkout::new(basket, form, app))
}

/// Opens the order and leads to the payment page; to the order when nothing is to pay.
#[post("/checkout", data = "<form>")]
pub async fn create(
    buyer: Buyer,
    may: MayBuy,
    form: Posted,
    page: Page,
    consent: Decided,
    cookies: &CookieJar<'_>,
    app: &State<App>,
) -> Result<Reply> {
    let Posted(fields) = form;
    app.limits.attempt(Attempt::Checkout, buyer.id.as_str())?;
    let (mine, currency) = (owner(&buyer), app.config.currency.clone());
    let basket = app.db.read(move |conn| Basket::of(conn, &mine, &currency)).await?;
    may.pay(basket.total())?;
    let groups_max = groups_max(&basket);
    let licensee = licensee(&fields, groups_max);
    // The page's own form says a country, if only that none is stated. A program that does not know the field is not
    // stopped: the library asks for the territory instead.
    let is_whole = fields.iter().any(|(name, _)| name == "country");
    let faults = faults(&licensee, groups_max, is_whole);
    if !faults.is_empty() && basket.buyable().next().is_some() {
        let form = FormView::new(&fields, faults);
        return till(page, app).show_as(422, &Checkout::new(basket, form, app));
    }
    match begin(app, &buyer.id, &licensee, fields.text("seal")).await? {
        Next::Pay(url) => {
            tell::checkout_began(app, &consent, cookies);
            Ok(Reply::go(url))
        }
        Next::Order(order) => Ok(Reply::go(format!("/orders/{order}"))),
        Next::Empty => Ok(Reply::go("/cart").notice("There is nothing in your basket to pay for.")),
        Next::Changed(basket) if basket.buyable().next().is_none() => Ok(Reply::go("/cart")
            .notice("What was in your basket is not on sale any more. Nothing was charged.")),
        Next::Changed(basket) => {
            let form = FormView::new(&fields, Faults::default());
            let shown = Checkout { changed: true, ..Checkout::new(basket, form, app) };
            till(page, app).show_as(409, &shown)
        }
    }
}

/// The form as the last order left it; the project is another one's.
fn filled(last: Order, groups_max: u8) -> FormView {
    let named = last.groups();
    let named = if named.is_empty() { group_of(&last.country) } else { named };
    let named = named.into_iter().take(usize::from(groups_max)).map(|slug| ("territory", slug));
    let whom = [("licensee", last.licensee), ("company", last.company), ("country", last.country)];
    FormView::filled(whom.into_iter().chain(named))
}

/// The territory group of a country, if one was stated.
fn group_of(country: &str) -> Vec<String> {
    places::country(country).map(|country| country.group.clone()).into_iter().collect()
}

/// Whom the licences are for. A territory that licences want and nobody named is that of the country that was stated.
fn licensee(fields: &Fields, groups_max: u8) -> Licensee {
    let named: Vec<String> = fields.all("territory").into_iter().map(str::to_owned).collect();
    let is_missing = groups_max > 0 && named.is_empty();
    Licensee {
        name: fields.text("licensee").to_owned(),
        company: fields.text("company").to_owned(),
        project: fields.text("project").to_owned(),
        country: fields.text("country").to_owned(),
        territories: if is_missing { group_of(fields.text("country")) } else { named },
    }
}

fn faults(licensee: &Licensee, groups_max: u8, is_whole: bool) -> Faults {
    let mut faults = Faults::default();
    for (field, sentence) in licensee.faults() {
        faults.add(field, sentence);
    }
    if groups_max > 0 && licensee.territories.len() > usize::from(groups_max) {
        let most =
            if groups_max == 1 { "one territory".to_owned() } else { format!("{groups_max} territories") };
        faults.add("territory", format!("Name at most {most}: that is what these licences cover."));
    }
    if groups_max > 0 && licensee.territories.is_empty() && is_whole {
        faults.add(
            "territory",
            "Say where television, radio, venues and events shall be covered: name a territory here, or your country above.",
        );
    }
    faults
}

/// `/orders/<id>`.
#[derive(Serialize)]
pub struct ShowOrder {
    pub order: Order,
    pub lines: Vec<OrderLine>,
    /// Its invoice once it is paid, and the credit note that took it back.
    pub papers: Vec<Printed>,
    pub state: &'static str,
    /// The payment service could not be asked just now.
    pub unheard: bool,
    /// Who sells, as the receipt names them.
    pub seller: String,
    pub seller_country: String,
    /// Where an unpaid order is paid.
    pub pay_href: Option<String>,
}

/// A line of an order and the licence it gave.
#[derive(Serialize)]
pub struct OrderLine {
    pub title: String,
    pub uploader_name: String,
    pub tier: String,
    pub price: Cents,
    /// Where its terms stand.
    pub terms_href: String,
    /// The licence's number, once there is one.
    pub number: Option<String>,
    pub status: Option<Status>,
}

/// An order of one's own. Makes no payment out of coming back: it asks Stripe while nothing was heard.
#[get("/orders/<id>?<cancelled>")]
pub async fn show(
    id: OrderId,
    cancelled: Option<&str>,
    person: SignedIn,
    page: Page,
    app: &State<App>,
) -> Result<Reply> {
    let (order, unheard, news) = heard(app, &id, &person).await?;
    if news {
        // What this page shows beside the order, such as the basket, is older than the news.
        return Ok(Reply::go(format!("/orders/{id}")));
    }
    if cancelled.is_some() && !order.was_paid() {
        return Ok(Reply::go("/cart")
            .notice("You left the payment page. Nothing was charged, and your basket is whole."));
    }
    let (shown, seller) = (order.clone(), app.issuer.operator().clone());
    let (lines, held, names, papers) = app
        .db
        .read(move |conn| {
            let lines = shown.lines(conn)?;
            let hashes: Vec<String> = lines.iter().map(|line| line.terms_hash.clone()).collect();
            Ok((
                lines,
                Held::of_order(conn, &shown.id)?,
                Edition::names(conn, &hashes)?,
                Invoice::of_orders(conn, std::slice::from_ref(&shown.id))?,
            ))
        })
        .await?;
    let lines = lines.into_iter().map(|line| {
        let held = held.iter().find(|held| held.line.id == line.id);
        OrderLine {
            number: held.map(|held| held.licence.number.clone()),
            status: held.map(|held| held.status),
            terms_href: format!("/licences/{}/{}", line.tier, line.terms_hash),
            tier: names.get(&line.terms_hash).cloned().unwrap_or(line.tier),
            title: line.title,
            uploader_name: line.uploader_name,
            price: line.price_cents,
        }
    });
    let waits = order.state == Stands::Awaiting;
    page.show(&ShowOrder {
        lines: lines.collect(),
        papers: papers.into_values().flatten().map(|paper| Printed::of(&paper)).collect(),
        state: order.state.as_str(),
        unheard,
        seller: seller.name,
        seller_country: places::country(&seller.country).map_or(String::new(), |c| c.name.clone()),
        pay_href: (waits && order.stripe_url.is_some()).then(|| format!("/orders/{}/payment", order.id)),
        order,
    })
}

const CHANGED: &str = "Something in that order is not as it was when you agreed to it, so its payment page is closed. \
                       Nothing was charged. Look at your basket as it is now.";

/// Back to the payment page of an order that waits for it, if all of it is still sold as it was agreed. Pages of ours
/// contact nobody, not even by a link.
#[get("/orders/<id>/payment")]
pub async fn payment(id: OrderId, person: SignedIn, _goes: Navigation, app: &State<App>) -> Result<Reply> {
    let buyer = person.id.clone();
    let order = app.db.read(move |conn| Order::own(conn, &id, &buyer)).await?;
    match resume(app, &order).await? {
        Next::Pay(url) => {
            app.stripe.demand_clock()?;
            Ok(away(&url))
        }
        Next::Order(order) => Ok(Reply::go(format!("/orders/{order}"))),
        Next::Changed(_) | Next::Empty => Ok(Reply::go("/cart").notice(CHANGED)),
    }
}

/// The order after Stripe was asked, where nothing was heard of it yet; whether asking failed, and whether it brought
/// the payment.
async fn heard(app: &App, id: &OrderId, person: &Visitor) -> Result<(Order, bool, bool)> {
    let find = || {
        let (id, buyer) = (id.clone(), person.id.clone());
        app.db.read(move |conn| Order::own(conn, &id, &buyer))
    };
    let order = find().await?;
    if !order.is_payable() {
        return Ok((order, false, false));
    }
    match jobs::look_at(app, &order).await {
        Ok(_) => {
            let order = find().await?;
            let news = order.was_paid();
            Ok((order, false, news))
        }
        Err(Error::Internal(fault)) => {
            tracing::error!(error = %Error::Internal(fault), order = %id, "an order could not be looked up at Stripe");
            Ok((order, true, false))
        }
        Err(_) => Ok((order, true, false)),
    }
}

impl View for Checkout {
    const TEMPLATE: &'static str = "sales/checkout.html";

    fn samples() -> Vec<Checkout> {
        let choice = |slug: &str, name: &str| Choice { slug: slug.into(), name: name.into() };
        let full = || Checkout {
            lines: sample_lines(),
            total: Cents(10_800),
            changed: false,
            seal: "seal".into(),
            form: FormView::filled([("licensee", "Ada Field".to_owned()), ("country", "DE".to_owned())]),
            countries: vec![choice("DE", "Germany"), choice("FR", "France")],
            groups: vec![choice("europe", "Europe"), choice("africa", "Africa")],
            groups_max: 1,
            pretend: true,
        };
        let fields = Fields::from_iter([
            ("licensee".to_owned(), String::new()),
            ("territory".to_owned(), "europe".to_owned()),
        ]);
        let faulty = Checkout {
            form: FormView::new(&fields, Faults::of("licensee", "Say who the licences are for.")),
            ..full()
        };
        let free = Checkout {
            total: Cents(0),
            changed: true,
            groups: vec![],
            groups_max: 0,
            pretend: false,
            ..full()
        };
        vec![full(), faulty, free]
    }
}

impl View for ShowOrder {
    const TEMPLATE: &'static str = "sales/order.html";

    fn samples() -> Vec<ShowOrder> {
        let at = Timestamp(1_795_000_000_000);
        let of = |state: order::State| ShowOrder {
            order: order::sample(state, at),
            lines: vec![OrderLine {
                title: "Copper Weather".into(),
                uploader_name: "Ines Morrow".into(),
                tier: "Creator".into(),
                price: Cents(2_900),
                terms_href: "/licences/creator/0".into(),
                number: (state == Stands::Paid).then(|| "7K3M-QQQQ".into()),
                status: (state == Stands::Paid).then_some(Status::Valid),
            }],
            papers: match state {
                Stands::Paid => vec![Printed::sample(Kind::Invoice)],
                Stands::Refunded => Kind::ALL.iter().map(|kind| Printed::sample(*kind)).collect(),
                _ => vec![],
            },
            state: state.as_str(),
            unheard: state == Stands::Awaiting,
            seller: "Cuehouse".into(),
            seller_country: "Germany".into(),
            pay_href: (state == Stands::Awaiting).then(|| "/orders/01/payment".into()),
        };
        Stands::ALL.iter().map(|state| of(*state)).collect()
    }
}
