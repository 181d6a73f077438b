//! Who is at the other end of a connection: forwarding headers count only behind a named proxy.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr};

use rocket::request::{FromRequest, Outcome, Request};

use crate::App;

/// A range of addresses: one, or `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    base: u128,
    bits: u32,
}

impl Net {
    /// Reads an address or a range of them.
    pub fn parse(text: &str) -> Option<Net> {
        let (ip, len) = text.split_once('/').map_or((text, None), |(ip, len)| (ip, Some(len)));
        let ip: IpAddr = ip.parse().ok()?;
        let most = if ip.is_ipv4() { 32 } else { 128 };
        let len = len.map_or(Some(most), |len| len.parse().ok().filter(|n| *n <= most))?;
        Some(Net { base: number(ip), bits: 128 - most + len })
    }

    /// Whether an address lies in the range.
    pub fn holds(&self, ip: IpAddr) -> bool {
        let mask = u128::MAX.checked_shl(128 - self.bits).unwrap_or(0);
        (number(ip) ^ self.base) & mask == 0
    }
}

fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(ip.to_ipv6_mapped()),
        IpAddr::V6(ip) => u128::from(ip),
    }
}

/// The address of the one who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    pub ip: IpAddr,
}

impl Client {
    /// The last address in `X-Forwarded-For` that is not a trusted proxy's, where the connection comes from one.
    pub fn behind(remote: IpAddr, forwarded: Option<&str>, trusted: &[Net]) -> Client {
        let is_trusted = |ip: IpAddr| trusted.iter().any(|net| net.holds(ip));
        if !is_trusted(remote) {
            return Client { ip: remote };
        }
        let hops = forwarded.unwrap_or_default().split(',').map(|hop| hop.trim().parse::<IpAddr>());
        let mut ip = remote;
        for hop in hops.rev() {
            // What cannot be read ends what we believe.
            let Ok(hop) = hop else { break };
            ip = hop;
            if !is_trusted(hop) {
                break;
            }
        }
        Client { ip }
    }

    /// What attempts are counted by: the address, of IPv6 the /64 that one household has.
    pub fn key(&self) -> String {
        match self.ip.to_canonical() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => {
                let net = u128::from(ip) >> 64 << 64;
                format!("{}/64", Ipv6Addr::from(net))
            }
        }
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Client {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Client, Infallible> {
        let remote = request.remote().map_or(IpAddr::from([127, 0, 0, 1]), |remote| remote.ip());
        let lines: Vec<&str> = request.headers().get("X-Forwarded-For").collect();
        let forwarded = (!lines.is_empty()).then(|| lines.join(","));
        let trusted = request.rocket().state::<App>().map_or(&[][..], |app| &app.config.trusted_proxies);
        Outcome::Success(Client::behind(remote, forwarded.as_deref(), trusted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S1-28: forwarded headers are believed only from configured proxies.
    #[test]
    fn forwarding_headers_count_only_behind_a_named_proxy() {
        let nets = [Net::parse("10.0.0.0/8").unwrap(), Net::parse("::1").unwrap()];
        for (remote, forwarded, ip) in [
            ("203.0.113.9", Some("1.2.3.4"), "203.0.113.9"),
            ("10.1.1.1", Some("1.2.3.4"), "1.2.3.4"),
            ("10.1.1.1", Some("6.6.6.6, 1.2.3.4, 10.2.2.2"), "1.2.3.4"),
            ("10.1.1.1", Some("1.2.3.4, nonsense"), "10.1.1.1"),
            ("10.1.1.1", None, "10.1.1.1"),
            ("::1", Some("2001:db8::7"), "2001:db8::7"),
        ] {
            let client = Client::behind(remote.parse().unwrap(), forwarded, &nets);
            assert_eq!(client.ip.to_string(), ip);
        }
        assert!(Net::parse("10.0.0.0/33").is_none() && Net::parse("x").is_none());
        let whole = Net::parse("0.0.0.0/0").unwrap();
        assert!(whole.holds("8.8.8.8".parse().unwrap()) && !whole.holds("2001:db8::1".parse().unwrap()));
    }

    #[test]
    fn a_household_counts_once() {
        let key = |ip: &str| Client { ip: ip.parse().unwrap() }.key();
        assert_eq!(key("2001:db8:1:2:3::4"), key("2001:db8:1:2:ffff::"));
        assert_ne!(key("2001:db8:1:2::"), key("2001:db8:1:3::"));
        assert_eq!(key("::ffff:1.2.3.4"), key("1.2.3.4"));
    }
}
