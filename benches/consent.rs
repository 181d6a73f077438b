//! What the consent layer adds to one answer: the sealed cookie opened, the decision made, both policies written.
//!
//! `cargo bench --bench consent`

mod common;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use common::{median, quantile, table};
use cuehouse::clock::Timestamp;
use cuehouse::config::Config;
use cuehouse::consent::choices::Choices;
use cuehouse::consent::decision::{Context, decide};
use cuehouse::consent::rulebook::Rulebook;
use cuehouse::consent::{policy, seal};

const ANSWERS: usize = 20_000;
const ROUNDS: usize = 7;
const SEAL: [u8; 32] = [7; 32];

fn main() {
    let vendors = "ga4=G-TEST,statcounter=123:abc,histats=77";
    let env = BTreeMap::from([("CUEHOUSE_VENDORS".to_owned(), vendors.to_owned())]);
    let config = Config::read(None, &env).expect("settings");
    let book = Rulebook::new(&config).expect("vendors that can be switched on");
    let on = book.on().count();
    let mut yes = Choices {
        decided_at: Some(Timestamp(1)),
        expires_at: Some(Timestamp(i64::MAX)),
        ..Choices::default()
    };
    let mut no = yes.clone();
    for vendor in book.on() {
        yes.answer(vendor, true);
        yes.purposes.extend(vendor.purposes.iter().map(|purpose| (*purpose, true)));
        no.answer(vendor, false);
    }
    let mut rows = vec![];
    for (name, choices, gpc) in [
        ("nothing said yet", None, false),
        ("no to all", Some(&no), false),
        ("yes to all", Some(&yes), false),
        ("yes to all, and the signal", Some(&yes), true),
    ] {
        let cookie = choices.map(|choices| seal::close(&SEAL, choices));
        let answer = || {
            let choices = cookie.as_deref().and_then(|value| seal::open(&SEAL, value)).unwrap_or_default();
            let decision = decide(&Context {
                book: &book,
                band: None,
                age_locked: false,
                for_children: false,
                gpc,
                dnt: false,
                account_opted_out: false,
                ad_free: false,
                choices: &choices,
                country: None,
                letters_measured: false,
                load_once: None,
                now: Timestamp(2),
            });
            black_box(policy::content(&book, &decision, None, &[]));
            black_box(policy::connections(&book, &decision, None));
        };
        let (mut means, mut each) = (vec![], vec![]);
        for _ in 0..ROUNDS {
            let began = Instant::now();
            for _ in 0..ANSWERS {
                answer();
            }
            means.push(began.elapsed().as_secs_f64() * 1e6 / ANSWERS as f64);
            for _ in 0..ANSWERS / 10 {
                let began = Instant::now();
                answer();
                each.push(began.elapsed().as_secs_f64() * 1e6);
            }
        }
        rows.push(vec![
            name.to_owned(),
            format!("{:.2}", median(means)),
            format!("{:.2}", quantile(each, 0.99)),
        ]);
    }
    println!(
        "\n{on} vendors switched on; {ANSWERS} answers a round, median of {ROUNDS} rounds (aim: 20 µs)\n"
    );
    table(&["visitor", "µs an answer", "p99 µs"], &rows);
}
