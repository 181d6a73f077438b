//! The proof: every promise that rows and bytes can show, held against the live data.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use super::collect::{self, Keys};
use super::copies::hash;
use super::named::{Named, Walk, named_now};
use super::rules::{self, LISTED, RULES};
use super::{Meter, Shop, certificates, choices, payments};
use crate::clock::Timestamp;
use crate::db::{Conn, tables};
use crate::error::Result;
use crate::search;

/// Keys that storage is asked about at once.
const ASKED: usize = 16;

/// Whether a promise is broken or somebody should only look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    Broken,
    Warning,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub rule: &'static str,
    pub weight: Weight,
    /// What it concerns: `licence 7K3M-…`.
    pub about: String,
    pub words: String,
}

/// What was looked at and what was found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// How many of what: rows by table, and `bytes` for keys that rows name.
    pub seen: BTreeMap<String, i64>,
    pub findings: Vec<Finding>,
    /// Rules of which only the first breaches are listed.
    pub and_more: Vec<&'static str>,
}

impl Report {
    /// Whether every promise holds; warnings break none.
    pub fn holds(&self) -> bool {
        self.findings.iter().all(|finding| finding.weight == Weight::Warning)
    }

    fn add(&mut self, found: impl IntoIterator<Item = Finding>) {
        for finding in found {
            let same = self.findings.iter().filter(|f| f.rule == finding.rule).count();
            match same < LISTED {
                true => self.findings.push(finding),
                false if self.and_more.contains(&finding.rule) => {}
                false => self.and_more.push(finding.rule),
            }
        }
    }
}

/// Holds the shop against its promises, beside whatever it is doing. `deep` reads every master and made file again.
pub async fn check(shop: &Shop, deep: bool, now: Timestamp, meter: &Meter) -> Result<Report> {
    let mut report = Report::default();
    meter.says("reading the rows");
    let rows = shop
        .db
        .read({
            let meter = meter.clone();
            move |conn| rows(conn, now, &meter)
        })
        .await?;
    report.seen = rows.seen;
    report.add(rows.findings);
    bytes(shop, deep, meter, &mut report).await?;
    orphans(shop, now, meter, &mut report).await?;
    report.add(index(shop).await?);
    report.findings.sort_by(|a, b| (a.weight, a.rule).cmp(&(b.weight, b.rule)));
    meter.done();
    Ok(report)
}

/// Everything that rows alone can show, in one view of them.
fn rows(conn: &mut Conn, now: Timestamp, meter: &Meter) -> Result<Report> {
    tables::take_time(conn)?;
    let mut report = Report::default();
    for table in tables::tables(conn)? {
        report.seen.insert(table.name.clone(), table.count(conn)?);
    }
    for rule in RULES {
        meter.more(1);
        report.add(rule.breaches(conn)?);
    }
    report.add(rules::forgotten_jobs(conn, now)?);
    report.add(certificates::editions(conn)?);
    meter.says("holding orders against what Stripe said");
    let mut after = String::new();
    loop {
        let mut found = vec![];
        let last = payments::page(conn, &after, &mut found)?;
        report.add(found);
        let Some((last, count)) = last else { break };
        meter.more(count);
        after = last;
    }
    meter.says("verifying certificates");
    let mut after = String::new();
    loop {
        let mut found = vec![];
        let last = certificates::page(conn, &after, &mut found)?;
        report.add(found);
        let Some((last, count)) = last else { break };
        meter.more(count);
        after = last;
    }
    meter.says("computing the consent log anew");
    report.add(choices::breaches(conn, |count| meter.more(count))?);
    Ok(report)
}

/// Bytes that a row names and that are not there, or are others.
async fn bytes(shop: &Shop, deep: bool, meter: &Meter, report: &mut Report) -> Result<()> {
    meter.says(if deep { "reading every file" } else { "asking for every file" });
    let mut walk = Walk::new();
    let mut count = 0;
    while let Some(page) = walk.next(&shop.db).await? {
        count += page.len() as i64;
        let asked = stream::iter(page).map(|named| {
            let meter = meter.clone();
            async move {
                let fault = fault(shop, &named, deep).await?;
                meter.more(1);
                Ok::<_, crate::Error>(fault.map(|(rule, words)| (named, rule, words)))
            }
        });
        let at_fault: Vec<_> =
            asked.buffer_unordered(ASKED).try_filter_map(|f| async { Ok(f) }).try_collect().await?;
        if at_fault.is_empty() {
            continue;
        }
        // A row may have gone since it was read, and its bytes with it.
        let keys: Vec<String> = at_fault.iter().map(|(named, ..)| named.key.clone()).collect();
        let still = shop.db.read(move |conn| named_now(conn, &keys)).await?;
        for (named, rule, words) in at_fault.into_iter().filter(|(named, ..)| still.contains(&named.key)) {
            let about = format!("{} ({})", named.whose, named.key);
            report.add([Finding { rule, weight: Weight::Broken, about, words }]);
        }
    }
    report.seen.insert("bytes".into(), count);
    Ok(())
}

/// What is wrong with bytes that a row names.
async fn fault(shop: &Shop, named: &Named, deep: bool) -> Result<Option<(&'static str, String)>> {
    if !crate::storage::is_key(&named.key) {
        return Ok(Some(("bytes-are-there", "this is no key of storage".into())));
    }
    let Some(stat) = shop.storage.stat(&named.key).await? else {
        return Ok(Some(("bytes-are-there", "a row names bytes that are not there".into())));
    };
    if let Some(bytes) = named.bytes.filter(|bytes| u64::try_from(*bytes) != Ok(stat.len)) {
        return Ok(Some(("bytes-have-their-length", format!("{} bytes where a row says {bytes}", stat.len))));
    }
    let begins = named.sha256.as_deref().or(named.hash_in_name());
    let Some(begins) = begins.filter(|_| deep) else { return Ok(None) };
    let (_, found) = hash(&shop.storage, &named.key).await?;
    let same = found.starts_with(begins);
    Ok((!same).then(|| ("bytes-have-their-hash", format!("SHA-256 {found} where a row says {begins}"))))
}

/// Bytes that no row names and that should have been collected.
async fn orphans(shop: &Shop, now: Timestamp, meter: &Meter, report: &mut Report) -> Result<()> {
    meter.says("looking for bytes that nobody names");
    let keys = Keys::read(shop, meter).await?;
    let mut pages = shop.storage.pages("")?;
    while let Some(page) = pages.next().await? {
        let old = page.into_iter().filter(|(_, stat)| stat.modified < now.plus(-collect::GRACE));
        let orphans = old.filter(|(key, _)| !keys.has(key)).map(|(key, stat)| (key, stat.len)).collect();
        for (key, len) in collect::unnamed(shop, orphans).await? {
            let words = format!("no row names these {len} bytes: cuehouse gc removes them");
            report.add([Finding { rule: "bytes-are-named", weight: Weight::Warning, about: key, words }]);
        }
    }
    Ok(())
}

/// Copies of the search index on this machine that have read the whole feed and hold another number of tracks.
async fn index(shop: &Shop) -> Result<Vec<Finding>> {
    let folder = shop.data_dir.join("search");
    let copies = tokio::task::spawn_blocking(move || search::copies(&folder)).await?;
    let (end, published) = shop.db.read(search::feed_state).await?;
    let differs = |copy: &search::Copy| copy.upto == end && copy.tracks != published;
    Ok(copies
        .into_iter()
        .filter(differs)
        .map(|copy| Finding {
            rule: "index-follows",
            weight: Weight::Warning,
            about: copy.folder.display().to_string(),
            words: format!(
                "this search index holds {} tracks and the shop {published}: cuehouse reindex",
                copy.tracks
            ),
        })
        .collect())
}
