//! The young and those who answer for them, as they walk through the shop.

use chrono::{Datelike, Utc};
use cuehouse::accounts::session;
use cuehouse::clock::Timestamp;
use cuehouse::guardians::ward::Ward;
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

/// The guardian signs the form with these scopes; answers the path of their page.
pub async fn signs(app: &TestApp, guardian: &str, scopes: &[&str]) -> String {
    let home = link_in(app, guardian, "/guardians/");
    let mut browser = app.visitor();
    let mut fields = vec![
        ("guardian_name", "Grace Field"),
        ("relationship", "mother"),
        ("country", "DE"),
        ("liable", "yes"),
        ("signature", "Grace Field"),
    ];
    fields.extend(scopes.iter().map(|scope| ("scope", *scope)));
    let page = browser.get(&format!("{home}?form=sign")).await.is(200);
    let mut all = page.form(&format!("{home}/form"));
    all.retain(|(name, _)| name == "csrf");
    all.extend(fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
    let pairs: Vec<(&str, &str)> = all.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    browser.post(&format!("{home}/form"), &pairs).await.is(303);
    app.run_jobs().await;
    home
}

/// Somebody of fifteen with an account whose guardian signed these scopes, signed in; and the path of the guardian's page.
pub async fn ward(app: &TestApp, name: &str, scopes: &[&str]) -> (Browser, String) {
    let guardian = format!("guardian-of-{}", email_of(name));
    let (mut browser, page) = asks(app, 15, name, &guardian).await;
    let home = signs(app, &guardian, scopes).await;
    let email = email_of(name);
    let fields = [("email", email.as_str()), ("password", PASSWORD)];
    browser.send(&page, &format!("{page}/account"), &fields).await.is(303);
    app.run_jobs().await;
    let confirm = link_in(app, &email, "/confirm/");
    browser.get(&confirm).await.is(303);
    browser.send("/sign-in", "/sign-in", &fields).await.is(303);
    browser.user = app
        .app
        .db
        .read(move |conn| Ok(cuehouse::accounts::user::User::by_email(conn, &email)?.map(|u| u.id)))
        .await
        .unwrap();
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
