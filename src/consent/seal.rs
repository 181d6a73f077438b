//! The choice as a browser keeps it: encrypted and authenticated, so that nobody reads a preference off a cookie and
//! nobody writes one.

use cookie::{Cookie, CookieJar, Key};

use super::choices::Choices;
use crate::secrets;

/// The name the seal is bound to: a value sealed for another purpose opens nothing here.
const BOUND_TO: &str = "cuehouse consent";

fn key(seal: &[u8; 32]) -> Key {
    let mut both = secrets::derive(seal, "consent cookie 1").to_vec();
    both.extend(secrets::derive(seal, "consent cookie 2"));
    Key::from(&both)
}

/// The value for the cookie. A browser that never said yes carries no id.
pub fn close(seal: &[u8; 32], choices: &Choices) -> String {
    close_line(seal, BOUND_TO, &choices.write())
}

/// What a value says, if it is ours and untouched.
pub fn open(seal: &[u8; 32], value: &str) -> Option<Choices> {
    Choices::read(&open_line(seal, BOUND_TO, value)?)
}

/// A line under seal, bound to what it is for.
pub fn close_line(seal: &[u8; 32], bound_to: &'static str, line: &str) -> String {
    let mut jar = CookieJar::new();
    jar.private_mut(&key(seal)).add(Cookie::new(bound_to, line.to_owned()));
    jar.get(bound_to).map(|c| c.value().to_owned()).unwrap_or_default()
}

/// The line under a seal of ours that was made for the same.
pub fn open_line(seal: &[u8; 32], bound_to: &'static str, value: &str) -> Option<String> {
    let sealed = Cookie::new(bound_to, value.to_owned());
    Some(CookieJar::new().private(&key(seal)).decrypt(sealed)?.value().to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::consent::choices::tests::any_choices;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// R-RC-8: what was sealed is read again; what was altered, or sealed by somebody else, is nothing.
        #[test]
        fn a_sealed_choice_cannot_be_read_or_altered(choices in any_choices(), at in 0..4000usize, other in any::<[u8; 32]>()) {
            let seal = [7; 32];
            let value = close(&seal, &choices);
            prop_assert!(value.len() <= 1024, "{}", value.len());
            prop_assert!(!value.contains("analytics") && !value.contains("ga4"));
            prop_assert_eq!(open(&seal, &value), Some(choices));
            prop_assert!(other == seal || open(&other, &value).is_none());
            let mut bytes = value.into_bytes();
            let at = at % bytes.len();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            if let Ok(altered) = String::from_utf8(bytes) {
                // The last character of base64 may hold bits that nobody reads.
                prop_assert!(at + 3 > altered.len() || open(&seal, &altered).is_none());
            }
        }
    }
}
