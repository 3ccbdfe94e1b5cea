//! A straight line through a column of integers.
//!
//! Dates that a clock gives at equal intervals, each with some jitter, are nearer to a line than to their neighbours.

/// Binary places of the slope.
const PLACES: u32 = 16;
/// Integers that differ more than this have no line, so that no product overflows.
const MOST: u64 = 1 << 46;

/// A line that begins at the first integer of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) first: i64,
    /// The difference between two rows, times two to the power of [`PLACES`].
    pub(super) slope: i64,
}

impl Line {
    /// Returns the line from the first to the last integer, if the others are near it.
    ///
    /// Near is a distance that is small compared with their differences.
    pub(super) fn through(cells: &[i64]) -> Option<Self> {
        let ([first, .., last], Ok(steps)) = (cells, i64::try_from(cells.len()).map(|rows| rows - 1)) else {
            return None;
        };
        let span = last.checked_sub(*first).filter(|span| span.unsigned_abs() < MOST)?;
        let line = Self { first: *first, slope: (span << PLACES) / steps };
        let beside = || cells.iter().enumerate().map(|(row, cell)| cell.wrapping_sub(line.at(row)));
        let differences = || cells.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
        (deviation(beside) < deviation(differences)).then_some(line)
    }

    /// Returns the integer on the line in a row.
    pub(super) fn at(self, row: usize) -> i64 {
        let row = i64::try_from(row).unwrap_or(0);
        self.first.wrapping_add(self.slope.wrapping_mul(row) >> PLACES)
    }
}

/// Returns the mean distance of integers from their mean.
#[expect(clippy::cast_precision_loss, reason = "only an estimate")]
fn deviation<I: Iterator<Item = i64>>(integers: impl Fn() -> I) -> f64 {
    let (count, sum) =
        integers().fold((0.0, 0.0), |(count, sum), integer| (count + 1.0, sum + integer as f64));
    let mean = sum / count;
    integers().map(|integer| (integer as f64 - mean).abs()).sum::<f64>() / count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regular_intervals_have_a_line_and_others_have_none() {
        // Numbers below 1,000 without a pattern.
        let noise = |row: i64| row.wrapping_mul(6_364_136_223_846_793_005).rotate_left(20).rem_euclid(1_000);
        let regular: Vec<i64> =
            (0..2_000).map(|row| 1_700_000_000_000_000 + row * 5_000 + noise(row)).collect();
        let line = Line::through(&regular).unwrap();
        assert!(regular.iter().enumerate().all(|(row, date)| (date - line.at(row)).abs() < 2_000));
        let sums: Vec<i64> = (0..2_000).scan(0, |sum, row| (*sum += noise(row), Some(*sum)).1).collect();
        assert_eq!(Line::through(&sums), None, "sums of noise are farther from a line than from each other");
    }

    #[test]
    fn any_two_integers_have_a_line_or_none() {
        for (first, last) in [(0, 0), (i64::MIN, i64::MAX), (0, 1 << 46), (-5, (1 << 46) - 6)] {
            if let Some(line) = Line::through(&[first, first, last]) {
                assert_eq!((line.at(0), line.at(2)), (first, last));
            }
        }
        assert_eq!(Line::through(&[]), None);
        assert_eq!(Line::through(&[1]), None);
    }
}
