//! The program is killed at any moment, again and again, while people upload, buy and choose who may see them: nothing that
//! was acknowledged is lost, nothing is there twice, and no choice is without its receipt.
//!
//! `CUEHOUSE_CRASHES` sets how often (50), `CUEHOUSE_CRASH_SEED` repeats the moments of an earlier run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cuehouse::clock::Timestamp;
use cuehouse::consent::choices::Choices;
use cuehouse::consent::log::{self, merkle};
use cuehouse::consent::purpose::Purpose;
use cuehouse::consent::receipt::{Answer, Receipt};
use cuehouse::db::schema::{
    account_choices, consent_log, consent_receipts, entries, jobs, licences, order_lines, orders, recordings,
    tracks, uploads,
};
use cuehouse::db::{Db, DbUrl};
use cuehouse::ids::UserId;
use cuehouse::sandbox;
use cuehouse::secrets::sha256;
use diesel::prelude::*;
use tokio::task::JoinSet;

use crate::support::app::free_port;
use crate::support::browser::Browser;
use crate::support::database::TestDb;
use crate::support::folder::TestFolder;
use crate::support::process::{Process, Settings, signs_in};
use crate::support::sandbox::{PAYS, SECRET, encoded, sandbox_in};
use crate::support::wavs::music;

/// Uploads are costly without optimising: no more are begun.
const UPLOADS: u64 = 12;
const BUYERS: usize = 3;
/// People with an account who change their mind all the time.
const CHOOSERS: usize = 2;
/// Who might see them.
const VENDORS: &str = "ga4=G-TEST,statcounter=123:abc,histats=77";

/// Numbers that look drawn and are the same for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// What the shop, or Stripe, has said yes to.
#[derive(Default, Debug)]
struct Acknowledged {
    /// The page of an upload, and the hash of its bytes.
    uploads: Vec<(String, String)>,
    /// Slugs of tracks that were handed in, and of those that were published.
    submitted: BTreeSet<String>,
    published: BTreeSet<String>,
    /// Payment pages that Stripe took money on, with the order they belong to.
    paid: BTreeMap<String, String>,
    /// How many choices were made, and how many were pressed whose answer never came.
    chosen: usize,
    unheard: usize,
    /// Posts that a kill left without an answer.
    unsure: usize,
}

type Known = Arc<Mutex<Acknowledged>>;

struct Street {
    url: String,
    known: Known,
    closing: Arc<AtomicBool>,
}

impl Street {
    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Whether a post was taken; keeps count of those nobody knows of.
    fn taken(&self, status: u16) -> bool {
        if status == 0 {
            self.known.lock().unwrap().unsure += 1;
        }
        status == 303
    }

    /// Uploads sounds, one after the other.
    async fn sells(&self, mut who: Browser) {
        let mut n = 0;
        while n < UPLOADS && !self.is_closing() {
            let bytes = music(n, 0.6);
            let seen =
                who.upload("/studio/uploads/new", "/studio/uploads", &format!("sound {n}.wav"), &bytes).await;
            if self.taken(seen.status) {
                self.known.lock().unwrap().uploads.push((seen.location().to_owned(), sha256(&bytes)));
                n += 1;
            }
            pause(150).await;
        }
    }

    /// Describes what was examined and hands it in.
    async fn describes(&self, mut who: Browser) {
        let mut done = BTreeSet::new();
        while !self.is_closing() {
            let pages: Vec<String> =
                self.known.lock().unwrap().uploads.iter().map(|(page, _)| page.clone()).collect();
            for page in pages {
                if done.contains(&page) || self.is_closing() {
                    continue;
                }
                let seen = who.get(&page).await.is(200);
                let again = format!("{page}/attempt");
                if seen.has(&format!("action=\"{again}\"")) {
                    // Killed so often that the queue gave it up: its uploader tries again.
                    let tried = who.says(&page, &again, &[]).await;
                    self.taken(tried.status);
                    continue;
                }
                let Some(edit) = seen.link("/studio/tracks/") else { continue };
                let slug = edit.split('/').nth(3).unwrap().to_owned();
                let at = format!("/studio/tracks/{slug}");
                let words = [
                    ("title", slug.as_str()),
                    ("description", "A sound that outlived its shop."),
                    ("kind", "music"),
                    ("genre", "ambient"),
                    ("under_age", "no"),
                    ("price.creator", "29.00"),
                    ("price.film", "599.00"),
                ];
                let described = who.says(&format!("{at}/edit"), &at, &words).await;
                assert_ne!(described.status, 422, "{}", described.text());
                if self.taken(described.status)
                    && self
                        .taken(who.says(&format!("{at}/edit"), &format!("{at}/submission"), &[]).await.status)
                {
                    self.known.lock().unwrap().submitted.insert(slug);
                    done.insert(page);
                }
            }
            pause(100).await;
        }
    }

    /// Publishes what was handed in.
    async fn reviews(&self, mut who: Browser) {
        while !self.is_closing() {
            let waiting: Vec<String> = {
                let known = self.known.lock().unwrap();
                known.submitted.difference(&known.published).cloned().collect()
            };
            for slug in waiting {
                let to = format!("/admin/review/{slug}/publication");
                let seen = who.says("/admin/review", &to, &[]).await;
                // 409: the post that a kill left unanswered had been heard.
                if self.taken(seen.status) || seen.status == 409 {
                    self.known.lock().unwrap().published.insert(slug);
                }
            }
            pause(100).await;
        }
    }

    /// Buys one track after the other, and now and then walks away from the payment page.
    async fn buys(&self, mut who: Browser, mut chance: Chance) {
        let http = crate::support::sandbox::browser();
        let mut bought = BTreeSet::new();
        while !self.is_closing() {
            pause(60).await;
            let shop: Vec<String> =
                self.known.lock().unwrap().published.difference(&bought).cloned().collect();
            if shop.is_empty() {
                continue;
            }
            let slug = shop[chance.below(shop.len() as u64) as usize].clone();
            let tier = ["creator", "film"][chance.below(2) as usize];
            let put =
                who.says(&format!("/tracks/{slug}"), "/cart", &[("track", &slug), ("tier", tier)]).await;
            if !self.taken(put.status) {
                continue;
            }
            let seen =
                who.says("/cart", "/checkout", &[("licensee", "Ada Field"), ("territory", "europe")]).await;
            if !self.taken(seen.status) || !seen.location().contains("/pay/") {
                continue;
            }
            let page = seen.location().to_owned();
            if chance.below(6) == 0 {
                continue;
            }
            let form =
                [("card_number", PAYS), ("exp", "12 / 34"), ("cvc", "123"), ("email", "ada@example.com")];
            let paid = http
                .post(&page)
                .header("content-type", "application/x-www-form-urlencoded")
                .header("origin", page.split("/pay/").next().unwrap())
                .body(encoded(&form))
                .send()
                .await
                .unwrap();
            if paid.status() == 303 {
                let back = paid.headers()["location"].to_str().unwrap().to_owned();
                let order = back.split("/orders/").nth(1).unwrap()[..32].to_owned();
                let session = page.rsplit('/').next().unwrap().to_owned();
                self.known.lock().unwrap().paid.insert(session, order.clone());
                bought.insert(slug);
                // Some come back at once, some never.
                if chance.below(2) == 0 {
                    who.get(&format!("/orders/{order}")).await;
                }
            }
        }
    }
}

impl Street {
    /// Accepts, refuses, opts out and chooses in part, in any order; and sends now and then a form again that a kill left
    /// unanswered.
    async fn chooses(&self, mut who: Browser, mut chance: Chance) {
        while !self.is_closing() {
            pause(60 + chance.below(100)).await;
            let seen = who.get("/privacy/choices").await.is(200);
            let csrf = seen.csrf().unwrap();
            let choice = ["accept", "refuse", "opt_out", "save"][chance.below(4) as usize];
            let form = [
                ("csrf", csrf.as_str()),
                ("choice", choice),
                ("all", "yes"),
                ("purpose.analytics", "on"),
                ("vendor.histats", "on"),
            ];
            let mut status = who.post("/privacy/choices", &form).await.status;
            if status == 0 && chance.below(2) == 0 {
                // The page is still there: whoever pressed in it once more has chosen once.
                who.get("/healthz").await;
                status = who.post("/privacy/choices", &form).await.status;
            }
            let mut known = self.known.lock().unwrap();
            match status {
                303 => known.chosen += 1,
                // The shop was going down, or is gone.
                0 | 503 => known.unheard += 1,
                other => panic!("{choice} was answered with {other}"),
            }
        }
    }
}

/// What the rows say of an account that chose: its choices, and its receipts from the newest on.
type Mind = (UserId, Choices, Vec<Receipt>);

/// Choices and receipts, in one view of the rows; and that the chain and the tree are whole.
async fn minds(db: &Db) -> Vec<Mind> {
    db.read(|conn| {
        let mut all = vec![];
        let rows: Vec<(UserId, String)> =
            account_choices::table.select((account_choices::user_id, account_choices::line)).load(conn)?;
        for (user, line) in rows {
            let kept = log::of_account(conn, &user, i64::MAX)?;
            all.push((user, Choices::read(&line).unwrap(), kept.into_iter().map(|k| k.receipt).collect()));
        }
        let (mut chain, mut tree) = ([0; 32], merkle::Growing::default());
        let leaves: Vec<String> =
            consent_log::table.order(consent_log::seq).select(consent_log::leaf).load(conn)?;
        for leaf in &leaves {
            let leaf = merkle::hash_of(leaf).unwrap();
            chain = merkle::link(&chain, &leaf);
            let _ = tree.add(leaf);
        }
        let last = log::end(conn)?.map_or([0; 32], |last| merkle::hash_of(&last.chain).unwrap());
        assert_eq!((chain, tree.root()), (last, log::root(conn, leaves.len() as u64)?));
        let receipts: i64 = consent_receipts::table.count().get_result(conn)?;
        assert_eq!(receipts, leaves.len() as i64, "every leaf has its receipt");
        Ok(all)
    })
    .await
    .unwrap()
}

/// T-RC-1, R-CN-10: whenever the shop died, what an account allows is what its newest receipt says, and each receipt is of a
/// choice that was made: none of a choice that is not there, no choice without one.
fn choices_have_their_receipts(minds: &[Mind]) {
    for (user, choices, receipts) in minds {
        let newest = receipts.first().unwrap_or_else(|| panic!("{user} chose without a receipt"));
        let grants = newest.items.iter().any(|item| item.state == Answer::Granted);
        assert_eq!(choices.receipt, grants.then(|| newest.id.to_string()), "{user}");
        let dated = if grants { newest.time } else { newest.time.minute() };
        assert_eq!(choices.decided_at, Some(dated), "{user}: {choices:?} {newest:?}");
        assert_eq!(newest.items.len(), 3);
        for item in &newest.items {
            let by_purpose = choices.purposes[&Purpose::parse(&item.purpose).unwrap()];
            let is_on = by_purpose && choices.vendors[&item.vendor].yes;
            assert_eq!(is_on, item.state == Answer::Granted, "{user}: {choices:?} {newest:?}");
        }
        let grew = receipts.windows(2).all(|two| two[0].time >= two[1].time);
        assert!(grew && newest.time <= Timestamp::now());
    }
}

async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// Lets so much time pass for whoever held a lease when the program died.
async fn time_passes(db: &Db, millis: i64) {
    db.write(move |conn| {
        diesel::update(jobs::table.filter(jobs::lease_until.is_not_null()))
            .set(jobs::lease_until.eq(jobs::lease_until - millis))
            .execute(conn)?;
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_is_killed_at_any_moment_loses_nothing_and_does_nothing_twice() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let kills = number("CUEHOUSE_CRASHES").unwrap_or(50);
    let seed = number("CUEHOUSE_CRASH_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("CUEHOUSE_CRASH_SEED={seed} CUEHOUSE_CRASHES={kills}");
    let mut chance = Chance(seed);
    let begun = Instant::now();

    let (folder, rows, port) = (TestFolder::new(), TestDb::new().await, free_port());
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let url = format!("http://127.0.0.1:{port}");
    let stripe = sandbox_in(&folder.path().join("stripe"), &format!("{url}/stripe/webhook")).await;
    let settings = Settings::new(&data, port, &rows.url)
        .with("CUEHOUSE_STRIPE_URL", &stripe.url)
        .with("CUEHOUSE_STRIPE_WEBHOOK_SECRET", SECRET)
        .with("CUEHOUSE_VENDORS", VENDORS);
    settings.adds("ines@example.com", "Ines Morrow", &["uploader"]);
    settings.adds("rae@example.com", "Rae Reviewer", &["reviewer"]);
    for n in 0..BUYERS {
        settings.adds(&format!("ada{n}@example.com"), "Ada Field", &[]);
    }
    for n in 0..CHOOSERS {
        settings.adds(&format!("cho{n}@example.com"), "Cho Moody", &[]);
    }
    let db = Db::open(&DbUrl::parse(&rows.url).unwrap()).unwrap();

    let mut shop = settings.start("serve");
    shop.is_up().await;
    let street = Arc::new(Street { url, known: Known::default(), closing: Arc::default() });
    let mut people = JoinSet::new();
    let (ines, rae) =
        (signs_in(&street.url, "ines@example.com").await, signs_in(&street.url, "rae@example.com").await);
    let (second, here) = (ines.window(), street.clone());
    people.spawn(async move { here.sells(ines).await });
    let here = street.clone();
    people.spawn(async move { here.describes(second).await });
    let here = street.clone();
    people.spawn(async move { here.reviews(rae).await });
    for n in 0..BUYERS {
        let ada = signs_in(&street.url, &format!("ada{n}@example.com")).await;
        let (here, luck) = (street.clone(), Chance(seed ^ n as u64 ^ 0xada));
        people.spawn(async move { here.buys(ada, luck).await });
    }
    for n in 0..CHOOSERS {
        let cho = signs_in(&street.url, &format!("cho{n}@example.com")).await;
        let (here, luck) = (street.clone(), Chance(seed ^ n as u64 ^ 0xc40));
        people.spawn(async move { here.chooses(cho, luck).await });
    }

    for n in 0..kills {
        // One in five dies while it starts.
        match chance.below(5) {
            0 => pause(chance.below(300)).await,
            _ => {
                shop.is_up().await;
                pause(chance.below(900)).await;
            }
        }
        shop.dies().await;
        if chance.below(2) == 0 {
            time_passes(&db, 31_000).await;
        }
        choices_have_their_receipts(&minds(&db).await);
        shop = settings.start("serve");
        if n % 10 == 9 {
            // Beside the running shop, while it comes up.
            let beside = settings.clone();
            let said = tokio::task::spawn_blocking(move || beside.run(&["check", "--json"], ""));
            let said = said.await.unwrap();
            let said: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
            // Sound and money may wait for the job that was killed; the log of choices waits for nobody.
            let broken = said["broken"].as_array().unwrap().iter().map(ToString::to_string);
            let ours =
                |text: &String| ["consent-", "receipt-equals-leaf"].iter().any(|rule| text.contains(rule));
            assert_eq!(broken.filter(ours).collect::<Vec<_>>(), Vec::<String>::new());
        }
    }
    shop.dies().await;
    time_passes(&db, 31_000).await;
    let mut shop = settings.start("serve");
    shop.is_up().await;
    println!("{kills} kills in {:?}", begun.elapsed());

    comes_to_rest(&db, &street, &shop, &mut people).await;
    street.closing.store(true, Ordering::Relaxed);
    while let Some(done) = people.join_next().await {
        done.unwrap();
    }
    comes_to_rest(&db, &street, &shop, &mut people).await;
    shop.ends().await;
    let known = std::mem::take(&mut *street.known.lock().unwrap());
    println!(
        "{} uploads, {} published, {} paid, {} choices, {} posts without an answer, {:?} in all",
        known.uploads.len(),
        known.published.len(),
        known.paid.len(),
        known.chosen,
        known.unsure + known.unheard,
        begun.elapsed()
    );
    nothing_is_lost_or_double(&db, &known, &data, &stripe).await;
    let minds = minds(&db).await;
    choices_have_their_receipts(&minds);
    let receipts: usize = minds.iter().map(|(.., receipts)| receipts.len()).sum();
    println!("{receipts} receipts of choices");
    // A choice that was heard of has one; one whose answer never came has one or none.
    assert!((known.chosen..=known.chosen + known.unheard).contains(&receipts), "{receipts} {known:?}");
    assert!(minds.len() == CHOOSERS && known.chosen as u64 > kills, "hardly anything was chosen");
    let said = settings.run(&["check", "--deep", "--json"], "");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
    assert!(known.uploads.len() as u64 == UPLOADS && !known.paid.is_empty(), "hardly anything happened");
    stripe.stop().await;
}

/// Returns when nothing is left to do: everything acknowledged was worked on, every payment heard of.
async fn comes_to_rest(db: &Db, street: &Street, shop: &Process, people: &mut JoinSet<()>) {
    let until = Instant::now() + Duration::from_secs(300);
    loop {
        // Whoever found something wrong says it now, not after the wait.
        while let Some(done) = people.try_join_next() {
            done.unwrap();
        }
        let now = cuehouse::clock::Timestamp::now().0;
        let waiting: i64 = db
            .read(move |conn| {
                let due = jobs::state.eq_any(["ready", "running"]).and(jobs::due_at.lt(now + 60_000));
                Ok(jobs::table.filter(due).count().get_result(conn)?)
            })
            .await
            .unwrap();
        let paid: Vec<String> = street.known.lock().unwrap().paid.values().cloned().collect();
        let expected = paid.iter().collect::<BTreeSet<_>>().len() as i64;
        let heard: i64 = db
            .read(move |conn| {
                let settled = orders::id.eq_any(paid).and(orders::state.eq("paid"));
                Ok(orders::table.filter(settled).count().get_result(conn)?)
            })
            .await
            .unwrap();
        let all_up = street.known.lock().unwrap().uploads.len() as u64 == UPLOADS;
        let closing = street.is_closing();
        let handed_in = {
            let known = street.known.lock().unwrap();
            known.published.len() as u64 == UPLOADS && !known.paid.is_empty()
        };
        if waiting == 0 && heard == expected && all_up && (closing || handed_in) {
            return;
        }
        assert!(
            Instant::now() < until,
            "{waiting} jobs wait, {heard} of {expected} payments heard, {closing}, {:?}\n{}",
            street.known.lock().unwrap(),
            shop.said()
        );
        pause(200).await;
    }
}

async fn nothing_is_lost_or_double(db: &Db, known: &Acknowledged, data: &Path, stripe: &sandbox::Running) {
    // Uploads: every one that was acknowledged is there, byte for byte, examined once.
    let rows: Vec<(String, String, String, String)> = db
        .read(|conn| {
            let all = uploads::table.select((
                uploads::id,
                uploads::file_sha256,
                uploads::master_key,
                uploads::state,
            ));
            Ok(all.load(conn)?)
        })
        .await
        .unwrap();
    for (page, hash) in &known.uploads {
        let id = page.rsplit('/').next().unwrap();
        let (_, kept, key, state) =
            rows.iter().find(|(row, ..)| row == id).expect("an acknowledged upload is lost");
        assert_eq!((kept, state.as_str()), (hash, "ready"));
        assert_eq!(sha256(std::fs::read(data.join("files").join(key)).unwrap()), *hash);
    }
    let (examined, drafts): (i64, i64) = db
        .read(|conn| {
            Ok((recordings::table.count().get_result(conn)?, tracks::table.count().get_result(conn)?))
        })
        .await
        .unwrap();
    assert_eq!((examined, drafts), (rows.len() as i64, rows.len() as i64));
    assert!(rows.len() <= known.uploads.len() + known.unsure);
    // Publications.
    let published: Vec<String> = db
        .read(|conn| {
            Ok(tracks::table.filter(tracks::state.eq("published")).select(tracks::slug).load(conn)?)
        })
        .await
        .unwrap();
    assert!(known.published.iter().all(|slug| published.contains(slug)));
    // Payments: an order is paid when its session was, with one licence a line and one sale in the books.
    let paid: BTreeMap<String, String> = db
        .read(|conn| {
            let settled = orders::table.filter(orders::state.eq("paid"));
            let rows: Vec<(Option<String>, String)> =
                settled.select((orders::stripe_session, orders::id)).load(conn)?;
            Ok(rows.into_iter().map(|(session, id)| (session.unwrap_or_default(), id)).collect())
        })
        .await
        .unwrap();
    assert_eq!(paid, known.paid);
    let (lines, granted, held, total) = db
        .read(|conn| {
            let of_paid = order_lines::table.inner_join(orders::table).filter(orders::state.eq("paid"));
            let lines: i64 = of_paid.count().get_result(conn)?;
            let granted: i64 = licences::table.count().get_result(conn)?;
            let held: Vec<i64> = entries::table
                .filter(entries::account.eq("stripe"))
                .select(entries::amount_cents)
                .load(conn)?;
            let total: Vec<i64> =
                orders::table.filter(orders::state.eq("paid")).select(orders::total_cents).load(conn)?;
            Ok((lines, granted, held.iter().sum::<i64>(), total.iter().sum::<i64>()))
        })
        .await
        .unwrap();
    assert_eq!((granted, held), (lines, -total));
    let at_stripe = stripe.told().iter().filter(|told| told.kind == "checkout.session.completed").count();
    assert_eq!(at_stripe, known.paid.len());
}
