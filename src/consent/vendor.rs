//! The registry: every third party that could ever be contacted from a page, with what is known of it. What does not
//! stand in it cannot be contacted.
//!
//! The facts are a reviewed file (`vendors.toml`), compiled in. They are dated and sourced data, not truths of the code.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::NaiveDate;
use regex::Regex;
use serde::{Deserialize, Serialize};

use super::constants::LINK_CHECK_DAYS;
use super::purpose::Purpose;
use super::receipt::is_address;
use crate::clock::Timestamp;
use crate::secrets::sha256;
use crate::web::Ours;

/// Whether a vendor can be enabled at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Active,
    /// Kept so that it is refused by name.
    Retired,
}

/// In which document a vendor's code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunsIn {
    Page,
    /// Only in a frame of a separate origin, with a policy of its own.
    AdFrame,
}

/// What ends a hold, where an operator can end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldEnds {
    /// A separate ad origin is set, and the operator says when they read that the vendor's terms allow a frame of it.
    AdFrame,
}

/// Whose jar a cookie lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Jar {
    /// Under our name: we can take it away.
    Ours,
    /// Under the vendor's: we can only say so.
    Theirs,
}

/// A vendor's addresses by what a page does with them. `known` never enters a header.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Hosts {
    pub script: Vec<String>,
    pub connect: Vec<String>,
    pub img: Vec<String>,
    pub frame: Vec<String>,
    pub known: Vec<String>,
}

impl Hosts {
    /// Everything a grant opens, `known` apart.
    pub fn granted(&self) -> impl Iterator<Item = &String> {
        self.script.iter().chain(&self.connect).chain(&self.img).chain(&self.frame)
    }
}

/// A cookie a vendor writes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CookieFact {
    /// An anchored pattern over the name.
    pub name: String,
    pub jar: Jar,
    /// How long, in the words of the source.
    pub lasts: String,
    /// Of older scripts or features not allowed here: taken away when met, not shown.
    #[serde(default)]
    pub old: bool,
    #[serde(default)]
    pub path: Option<String>,
    pub from: String,
    #[serde(default)]
    pub unsure: bool,
}

/// A way out that a vendor or a programme offers itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptOut {
    #[serde(default)]
    pub address: Option<String>,
    pub kind: String,
    pub works: Works,
    #[serde(default)]
    pub seen_on: Option<toml::value::Datetime>,
    #[serde(default)]
    pub ended_on: Option<toml::value::Datetime>,
    #[serde(default)]
    pub replaced_by: Option<String>,
    /// Whether it also stops what is kept under our own name.
    pub stops_ours: bool,
    pub from: String,
}

/// What is known of an opt-out address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Works {
    Yes,
    No,
    Unknown,
}

impl OptOut {
    /// The address, where somebody saw it work within the last 90 days. What is not known to work is named without a
    /// link; what is dead is never a link.
    pub fn link(&self, now: Timestamp) -> Option<&str> {
        let seen: NaiveDate = self.seen_on?.to_string().parse().ok()?;
        let days = (now.utc().date_naive() - seen).num_days();
        (self.works == Works::Yes && (0..=LINK_CHECK_DAYS).contains(&days)).then_some(())?;
        self.address.as_deref()
    }
}

/// An entry of the registry.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vendor {
    pub id: String,
    pub name: String,
    pub owner: String,
    pub state: State,
    #[serde(default)]
    pub hold: Option<String>,
    /// Without it nothing an operator says ends the hold.
    #[serde(default)]
    pub hold_ends: Option<HoldEnds>,
    pub purposes: Vec<Purpose>,
    pub runs_in: RunsIn,
    /// Vendors behind the same hosts are granted and refused together.
    pub group: String,
    #[serde(default)]
    pub tcf_id: Option<u16>,
    pub sells_or_shares: bool,
    pub targets_ads: bool,
    #[serde(default)]
    pub privacy_page: Option<String>,
    /// Where it is asked to delete what it has. Receipts name it, so there is nothing in it that could tell visitors apart.
    #[serde(default)]
    pub deletion_url: Option<String>,
    /// Where it is reached by post: answers to people who ask name it.
    #[serde(default)]
    pub postal_address: Option<String>,
    /// Where its written assurance lies that it keeps a child's data confidential, secure and whole (16 CFR 312.8).
    #[serde(default)]
    pub assurance_doc: Option<String>,
    /// Whether it would ever touch a child's data. None does; a claim without the assurance is a fault of the registry, and
    /// with it a child's decision still allows no vendor.
    #[serde(default)]
    pub touches_child_data: bool,
    /// What must be found out before production may enable it.
    pub missing: Vec<String>,
    pub storage_keys: Vec<String>,
    pub hosts: Hosts,
    pub cookies: Vec<CookieFact>,
    #[serde(default)]
    pub opt_outs: Vec<OptOut>,
    pub from: String,
    #[serde(skip)]
    print: String,
    #[serde(skip)]
    ours: Vec<Regex>,
}

impl Vendor {
    /// Hash of what a visitor is told about this vendor. A grant holds for this and nothing else; opt-out links, sources
    /// and dates are not part of it, or a look at a link would void everyone's consent.
    pub fn fingerprint(&self) -> &str {
        &self.print
    }

    /// The part of the fingerprint that cookies carry: 16 hexadecimal digits.
    pub fn short_print(&self) -> &str {
        self.print.get(..16).unwrap_or(&self.print)
    }

    /// Whether it sells, shares or targets, as laws on opting out mean it.
    pub fn trades(&self) -> bool {
        self.sells_or_shares || self.targets_ads
    }

    /// Whether a cookie of this name, in our own jar, is this vendor's.
    pub fn wrote(&self, cookie: &str) -> bool {
        self.ours.iter().any(|pattern| pattern.is_match(cookie))
    }

    /// The paths its cookies may lie on, `/` first.
    pub fn paths(&self) -> Vec<&str> {
        let mut all = vec!["/"];
        all.extend(self.cookies.iter().filter_map(|c| c.path.as_deref()).filter(|p| *p != "/"));
        all.dedup();
        all
    }

    /// Whether its code runs in our pages; else it is met in a frame apart from them.
    pub fn is_in_page(&self) -> bool {
        self.runs_in == RunsIn::Page
    }

    /// Whether it has a purpose of advertising.
    pub fn is_ads(&self) -> bool {
        self.purposes.iter().any(|p| p.is_ads())
    }

    fn told(&self) -> String {
        let purposes: Vec<_> = self.purposes.iter().map(|p| (p.slug(), p.words())).collect();
        let cookies: Vec<_> = self.cookies.iter().map(|c| (&c.name, c.jar, &c.lasts)).collect();
        serde_json::json!({
            "id": self.id, "owner": self.owner, "purposes": purposes, "sells_or_shares": self.sells_or_shares,
            "targets_ads": self.targets_ads, "hosts": self.hosts, "cookies": cookies,
            "storage_keys": self.storage_keys, "tcf_id": self.tcf_id,
        })
        .to_string()
    }
}

/// A programme that speaks for many vendors.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Programme {
    pub id: String,
    pub name: String,
    pub region: String,
    pub opt_outs: Vec<OptOut>,
}

/// Where facts were read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub what: String,
    pub dated: String,
    pub read_on: toml::value::Datetime,
}

/// All of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    pub written_on: toml::value::Datetime,
    pub sources: BTreeMap<String, Source>,
    #[serde(rename = "vendor")]
    pub vendors: Vec<Vendor>,
    #[serde(rename = "programme", default)]
    pub programmes: Vec<Programme>,
    #[serde(skip)]
    print: String,
}

static SHIPPED: LazyLock<Result<Registry, Vec<String>>> =
    LazyLock::new(|| Registry::read(include_str!("vendors.toml")));

impl Registry {
    /// The registry this program was built with. The error is every fault of the file; a test holds that there is none.
    pub fn shipped() -> Result<&'static Registry, Vec<String>> {
        SHIPPED.as_ref().map_err(Clone::clone)
    }

    /// Reads a registry and says everything that is wrong with it: facts that are missing, patterns that are not
    /// anchored or would take one of our own cookies away, sources that are not listed.
    pub fn read(text: &str) -> Result<Registry, Vec<String>> {
        let mut registry: Registry =
            toml::from_str(text).map_err(|e| vec![format!("vendors: {}", e.message())])?;
        let mut faults = vec![];
        for vendor in &mut registry.vendors {
            let id = vendor.id.clone();
            let mut wrong = |what: String| faults.push(format!("vendor {id}: {what}"));
            if vendor.purposes.is_empty() {
                wrong("it has no purpose".into());
            }
            if vendor.state == State::Active && vendor.hosts.granted().next().is_none() {
                wrong("it has no hosts".into());
            }
            if vendor.hold_ends == Some(HoldEnds::AdFrame) && vendor.is_in_page() {
                wrong("a frame ends its hold, and it does not run in one".into());
            }
            let assured = vendor.assurance_doc.as_deref().is_some_and(|doc| !doc.trim().is_empty());
            if vendor.touches_child_data && !assured {
                wrong("it would touch children's data without a written assurance (assurance_doc)".into());
            }
            if let Some(address) = &vendor.deletion_url {
                if !is_address(address) {
                    wrong(format!("{address} is no https address that a receipt could name"));
                }
                if vendor.missing.iter().any(|what| what == "deletion_url") {
                    wrong("its deletion_url is given, and said to be missing".into());
                }
            }
            for host in vendor.hosts.granted().chain(&vendor.hosts.known) {
                if !is_origin(host) {
                    wrong(format!("{host} is no https address"));
                }
            }
            for from in vendor.cookies.iter().map(|c| &c.from).chain(vendor.opt_outs.iter().map(|o| &o.from))
            {
                if !registry.sources.contains_key(from) {
                    wrong(format!("nothing is said about the source {from}"));
                }
            }
            for cookie in vendor.cookies.iter().filter(|c| c.jar == Jar::Ours) {
                let pattern = match Regex::new(&cookie.name) {
                    Ok(pattern) if is_anchored(&cookie.name) => pattern,
                    Ok(_) => {
                        wrong(format!("the pattern {} is not anchored", cookie.name));
                        continue;
                    }
                    Err(_) => {
                        wrong(format!("{} is no pattern", cookie.name));
                        continue;
                    }
                };
                if Ours::names().iter().any(|name| pattern.is_match(name)) {
                    wrong(format!("the pattern {} matches a cookie of ours", cookie.name));
                }
                vendor.ours.push(pattern);
            }
            vendor.print = sha256(vendor.told());
        }
        let mut ids: Vec<&str> = registry.vendors.iter().map(|v| v.id.as_str()).collect();
        ids.sort_unstable();
        if ids.windows(2).any(|two| two[0] == two[1]) {
            faults.push("two vendors have the same id".into());
        }
        let all: Vec<&str> = registry.vendors.iter().map(|v| v.print.as_str()).collect();
        registry.print = sha256(all.join("\n"));
        if faults.is_empty() { Ok(registry) } else { Err(faults) }
    }

    /// A vendor by its id.
    pub fn vendor(&self, id: &str) -> Option<&Vendor> {
        self.vendors.iter().find(|v| v.id == id)
    }

    /// Hash over all vendors' fingerprints, for receipts.
    pub fn fingerprint(&self) -> &str {
        &self.print
    }
}

fn is_anchored(pattern: &str) -> bool {
    // An alternative outside of brackets would be anchored on one side only.
    let mut depth = 0i32;
    let loose = pattern.chars().any(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == '|' && depth == 0
    });
    pattern.starts_with('^') && pattern.ends_with('$') && !pattern.ends_with("\\$") && !loose
}

/// `https://` and a host (perhaps with one leading `*.`), perhaps a path, and nothing that would end a directive.
fn is_origin(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://") else { return false };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.strip_prefix("*.").unwrap_or(host);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    host.contains('.') && host.chars().all(plain) && path.chars().all(|c| plain(c) || matches!(c, '/' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S0-34, D16: what is shipped can be read, what has ended is refused by name, and no dead link is a link.
    #[test]
    fn the_shipped_registry_has_no_fault() {
        let registry = Registry::shipped().unwrap();
        let ids: Vec<&str> = registry.vendors.iter().map(|v| v.id.as_str()).collect();
        assert_eq!(ids, ["ga4", "adsense", "doubleclick", "histats", "statcounter", "magnite", "clicksor"]);
        assert_eq!(registry.vendor("clicksor").unwrap().state, State::Retired);
        let day = |text: &str| {
            let day: NaiveDate = text.parse().unwrap();
            Timestamp(day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis())
        };
        let links = |now| -> Vec<&str> {
            let vendors = registry.vendors.iter().flat_map(|v| &v.opt_outs);
            let programmes = registry.programmes.iter().flat_map(|p| &p.opt_outs);
            vendors.chain(programmes).filter_map(|o| o.link(now)).collect()
        };
        assert_eq!(links(day("2026-11-25")), ["https://www.magnite.com/legal/user-choice-portal/"]);
        assert!(links(day("2027-02-21")).is_empty(), "a look counts for 90 days");
        assert!(links(day("2026-11-21")).is_empty(), "and not before it was taken");
        let nai = registry.programmes.iter().find(|p| p.id == "nai").unwrap();
        assert_eq!(nai.opt_outs[0].works, Works::No);
    }

    /// Patterns find what they are meant for, whole names only.
    #[test]
    fn a_vendor_knows_its_cookies() {
        let registry = Registry::shipped().unwrap();
        let who = |name: &str| {
            registry.vendors.iter().filter(|v| v.wrote(name)).map(|v| v.id.as_str()).collect::<Vec<_>>()
        };
        for (cookie, vendors) in [
            ("_ga", vec!["ga4"]),
            ("_ga_ABC123", vec!["ga4"]),
            ("x_ga", vec![]),
            ("_gac_gb_1", vec!["doubleclick"]),
            ("HstCfa1234", vec!["histats"]),
            ("sc_is_visitor_unique", vec!["statcounter"]),
            ("IDE", vec![]),
            ("session", vec![]),
            ("__Host-session", vec![]),
        ] {
            assert_eq!(who(cookie), vendors, "{cookie}");
        }
    }

    fn one(change: impl Fn(String) -> String) -> Result<Registry, Vec<String>> {
        let text = "written_on = 2026-01-01\n[sources]\nhere = { what = \"x\", dated = \"2026\", read_on = 2026-01-01 }\n\
             [[vendor]]\nid = \"v\"\nname = \"V\"\nowner = \"O\"\nstate = \"active\"\npurposes = [\"ads\"]\n\
             runs_in = \"page\"\ngroup = \"v\"\nsells_or_shares = true\ntargets_ads = true\nmissing = []\n\
             storage_keys = []\nfrom = \"here\"\n\
             hosts = { script = [\"https://v.example/a.js\"], connect = [], img = [], frame = [], known = [] }\n\
             cookies = [{ name = '^_v$', jar = \"ours\", lasts = \"1 day\", from = \"here\" }]\n\
             opt_outs = [{ kind = \"none\", works = \"no\", stops_ours = false, from = \"here\" }]\n";
        Registry::read(&change(text.to_owned()))
    }

    /// R-EN-9, T-BOOT-1: a vendor without hosts, cookies (an explicit empty list is fine), purpose or state, or with a
    /// pattern that is loose or would hit our own cookies, is a fault.
    #[test]
    fn a_registry_with_missing_facts_is_refused() {
        assert!(one(|text| text).is_ok());
        for (old, new) in [
            ("hosts = {", "others = {"),
            ("[\"https://v.example/a.js\"]", "[]"),
            ("cookies = [{ name = '^_v$', jar = \"ours\", lasts = \"1 day\", from = \"here\" }]\n", ""),
            ("purposes = [\"ads\"]", "purposes = []"),
            ("purposes = [\"ads\"]", "purposes = [\"fun\"]"),
            ("state = \"active\"\n", ""),
            ("'^_v$'", "'_v'"),
            ("'^_v$'", "'^_v|b$'"),
            ("'^_v$'", "'^s.*$'"),
            ("'^_v$'", "'^__Host-cs$'"),
            ("'^_v$'", "'^(_v$'"),
            ("https://v.example/a.js", "http://v.example/a.js"),
            ("https://v.example/a.js", "https://v.example/; script-src *"),
            ("from = \"here\"\nhosts", "from = \"here\"\nmore = 1\nhosts"),
            ("lasts = \"1 day\", from = \"here\"", "lasts = \"1 day\", from = \"there\""),
        ] {
            assert!(one(|text| text.replace(old, new)).is_err(), "{old} -> {new}");
        }
        assert!(
            one(|text| text
                .replace("[{ name = '^_v$', jar = \"ours\", lasts = \"1 day\", from = \"here\" }]", "[]"))
            .is_ok()
        );
    }

    /// T-RT-2, R-RT-2: a vendor that would touch a child's data without a written assurance is a fault; with it, nothing
    /// that visitors are told changes.
    #[test]
    fn a_claim_on_childrens_data_needs_a_written_assurance() {
        let claim = |more: &'static str| {
            one(|text| text.replace("from = \"here\"\nhosts", &format!("from = \"here\"\n{more}hosts")))
        };
        let plain = claim("").unwrap();
        for more in ["touches_child_data = true\n", "touches_child_data = true\nassurance_doc = \" \"\n"] {
            let faults = claim(more).unwrap_err();
            assert!(faults.len() == 1 && faults[0].contains("assurance_doc"), "{faults:?}");
        }
        let assured = claim("touches_child_data = true\nassurance_doc = \"contracts/v-2026.pdf\"\n").unwrap();
        assert_eq!(assured.vendors[0].fingerprint(), plain.vendors[0].fingerprint());
        assert!(Registry::shipped().unwrap().vendors.iter().all(|vendor| !vendor.touches_child_data));
    }

    /// PR-12: where a vendor is asked to delete what it has is a fact of the registry, fit to stand in a receipt; it is no part
    /// of what a yes was given to. Where nobody found it out the file says that it is missing.
    #[test]
    fn where_to_ask_for_deletion_is_a_fact_or_said_to_be_missing() {
        let given = |address: &'static str, missing: &'static str| {
            one(|text| {
                let text = text.replace("missing = []", &format!("missing = [{missing}]"));
                text.replace(
                    "from = \"here\"\nhosts",
                    &format!("from = \"here\"\ndeletion_url = \"{address}\"\nhosts"),
                )
            })
        };
        let known = given("https://v.example/delete", "").unwrap();
        assert_eq!(known.vendors[0].deletion_url.as_deref(), Some("https://v.example/delete"));
        assert_eq!(known.vendors[0].fingerprint(), one(|text| text).unwrap().vendors[0].fingerprint());
        for address in ["http://v.example/delete", "https://v.example/delete?who=7", "delete", ""] {
            assert!(given(address, "").is_err(), "{address}");
        }
        assert!(given("https://v.example/delete", "\"deletion_url\"").is_err());
        for vendor in Registry::shipped().unwrap().vendors.iter().filter(|v| v.state == State::Active) {
            let is_missing = vendor.missing.iter().any(|what| what == "deletion_url");
            assert_eq!(vendor.deletion_url.is_none(), is_missing, "{}", vendor.id);
        }
    }

    /// R-CN-12: the fingerprint changes with what a visitor is told, and with nothing else.
    #[test]
    fn a_fingerprint_is_of_what_is_told() {
        let print = |old: &'static str, new: &'static str| {
            one(|text| text.replace(old, new)).unwrap().vendors[0].fingerprint().to_owned()
        };
        let same = print("", "");
        for (old, new) in [
            ("purposes = [\"ads\"]", "purposes = [\"ads\", \"analytics\"]"),
            ("a.js", "b.js"),
            ("^_v$", "^_w$"),
            ("1 day", "2 days"),
            ("owner = \"O\"", "owner = \"P\""),
            ("targets_ads = true", "targets_ads = false"),
            ("storage_keys = []", "storage_keys = [\"k\"]"),
        ] {
            assert_ne!(print(old, new), same, "{old} -> {new}");
        }
        for (old, new) in
            [("works = \"no\"", "works = \"unknown\""), ("dated = \"2026\"", "dated = \"2027\"")]
        {
            assert_eq!(print(old, new), same, "{old} -> {new}");
        }
    }
}
