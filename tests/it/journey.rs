//! The shop's whole story, told once from end to end as its people live it: somebody joins and sells, a reviewer
//! listens, somebody else finds, pays, gets and proves, and everything is given back.

use std::process::Output;
use std::time::Duration;

use cuehouse::ids::OrderId;
use cuehouse::sales::ledger::{self, Account};
use cuehouse::sales::order::Order;

use crate::accounts::{link, newest_letter, signs_in, signs_up};
use crate::sales::http::{numbers, pays, refunds, tries_card};
use crate::studio::{describes, draft};
use crate::support::app::{PASSWORD, TestApp, email_of};
use crate::support::browser::{Browser, Seen};
use crate::support::paper::words_on;
use crate::support::wavs::music;

const DECLINED: &str = "4000000000000002";

/// A track on its way through the story.
struct Piece {
    slug: String,
    master: Vec<u8>,
}

impl Piece {
    fn at(&self, name: &str) -> String {
        format!("/tracks/{}/{name}", self.slug)
    }

    fn href(&self) -> String {
        format!("/tracks/{}", self.slug)
    }
}

/// S3-01, S3-05, S2-08: everything the shop is for, in one go.
#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_sold_delivered_proved_and_given_back() {
    let app = TestApp::new().await;
    let mut ines = joins(&app, "Ines Morrow").await;
    let mut tomas = joins(&app, "Tomas Vale").await;
    opens_a_studio(&mut ines, "ines-morrow").await;
    opens_a_studio(&mut tomas, "tomas").await;

    let rain = uploads(&app, &mut ines, "rain_over_the_cathedral.wav", 1, RAIN).await;
    let copper = uploads(&app, &mut tomas, "copper_weather.wav", 2, COPPER).await;
    is_reviewed(&app, &mut ines, &rain).await;
    is_published(&app, &copper).await;

    let mut ada = app.visitor();
    is_found(&mut ada, &rain, &copper).await;
    is_heard(&mut ada, &rain).await;
    fills_a_basket(&mut ada, &rain, &copper).await;
    joins(&app, "Ada Field").await;
    signs_in_with_the_basket(&mut ada).await;
    let page = is_told_of_the_new_price(&app, &mut ines, &rain, &mut ada).await;
    let order = pays_at_the_second_try(&app, &mut ada, &page).await;

    is_granted(&app, &mut ada, &order, [&mut ines, &mut tomas]).await;
    let licences = is_delivered(&app, &mut ada, [&rain, &copper]).await;
    is_proved(&app, &mut ada, &licences).await;
    is_clean(&app);
    is_given_back(&app, &mut ada, &order, &licences, [&mut ines, &mut tomas]).await;
    is_clean(&app);
}

/// The age screen, the form, the letter, the link in it, and the way in.
async fn joins(app: &TestApp, name: &str) -> Browser {
    let email = email_of(name);
    let (mut browser, seen) = signs_up(app, name, &email).await;
    assert_eq!(seen.is(303).location(), "/sign-up/letter");
    let letter = newest_letter(app, &email).await;
    let confirm = link(app, &letter, "/confirm/");
    browser.get(&confirm).await.is(303);
    signs_in(&mut browser, &email, PASSWORD).await.is(303);
    assert!(browser.get("/account").await.is(200).has(&email));
    browser
}

async fn opens_a_studio(who: &mut Browser, handle: &str) {
    who.get("/studio/uploads/new").await.is(403);
    who.send("/studio", "/studio/welcome", &[("handle", handle), ("agreement", "yes")]).await.is(303);
    assert!(who.get("/studio").await.is(200).has("Your board is empty"));
}

const RAIN: &[(&str, &str)] = &[
    ("title", "Rain over the cathedral"),
    ("description", "Strings and slow rain."),
    ("kind", "music"),
    ("genre", "ambient"),
    ("mood", "reflective"),
    ("instrument", "piano"),
    ("tags", "rain, slow build"),
    ("bpm", "120"),
    ("key", "am"),
    ("under_age", "no"),
    ("price.listen", "3.00"),
    ("price.creator", "29.00"),
    ("price.business", "79.00"),
];

const COPPER: &[(&str, &str)] = &[
    ("title", "Copper weather"),
    ("description", "Bowed metal under a grey sky."),
    ("kind", "music"),
    ("genre", "ambient"),
    ("under_age", "no"),
    ("price.business", "79.00"),
];

/// A WAV becomes a described track that waits for review.
async fn uploads(app: &TestApp, who: &mut Browser, name: &str, seed: u64, words: &[(&str, &str)]) -> Piece {
    let master = music(seed, 6.0);
    let slug = draft(app, who, name, &master).await;
    describes(who, &slug, words).await.is(303);
    let edit = format!("/studio/tracks/{slug}/edit");
    let kept = who.get(&edit).await.is(200);
    for (_, typed) in words.iter().filter(|(name, _)| name.starts_with("price.") || *name == "title") {
        assert!(kept.has(&format!("value=\"{typed}\"")), "{typed} in {}", kept.text());
    }
    who.send(&edit, &format!("/studio/tracks/{slug}/submission"), &[]).await.is(303);
    assert!(who.get("/studio").await.is(200).has("In review"));
    Piece { slug, master }
}

/// A reviewer listens and refuses; the reason reaches the uploader, who mends it; then it is published.
async fn is_reviewed(app: &TestApp, ines: &mut Browser, rain: &Piece) {
    const REASON: &str = "The description promises strings, and there are none.";
    let mut rae = app.reviewer().await;
    let at = format!("/admin/review/{}", rain.slug);
    assert!(rae.get("/admin/review").await.is(200).link(&at).is_some());
    let page = rae.get(&at).await.is(200);
    assert!(page.has("Strings and slow rain.") && page.has("$29") && page.has("44.1 kHz"));
    let preview = page.link(&format!("{at}/preview")).unwrap_or_else(|| format!("{at}/preview.mp3"));
    let part = rae.get_with(&preview, &[("Range", "bytes=100-199")]).await.is(206);
    assert_eq!((part.bytes.len(), part.header("content-type")), (100, Some("audio/mpeg")));
    app.visitor().get(&rain.href()).await.is(404);
    app.visitor().get(&rain.at("sample.mp3")).await.is(404);

    rae.send(&at, &format!("{at}/refusal"), &[("reason", REASON)]).await.is(303);
    let letter = newest_letter(app, &email_of("Ines Morrow")).await;
    assert!(letter.text.contains(REASON), "{}", letter.text);
    let edit = link(app, &letter, "/studio/tracks/");
    assert!(ines.get("/studio").await.is(200).has(REASON));
    assert!(ines.get(&edit).await.is(200).has(REASON));

    let mut words = RAIN.to_vec();
    words[1] = ("description", "A felt piano and slow rain.");
    words.push(("then", "submission"));
    describes(ines, &rain.slug, &words).await.is(303);
    let page = rae.get(&at).await.is(200);
    assert!(page.has("A felt piano") && page.has(REASON), "the reviewer sees what was said before");
    rae.send(&at, &format!("{at}/publication"), &[]).await.is(303);
    let letter = newest_letter(app, &email_of("Ines Morrow")).await;
    assert!(letter.text.contains(&rain.href()), "{}", letter.text);
    assert!(ines.get("/studio").await.is(200).has("In the shop"));
}

async fn is_published(app: &TestApp, piece: &Piece) {
    let mut ray = app.person("Ray Reviewer", &[cuehouse::accounts::user::Role::Reviewer]).await;
    let at = format!("/admin/review/{}", piece.slug);
    ray.send(&at, &format!("{at}/publication"), &[]).await.is(303);
}

/// By its words, by a slip of the finger, and by walking through the filters.
async fn is_found(ada: &mut Browser, rain: &Piece, copper: &Piece) {
    let found = ada.waits_for("/search?q=cathedral", &rain.href()).await;
    assert!(!found.has(&copper.href()));
    ada.waits_for("/search?q=copper", &copper.href()).await;
    let slipped = ada.get("/search?q=cathedrel").await.is(200);
    assert!(slipped.has(&rain.href()) && !slipped.has(&copper.href()));

    let all = ada.get("/search").await.is(200);
    assert!(all.has(&rain.href()) && all.has(&copper.href()));
    let facet =
        all.links().into_iter().find(|to| to.starts_with("/search?") && to.contains("mood=reflective"));
    let narrowed = ada.get(&facet.expect("a filter by mood")).await.is(200);
    assert!(narrowed.has(&rain.href()) && !narrowed.has(&copper.href()));
    assert!(ada.get("/").await.is(200).has(&rain.href()), "the front page shows what is new");
}

/// What anyone may hear, whole and in parts; and what nobody may.
async fn is_heard(ada: &mut Browser, rain: &Piece) {
    let page = ada.get(&rain.href()).await.is(200);
    let sample = page.link(&rain.at("sample.mp3")).expect("a sample to play");
    let whole = ada.get(&sample).await.is(200);
    let tag = whole.header("etag").unwrap().to_owned();
    let len = whole.bytes.len();
    let mut heard = vec![];
    for first in (0..len).step_by(len.div_ceil(3)) {
        let range = format!("bytes={first}-{}", first + len.div_ceil(3) - 1);
        let part = ada.get_with(&sample, &[("Range", &range), ("If-Range", &tag)]).await.is(206);
        assert!(part.header("content-range").unwrap().ends_with(&format!("/{len}")));
        heard.extend(part.bytes);
    }
    assert!(heard == whole.bytes, "the parts are the whole");
    ada.get_with(&sample, &[("Range", &format!("bytes={len}-"))]).await.is(416);
    ada.get_with(&sample, &[("If-None-Match", &tag)]).await.is(304);
    ada.get(&rain.at("preview.mp3")).await.is(403);
    for guess in ["master", "master.wav", "rain-over-the-cathedral.wav"] {
        assert_eq!(ada.get(&rain.at(guess)).await.status, 404, "{guess}");
    }
    ada.get(&format!("/studio/tracks/{}/master", rain.slug)).await.is(303);
}

async fn fills_a_basket(ada: &mut Browser, rain: &Piece, copper: &Piece) {
    for (piece, tier) in [(rain, "creator"), (copper, "business")] {
        let fields = [("track", piece.slug.as_str()), ("tier", tier)];
        assert_eq!(ada.send(&piece.href(), "/cart", &fields).await.is(303).location(), "/cart");
    }
    let cart = ada.get("/cart").await.is(200);
    for words in ["Rain over the cathedral", "Copper weather", "$29", "$79", "$108", "Basket, 2"] {
        assert!(cart.has(words), "{words} in {}", cart.text());
    }
}

/// Checkout asks who it is, and leads on with the same basket.
async fn signs_in_with_the_basket(ada: &mut Browser) {
    let door = ada.get("/checkout").await.is(303).location().to_owned();
    assert!(door.starts_with("/sign-in?next="), "{door}");
    let email = email_of("Ada Field");
    let fields = [("email", email.as_str()), ("password", PASSWORD)];
    assert_eq!(ada.send(&door, "/sign-in", &fields).await.is(303).location(), "/checkout");
    let cart = ada.get("/cart").await.is(200);
    assert!(cart.has("Rain over the cathedral") && cart.has("Copper weather") && cart.has("$108"));
    assert!(ada.get("/library").await.is(200).has("Nothing licensed yet"));
}

/// A price changes while somebody stands at the checkout. Answers the payment page of what was agreed at last.
async fn is_told_of_the_new_price(
    app: &TestApp,
    ines: &mut Browser,
    rain: &Piece,
    ada: &mut Browser,
) -> String {
    let checkout = ada.get("/checkout").await.is(200);
    assert!(checkout.has("Pay $108"));
    let mut words = RAIN.to_vec();
    words[1] = ("description", "A felt piano and slow rain.");
    *words.iter_mut().find(|(name, _)| *name == "price.creator").unwrap() = ("price.creator", "39.00");
    describes(ines, &rain.slug, &words).await.is(303);
    assert!(app.visitor().get(&rain.href()).await.is(200).has("$39"), "it stays in the shop");

    let told = sends_checkout(ada, &checkout).await.is(409);
    assert!(told.has("Something changed") && told.has("Pay $118") && told.has("value=\"Ada Field\""));
    assert!(ada.get("/cart").await.is(200).has("$39"));
    let page = sends_checkout(ada, &told).await.is(303).location().to_owned();
    assert!(page.starts_with(&app.stripe.url), "{page}");
    page
}

/// Sends the form of a checkout page as it stands there.
async fn sends_checkout(ada: &mut Browser, page: &Seen) -> Seen {
    let mut fields = page.form("/checkout");
    for (name, value) in [("licensee", "Ada Field"), ("company", "Field & Söhne GmbH"), ("country", "DE")] {
        fields.push((name.into(), value.into()));
    }
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    ada.post("/checkout", &fields).await
}

/// The first card is declined and nothing is granted; the second pays. Answers the order's address.
async fn pays_at_the_second_try(app: &TestApp, ada: &mut Browser, page: &str) -> String {
    let bill = ada.ask(reqwest::Method::GET, page, &[], None).await.is(200);
    assert!(bill.has("Rain over the cathedral") && bill.has("Copper weather") && bill.has("$118"));
    let declined = tries_card(app, ada, page, DECLINED).await.is(402);
    assert!(declined.has("Your card was declined."));
    assert!(app.stripe.settled(Duration::from_secs(20)).await);
    assert!(ada.get("/library").await.is(200).has("Nothing licensed yet"));
    assert!(ada.get("/cart").await.is(200).has("Copper weather"), "the basket is whole");
    is_clean(app);

    let back = pays(app, ada, page).await;
    assert!(app.stripe.settled(Duration::from_secs(20)).await, "webhooks arrive");
    back.split('?').next().unwrap().to_owned()
}

async fn order_at(app: &TestApp, at: &str) -> Order {
    let id = OrderId::parse(at.strip_prefix("/orders/").unwrap()).unwrap();
    app.app.db.read(move |conn| Order::find(conn, &id)).await.unwrap()
}

/// The sums of the books by account: Stripe's, the platform's, the uploaders' together.
async fn books(app: &TestApp, at: &str) -> [i64; 3] {
    let id = order_at(app, at).await.id;
    let sums = app.app.db.read(move |conn| ledger::sums(conn, &id)).await.unwrap();
    [Account::Stripe, Account::Platform, Account::Uploader]
        .map(|of| sums.iter().filter(|((account, _), _)| *account == of).map(|(_, cents)| cents.0).sum())
}

/// One licence a line, the money where it belongs, a letter and an invoice.
async fn is_granted(app: &TestApp, ada: &mut Browser, at: &str, uploaders: [&mut Browser; 2]) {
    let order = ada.get(at).await.is(200);
    for words in ["Thank you", "$39", "$79", "$118", "Ada Field", "Field &amp; Söhne GmbH"] {
        assert!(order.has(words), "{words} in {}", order.text());
    }
    assert!(ada.get("/cart").await.is(200).has("Your basket is empty"));
    let completed = app.stripe.told().into_iter().find(|t| t.kind == "checkout.session.completed").unwrap();
    assert_eq!(app.stripe.send_at_once(&completed.id, 5).await.unwrap(), [200; 5], "told again");
    assert_eq!(numbers(&ada.get("/library").await.is(200)).len(), 2, "one a line, however often it is told");

    // 35 % of $39 and of $79 are the uploaders'.
    assert_eq!(books(app, at).await, [-11_800, 11_800 - 1_365 - 2_765, 1_365 + 2_765]);
    for (uploader, earned) in uploaders.into_iter().zip(["$13.65", "$27.65"]) {
        let board = uploader.get("/studio").await.is(200);
        assert!(board.has(earned), "{earned} in {}", board.text());
    }

    for _ in 0..2 {
        app.run_jobs().await;
    }
    let letter = newest_letter(app, &email_of("Ada Field")).await;
    assert!(letter.text.contains("$118") && letter.text.contains("Copper weather"), "{}", letter.text);
    assert_eq!(link(app, &letter, "/library"), "/library");
    let invoice = link(app, &letter, &format!("{at}/invoice.pdf"));
    assert_eq!(order.link(&format!("{at}/invoice")), Some(invoice.clone()));
    let paper = ada.get(&invoice).await.is(200);
    if let Some(words) = words_on(&paper.bytes) {
        for expected in
            ["Ada Field", "Rain over the cathedral", "39.00 USD", "Copper weather", "Total 118.00 USD"]
        {
            assert!(words.contains(expected), "{expected} in {words}");
        }
    }
}

/// A licence as its holder has it.
struct Owned {
    number: String,
    title: &'static str,
    /// Where its master is fetched.
    master: String,
}

/// The library hands out what the uploaders gave, byte for byte.
async fn is_delivered(app: &TestApp, ada: &mut Browser, pieces: [&Piece; 2]) -> Vec<Owned> {
    let library = ada.get("/library").await.is(200);
    let mut owned = vec![];
    for (piece, title) in pieces.into_iter().zip(["Rain over the cathedral", "Copper weather"]) {
        let file =
            library.links().into_iter().find(|to| to.starts_with("/library/") && to.contains(&piece.slug));
        let master = file.unwrap_or_else(|| panic!("no file of {title} in {}", library.text()));
        let got = ada.get(&master).await.is(200);
        assert!(got.bytes == piece.master, "{title}: the master, byte for byte");
        assert!(got.header("content-disposition").unwrap().contains("attachment"));
        let half = piece.master.len() / 2;
        let rest = ada.get_with(&master, &[("Range", &format!("bytes={half}-"))]).await.is(206);
        assert!(rest.bytes == piece.master[half..], "a broken download goes on");
        let number = master.split('/').nth(2).unwrap().to_owned();
        app.visitor().get(&master).await.is(303);
        owned.push(Owned { number, title, master });
    }
    let mut others = app.buyer("Ben Other").await;
    others.get(&owned[0].master).await.is(404);
    owned
}

/// What anyone can check: on the site, and without it.
async fn is_proved(app: &TestApp, ada: &mut Browser, licences: &[Owned]) {
    for owned in licences {
        let page = app.visitor().get(&format!("/verify/{}", owned.number)).await.is(200);
        for words in ["Valid", "Ada Field", owned.title] {
            assert!(page.has(words), "{words} in {}", page.text());
        }
        assert!(!page.has(&email_of("Ada Field")) && !page.has("$39"));
        for kind in ["pdf", "json"] {
            let file = ada.get(&format!("/library/{}/certificate.{kind}", owned.number)).await.is(200);
            let path = app.folder.path().join(format!("{}.{kind}", owned.number));
            std::fs::write(&path, &file.bytes).unwrap();
            assert_eq!(verify(app, &path).status.code(), Some(0), "{:?}", verify(app, &path));
            let mut flipped = file.bytes.clone();
            let at = flipped.windows(9).position(|nine| nine == b"Ada Field").unwrap();
            flipped[at] ^= 1;
            std::fs::write(&path, &flipped).unwrap();
            assert_eq!(verify(app, &path).status.code(), Some(1), "a flipped bit");
        }
    }
}

/// The command on a file, with the keys that lie in the shop's folder.
fn verify(app: &TestApp, file: &std::path::Path) -> Output {
    app.cuehouse(&["verify", &file.display().to_string()])
}

/// The operator's proof of every promise, beside the running shop.
fn is_clean(app: &TestApp) {
    let said = app.cuehouse(&["check", "--deep"]);
    let words = String::from_utf8_lossy(&said.stdout);
    assert!(said.status.success() && words.contains("Every promise holds"), "{said:?}");
}

/// All of it is given back at Stripe: the licences end, the books are even, the papers stay.
async fn is_given_back(
    app: &TestApp,
    ada: &mut Browser,
    at: &str,
    licences: &[Owned],
    uploaders: [&mut Browser; 2],
) {
    let payment = order_at(app, at).await.payment_intent.unwrap();
    refunds(app, &payment).await;
    let order = ada.get(at).await.is(200);
    assert!(order.has("Refunded"));
    for owned in licences {
        let page = app.visitor().get(&format!("/verify/{}", owned.number)).await.is(200);
        assert!(page.has("Refunded: revoked"), "{}", page.text());
        ada.get(&owned.master).await.is(403);
        ada.get(&format!("/library/{}/certificate.pdf", owned.number)).await.is(200);
    }
    let library = ada.get("/library").await.is(200);
    assert!(library.has("This licence ended on") && !library.links().contains(&licences[0].master));
    assert_eq!(books(app, at).await, [0, 0, 0]);
    for uploader in uploaders {
        let board = uploader.get("/studio").await.is(200);
        assert!(!board.has("$13.65") && !board.has("$27.65"), "{}", board.text());
    }

    for _ in 0..2 {
        app.run_jobs().await;
    }
    let letter = newest_letter(app, &email_of("Ada Field")).await;
    assert!(letter.subject.contains("refunded") && letter.text.contains("Copper weather"), "{}", letter.text);
    let note = link(app, &letter, &format!("{at}/credit-note.pdf"));
    assert_eq!(order.link(&format!("{at}/credit-note")), Some(note.clone()));
    let paper = ada.get(&note).await.is(200);
    if let Some(words) = words_on(&paper.bytes) {
        assert!(words.contains("Takes back invoice") && words.contains("Total −118.00 USD"), "{words}");
    }
    ada.get(&format!("{at}/invoice.pdf")).await.is(200);
}
