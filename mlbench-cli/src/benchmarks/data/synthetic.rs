//! [`Synthetic`]: data of any size from a seed.
//!
//! Each row depends only on the seed and its index. A rank therefore generates only its own rows, and the
//! data do not depend on the world size.

use std::str::FromStr;

use mlbench_core::number::whole;

use super::random::Random;
use super::rows::Rows;

/// Scale of the last feature relative to the first.
///
/// The spread makes gradient descent take many steps, like on real data: it learns features of small scale
/// last.
const SMALLEST_SCALE: f64 = 0.1;

/// Size of a data set, written `ROWSxFEATURES`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Number of rows, of which a fifth is for validation.
    pub(crate) rows: usize,
    /// Number of features.
    pub(crate) features: usize,
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let count = |text: &str| whole(text).filter(|count: &usize| *count > 0);
        let shape = text.split_once(['x', 'X', '×']).and_then(|(rows, features)| {
            let (rows, features) = (count(rows)?, count(features)?);
            // More would not fit into memory.
            rows.checked_mul(features).filter(|values| *values < 1 << 40)?;
            Some(Self { rows, features })
        });
        shape.ok_or_else(|| "must be ROWSxFEATURES, both at least 1, such as 20000x500".to_owned())
    }
}

/// A linear problem: uniform features around 0, labelled by the side of a hyperplane through 0.
#[derive(Debug)]
pub(crate) struct Synthetic {
    shape: Shape,
    seed: u64,
    scales: Vec<f32>,
    normal: Vec<f64>,
}

impl Synthetic {
    /// Creates the problem of a seed.
    pub(crate) fn new(shape: Shape, seed: u64) -> Self {
        let last = (shape.features.max(2) - 1) as f64;
        let scale = |feature: usize| SMALLEST_SCALE.powf(feature as f64 / last);
        let mut random = Random::new(seed, 0);
        let directions = (0..shape.features).map(|feature| (feature, random.uniform()));
        Self {
            shape,
            seed,
            scales: (0..shape.features).map(|feature| (scale(feature) * 3.0_f64.sqrt()) as f32).collect(),
            // Dividing by the scale makes all features equally important.
            normal: directions.map(|(feature, direction)| f64::from(direction) / scale(feature)).collect(),
        }
    }

    /// Returns the size.
    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    /// Appends row `index` to `target`.
    pub(super) fn push_row(&self, index: usize, target: &mut Rows) {
        let mut random = Random::new(self.seed, 1 + index as u64);
        let row: Vec<f32> = self.scales.iter().map(|scale| random.uniform() * scale).collect();
        let side: f64 = row.iter().zip(&self.normal).map(|(value, normal)| f64::from(*value) * normal).sum();
        target.push_dense(if side > 0.0 { 1.0 } else { -1.0 }, row.into_iter());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_rows_by_features() {
        assert_eq!("20x3".parse(), Ok(Shape { rows: 20, features: 3 }));
        for wrong in ["", "20", "0x3", "20x0", "-1x3", "axb", "1000000000x1000000000"] {
            assert!(wrong.parse::<Shape>().unwrap_err().starts_with("must be ROWSxFEATURES"), "{wrong}");
        }
    }

    #[test]
    fn a_row_depends_only_on_its_index_and_the_seed() {
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
    fn labels_are_balanced_and_values_are_centred() {
        let synthetic = Synthetic::new(Shape { rows: 2000, features: 20 }, 1);
        let mut rows = Rows::dense(20);
        for index in 0..2000 {
            synthetic.push_row(index, &mut rows);
        }
        assert!(rows.labels().iter().sum::<f64>().abs() < 200.0);
        let mut sum = vec![0.0; 21];
        rows.add_weighted(0..2000, &vec![1.0 / 2000.0; 2000], &mut sum);
        assert!(sum[..20].iter().all(|mean| mean.abs() < 0.1), "{sum:?}");
    }
}
