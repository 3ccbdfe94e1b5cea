//! [`Shard`]: the part of the data that one rank holds.

use std::ops::Range;

use super::error::Error;
use super::random::Random;
use super::rows::Rows;
use super::source::Source;
use crate::benchmarks::partition::partition;

/// Every n-th row is for validation.
const VALIDATE_EVERY: usize = 5;

/// The rows of one rank.
///
/// Rows are assigned once, before training, independently of the world size: every fifth row is for
/// validation, the others form global batches of consecutive rows. Each rank holds its part of every batch.
/// All ranks together therefore take the same steps on the same batches as a single worker.
#[derive(Debug)]
pub(crate) struct Shard {
    /// Training rows of this rank, batch after batch.
    pub(crate) train: Rows,
    /// Range of each batch in `train`.
    ///
    /// It is empty for some ranks if a batch has fewer rows than the world size.
    pub(crate) batches: Vec<Batch>,
    /// Validation rows of this rank.
    pub(crate) validation: Rows,
    /// Number of training rows of all ranks.
    pub(crate) train_total: usize,
    /// Number of validation rows of all ranks.
    pub(crate) validation_total: usize,
}

/// One global batch from the view of one rank.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    /// Rows of this rank in the batch.
    pub(crate) rows: Range<usize>,
    /// Number of rows of all ranks in the batch.
    pub(crate) total: usize,
}

impl Shard {
    /// Returns the shard of `rank` in a world of `size`. Without a `batch_size`, all rows form one batch.
    ///
    /// # Errors
    /// [`Error::TooFewRows`] when no row is left for validation.
    pub(crate) fn of(
        source: &Source,
        batch_size: Option<usize>,
        rank: usize,
        size: usize,
    ) -> Result<Self, Error> {
        let order = order(source);
        if order.len() < VALIDATE_EVERY {
            return Err(Error::TooFewRows { rows: order.len(), minimum: VALIDATE_EVERY });
        }
        let is_validation = |position: &usize| position % VALIDATE_EVERY == VALIDATE_EVERY - 1;
        let rows = |validation: bool| -> Vec<usize> {
            let positions = (0..order.len()).filter(|position| is_validation(position) == validation);
            positions.map(|position| order[position]).collect()
        };
        let (train_rows, validation_rows) = (rows(false), rows(true));
        let mut train = source.empty_rows();
        let mut batches = Vec::new();
        for batch in train_rows.chunks(batch_size.unwrap_or(train_rows.len()).max(1)) {
            let start = train.len();
            for row in &batch[partition(batch.len(), size, rank)] {
                source.copy_row(*row, &mut train);
            }
            batches.push(Batch { rows: start..train.len(), total: batch.len() });
        }
        let mut validation = source.empty_rows();
        for row in &validation_rows[partition(validation_rows.len(), size, rank)] {
            source.copy_row(*row, &mut validation);
        }
        Ok(Self {
            train,
            batches,
            validation,
            train_total: train_rows.len(),
            validation_total: validation_rows.len(),
        })
    }
}

/// Returns the order in which rows are assigned.
///
/// The rows of a file are shuffled, because files are often sorted by label. Every process
/// shuffles them in the same way. Synthetic rows need no shuffle.
fn order(source: &Source) -> Vec<usize> {
    let mut order: Vec<usize> = (0..source.len()).collect();
    if matches!(source, Source::File(_)) {
        Random::new(0, 0).shuffle(&mut order);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmarks::data::{Shape, Synthetic};

    fn source(rows: usize) -> Source {
        Source::Synthetic(Synthetic::new(Shape { rows, features: 3 }, 1))
    }

    #[test]
    fn the_shards_hold_every_row_of_every_batch_once() {
        for size in [1, 2, 3, 5] {
            let shards: Vec<_> =
                (0..size).map(|rank| Shard::of(&source(53), Some(8), rank, size).unwrap()).collect();
            let whole = Shard::of(&source(53), Some(8), 0, 1).unwrap();
            assert_eq!((whole.train_total, whole.validation_total), (43, 10));
            let mut together = Rows::dense(3);
            for batch in 0..whole.batches.len() {
                for shard in &shards {
                    assert_eq!(shard.batches[batch].total, whole.batches[batch].total);
                    shard.batches[batch].rows.clone().for_each(|row| together.push_from(&shard.train, row));
                }
            }
            assert_eq!(together, whole.train, "{size} workers");
            let validation: usize = shards.iter().map(|shard| shard.validation.len()).sum();
            assert_eq!(validation, whole.validation_total);
        }
    }

    #[test]
    fn the_included_data_is_read_and_shuffled() {
        let source = Source::breast_cancer().unwrap();
        assert_eq!((source.len(), source.features()), (569, 30));
        let shard = Shard::of(&source, None, 0, 1).unwrap();
        let benign = |rows: &Rows| rows.labels().iter().filter(|label| **label > 0.0).count();
        assert_eq!(benign(&shard.train) + benign(&shard.validation), 357);
        // The first rows of the file are nearly all malignant.
        let benign_fraction = benign(&shard.validation) as f64 / shard.validation_total as f64;
        assert!((benign_fraction - 357.0 / 569.0).abs() < 0.1, "{benign_fraction}");
    }

    #[test]
    fn too_few_rows_are_refused() {
        let error = Shard::of(&source(4), None, 0, 1).unwrap_err();
        assert!(error.to_string().starts_with("4 rows are too few"), "{error}");
    }
}
