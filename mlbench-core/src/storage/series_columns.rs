//! Points of one series, column by column, as a batch brings them to the store.
//!
//! A point takes some tens of bytes and no allocation: no owner, no name and no text of a number of its own.

use super::points::{PointDetails, PointRef, ValueRef};
#[cfg(test)]
use crate::metric::{Metric, MetricName, Owner};
use crate::time::Timestamp;

/// The points of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesColumns {
    pub(crate) values: ValueColumn,
    pub(crate) dates: Column<Timestamp>,
    pub(crate) steps: Column<Option<i64>>,
    pub(crate) epochs: Column<Option<f64>>,
    pub(crate) cumulative: Column<bool>,
    pub(crate) metadata: Column<Box<str>>,
}

impl SeriesColumns {
    /// Creates points with the same date and without other fields.
    #[must_use]
    pub fn new(values: ValueColumn, date: Timestamp) -> Self {
        Self {
            values,
            dates: Column::Same(date),
            steps: Column::Same(None),
            epochs: Column::Same(None),
            cumulative: Column::Same(false),
            metadata: Column::Same(Box::default()),
        }
    }

    /// Returns the number of points.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.values.values.len()
    }

    /// Returns whether there are no points.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of points with a later date.
    #[must_use]
    pub fn dated_after(&self, date: Timestamp) -> u64 {
        let count = match &self.dates {
            Column::Same(same) if *same > date => self.len(),
            Column::Same(_) => 0,
            Column::Each(dates) => dates.iter().filter(|each| **each > date).count(),
        };
        count as u64
    }

    /// Returns the points in request order, all with their details.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = PointRef<'_>> {
        (0..self.len()).map(|at| self.point(at))
    }

    /// Returns the points as metrics of `owner` and `name`.
    #[cfg(test)]
    pub fn metrics(&self, owner: &Owner, name: &MetricName) -> impl Iterator<Item = Metric> {
        (0..self.len()).map(|at| Metric {
            owner: owner.clone(),
            name: name.clone(),
            date: *self.dates.get(at),
            value: self.values.get(at).into(),
            cumulative: *self.cumulative.get(at),
            metadata: self.metadata.get(at).to_string(),
            step: *self.steps.get(at),
            epoch: *self.epochs.get(at),
        })
    }

    /// Returns the approximate memory that the points take, in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let texts = match &self.metadata {
            Column::Same(text) => text.len(),
            Column::Each(texts) => texts.iter().map(|text| text.len()).sum(),
        };
        self.values.memory_bytes()
            + self.dates.memory_bytes()
            + self.steps.memory_bytes()
            + self.epochs.memory_bytes()
            + self.cumulative.memory_bytes()
            + self.metadata.memory_bytes()
            + texts
    }

    /// Removes the points at these indices, which ascend.
    pub(crate) fn remove(&mut self, indices: &[usize]) {
        remove(&mut self.values.values, indices);
        self.dates.remove(indices);
        self.steps.remove(indices);
        self.epochs.remove(indices);
        self.cumulative.remove(indices);
        self.metadata.remove(indices);
    }

    fn point(&self, at: usize) -> PointRef<'_> {
        let details = PointDetails {
            cumulative: *self.cumulative.get(at),
            metadata: self.metadata.get(at),
            step: *self.steps.get(at),
            epoch: *self.epochs.get(at),
        };
        PointRef { date: *self.dates.get(at), value: self.values.get(at), details: Some(details) }
    }
}

/// Collects points. Those without details have no metadata, no step and no epoch.
impl<'a> FromIterator<PointRef<'a>> for SeriesColumns {
    fn from_iter<I: IntoIterator<Item = PointRef<'a>>>(points: I) -> Self {
        let (mut values, mut dates) = (ValueColumn::default(), Vec::new());
        let (mut steps, mut epochs, mut cumulative, mut metadata) = (vec![], vec![], vec![], vec![]);
        for PointRef { date, value, details } in points {
            values.push_value(value);
            dates.push(date);
            steps.push(details.and_then(|details| details.step));
            epochs.push(details.and_then(|details| details.epoch));
            cumulative.push(details.is_some_and(|details| details.cumulative));
            metadata.push(details.map_or_else(Box::default, |details| details.metadata.into()));
        }
        Self {
            values,
            dates: Column::Each(dates),
            steps: Column::Each(steps),
            epochs: Column::Each(epochs),
            cumulative: Column::Each(cumulative),
            metadata: Column::Each(metadata),
        }
    }
}

/// One field of all points.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Column<T> {
    /// All points have the same value.
    Same(T),
    /// Each point has its own value.
    Each(Vec<T>),
}

impl<T> Column<T> {
    /// Returns the value of the point `at`, which exists.
    fn get(&self, at: usize) -> &T {
        match self {
            Self::Same(value) => value,
            Self::Each(values) => &values[at],
        }
    }

    fn remove(&mut self, indices: &[usize]) {
        match self {
            Self::Same(_) => {}
            Self::Each(values) => remove(values, indices),
        }
    }

    const fn memory_bytes(&self) -> usize {
        match self {
            Self::Same(_) => size_of::<T>(),
            Self::Each(values) => values.len() * size_of::<T>(),
        }
    }
}

/// The values of all points.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ValueColumn {
    values: Vec<Value>,
    /// All texts, one after the other.
    texts: String,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Value {
    Integer(i64),
    Real(f64),
    /// A part of `texts`.
    Text {
        start: usize,
        end: usize,
    },
}

impl ValueColumn {
    /// Appends a value from its text, which a number replaces if it prints as that text.
    pub fn push(&mut self, text: &str) {
        self.push_value(ValueRef::of_text(text));
    }

    /// Returns the number of values.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.values.len()
    }

    /// Returns whether there are no values.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    fn push_value(&mut self, value: ValueRef<'_>) {
        self.values.push(match value {
            ValueRef::Integer(integer) => Value::Integer(integer),
            ValueRef::Real(real) => Value::Real(real),
            ValueRef::Text(text) => {
                let start = self.texts.len();
                self.texts.push_str(text);
                Value::Text { start, end: self.texts.len() }
            }
        });
    }

    fn get(&self, at: usize) -> ValueRef<'_> {
        match self.values[at] {
            Value::Integer(integer) => ValueRef::Integer(integer),
            Value::Real(real) => ValueRef::Real(real),
            Value::Text { start, end } => ValueRef::Text(&self.texts[start..end]),
        }
    }

    const fn memory_bytes(&self) -> usize {
        self.values.len() * size_of::<Value>() + self.texts.len()
    }
}

/// Removes the items at these indices, which ascend.
fn remove<T>(items: &mut Vec<T>, indices: &[usize]) {
    let (mut at, mut removed) = (0, indices.iter().copied().peekable());
    items.retain(|_| {
        let is_removed = removed.next_if_eq(&at).is_some();
        at += 1;
        !is_removed
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::MetricValue;

    fn columns(values: &[&str]) -> SeriesColumns {
        let mut column = ValueColumn::default();
        values.iter().for_each(|text| column.push(text));
        SeriesColumns::new(column, Timestamp::from_micros(7))
    }

    #[test]
    fn values_keep_their_texts() {
        let texts = ["1", "-0", "0.5", "1.50", "NaN", "", "0.30000000000000004", "1e-05", "-7", "ü", "0"];
        let columns = columns(&texts);
        let printed: Vec<String> = columns.iter().map(|point| point.value.to_string()).collect();
        assert_eq!(printed, texts);
        let kinds: Vec<ValueRef<'_>> = columns.iter().take(4).map(|point| point.value).collect();
        let expected =
            [ValueRef::Integer(1), ValueRef::Text("-0"), ValueRef::Real(0.5), ValueRef::Text("1.50")];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn removed_points_take_all_their_fields_along() {
        let mut some = columns(&["a", "b", "c", "d"]);
        some.steps = Column::Each(vec![Some(1), None, Some(3), Some(4)]);
        some.metadata = Column::Each(["w", "x", "y", "z"].map(Box::from).into());
        some.remove(&[0, 2]);
        let left: Vec<_> = some.iter().map(|point| (point.value, point.details.unwrap())).collect();
        assert_eq!(some.len(), 2);
        assert_eq!((left[0].0, left[0].1.step, left[0].1.metadata), (ValueRef::Text("b"), None, "x"));
        assert_eq!((left[1].0, left[1].1.step, left[1].1.metadata), (ValueRef::Text("d"), Some(4), "z"));
    }

    #[test]
    fn collected_points_are_the_points() {
        let some = columns(&["1", "b"]);
        let again: SeriesColumns = some.iter().collect();
        assert!(again.iter().eq(some.iter()));
        let (owner, name) =
            (Owner::Run(crate::name::RunId::new(1).unwrap()), MetricName::new("loss").unwrap());
        let metrics: Vec<Metric> = again.metrics(&owner, &name).collect();
        assert_eq!((metrics.len(), &metrics[1].value), (2, &MetricValue::from("b")));
        assert_eq!((metrics[0].date, metrics[0].step), (Timestamp::from_micros(7), None));
    }
}
