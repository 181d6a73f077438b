//! Takes away what vendors left under our name. A request tells a cookie's name only, so every place it may lie in is
//! tried: this host, each parent domain up to the one somebody can own (public suffix list), known paths, with and
//! without `Partitioned`.

use std::sync::atomic::{AtomicU64, Ordering};

use super::decision::{Decision, Reason};
use super::rulebook::Rulebook;
use super::vendor::Vendor;

/// Cookies taken away since the start of this process.
pub static TAKEN: AtomicU64 = AtomicU64::new(0);
/// At most so many names a response: a jar holds no more of ours than that, and headers have an end.
const MOST: usize = 40;

/// Where a cookie set on a host may lie: `None` is the host alone, then each parent domain up to the registrable one.
pub fn domains(host: &str) -> Vec<Option<String>> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let mut all = vec![None];
    let is_name = host.parse::<std::net::IpAddr>().is_err() && !host.starts_with('[');
    let Some(owned) = psl::domain_str(&host).filter(|_| is_name) else { return all };
    let mut rest = host.as_str();
    loop {
        all.push(Some(rest.to_owned()));
        if rest == owned {
            return all;
        }
        match rest.split_once('.') {
            Some((_, parent)) => rest = parent,
            None => return all,
        }
    }
}

/// Whether a vendor's cookies go. On a page that appeals to children it is not contacted, but what was granted elsewhere
/// stands.
fn goes(reason: Reason) -> bool {
    !reason.allows() && reason != Reason::ForChildren
}

/// The `Set-Cookie` lines that take away every cookie of a vendor that may not be contacted. `names` are those in the
/// request; `https` decides whether partitioned ones, which need `Secure`, are tried too.
pub fn sweep<'a>(
    book: &Rulebook,
    decision: &Decision,
    names: impl Iterator<Item = &'a str>,
    host: &str,
    https: bool,
) -> Vec<String> {
    let mut lines = vec![];
    let mut places = None;
    for name in names.take(MOST * 4) {
        let mut whose = book.registry.vendors.iter().enumerate();
        let Some(vendor) = whose.find(|(at, v)| goes(decision.reasons[*at]) && v.wrote(name)).map(|(_, v)| v)
        else {
            continue;
        };
        // A name that two vendors write stays while one of them may.
        let shared = decision.allowed(book).any(|(v, _)| v.wrote(name));
        if shared || !is_token(name) {
            continue;
        }
        TAKEN.fetch_add(1, Ordering::Relaxed);
        take(&mut lines, name, vendor, places.get_or_insert_with(|| domains(host)), https);
        if lines.len() > MOST * 8 {
            break;
        }
    }
    lines
}

fn take(lines: &mut Vec<String>, name: &str, vendor: &Vendor, places: &[Option<String>], https: bool) {
    for place in places {
        let domain = place.as_ref().map(|d| format!("; Domain={d}")).unwrap_or_default();
        for path in vendor.paths() {
            let plain = format!("{name}=; Path={path}{domain}; Max-Age=0");
            if https {
                lines.push(format!("{plain}; Secure; SameSite=None; Partitioned"));
                lines.push(format!("{plain}; Secure"));
            } else {
                lines.push(plain);
            }
        }
    }
}

/// Whether a name may stand in a header (RFC 6265, RFC 9110 token).
fn is_token(name: &str) -> bool {
    let others = "!#$%&'*+-.^_`|~";
    !name.is_empty()
        && name.len() <= 128
        && name.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-CK-5: the parents of a host up to what somebody can own, two-label suffixes too; an address has none.
    #[test]
    fn every_parent_domain_is_tried_and_no_suffix() {
        let names = |host| domains(host).into_iter().flatten().collect::<Vec<_>>();
        for (host, all) in [
            ("www.app.cuehouse.test", vec!["www.app.cuehouse.test", "app.cuehouse.test", "cuehouse.test"]),
            ("shop.example.co.uk", vec!["shop.example.co.uk", "example.co.uk"]),
            ("example.co.uk", vec!["example.co.uk"]),
            ("co.uk", vec![]),
            ("localhost", vec![]),
            ("127.0.0.1", vec![]),
            ("[::1]", vec![]),
            ("Shop.Example.", vec!["shop.example"]),
        ] {
            assert_eq!(names(host), all, "{host}");
            assert_eq!(domains(host)[0], None);
        }
    }
}
