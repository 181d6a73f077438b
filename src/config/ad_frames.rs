//! Where frames with vendors' advertisements come from, and whose terms on them the operator read.

use chrono::NaiveDate;
use url::Url;

use super::{Mode, Said, site_address};
use crate::clock::Timestamp;
use crate::consent::janitor;

/// Another origin than the site's, answered by the same program: whoever asks it is given frames and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdOrigin {
    /// Scheme, host and port, without a slash at the end.
    pub origin: String,
    host: String,
    port: Option<u16>,
    usual_port: Option<u16>,
}

impl AdOrigin {
    fn new(origin: String) -> Option<AdOrigin> {
        let url = Url::parse(&origin).ok()?;
        Some(AdOrigin {
            host: url.host_str()?.to_owned(),
            port: url.port_or_known_default(),
            usual_port: Url::parse(&format!("{}://x", url.scheme())).ok()?.port_or_known_default(),
            origin,
        })
    }

    /// Whether a request with this `Host` is for it.
    pub fn is(&self, host: &str, port: Option<u16>) -> bool {
        host.trim_end_matches('.').eq_ignore_ascii_case(&self.host) && port.or(self.usual_port) == self.port
    }
}

/// The part of a host's name that somebody owns: cookies may be set for all that is below it.
fn owned(host: &str) -> String {
    janitor::domains(host).pop().flatten().unwrap_or_else(|| host.to_ascii_lowercase())
}

/// The ad origin, if one is set. It must be another site: an advertisement below the site's own domain could write cookies
/// that our pages receive.
pub fn origin(said: &mut Said, site_url: &str, mode: Mode) -> Option<AdOrigin> {
    let want = "an origin such as https://shop-frames.example";
    let at = said.read("ads.origin", None, want, |text| site_address(text).map(AdOrigin::new))?;
    let site = Url::parse(site_url).ok().and_then(|url| url.host_str().map(owned));
    if site.is_some_and(|site| site == owned(&at.host)) {
        said.faults.push(format!(
            "CUEHOUSE_ADS_ORIGIN is {:?}, and should be under another domain than the site: what runs there could else \
             write cookies for it",
            at.origin
        ));
    }
    if mode == Mode::Production && !at.origin.starts_with("https://") {
        said.faults.push("in production CUEHOUSE_ADS_ORIGIN must begin with https://".into());
    }
    Some(at)
}

/// On which day the operator read that a vendor's terms allow such a frame: `adsense=2026-11-28`, with commas.
pub fn terms_read(said: &mut Said) -> Vec<(String, NaiveDate)> {
    let today = Timestamp::now().utc().date_naive();
    said.read(
        "ads.terms_read",
        vec![],
        "a vendor and a day that is past, such as adsense=2026-11-28",
        |text| {
            let one = |item: &str| {
                let (vendor, day) = item.split_once('=')?;
                let day: NaiveDate = day.trim().parse().ok().filter(|day| *day <= today)?;
                Some((vendor.trim().to_owned(), day))
            };
            text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(one).collect()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        Config::read(None, &pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
    }

    /// R-EN-10: what runs in a frame can neither be the site nor write cookies for it.
    #[test]
    fn the_ad_origin_is_another_site() {
        for (site, ads, fine) in [
            ("https://shop.example", "https://shop-frames.example", true),
            ("https://shop.example", "https://shop.example", false),
            ("https://shop.example", "https://shop.example:8443", false),
            ("https://shop.example", "https://ads.shop.example", false),
            ("https://www.shop.co.uk", "https://ads.shop.co.uk", false),
            ("https://www.shop.co.uk", "https://shop-ads.co.uk", true),
            ("http://127.0.0.1:8000", "http://localhost:8000", true),
            ("http://127.0.0.1:8000", "http://127.0.0.1:9000", false),
            ("https://shop.example", "https://shop-frames.example/frames", false),
            ("https://shop.example", "shop-frames.example", false),
        ] {
            let said = read(&[("CUEHOUSE_SITE_URL", site), ("CUEHOUSE_ADS_ORIGIN", ads)]);
            assert_eq!(said.is_ok(), fine, "{site} {ads}: {:?}", said.err());
        }
    }

    #[test]
    fn a_request_is_for_it_by_host_and_port() {
        let plain = AdOrigin::new("https://frames.example".into()).unwrap();
        for (host, port, is) in [
            ("frames.example", None, true),
            ("Frames.Example.", None, true),
            ("frames.example", Some(443), true),
            ("frames.example", Some(80), false),
            ("shop.example", None, false),
            ("a.frames.example", None, false),
        ] {
            assert_eq!(plain.is(host, port), is, "{host} {port:?}");
        }
        let local = AdOrigin::new("http://localhost:8000".into()).unwrap();
        assert!(local.is("localhost", Some(8000)) && !local.is("localhost", None));
    }

    #[test]
    fn terms_were_read_on_a_day_that_is_past() {
        let config = read(&[("CUEHOUSE_ADS_TERMS_READ", "adsense=2026-01-05")]).unwrap();
        assert_eq!(config.privacy.terms_read[0].0, "adsense");
        for wrong in ["adsense", "adsense=yes", "adsense=2999-01-01", "adsense=2026-13-01"] {
            assert!(read(&[("CUEHOUSE_ADS_TERMS_READ", wrong)]).is_err(), "{wrong}");
        }
    }
}
