//! Our cookies: host-only, `HttpOnly`, `SameSite=Lax`; on https `Secure` and with the host prefix (RFC 6265bis).

use cookie::{Cookie, SameSite, time::Duration};
use rocket::Request;

use crate::App;

/// A cookie of ours, by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ours {
    /// A signed-in browser.
    Session,
    /// What forms of a browser without a session are bound to.
    Forms,
    /// A basket without an account.
    Basket,
    /// A line to show on the next page, sealed.
    Notice,
    /// That the age screen was answered, and how: sealed, and of one length for everyone.
    Age,
    /// The address to prefill at sign-in, where its owner asked for it, sealed.
    Remembered,
    /// What was chosen about vendors, sealed.
    Consent,
    /// That the banner was put off, until the browser closes.
    Later,
    /// What the browser of somebody under age comes back with while a grown-up is asked.
    Ward,
    /// What was wished of advertisements, sealed; only for those who saved wishes.
    AdWishes,
    /// What was shown today, sealed: a day and counts, only for those who asked for it among their wishes.
    AdCounts,
    /// That a vendor's advertisement is to be loaded once, on one page: sealed, for a minute.
    Once,
}

impl Ours {
    fn plain_name(self) -> &'static str {
        match self {
            Ours::Session => "session",
            Ours::Forms => "forms",
            Ours::Basket => "basket",
            Ours::Notice => "notice",
            Ours::Age => "al",
            Ours::Remembered => "remembered",
            Ours::Consent => "cs",
            Ours::Later => "later",
            Ours::Ward => "ward",
            Ours::AdWishes => "wishes",
            Ours::AdCounts => "counts",
            Ours::Once => "once",
        }
    }

    const ALL: [Ours; 12] = [
        Ours::Session,
        Ours::Forms,
        Ours::Basket,
        Ours::Notice,
        Ours::Age,
        Ours::Remembered,
        Ours::Consent,
        Ours::Later,
        Ours::Ward,
        Ours::AdWishes,
        Ours::AdCounts,
        Ours::Once,
    ];

    /// Every name a cookie of ours may have: no vendor's pattern may match one.
    pub fn names() -> Vec<String> {
        Ours::ALL.iter().flat_map(|ours| [ours.name(false), ours.name(true)]).collect()
    }

    /// The name on this site.
    pub fn name(self, https: bool) -> String {
        if https { format!("__Host-{}", self.plain_name()) } else { self.plain_name().to_owned() }
    }

    /// A cookie that lives so many milliseconds, or with the browser.
    pub fn holding(self, value: &str, lasts_ms: Option<i64>, https: bool) -> Cookie<'static> {
        let mut cookie = Cookie::build((self.name(https), value.to_owned()))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(https)
            .build();
        if let Some(ms) = lasts_ms {
            cookie.set_max_age(Duration::milliseconds(ms));
        }
        cookie
    }

    /// What takes the cookie away.
    pub fn gone(self, https: bool) -> Cookie<'static> {
        self.holding("", Some(0), https)
    }

    /// Its value in a request, when it came with one that is not absurdly long and is text.
    pub fn of(self, request: &Request<'_>) -> Option<String> {
        let https = request.rocket().state::<App>().is_some_and(|app| app.config.is_https());
        let value = request.cookies().get(&self.name(https))?.value().to_owned();
        (!value.is_empty() && value.len() <= 1024 && !value.contains('\0')).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S4-18: every cookie of ours is for this host alone, closed to scripts and to the forms of other sites; on https it
    /// has the host prefix and goes over nothing else. So is what takes it away.
    #[test]
    fn every_cookie_of_ours_is_as_tight_as_the_site_allows() {
        for (ours, https) in Ours::ALL.into_iter().flat_map(|ours| [(ours, false), (ours, true)]) {
            let kept = ours.holding("x", Some(1_000), https);
            for cookie in [kept, ours.holding("x", None, https), ours.gone(https)] {
                let line = cookie.to_string();
                for always in ["; HttpOnly", "; SameSite=Lax", "; Path=/"] {
                    assert!(line.contains(always), "{always} is not in {line}");
                }
                assert_eq!(line.starts_with("__Host-"), https, "{line}");
                assert_eq!((line.contains("; Secure"), line.contains("Domain")), (https, false), "{line}");
            }
        }
    }
}
