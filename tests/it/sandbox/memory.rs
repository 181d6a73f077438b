//! What it remembers when it is stopped, however that comes.

use std::time::Duration;

use cuehouse::stripe::Stripe;

use crate::support::folder::TestFolder;
use crate::support::sandbox::{PAYS, SECRET, TestSandbox, sandbox_in, wish};

#[rocket::async_test]
async fn what_happened_is_there_after_a_restart() {
    let mut it = TestSandbox::new().await;
    let wish = wish(2_900);
    let opened = it.stripe.checkout(&wish).await.unwrap();
    it.running().hold_webhooks(true);
    let paid = it.paid_with(PAYS).await;
    it.restarts().await;
    assert!(it.stripe.session(&paid).await.unwrap().is_paid());
    let again = it.stripe.checkout(&wish).await.unwrap();
    assert_eq!(again, opened, "the key is remembered, and the page is where it was");
    assert!(it.running().settled(Duration::from_secs(15)).await);
    it.inbox.hears("checkout.session.completed").await;
}

/// However a kill tears the journal, what was answered before is there and the rest never was.
#[rocket::async_test]
async fn a_torn_line_of_the_journal_is_as_if_it_had_never_been() {
    let mut it = TestSandbox::new().await;
    let first = it.opens(&wish(2_900)).await;
    let journal = it.folder.path().join("journal.jsonl");
    let before = std::fs::metadata(&journal).unwrap().len() as usize;
    let second = it.opens(&wish(2_900)).await;
    it.running.take().unwrap().stop().await;
    let whole = std::fs::read(&journal).unwrap();
    let cuts = [before, before + 1, before + 100, (before + whole.len()) / 2, whole.len() - 1, whole.len()];
    for cut in cuts {
        let folder = TestFolder::new();
        std::fs::write(folder.path().join("journal.jsonl"), &whole[..cut]).unwrap();
        let running = sandbox_in(folder.path(), "").await;
        let stripe = Stripe::new(&running.url, "sk").unwrap();
        assert!(stripe.session(&first).await.is_ok(), "cut at {cut}");
        assert_eq!(
            stripe.session(&second).await.is_ok(),
            cut == whole.len(),
            "cut at {cut} of {}",
            whole.len()
        );
        let third = stripe.checkout(&wish(2_900)).await.unwrap().id;
        running.stop().await;
        let running = sandbox_in(folder.path(), "").await;
        let stripe = Stripe::new(&running.url, "sk").unwrap();
        assert!(stripe.session(&third).await.is_ok(), "it writes on behind the cut at {cut}");
        running.stop().await;
    }
    // Damage in the middle is nothing that a kill does.
    let mut damaged = whole.clone();
    damaged[before / 2] = b'\n';
    let folder = TestFolder::new();
    std::fs::write(folder.path().join("journal.jsonl"), &damaged).unwrap();
    let options = cuehouse::sandbox::Options {
        port: 0,
        address: std::net::Ipv4Addr::LOCALHOST.into(),
        folder: folder.path().to_owned(),
        webhook_url: String::new(),
        webhook_secret: SECRET.to_owned(),
    };
    assert!(cuehouse::sandbox::start(options).await.is_err());
}
