//! Numbers, sizes and times in few columns.

/// Formats a number with about four digits.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return "–".to_owned();
    }
    if size != 0.0 && !(1e-4..1e7).contains(&size) {
        return format!("{value:.2e}");
    }
    let decimals = match size {
        0.0 => 0,
        1_000.0.. => 0,
        100.0.. => 1,
        10.0.. => 2,
        1.0.. => 3,
        0.01.. => 4,
        _ => 6,
    };
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// Formats a number on an axis, with as many digits as its range has.
pub(crate) fn tick(value: f64, [low, high]: [f64; 2]) -> String {
    let range = high - low;
    if low.abs().max(high.abs()) >= 1e7 || range < 1e-5 {
        return number(value);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 7")]
    let decimals = (2.0 - range.log10().floor()).clamp(0.0, 7.0) as usize;
    let text = format!("{value:.decimals$}");
    let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

/// Formats a number of bytes.
pub(crate) fn bytes(bytes: f64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes, 0);
    while value >= 999.5 && unit + 1 < UNITS.len() {
        (value, unit) = (value / 1024.0, unit + 1);
    }
    let decimals = usize::from(value < 9.95 && unit > 0);
    format!("{value:.decimals$} {}", UNITS[unit])
}

/// Formats seconds as `7s`, `3m05s`, `2h04m` or `5d03h`.
pub(crate) fn elapsed(seconds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a time, whose fraction is cut"
    )]
    let whole = seconds.max(0.0) as u64;
    let (minutes, hours, days) = (whole / 60, whole / 3_600, whole / 86_400);
    match whole {
        0..60 => format!("{whole}s"),
        60..3_600 => format!("{minutes}m{:02}s", whole % 60),
        3_600..86_400 => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{:02}h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_about_four_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.5, "0.5"),
            (0.431_27, "0.4313"),
            (0.004_5, "0.0045"),
            (94.690_265, "94.69"),
            (-1.5, "-1.5"),
            (123.456, "123.5"),
            (12_345.6, "12346"),
            (1.5e-7, "1.50e-7"),
            (2e9, "2.00e9"),
            (100.0, "100"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn numbers_of_an_axis_have_the_digits_of_its_range() {
        for (value, range, text) in [
            (0.009_913, [0.0, 2.1], "0.01"),
            (97.18, [54.0, 97.18], "97.2"),
            (1_234.6, [0.0, 2_000.0], "1235"),
            (0.431_27, [0.431, 0.432], "0.43127"),
            (-0.000_01, [-1.0, 1.0], "0"),
            (3e9, [0.0, 3e9], "3.00e9"),
        ] {
            assert_eq!(tick(value, range), text);
        }
    }

    #[test]
    fn sizes_have_a_unit() {
        for (value, text) in [
            (0.0, "0 B"),
            (999.0, "999 B"),
            (1_024.0, "1.0 KiB"),
            (222e6, "212 MiB"),
            (1.5e9, "1.4 GiB"),
            (1e18, "909495 TiB"),
        ] {
            assert_eq!(bytes(value), text);
        }
    }

    #[test]
    fn times_have_two_units() {
        for (seconds, text) in [
            (-1.0, "0s"),
            (59.9, "59s"),
            (64.0, "1m04s"),
            (7_500.0, "2h05m"),
            (270_000.0, "3d03h"),
            (f64::NAN, "0s"),
        ] {
            assert_eq!(elapsed(seconds), text);
        }
    }
}
