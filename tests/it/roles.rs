//! Whom each address serves: every route of the shop, and six kinds of people who ask for it.

use cuehouse::accounts::user::Role;
use cuehouse::sales::number::LicenceNumber;
use rocket::http::Method;

use crate::support::app::TestApp;
use crate::support::browser::{Browser, Seen};

/// Whom an address serves.
#[derive(Clone, Copy, Debug)]
enum Whom {
    /// Whoever asks.
    Anyone,
    /// Whoever signed in.
    SignedIn,
    /// Whoever has one of these roles.
    With(&'static [Role]),
    /// Whose account shows a notice and nothing else. For everybody who signed in otherwise it is not there.
    Held,
}

/// The table: how an address begins, and whom it serves. The first that fits counts; what does not stand here is for anyone.
const TABLE: [(&str, Whom); 21] = [
    ("/account/reset", Whom::Anyone),
    ("/account", Whom::SignedIn),
    ("/admin/age", Whom::With(&[Role::Reviewer, Role::Admin])),
    ("/admin/inquiries", Whom::With(&[Role::Support, Role::Admin])),
    ("/admin/orders", Whom::With(&[Role::Support, Role::Admin])),
    ("/admin/review", Whom::With(&[Role::Reviewer, Role::Admin])),
    ("/admin/", Whom::With(&[Role::Admin])),
    ("/admin", Whom::With(&[Role::Reviewer, Role::Support, Role::Admin])),
    ("/checkout", Whom::SignedIn),
    ("/email/", Whom::SignedIn),
    ("/held", Whom::Held),
    ("/library", Whom::SignedIn),
    ("/orders/", Whom::SignedIn),
    ("/privacy/country", Whom::SignedIn),
    ("/privacy/letters", Whom::SignedIn),
    ("/reports/age/", Whom::SignedIn),
    ("/sign-out/everywhere", Whom::SignedIn),
    ("/studio/welcome", Whom::SignedIn),
    ("/studio/", Whom::With(&[Role::Uploader])),
    ("/studio", Whom::SignedIn),
    ("/tracks/<slug>/favourite", Whom::SignedIn),
];

/// People who are told apart, with their roles.
const PEOPLE: [(&str, &[Role]); 5] = [
    ("Bea Buyer", &[]),
    ("Ulla Uploader", &[Role::Uploader]),
    ("Rae Reviewer", &[Role::Reviewer]),
    ("Sam Support", &[Role::Support]),
    ("Ada Admin", &[Role::Admin]),
];

fn whom(route: &str) -> Whom {
    TABLE.iter().find(|(begins, _)| route.starts_with(begins)).map_or(Whom::Anyone, |(_, whom)| *whom)
}

/// An address of this route, of something that could be there and is not.
fn filled(route: &str, number: &str) -> String {
    let parts = route.split('/').map(|part| match part {
        "<handle>" => "@nobody-here",
        "<number>" => number,
        "<n>" => "0",
        part if part.starts_with("<id") => "0190a0b0c0d0e0f0a0b0c0d0e0f0a0b0",
        part if part.starts_with('<') => "some-thing",
        part => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

async fn asks(who: &mut Browser, method: Method, at: &str, token: &str) -> Seen {
    match method {
        Method::Get => who.get(at).await,
        _ => who.post(at, &[("csrf", token)]).await,
    }
}

fn is_led_to_sign_in(seen: &Seen) -> bool {
    seen.header("location").is_some_and(|to| to.starts_with("/sign-in?next="))
}

/// S3-44: every route, read and written to, serves whom the table says and nobody else: a stranger is led to sign in, whoever
/// signed in without the role is refused, with a page's own token, too. A route that is added is for anyone, or stands in
/// the table.
#[tokio::test(flavor = "multi_thread")]
async fn every_address_serves_whom_it_should_and_nobody_else() {
    let app = TestApp::new().await;
    let number = LicenceNumber::draw().unwrap().to_string();
    let mut stranger = app.visitor();
    let mut people = vec![];
    for (name, roles) in PEOPLE {
        let mut browser = app.person(name, roles).await;
        let token = browser.get("/account").await.is(200).csrf().unwrap();
        people.push((name, roles, browser, token));
    }
    let rocket = cuehouse::rocket(app.app.clone()).ignite().await.unwrap();
    let (mut open, mut closed, mut refused) = (0, 0, 0);
    for route in rocket.routes() {
        let (method, whom) = (route.method, whom(route.uri.path()));
        let at = filled(route.uri.path(), &number);
        let seen = asks(&mut stranger, method, &at, "").await;
        let is_open = matches!(whom, Whom::Anyone);
        assert_eq!(is_led_to_sign_in(&seen), !is_open, "{method} {at} of a stranger: {}", seen.status);
        if is_open {
            open += 1;
            continue;
        }
        closed += 1;
        for (name, roles, browser, token) in &mut people {
            let may = match whom {
                Whom::Anyone | Whom::SignedIn => true,
                Whom::With(some) => some.iter().any(|role| roles.contains(role)),
                Whom::Held => false,
            };
            // What those do who may is the matter of other tests.
            if may && method != Method::Get {
                continue;
            }
            let seen = asks(browser, method, &at, token.as_str()).await;
            let is_right = match (may, whom) {
                (true, _) => seen.status < 500 && seen.status != 403 && !is_led_to_sign_in(&seen),
                (false, Whom::Held) => seen.status == 404,
                (false, _) => seen.status == 403 && !seen.has("stale"),
            };
            assert!(is_right, "{method} {at} of {name}: {} {}", seen.status, seen.text());
            refused += i32::from(!may);
        }
    }
    assert!(open > 80 && closed > 60 && refused > 150, "{open} open, {closed} closed, {refused} refusals");
}
