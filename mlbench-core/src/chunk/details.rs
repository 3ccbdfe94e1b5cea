//! The columns of the fields that not every reader needs: steps, epochs, cumulative and metadata.

use std::ops::Range;

use super::order::gather;
use super::texts::Texts;
use crate::storage::PointDetails;

/// The fields of points besides date, arrival number and value.
#[derive(Debug, Clone, Default)]
pub(super) struct Details {
    pub(super) steps: Nullable<i64>,
    pub(super) epochs: Nullable<f64>,
    pub(super) cumulative: Flags,
    /// Rows without a text have an empty one.
    pub(super) metadata: Texts,
}

impl Details {
    /// Returns the fields of a row.
    pub(super) fn get(&self, row: usize) -> PointDetails<'_> {
        PointDetails {
            cumulative: self.cumulative.get(row),
            metadata: self.metadata.get(row).unwrap_or_default(),
            step: self.steps.get(row),
            epoch: self.epochs.get(row),
        }
    }

    /// Appends the row after `rows` rows.
    pub(super) fn push(&mut self, rows: usize, details: PointDetails<'_>) {
        let PointDetails { cumulative, metadata, step, epoch } = details;
        self.steps.push(rows, step);
        self.epochs.push(rows, epoch);
        self.cumulative.push(rows, cumulative);
        self.metadata.push(rows, Some(metadata).filter(|text| !text.is_empty()));
    }

    /// Appends rows of other columns after `rows` rows.
    pub(super) fn append_from(&mut self, rows: usize, other: &Self, range: Range<usize>) {
        self.steps.append_from(rows, &other.steps, range.clone());
        self.epochs.append_from(rows, &other.epochs, range.clone());
        self.cumulative.append_from(rows, &other.cumulative, range.clone());
        self.metadata.append_from(rows, &other.metadata, range);
    }

    /// Puts the rows into another order.
    pub(super) fn permute(&mut self, order: &[u32]) {
        gather(&mut self.steps.values, order);
        gather(&mut self.steps.present.0, order);
        gather(&mut self.epochs.values, order);
        gather(&mut self.epochs.present.0, order);
        gather(&mut self.cumulative.0, order);
        self.metadata.permute(order);
    }
}

/// A flag per row. Empty if no row has it.
#[derive(Debug, Clone, Default)]
pub(super) struct Flags(pub(super) Vec<bool>);

impl Flags {
    /// Returns the flag of a row.
    pub(super) fn get(&self, row: usize) -> bool {
        self.0.get(row).copied().unwrap_or(false)
    }

    fn push(&mut self, rows: usize, flag: bool) {
        if flag || !self.0.is_empty() {
            self.0.resize(rows, false);
            self.0.push(flag);
        }
    }

    fn append_from(&mut self, rows: usize, other: &Self, range: Range<usize>) {
        if self.0.is_empty() && other.0.is_empty() {
            return;
        }
        self.0.resize(rows, false);
        match other.0.get(range.clone()) {
            Some(flags) => self.0.extend_from_slice(flags),
            None => self.0.resize(rows + range.len(), false),
        }
    }
}

/// A number per row that may be missing.
#[derive(Debug, Clone, Default)]
pub(super) struct Nullable<T> {
    /// Empty if all rows are without a number. A row without a number repeats the one before it.
    pub(super) values: Vec<T>,
    /// Which rows have a number. As long as `values`.
    pub(super) present: Flags,
}

impl<T: Copy + Default> Nullable<T> {
    /// Returns the number of a row.
    pub(super) fn get(&self, row: usize) -> Option<T> {
        if self.present.get(row) { self.values.get(row).copied() } else { None }
    }

    fn push(&mut self, rows: usize, value: Option<T>) {
        if value.is_some() || !self.values.is_empty() {
            self.values.resize(rows, value.unwrap_or_default());
            let filler = self.values.last().copied().unwrap_or_default();
            self.values.push(value.unwrap_or(filler));
            self.present.push(rows, value.is_some());
        }
    }

    fn append_from(&mut self, rows: usize, other: &Self, range: Range<usize>) {
        if self.values.is_empty() && other.values.is_empty() {
            return;
        }
        let filler = self.values.last().copied().unwrap_or_default();
        self.values.resize(rows, filler);
        match other.values.get(range.clone()) {
            Some(values) => self.values.extend_from_slice(values),
            None => self.values.resize(rows + range.len(), filler),
        }
        self.present.append_from(rows, &other.present, range);
    }
}
