//! Bits as the consent trade writes them: big-endian, in letters of base64url without padding, and sets of small numbers.

use std::fmt;

/// Why a row of bits could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A character outside the alphabet of base64url.
    Letter,
    /// The text ended inside a field.
    Ends,
    /// A number that nobody can mean.
    Number,
    /// Longer than any consent string is.
    TooLong,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Letter => "a character is not base64url",
            Fault::Ends => "the text ends inside a field",
            Fault::Number => "a number is out of range",
            Fault::TooLong => "the text is too long",
        })
    }
}

/// The longest text that is read, in characters. The whole vendor numbering as bit fields needs a sixth of it.
pub const LONGEST: usize = 256 * 1024;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The six bits of one letter.
fn sextet(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}

/// A row of bits that grows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writer {
    bits: Vec<bool>,
}

impl Writer {
    pub fn new() -> Writer {
        Writer::default()
    }

    pub fn bit(&mut self, bit: bool) {
        self.bits.push(bit);
    }

    /// The lowest `width` bits of a number, highest first.
    pub fn int(&mut self, value: u64, width: u32) {
        for at in (0..width).rev() {
            self.bits.push(at < 64 && value >> at & 1 == 1);
        }
    }

    /// A number from one on in Fibonacci coding: its parts from the smallest, then a closing 1. Zero has no such code
    /// and becomes the bare 1.
    pub fn fibonacci(&mut self, value: u64) {
        let mut parts = vec![1u64, 2];
        while let [.., a, b] = parts[..]
            && let Some(next) = a.checked_add(b)
            && next <= value
        {
            parts.push(next);
        }
        let mut left = value;
        let mut code: Vec<bool> = parts
            .iter()
            .rev()
            .map(|part| {
                let taken = *part <= left;
                left -= if taken { *part } else { 0 };
                taken
            })
            .skip_while(|taken| !taken)
            .collect();
        code.reverse();
        self.bits.extend(code);
        self.bits.push(true);
    }

    /// Everything of another row, after what is here.
    pub fn append(&mut self, other: &Writer) {
        self.bits.extend_from_slice(&other.bits);
    }

    /// The bits as text, first filled with zeros to a multiple of `unit` bits, then to whole letters.
    pub fn base64url(&self, unit: usize) -> String {
        let filled = self.bits.len().next_multiple_of(unit.max(1)).next_multiple_of(6);
        (0..filled / 6)
            .map(|letter| {
                let value = (0..6).fold(0, |value, at| {
                    value << 1 | usize::from(self.bits.get(letter * 6 + at).copied().unwrap_or(false))
                });
                ALPHABET.get(value).copied().map_or('A', char::from)
            })
            .collect()
    }
}

/// A row of bits read from the front. Every verb that takes bits fails at the end of the row.
#[derive(Clone, Debug)]
pub struct Reader {
    bits: Vec<bool>,
    at: usize,
}

impl Reader {
    /// The bits of a text in base64url without padding, six a letter, whatever its length.
    pub fn new(text: &str) -> Result<Reader, Fault> {
        if text.len() > LONGEST {
            return Err(Fault::TooLong);
        }
        let mut bits = Vec::with_capacity(text.len() * 6);
        for letter in text.bytes() {
            let value = sextet(letter).ok_or(Fault::Letter)?;
            bits.extend((0..6).rev().map(|at| value >> at & 1 == 1));
        }
        Ok(Reader { bits, at: 0 })
    }

    pub fn bit(&mut self) -> Result<bool, Fault> {
        let bit = self.bits.get(self.at).copied().ok_or(Fault::Ends)?;
        self.at += 1;
        Ok(bit)
    }

    /// A number of `width` bits, at most 64.
    pub fn int(&mut self, width: u32) -> Result<u64, Fault> {
        (0..width).try_fold(0u64, |value, _| Ok(value << 1 | u64::from(self.bit()?)))
    }

    /// A number of at most 16 bits.
    pub fn small(&mut self, width: u32) -> Result<u16, Fault> {
        u16::try_from(self.int(width)?).map_err(|_| Fault::Number)
    }

    /// A number of at most 8 bits.
    pub fn tiny(&mut self, width: u32) -> Result<u8, Fault> {
        u8::try_from(self.int(width)?).map_err(|_| Fault::Number)
    }

    /// A number in Fibonacci coding, from one on.
    pub fn fibonacci(&mut self) -> Result<u64, Fault> {
        let (mut part, mut next) = (Some(1u64), Some(2u64));
        let (mut sum, mut before) = (0u64, false);
        loop {
            let bit = self.bit()?;
            if bit && before {
                return Ok(sum);
            }
            if bit {
                sum = part.and_then(|part| sum.checked_add(part)).ok_or(Fault::Number)?;
            }
            before = bit;
            let after = part.zip(next).and_then(|(a, b)| a.checked_add(b));
            (part, next) = (next, after);
        }
    }
}

/// A set of numbers from 1 to 65535, as vendors and purposes have them.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct IdSet {
    /// Bit `n % 64` of word `n / 64` stands for n. The last word is never zero.
    words: Vec<u64>,
}

impl IdSet {
    pub fn new() -> IdSet {
        IdSet::default()
    }

    /// Adds a number; zero is no id and stays out.
    pub fn insert(&mut self, id: u16) {
        self.insert_range(id, id);
    }

    /// Adds the numbers from `first` to `last`, both included; none when they are the wrong way round.
    pub fn insert_range(&mut self, first: u16, last: u16) {
        let (first, last) = (usize::from(first.max(1)), usize::from(last));
        if first > last {
            return;
        }
        if self.words.len() <= last / 64 {
            self.words.resize(last / 64 + 1, 0);
        }
        for (at, word) in self.words.iter_mut().enumerate().take(last / 64 + 1).skip(first / 64) {
            let from = if at == first / 64 { first % 64 } else { 0 };
            let to = if at == last / 64 { last % 64 } else { 63 };
            *word |= (u64::MAX << from) & (u64::MAX >> (63 - to));
        }
    }

    pub fn contains(&self, id: u16) -> bool {
        self.words.get(usize::from(id) / 64).is_some_and(|word| word >> (id % 64) & 1 == 1)
    }

    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The greatest number in the set, 0 when it is empty.
    pub fn max(&self) -> u16 {
        let Some(last) = self.words.last() else { return 0 };
        let bit = 63u32.saturating_sub(last.leading_zeros());
        u16::try_from((self.words.len() - 1) * 64 + bit as usize).unwrap_or(u16::MAX)
    }

    /// The numbers in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u16> {
        (1..=self.max()).filter(|id| self.contains(*id))
    }

    /// The numbers as unbroken rows, each its first and last, in ascending order.
    pub fn ranges(&self) -> Vec<(u16, u16)> {
        let mut rows: Vec<(u16, u16)> = vec![];
        for id in self.iter() {
            match rows.last_mut() {
                Some((_, last)) if *last + 1 == id => *last = id,
                _ => rows.push((id, id)),
            }
        }
        rows
    }

    /// The numbers for which the question is answered yes.
    pub fn only(&self, keep: impl Fn(u16) -> bool) -> IdSet {
        self.iter().filter(|id| keep(*id)).collect()
    }
}

impl FromIterator<u16> for IdSet {
    fn from_iter<I: IntoIterator<Item = u16>>(ids: I) -> IdSet {
        let mut set = IdSet::new();
        ids.into_iter().for_each(|id| set.insert(id));
        set
    }
}

impl fmt::Debug for IdSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fibonacci_bits(value: u64) -> String {
        let mut writer = Writer::new();
        writer.fibonacci(value);
        writer.bits.iter().map(|bit| if *bit { '1' } else { '0' }).collect()
    }

    #[test]
    fn fibonacci_codes_are_those_of_the_specification() {
        let check = |value, code: &str| assert_eq!(fibonacci_bits(value), code, "{value}");
        check(1, "11");
        check(2, "011");
        check(3, "0011");
        check(4, "1011");
        check(5, "00011");
        check(6, "10011");
        check(7, "01011");
        check(65, "0100100011");
    }

    #[test]
    fn text_is_filled_to_the_unit_and_then_to_letters() {
        let check = |bits, unit, text: &str| {
            let mut writer = Writer::new();
            writer.int(u64::MAX, bits);
            assert_eq!(writer.base64url(unit), text, "{bits} bits to {unit}");
        };
        check(0, 24, "");
        check(1, 24, "gAAA");
        check(24, 24, "____");
        check(25, 24, "____gAAA");
        check(3, 8, "4A");
        check(3, 6, "4");
        check(16, 8, "__8");
    }

    #[test]
    fn a_set_knows_its_rows_and_its_greatest() {
        let set: IdSet = [0, 1, 2, 3, 63, 64, 65, 700, 65535].into_iter().collect();
        assert_eq!(set.ranges(), [(1, 3), (63, 65), (700, 700), (65535, 65535)]);
        assert_eq!((set.max(), IdSet::new().max()), (65535, 0));
        assert!(!set.contains(0) && set.contains(65535) && !set.contains(66));
        let mut wrong = IdSet::new();
        wrong.insert_range(5, 4);
        wrong.insert(0);
        assert_eq!(wrong, IdSet::new());
    }

    proptest! {
        #[test]
        fn numbers_come_back(rows in prop::collection::vec((any::<u64>(), 1u32..=64), 0..40), unit in 1usize..=24) {
            let mut writer = Writer::new();
            for (value, width) in &rows {
                writer.int(*value, *width);
            }
            let mut reader = Reader::new(&writer.base64url(unit)).unwrap();
            for (value, width) in rows {
                let kept = if width == 64 { value } else { value & ((1 << width) - 1) };
                prop_assert_eq!(reader.int(width), Ok(kept));
            }
        }

        #[test]
        fn fibonacci_numbers_come_back(values in prop::collection::vec(1u64..=u64::MAX >> 1, 0..40)) {
            let mut writer = Writer::new();
            values.iter().for_each(|value| writer.fibonacci(*value));
            let mut reader = Reader::new(&writer.base64url(8)).unwrap();
            for value in values {
                prop_assert_eq!(reader.fibonacci(), Ok(value));
            }
        }

        #[test]
        fn any_text_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let wild = String::from_utf8_lossy(&bytes);
            let tame: String = bytes.iter().map(|b| char::from(ALPHABET[usize::from(b & 63)])).collect();
            for text in [&*wild, &tame] {
                if let Ok(mut reader) = Reader::new(text) {
                    while reader.fibonacci().is_ok() {}
                }
            }
            let mut reader = Reader::new(&tame).unwrap();
            while reader.int(64).is_ok() && reader.small(17).is_ok() && reader.tiny(9).is_ok() {}
        }

        #[test]
        fn a_set_holds_what_was_put_in(ids in prop::collection::btree_set(1u16.., 0..200)) {
            let set: IdSet = ids.iter().copied().collect();
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), ids.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(set.max(), ids.last().copied().unwrap_or(0));
            let mut again = IdSet::new();
            set.ranges().into_iter().for_each(|(first, last)| again.insert_range(first, last));
            prop_assert_eq!(again, set);
        }
    }
}
