//! Numbers by their value, however they are spelled: `100`, `100.0` and `1e2` are the same.

/// Most digits of a [`Decimal`], which fit into an `i128`.
const MAX_DIGITS: usize = 38;

/// A decimal number as JSON, a form or a query spells it, without rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal {
    /// The integer part, rounded toward 0.
    pub(crate) whole: i128,
    /// The first six digits of the fraction, with the sign of the number.
    pub(crate) micros: i64,
    /// Whether the fraction is 0.
    pub(crate) is_whole: bool,
}

impl Decimal {
    /// Parses a number. `None` for other texts.
    ///
    /// One of more than 38 digits before the decimal point becomes the largest or the smallest number.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.as_bytes() {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let (mantissa, exponent) = match unsigned.iter().position(|b| matches!(b, b'e' | b'E')) {
            Some(at) => (&unsigned[..at], exponent(&unsigned[at + 1..])?),
            None => (unsigned, 0),
        };
        let (integer, fraction) = match mantissa.iter().position(|b| *b == b'.') {
            Some(at) => (&mantissa[..at], Some(&mantissa[at + 1..])),
            None => (mantissa, None),
        };
        let digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
        if !digits(integer) || !fraction.is_none_or(digits) {
            return None;
        }
        Self::of_digits(integer, fraction.unwrap_or_default(), exponent, negative)
    }

    fn of_digits(integer: &[u8], fraction: &[u8], exponent: i64, negative: bool) -> Option<Self> {
        let all = || integer.iter().chain(fraction).copied();
        let leading_zeros = all().take_while(|b| *b == b'0').count();
        if leading_zeros == integer.len() + fraction.len() {
            return Some(Self { whole: 0, micros: 0, is_whole: true });
        }
        // Place of the decimal point in the digits after the leading zeros. It may be outside of them.
        let point = i64::try_from(integer.len()).ok()?.saturating_add(exponent);
        let point = point.saturating_sub(i64::try_from(leading_zeros).ok()?);
        let significant = || all().skip(leading_zeros);
        let count = usize::try_from(point.max(0)).unwrap_or(usize::MAX);
        if count > MAX_DIGITS {
            let whole = if negative { -i128::MAX } else { i128::MAX };
            return Some(Self { whole, micros: 0, is_whole: significant().skip(count).all(|b| b == b'0') });
        }
        let whole = significant().chain(std::iter::repeat(b'0')).take(count);
        let whole = whole.fold(0, |sum, b| sum * 10 + i128::from(b - b'0'));
        let zeros = usize::try_from(point.saturating_neg().clamp(0, 6)).ok()?;
        let first =
            std::iter::repeat_n(b'0', zeros).chain(significant().skip(count)).chain(*b"000000").take(6);
        let micros = first.fold(0, |sum, b| sum * 10 + i64::from(b - b'0'));
        let is_whole = significant().skip(count).all(|b| b == b'0');
        Some(match negative {
            true => Self { whole: -whole, micros: -micros, is_whole },
            false => Self { whole, micros, is_whole },
        })
    }
}

/// Parses an exponent. One that is too large for any use is cut.
fn exponent(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        rest => (1, rest),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(
        sign * digits.iter().fold(0_i64, |sum, b| sum.saturating_mul(10).saturating_add(i64::from(b - b'0'))),
    )
}

/// Parses a whole number that `T` holds, in any spelling.
#[must_use]
pub fn whole<T: std::str::FromStr + TryFrom<i128>>(text: &str) -> Option<T> {
    text.parse().ok().or_else(|| {
        let number = Decimal::parse(text).filter(|number| number.is_whole)?;
        T::try_from(number.whole).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_whole_number_has_many_spellings() {
        for text in
            ["100", "+100", "0100", "100.0", "100.", "1e2", "1E+2", "1.0e2", "10000e-2", "0.1e3", "100.000e0"]
        {
            assert_eq!(whole::<i64>(text), (text != "100.").then_some(100), "{text}");
        }
        for text in ["-9223372036854775808", "-9223372036854775808.0", "-9.223372036854775808e18"] {
            assert_eq!(whole(text), Some(i64::MIN), "{text}");
        }
        for text in ["0", "-0", "0.0", "0e99999999999999999999", "0.000e-5"] {
            assert_eq!(whole(text), Some(0_i64), "{text}");
        }
        for text in [
            "", "-", ".", ".5", "5.", "1.5", "1e", "1e-1", "1e1.0", "0x10", "1_000", "NaN", "inf", "１", " 1",
        ] {
            assert_eq!(whole::<i64>(text), None, "{text}");
        }
        for text in ["9223372036854775808", "1e19", "1e99999999999999999999", "1e-99999999999999999999"] {
            assert_eq!(whole::<i64>(text), None, "{text}");
        }
        assert_eq!(whole::<u32>("-1.0"), None);
    }

    #[test]
    fn a_number_too_large_for_any_use_is_still_a_number() {
        for text in ["1e39", "1e300", "1e99999999999999999999", &"9".repeat(400)] {
            assert_eq!(whole(text), Some(i128::MAX), "{text}");
            assert_eq!(whole(&format!("-{text}")), Some(-i128::MAX), "{text}");
            assert_eq!(whole::<i64>(text), None, "{text}");
        }
        assert_eq!(whole::<i128>(&format!("{}.5", "9".repeat(40))), None);
        assert_eq!(whole::<i128>(&"9".repeat(38)), "9".repeat(38).parse().ok());
    }

    #[test]
    fn the_fraction_is_truncated_to_six_digits() {
        let parts = |text| Decimal::parse(text).map(|number| (number.whole, number.micros, number.is_whole));
        assert_eq!(parts("1795708651.65"), Some((1_795_708_651, 650_000, false)));
        assert_eq!(parts("-1.79570865165e9"), Some((-1_795_708_651, -650_000, false)));
        assert_eq!(parts("0.0000019"), Some((0, 1, false)));
        assert_eq!(parts("1e-6"), Some((0, 1, false)));
        assert_eq!(parts("1.00000099e-1"), Some((0, 100_000, false)));
        assert_eq!(parts("1e-7"), Some((0, 0, false)));
    }

    proptest! {
        #[test]
        fn every_spelling_has_the_same_value(number: i64, zeros in 0_usize..5, shift in 0_usize..10) {
            let spellings = [
                format!("{number}.{}", "0".repeat(zeros + 1)),
                format!("{number}{}e-{shift}", "0".repeat(shift)),
                format!("{number}.0e0"),
            ];
            for text in spellings {
                prop_assert_eq!(whole::<i64>(&text), Some(number), "{}", text);
            }
        }

        #[test]
        fn no_text_panics(text in "[-+.eE0-9]{0,30}") {
            let _ = Decimal::parse(&text);
        }
    }
}
