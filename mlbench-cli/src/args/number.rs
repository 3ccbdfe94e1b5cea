//! Numbers on the command line, in every spelling that the API accepts: `2`, `2.0` and `2e0` are the same.

use mlbench_core::number::whole;

/// Parses a whole number of at least 1.
pub(super) fn parse_count(text: &str) -> Result<u32, &'static str> {
    whole(text).filter(|count| *count > 0).ok_or("must be a whole number of at least 1")
}

/// Parses a rank.
pub(super) fn parse_rank(text: &str) -> Result<u32, &'static str> {
    whole(text).ok_or("must be a whole number of at least 0")
}

/// Parses how many lines of output to begin with.
pub(super) fn parse_tail(text: &str) -> Result<u32, &'static str> {
    whole(text).filter(|lines| (1..=10_000).contains(lines)).ok_or("must be a whole number from 1 to 10000")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_have_every_spelling_of_the_api() {
        for text in ["2", "+2", "02", "2.0", "2e0", "0.2E+1", "20e-1"] {
            assert_eq!(
                (parse_count(text), parse_rank(text), parse_tail(text)),
                (Ok(2), Ok(2), Ok(2)),
                "{text}"
            );
        }
        assert_eq!((parse_rank("0.0"), parse_rank("-0")), (Ok(0), Ok(0)));
        assert_eq!(parse_tail("1e4"), Ok(10_000));
        for text in ["", "1.5", "2.", "-1", "1e10", "two", "0x2", " 2", "NaN"] {
            assert!(
                parse_count(text).is_err() && parse_rank(text).is_err() && parse_tail(text).is_err(),
                "{text}"
            );
        }
        assert!(parse_count("0.0").is_err() && parse_tail("0").is_err() && parse_tail("10001").is_err());
    }
}
