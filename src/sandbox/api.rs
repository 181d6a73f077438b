//! The calls of Stripe's interface that this server answers, in one table, and how each is done.

use serde_json::Value;

use super::book::Book;
use super::fault::Fault;
use super::objects::list;
use super::params::Params;
use super::records::{Line, Metadata, Session};
use super::shelf::new_id;

type Outcome<T> = std::result::Result<T, Fault>;

/// Seconds within which a Checkout Session ends: Stripe's bounds, and what holds where nothing is said.
const SHORTEST: i64 = 30 * 60;
const LONGEST: i64 = 24 * 3600;
/// The clocks of the two sides may differ by so much, and a call takes time.
const SLACK: i64 = 60;
const LINES: usize = 100;
/// The least and the most that one card payment can be, in cents of a currency with cents.
const LEAST: i64 = 50;
const MOST: i64 = 99_999_999;

/// Does one call. The path is what follows `/v1/`.
pub fn call(book: &mut Book, method: &str, path: &[&str], params: &Params, now: i64) -> Outcome<Value> {
    let expand = params.texts("expand")?;
    let mut answer = match (method, path) {
        ("POST", ["checkout", "sessions"]) => create_session(book, params, now)?,
        ("GET", ["checkout", "sessions"]) => sessions(book, params)?,
        ("GET", ["checkout", "sessions", id]) => {
            params.only(&["expand"])?;
            let session =
                book.session(id).ok_or_else(|| Fault::missing("checkout.session", id, "session"))?;
            book.session_object(session)
        }
        ("GET", ["checkout", "sessions", id, "line_items"]) => session_lines(book, id, params)?,
        ("POST", ["checkout", "sessions", id, "expire"]) => {
            params.only(&["expand"])?;
            book.expire(id, now)?;
            book.object(id).unwrap_or_default()
        }
        ("GET", ["events"]) => events(book, params)?,
        ("GET", ["events", id]) => {
            let event = book.event(id).ok_or_else(|| Fault::missing("event", id, "id"))?;
            book.event_object(event)
        }
        ("GET", ["payment_intents"]) => payments(book, params)?,
        ("GET", ["payment_intents", id]) => one(book, "payment_intent", "pi_", id, "intent")?,
        ("GET", ["charges"]) => charges(book, params)?,
        ("GET", ["charges", id]) => one(book, "charge", "ch_", id, "charge")?,
        ("POST", ["refunds"]) => create_refund(book, params, now)?,
        ("GET", ["refunds"]) => refunds(book, params)?,
        ("GET", ["refunds", id]) => one(book, "refund", "re_", id, "id")?,
        ("GET", ["disputes"]) => disputes(book, params)?,
        ("GET", ["disputes", id]) => one(book, "dispute", "dp_", id, "id")?,
        ("POST", ["disputes", id, "close"]) => {
            book.decide_dispute(id, false, now)?;
            book.object(id).unwrap_or_default()
        }
        ("GET", ["balance_transactions"]) => movements(book, params)?,
        ("GET", ["balance_transactions", id]) => one(book, "balance_transaction", "txn_", id, "id")?,
        _ => return Err(Fault::no_such_address(method, &format!("/v1/{}", path.join("/")))),
    };
    for path in &expand {
        unfold(book, &mut answer, path)?;
    }
    Ok(answer)
}

fn one(book: &Book, what: &str, prefix: &str, id: &str, param: &str) -> Outcome<Value> {
    book.object(id).filter(|_| id.starts_with(prefix)).ok_or_else(|| Fault::missing(what, id, param))
}

fn create_session(book: &mut Book, params: &Params, now: i64) -> Outcome<Value> {
    params.only(&[
        "mode",
        "line_items",
        "success_url",
        "cancel_url",
        "expires_at",
        "customer_email",
        "client_reference_id",
        "metadata",
        "payment_intent_data",
        "payment_method_types",
        "allowed_payment_method_types",
        "locale",
        "submit_type",
        "ui_mode",
        "expand",
    ])?;
    if params.need("mode")? != "payment" {
        let message = "The pretend Stripe knows one-time payments only: mode must be payment.";
        return Err(Fault::invalid(None, message, "mode"));
    }
    params.one_of("ui_mode", &["hosted", "hosted_page"])?;
    for name in ["payment_method_types", "allowed_payment_method_types"] {
        if params.texts(name)?.iter().any(|kind| kind != "card") {
            let message = "The pretend Stripe takes cards only.";
            return Err(Fault::invalid(None, message, name));
        }
    }
    let success_url = address(params, "success_url")?.ok_or_else(|| Fault::lacks("success_url"))?;
    let cancel_url = address(params, "cancel_url")?;
    let customer_email = params.text("customer_email")?;
    if let Some(email) = customer_email.as_ref().filter(|email| !is_email(email)) {
        let message = format!("Invalid email address: {email}");
        return Err(Fault::invalid(Some("email_invalid"), message, "customer_email"));
    }
    let expires_at = params.number("expires_at")?.unwrap_or(now + LONGEST);
    if expires_at < now + SHORTEST - SLACK {
        let message =
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.";
        return Err(Fault::invalid(None, message, "expires_at"));
    }
    if expires_at > now + LONGEST + SLACK {
        let message = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.";
        return Err(Fault::invalid(None, message, "expires_at"));
    }
    let (lines, currency) = lines(params)?;
    let payment = params.group("payment_intent_data")?;
    payment.only(&[
        "metadata",
        "description",
        "capture_method",
        "receipt_email",
        "statement_descriptor_suffix",
    ])?;
    payment.one_of("capture_method", &["automatic", "automatic_async"])?;
    let client_reference_id = params.text("client_reference_id")?;
    if client_reference_id.as_ref().is_some_and(|id| id.chars().count() > 200) {
        let message = "Invalid string: must be at most 200 characters";
        return Err(Fault::invalid(None, message, "client_reference_id"));
    }
    let session = Session {
        id: new_id("cs_test_a1", 58)?,
        created: now,
        expires_at,
        status: "open".to_owned(),
        currency,
        lines,
        success_url,
        cancel_url,
        customer_email,
        client_reference_id,
        locale: params.text("locale")?,
        submit_type: params.one_of("submit_type", &["auto", "book", "donate", "pay", "subscribe"])?,
        metadata: params.metadata("metadata")?,
        payment_metadata: payment.metadata("metadata")?,
        payment_description: payment.text("description")?,
        payment: None,
        payer_email: None,
    };
    let total = session.total();
    if total > 0 && total < LEAST && has_cents(&session.currency) {
        let message = format!(
            "The Checkout Session's total amount due must add up to at least {} {}",
            crate::money::Cents(LEAST),
            session.currency
        );
        return Err(Fault::invalid(Some("amount_too_small"), message, ""));
    }
    if total > MOST {
        let message = "The Checkout Session's total amount due must be no more than 999,999.99";
        return Err(Fault::invalid(Some("amount_too_large"), message, ""));
    }
    let object = book.session_object(&session);
    book.open_session(session);
    Ok(object)
}

fn lines(params: &Params) -> Outcome<(Vec<Line>, String)> {
    let items = params.list("line_items")?;
    if items.is_empty() {
        return Err(Fault::lacks("line_items"));
    }
    if items.len() > LINES {
        let message = "You may only specify up to 100 line items.";
        return Err(Fault::invalid(None, message, "line_items"));
    }
    let mut currency: Option<String> = None;
    let mut lines = Vec::new();
    for item in &items {
        item.only(&["price_data", "quantity"])?;
        let price = item.group("price_data")?;
        price.only(&["currency", "unit_amount", "product_data", "tax_behavior"])?;
        let product = price.group("product_data")?;
        product.only(&["name", "description", "images", "metadata", "tax_code"])?;
        let coin = price.need("currency")?.to_lowercase();
        if coin.len() != 3 || !coin.bytes().all(|byte| byte.is_ascii_lowercase()) {
            let message = format!("Invalid currency: {coin}.");
            return Err(Fault::invalid(None, message, &price.name("currency")));
        }
        if currency.get_or_insert_with(|| coin.clone()) != &coin {
            let message = "All line items must have the same currency.";
            return Err(Fault::invalid(None, message, &price.name("currency")));
        }
        let amount = price.number("unit_amount")?.ok_or_else(|| Fault::lacks(&price.name("unit_amount")))?;
        let quantity = item.number("quantity")?.ok_or_else(|| Fault::lacks(&item.name("quantity")))?;
        if !(0..=MOST).contains(&amount) {
            let message = "Invalid integer: must be between 0 and 99999999";
            return Err(Fault::invalid(
                Some("parameter_invalid_integer"),
                message,
                &price.name("unit_amount"),
            ));
        }
        if !(1..=999_999).contains(&quantity) {
            let message = "This value must be greater than or equal to 1.";
            return Err(Fault::invalid(Some("parameter_invalid_integer"), message, &item.name("quantity")));
        }
        let name = product.need("name")?;
        if name.chars().count() > 5_000 {
            return Err(Fault::invalid(None, "Invalid string: too long", &product.name("name")));
        }
        lines.push(Line {
            id: new_id("li_1", 23)?,
            price: new_id("price_1", 23)?,
            product: new_id("prod_", 14)?,
            name,
            description: product.text("description")?,
            amount,
            quantity,
        });
    }
    Ok((lines, currency.unwrap_or_default()))
}

fn create_refund(book: &mut Book, params: &Params, now: i64) -> Outcome<Value> {
    params.only(&["payment_intent", "charge", "amount", "reason", "metadata", "expand"])?;
    let reason = params.one_of("reason", &["duplicate", "fraudulent", "requested_by_customer"])?;
    let metadata: Metadata = params.metadata("metadata")?;
    let amount = params.number("amount")?;
    let charge = match (params.text("charge")?, params.text("payment_intent")?) {
        (Some(charge), None) => charge,
        (None, Some(id)) => {
            let payment =
                book.payment(&id).ok_or_else(|| Fault::missing("payment_intent", &id, "payment_intent"))?;
            match &payment.latest_charge {
                Some(charge) if payment.status == "succeeded" => charge.clone(),
                _ => {
                    let message =
                        format!("This PaymentIntent ({id}) does not have a successful charge to refund.");
                    return Err(Fault::invalid(
                        Some("payment_intent_unexpected_state"),
                        message,
                        "payment_intent",
                    ));
                }
            }
        }
        (None, None) => {
            let message =
                "One of the following params should be provided for this request: payment_intent or charge.";
            return Err(Fault::invalid(Some("parameter_missing"), message, ""));
        }
        (Some(_), Some(_)) => {
            let message = "You may only specify one of these parameters: payment_intent, charge.";
            return Err(Fault::invalid(None, message, ""));
        }
    };
    let refund = book.give_back(&charge, amount, reason, metadata, now)?;
    Ok(book.refund_object(&refund))
}

fn sessions(book: &Book, params: &Params) -> Outcome<Value> {
    only_filters(params, &["payment_intent", "status", "customer_details"])?;
    let payment = params.text("payment_intent")?;
    let status = params.one_of("status", &["open", "complete", "expired"])?;
    let email = params.group("customer_details")?.text("email")?;
    let found = book.sessions().rev().filter(|session| {
        payment.as_ref().is_none_or(|payment| session.payment.as_ref() == Some(payment))
            && status.as_ref().is_none_or(|status| session.status == *status)
            && email.as_ref().is_none_or(|email| {
                session.payer_email.as_ref().or(session.customer_email.as_ref()) == Some(email)
            })
    });
    page(
        params,
        "/v1/checkout/sessions",
        "checkout.session",
        found,
        |it| (&it.id, it.created),
        |it| book.session_object(it),
    )
}

fn session_lines(book: &Book, id: &str, params: &Params) -> Outcome<Value> {
    let session = book.session(id).ok_or_else(|| Fault::missing("checkout.session", id, "session"))?;
    only_filters(params, &[])?;
    let url = format!("/v1/checkout/sessions/{id}/line_items");
    let lines = session.lines.iter();
    page(
        params,
        &url,
        "item",
        lines,
        |line| (&line.id, session.created),
        |line| book.line_object(session, line),
    )
}

fn events(book: &Book, params: &Params) -> Outcome<Value> {
    only_filters(params, &["type", "types", "delivery_success"])?;
    let kind = params.text("type")?;
    let kinds = params.texts("types")?;
    let arrived = params.one_of("delivery_success", &["true", "false"])?;
    let matches = |pattern: &str, kind: &str| match pattern.strip_suffix('*') {
        Some(prefix) => kind.starts_with(prefix),
        None => kind == pattern,
    };
    let found = book.events().rev().filter(|event| {
        kind.as_ref().is_none_or(|kind| matches(kind, &event.kind))
            && (kinds.is_empty() || kinds.iter().any(|kind| matches(kind, &event.kind)))
            && arrived.as_ref().is_none_or(|arrived| {
                let delivered =
                    book.delivery(&event.id).is_some_and(|delivery| delivery.delivered_at.is_some());
                delivered == (arrived == "true")
            })
    });
    page(params, "/v1/events", "event", found, |it| (&it.id, it.created), |it| book.event_object(it))
}

fn payments(book: &Book, params: &Params) -> Outcome<Value> {
    only_filters(params, &[])?;
    let found = book.payments().rev();
    page(
        params,
        "/v1/payment_intents",
        "payment_intent",
        found,
        |it| (&it.id, it.created),
        |it| book.payment_object(it),
    )
}

fn charges(book: &Book, params: &Params) -> Outcome<Value> {
    only_filters(params, &["payment_intent"])?;
    let payment = params.text("payment_intent")?;
    let found =
        book.charges().rev().filter(|it| payment.as_ref().is_none_or(|payment| it.payment == *payment));
    page(params, "/v1/charges", "charge", found, |it| (&it.id, it.created), |it| book.charge_object(it))
}

fn refunds(book: &Book, params: &Params) -> Outcome<Value> {
    only_filters(params, &["payment_intent", "charge"])?;
    let (payment, charge) = (params.text("payment_intent")?, params.text("charge")?);
    let found = book.refunds().rev().filter(|it| {
        payment.as_ref().is_none_or(|payment| it.payment == *payment)
            && charge.as_ref().is_none_or(|charge| it.charge == *charge)
    });
    page(params, "/v1/refunds", "refund", found, |it| (&it.id, it.created), |it| book.refund_object(it))
}

fn disputes(book: &Book, params: &Params) -> Outcome<Value> {
    only_filters(params, &["payment_intent", "charge"])?;
    let (payment, charge) = (params.text("payment_intent")?, params.text("charge")?);
    let found = book.disputes().rev().filter(|it| {
        payment.as_ref().is_none_or(|payment| it.payment == *payment)
            && charge.as_ref().is_none_or(|charge| it.charge == *charge)
    });
    page(params, "/v1/disputes", "dispute", found, |it| (&it.id, it.created), |it| book.dispute_object(it))
}

fn movements(book: &Book, params: &Params) -> Outcome<Value> {
    only_filters(params, &["source", "type", "currency"])?;
    let (source, kind, currency) = (params.text("source")?, params.text("type")?, params.text("currency")?);
    let charges = book.charges().filter_map(|charge| charge.movement.as_deref());
    let refunds = book.refunds().map(|refund| refund.movement.as_str());
    let disputes = book
        .disputes()
        .flat_map(|dispute| std::iter::once(dispute.movement.as_str()).chain(dispute.reinstated.as_deref()));
    let mut found: Vec<Value> =
        charges.chain(refunds).chain(disputes).filter_map(|id| book.movement(id)).collect();
    found.retain(|it| {
        source.as_ref().is_none_or(|source| it["source"] == **source)
            && kind.as_ref().is_none_or(|kind| it["type"] == **kind)
            && currency.as_ref().is_none_or(|currency| it["currency"] == **currency)
    });
    found.sort_by_key(|it| -it["created"].as_i64().unwrap_or(0));
    let key =
        |it: &&Value| (it["id"].as_str().unwrap_or_default().to_owned(), it["created"].as_i64().unwrap_or(0));
    let keyed: Vec<(String, i64, &Value)> = found.iter().map(|it| (key(&it).0, key(&it).1, it)).collect();
    page(
        params,
        "/v1/balance_transactions",
        "balance_transaction",
        keyed.iter(),
        |(id, created, _)| (id, *created),
        |(_, _, it)| (*it).clone(),
    )
}

fn only_filters(params: &Params, own: &[&str]) -> Outcome<()> {
    let mut known = vec!["limit", "starting_after", "ending_before", "created", "expand"];
    known.extend(own);
    params.only(&known)
}

/// One page of what was found, the youngest first as Stripe has it.
fn page<'a, T: 'a>(
    params: &Params,
    url: &str,
    what: &str,
    found: impl Iterator<Item = &'a T>,
    key: impl Fn(&T) -> (&String, i64),
    show: impl Fn(&T) -> Value,
) -> Outcome<Value> {
    let limit = params.number("limit")?.unwrap_or(10);
    if !(1..=100).contains(&limit) {
        let message = "Invalid integer: limit must be between 1 and 100";
        return Err(Fault::invalid(Some("parameter_invalid_integer"), message, "limit"));
    }
    let limit = limit as usize;
    let within = created(params)?;
    let mut all: Vec<&T> = found.filter(|it| within(key(it).1)).collect();
    let place = |all: &[&T], name: &str| -> Outcome<Option<usize>> {
        let Some(id) = params.text(name)? else { return Ok(None) };
        let place = all.iter().position(|it| *key(it).0 == id);
        place.map(Some).ok_or_else(|| Fault { status: 400, ..Fault::missing(what, &id, name) })
    };
    let (after, before) = (place(&all, "starting_after")?, place(&all, "ending_before")?);
    let has_more = match (after, before) {
        (Some(_), Some(_)) => {
            let message = "You cannot parameterize both starting_after and ending_before.";
            return Err(Fault::invalid(None, message, ""));
        }
        (_, Some(before)) => {
            all.truncate(before);
            let more = all.len() > limit;
            all.drain(..all.len().saturating_sub(limit));
            more
        }
        (after, None) => {
            all.drain(..after.map_or(0, |place| place + 1));
            let more = all.len() > limit;
            all.truncate(limit);
            more
        }
    };
    Ok(list(url, all.into_iter().map(show).collect(), has_more))
}

/// `created=…` or `created[gte]=…` and its sisters.
fn created(params: &Params) -> Outcome<impl Fn(i64) -> bool + use<>> {
    let mut bounds: Vec<(String, i64)> = Vec::new();
    if params.has("created") {
        if let Ok(Some(exactly)) = params.number("created") {
            bounds.push(("exactly".to_owned(), exactly));
        } else {
            let range = params.group("created")?;
            range.only(&["gt", "gte", "lt", "lte"])?;
            for name in ["gt", "gte", "lt", "lte"] {
                bounds.extend(range.number(name)?.map(|bound| (name.to_owned(), bound)));
            }
        }
    }
    Ok(move |at: i64| {
        bounds.iter().all(|(name, bound)| match name.as_str() {
            "gt" => at > *bound,
            "gte" => at >= *bound,
            "lt" => at < *bound,
            "lte" => at <= *bound,
            _ => at == *bound,
        })
    })
}

/// Puts whole objects where an answer has their ids, along a path such as `data.payment_intent.latest_charge`.
fn unfold(book: &Book, object: &mut Value, path: &str) -> Outcome<()> {
    let (member, rest) = path.split_once('.').map_or((path, None), |(member, rest)| (member, Some(rest)));
    let never = || {
        let message = format!("This property cannot be expanded ({member}).");
        Fault::invalid(None, message, "expand")
    };
    if path.matches('.').count() > 3 {
        let message = "You cannot expand more than 4 levels of a property.";
        return Err(Fault::invalid(None, message, "expand"));
    }
    if member == "data" && object["object"] == "list" {
        let rest = rest.ok_or_else(never)?;
        for item in object["data"].as_array_mut().into_iter().flatten() {
            unfold(book, item, rest)?;
        }
        return Ok(());
    }
    if member == "line_items" && object["object"] == "checkout.session" {
        let id = object["id"].as_str().unwrap_or_default().to_owned();
        object["line_items"] = session_lines(book, &id, &Params::default())?;
        return Ok(());
    }
    const EXPANDABLE: &[&str] = &[
        "payment_intent",
        "latest_charge",
        "charge",
        "balance_transaction",
        "payment_method",
        "source",
        "refunds",
        "customer",
        "data",
    ];
    if !EXPANDABLE.contains(&member) || object.get(member).is_none() {
        return Err(never());
    }
    let inner = &mut object[member];
    if let Some(whole) = inner.as_str().and_then(|id| book.object(id)) {
        *inner = whole;
    }
    match rest {
        Some(rest) if inner.is_object() => unfold(book, inner, rest),
        _ => Ok(()),
    }
}

fn address(params: &Params, name: &str) -> Outcome<Option<String>> {
    let Some(text) = params.text(name)? else { return Ok(None) };
    // The place of the id is filled in later; as it stands it is no part of an address.
    match url::Url::parse(&text.replace("{CHECKOUT_SESSION_ID}", "cs")) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(Some(text)),
        _ => Err(Fault::invalid(Some("url_invalid"), "Not a valid URL", name)),
    }
}

/// Whether this could be an e-mail address: one `@` with something on both sides, a dot behind, no space.
pub fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty()
            && host.split('.').count() > 1
            && host.split('.').all(|label| !label.is_empty())
            && !text.contains(|c: char| c.is_whitespace() || c.is_control() || "<>,;\"".contains(c))
            && !host.contains('@')
            && text.len() <= 254
    })
}

fn has_cents(currency: &str) -> bool {
    ![
        "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv", "xaf",
        "xof", "xpf",
    ]
    .contains(&currency)
}
