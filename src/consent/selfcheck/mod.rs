//! How the shop finds its own banner when it looks at it as a visitor does (R-CA-5: a banner that was broken for forty
//! days was fined). What is judged here is what a browser would be told; the looking is done upstairs.

pub mod html;

use diesel::prelude::*;

use super::vendor::Registry;
use crate::clock::{DAY, Timestamp};
use crate::db::Conn;
use crate::db::schema::self_checks;
use crate::error::Result;
use crate::ids::SelfCheckId;
use crate::visit::Answer;
use html::Tag;

/// How long the rows are kept.
const KEPT_MS: i64 = 366 * DAY;
/// While a fault lasts, people are written to again no sooner than this.
const AGAIN_MS: i64 = DAY;

/// One look.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = self_checks)]
pub struct Check {
    pub id: SelfCheckId,
    pub began_at: Timestamp,
    pub ended_at: Timestamp,
    /// A sentence a line.
    faults: String,
    /// Whether the people who run the shop were written to about it.
    pub told: bool,
}

/// What a letter about a look says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    Broken,
    Well,
}

impl Check {
    /// A look that found these faults.
    pub fn new(faults: &[String], began_at: Timestamp, now: Timestamp) -> Check {
        let lines: Vec<String> = faults.iter().map(|fault| fault.replace('\n', " ")).collect();
        Check { id: SelfCheckId::new(), began_at, ended_at: now, faults: lines.join("\n"), told: false }
    }

    pub fn faults(&self) -> Vec<&str> {
        self.faults.lines().collect()
    }

    /// Whether everything was as it should be.
    pub fn holds(&self) -> bool {
        self.faults.is_empty()
    }

    /// The last look, if there was one.
    pub fn last(conn: &mut Conn) -> Result<Option<Check>> {
        let newest = self_checks::table.order((self_checks::ended_at.desc(), self_checks::id.desc()));
        Ok(newest.select(Check::as_select()).first(conn).optional()?)
    }

    /// What is to be told: that something broke, that it is broken otherwise or still after a day, or that it is well
    /// again. Nothing for what was told already.
    pub fn news(&self, conn: &mut Conn) -> Result<Option<News>> {
        let before = Check::last(conn)?;
        let was_broken = before.as_ref().is_some_and(|check| !check.holds());
        if self.holds() {
            return Ok(was_broken.then_some(News::Well));
        }
        let told = self_checks::table.filter(self_checks::told.eq(true)).order(self_checks::ended_at.desc());
        let told: Option<Check> = told.select(Check::as_select()).first(conn).optional()?;
        let is_known = was_broken
            && told.is_some_and(|check| {
                check.faults == self.faults && self.ended_at.since(check.ended_at) < AGAIN_MS
            });
        Ok((!is_known).then_some(News::Broken))
    }

    /// Keeps a look, and whether people were told; those older than a year go.
    pub fn keep(mut self, conn: &mut Conn, told: bool) -> Result<()> {
        self.told = told;
        diesel::delete(self_checks::table.filter(self_checks::ended_at.lt(self.ended_at.plus(-KEPT_MS))))
            .execute(conn)?;
        diesel::insert_into(self_checks::table).values(&self).execute(conn)?;
        Ok(())
    }
}

/// Whom an answer lets a browser contact, or names in something a browser loads or follows by itself, beside the site and
/// its own store of sounds: one phrase for each. Words of the page may name anybody.
pub fn strangers(registry: &Registry, answer: &Answer, media: Option<&str>) -> Vec<String> {
    let mut found = vec![];
    for header in ["content-security-policy", "connection-allowlist"] {
        if answer.all(header).next().is_none() {
            found.push(format!("it carries no {header}"));
        }
        for word in answer.all(header).flat_map(|value| value.split([' ', ';', '"', '(', ')', ','])) {
            if (word.contains("://") || word == "*" || word == "https:") && Some(word) != media {
                found.push(format!("its {header} lets a browser contact {word}"));
            }
        }
    }
    for line in answer.all("set-cookie") {
        let name = line.split('=').next().unwrap_or_default().trim();
        let goes = line.to_ascii_lowercase().contains("max-age=0");
        if let Some(vendor) = registry.vendors.iter().find(|v| !goes && v.wrote(name)) {
            found.push(format!("it sets {name}, a cookie of {}", vendor.name));
        }
    }
    for tag in html::tags(&answer.body) {
        found.extend(named_in(registry, &tag));
    }
    found.sort();
    found.dedup();
    found
}

/// Attributes in which an address is loaded, followed or announced.
const ADDRESSES: [&str; 9] =
    ["src", "srcset", "href", "action", "formaction", "data", "poster", "ping", "content"];

fn named_in(registry: &Registry, tag: &Tag) -> Vec<String> {
    let mut found = vec![];
    if let Some(vendor) = tag.get("data-vendor") {
        found.push(format!("it carries the tag of {vendor}"));
    }
    for (name, value) in &tag.attributes {
        if !ADDRESSES.contains(&name.as_str()) {
            continue;
        }
        for host in value.split([' ', ',']).filter_map(host_of) {
            let domain = |known: &String| {
                known
                    .split("://")
                    .nth(1)
                    .and_then(|rest| rest.split('/').next())
                    .map(|d| d.trim_start_matches("*."))
                    .is_some_and(|d| host == d || host.ends_with(&format!(".{d}")))
            };
            let whose = registry.vendors.iter().find(|v| v.hosts.granted().chain(&v.hosts.known).any(domain));
            if let Some(vendor) = whose {
                found.push(format!("a {} of it names {host}, a host of {}", tag.name, vendor.name));
            }
        }
    }
    found
}

fn host_of(address: &str) -> Option<String> {
    let rest = address.split_once("//").filter(|(scheme, _)| scheme.is_empty() || scheme.ends_with(':'))?.1;
    let host = rest.split(['/', '?', '#', ':', '\'', '"']).next()?;
    Some(host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(headers: &[(&str, &str)], body: &str) -> Answer {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Answer { status: 200, headers, body: body.to_owned() }
    }

    const FINE: [(&str, &str); 2] = [
        ("content-security-policy", "default-src 'none'; img-src 'self' https://sounds.example"),
        ("connection-allowlist", "(response-origin \"https://sounds.example\");redirects=allow"),
    ];

    /// R-CA-5: whatever a browser would act on is seen, and what people only read is not.
    #[test]
    fn strangers_are_seen_where_a_browser_would_act() {
        let registry = Registry::shipped().unwrap();
        let of = |headers: &[(&str, &str)], body: &str| {
            strangers(registry, &answer(headers, body), Some("https://sounds.example"))
        };
        let words = "<p>It contacts www.googletagmanager.com.</p><!-- <img src='https://c.statcounter.com/x'> -->\
                     <a href=\"/leave/vendor/ga4\">out</a><img src=/a.png alt=\"https://c.statcounter.com\">";
        assert_eq!(of(&FINE, words), Vec::<String>::new());
        for body in [
            "<script defer src=\"https://www.googletagmanager.com/gtag/js?id=1\">",
            "<IMG SRC=//c.statcounter.com/t.php>",
            "<link rel=preconnect href='https://s10.histats.com'>",
            "<img srcset=\"/a.png 1x, https://region1.google-analytics.com/g 2x\">",
            "<meta http-equiv=refresh content=\"0;url=https://www.statcounter.com/\">",
            "<script src=/js/vendors/ga4.js data-vendor=ga4>",
        ] {
            assert_eq!(of(&FINE, body).len(), 1, "{body}: {:?}", of(&FINE, body));
        }
        let more = |name, value| [FINE[0], FINE[1], (name, value)];
        assert_eq!(of(&more("set-cookie", "_ga=GA1.1; Path=/"), "").len(), 1);
        assert_eq!(of(&more("set-cookie", "_ga=; Path=/; Max-Age=0"), "").len(), 0);
        assert_eq!(of(&more("set-cookie", "session=1"), "").len(), 0);
        assert_eq!(of(&more("content-security-policy", "img-src https://x.example *"), "").len(), 2);
        assert_eq!(of(&FINE[..1], "").len(), 1, "a header that is gone is a fault");
    }
}
