//! Licence numbers: 128 random bits in seven groups that people can read out and mistype safely.

use std::fmt;

use rocket::request::FromParam;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Crockford's base 32 of 2009: no I, L, O or U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const DIGITS: usize = 26;
const CHECKS: usize = 2;

/// A number nobody can guess, shown as `7K3M-…`: 26 characters of base 32 and two check characters, with
/// which any one or two mistyped characters are noticed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LicenceNumber(u128);

impl LicenceNumber {
    /// A new number from the system's random source.
    pub fn draw() -> Result<LicenceNumber> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(Error::internal)?;
        Ok(LicenceNumber::from_bytes(bytes))
    }

    /// The number of these random bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> LicenceNumber {
        LicenceNumber(u128::from_be_bytes(bytes))
    }

    /// Its sixteen bytes, as `from_bytes` takes them.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// What a person typed or read out: any case, any spaces and hyphens, O for 0, I or L for 1.
    pub fn parse(text: &str) -> Option<LicenceNumber> {
        let mut symbols = Vec::with_capacity(DIGITS + CHECKS);
        for c in text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '–' | '—' | '‑' | '−'))
        {
            symbols.push(symbol(c)?);
            if symbols.len() > DIGITS + CHECKS {
                return None;
            }
        }
        let (digits, checks) = symbols.split_at_checked(DIGITS)?;
        // 26 characters hold 130 bits: the first one may be at most 7.
        let fits = digits[0] < 8 && checks == check(digits);
        fits.then(|| LicenceNumber(digits.iter().fold(0, |n, d| n << 5 | u128::from(*d))))
    }

    fn symbols(self) -> Vec<u8> {
        let digits: Vec<u8> = (0..DIGITS).rev().map(|i| (self.0 >> (5 * i) & 31) as u8).collect();
        let checks = check(&digits);
        [digits, checks.to_vec()].concat()
    }
}

fn symbol(c: char) -> Option<u8> {
    let c = match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        c => c,
    };
    ALPHABET.iter().position(|a| char::from(*a) == c).map(|i| i as u8)
}

/// Two sums over the field of 32 elements (x⁵ + x² + 1), weighted with α and α²: as in a Reed–Solomon code,
/// two wrong characters cannot cancel out in both.
fn check(digits: &[u8]) -> [u8; CHECKS] {
    let weighted = |root: u8| digits.iter().fold(0, |sum, d| times(sum ^ d, root));
    [weighted(2), weighted(4)]
}

fn times(a: u8, b: u8) -> u8 {
    let product = (0..5).filter(|i| b >> i & 1 == 1).fold(0_u16, |p, i| p ^ u16::from(a) << i);
    (5..10).rev().fold(product, |p, i| if p >> i & 1 == 1 { p ^ 0b100101 << (i - 5) } else { p }) as u8
}

impl fmt::Display for LicenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, symbol) in self.symbols().into_iter().enumerate() {
            if i > 0 && i % 4 == 0 {
                f.write_str("-")?;
            }
            write!(f, "{}", char::from(ALPHABET[usize::from(symbol)]))?;
        }
        Ok(())
    }
}

impl fmt::Debug for LicenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LicenceNumber({self})")
    }
}

impl TryFrom<String> for LicenceNumber {
    type Error = &'static str;
    fn try_from(text: String) -> Result<LicenceNumber, Self::Error> {
        LicenceNumber::parse(&text).ok_or("not a licence number")
    }
}

impl From<LicenceNumber> for String {
    fn from(number: LicenceNumber) -> String {
        number.to_string()
    }
}

impl<'r> FromParam<'r> for LicenceNumber {
    type Error = ();
    fn from_param(text: &'r str) -> std::result::Result<Self, ()> {
        LicenceNumber::parse(text).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_printed_is_read_back(bytes: [u8; 16]) {
            let number = LicenceNumber::from_bytes(bytes);
            let text = number.to_string();
            prop_assert_eq!(text.len(), 34);
            prop_assert_eq!(LicenceNumber::parse(&text), Some(number));
            let spoken = text.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
            prop_assert_eq!(LicenceNumber::parse(&spoken), Some(number));
            prop_assert_eq!(number.to_bytes(), bytes);
        }

        #[test]
        fn one_or_two_wrong_characters_are_noticed(bytes: [u8; 16], a in 0..28_usize, b in 0..28_usize, x in 0..32_usize, y in 0..32_usize) {
            let text: Vec<char> = LicenceNumber::from_bytes(bytes).to_string().chars().filter(|c| *c != '-').collect();
            let mut wrong = text.clone();
            wrong[a] = char::from(ALPHABET[x]);
            wrong[b] = char::from(ALPHABET[y]);
            let read = LicenceNumber::parse(&wrong.iter().collect::<String>());
            prop_assert_eq!(read.is_some(), wrong == text);
        }

        #[test]
        fn two_swapped_characters_are_noticed(bytes: [u8; 16], a in 0..28_usize, b in 0..28_usize) {
            let text: Vec<char> = LicenceNumber::from_bytes(bytes).to_string().chars().filter(|c| *c != '-').collect();
            let mut wrong = text.clone();
            wrong.swap(a, b);
            prop_assert_eq!(LicenceNumber::parse(&wrong.iter().collect::<String>()).is_some(), wrong == text);
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let good = LicenceNumber::from_bytes([7; 16]).to_string();
        for text in ["", "7", "u", &good[1..], &format!("{good}0"), &good.replace('7', "u"), "ÿ"] {
            assert_eq!(LicenceNumber::parse(text), None, "{text:?}");
        }
        let (a, b) = (LicenceNumber::draw().unwrap(), LicenceNumber::draw().unwrap());
        assert_ne!(a, b);
    }
}
