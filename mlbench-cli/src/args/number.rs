//! Numbers on the command line.

/// Parses a whole number of at least 1.
pub(super) fn parse_count(text: &str) -> Result<u32, &'static str> {
    text.parse().ok().filter(|count| *count > 0).ok_or("must be a whole number of at least 1")
}

/// Parses a finite number above 0.
pub(super) fn parse_positive(text: &str) -> Result<f64, &'static str> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0);
    number.ok_or("must be a number above 0, such as 2 or 0.5")
}

/// Parses a finite number.
pub(super) fn parse_finite(text: &str) -> Result<f64, &'static str> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or("must be a number, such as 80 or 0.5")
}
