//! Numbers along an axis.

/// The values from 0 to the end of an axis, with lines at equal distances.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    /// The last line, at or behind the largest value.
    pub(super) end: f64,
    /// The distance of two lines.
    step: f64,
}

impl Axis {
    /// Returns an axis of a few lines that has room for `largest`.
    pub(super) fn up_to(largest: f64) -> Self {
        let largest = if largest.is_finite() && largest > 0.0 { largest } else { 1.0 };
        let size = 10_f64.powf((largest / 5.0).log10().floor());
        let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * size);
        let step = steps.into_iter().find(|step| largest / step <= 6.0).unwrap_or(10.0 * size);
        Self { end: step * (largest / step - 1e-9).ceil().max(1.0), step }
    }

    /// Returns the values of the lines.
    pub(super) fn lines(self) -> impl Iterator<Item = f64> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 1 and 6")]
        let count = (self.end / self.step).round() as u32;
        (0..=count).map(move |line| f64::from(line) * self.step)
    }

    /// Returns the text of a line, with the digits that the distance needs.
    pub(super) fn text(self, value: f64) -> String {
        let digits = (0..6).find(|digits| {
            let scaled = self.step * 10_f64.powi(*digits);
            (scaled - scaled.round()).abs() < 1e-6 * scaled.max(1e-9)
        });
        format!("{value:.*}", usize::try_from(digits.unwrap_or(6)).unwrap_or(6))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_has_a_few_round_numbers() {
        let texts = |largest| {
            let axis = Axis::up_to(largest);
            axis.lines().map(|value| axis.text(value)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(texts(7.26), "0 2 4 6 8");
        assert_eq!(texts(1.0), "0.0 0.2 0.4 0.6 0.8 1.0");
        assert_eq!(texts(4.0), "0 1 2 3 4");
        assert_eq!(texts(0.013), "0.0000 0.0025 0.0050 0.0075 0.0100 0.0125 0.0150");
        assert_eq!(texts(1234.0), "0 250 500 750 1000 1250");
        assert_eq!(texts(0.0), texts(1.0));
        assert_eq!(texts(f64::NAN), texts(1.0));
    }
}
