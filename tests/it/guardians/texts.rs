//! A parent who answers with a text message.

use std::collections::BTreeMap;

use cuehouse::config::Config;
use cuehouse::consent::disclosure;
use cuehouse::db::schema::{guardian_texts, guardians};

use super::*;
use crate::support::carrier::{Carrier, KEY};
use crate::support::wards::opens;

const PHONE: &str = "+4915123456789";
const MOTHER: &str = "mother@example.com";
const YES: [(&str, &str); 4] =
    [("choice", "yes"), ("guardian_name", "Mother Star"), ("relationship", "mother"), ("liable", "yes")];

/// A shop for children, too, whose parents may answer with a text message that this one carries.
async fn shop(carrier: &Carrier) -> TestApp {
    TestApp::with(&[
        ("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc"),
        ("CUEHOUSE_AGE_METHODS", "email_plus,signed_form,text_plus"),
        ("CUEHOUSE_AGE_TEXT_URL", carrier.url.as_str()),
        ("CUEHOUSE_AGE_TEXT_SECRET", KEY),
        ("CUEHOUSE_AGE_TEXT_NAME", "Text Desk"),
    ])
    .await
}

/// A parent has a code sent to this number.
async fn wants_code(app: &TestApp, home: &str, number: &str) -> Seen {
    let way = format!("{home}/text");
    let seen = app.visitor().says(&way, &way, &[("number", number)]).await;
    app.run_jobs().await;
    seen
}

async fn enters(app: &TestApp, home: &str, code: &str) -> Seen {
    app.visitor().says(&format!("{home}/text"), &format!("{home}/text/code"), &[("code", code)]).await
}

/// The code in the newest message to this number.
fn code_to(carrier: &Carrier, number: &str) -> String {
    carrier.texts_to(number).pop().unwrap()[..6].to_owned()
}

/// Whether any row of any table holds the number.
async fn is_kept(app: &TestApp, number: &str) -> bool {
    app.every_row().await.contains(&number[1..])
}

/// Every answer was given so much longer ago.
async fn answered_before(app: &TestApp, ms: i64) {
    let at = Timestamp::now().plus(-ms);
    let move_back = move |conn: &mut Conn| {
        diesel::update(guardians::table).set(guardians::answered_at.eq(at)).execute(conn)?;
        diesel::update(guardian_texts::table.filter(guardian_texts::answered_at.is_not_null()))
            .set(guardian_texts::answered_at.eq(at))
            .execute(conn)?;
        Ok(())
    };
    app.app.db.write(move_back).await.unwrap();
}

/// How each scope of every ward was proved, and whether it counts.
async fn methods(app: &TestApp) -> Vec<(Scope, Option<Method>, bool)> {
    let all = app.app.db.read(|conn| {
        let rows = permissions::table.order(permissions::id).select(Permission::as_select());
        Ok(rows.load::<Permission>(conn)?)
    });
    let now = Timestamp::now();
    all.await.unwrap().into_iter().map(|p| (p.scope, p.method, p.holds(now))).collect()
}

/// R-PV-1, T-PV-1, T-PV-4: a parent who came by the letter may type a mobile number, gets a code by whoever carries it, enters
/// it and answers on the page: that allows an account, by `text_plus`, and never that others hear the child. A day later a
/// second message leads to the button that takes it back, and the number is gone from every row. Nothing else is told to
/// whoever carries it, and the number is shown to nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_parent_may_answer_with_a_text_message() {
    let carrier = Carrier::start().await;
    let app = shop(&carrier).await;
    for page in ["/privacy/rights", "/privacy/children"] {
        assert!(app.visitor().get(page).await.is(200).has("Text Desk"), "{page}");
    }
    assert!(app.visitor().get("/privacy/children").await.has("gives a mobile number as well"));
    let (mut kid, page) = asks(&app, 9, "Star Kid", MOTHER).await;
    assert!(app.letters_to(MOTHER).remove(0).text.contains("Text Desk carries it"));
    let home = link_in(&app, MOTHER, "/guardians/");
    let way = format!("{home}/text");
    let mut mother = app.visitor();
    let question = mother.get(&home).await.is(200);
    assert!(question.link(&way).is_some() && !question.has("name=\"by\""));
    for wrong in ["0151 23456789", "+49 (0)151 23456789", ""] {
        assert!(mother.send(&way, &way, &[("number", wrong)]).await.is(422).has("country code"), "{wrong}");
    }
    // Opening a page sends nothing; a second click nothing more than the first.
    mother.head(&way).await.is(200);
    app.run_jobs().await;
    assert!(carrier.asked().is_empty());
    for _ in 0..2 {
        assert_eq!(wants_code(&app, &home, "+49 151 234 567-89").await.is(303).location(), way);
    }
    let asked = carrier.asked();
    assert_eq!((asked.len(), carrier.texts_to(PHONE).len()), (1, 1));
    let told: Value = serde_json::from_str(&asked[0].body).unwrap();
    let mut names: Vec<&str> = told.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["id", "text", "to"]);
    let token = home.rsplit('/').next().unwrap();
    for known in [token, "Star", "mother", "cookie", "referer", KEY] {
        let whole = format!("{}{}", asked[0].head, asked[0].body).to_lowercase();
        assert!(!whole.contains(&known.to_lowercase()), "{known}");
    }
    let day = Timestamp::now().day();
    let ledger = app.app.db.read(move |conn| disclosure::of_day(conn, &day)).await.unwrap();
    assert!(ledger.contains(&("text_messages".to_owned(), "text_messages".to_owned(), 1)), "{ledger:?}");
    // The code is in no row, the number in one, and of it two digits on the page.
    let (code, rows) = (code_to(&carrier, PHONE), app.every_row().await);
    assert!(!rows.contains(&format!("\"{code}\"")));
    assert_eq!((rows.matches(PHONE).count(), leaves(&app).await), (1, 1));
    let waits = mother.get(&way).await.is(200);
    assert!(waits.has("ends in 89") && !waits.has("23456789"));
    for _ in 0..2 {
        assert_eq!(enters(&app, &home, &code).await.is(303).location(), format!("{home}#yes"));
    }
    assert_eq!(mother.get(&way).await.is(303).location(), home, "going back leads on");
    let question = mother.get(&home).await.is(200);
    assert!(question.has("counts by text message") && question.has("ends in 89"));

    let mut yes = YES.to_vec();
    yes.push(("publication", "yes"));
    mother.send(&home, &format!("{home}/answer"), &yes).await.is(303);
    assert_eq!(leaves(&app).await, 2, "edge 12");
    mother.says(&home, &way, &[("number", PHONE)]).await.is(409);
    opens(&app, &mut kid, &page, "Star Kid").await;
    assert_eq!(state_of(&app, &kid).await, Some(State::Internal));
    let by_text = (Scope::Account, Some(Method::TextPlus), true);
    assert_eq!(methods(&app).await, [by_text, (Scope::Publication, None, false)]);
    let user = kid.user.clone().unwrap();
    let heard = app.app.db.read(move |conn| may(conn, &user, Scope::Publication, Timestamp::now()));
    assert!(!heard.await.unwrap());
    // It proves nothing that waits for more.
    let (g, stub, found) = (ground(&app), draws(), ward_of(&app, &kid).await.unwrap());
    let proved = app
        .app
        .db
        .write(move |conn| passage::prove(conn, &g, &found, Method::TextPlus, &stub, Timestamp::now()));
    assert!(proved.await.is_err());
    let data = mother.get(&format!("{home}/data.json")).await.is(200);
    assert!(data.has("text_plus") && !data.has("23456789"));
    for path in ["/account", "/studio"] {
        assert!(!kid.open(path).await.is(200).has("23456789"), "{path}");
    }

    // A day later, and once.
    assert!(is_kept(&app, PHONE).await, "the control");
    let letters = app.letters_to(MOTHER).len();
    answered_before(&app, DAY + HOUR).await;
    sends(&app).await;
    sends(&app).await;
    let texts = carrier.texts_to(PHONE);
    let [_, second] = &texts[..] else { panic!("{texts:?}") };
    assert!(second.contains("may have an account. To take it back open ") && !second.contains("heard"));
    assert!(!is_kept(&app, PHONE).await);
    assert_eq!(app.letters_to(MOTHER).len(), letters, "no letter beside it");
    let all = carrier.asked();
    assert_eq!(all.len(), 2);
    let second_id: Value = serde_json::from_str(&all[1].body).unwrap();
    assert_ne!(told["id"], second_id["id"]);
    let revoke = second.rsplit(' ').next().unwrap().strip_prefix(&app.app.config.site_url).unwrap();
    assert!(app.visitor().get(revoke).await.is(200).has("Take everything back now"));
    presses(&app, revoke, "/ending").await.is(303);
    assert_eq!(state_of(&app, &kid).await, Some(State::ChildEnded));
}

/// R-PV-1: five codes may be entered for a message, three messages sent within a day, and a code counts for fifteen minutes;
/// then the number is gone. What the page says counts: one that was opened before the code came answers by e-mail, and one
/// whose code is too old does not answer. From one network thirty are sent within an hour, for however many children.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_cannot_be_guessed_and_messages_are_few() {
    let carrier = Carrier::start().await;
    let app = shop(&carrier).await;
    asks(&app, 9, "Star Kid", MOTHER).await;
    let home = link_in(&app, MOTHER, "/guardians/");
    let answer = format!("{home}/answer");
    assert!(enters(&app, &home, "000000").await.is(422).has("Your mobile number"), "no code is waited for");
    wants_code(&app, &home, PHONE).await.is(303);
    let code = code_to(&carrier, PHONE);
    let right: u32 = code.parse().unwrap();
    let words = ["4 more can", "3 more can", "2 more can", "One more can", "too many wrong codes"];
    for (n, said) in (1..).zip(words) {
        let wrong = format!("{:06}", (right + n) % 1_000_000);
        assert!(enters(&app, &home, &wrong).await.is(422).has(said), "{said}");
    }
    assert!(enters(&app, &home, &code).await.is(422).has("too many wrong codes"), "the right one, too late");
    assert!(!is_kept(&app, PHONE).await);

    // Its time is over.
    wants_code(&app, &home, PHONE).await.is(303);
    let code = code_to(&carrier, PHONE);
    assert!(is_kept(&app, PHONE).await);
    jobs::daily(&app.app, Timestamp::now().plus(14 * cuehouse::clock::MINUTE)).await.unwrap();
    assert!(is_kept(&app, PHONE).await, "not before");
    jobs::daily(&app.app, Timestamp::now().plus(15 * cuehouse::clock::MINUTE)).await.unwrap();
    assert!(!is_kept(&app, PHONE).await);
    assert!(enters(&app, &home, &code).await.is(422).has("counts no more"));
    let mut late = YES.to_vec();
    late.push(("by", "text"));
    assert!(app.visitor().says(&home, &answer, &late).await.is(422).has("hour for an answer"));

    // Two tabs: in one the code comes, the other was opened before.
    let mut tab = app.visitor();
    let before = tab.get(&home).await.is(200);
    wants_code(&app, &home, "+4915199999921").await.is(303);
    assert!(wants_code(&app, &home, PHONE).await.is(429).has("Three messages"));
    let code = code_to(&carrier, "+4915199999921");
    enters(&app, &home, &code).await.is(303);
    let csrf = before.csrf().unwrap();
    for _ in 0..34 {
        tab.post(&format!("{home}/text"), &[("csrf", &csrf), ("number", PHONE)]).await.is(429);
    }
    asks(&app, 9, "Moon Kid", "father@example.com").await;
    let other = link_in(&app, "father@example.com", "/guardians/");
    wants_code(&app, &other, "+4915199999988").await.is(429);
    assert!(!is_kept(&app, "+4915199999988").await);
    let mut yes = YES.to_vec();
    yes.push(("csrf", &csrf));
    tab.post(&answer, &yes).await.is(303);
    assert_eq!(methods(&app).await, [(Scope::Account, Some(Method::EmailPlus), true)]);
    assert!(!is_kept(&app, "+4915199999921").await);
    let letters = app.letters_to(MOTHER).len();
    answered_before(&app, DAY + HOUR).await;
    sends(&app).await;
    assert_eq!((app.letters_to(MOTHER).len(), carrier.asked().len()), (letters + 1, 3));
}

/// R-PV-1: where nobody is there to carry a message it is handed over again under the same id while the code counts; where it is
/// refused the number goes; the other way is open all the while. A second message that nobody carries for days goes by letter,
/// and then the parent was proved by that.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_carrier_the_letter_is_there() {
    let carrier = Carrier::start().await;
    let app = shop(&carrier).await;
    asks(&app, 9, "Star Kid", MOTHER).await;
    let home = link_in(&app, MOTHER, "/guardians/");
    carrier.answers(503);
    wants_code(&app, &home, PHONE).await.is(303);
    let page = app.visitor().get(&format!("{home}/text")).await.is(200);
    assert!(page.has("cannot be reached") && page.has("by e-mail"), "{}", page.text());
    assert!(app.visitor().get(&home).await.is(200).has("Your answer counts by e-mail"));
    carrier.answers(202);
    sends(&app).await;
    let asked = carrier.asked();
    assert!(asked.len() == 2 && asked[0].body == asked[1].body, "{asked:?}");
    assert!(!app.visitor().get(&format!("{home}/text")).await.is(200).has("cannot be reached"));
    enters(&app, &home, &code_to(&carrier, PHONE)).await.is(303);
    app.visitor().send(&home, &format!("{home}/answer"), &YES).await.is(303);

    // Refused: the number goes, and the page says so.
    asks(&app, 9, "Moon Kid", "father@example.com").await;
    let other = link_in(&app, "father@example.com", "/guardians/");
    // A redirect is no answer: what it leads to on the same host is not asked.
    for refusal in [302, 307, 400] {
        carrier.answers(refusal);
        wants_code(&app, &other, "+4915199999921").await.is(303);
        let page = app.visitor().get(&format!("{other}/text")).await.is(200);
        assert!(page.has("could not be sent") && page.has("Your mobile number"), "{refusal}");
        assert!(!is_kept(&app, "+4915199999921").await);
    }
    assert!(carrier.asked().iter().all(|asked| asked.path == "/texts"));
    app.visitor().send(&other, &format!("{other}/answer"), &YES).await.is(303);

    // The second message.
    carrier.answers(503);
    answered_before(&app, DAY + HOUR).await;
    let letters = app.letters_to(MOTHER).len();
    sends(&app).await;
    assert!(is_kept(&app, PHONE).await && app.letters_to(MOTHER).len() == letters, "it is tried again");
    answered_before(&app, 4 * DAY + HOUR).await;
    sends(&app).await;
    assert!(!is_kept(&app, PHONE).await);
    assert_eq!(app.letters_to(MOTHER).len(), letters + 1);
    let by_letter = (Scope::Account, Some(Method::EmailPlus), true);
    assert_eq!(methods(&app).await, [by_letter, by_letter]);
    assert_eq!(carrier.texts_to(PHONE).len(), 1);
}

/// R-PV-1, R-MN-1: the number goes with a no, with what was allowed, and with the answer that was not given by it; nobody is
/// offered this for anybody who is no child, nor where it is not switched on.
#[tokio::test(flavor = "multi_thread")]
async fn the_number_goes_with_what_it_was_for() {
    let carrier = Carrier::start().await;
    let app = shop(&carrier).await;
    for (name, how) in [("Star Kid", "end"), ("Moon Kid", "no"), ("Rain Kid", "mail"), ("Loop Kid", "hour")] {
        let parent = format!("of-{}", email_of(name));
        asks(&app, 9, name, &parent).await;
        let home = link_in(&app, &parent, "/guardians/");
        wants_code(&app, &home, PHONE).await.is(303);
        enters(&app, &home, &code_to(&carrier, PHONE)).await.is(303);
        assert!(is_kept(&app, PHONE).await, "{how}");
        let answer = format!("{home}/answer");
        match how {
            "end" => {
                app.visitor().send(&home, &answer, &YES).await.is(303);
                assert!(is_kept(&app, PHONE).await);
                presses(&app, &home, "/ending").await.is(303);
            }
            "no" => drop(app.visitor().send(&home, &answer, &[("choice", "no")]).await.is(200)),
            "mail" => {
                presses(&app, &home, "/text/ending").await.is(303);
                let page = app.visitor().get(&format!("{home}/text")).await.is(200);
                assert!(page.has("The number was deleted") && !page.has("is over"));
            }
            _ => jobs::daily(&app.app, Timestamp::now().plus(HOUR)).await.unwrap(),
        }
        assert!(!is_kept(&app, PHONE).await, "{how}");
    }
    answered_before(&app, DAY + HOUR).await;
    sends(&app).await;
    assert_eq!(carrier.texts_to(PHONE).len(), 4, "codes, and no second message");
    // Not for somebody between the minimum and the age of majority.
    asks(&app, 15, "Old Kid", MOTHER).await;
    let home = link_in(&app, MOTHER, "/guardians/");
    let way = format!("{home}/text");
    let question = app.visitor().get(&home).await.is(200);
    assert!(question.link(&way).is_none() && !question.has("Text Desk"));
    app.visitor().get(&way).await.is(404);
    app.visitor().says(&home, &way, &[("number", PHONE)]).await.is(404);

    let off = TestApp::with(&[("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc")]).await;
    asks(&off, 9, "Star Kid", MOTHER).await;
    let home = link_in(&off, MOTHER, "/guardians/");
    let way = format!("{home}/text");
    assert!(off.visitor().get(&home).await.is(200).link(&way).is_none());
    off.visitor().get(&way).await.is(404);
    off.visitor().says(&home, &way, &[("number", PHONE)]).await.is(404);
}

/// R-PV-1: without an address and a key of whoever carries messages the shop does not start with `text_plus`, and says why; nobody
/// is told a number in clear beyond this machine.
#[test]
fn without_a_carrier_the_method_cannot_be_switched_on() {
    const URL: &str = "CUEHOUSE_AGE_TEXT_URL";
    const SECRET: (&str, &str) = ("CUEHOUSE_AGE_TEXT_SECRET", "a-key-of-the-shop");
    const METHODS: (&str, &str) = ("CUEHOUSE_AGE_METHODS", "email_plus,signed_form,text_plus");
    let read = |pairs: &[(&str, &str)]| {
        let env: BTreeMap<String, String> =
            pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Config::read(None, &env)
    };
    for (pairs, fault) in [
        (vec![METHODS], "text_plus, whose messages somebody must carry: set CUEHOUSE_AGE_TEXT_URL"),
        (vec![SECRET, METHODS], "set CUEHOUSE_AGE_TEXT_URL"),
        (
            vec![(URL, "https://texts.example"), METHODS],
            "CUEHOUSE_AGE_TEXT_SECRET belongs to CUEHOUSE_AGE_TEXT_URL",
        ),
        (vec![(URL, "http://texts.example"), SECRET, METHODS], "an https address"),
        (vec![(URL, "https://user:pass@texts.example"), SECRET, METHODS], "without a password"),
    ] {
        let said = read(&pairs).err().unwrap_or_default().join("; ");
        assert!(said.contains(fault) && !said.contains(SECRET.1), "{pairs:?}: {said}");
    }
    let age = read(&[(URL, "https://texts.example"), SECRET, METHODS]).unwrap().age;
    assert_eq!(age.carrier().unwrap().name, "texts.example");
    assert!(!format!("{age:?}").contains(SECRET.1));
    // Named alone it switches nothing on.
    assert!(read(&[(URL, "http://127.0.0.1:9"), SECRET]).unwrap().age.carrier().is_none());
}
