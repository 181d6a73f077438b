//! What a browser is told to refuse, from a decision: Content-Security-Policy (CSP Level 3) and Connection-Allowlist
//! (Chromium since 152), which also governs hints, WebRTC and navigations.

use super::decision::Decision;
use super::rulebook::Rulebook;
use super::vendor::Hosts;

/// Where violation reports go. Root-relative, so that they never leave this site.
pub const ENDPOINTS: &str = "csp=\"/reports/csp\", ca=\"/reports/connection\"";

/// What answers depend on, for caches.
pub const VARY: &str = "Cookie, Sec-GPC, DNT, Accept-Language";

/// The Content-Security-Policy of what stands inside a page: a picture, a sound, a style sheet, a script. It binds only
/// whoever opens such a thing by itself, who sees or hears it and nothing else.
pub const CLOSED: &str = "default-src 'none'; img-src 'self'; media-src 'self'; frame-ancestors 'none'";

/// The Connection-Allowlist of the same.
pub const NOWHERE: &str = "(response-origin)";

fn sources(list: &mut String, book: &Rulebook, decision: &Decision, of: fn(&Hosts) -> &Vec<String>) {
    for (vendor, _) in decision.allowed(book).filter(|(vendor, _)| vendor.is_in_page()) {
        for host in of(&vendor.hosts) {
            // Two vendors may share a host; a policy names it once.
            if !list.split(' ').any(|known| known == host) {
                list.push(' ');
                list.push_str(host);
            }
        }
    }
}

/// The origin of frames with a vendor's advertisement, where one may be.
fn frames<'a>(book: &'a Rulebook, decision: &Decision) -> Option<&'a str> {
    decision.framed(book).and(book.ad_origin.as_deref())
}

/// The Content-Security-Policy: our own host and the hosts of allowed vendors, of those who are met in a frame its origin
/// alone. `media` is the one other origin that is
/// ours: the storage that signed addresses lead to. `forms` are origins at which a form of this page may end: Chromium
/// holds redirects of a form to `form-action` too.
pub fn content(book: &Rulebook, decision: &Decision, media: Option<&str>, forms: &[String]) -> String {
    let own = || "'self'".to_owned();
    let ours = || media.map_or_else(own, |origin| format!("'self' {origin}"));
    let (mut script, mut connect, mut img, mut frame) = (own(), ours(), ours(), String::new());
    sources(&mut script, book, decision, |h| &h.script);
    sources(&mut connect, book, decision, |h| &h.connect);
    sources(&mut img, book, decision, |h| &h.img);
    sources(&mut frame, book, decision, |h| &h.frame);
    if let Some(origin) = frames(book, decision) {
        frame.push(' ');
        frame.push_str(origin);
    }
    let frame = if frame.is_empty() { "'none'" } else { frame.trim_start() };
    let media = ours();
    let forms: String = forms.iter().map(|origin| format!(" {origin}")).collect();
    format!(
        "default-src 'none'; script-src {script}; style-src 'self'; img-src {img}; media-src {media}; \
         font-src 'self'; connect-src {connect}; manifest-src 'self'; worker-src 'none'; object-src 'none'; \
         frame-src {frame}; form-action 'self'{forms}; base-uri 'none'; frame-ancestors 'none'; webrtc 'block'; \
         report-to csp"
    )
}

/// The Connection-Allowlist: ourselves and the origins of allowed vendors. Redirects are allowed, or a form answered by
/// 303 would end in an error page; so no address of ours leads elsewhere except by a navigation to a stored target.
pub fn connections(book: &Rulebook, decision: &Decision, media: Option<&str>) -> String {
    let mut list = "(response-origin".to_owned();
    let mut add = |origin: &str| {
        let entry = format!(" \"{origin}\"");
        if !list.contains(&entry) {
            list.push_str(&entry);
        }
    };
    if let Some(origin) = media {
        add(origin);
    }
    if let Some(origin) = frames(book, decision) {
        add(origin);
    }
    for (vendor, _) in decision.allowed(book).filter(|(vendor, _)| vendor.is_in_page()) {
        for host in vendor.hosts.granted() {
            add(origin_of(host));
        }
    }
    list.push_str(");redirects=allow;webrtc=block;report-to=ca");
    list
}

/// `https://host` of an address. Without a trailing slash it covers all paths.
fn origin_of(address: &str) -> &str {
    let after = address.find("://").map_or(0, |n| n + 3);
    let end = address[after..].find('/').map_or(address.len(), |n| after + n);
    &address[..end]
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::clock::Timestamp;
    use crate::config::Config;
    use crate::consent::choices::Choices;
    use crate::consent::decision::{Context, decide};

    fn rules(vendors: &str, yes: bool) -> (Rulebook, Decision) {
        let env = BTreeMap::from(
            [
                ("CUEHOUSE_VENDORS", vendors),
                ("CUEHOUSE_ADS_MODE", "vendor"),
                ("CUEHOUSE_ADS_ORIGIN", "https://shop-frames.example"),
                ("CUEHOUSE_ADS_TERMS_READ", "adsense=2026-01-05,doubleclick=2026-01-05,magnite=2026-01-05"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        let book = Rulebook::new(&Config::read(None, &env).unwrap()).unwrap();
        let mut choices = Choices { expires_at: Some(Timestamp(2)), ..Choices::default() };
        for vendor in book.on() {
            choices.answer(vendor, yes);
            choices.purposes.extend(vendor.purposes.iter().map(|p| (*p, yes)));
        }
        let decision = decide(&Context {
            book: &book,
            band: None,
            age_locked: false,
            for_children: false,
            gpc: false,
            dnt: false,
            account_opted_out: false,
            ad_free: false,
            choices: &choices,
            country: None,
            letters_measured: false,
            load_once: None,
            now: Timestamp(1),
        });
        (book, decision)
    }

    /// R-EN-3: byte for byte what is meant, without and with one vendor.
    #[test]
    fn headers_are_as_written_down() {
        let (book, nobody) = rules("ga4=G-TEST", false);
        assert_eq!(
            content(&book, &nobody, None, &[]),
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; \
             font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'none'; object-src 'none'; \
             frame-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; webrtc 'block'; \
             report-to csp"
        );
        assert_eq!(
            connections(&book, &nobody, None),
            "(response-origin);redirects=allow;webrtc=block;report-to=ca"
        );
        let (book, ga) = rules("ga4=G-TEST", true);
        let policy = content(&book, &ga, None, &["https://pay.example".into()]);
        for part in [
            "script-src 'self' https://www.googletagmanager.com/gtag/js;",
            "connect-src 'self' https://*.google-analytics.com https://*.analytics.google.com;",
            "img-src 'self' https://*.google-analytics.com https://*.analytics.google.com;",
            "form-action 'self' https://pay.example;",
            "frame-src 'none';",
        ] {
            assert!(policy.contains(part), "{part} in {policy}");
        }
        assert_eq!(
            connections(&book, &ga, Some("https://sounds.example")),
            "(response-origin \"https://sounds.example\" \"https://www.googletagmanager.com\" \
             \"https://*.google-analytics.com\" \"https://*.analytics.google.com\");redirects=allow;webrtc=block;\
             report-to=ca"
        );
        // T-ADF-1: of whoever is met in a frame the page lists the ad origin and no host of theirs.
        let (book, adsense) = rules("adsense=ca-pub-12:34", true);
        let policy = content(&book, &adsense, None, &[]);
        assert_eq!(
            policy,
            content(&book, &nobody, None, &[])
                .replace("frame-src 'none'", "frame-src https://shop-frames.example")
        );
        assert_eq!(
            connections(&book, &adsense, None),
            "(response-origin \"https://shop-frames.example\");redirects=allow;webrtc=block;report-to=ca"
        );
    }

    /// S1-23, S3-56: a network that is on adds its own hosts to the headers and no others, of one in a frame the origin of
    /// that frame; once it is off, none of them is left while the others stay.
    #[test]
    fn a_network_adds_its_hosts_alone_and_takes_them_along() {
        let named = |text: &str| -> BTreeSet<String> {
            let words = text.split([' ', ';', '"', '(', ')']).filter(|word| word.contains("://"));
            words.map(str::to_owned).collect()
        };
        let all = [
            ("ga4", "G-TEST"),
            ("statcounter", "123:abc"),
            ("histats", "77"),
            ("adsense", "ca-pub-12:34"),
            ("doubleclick", "/12/Front"),
            ("magnite", "1:2:3"),
        ];
        for (id, key) in all {
            let (book, on) = rules(&format!("{id}={key}"), true);
            let vendor = book.registry.vendor(id).unwrap();
            let hosts = &vendor.hosts;
            let own: BTreeSet<String> = match vendor.is_in_page() {
                true => [&hosts.script, &hosts.connect, &hosts.img, &hosts.frame]
                    .into_iter()
                    .flatten()
                    .cloned()
                    .collect(),
                false => BTreeSet::from(["https://shop-frames.example".to_owned()]),
            };
            let origins: BTreeSet<String> = own.iter().map(|host| origin_of(host).to_owned()).collect();
            assert_eq!(named(&content(&book, &on, None, &[])), own, "{id}");
            assert_eq!(named(&connections(&book, &on, None)), origins, "{id}");
            // Those in a frame share the origin that a page names: it goes with the last of them.
            let others: Vec<String> = all
                .iter()
                .filter(|(n, _)| {
                    *n != id && (vendor.is_in_page() || book.registry.vendor(n).unwrap().is_in_page())
                })
                .map(|(n, key)| format!("{n}={key}"))
                .collect();
            let (book, off) = rules(&others.join(","), true);
            let left = named(&content(&book, &off, None, &[]));
            assert!(!left.is_empty() && left.is_disjoint(&own), "{id}: {left:?}");
            assert!(named(&connections(&book, &off, None)).is_disjoint(&origins), "{id}");
        }
    }
}
