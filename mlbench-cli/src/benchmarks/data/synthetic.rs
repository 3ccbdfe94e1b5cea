//! Data of any size from a seed. Every row is made from its own number alone, so that each worker makes only its own rows
//! and all of them together are the same however many there are.

use std::str::FromStr;

use super::Rows;
use super::random::Random;

/// How much fainter the last feature is than the first. Such a spread is what makes gradient descent take many steps,
/// as it does on real data: it first learns the loud features, and the faint ones last.
const FAINTEST: f64 = 0.1;

/// A size, written `ROWSxFEATURES`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Number of rows; a fifth of them is for validation.
    pub(crate) rows: usize,
    /// Number of features.
    pub(crate) features: usize,
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let count = |text: &str| text.parse().ok().filter(|count: &usize| *count > 0);
        let shape = text.split_once(['x', 'X', '×']).and_then(|(rows, features)| {
            let (rows, features) = (count(rows)?, count(features)?);
            // More would not fit into any memory.
            rows.checked_mul(features).filter(|values| *values < 1 << 40)?;
            Some(Self { rows, features })
        });
        shape.ok_or_else(|| "write ROWSxFEATURES, both from 1, like 20000x500".to_owned())
    }
}

/// A linear problem: features spread evenly around 0, labelled by which side of a plane through 0 they are on.
#[derive(Debug)]
pub(crate) struct Synthetic {
    shape: Shape,
    seed: u64,
    scales: Vec<f32>,
    plane: Vec<f64>,
}

impl Synthetic {
    /// The problem of a seed.
    pub(crate) fn new(shape: Shape, seed: u64) -> Self {
        let last = (shape.features.max(2) - 1) as f64;
        let scale = |feature: usize| FAINTEST.powf(feature as f64 / last);
        let mut random = Random::new(seed, 0);
        let directions = (0..shape.features).map(|feature| (feature, random.even()));
        Self {
            shape,
            seed,
            scales: (0..shape.features).map(|feature| (scale(feature) * 3.0_f64.sqrt()) as f32).collect(),
            // Each feature matters as much as any other, however faint it is.
            plane: directions.map(|(feature, direction)| f64::from(direction) / scale(feature)).collect(),
        }
    }

    /// Its size.
    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    /// Makes row `index`.
    pub(super) fn push_row(&self, index: usize, into: &mut Rows) {
        let mut random = Random::new(self.seed, 1 + index as u64);
        let row: Vec<f32> = self.scales.iter().map(|scale| random.even() * scale).collect();
        let side: f64 = row.iter().zip(&self.plane).map(|(value, plane)| f64::from(*value) * plane).sum();
        into.push_dense(if side > 0.0 { 1.0 } else { -1.0 }, row.into_iter());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_rows_by_features() {
        assert_eq!("20x3".parse(), Ok(Shape { rows: 20, features: 3 }));
        for wrong in ["", "20", "0x3", "20x0", "-1x3", "axb", "1000000000x1000000000"] {
            assert!(wrong.parse::<Shape>().unwrap_err().starts_with("write ROWSxFEATURES"), "{wrong}");
        }
    }

    #[test]
    fn a_row_depends_on_its_number_and_the_seed_only() {
        let shape = Shape { rows: 10, features: 5 };
        let row = |seed, index| {
            let mut rows = Rows::dense(5);
            Synthetic::new(shape, seed).push_row(index, &mut rows);
            rows
        };
        assert_eq!(row(1, 3), row(1, 3));
        assert_ne!(row(1, 3), row(1, 4));
        assert_ne!(row(1, 3), row(2, 3));
    }

    #[test]
    fn both_labels_occur_about_equally_often_and_values_are_centred() {
        let synthetic = Synthetic::new(Shape { rows: 2000, features: 20 }, 1);
        let mut rows = Rows::dense(20);
        for index in 0..2000 {
            synthetic.push_row(index, &mut rows);
        }
        assert!(rows.labels().iter().sum::<f64>().abs() < 200.0);
        let mut sum = vec![0.0; 21];
        rows.add_multiples(0..2000, &vec![1.0 / 2000.0; 2000], &mut sum);
        assert!(sum[..20].iter().all(|mean| mean.abs() < 0.1), "{sum:?}");
    }
}
