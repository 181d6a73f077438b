//! The shop looks at its own banner as a visitor does, and says so when it broke.

use cuehouse::clock::{DAY, HOUR, Timestamp};
use cuehouse::consent::log;
use cuehouse::consent::selfcheck::Check;
use cuehouse::jobs::{Job, calendar, enqueue};

use crate::support::app::{TestApp, email_of};
use crate::support::proxy::{Proxy, Spoils};

const OPS: &str = "ops@example.com";

async fn behind(proxy: &Proxy, more: &[(&str, &str)]) -> TestApp {
    let mut settings = vec![
        ("CUEHOUSE_SITE_URL", proxy.url.as_str()),
        ("CUEHOUSE_OPERATOR_CONTACT", OPS),
        ("CUEHOUSE_VENDORS", "ga4=G-TEST,histats=77"),
    ];
    settings.extend_from_slice(more);
    let app = TestApp::with(&settings).await;
    proxy.leads_to(&app.url);
    app
}

/// One look, and every letter that follows from it. What it found.
async fn looks(app: &TestApp) -> Vec<String> {
    app.app.db.write(|conn| enqueue(conn, &Job::SelfCheck {}, Timestamp::now())).await.unwrap();
    app.run_jobs().await;
    let check = app.app.db.read(Check::last).await.unwrap().expect("a look");
    check.faults().into_iter().map(str::to_owned).collect()
}

fn subjects(app: &TestApp, to: &str) -> Vec<String> {
    app.letters_to(to).into_iter().map(|letter| letter.subject).collect()
}

/// T-MON-1, R-CA-5: the banner is broken in each way that would let visitors be seen or keep them from saying no. The look
/// notices, the operators get one letter for what broke and one when it is well again, and `/admin` shows it.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_banner_is_noticed_and_told() {
    let proxy = Proxy::open().await;
    let app = behind(&proxy, &[]).await;
    let mut admin = app.admin().await;
    let admins = email_of("Ada Admin");
    assert!(admin.get("/admin").await.is(200).has("has not looked at its own banner yet"));
    assert_eq!(looks(&app).await, Vec::<String>::new());
    assert_eq!(subjects(&app, OPS), Vec::<String>::new(), "what holds is no news");
    assert!(admin.get("/admin").await.is(200).has("it asks, takes a no, obeys the signal"));
    assert_eq!(app.app.db.read(log::size).await.unwrap(), 2, "a no and an opt-out, as any visitor's");

    let refuse = "<button class=\"even\" name=\"choice\" value=\"refuse\">Reject all</button>";
    proxy.spoils(Spoils::Words(refuse, ""));
    assert_eq!(looks(&app).await, ["The banner has no button that refuses."]);
    for to in [OPS, admins.as_str()] {
        let letters = app.letters_to(to);
        assert_eq!(letters.len(), 1, "{to}");
        assert!(letters[0].subject.contains("failed"), "{}", letters[0].subject);
        assert!(letters[0].text.contains("- The banner has no button that refuses."), "{}", letters[0].text);
    }
    let page = admin.get("/admin").await.is(200);
    assert!(page.has("The banner has no button that refuses.") && page.has("not as it should be"));
    looks(&app).await;
    assert_eq!(subjects(&app, OPS).len(), 1, "the same is not told twice in a day");

    for (spoils, finds) in [
        (Spoils::Words("data-consent-banner", "data-x"), None),
        (
            Spoils::Words("action=\"/privacy/choices\"", "action=\"/elsewhere\""),
            Some("its banner is missing"),
        ),
        (
            Spoils::Words(
                "</head>",
                "<script src=\"https://www.googletagmanager.com/gtag/js\"></script></head>",
            ),
            Some("names www.googletagmanager.com, a host of Google Analytics 4"),
        ),
        (
            Spoils::Words("</body>", "<img src=\"https://c.statcounter.com/t.php\"></body>"),
            Some("StatCounter"),
        ),
        (Spoils::Header("Content-Security-Policy"), Some("carries no content-security-policy")),
        (Spoils::Header("Connection-Allowlist"), Some("carries no connection-allowlist")),
        (Spoils::Asked("Sec-GPC"), Some("is not told that it was honoured")),
        (Spoils::Asked("Cookie"), Some("A refusal was answered with 403")),
        (Spoils::Words("value=\"opt_out\"", "value=\"optout\""), Some("no button that opts out")),
        (Spoils::Words("id=\"opted-out\"", ""), Some("An opt-out is not confirmed")),
        (Spoils::Words("\"gpc\":true", "\"gpc\":false"), Some("gpc.json")),
    ] {
        proxy.spoils(spoils);
        let found = looks(&app).await.join("\n");
        match finds {
            Some(words) => assert!(found.contains(words), "{spoils:?}: {found}"),
            None => assert_eq!(found, "", "{spoils:?}"),
        }
    }
    let told = subjects(&app, OPS);
    assert!(told.len() > 5, "{told:?}");
    proxy.spoils(Spoils::Nothing);
    assert_eq!(looks(&app).await, Vec::<String>::new());
    assert!(subjects(&app, OPS).last().unwrap().contains("well again"));
    let count = subjects(&app, OPS).len();
    looks(&app).await;
    assert_eq!(subjects(&app, OPS).len(), count, "well is told once");
}

/// R-CA-5: by hand it says the same with an exit code, and a site that cannot be reached is no site that holds. Without a
/// vendor there is nothing to ask, and the rest is looked at all the same.
#[tokio::test(flavor = "multi_thread")]
async fn it_can_be_looked_by_hand() {
    let proxy = Proxy::open().await;
    let app = behind(&proxy, &[("CUEHOUSE_VENDORS", "")]).await;
    let out = app.cuehouse(&["self-check"]);
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success() && said.contains("takes a no"), "{said}");
    proxy.spoils(Spoils::Everything);
    let out = app.cuehouse(&["self-check"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&out.stdout).contains("answered 502 instead of 200"));
    let check = app.app.db.read(Check::last).await.unwrap().unwrap();
    assert!(!check.holds() && !check.told, "who looks by hand reads it");
    // And by an admin's press, which others do not have.
    let mut admin = app.admin().await;
    proxy.spoils(Spoils::Nothing);
    admin.send("/admin", "/admin/looks", &[]).await.is(303);
    app.run_jobs().await;
    assert!(app.app.db.read(Check::last).await.unwrap().unwrap().holds());
    let mut reviewer = app.reviewer().await;
    assert!(!reviewer.get("/admin").await.is(200).has("/admin/looks"));
    reviewer.says("/admin", "/admin/looks", &[]).await.is(403);
}

/// R-CA-5, R-AG-1: where everyone is asked for their age first, the look answers as a grown-up and finds what they find; a
/// question that nobody can answer is noticed.
#[tokio::test(flavor = "multi_thread")]
async fn where_everyone_is_asked_first_it_goes_by_the_question() {
    let proxy = Proxy::open().await;
    let app = behind(&proxy, &[("CUEHOUSE_AGE_PROFILE", "mixed_audience_vpc")]).await;
    assert_eq!(looks(&app).await, Vec::<String>::new());
    assert_eq!(app.app.db.read(log::size).await.unwrap(), 2, "a no and an opt-out, and no answer");
    proxy.spoils(Spoils::Words("action=\"/age\"", "action=\"/nowhere\""));
    assert!(looks(&app).await.contains(&"The age question has no form.".to_owned()));
}

/// R-CA-5: once a day by default, as often as the setting says, and never where it says so.
#[tokio::test(flavor = "multi_thread")]
async fn the_calendar_looks_as_often_as_it_was_told() {
    let count = async |app: &TestApp| -> i64 {
        app.app
            .db
            .read(|conn| {
                let waiting = cuehouse::jobs::waiting(conn, Timestamp::now())?;
                Ok(waiting.into_iter().filter(|w| w.kind == "self_check").map(|w| w.count).sum())
            })
            .await
            .unwrap()
    };
    let start = Timestamp(20_800 * DAY);
    for (setting, wanted) in [("24", 2), ("6", 8), ("0", 0)] {
        let app = TestApp::with(&[("CUEHOUSE_PRIVACY_SELF_CHECK_HOURS", setting)]).await;
        for hour in 0..48 {
            calendar::round(&app.app, start.plus(hour * HOUR)).await.unwrap();
        }
        assert_eq!(count(&app).await, wanted, "{setting}");
    }
}
