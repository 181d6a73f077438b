//! Certificates and what proves them: anyone can check one, and nobody can change one.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use cuehouse::proof::Operator;
use cuehouse::proof::issuer::{self, Published, read_document};
use cuehouse::sales::certificate;
use cuehouse::sales::credential::CONTEXT;
use cuehouse::sales::edition;
use cuehouse::sales::licence::Held;
use cuehouse::sales::scope::Term;
use cuehouse::sales::tier::{Catalogue, PriceBounds, Tier, default_catalogue};
use cuehouse::sales::verify::{Verdict, check};
use cuehouse::secrets::sha256;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::http::{adds, buys, numbers, pays, rain};
use crate::support::app::TestApp;
use crate::support::database::TestDb;
use crate::support::folder::TestFolder;
use crate::support::shop::{NOW, SECRET, Shop, operator};

/// A certificate, who signed it and with what keys.
struct Issued {
    json: String,
    pdf: Vec<u8>,
    did: String,
    keys: Vec<Published>,
}

async fn issued() -> Issued {
    use cuehouse::sales::basket::Owner;
    let test = TestDb::new().await;
    let shop = Shop::new(&test.db).await;
    let ines = shop.person("Ines Morrow").await;
    let buyer = shop.person("Ada").await;
    let (_, rain) = shop.track(&ines, "Rain on tin", &[("creator", 0)]).await;
    shop.puts(&Owner::Account(buyer.clone()), &[(&rain, "creator")]).await;
    let order = shop.orders(&buyer).await.unwrap();
    let (paid, signs) = (order.clone(), shop.issuer.clone());
    let (json, keys) = shop
        .db
        .write(move |conn| {
            cuehouse::sales::settle::settle_free(conn, &paid, &signs, NOW)?;
            let held = Held::of_order(conn, &paid.id)?.remove(0);
            Ok((held.licence.credential, issuer::published(conn)?))
        })
        .await
        .unwrap();
    let pdf = certificate::pdf(&json, &shop.issuer, NOW).unwrap();
    Issued { json, pdf, did: shop.issuer.did().to_owned(), keys }
}

/// What a certificate says of a Business licence of these settings, and whether the shop stands behind its indemnity.
async fn certified(edit: fn(&mut Tier), indemnity: bool) -> Value {
    use cuehouse::sales::basket::Owner;
    let test = TestDb::new().await;
    let mut shop = Shop::new(&test.db).await;
    let mut tiers = default_catalogue();
    tiers.iter_mut().filter(|tier| tier.slug == "business").for_each(edit);
    // What it leads to, and what leads to it, is not asked here.
    tiers.iter_mut().for_each(|tier| tier.upgrades_to.clear());
    let catalogue = Catalogue::new(tiers, PriceBounds::default(), 30).unwrap();
    let operator = Operator { indemnity, ..operator() };
    shop.issuer = shop
        .db
        .write(move |conn| {
            edition::seed(conn, &catalogue, NOW)?;
            issuer::Issuer::open(conn, SECRET, &operator, NOW)
        })
        .await
        .unwrap();
    let (ines, buyer) = (shop.person("Ines Morrow").await, shop.person("Ada").await);
    let (_, rain) = shop.track(&ines, "Rain on tin", &[("business", 0)]).await;
    shop.puts(&Owner::Account(buyer.clone()), &[(&rain, "business")]).await;
    let (order, signs) = (shop.orders(&buyer).await.unwrap(), shop.issuer.clone());
    let (json, keys) = shop
        .db
        .write(move |conn| {
            cuehouse::sales::settle::settle_free(conn, &order, &signs, NOW)?;
            let held = Held::of_order(conn, &order.id)?.remove(0);
            Ok((held.licence.credential, issuer::published(conn)?))
        })
        .await
        .unwrap();
    assert!(certificate::pdf(&json, &shop.issuer, NOW).is_ok());
    let Verdict::Intact(document) = check(json.as_bytes(), shop.issuer.did(), &keys) else {
        panic!("not intact: {json}")
    };
    document
}

/// One field of a certificate's scope.
fn clause<'a>(document: &'a Value, field: &str) -> &'a Value {
    let all = document["credentialSubject"]["scope"].as_array().unwrap();
    all.iter().find(|clause| clause["field"] == field).unwrap()
}

/// LICENCES, sections 7 to 9: a term that ends is a date in four places, and groups that were named are countries.
#[tokio::test(flavor = "multi_thread")]
async fn a_finite_term_and_named_territories_stand_on_the_certificate() {
    let ends = "2028-05-18T11:06:40Z";
    let document = certified(|tier| tier.scope.term = Term::Months(18), false).await;
    let subject = &document["credentialSubject"];
    assert_eq!(document["validFrom"], "2026-11-18T11:06:40Z");
    assert_eq!(document["validUntil"], ends);
    assert_eq!(subject["term"], json!({ "from": "2026-11-18T11:06:40Z", "until": ends }));
    assert_eq!(clause(&document, "term")["value"], json!({ "months": 18 }));
    assert_eq!(clause(&document, "term")["words"], "For 18 months from the day of issue.");
    assert_eq!(clause(&document, "territory")["value"], json!({ "groups": 1 }));
    assert_eq!(
        (&subject["territories"]["groups"], &subject["territories"]["titles"]),
        (&json!(["europe"]), &json!(["Europe"]))
    );
    assert_eq!(subject["refundRule"]["days"], 30);
    let constraints = subject["agreement"]["permission"][0]["constraint"].as_array().unwrap();
    let until = constraints.iter().find(|one| one["leftOperand"] == "dateTime").unwrap();
    assert_eq!(
        (&until["operator"], &until["rightOperand"]),
        (&json!("lteq"), &json!({ "@value": ends, "@type": "http://www.w3.org/2001/XMLSchema#dateTime" }))
    );
    let places = constraints.iter().find(|one| one.get("or").is_some()).unwrap();
    let spatial = &places["or"]["@list"][1];
    assert_eq!((&spatial["leftOperand"], &spatial["operator"]), (&json!("spatial"), &json!("isAnyOf")));
    let countries = spatial["rightOperand"].as_array().unwrap();
    for (code, is_in) in [("DE", true), ("PT", true), ("US", false), ("JP", false)] {
        let term = json!(format!("https://www.iso.org/obp/ui/#iso:code:3166:{code}"));
        assert_eq!(countries.contains(&term), is_in, "{code}");
    }
    // Without an end there is none anywhere.
    let document = certified(|_| {}, false).await;
    assert!(document.get("validUntil").is_none() && document["credentialSubject"]["term"]["until"].is_null());
    assert!(!document["credentialSubject"]["agreement"].to_string().contains("dateTime"));
}

/// LICENCES, section 2: an indemnity is a promise of money, which counts once the operator switched it on.
#[tokio::test(flavor = "multi_thread")]
async fn an_indemnity_stands_on_the_certificate_once_it_is_switched_on() {
    let on = certified(|_| {}, true).await;
    assert_eq!(
        on["credentialSubject"]["indemnity"],
        json!({ "cents": 10_000_000, "words": "Indemnity up to $100,000." })
    );
    assert_eq!(clause(&on, "indemnity_cents")["value"], 10_000_000);
    let off = certified(|_| {}, false).await;
    assert_eq!(off["credentialSubject"]["indemnity"], json!({ "cents": 0, "words": "none" }));
    assert_eq!(clause(&off, "indemnity_cents")["value"], 0);
    assert_eq!(clause(&off, "indemnity_cents")["words"], "No indemnity.");
    let none = certified(|tier| tier.scope.indemnity_cents = 0, true).await;
    assert_eq!(none["credentialSubject"]["indemnity"]["words"], "none");
}

#[tokio::test(flavor = "multi_thread")]
async fn any_flipped_byte_of_a_certificate_says_altered() {
    let it = issued().await;
    assert!(matches!(check(it.json.as_bytes(), &it.did, &it.keys), Verdict::Intact(_)));
    let len = it.json.len();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    runner
        .run(&(0..len, 1..=255_u8), |(at, flip)| {
            let mut bytes = it.json.clone().into_bytes();
            bytes[at] ^= flip;
            let verdict = check(&bytes, &it.did, &it.keys);
            // Another issuer's name over our signature is an alteration too.
            prop_assert_eq!(verdict, Verdict::Altered, "byte {} of {}", at, len);
            Ok(())
        })
        .unwrap();
    for cut in [0, 1, len / 2, len - 2] {
        assert_eq!(check(&it.json.as_bytes()[..cut], &it.did, &it.keys), Verdict::Altered);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pdf_carries_its_credential_and_is_signed_as_a_whole() {
    let it = issued().await;
    assert!(matches!(check(&it.pdf, &it.did, &it.keys), Verdict::Intact(_)));
    let certificate::Seal::Whole { credential, .. } = certificate::check(&it.pdf) else { panic!("broken") };
    assert_eq!(credential, it.json);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    // The first bytes say that it is a PDF at all; without them it is looked at as JSON, and that fails too.
    runner
        .run(&(0..it.pdf.len(), 1..=255_u8), |(at, flip)| {
            let mut bytes = it.pdf.clone();
            bytes[at] ^= flip;
            prop_assert_eq!(check(&bytes, &it.did, &it.keys), Verdict::Altered, "byte {}", at);
            Ok(())
        })
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_issuer_is_unknown() {
    let (it, other) = (issued().await, issued().await);
    // Each shop of these tests has its own database and so its own key, under the same name.
    assert!(matches!(check(other.json.as_bytes(), &it.did, &it.keys), Verdict::UnknownIssuer(..)));
    assert!(matches!(
        check(it.json.as_bytes(), "did:web:else.example", &it.keys),
        Verdict::UnknownIssuer(..)
    ));
    assert!(matches!(check(it.json.as_bytes(), &it.did, &[]), Verdict::UnknownIssuer(..)));
}

fn verify(file: &Path, keys: &Path, more: &[&str]) -> (i32, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_cuehouse"))
        .arg("verify")
        .arg(file)
        .arg("--issuer")
        .arg(keys)
        .args(more)
        .output()
        .unwrap();
    (done.status.code().unwrap(), String::from_utf8(done.stdout).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_says_intact_altered_or_unknown_and_exits_accordingly() {
    let (it, folder) = (issued().await, TestFolder::new());
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let keys = write("keys.json", issuer::key_document(&it.did, &it.keys).to_string().as_bytes());
    let json = write("certificate.json", it.json.as_bytes());
    let (code, said) = verify(&json, &keys, &[]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.starts_with("Intact") && said.contains("Ada Field") && said.contains("status was not checked")
    );
    assert_eq!(verify(&write("certificate.pdf", &it.pdf), &keys, &[]).0, 0);
    let (code, said) = verify(&json, &keys, &["--json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &said["verdict"]), (0, &Value::from("intact")));

    let altered = write("altered.json", it.json.replace("Ada Field", "Eve Field").as_bytes());
    let (code, said) = verify(&altered, &keys, &[]);
    assert_eq!(code, 1);
    assert!(said.starts_with("Altered"));
    let none = write("none.json", issuer::key_document("did:web:else.example", &[]).to_string().as_bytes());
    let (code, said) = verify(&json, &none, &[]);
    assert_eq!(code, 2);
    assert!(said.starts_with("Unknown issuer"));
    assert_eq!(verify(&folder.path().join("nothing.json"), &keys, &[]).0, 3);
    assert_eq!(verify(&json, &json, &[]).0, 3, "a certificate is no key document");
}

/// A second implementation, which shares no code with ours.
#[tokio::test(flavor = "multi_thread")]
async fn another_program_verifies_the_credential() {
    let Ok(python) = std::env::var("CUEHOUSE_TEST_PYTHON") else {
        eprintln!("left out: CUEHOUSE_TEST_PYTHON names no Python with the tools of tests/requirements.txt");
        return;
    };
    let (it, folder) = (issued().await, TestFolder::new());
    let (json, keys) = (folder.path().join("c.json"), folder.path().join("k.json"));
    std::fs::write(&json, &it.json).unwrap();
    std::fs::write(&keys, issuer::key_document(&it.did, &it.keys).to_string()).unwrap();
    let run = || {
        Command::new(&python)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verify_credential.py"))
            .args([&json, &keys])
            .output()
            .unwrap()
    };
    let done = run();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    std::fs::write(&json, it.json.replace("Ada Field", "Eve Field")).unwrap();
    assert!(!run().status.success(), "it would say yes to anything");
}

/// S2-01: a certificate names the licensee as at purchase. What was said then is filled in at the next checkout; whoever buys
/// for another company from then on leaves the first certificate as it is.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_buyer_is_given_is_what_the_page_says_and_nothing_of_their_account() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let mut ada = app.buyer("Ada Secret").await;
    adds(&mut ada, &track, "creator").await.is(303);
    let fields = [("licensee", "Ada Field"), ("company", "Field & Söhne GmbH"), ("country", "DE")];
    let page = ada.send("/checkout", "/checkout", &fields).await.is(303).location().to_owned();
    pays(&app, &mut ada, &page).await;
    assert!(app.stripe.settled(Duration::from_secs(20)).await, "webhooks arrive");
    let number = numbers(&ada.get("/library").await).remove(0);
    let json = ada.get(&format!("/library/{number}/certificate.json")).await.is(200);
    let pdf = ada.get(&format!("/library/{number}/certificate.pdf")).await.is(200);
    assert_eq!(pdf.header("content-type"), Some("application/pdf"));
    let mut stranger = app.visitor();
    let page = stranger.get(&format!("/verify/{number}")).await.is(200);
    let user = ada.user.clone().unwrap();
    for secret in ["ada.secret@example.com", "Ada Secret", user.as_str(), "2900", "$29"] {
        assert!(!json.has(secret), "{secret}");
        assert!(!page.has(secret), "{secret}");
    }
    assert!(!String::from_utf8_lossy(&pdf.bytes).contains("ada.secret"));

    let keys = stranger.get("/.well-known/did.json").await.is(200);
    let (did, keys) = read_document(&keys.text()).unwrap();
    assert_eq!(did, format!("did:web:{}", app.url.strip_prefix("http://").unwrap().replace(':', "%3A")));
    let Verdict::Intact(document) = check(&json.bytes, &did, &keys) else { panic!("not intact") };
    assert!(matches!(check(&pdf.bytes, &did, &keys), Verdict::Intact(_)));
    let subject = &document["credentialSubject"];
    assert_eq!(subject["track"]["master"]["sha256"], sha256(&track.master));
    assert_eq!(subject["number"], number);
    assert_eq!(
        subject["licensee"],
        json!({ "legalName": "Ada Field", "company": "Field & Söhne GmbH", "country": "DE" })
    );
    assert!(subject.get("id").is_none(), "it is no login");
    for field in subject["scope"].as_array().unwrap() {
        let words = field["words"].as_str().unwrap();
        assert!(page.has(&escaped(words)), "{words}");
    }

    // The exact text, under the hash that the certificate names, and our vocabulary under the one it pins.
    let terms = subject["tier"]["termsAddress"].as_str().unwrap().strip_prefix(&app.url).unwrap();
    let text = stranger.get(terms).await.is(200);
    assert_eq!(sha256(&text.bytes), subject["tier"]["termsHash"].as_str().unwrap());
    let context = stranger.get("/ns/licence/v1").await.is(200);
    assert_eq!(context.text(), CONTEXT);
    for list in document["credentialStatus"].as_array().unwrap() {
        let address = list["statusListCredential"].as_str().unwrap().strip_prefix(&app.url).unwrap();
        let list = stranger.get(address).await.is(200);
        let list: Value = serde_json::from_slice(&list.bytes).unwrap();
        assert!(matches!(
            check(cuehouse::proof::jcs::canonical(&list).as_bytes(), &did, &keys),
            Verdict::Intact(_)
        ));
    }

    adds(&mut ada, &track, "listen").await.is(303);
    let next = ada.get("/checkout").await.is(200);
    for filled in ["value=\"Ada Field\"", "value=\"Field &amp; Söhne GmbH\"", "value=\"DE\" selected"] {
        assert!(next.has(filled), "{filled} in {}", next.text());
    }
    let fields = [("licensee", "Ada Field"), ("company", "Another Ltd"), ("country", "GB")];
    let order = ada.send("/checkout", "/checkout", &fields).await.is(303).location().to_owned();
    assert!(order.starts_with("/orders/"), "nothing was to pay: {order}");
    let again = ada.get(&format!("/library/{number}/certificate.json")).await.is(200);
    assert!(again.bytes == json.bytes, "the same bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn anyone_checks_a_number_or_a_document() {
    let app = TestApp::new().await;
    let track = rain(&app).await;
    let mut ada = app.buyer("Ada Field").await;
    adds(&mut ada, &track, "creator").await.is(303);
    buys(&app, &mut ada).await;
    let number = numbers(&ada.get("/library").await).remove(0);
    let mut stranger = app.visitor();
    stranger.get("/verify").await.is(200);
    let typed = number.to_lowercase().replace('-', " ").replace('0', "o");
    let query: String = url::form_urlencoded::byte_serialize(typed.as_bytes()).collect();
    let led = stranger.get(&format!("/verify?number={query}")).await.is(303);
    assert_eq!(led.location(), format!("/verify/{number}"));
    assert!(stranger.get("/verify?number=7K3M").await.is(422).has("not a licence number"));
    let led = stranger.send("/verify", "/verify", &[("number", &typed)]).await.is(303);
    assert_eq!(led.location(), format!("/verify/{number}"));
    let unknown = cuehouse::sales::number::LicenceNumber::draw().unwrap();
    stranger.get(&format!("/verify/{unknown}")).await.is(404);
    stranger.get("/verify/nonsense").await.is(404);

    let json = ada.get(&format!("/library/{number}/certificate.json")).await.text();
    for (document, said) in [
        (json.as_str(), "Valid"),
        (&json.replace("Ada Field", "Eve Field"), "Altered"),
        ("{}", "Altered"),
        (&issued().await.json, "Unknown issuer"),
    ] {
        let page = stranger.send("/verify", "/verify", &[("document", document)]).await.is(200);
        assert!(page.has(&format!("</svg>{said}</p>")), "{said}: {}", page.text());
    }
    stranger.send("/verify", "/verify", &[("document", " ")]).await.is(422);
    let pdf = ada.get(&format!("/library/{number}/certificate.pdf")).await.bytes;
    for (name, bytes, said) in
        [("c.pdf", &pdf[..], "Valid"), ("c.json", json.as_bytes(), "Valid"), ("x", b"x", "Altered")]
    {
        let page = stranger.upload("/verify", "/verify", name, bytes).await.is(200);
        assert!(page.has(&format!("</svg>{said}</p>")), "{name}: {}", page.text());
    }
    stranger.upload("/verify", "/verify", "nothing", b"").await.is(422);
}

/// S3-27: what each medium needs stands tier by tier.
#[tokio::test(flavor = "multi_thread")]
async fn every_tier_stands_side_by_side_and_in_full() {
    let app = TestApp::new().await;
    let mut visitor = app.visitor();
    let page = visitor.get("/licences").await.is(200);
    for tier in cuehouse::sales::tier::default_catalogue() {
        let name = escaped(&tier.name);
        assert!(page.has(&format!("href=\"/licences/{}\">{name}</a>", tier.slug)), "{name}");
        let whole = visitor.get(&format!("/licences/{}", tier.slug)).await.is(200);
        for clause in tier.clauses() {
            assert!(whole.has(&escaped(&clause.words)), "{}: {}", tier.slug, clause.words);
        }
    }
    assert!(page.has("On request"));
    visitor.get("/licences/gold").await.is(404);
    visitor.get("/licences/creator/0000").await.is(404);
}

/// Words as a page writes them.
fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('"', "&quot;").replace('\'', "&#39;")
}
