//! Amounts of memory.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::quote::quote;

/// Units with their length in bytes, as Kubernetes spells them. The longer of two that end alike comes first.
const UNITS: [(&str, u64); 10] = [
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("k", 1_000),
    ("K", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
    ("", 1),
];

/// An amount of memory in bytes, between 1 MiB and 1 PiB: `512Mi`, `1.5Gi`, `4G` or `4294967296`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(transparent)]
pub struct ByteSize(#[cfg_attr(test, ts(type = "number"))] u64);

impl ByteSize {
    /// The smallest amount, below which a unit was forgotten.
    pub const MIN: Self = Self(1 << 20);
    /// The largest amount.
    pub const MAX: Self = Self(1 << 50);

    /// Returns the number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// Returns half of it.
    #[must_use]
    pub const fn half(self) -> Self {
        Self(self.0 / 2)
    }
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || {
            format!("must be an amount of memory like 512Mi, 4Gi or a number of bytes, not {}", quote(text))
        };
        let found = UNITS.iter().find_map(|&(unit, bytes)| Some((text.strip_suffix(unit)?, bytes)));
        let (number, unit) = found.ok_or_else(invalid)?;
        let is_number = number.starts_with(|c: char| c.is_ascii_digit())
            && number.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b));
        let number: f64 = number.parse().ok().filter(|_| is_number).ok_or_else(invalid)?;
        #[expect(clippy::cast_precision_loss, reason = "units are powers of 2 or of 10")]
        let bytes = number * unit as f64;
        #[expect(clippy::cast_precision_loss, reason = "both limits are powers of 2")]
        let (least, most) = (Self::MIN.0 as f64, Self::MAX.0 as f64);
        if bytes < least {
            return Err(format!("{} is less than 1Mi; use a unit, as in 512Mi or 4Gi", quote(text)));
        }
        if bytes > most {
            return Err(format!("{} is more than 1024Ti; use less", quote(text)));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between the limits")]
        Ok(Self(bytes as u64))
    }
}

/// Prints the largest binary unit without a fraction, which Kubernetes reads too.
impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)];
        let unit = units.into_iter().find(|(_, shift)| self.0.trailing_zeros() >= *shift);
        match unit {
            Some((unit, shift)) => f.pad(&format!("{}{unit}", self.0 >> shift)),
            None => f.pad(&self.0.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_in_every_unit_and_printed_in_the_largest() {
        for (text, bytes, printed) in [
            ("512Mi", 512 << 20, "512Mi"),
            ("1.5Gi", 3 << 29, "1536Mi"),
            ("4Gi", 4 << 30, "4Gi"),
            ("1024Gi", 1 << 40, "1Ti"),
            ("4G", 4_000_000_000, "3906250Ki"),
            ("2048k", 2_048_000, "2000Ki"),
            ("1048577.0", 1_048_577, "1048577"),
            ("1e9", 1_000_000_000, "1000000000"),
            ("1024Ti", 1 << 50, "1024Ti"),
        ] {
            let size: ByteSize = text.parse().unwrap();
            assert_eq!((size.bytes(), size.to_string().as_str()), (bytes, printed), "{text}");
            assert_eq!(size.to_string().parse(), Ok(size), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused_with_what_would_be_right() {
        let refusal = |text: &str| text.parse::<ByteSize>().unwrap_err();
        for text in ["", "Gi", "4 Gi", "4GB", "-1Mi", "1e", "inf", "NaN", "four", "+4Gi", "1.2.3Mi"] {
            let expected = format!(
                "must be an amount of memory like 512Mi, 4Gi or a number of bytes, not {}",
                quote(text)
            );
            assert_eq!(refusal(text), expected);
        }
        assert_eq!(refusal("4"), r#""4" is less than 1Mi; use a unit, as in 512Mi or 4Gi"#);
        assert_eq!(refusal("0Gi"), r#""0Gi" is less than 1Mi; use a unit, as in 512Mi or 4Gi"#);
        assert_eq!(refusal("1025Ti"), r#""1025Ti" is more than 1024Ti; use less"#);
    }
}
