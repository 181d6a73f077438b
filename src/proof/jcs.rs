//! JSON in one form only: RFC 8785 (JSON Canonicalization Scheme, June 2020) for hashing and signing,
//! and the same order and numbers with line breaks for files that people open.

use serde_json::{Map, Number, Value};

/// The canonical form of RFC 8785: members sorted by UTF-16 code units, ECMAScript numbers, no white space.
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write(value, None, &mut out);
    out
}

/// The same order, numbers and strings, indented by two spaces, with a newline at the end.
pub fn pretty(value: &Value) -> String {
    let mut out = String::new();
    write(value, Some(0), &mut out);
    out.push('\n');
    out
}

/// The value, if these bytes are one of the two forms above and nothing else.
pub fn read(bytes: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(bytes).ok()?;
    let value: Value = serde_json::from_str(text).ok()?;
    let given = text == pretty(&value) || text.trim_end_matches('\n') == canonical(&value);
    given.then_some(value)
}

fn write(value: &Value, depth: Option<usize>, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(yes) => out.push_str(if *yes { "true" } else { "false" }),
        Value::Number(n) => out.push_str(&number(n)),
        Value::String(text) => string(text, out),
        Value::Array(items) => block(items.iter(), ('[', ']'), depth, out, write),
        Value::Object(members) => {
            block(sorted(members).into_iter(), ('{', '}'), depth, out, |(name, item), depth, out| {
                string(name, out);
                out.push_str(if depth.is_some() { ": " } else { ":" });
                write(item, depth, out);
            })
        }
    }
}

fn block<T>(
    items: impl ExactSizeIterator<Item = T>,
    (open, close): (char, char),
    depth: Option<usize>,
    out: &mut String,
    mut each: impl FnMut(T, Option<usize>, &mut String),
) {
    out.push(open);
    let inner = depth.map(|d| d + 1);
    let empty = items.len() == 0;
    for (i, item) in items.enumerate() {
        if i > 0 {
            out.push(',');
        }
        line(inner, out);
        each(item, inner, out);
    }
    if !empty {
        line(depth, out);
    }
    out.push(close);
}

fn line(depth: Option<usize>, out: &mut String) {
    if let Some(depth) = depth {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    }
}

/// Members in the order of RFC 8785, section 3.2.3: by UTF-16 code units, which is not the order of UTF-8.
fn sorted(members: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut all: Vec<_> = members.iter().collect();
    all.sort_by(|a, b| a.0.encode_utf16().cmp(b.0.encode_utf16()));
    all
}

fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn number(n: &Number) -> String {
    const EXACT: i64 = 1 << 53;
    match n.as_i64() {
        Some(whole) if (-EXACT..=EXACT).contains(&whole) => whole.to_string(),
        _ => ecmascript(n.as_f64().unwrap_or_default()),
    }
}

/// A finite double as ECMAScript's `Number::toString` writes it (ECMA-262, 6.1.6.1.20), which RFC 8785 asks for.
fn ecmascript(n: f64) -> String {
    if n == 0.0 {
        return "0".to_owned();
    }
    let sign = if n < 0.0 { "-" } else { "" };
    // Rust's exponent form has the shortest digits that read back as the same double, as ECMAScript wants;
    // of two equally near it may pick the odd one, so the digits are taken again at that length, ties to even.
    let length =
        format!("{:e}", n.abs()).bytes().take_while(|b| *b != b'e').filter(u8::is_ascii_digit).count();
    let shortest = format!("{:.*e}", length - 1, n.abs());
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    let point: i32 = exponent.parse::<i32>().unwrap_or_default() + 1;
    let count = digits.len() as i32;
    let body = if count <= point && point <= 21 {
        digits.clone() + &"0".repeat((point - count) as usize)
    } else if 0 < point && point <= 21 {
        format!("{}.{}", &digits[..point as usize], &digits[point as usize..])
    } else if -6 < point && point <= 0 {
        format!("0.{}{digits}", "0".repeat(-point as usize))
    } else {
        let power = point - 1;
        let mark = if power < 0 { '-' } else { '+' };
        let fraction = if count == 1 { String::new() } else { format!(".{}", &digits[1..]) };
        format!("{}{fraction}e{mark}{}", &digits[..1], power.abs())
    };
    format!("{sign}{body}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_rfc_8785_appendix_b_lists_them() {
        for (bits, text) in [
            (0x0000000000000000_u64, "0"),
            (0x8000000000000000, "0"),
            (0x0000000000000001, "5e-324"),
            (0x8000000000000001, "-5e-324"),
            (0x7fefffffffffffff, "1.7976931348623157e+308"),
            (0xffefffffffffffff, "-1.7976931348623157e+308"),
            (0x4340000000000000, "9007199254740992"),
            (0xc340000000000000, "-9007199254740992"),
            (0x4430000000000000, "295147905179352830000"),
            (0x44b52d02c7e14af5, "9.999999999999997e+22"),
            (0x44b52d02c7e14af6, "1e+23"),
            (0x44b52d02c7e14af7, "1.0000000000000001e+23"),
            (0x444b1ae4d6e2ef4e, "999999999999999700000"),
            (0x444b1ae4d6e2ef4f, "999999999999999900000"),
            (0x444b1ae4d6e2ef50, "1e+21"),
            (0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"),
            (0x3eb0c6f7a0b5ed8d, "0.000001"),
            (0x41b3de4355555553, "333333333.3333332"),
            (0x41b3de4355555554, "333333333.33333325"),
            (0x41b3de4355555555, "333333333.3333333"),
            (0x41b3de4355555556, "333333333.3333334"),
            (0x41b3de4355555557, "333333333.33333343"),
            (0xbecbf647612f3696, "-0.0000033333333333333333"),
            (0x43143ff3c1cb0959, "1424953923781206.2"),
        ] {
            assert_eq!(ecmascript(f64::from_bits(bits)), text, "{bits:016x}");
        }
    }

    #[test]
    fn the_example_of_rfc_8785_section_3_2_2_comes_out_as_its_section_3_2_3_says() {
        // The numbers are Rust's: serde_json's own reading of decimals may be off by the last bit.
        let string: Value =
            serde_json::from_str(r#""\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/""#).unwrap();
        let numbers = [333_333_333.333_333_3, 1E30, 4.50, 2e-3, 0.000000000000000000000000001];
        let value =
            serde_json::json!({"numbers": numbers, "string": string, "literals": [null, true, false]});
        assert_eq!(
            canonical(&value),
            r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#
        );
    }

    #[test]
    fn members_sort_by_utf_16_as_in_rfc_8785_section_3_2_3() {
        let input = "{\"\\u20ac\":\"Euro Sign\",\"\\r\":\"Carriage Return\",\"\\ufb33\":\"Hebrew Letter Dalet With Dagesh\",\"1\":\"One\",\"\\ud83d\\ude00\":\"Emoji: Grinning Face\",\"\\u0080\":\"Control\",\"\\u00f6\":\"Latin Small Letter O With Diaeresis\"}";
        let value: Value = serde_json::from_str(input).unwrap();
        let text = canonical(&value);
        let order: Vec<usize> = ["Carriage", "One", "Control", "Diaeresis", "Euro", "Emoji", "Hebrew"]
            .iter()
            .map(|word| text.find(word).unwrap())
            .collect();
        assert!(order.is_sorted(), "{text}");
    }

    #[test]
    fn the_pretty_form_says_the_same() {
        let value = serde_json::json!({"b": [1, {"c": []}], "a": {}, "@x": "é"});
        assert_eq!(
            pretty(&value),
            "{\n  \"@x\": \"é\",\n  \"a\": {},\n  \"b\": [\n    1,\n    {\n      \"c\": []\n    }\n  ]\n}\n"
        );
        assert_eq!(serde_json::from_str::<Value>(&pretty(&value)).unwrap(), value);
    }
}
