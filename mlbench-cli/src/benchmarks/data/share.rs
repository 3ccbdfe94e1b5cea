//! [`Share`]: what one worker holds of the data.

use std::ops::Range;

use super::random::Random;
use super::{Error, Rows, Source};
use crate::benchmarks::ring::part;

/// One row in so many is for validation.
pub(super) const VALIDATE_EVERY: usize = 5;

/// The rows of one worker.
///
/// The rows are dealt out once, before training, in the same way whatever the number of workers: every fifth is for
/// validation, the others form global batches of consecutive rows. A worker holds its part of every batch; so together the
/// workers take the same steps on the same batches as one worker alone would.
#[derive(Debug)]
pub(crate) struct Share {
    /// This worker's rows to train on, batch after batch.
    pub(crate) train: Rows,
    /// Where each batch is in them; empty where a batch has fewer rows than there are workers.
    pub(crate) batches: Vec<Batch>,
    /// This worker's rows to validate on.
    pub(crate) validation: Rows,
    /// How many rows all workers together train on.
    pub(crate) train_total: usize,
    /// How many rows all workers together validate on.
    pub(crate) validation_total: usize,
}

/// One global batch, as one worker sees it.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    /// This worker's rows of it.
    pub(crate) rows: Range<usize>,
    /// How many rows it has in all.
    pub(crate) total: usize,
}

impl Share {
    /// The share of worker `rank` of `size`; without a `batch_size` all rows are one batch.
    ///
    /// # Errors
    /// [`Error::TooFew`] when there is nothing to train on or nothing to validate on.
    pub(crate) fn of(
        source: &Source,
        batch_size: Option<usize>,
        rank: usize,
        size: usize,
    ) -> Result<Self, Error> {
        let order = order(source);
        if order.len() < VALIDATE_EVERY {
            return Err(Error::TooFew(order.len()));
        }
        let is_validation = |place: &usize| place % VALIDATE_EVERY == VALIDATE_EVERY - 1;
        let rows = |validation: bool| -> Vec<usize> {
            let places = (0..order.len()).filter(|place| is_validation(place) == validation);
            places.map(|place| order[place]).collect()
        };
        let (train_rows, validation_rows) = (rows(false), rows(true));
        let mut train = source.no_rows();
        let mut batches = Vec::new();
        for batch in train_rows.chunks(batch_size.unwrap_or(train_rows.len()).max(1)) {
            let start = train.len();
            for row in &batch[part(batch.len(), size, rank)] {
                source.copy_row(*row, &mut train);
            }
            batches.push(Batch { rows: start..train.len(), total: batch.len() });
        }
        let mut validation = source.no_rows();
        for row in &validation_rows[part(validation_rows.len(), size, rank)] {
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

/// Files are often sorted by label, so their rows are taken in an order that is mixed, but always the same; made rows
/// are mixed already.
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
    fn workers_together_hold_every_row_of_every_batch_once() {
        for size in [1, 2, 3, 5] {
            let shares: Vec<_> =
                (0..size).map(|rank| Share::of(&source(53), Some(8), rank, size).unwrap()).collect();
            let whole = Share::of(&source(53), Some(8), 0, 1).unwrap();
            assert_eq!((whole.train_total, whole.validation_total), (43, 10));
            let mut together = Rows::dense(3);
            for batch in 0..whole.batches.len() {
                for share in &shares {
                    assert_eq!(share.batches[batch].total, whole.batches[batch].total);
                    share.batches[batch].rows.clone().for_each(|row| together.push_from(&share.train, row));
                }
            }
            assert_eq!(together, whole.train, "{size} workers");
            let validation: usize = shares.iter().map(|share| share.validation.len()).sum();
            assert_eq!(validation, whole.validation_total);
        }
    }

    #[test]
    fn the_shipped_data_is_read_and_mixed() {
        let source = Source::breast_cancer().unwrap();
        assert_eq!((source.len(), source.features()), (569, 30));
        let share = Share::of(&source, None, 0, 1).unwrap();
        let benign = |rows: &Rows| rows.labels().iter().filter(|label| **label > 0.0).count();
        assert_eq!(benign(&share.train) + benign(&share.validation), 357);
        // In the file the first rows are nearly all malignant.
        let share_of_benign = benign(&share.validation) as f64 / share.validation_total as f64;
        assert!((share_of_benign - 357.0 / 569.0).abs() < 0.1, "{share_of_benign}");
    }

    #[test]
    fn a_handful_of_rows_is_refused() {
        let error = Share::of(&source(4), None, 0, 1).unwrap_err();
        assert!(error.to_string().starts_with("4 rows are not enough"), "{error}");
    }
}
