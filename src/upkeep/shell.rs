//! Upkeep from the shell: what `cuehouse check`, `gc`, `backup`, `restore` and `reindex` say.

use std::path::Path;

use serde_json::json;

use super::check::Weight;
use super::{Meter, Report, Shop, backup as carry, check as prove, collect, restore as bring};
use crate::Config;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::search::Index;

/// Proves the promises and prints what was found. Answers whether they hold.
pub async fn check(config: &Config, deep: bool, as_json: bool) -> Result<bool> {
    let shop = Shop::open(config)?;
    let report = prove::check(&shop, deep, Timestamp::now(), &Meter::on_terminal()).await?;
    match as_json {
        true => println!("{}", serde_json::to_string_pretty(&json(&report))?),
        false => print!("{}", words(&report)),
    }
    Ok(report.holds())
}

fn json(report: &Report) -> serde_json::Value {
    let of = |weight| report.findings.iter().filter(|f| f.weight == weight).collect::<Vec<_>>();
    json!({
        "holds": report.holds(),
        "broken": of(Weight::Broken),
        "warnings": of(Weight::Warning),
        "and_more": report.and_more,
        "seen": report.seen,
    })
}

/// The report for people: a line for each finding, and a last one that sums up.
pub fn words(report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let weight = match finding.weight {
            Weight::Broken => "broken ",
            Weight::Warning => "warning",
        };
        text += &format!("{weight}  {}  {}: {}\n", finding.rule, finding.about, finding.words);
    }
    for rule in &report.and_more {
        text += &format!("         {rule}  and more of the same\n");
    }
    let seen = |name: &str| report.seen.get(name).copied().unwrap_or(0);
    let looked = format!(
        "{} tracks, {} orders, {} licences, {} entries, {} privacy choices and {} files",
        seen("tracks"),
        seen("orders"),
        seen("licences"),
        seen("entries"),
        seen("consent_log"),
        seen("bytes")
    );
    let broken = report.findings.iter().filter(|f| f.weight == Weight::Broken).count();
    text += &match broken {
        0 => format!("Every promise holds: looked at {looked}.\n"),
        n => format!("Broken: {n} findings in {looked}.\n"),
    };
    text
}

/// Collects bytes that no row names.
pub async fn gc(config: &Config, as_json: bool) -> Result<()> {
    let meter = Meter::on_terminal();
    let done = collect::collect(&Shop::open(config)?, Timestamp::now(), &meter).await?;
    meter.done();
    match as_json {
        true => println!("{}", serde_json::to_string(&done)?),
        false => println!(
            "Looked at {} files: {} that no row names were removed ({} bytes), {} broken-off writings swept.",
            done.seen, done.keys, done.bytes, done.unfinished
        ),
    }
    Ok(())
}

/// Makes a backup. Answers whether it is whole.
pub async fn backup(config: &Config, folder: &Path) -> Result<bool> {
    let shop = Shop::open(config)?;
    let (manifest, missing) = carry::backup(&shop, folder, Timestamp::now(), &Meter::on_terminal()).await?;
    for key in &missing {
        eprintln!("cuehouse: a row names {key}, and it is not there");
    }
    println!(
        "{} rows and {} files ({} bytes) are in {}.",
        manifest.tables.iter().map(|table| table.rows).sum::<u64>(),
        manifest.files.count,
        manifest.files.bytes,
        folder.display()
    );
    if manifest.secret_sha256.is_some() {
        println!("The shop's secret is among them: keep this folder as you would keep the shop.");
    }
    Ok(missing.is_empty())
}

/// Brings a backup into an empty shop.
pub async fn restore(config: &Config, folder: &Path) -> Result<()> {
    // What is no backup makes no shop either.
    bring::read_manifest(folder)?;
    let manifest = bring::restore(&Shop::make(config)?, folder, &Meter::on_terminal()).await?;
    println!(
        "The shop of {} is back: {} rows and {} files.",
        manifest.made_at,
        manifest.tables.iter().map(|table| table.rows).sum::<u64>(),
        manifest.files.count
    );
    if manifest.secret_sha256.is_some() && config.secret_key.is_some() {
        println!("The settings name a secret of their own: that one holds, not the backup's.");
    }
    Ok(())
}

/// Builds the search index anew, here and in every process that serves this shop.
pub async fn reindex(config: &Config) -> Result<()> {
    let shop = Shop::open(config)?;
    let meter = Meter::on_terminal();
    meter.says("building the search index");
    let index = Index::open(&config.data("search"), &shop.db).await?;
    index.rebuild().await?;
    meter.done();
    println!("{} tracks can be found.", index.count());
    index.stop().await;
    Ok(())
}
