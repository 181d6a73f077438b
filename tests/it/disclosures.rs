//! Who was given what: the ledger that pages, payments and letters write, the notice it is held against, and the answers
//! to people who ask.

use std::collections::BTreeSet;

use cuehouse::clock::{DAY, Timestamp};
use cuehouse::consent::disclosure::{self, Basis, Line};
use cuehouse::consent::inquiry::{self, Inquiry, Way};
use cuehouse::consent::purpose::Purpose;
use cuehouse::consent::recipient::{Services, Use};
use cuehouse::consent::{account, log};
use cuehouse::db::Count;
use cuehouse::each_db;
use cuehouse::ids::UserId;
use cuehouse::jobs::calendar;
use diesel::RunQueryDsl;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::support::app::{TestApp, email_of};
use crate::support::browser::{Browser, Seen};
use crate::support::shelf::{piece, seller, shelve};

const VENDORS: (&str, &str) = ("CUEHOUSE_VENDORS", "ga4=G-TEST,statcounter=123:abc");

async fn shop() -> TestApp {
    TestApp::with(&[VENDORS]).await
}

/// What was written today: recipient, purpose, how often.
async fn written(app: &TestApp) -> Vec<(String, String, i64)> {
    calendar::write_down(&app.app).await.unwrap();
    app.app.db.read(|conn| disclosure::of_day(conn, &Timestamp::now().day())).await.unwrap()
}

fn line(recipient: &str, purpose: &str, count: i64) -> (String, String, i64) {
    (recipient.to_owned(), purpose.to_owned(), count)
}

async fn press(browser: &mut Browser, choice: &str) {
    browser.says("/privacy/choices", "/privacy/choices", &[("choice", choice)]).await.is(303);
}

/// The rows of the public notice.
fn told(page: &Seen) -> BTreeSet<(String, String, String)> {
    let page = page.text();
    let attribute = |tag: &str, name: &str| {
        let rest = tag.split(&format!("{name}=\"")).nth(1).unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    page.split("<tr data-recipient")
        .skip(1)
        .map(|row| {
            let tag = format!("data-recipient{}", row.split('>').next().unwrap());
            (
                attribute(&tag, "data-recipient"),
                attribute(&tag, "data-purpose"),
                attribute(&tag, "data-categories"),
            )
        })
        .collect()
}

/// R-EN-6: only what a page was allowed to contact is written, counted by day; a refusal, a signal and a file
/// write nothing; and no row says who it was.
#[tokio::test(flavor = "multi_thread")]
async fn pages_are_counted_for_those_who_allowed_it_and_for_nobody_else() {
    let app = shop().await;
    let (mut yes, mut no) = (app.visitor(), app.visitor());
    no.get("/").await.is(200);
    press(&mut no, "refuse").await;
    no.get("/search").await.is(200);
    assert_eq!(written(&app).await, []);
    press(&mut yes, "accept").await;
    let writes = app.app.db.writes();
    for _ in 0..3 {
        yes.get("/search").await.is(200);
        yes.get("/opensearch.xml").await.is(200);
        yes.get_with("/", &[("Sec-GPC", "1")]).await.is(200);
    }
    assert_eq!(app.app.db.writes(), writes, "looking at a page writes nothing");
    let both = |count| vec![line("ga4", "analytics", count), line("statcounter", "analytics", count)];
    assert_eq!(written(&app).await, both(3));
    // Taken back, it ends with that very answer; the pages before stay counted.
    yes.get("/").await.is(200);
    press(&mut yes, "refuse").await;
    yes.get("/").await.is(200);
    // The page of choices that the press was made on was still allowed.
    assert_eq!(written(&app).await, both(5));
    let count = app.app.db.read(|conn| {
        let sql = "SELECT COUNT(*) AS n FROM disclosures WHERE receipt_seq <> 0";
        Ok(each_db!(conn, |c| diesel::sql_query(sql).get_result::<Count>(c))?.n)
    });
    assert_eq!(count.await.unwrap(), 0, "no page's row leads to a receipt");
}

/// What cannot be written now is written later, once.
#[tokio::test(flavor = "multi_thread")]
async fn counts_survive_a_database_that_is_away_for_a_moment() {
    let app = shop().await;
    let mut yes = app.visitor();
    press(&mut yes, "accept").await;
    yes.get("/").await.is(200);
    let counted = app.app.tally.take();
    assert!(!counted.is_empty());
    app.app.tally.put_back(counted);
    yes.get("/").await.is(200);
    calendar::end(&app.app, Timestamp::now()).await.unwrap();
    assert_eq!(written(&app).await, [line("ga4", "analytics", 2), line("statcounter", "analytics", 2)]);
}

/// A payment is written with the order that it is for.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_written_with_its_order() {
    let app = TestApp::new().await;
    let tiers = |conn: &mut cuehouse::db::Conn| {
        cuehouse::sales::edition::seed(conn, &cuehouse::sales::tier::Catalogue::default(), Timestamp::now())
    };
    app.app.db.write(tiers).await.unwrap();
    let ines = seller(&app.app.db, "Ines").await;
    let track = shelve(&app.app, &ines, piece("Rain on tin")).await;
    let mut buyer = app.buyer("Bea Buyer").await;
    buyer.says("/", "/cart", &[("track", track.slug.as_str()), ("tier", "creator")]).await.is(303);
    assert_eq!(written(&app).await, []);
    let fields = [("licensee", "Bea Buyer"), ("country", "DE")];
    let seen = buyer.send("/checkout", "/checkout", &fields).await.is(303);
    assert!(seen.location().starts_with("http://127.0.0.1"), "{}", seen.location());
    assert_eq!(written(&app).await, [line("payment", "payment", 1)]);
}

/// A mail relay that takes everything.
async fn relay() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (read, mut write) = socket.into_split();
                let (mut lines, mut in_data) = (BufReader::new(read).lines(), false);
                write.write_all(b"220 here\r\n").await?;
                while let Some(line) = lines.next_line().await? {
                    let reply = match (in_data, line.as_str()) {
                        (true, ".") => "250 kept",
                        (true, _) => continue,
                        (false, "DATA") => "354 go on",
                        _ => "250 fine",
                    };
                    in_data = reply.starts_with("354");
                    write.write_all(format!("{reply}\r\n").as_bytes()).await?;
                }
                Ok::<_, std::io::Error>(())
            });
        }
    });
    url
}

/// S0-38: the mail relay stands in the same register and in the notice, and each letter that it carries is written.
#[tokio::test(flavor = "multi_thread")]
async fn a_letter_is_written_when_a_relay_carries_it() {
    let url = relay().await;
    let app = TestApp::with(&[("CUEHOUSE_MAIL_URL", url.as_str())]).await;
    app.buyer("Bea Buyer").await;
    let mut visitor = app.visitor();
    let email = email_of("Bea Buyer");
    visitor.says("/account/reset", "/account/reset", &[("email", email.as_str())]).await;
    app.run_jobs().await;
    assert_eq!(written(&app).await, [line("mail", "letters", 1)]);
    let notice = visitor.get("/privacy/rights").await.is(200);
    assert!(
        told(&notice).contains(&("mail".into(), "letters".into(), "email letters".into())),
        "{}",
        notice.text()
    );
}

/// T-CA-4, R-CA-6, S3-64, S2-19, S2-45: the public notice is the register, with what each recipient is for, and nothing stands
/// in the ledger that the notice does not tell of; who is off today stays told for twelve months.
#[tokio::test(flavor = "multi_thread")]
async fn the_notice_equals_the_register_and_holds_the_ledger() {
    let app = shop().await;
    let mut yes = app.visitor();
    press(&mut yes, "accept").await;
    yes.get("/").await.is(200);
    let notice = told(&yes.get("/privacy/rights").await.is(200));
    let register = cuehouse::consent::recipient::register(&app.app.consent, &app.app.services);
    let expected: BTreeSet<_> =
        register.iter().map(|e| (e.id.clone(), e.purpose.clone(), e.categories.clone())).collect();
    assert_eq!(notice, expected);
    let store = usize::from(!app.app.storage.is_folder());
    assert_eq!(notice.len(), 3 + store, "two vendors, the payment service, and the store where it is rented");
    calendar::write_down(&app.app).await.unwrap();
    let (book, services) = (app.app.consent.clone(), app.app.services.clone());
    let ledger = app
        .app
        .db
        .read(move |conn| disclosure::between(conn, &book, &services, "2000-01-01", "9999-12-31"))
        .await
        .unwrap();
    assert_eq!(ledger.len(), 2);
    for entry in &ledger {
        assert!(
            notice.contains(&(entry.id.clone(), entry.purpose.clone(), entry.categories.clone())),
            "{entry:?}"
        );
    }
    // Somebody who is off today, and somebody who was off longer ago than that.
    let histats = app.app.consent.registry.vendor("histats").unwrap();
    let magnite = app.app.consent.registry.vendor("magnite").unwrap();
    let lines = [
        (Line::of_vendor(histats, Purpose::Analytics, Basis::Consent), 364_i64),
        (Line::of_vendor(magnite, Purpose::Ads, Basis::Consent), 366),
    ];
    app.app
        .db
        .write(move |conn| {
            lines.iter().try_for_each(|(line, days)| line.record(conn, 1, Timestamp::now().plus(-days * DAY)))
        })
        .await
        .unwrap();
    let later: Vec<String> = told(&yes.get("/privacy/rights").await.is(200))
        .difference(&notice)
        .map(|(id, ..)| id.clone())
        .collect();
    assert_eq!(later, ["histats"]);
}

/// A day in the middle of the calendar year before this one.
fn last_year() -> (i32, Timestamp) {
    let year = Timestamp::now().year_month().0 - 1;
    let day: chrono::NaiveDate = format!("{year}-06-15").parse().unwrap();
    (year, Timestamp(day.and_hms_opt(12, 0, 0).unwrap().and_utc().timestamp_millis()))
}

/// T-CA-4, R-CA-6, S2-44: an inquiry by post is written down with its clock, answered out of the ledger of the last
/// calendar year with kinds, names and addresses, and only once a year; what was answered stays as it was.
#[tokio::test(flavor = "multi_thread")]
async fn an_inquiry_by_post_is_answered_from_the_ledger_once_a_year() {
    let app = shop().await;
    let (year, then) = last_year();
    let ga = app.app.consent.registry.vendor("ga4").unwrap();
    let payment = app.app.services.of(Use::Payment).unwrap().clone();
    let lines = [
        (Line::of_vendor(ga, Purpose::Analytics, Basis::Consent), then),
        (Line::of_service(&payment), then),
        // Of this year, and of the year before: not asked about.
        (
            Line::of_vendor(
                app.app.consent.registry.vendor("statcounter").unwrap(),
                Purpose::Analytics,
                Basis::Consent,
            ),
            Timestamp::now(),
        ),
        (
            Line::of_vendor(
                app.app.consent.registry.vendor("histats").unwrap(),
                Purpose::Analytics,
                Basis::Consent,
            ),
            then.plus(-366 * DAY),
        ),
    ];
    app.app
        .db
        .write(move |conn| lines.iter().try_for_each(|(line, at)| line.record(conn, 1, *at)))
        .await
        .unwrap();
    let mut sam = app.person("Sam Support", &[cuehouse::accounts::user::Role::Support]).await;
    assert!(sam.get("/admin").await.is(200).has("Nobody waits for an answer"));
    app.buyer("Bea Buyer").await.get("/admin/inquiries").await.is(403);
    app.visitor().get("/admin/inquiries").await.is(303);
    let day = Timestamp::now().plus(-10 * DAY).day();
    let form = |name: &'static str, day: String| {
        vec![
            ("way", "post".to_owned()),
            ("name", name.to_owned()),
            ("address", "1 Lane\nOakland, CA".to_owned()),
            ("received", day),
        ]
    };
    async fn enters(sam: &mut Browser, fields: Vec<(&str, String)>) -> Seen {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        sam.send("/admin/inquiries/new", "/admin/inquiries", &fields).await
    }
    enters(&mut sam, form("", day.clone())).await.is(422);
    enters(&mut sam, form("Ada Field", "yesterday".into())).await.is(422);
    let href = enters(&mut sam, form("Ada Field", day.clone())).await.is(303).location().to_owned();
    let list = sam.get("/admin/inquiries").await.is(200);
    assert!(
        list.has("Ada Field") && (list.has("19 days left") || list.has("20 days left")),
        "{}",
        list.text()
    );
    // Once a calendar year for one person, however they write themselves.
    let again = enters(&mut sam, form("ada  FIELD", Timestamp::now().day())).await.is(409);
    let id = href.rsplit('/').next().unwrap();
    assert!(again.has(id), "{}", again.text());
    let page = sam.get(&href).await.is(200);
    let letter = page.text().split("<article").nth(1).unwrap().split("</article>").next().unwrap().to_owned();
    for told in [
        "1 Lane<br>Oakland, CA",
        "Google Analytics 4",
        "1600 Amphitheatre Parkway",
        "pages looked at, and when",
        "a pretend payment service",
    ] {
        assert!(letter.contains(told), "{told} in {letter}");
    }
    assert!(letter.contains(&format!("calendar year {year}")));
    for other in ["StatCounter", "HiStats"] {
        assert!(!letter.contains(other), "{other} in {letter}");
    }
    let answer = format!("{href}/answer");
    sam.says(&href, &answer, &[("kind", "list")]).await.is(303);
    let late = Line::of_vendor(
        app.app.consent.registry.vendor("histats").unwrap(),
        Purpose::Analytics,
        Basis::Consent,
    );
    app.app.db.write(move |conn| late.record(conn, 1, then)).await.unwrap();
    let kept = sam.get(&href).await.is(200);
    assert!(!kept.has("HiStats") && kept.has("by Sam Support"), "an answer stays as it went out");
    sam.says("/admin", &answer, &[("kind", "list")]).await.is(409);
    assert!(app.app.mail.letters().is_empty(), "what came by post is answered by post");
    let list = sam.get("/admin/inquiries").await.is(200);
    assert!(list.has("Nobody waits for an answer") && list.has("Ada Field"));
}

/// R-CA-6: an inquiry by e-mail is answered by e-mail; in place of the list the account can be opted out, with a receipt; a
/// late one is said to be late.
#[tokio::test(flavor = "multi_thread")]
async fn an_inquiry_by_e_mail_is_answered_by_letter_or_with_an_opt_out() {
    let app = shop().await;
    let mut bea = app.buyer("Bea Buyer").await;
    press(&mut bea, "accept").await;
    let mut ada = app.admin().await;
    let late = Timestamp::now().plus(-40 * DAY);
    for (name, email, kind) in
        [("Bea", "BEA.buyer@example.com", "opt_out"), ("Nora Nobody", "nora@example.com", "opt_out")]
    {
        let one = Inquiry::new(Way::Email, name, email, late, &UserId::new(), Timestamp::now()).unwrap();
        let (id, kept) = (one.id.clone(), one);
        app.app.db.write(move |conn| kept.enter(conn)).await.unwrap();
        assert!(ada.get("/admin").await.has("1 of them too long"));
        let href = format!("/admin/inquiries/{id}");
        assert!(ada.get(&href).await.is(200).has("days late"));
        let leaves = app.app.db.read(log::size).await.unwrap();
        let seen = ada.says(&href, &format!("{href}/answer"), &[("kind", kind)]).await;
        if name == "Bea" {
            seen.is(303);
            assert_eq!(app.app.db.read(log::size).await.unwrap(), leaves + 1, "an opt-out has a receipt");
        } else {
            assert!(seen.is(422).has("Nobody has an account with this address"));
            ada.says(&href, &format!("{href}/answer"), &[("kind", "list")]).await.is(303);
        }
    }
    let user = bea.user.clone().unwrap();
    let kept = app.app.db.read(move |conn| account::of(conn, &user)).await.unwrap();
    assert!(kept.choices.unwrap().opted_out_at.is_some());
    app.run_jobs().await;
    let letters = app.letters_to("BEA.buyer@example.com");
    assert!(
        letters[0].text.contains("You are opted out")
            && letters[0].text.contains("gave no personal information")
    );
    let plain = &app.letters_to("nora@example.com")[0];
    assert!(!plain.text.contains("You are opted out") && plain.text.contains("/privacy/choices"));
}

/// R-CA-6, S3-63: rows and inquiries end: three whole years are kept, on a clock that is moved.
#[tokio::test(flavor = "multi_thread")]
async fn old_years_are_forgotten() {
    let app = TestApp::new().await;
    let line = Line::of_service(Services::of(&app.app.services, Use::Payment).unwrap());
    let one =
        Inquiry::new(Way::Post, "Ada", "1 Lane", Timestamp::now(), &UserId::new(), Timestamp::now()).unwrap();
    let year = Timestamp::now().year_month().0;
    app.app
        .db
        .write(move |conn| {
            line.record(conn, 1, Timestamp::now())?;
            one.enter(conn)
        })
        .await
        .unwrap();
    let at = |year: i32| {
        let day: chrono::NaiveDate = format!("{year}-01-01").parse().unwrap();
        Timestamp(day.and_hms_opt(0, 0, 0).unwrap().and_utc().timestamp_millis())
    };
    for (now, gone) in [(at(year + 4).plus(-1), 0), (at(year + 4), 1)] {
        let swept = app
            .app
            .db
            .write(move |conn| Ok((disclosure::sweep(conn, now)?, inquiry::sweep(conn, now)?)))
            .await
            .unwrap();
        assert_eq!(swept, (gone, gone), "{now}");
    }
}

/// R-SG-5, R-CN-10: a browser asks for many pages at once; an account that is opted out by their signal gets one receipt.
#[tokio::test(flavor = "multi_thread")]
async fn many_requests_with_a_signal_at_once_write_one_receipt() {
    let app = shop().await;
    for chose_before in [true, false] {
        let mut bea = app.buyer(if chose_before { "Bea Buyer" } else { "Cleo Customer" }).await;
        if chose_before {
            press(&mut bea, "accept").await;
        }
        let before = app.app.db.read(log::size).await.unwrap();
        let mut all = tokio::task::JoinSet::new();
        for n in 0..16 {
            let mut window = bea.window();
            let path = ["/", "/search", "/licences", "/privacy"][n % 4];
            all.spawn(async move { window.get_with(path, &[("Sec-GPC", "1")]).await });
        }
        while let Some(seen) = all.join_next().await {
            let seen = seen.unwrap().is(200);
            assert!(!seen.header("content-security-policy").unwrap().contains("google"));
        }
        assert_eq!(app.app.db.read(log::size).await.unwrap(), before + 1, "one change, one receipt");
        let user = bea.user.clone().unwrap();
        let kept = app.app.db.read(move |conn| account::of(conn, &user)).await.unwrap();
        assert!(kept.choices.unwrap().opted_out_at.is_some());
    }
}
