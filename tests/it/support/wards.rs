//! The young and those who answer for them, as they walk through the shop.

use chrono::{Datelike, Utc};
use cuehouse::accounts::session;
use cuehouse::clock::Timestamp;
use cuehouse::consent::age::{self, Band};
use cuehouse::guardians::ward::Ward;
use cuehouse::ids::Handle;
use cuehouse::secrets;

use super::app::{PASSWORD, TestApp, email_of};
use super::browser::{Browser, Seen};

/// Somebody of this age today, born in the middle of the year's list: the month before this one.
pub fn born(years: i32) -> (String, String) {
    let now = Utc::now();
    let (year, month) = if now.month() == 1 { (now.year() - 1, 12) } else { (now.year(), now.month() - 1) };
    ((year - years).to_string(), month.to_string())
}

/// Answers the age screen as somebody of this age.
pub async fn answers(browser: &mut Browser, years: i32) -> Seen {
    let (year, month) = born(years);
    browser.send("/sign-up", "/age", &[("birth_year", &year), ("birth_month", &month)]).await
}

/// Somebody of age without an account, whose browser holds their answer at the age screen.
pub fn grown(app: &TestApp) -> Browser {
    let mut browser = app.visitor();
    browser.set_cookie("al", &age::seal(&app.app.keys.seal, Band::Adult, Timestamp::now()));
    browser
}

/// The path of the newest link that begins so in a letter to this address.
pub fn link_in(app: &TestApp, email: &str, begins: &str) -> String {
    let letters = app.letters_to(email);
    let base = &app.app.config.site_url;
    let begins = format!("{base}{begins}");
    let text = letters
        .iter()
        .rev()
        .find_map(|letter| letter.text.split_whitespace().find(|w| w.starts_with(&begins)));
    let text = text.unwrap_or_else(|| panic!("no link to {begins} for {email} in {letters:?}"));
    text[base.len()..].to_owned()
}

/// Somebody under age who named their guardian: their browser, on its page, and the path of that page.
pub async fn asks(app: &TestApp, years: i32, name: &str, guardian: &str) -> (Browser, String) {
    let mut browser = app.visitor();
    answers(&mut browser, years).await.is(303);
    let fields = [("name", name), ("guardian_email", guardian)];
    let page = browser.send("/sign-up", "/guardian", &fields).await.is(303).location().to_owned();
    app.run_jobs().await;
    (browser, page)
}

/// The form is signed on a guardian's page, the first time or again.
pub async fn signs_at(app: &TestApp, home: &str, scopes: &[&str]) {
    let mut fields = vec![
        ("guardian_name", "Grace Field"),
        ("relationship", "mother"),
        ("country", "DE"),
        ("liable", "yes"),
        ("signature", "Grace Field"),
    ];
    fields.extend(scopes.iter().map(|scope| match *scope {
        "messages" => ("messages", "known_contacts"),
        scope => ("scope", scope),
    }));
    let mut browser = app.visitor();
    // Only the token is taken over: what was ticked before does not count again by itself.
    let csrf = browser.get(&format!("{home}?form=sign")).await.is(200).csrf().unwrap();
    fields.push(("csrf", &csrf));
    browser.post(&format!("{home}/form"), &fields).await.is(303);
}

/// The guardian signs the form with these scopes; answers the path of their page.
pub async fn signs(app: &TestApp, guardian: &str, scopes: &[&str]) -> String {
    let home = link_in(app, guardian, "/guardians/");
    signs_at(app, &home, scopes).await;
    app.run_jobs().await;
    home
}

/// The account that was allowed is opened from its page, confirmed and signed in. A child gives no address and signs in with
/// its name.
pub async fn opens(app: &TestApp, browser: &mut Browser, page: &str, name: &str) {
    let is_child = !browser.get(page).await.is(200).has("name=\"email\"");
    let email = if is_child { Handle::from_name(name).to_string() } else { email_of(name) };
    let fields = [("email", email.as_str()), ("password", PASSWORD)];
    let sent = if is_child { &fields[1..] } else { &fields[..] };
    browser.send(page, &format!("{page}/account"), sent).await.is(303);
    app.run_jobs().await;
    if !is_child {
        let confirm = link_in(app, &email, "/confirm/");
        browser.get(&confirm).await.is(303);
    }
    browser.send("/sign-in", "/sign-in", &fields).await.is(303);
    browser.user = app
        .app
        .db
        .read(move |conn| Ok(cuehouse::accounts::user::User::by_email(conn, &email)?.map(|u| u.id)))
        .await
        .unwrap();
}

/// Somebody of fifteen with an account whose guardian signed these scopes, signed in; and the path of the guardian's page.
pub async fn ward(app: &TestApp, name: &str, scopes: &[&str]) -> (Browser, String) {
    let guardian = format!("guardian-of-{}", email_of(name));
    let (mut browser, page) = asks(app, 15, name, &guardian).await;
    let home = signs(app, &guardian, scopes).await;
    opens(app, &mut browser, &page, name).await;
    (browser, home)
}

/// The guardian presses a button of their page.
pub async fn presses(app: &TestApp, home: &str, action: &str) -> Seen {
    app.visitor().send(home, &format!("{home}{action}"), &[]).await
}

/// How the ward of this account stands.
pub async fn ward_of(app: &TestApp, browser: &Browser) -> Option<Ward> {
    let user = browser.user.clone().unwrap();
    app.app.db.read(move |conn| Ward::of_account(conn, &user)).await.unwrap()
}

/// Signs an account in again, as far as the database goes.
pub async fn signs_in(app: &TestApp, browser: &mut Browser) {
    let (user, token) = (browser.user.clone().unwrap(), secrets::token().unwrap());
    let kept = token.clone();
    app.app
        .db
        .write(move |conn| session::open(conn, &user, &kept, Timestamp::now()).map(drop))
        .await
        .unwrap();
    browser.set_cookie("session", &token);
}

/// Somebody of this age with an account that a grown-up allowed, and nothing else; of a child, with `disclose`, also that
/// others hear it, once that was proved. Signed in; and the path of the grown-up's page.
pub async fn permitted(app: &TestApp, years: i32, name: &str, disclose: bool) -> (Browser, String) {
    let parent = format!("parent-of-{}", email_of(name));
    let (mut browser, page) = asks(app, years, name, &parent).await;
    let home = link_in(app, &parent, "/guardians/");
    let mut yes = vec![
        ("choice", "yes"),
        ("guardian_name", "Mother Star"),
        ("relationship", "mother"),
        ("liable", "yes"),
    ];
    if disclose {
        yes.push(("publication", "yes"));
    }
    app.visitor().send(&home, &format!("{home}/answer"), &yes).await.is(303);
    app.run_jobs().await;
    opens(app, &mut browser, &page, name).await;
    (browser, home)
}

/// The parent's form on paper came in, and two of the staff looked at it.
pub async fn proves_on_paper(app: &TestApp, home: &str, first: &mut Browser, second: &mut Browser) {
    let text = app.visitor().get(home).await.is(200).text();
    let code = text.split("code ").nth(1).unwrap()[..8].to_owned();
    let desk = first.get("/admin/age").await.is(200).text().replace("&#x2F;", "/");
    let look = desk.split("action=\"").filter_map(|r| r.split('"').next()).find(|a| a.ends_with("/look"));
    let look = look.unwrap().to_owned();
    first.send("/admin/age", &look, &[("code", &code)]).await.is(303);
    second.send("/admin/age", &look, &[("code", &code)]).await.is(303);
}
