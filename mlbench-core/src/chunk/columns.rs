//! Points of one series in columns.

use std::ops::Range;

use super::details::Details;
use super::order;
use super::texts::Texts;
use crate::metric::{MetricValue, number};
use crate::storage::{PointDetails, PointRef, ValueRef};
use crate::time::Timestamp;

/// Points of one series in columns, in the order of date and arrival number.
///
/// Arrival numbers and details may be absent, if they were not decoded.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    /// Microseconds since 1970.
    pub(super) dates: Vec<i64>,
    /// Empty if they were not decoded.
    pub(super) seqs: Vec<i64>,
    /// `NaN` for a value that is not a finite number.
    pub(super) numbers: Vec<f64>,
    /// The values whose number does not print as their text.
    pub(super) texts: Texts,
    /// `None` if they were not decoded.
    pub(super) details: Absent<Details>,
}

/// Columns that are absent if they were not decoded.
#[derive(Debug, Clone)]
pub(super) struct Absent<T>(pub(super) Option<T>);

impl<T: Default> Default for Absent<T> {
    fn default() -> Self {
        Self(Some(T::default()))
    }
}

impl Columns {
    /// Creates columns without points, with space for `points`.
    #[must_use]
    pub fn with_capacity(points: usize) -> Self {
        Self {
            dates: Vec::with_capacity(points),
            seqs: Vec::with_capacity(points),
            numbers: Vec::with_capacity(points),
            ..Self::default()
        }
    }

    /// Appends a point.
    pub fn push(&mut self, date: Timestamp, seq: i64, value: ValueRef<'_>, details: PointDetails<'_>) {
        let rows = self.dates.len();
        if let Some(columns) = &mut self.details.0 {
            columns.push(rows, details);
        }
        if self.seqs.len() == rows {
            self.seqs.push(seq);
        }
        self.dates.push(date.as_micros());
        self.push_value(rows, value);
    }

    /// Returns the number of points.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.dates.len()
    }

    /// Returns whether there are no points.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.dates.is_empty()
    }

    /// Returns the date of a point.
    #[must_use]
    pub fn date(&self, index: usize) -> Timestamp {
        Timestamp::from_micros(self.dates[index])
    }

    /// Returns the arrival number of a point, or 0 if arrival numbers were not decoded.
    #[must_use]
    pub fn seq(&self, index: usize) -> i64 {
        self.seqs.get(index).copied().unwrap_or(0)
    }

    /// Returns all dates in microseconds since 1970.
    #[must_use]
    pub fn dates(&self) -> &[i64] {
        &self.dates
    }

    /// Returns all arrival numbers, or nothing if they were not decoded.
    #[must_use]
    pub fn seqs(&self) -> &[i64] {
        &self.seqs
    }

    /// Returns the values as finite numbers, with `NaN` for those that are none.
    #[must_use]
    pub fn numbers(&self) -> &[f64] {
        &self.numbers
    }

    /// Returns a value as a finite number.
    #[must_use]
    pub fn number(&self, index: usize) -> Option<f64> {
        Some(self.numbers[index]).filter(|number| !number.is_nan())
    }

    /// Returns a value, which prints as its original text.
    #[must_use]
    pub fn value(&self, index: usize) -> ValueRef<'_> {
        if let Some(text) = self.texts.get(index) {
            return ValueRef::Text(text);
        }
        ValueRef::of_number(self.numbers[index])
    }

    /// Returns how many of the first points of a range have numbers that print as their values.
    ///
    /// Only points that arrived up to `as_of` count.
    #[must_use]
    pub fn plain(&self, range: Range<usize>, as_of: i64) -> usize {
        let texts = self.texts.slots().get(range.clone()).unwrap_or_default();
        let seqs = self.seqs.get(range.clone()).unwrap_or_default();
        let arrived = seqs.iter().position(|seq| *seq > as_of).unwrap_or(range.len());
        texts.iter().take(arrived).position(|slot| *slot != 0).unwrap_or(arrived)
    }

    /// Returns a point, with its details if they are requested and were decoded.
    #[must_use]
    pub fn point(&self, index: usize, details: bool) -> PointRef<'_> {
        let details = if details { self.details(index) } else { None };
        PointRef { date: self.date(index), value: self.value(index), details }
    }

    /// Returns the details of a point, if they were decoded.
    #[must_use]
    pub fn details(&self, index: usize) -> Option<PointDetails<'_>> {
        self.details.0.as_ref().map(|columns| columns.get(index))
    }

    /// Returns the number of bytes of the texts: of values, of metadata.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        self.texts.bytes() + self.details.0.as_ref().map_or(0, |columns| columns.metadata.bytes())
    }

    /// Appends a range of the points of other columns.
    ///
    /// Arrival numbers and details are absent from the result if they are absent from either.
    pub fn append_from(&mut self, other: &Self, range: Range<usize>) {
        let rows = self.dates.len();
        self.dates.extend_from_slice(&other.dates[range.clone()]);
        self.numbers.extend_from_slice(&other.numbers[range.clone()]);
        match other.seqs.get(range.clone()) {
            Some(seqs) if self.seqs.len() == rows => self.seqs.extend_from_slice(seqs),
            _ => self.seqs.clear(),
        }
        match (&mut self.details.0, &other.details.0) {
            (Some(details), Some(others)) => details.append_from(rows, others, range.clone()),
            (details, _) => *details = None,
        }
        self.texts.append_from(rows, &other.texts, range);
    }

    /// Sorts the points by date and arrival number. Fast if they are sorted.
    pub fn sort(&mut self) {
        let Some(order) = order::sorting(&self.dates, &self.seqs) else {
            return;
        };
        order::gather(&mut self.dates, &order);
        order::gather(&mut self.seqs, &order);
        order::gather(&mut self.numbers, &order);
        self.texts.permute(&order);
        if let Some(details) = &mut self.details.0 {
            details.permute(&order);
        }
    }

    /// Merges columns that are both sorted. Fast if one follows the other.
    #[must_use]
    pub fn merge(a: Self, b: Self) -> Self {
        let position = |columns: &Self, index: usize| (columns.dates[index], columns.seq(index));
        let (mut merged, mut rest) = (a, b);
        if merged.is_empty() {
            return rest;
        }
        if !rest.is_empty() && position(&rest, 0) < position(&merged, 0) {
            (merged, rest) = (rest, merged);
        }
        merged.append_from(&rest, 0..rest.len());
        merged.sort();
        merged
    }

    /// Appends the value after `rows` values.
    fn push_value(&mut self, rows: usize, value: ValueRef<'_>) {
        match value {
            ValueRef::Real(real) if real.is_finite() => self.push_number(rows, real),
            ValueRef::Real(real) => self.push_text(rows, MetricValue::from(real).as_str()),
            ValueRef::Text(text) => match number::integer(text).and_then(number::exact) {
                Some(number) => self.push_number(rows, number),
                None => self.push_text(rows, text),
            },
            ValueRef::Integer(integer) => match number::exact(integer) {
                Some(number) => self.push_number(rows, number),
                None => self.push_text(rows, &integer.to_string()),
            },
        }
    }

    /// Appends a value by its text, as a number if that prints as the text.
    fn push_text(&mut self, rows: usize, text: &str) {
        match number::real(text) {
            Some(number) => self.push_number(rows, number),
            None => {
                self.numbers.push(number::parse_finite(text).unwrap_or(f64::NAN));
                self.texts.push(rows, Some(text));
            }
        }
    }

    fn push_number(&mut self, rows: usize, number: f64) {
        self.numbers.push(number);
        self.texts.push(rows, None);
    }
}

/// Compares the points, and which columns were decoded.
impl PartialEq for Columns {
    fn eq(&self, other: &Self) -> bool {
        self.dates == other.dates
            && self.seqs == other.seqs
            && (0..self.len()).all(|index| {
                self.numbers[index].to_bits() == other.numbers[index].to_bits()
                    && self.texts.get(index) == other.texts.get(index)
                    && self.details(index) == other.details(index)
            })
    }
}
