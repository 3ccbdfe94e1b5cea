//! Numbers of files as values of metrics.

use mlbench_client::{MetricValue, Timestamp};

/// The microseconds of the latest date.
const LAST: f64 = Timestamp::MAX.as_micros() as f64;

/// Returns a value with the few digits that a number of 32 bits needs: `0.1`.
pub(super) fn single(number: f32) -> MetricValue {
    let shortest = if number.is_finite() { format!("{number:e}").parse().ok() } else { None };
    MetricValue::from(shortest.unwrap_or_else(|| f64::from(number)))
}

/// Returns the number of 16 bits (IEEE 754 binary16).
pub(super) fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2_f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2_f32.powi(exponent - 15),
    };
    if bits >> 15 == 0 { size } else { -size }
}

/// Returns the number of 16 bits that are the upper ones of a number of 32 bits (bfloat16).
pub(super) fn brain(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// Returns the date of seconds since 1970, if the server can store it.
pub(super) fn date(seconds: f64) -> Option<Timestamp> {
    let micros = (seconds * 1e6).round();
    #[expect(clippy::cast_possible_truncation, reason = "it is in the range of dates")]
    (0.0..=LAST).contains(&micros).then(|| Timestamp::from_micros(micros as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_number_has_its_own_digits() {
        for (number, text) in [
            (0.1, "0.1"),
            (0.0, "0"),
            (-2.5, "-2.5"),
            (1e-7, "0.0000001"),
            (f32::NAN, "NaN"),
            (f32::NEG_INFINITY, "-Infinity"),
            (16_777_216.0, "16777216"),
        ] {
            assert_eq!(single(number).as_str(), text);
        }
        for number in [f32::MIN_POSITIVE, f32::MAX, 1.0 / 3.0] {
            let back = single(number).as_f64().unwrap();
            #[expect(clippy::cast_possible_truncation, reason = "the test is that nothing is lost")]
            let back = back as f32;
            assert_eq!(back, number);
        }
    }

    #[test]
    fn numbers_of_16_bits_are_exact() {
        for (bits, number) in
            [(0x3c00, 1.0), (0xc000, -2.0), (0x3555, 0.333_251_95), (0x0001, 2_f32.powi(-24))]
        {
            assert_eq!(half(bits), number, "{bits:x}");
        }
        assert_eq!((half(0x7c00), half(0xfc00)), (f32::INFINITY, f32::NEG_INFINITY));
        assert!(half(0x7e00).is_nan());
        assert_eq!((brain(0x3f80), brain(0xc040)), (1.0, -3.0));
    }

    #[test]
    fn only_dates_that_can_be_stored_are_dates() {
        assert_eq!(date(1_533_288_089.5).unwrap().to_string(), "2018-08-03T09:21:29.500000Z");
        for seconds in [f64::NAN, f64::INFINITY, -1.0, 1e12] {
            assert_eq!(date(seconds), None, "{seconds}");
        }
    }
}
