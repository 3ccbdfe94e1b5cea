//! [`Rows`]: labelled rows of features. Features are `f32`, sums over them `f64`.

use std::ops::Range;

/// Elements per iteration, so that the compiler emits vector instructions.
const LANES: usize = 8;

/// Bytes of rows that stay in the cache of a core between the forward and the backward pass.
const CACHED_BYTES: usize = 256 * 1024;

/// Labelled rows, dense or sparse.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rows {
    features: usize,
    labels: Vec<f64>,
    values: Values,
}

#[derive(Debug, Clone, PartialEq)]
enum Values {
    /// Row after row.
    Dense(Vec<f32>),
    /// Compressed sparse rows: row `r` has the entries `starts[r]..starts[r + 1]`.
    Sparse { starts: Vec<usize>, columns: Vec<u32>, entries: Vec<f32> },
}

impl Rows {
    /// Returns an empty set of dense rows.
    pub(crate) fn dense(features: usize) -> Self {
        Self { features, labels: Vec::new(), values: Values::Dense(Vec::new()) }
    }

    /// Returns an empty set of sparse rows.
    pub(crate) fn sparse(features: usize) -> Self {
        let values = Values::Sparse { starts: vec![0], columns: Vec::new(), entries: Vec::new() };
        Self { features, labels: Vec::new(), values }
    }

    /// Returns an empty set of rows with the same layout.
    pub(crate) fn empty_like(&self) -> Self {
        match self.values {
            Values::Dense(_) => Self::dense(self.features),
            Values::Sparse { .. } => Self::sparse(self.features),
        }
    }

    /// Returns the number of rows.
    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }

    /// Returns the number of features.
    pub(crate) fn features(&self) -> usize {
        self.features
    }

    /// Returns the label of each row, 1 or -1.
    pub(crate) fn labels(&self) -> &[f64] {
        &self.labels
    }

    /// Appends a row of entries `(column, value)`, in which each column occurs at most once.
    pub(crate) fn push(&mut self, label: f64, row: impl Iterator<Item = (u32, f32)>) {
        self.labels.push(label);
        match &mut self.values {
            Values::Dense(values) => {
                let start = values.len();
                values.resize(start + self.features, 0.0);
                for (column, value) in row {
                    values[start + column as usize] = value;
                }
            }
            Values::Sparse { starts, columns, entries } => {
                for (column, value) in row {
                    columns.push(column);
                    entries.push(value);
                }
                starts.push(entries.len());
            }
        }
    }

    /// Appends a row with a value for every feature.
    pub(crate) fn push_dense(&mut self, label: f64, row: impl ExactSizeIterator<Item = f32>) {
        match &mut self.values {
            Values::Dense(values) => {
                self.labels.push(label);
                values.extend(row);
            }
            Values::Sparse { .. } => self.push(label, (0_u32..).zip(row)),
        }
    }

    /// Appends a copy of row `index` of `other`.
    pub(crate) fn push_from(&mut self, other: &Self, index: usize) {
        let label = other.labels[index];
        match &other.values {
            Values::Dense(values) => {
                self.push_dense(label, values[dense_range(index, other.features)].iter().copied());
            }
            Values::Sparse { starts, columns, entries } => {
                let range = starts[index]..starts[index + 1];
                self.push(label, columns[range.clone()].iter().copied().zip(entries[range].iter().copied()));
            }
        }
    }

    /// Replaces each label by the result of `label`.
    pub(crate) fn map_labels(mut self, label: impl Fn(f64) -> f64) -> Self {
        for value in &mut self.labels {
            *value = label(*value);
        }
        self
    }

    /// Splits a range of rows into blocks that fit into the cache of a core.
    pub(crate) fn blocks(&self, range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let bytes = match &self.values {
            Values::Dense(values) => size_of_val(values.as_slice()),
            Values::Sparse { columns, entries, .. } => {
                size_of_val(columns.as_slice()) + size_of_val(entries.as_slice())
            }
        };
        let bytes_per_row = (bytes / self.len().max(1)).max(1);
        let rows = (CACHED_BYTES / bytes_per_row).max(1);
        range.clone().step_by(rows).map(move |start| start..range.end.min(start + rows))
    }

    /// Appends the dot product of each row in `range` with `weights` to `products`.
    ///
    /// The last weight, one after the features, is the intercept.
    pub(crate) fn multiply(&self, range: Range<usize>, weights: &[f64], products: &mut Vec<f64>) {
        let (weights, intercept) = (&weights[..self.features], weights[self.features]);
        match &self.values {
            Values::Dense(values) => products
                .extend(range.map(|row| intercept + dot(&values[dense_range(row, self.features)], weights))),
            Values::Sparse { starts, columns, entries } => products.extend(range.map(|row| {
                let range = starts[row]..starts[row + 1];
                let terms = columns[range.clone()].iter().zip(&entries[range]);
                intercept
                    + terms.map(|(column, value)| weights[*column as usize] * f64::from(*value)).sum::<f64>()
            })),
        }
    }

    /// Adds each row in `range`, multiplied by its factor, to `sum`.
    ///
    /// The intercept, the last element of `sum`, counts as a feature of 1.
    pub(crate) fn add_weighted(&self, range: Range<usize>, factors: &[f64], sum: &mut [f64]) {
        let (sum, intercept) = sum.split_at_mut(self.features);
        intercept[0] += factors.iter().sum::<f64>();
        match &self.values {
            Values::Dense(values) => {
                for (row, factor) in range.zip(factors) {
                    add_weighted_row(&values[dense_range(row, self.features)], *factor, sum);
                }
            }
            Values::Sparse { starts, columns, entries } => {
                for (row, factor) in range.zip(factors) {
                    let range = starts[row]..starts[row + 1];
                    for (column, value) in columns[range.clone()].iter().zip(&entries[range]) {
                        sum[*column as usize] += factor * f64::from(*value);
                    }
                }
            }
        }
    }

    /// Converts sparse rows to dense rows if at least a quarter of the values is given.
    ///
    /// Dense rows are then faster and hardly larger.
    pub(crate) fn into_faster_layout(self) -> Self {
        let Values::Sparse { entries, .. } = &self.values else { return self };
        if entries.len() < self.len() * self.features / 4 {
            return self;
        }
        let mut dense = Self::dense(self.features);
        for index in 0..self.len() {
            dense.push_from(&self, index);
        }
        dense
    }

    /// Raises the number of features of sparse rows to `features`.
    pub(crate) fn with_features(mut self, features: usize) -> Self {
        self.features = self.features.max(features);
        self
    }
}

fn dense_range(row: usize, features: usize) -> Range<usize> {
    row * features..(row + 1) * features
}

/// Returns the dot product, summed in [`LANES`] independent lanes.
///
/// A sum in order cannot be vectorised, because rounding depends on the order.
fn dot(row: &[f32], weights: &[f64]) -> f64 {
    let (row, row_rest) = row.as_chunks::<LANES>();
    let (weights, weights_rest) = weights.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for (values, weights) in row.iter().zip(weights) {
        for lane in 0..LANES {
            lanes[lane] += f64::from(values[lane]) * weights[lane];
        }
    }
    let rest = row_rest.iter().zip(weights_rest).map(|(value, weight)| f64::from(*value) * weight);
    lanes.iter().sum::<f64>() + rest.sum::<f64>()
}

fn add_weighted_row(row: &[f32], factor: f64, sum: &mut [f64]) {
    for (sum, value) in sum.iter_mut().zip(row) {
        *sum += factor * f64::from(*value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(row: usize) -> Vec<(u32, f32)> {
        (0..19_u8)
            .filter(|column| !(usize::from(*column) + row).is_multiple_of(3))
            .map(|column| (u32::from(column), f32::from(column) - 5.5))
            .collect()
    }

    #[test]
    fn dense_and_sparse_rows_match_the_definition() {
        let (mut dense, mut sparse) = (Rows::dense(19), Rows::sparse(19));
        for row in 0..4 {
            dense.push(1.0, entries(row).into_iter());
            sparse.push(1.0, entries(row).into_iter());
        }
        let weights: Vec<f64> = (0..20_u8).map(|index| f64::from(index) * 0.25 - 1.0).collect();
        let factors = [0.5, -2.0];
        let plain = |row| {
            weights[19]
                + entries(row)
                    .iter()
                    .map(|(column, value)| weights[*column as usize] * f64::from(*value))
                    .sum::<f64>()
        };
        let mut plain_sum = vec![0.0; 20];
        for (row, factor) in (1..3).zip(factors) {
            plain_sum[19] += factor;
            for (column, value) in entries(row) {
                plain_sum[column as usize] += factor * f64::from(value);
            }
        }
        for rows in [&dense, &sparse, &sparse.clone().into_faster_layout()] {
            let mut products = Vec::new();
            rows.multiply(1..3, &weights, &mut products);
            assert_eq!(products, [plain(1), plain(2)]);
            let mut sum = vec![0.0; 20];
            rows.add_weighted(1..3, &factors, &mut sum);
            assert_eq!(sum, plain_sum);
        }
        assert_eq!(sparse.into_faster_layout(), dense);
    }

    #[test]
    fn blocks_cover_a_range_in_order() {
        let mut rows = Rows::dense(CACHED_BYTES / 16);
        for _ in 0..11 {
            rows.push(1.0, std::iter::empty());
        }
        assert_eq!(rows.blocks(1..10).collect::<Vec<_>>(), [1..5, 5..9, 9..10]);
        assert_eq!(rows.blocks(3..3).count(), 0);
        assert_eq!(Rows::dense(0).blocks(0..0).count(), 0);
    }

    #[test]
    fn rows_with_few_values_stay_sparse() {
        let mut rows = Rows::sparse(100);
        rows.push(1.0, [(3, 1.0)].into_iter());
        assert_eq!(rows.clone().into_faster_layout(), rows);
    }
}
