//! Durations as people write them: `90s`, `1.5h` and `1h 30m`.

use std::time::Duration;

use crate::number::Decimal;

/// Units with their length in microseconds.
const UNITS: [(&[&str], i128); 6] = [
    (&["us", "µs"], 1),
    (&["ms"], 1_000),
    (&["s", "sec", "secs", "second", "seconds"], 1_000_000),
    (&["m", "min", "mins", "minute", "minutes"], 60_000_000),
    (&["h", "hr", "hrs", "hour", "hours"], 3_600_000_000),
    (&["d", "day", "days"], 86_400_000_000),
];

/// Parses numbers with units, which add up. `None` for other texts, and for a number without a unit.
///
/// Cuts what is finer than a microsecond.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (mut rest, mut micros) = (text.trim(), 0_i128);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let number = number_length(rest);
        let after = rest[number..].trim_start();
        let unit = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        micros = micros.checked_add(part(&rest[..number], &after[..unit])?)?;
        rest = after[unit..].trim_start();
    }
    u64::try_from(micros).ok().map(Duration::from_micros)
}

/// Parses a number of seconds without a unit, in any spelling: `90`, `90.0` or `9e1`.
#[must_use]
pub fn parse_seconds(text: &str) -> Option<Duration> {
    let micros = part(text, "s")?;
    u64::try_from(micros).ok().map(Duration::from_micros)
}

/// Returns the length of the number at the start of a text.
///
/// An `e` without digits after it belongs to the unit.
fn number_length(text: &str) -> usize {
    let digits = |from: usize| {
        let rest = text[from..].find(|c: char| !c.is_ascii_digit() && c != '.');
        rest.map_or(text.len(), |length| from + length)
    };
    let mantissa = digits(0);
    let exponent = text[mantissa..].strip_prefix(['e', 'E']);
    let sign = exponent.map(|after| usize::from(after.starts_with(['+', '-'])));
    match sign.map(|sign| (mantissa + 1 + sign, digits(mantissa + 1 + sign))) {
        Some((from, to)) if to > from => to,
        _ => mantissa,
    }
}

/// Returns a number of a unit in microseconds.
fn part(number: &str, unit: &str) -> Option<i128> {
    let (_, length) = UNITS.iter().find(|(names, _)| names.contains(&unit))?;
    let Decimal { whole, micros, .. } =
        Decimal::parse(number).filter(|_| number.starts_with(|c: char| c.is_ascii_digit()))?;
    let whole = whole.checked_mul(*length)?;
    whole.checked_add(i128::from(micros) * length / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units_add_up() {
        for (text, millis) in [
            ("90s", 90_000),
            ("90.0 s", 90_000),
            ("1.5s", 1_500),
            ("500ms", 500),
            ("2m", 120_000),
            ("1e3s", 1_000_000),
            ("2min", 120_000),
            ("0.5h", 1_800_000),
            ("1h 30m", 5_400_000),
            (" 1h30m ", 5_400_000),
            ("10 seconds", 10_000),
            ("1d", 86_400_000),
            ("0s", 0),
            ("1500us", 1),
        ] {
            assert_eq!(parse_duration(text).map(|it| it.as_millis()), Some(millis), "{text}");
        }
        for text in [
            "",
            " ",
            "s",
            "10",
            "-5m",
            "+5m",
            "1h -5m",
            "5w",
            "1.s",
            ".5s",
            "1e400d",
            "1,5s",
            "5 m m",
            "5m 5",
            "é",
            "99999999999999999999d",
            "1e",
            "1e+s",
            "NaNs",
            "0x1s",
        ] {
            assert_eq!(parse_duration(text), None, "{text:?}");
        }
    }

    #[test]
    fn seconds_need_no_unit() {
        for (text, millis) in [("90", 90_000), ("90.0", 90_000), ("9e1", 90_000), ("1.5", 1_500), ("0", 0)] {
            assert_eq!(parse_seconds(text).map(|it| it.as_millis()), Some(millis), "{text}");
        }
        for text in ["", "-1", "+1", "1s", "soon", "1e400"] {
            assert_eq!(parse_seconds(text), None, "{text:?}");
        }
    }
}
