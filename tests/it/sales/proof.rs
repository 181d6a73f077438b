//! Certificates and what proves them: anyone can check one, and nobody can change one.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use cuehouse::clock::{DAY, Timestamp};
use cuehouse::proof::issuer::{self, Issuer, Operator, Published, VOCABULARY, read_document};
use cuehouse::proof::jcs;
use cuehouse::sales::certificate;
use cuehouse::sales::credential::{CONTEXT, digest_sri};
use cuehouse::sales::edition;
use cuehouse::sales::licence::Held;
use cuehouse::sales::odrl;
use cuehouse::sales::scope::Term;
use cuehouse::sales::tier::{Catalogue, PriceBounds, Tier, default_catalogue};
use cuehouse::sales::verify::{Verdict, check};
use cuehouse::secrets::sha256;
use diesel::RunQueryDsl;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::http::{adds, buys, numbers, pays, rain, seller, sells, wav, withdraws};
use crate::support::app::TestApp;
use crate::support::database::TestDb;
use crate::support::folder::TestFolder;
use crate::support::paper::words_on;
use crate::support::shop::{NOW, SECRET, Shop, operator};

/// A certificate, who signed it and with what keys.
struct Issued {
    json: String,
    pdf: Vec<u8>,
    did: String,
    keys: Vec<Published>,
}

async fn issued() -> Issued {
    let test = TestDb::new().await;
    issued_by(&Shop::new(&test.db).await).await
}

/// The first certificate of a shop.
async fn issued_by(shop: &Shop) -> Issued {
    use cuehouse::sales::basket::Owner;
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
    let Verdict::Intact(document) = check(json.as_bytes(), &keys) else { panic!("not intact: {json}") };
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
    assert!(matches!(check(it.json.as_bytes(), &it.keys), Verdict::Intact(_)));
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
            let verdict = check(&bytes, &it.keys);
            // Another issuer's name over our signature is an alteration too.
            prop_assert_eq!(verdict, Verdict::Altered, "byte {} of {}", at, len);
            Ok(())
        })
        .unwrap();
    for cut in [0, 1, len / 2, len - 2] {
        assert_eq!(check(&it.json.as_bytes()[..cut], &it.keys), Verdict::Altered);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pdf_carries_its_credential_and_is_signed_as_a_whole() {
    let it = issued().await;
    assert!(matches!(check(&it.pdf, &it.keys), Verdict::Intact(_)));
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
            prop_assert_eq!(check(&bytes, &it.keys), Verdict::Altered, "byte {}", at);
            Ok(())
        })
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sheet_shows_what_the_credential_holds() {
    let it = issued().await;
    let Some(words) = words_on(&it.pdf) else { return };
    let document: Value = serde_json::from_str(&it.json).unwrap();
    let subject = &document["credentialSubject"];
    // Where a line was broken says nothing.
    let bare = |text: &str| text.split_whitespace().collect::<String>();
    let sheet = bare(&words);
    let shows = |words: &str| assert!(sheet.contains(&bare(words)), "{words:?} is not on the sheet: {sheet}");
    for path in [
        "number",
        "order",
        "issuedBy/legalName",
        "issuedBy/country",
        "issuedBy/site",
        "issuedBy/key",
        "licensee/legalName",
        "licensee/company",
        "licensee/country",
        "project",
        "track/title",
        "track/uploader",
        "track/trackId",
        "track/master/sha256",
        "track/samplesSha256",
        "tier/title",
        "tier/termsHash",
        "tier/termsAddress",
        "summary",
        "territories/note",
        "aiTraining/words",
        "performance/note",
        "claims/note",
        "indemnity/words",
        "refundRule/version",
        "refundRule/words",
        "verification/address",
    ] {
        shows(
            subject.pointer(&format!("/{path}")).and_then(Value::as_str).unwrap_or_else(|| panic!("{path}")),
        );
    }
    assert_eq!(subject["project"], "Harbour lights");
    shows("for Harbour lights");
    let list = |path: &str| subject.pointer(path).unwrap().as_array().unwrap();
    for clause in list("/scope") {
        shows(clause["words"].as_str().unwrap());
    }
    for sentence in list("/never").iter().chain(list("/verification/steps")) {
        shows(sentence.as_str().unwrap());
    }
    for entry in document["credentialStatus"].as_array().unwrap() {
        let word = |member: &str| entry[member].as_str().unwrap();
        shows(&format!(
            "{} list {}, place {}",
            word("statusPurpose"),
            word("statusListCredential"),
            word("statusListIndex")
        ));
    }
    shows("certificate format 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sheet_without_the_letters_of_a_name_says_where_the_name_is() {
    let test = TestDb::new().await;
    let shop = Shop::new(&test.db).await;
    let it = issued_by(&shop).await;
    let sheet = |name: &str| {
        let pdf = certificate::pdf(&it.json.replace("Ada Field", name), &shop.issuer, NOW).unwrap();
        let inside = format!("\"legalName\": \"{name}\"");
        assert!(
            pdf.windows(inside.len()).any(|bytes| bytes == inside.as_bytes()),
            "{name} stands in the file"
        );
        words_on(&pdf)
    };
    let (Some(latin), Some(hebrew), Some(kanji)) = (sheet("Ada Field"), sheet("דוד"), sheet("山田"))
    else {
        return;
    };
    assert!(!latin.contains("cannot print"));
    assert!(hebrew.contains("דוד") && !hebrew.contains("cannot print"), "{hebrew}");
    assert!(kanji.contains("certifies that ??") && kanji.contains("cannot print"), "{kanji}");
    assert!(kanji.contains("in full are in the signed JSON inside this file"), "{kanji}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_issuer_is_unknown() {
    let (it, other) = (issued().await, issued().await);
    // Each shop of these tests has its own database and so its own key, under the same name.
    assert!(matches!(check(other.json.as_bytes(), &it.keys), Verdict::UnknownIssuer(..)));
    let elsewhere: Vec<Published> =
        it.keys.iter().map(|key| Published { did: "did:web:else.example".into(), ..key.clone() }).collect();
    assert!(matches!(check(it.json.as_bytes(), &elsewhere), Verdict::UnknownIssuer(..)));
    assert!(matches!(check(it.json.as_bytes(), &[]), Verdict::UnknownIssuer(..)));
}

/// Opens the till again under this address, a day later: who signs, and every key.
async fn opens_at(shop: &Shop, site: &str) -> (Issuer, Vec<Published>) {
    let operator = Operator { site_url: site.into(), ..operator() };
    shop.db
        .write(move |conn| {
            let issuer = Issuer::open(conn, SECRET, &operator, NOW.plus(DAY))?;
            Ok((issuer, issuer::published(conn)?))
        })
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_early_certificate_verifies_after_the_shop_moved_to_another_domain() {
    let test = TestDb::new().await;
    let shop = Shop::new(&test.db).await;
    let it = issued_by(&shop).await;
    let (moved, keys) = opens_at(&shop, "https://sounds.example").await;
    assert_eq!(moved.did(), "did:web:sounds.example");
    let named: Vec<(&str, Option<Timestamp>)> = keys.iter().map(|k| (k.did.as_str(), k.until)).collect();
    assert_eq!(
        named,
        [("did:web:shop.example", Some(NOW.plus(DAY))), ("did:web:sounds.example", None)],
        "former names are published with their dates"
    );
    assert_ne!(moved.key(), shop.issuer.key(), "a key has one name");
    assert!(matches!(check(it.json.as_bytes(), &keys), Verdict::Intact(_)));
    let pdf = certificate::pdf(&it.json, &moved, NOW.plus(DAY)).unwrap();
    assert!(matches!(check(&pdf, &keys), Verdict::Intact(_)), "the sheet is signed anew");
    let folder = TestFolder::new();
    let (file, known) = (folder.path().join("c.json"), folder.path().join("keys.json"));
    std::fs::write(&file, &it.json).unwrap();
    std::fs::write(&known, moved.document(&keys).to_string()).unwrap();
    assert_eq!(verify(&file, &known, &[]).0, 0);

    // The former name with the new key is nobody's, and so is the new name with the former key.
    let (former, new) = (keys[0].clone(), keys[1].clone());
    let crossed =
        [Published { did: new.did.clone(), ..former.clone() }, Published { did: former.did, ..new }];
    assert!(matches!(check(it.json.as_bytes(), &crossed), Verdict::UnknownIssuer(..)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retired_key_verifies_what_it_signed_while_it_held_and_nothing_later() {
    let test = TestDb::new().await;
    let shop = Shop::new(&test.db).await;
    let it = issued_by(&shop).await;
    let (next, keys) = shop
        .db
        .write(|conn| {
            let next = Issuer::rotate(conn, SECRET, &operator(), NOW.plus(9 * DAY))?;
            Ok((next, issuer::published(conn)?))
        })
        .await
        .unwrap();
    assert_eq!((keys.len(), keys[0].until, keys[1].until), (2, Some(NOW.plus(9 * DAY)), None));
    assert_eq!((keys[0].key.clone(), keys[1].key.clone()), (shop.issuer.key(), next.key()));
    assert!(matches!(check(it.json.as_bytes(), &keys), Verdict::Intact(_)));
    let at = |issuer: &Issuer, days: i64| {
        let document = json!({ "issuer": { "id": issuer.did() } });
        check(jcs::pretty(&issuer.sign(document, NOW.plus(days * DAY))).as_bytes(), &keys)
    };
    assert!(matches!(at(&shop.issuer, 9), Verdict::Intact(_)));
    assert!(matches!(at(&shop.issuer, 11), Verdict::UnknownIssuer(..)));
    assert!(matches!(at(&next, 11), Verdict::Intact(_)));
    let (again, keys) = opens_at(&shop, "https://shop.example").await;
    assert_eq!((again.key(), keys.len()), (next.key(), 2), "the newest stays in use");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_from_before_names_were_kept_has_the_name_of_the_shop_at_its_next_start() {
    let test = TestDb::new().await;
    let shop = Shop::new(&test.db).await;
    let it = issued_by(&shop).await;
    shop.db
        .write(|conn| Ok(diesel::sql_query("UPDATE issuer_keys SET did = ''").execute(conn)?))
        .await
        .unwrap();
    let (same, keys) = opens_at(&shop, "https://shop.example").await;
    assert_eq!((same.key(), keys.len()), (shop.issuer.key(), 1));
    assert!(matches!(check(it.json.as_bytes(), &keys), Verdict::Intact(_)));
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
    let fields = [
        ("licensee", "Ada Field"),
        ("company", "Field & Söhne GmbH"),
        ("country", "DE"),
        ("project", "Harbour lights"),
    ];
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
    let Verdict::Intact(document) = check(&json.bytes, &keys) else { panic!("not intact") };
    assert!(matches!(check(&pdf.bytes, &keys), Verdict::Intact(_)));
    let subject = &document["credentialSubject"];
    assert_eq!(subject["track"]["master"]["sha256"], sha256(&track.master));
    assert_eq!(subject["number"], number);
    assert_eq!(
        subject["licensee"],
        json!({ "legalName": "Ada Field", "company": "Field & Söhne GmbH", "country": "DE" })
    );
    assert_eq!(subject["project"], "Harbour lights");
    assert!(page.has("<dt>For</dt><dd>Harbour lights</dd>"));
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
    let profile = stranger.get("/ns/odrl/v1").await.is(200);
    assert_eq!(profile.header("content-type"), Some("application/ld+json"));
    assert_eq!(subject["agreement"]["profile"], odrl::PROFILE);
    for (id, bytes) in [(VOCABULARY, &context.bytes), (odrl::PROFILE, &profile.bytes)] {
        let pinned =
            document["relatedResource"].as_array().unwrap().iter().find(|one| one["id"] == id).unwrap();
        assert_eq!(pinned["digestSRI"], digest_sri(bytes), "{id}");
    }
    for list in document["credentialStatus"].as_array().unwrap() {
        let address = list["statusListCredential"].as_str().unwrap().strip_prefix(&app.url).unwrap();
        let list = stranger.get(address).await.is(200);
        let list: Value = serde_json::from_slice(&list.bytes).unwrap();
        assert!(matches!(check(jcs::canonical(&list).as_bytes(), &keys), Verdict::Intact(_)));
    }

    adds(&mut ada, &track, "listen").await.is(303);
    let next = ada.get("/checkout").await.is(200);
    for filled in ["value=\"Ada Field\"", "value=\"Field &amp; Söhne GmbH\"", "value=\"DE\" selected"] {
        assert!(next.has(filled), "{filled} in {}", next.text());
    }
    let fields = [("licensee", "Ada Field"), ("company", "Another Ltd"), ("country", "GB")];
    let faulty = [("licensee", "Ada Field"), ("project", "mail to ada@example.com")];
    assert!(ada.send("/checkout", "/checkout", &faulty).await.is(422).has("not an e-mail address"));
    assert!(!next.has("Harbour lights"), "another project is another certificate's");
    let order = ada.send("/checkout", "/checkout", &fields).await.is(303).location().to_owned();
    assert!(order.starts_with("/orders/"), "nothing was to pay: {order}");
    let ordered = ada.get(&order).await.is(200);
    assert!(!ordered.has("Client or project"), "none was named");
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
    // What the shop signed when it had another domain is its own.
    let before = Operator { site_url: "https://former.example".into(), ..operator() };
    let former =
        app.app.db.write(move |conn| Issuer::open(conn, SECRET, &before, Timestamp::now())).await.unwrap();
    let early = json!({ "issuer": { "id": former.did() } });
    let early = jcs::pretty(&former.sign(early, Timestamp::now()));
    for (document, said) in [
        (early.as_str(), "Intact"),
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

#[tokio::test(flavor = "multi_thread")]
async fn a_track_says_its_offers_to_programs_too() {
    let app = TestApp::new().await;
    let ines = seller(&app, "Ines Morrow").await;
    let prices = [("listen", 0), ("creator", 2_950), ("business", 7_900)];
    let track = sells(&app, &ines, "Rain on tin", &prices, wav(1), "WAV").await;
    let mut stranger = app.visitor();
    let page = stranger.get(&format!("/tracks/{}", track.slug)).await.is(200);
    let at = page.link(&format!("/tracks/{}/offers", track.slug)).expect("the page leads to them");
    let seen = stranger.get(&at).await.is(200);
    assert_eq!(seen.header("content-type"), Some("application/ld+json"));
    let document: Value = serde_json::from_slice(&seen.bytes).unwrap();
    assert_eq!(document["@context"], odrl::CONTEXT);
    let target = format!("{}/tracks/{}", app.url, track.slug);
    let offers: Vec<(&str, Option<&str>)> = document["@graph"]
        .as_array()
        .unwrap()
        .iter()
        .map(|offer| {
            assert_eq!((&offer["type"], &offer["profile"]), (&json!("Offer"), &json!(odrl::PROFILE)));
            assert_eq!(offer["assigner"], app.app.issuer.did());
            assert_eq!(offer["permission"][0]["target"], target.as_str());
            let uid = offer["uid"].as_str().unwrap().strip_prefix(&format!("{}{at}#", app.url)).unwrap();
            let paid = "/permission/0/duty/0/action/0/refinement/0/rightOperand/@value";
            (uid, offer.pointer(paid).and_then(Value::as_str))
        })
        .collect();
    assert_eq!(offers, [("listen", None), ("creator", Some("29.50")), ("business", Some("79.00"))]);
    withdraws(&app, &track, &ines).await;
    stranger.get(&at).await.is(404);
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
