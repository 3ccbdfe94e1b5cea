//! Numbers as text: the only place that prints them, and that decides which texts are stored as numbers.
//!
//! Where two shortest texts are equally near a number, as `1723946505500986.2` and `1723946505500986.3` are, two printers
//! may choose differently. So every path prints with the functions of this file.

use serde::{Serialize, Serializer};

/// Longer texts are not checked: they have more digits than the shortest text of any number.
const MAX_REAL_TEXT: usize = 26;
/// From here on, JSON numbers have an exponent. Whole numbers below it are exact in an `i64`.
const EXPONENT: f64 = 1e16;

/// Parses a text as a number. Accepts `NaN`, `Infinity` and `inf` in any letter case, and spaces around it.
pub(crate) fn parse(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}

/// Parses a text as a finite number.
pub(crate) fn parse_finite(text: &str) -> Option<f64> {
    parse(text).filter(|number| number.is_finite())
}

/// Passes on a finite number as the shortest text that parses back to it, without an exponent.
///
/// Values of metrics are printed like this.
pub fn plain_number<R>(number: f64, receive: impl FnOnce(&str) -> R) -> R {
    let mut buffer = zmij::Buffer::new();
    let shortest = buffer.format_finite(number);
    match exponent_at(shortest) {
        None => receive(without_fraction(shortest)),
        Some(at) => receive(&expand(&shortest[..at], shortest[at + 1..].parse().unwrap_or(0))),
    }
}

/// Returns where the `e` of a printed number is, which has at most four characters after it.
fn exponent_at(printed: &str) -> Option<usize> {
    let begin = printed.len().saturating_sub(5);
    printed.as_bytes()[begin..].iter().position(|b| *b == b'e').map(|at| begin + at)
}

/// Passes on a finite number as JSON: `3`, `0.5` and, where it is very large or small, `1e-300`.
pub fn json_number<R>(number: f64, receive: impl FnOnce(&str) -> R) -> R {
    if number == 0.0 {
        return receive("0");
    }
    receive(without_fraction(zmij::Buffer::new().format_finite(number)))
}

/// Serializes a number as [`json_number`] prints it.
pub(crate) fn serialize_number<S: Serializer>(
    number: &Option<f64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match *number {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number that i64 holds")]
        Some(number) if number.fract() == 0.0 && number.abs() < EXPONENT => {
            serializer.serialize_i64(number as i64)
        }
        other => other.serialize(serializer),
    }
}

/// Returns the integer that prints as this text.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let canonical = match digits.as_bytes() {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if canonical { text.parse().ok() } else { None }
}

/// Whole numbers up to here are the same as integers and as floats.
const WHOLE: u64 = 1 << 53;

/// Returns an integer as the number that prints the same, unless it is too large to be sure.
pub(crate) fn exact(integer: i64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "exact up to the limit")]
    (integer.unsigned_abs() <= WHOLE).then_some(integer as f64)
}

/// Returns the number that [`plain_number`] prints as this text.
pub(crate) fn real(text: &str) -> Option<f64> {
    if text.len() > MAX_REAL_TEXT {
        return None;
    }
    if let Some(number) = short_fraction(text) {
        return Some(number);
    }
    let number = parse_finite(text)?;
    // Nearly every text is the shortest one, and needs no writing out.
    let mut buffer = zmij::Buffer::new();
    let is_shortest =
        buffer.format_finite(number) == text && exponent_at(text).is_none() && !text.ends_with(".0");
    (is_shortest || plain_number(number, |printed| printed == text)).then_some(number)
}

/// Returns the number of a text like `-0.25` with at most 15 digits and none that is superfluous.
///
/// A number has at most one text of up to 15 digits, so this one is its shortest. Digits and power of ten are exact, so
/// their quotient is the nearest number.
fn short_fraction(text: &str) -> Option<f64> {
    const POWERS: [f64; 23] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
        1e18, 1e19, 1e20, 1e21, 1e22,
    ];
    const FIFTEEN_DIGITS: u64 = 100_000_000_000_000;
    let unsigned = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let point = unsigned.iter().position(|b| *b == b'.')?;
    let (whole, fraction) = (&unsigned[..point], &unsigned[point + 1..]);
    if matches!(whole, [] | [b'0', _, ..]) || matches!(fraction, [] | [.., b'0']) {
        return None;
    }
    let mut digits = 0_u64;
    for byte in whole.iter().chain(fraction) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 || digits >= FIFTEEN_DIGITS {
            return None;
        }
        digits = digits * 10 + u64::from(digit);
    }
    #[expect(clippy::cast_precision_loss, reason = "15 digits are exact")]
    let number = digits as f64 / POWERS.get(fraction.len())?;
    Some(if text.len() > unsigned.len() { -number } else { number })
}

/// Whole numbers are printed without `.0`.
fn without_fraction(text: &str) -> &str {
    text.strip_suffix(".0").unwrap_or(text)
}

/// Writes out a number of `digits` (`-1.5`) times ten to the power of `exponent`, which is far from 0.
fn expand(digits: &str, exponent: i32) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let digits = format!("{whole}{fraction}");
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    if exponent < 0 {
        return format!("{sign}0.{}{digits}", zeros(-exponent - 1));
    }
    let printed = i32::try_from(fraction.len()).unwrap_or(0);
    format!("{sign}{digits}{}", zeros(exponent - printed))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(number: f64) -> String {
        plain_number(number, str::to_owned)
    }

    fn json(number: f64) -> String {
        json_number(number, str::to_owned)
    }

    #[test]
    fn a_number_between_two_shortest_texts_has_one_of_them() {
        // Exactly halfway: the last digit is even, as in Python, JavaScript and Go.
        for text in ["1723946505500986.2", "-1723946505500986.2", "1723946505500986.8"] {
            let number: f64 = text.parse().unwrap();
            assert_eq!((plain(number), json(number)), (text.to_owned(), text.to_owned()));
            assert_eq!(real(text), Some(number));
            assert_eq!(serde_json::to_string(&number).unwrap(), text);
        }
        assert_eq!(real("1723946505500986.3"), None, "another text of the same number");
    }

    #[test]
    fn numbers_have_the_shortest_text() {
        for (number, as_value, as_json) in [
            (3.0, "3", "3"),
            (-0.5, "-0.5", "-0.5"),
            (0.1 + 0.2, "0.30000000000000004", "0.30000000000000004"),
            (1e15, "1000000000000000", "1000000000000000"),
            (1e16, "10000000000000000", "1e+16"),
            (-1.5e-7, "-0.00000015", "-1.5e-7"),
            (123_456_789_012_345_680_000.0, "123456789012345680000", "1.2345678901234568e+20"),
        ] {
            assert_eq!((plain(number), json(number)), (as_value.to_owned(), as_json.to_owned()));
        }
        assert_eq!((plain(-0.0), json(-0.0)), ("-0".to_owned(), "0".to_owned()));
        assert_eq!(plain(f64::MAX).len(), 309);
        assert_eq!(plain(-5e-324).len(), 327);
    }

    #[derive(Serialize)]
    struct Wire {
        #[serde(serialize_with = "serialize_number")]
        number: Option<f64>,
    }

    proptest! {
        #[test]
        fn every_number_reads_back_from_every_text(bits in any::<u64>(), near in 1_u64<<50..1<<54) {
            let number = f64::from_bits(bits);
            #[expect(clippy::cast_precision_loss, reason = "any number will do")]
            let fraction = near as f64 / 8.0;
            for number in [number, fraction, -fraction] {
                if number.is_finite() {
                    let text = plain(number);
                    prop_assert_eq!(text.parse::<f64>().unwrap(), number);
                    prop_assert_eq!(serde_json::from_str::<f64>(&text).unwrap(), number);
                    prop_assert!(text.len() <= number.to_string().len());
                    let json = json(number);
                    prop_assert_eq!(json.parse::<f64>().unwrap(), number);
                    let wire = serde_json::to_string(&Wire { number: Some(number) }).unwrap();
                    prop_assert_eq!(wire, format!("{{\"number\":{json}}}"));
                    if text.len() <= MAX_REAL_TEXT {
                        prop_assert_eq!(real(&text), Some(number));
                    }
                }
            }
        }
    }
}
