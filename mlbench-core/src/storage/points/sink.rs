//! Sinks that receive points, and the points as they receive them.

use std::any::Any;
use std::fmt;

use crate::downsample::minmax::Bucket;
use crate::downsample::{Candidate, Downsampled, Progress};
use crate::metric::{MetricName, MetricValue, number};
use crate::time::Timestamp;

/// Receives points in the thread that reads them, so that nothing is copied unless the sink copies it.
pub trait PointSink: Any + Send {
    /// Starts a series, at its beginning and again on each further page.
    ///
    /// Series without matching points do not appear.
    fn series(&mut self, name: &MetricName);

    /// Receives the next point of the series.
    fn point(&mut self, point: PointRef<'_>);

    /// Receives the next points of the series, whose numbers print as their values, without details.
    ///
    /// `dates` are microseconds since 1970, as many as numbers and at least one. Returns how many points it has taken:
    /// all, or those after which it is full.
    fn numbers(&mut self, dates: &[i64], numbers: &[f64]) -> usize {
        each_number(self, dates, numbers)
    }

    /// Receives the next bucket of the series.
    ///
    /// Only with [`DownsamplingMethod::MinMax`](super::query::DownsamplingMethod::MinMax).
    fn bucket(&mut self, bucket: &Bucket);

    /// Returns whether to end the page here.
    fn is_full(&self) -> bool;
}

/// Passes points to a sink one by one, until it is full. Returns how many it has taken.
///
/// `dates` are microseconds since 1970, as many as numbers.
pub fn each_number<S: PointSink + ?Sized>(sink: &mut S, dates: &[i64], numbers: &[f64]) -> usize {
    for (index, (date, number)) in dates.iter().zip(numbers).enumerate() {
        let (date, value) = (Timestamp::from_micros(*date), ValueRef::of_number(*number));
        sink.point(PointRef { date, value, details: None });
        if sink.is_full() {
            return index + 1;
        }
    }
    dates.len()
}

impl dyn PointSink {
    /// Passes on an item of a downsampled series. `find` returns the point at a position.
    ///
    /// # Errors
    /// That of `find`.
    pub fn downsampled<'a, E>(
        &mut self,
        item: &Downsampled,
        find: impl FnOnce(Timestamp, i64) -> Result<PointRef<'a>, E>,
    ) -> Result<(), E> {
        match item {
            Downsampled::Kept(Candidate { date, number, seq: None }) => {
                let value = number.map_or(ValueRef::Text("NaN"), ValueRef::of_number);
                self.point(PointRef { date: *date, value, details: None });
            }
            Downsampled::Kept(Candidate { date, seq: Some(seq), .. }) => self.point(find(*date, seq.get())?),
            Downsampled::Computed((date, number)) => self.point(PointRef::gap_or(*date, *number)),
            Downsampled::Bucket(bucket) => self.bucket(bucket),
        }
        Ok(())
    }
}

/// A point borrowed from the store.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PointRef<'a> {
    /// Time of the measurement.
    pub date: Timestamp,
    /// The measured value.
    pub value: ValueRef<'a>,
    /// The other fields, if the query requests them.
    pub details: Option<PointDetails<'a>>,
}

impl PointRef<'_> {
    /// Creates a computed point. The value of a gap is `NaN`.
    #[must_use]
    pub fn gap_or(date: Timestamp, number: Option<f64>) -> Self {
        Self { date, value: number.map_or(ValueRef::Text("NaN"), ValueRef::Real), details: None }
    }
}

/// The fields of a point besides its date and its value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PointDetails<'a> {
    /// Whether the value adds up over time.
    pub cumulative: bool,
    /// Free text.
    pub metadata: &'a str,
    /// Training step of the measurement.
    pub step: Option<i64>,
    /// Training epoch of the measurement.
    pub epoch: Option<f64>,
}

impl PointDetails<'_> {
    /// Returns step and epoch.
    #[must_use]
    pub const fn progress(&self) -> Progress {
        Progress { step: self.step, epoch: self.epoch }
    }
}

/// A value borrowed from the store, which stores a text as a number if the number prints as that text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueRef<'a> {
    /// An integer, printed in decimal.
    Integer(i64),
    /// A finite number, printed by [`plain_number`](crate::metric::plain_number).
    Real(f64),
    /// Any other text.
    Text(&'a str),
}

impl<'a> ValueRef<'a> {
    /// Returns the value of a text: a number wherever one prints as that text.
    #[must_use]
    pub fn of_text(text: &'a str) -> Self {
        if let Some(integer) = number::integer(text) {
            return Self::Integer(integer);
        }
        // Stores may lose the sign of a zero.
        number::real(text).filter(|real| *real != 0.0).map_or(Self::Text(text), Self::Real)
    }

    /// Returns the value of a number: an integer wherever one prints the same.
    #[must_use]
    pub fn of_number(number: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "compared afterwards")]
        let integer = number as i64;
        let same = number::exact(integer).filter(|exact| exact.to_bits() == number.to_bits());
        same.map_or(Self::Real(number), |_| Self::Integer(integer))
    }

    /// Returns the value as a number, possibly `NaN`, and whether that number prints as the value.
    #[must_use]
    pub fn to_number(self) -> Option<(f64, bool)> {
        const EXACT: u64 = 1 << f64::MANTISSA_DIGITS;
        match self {
            #[expect(clippy::cast_precision_loss, reason = "the text shows where digits are lost")]
            Self::Integer(integer) => {
                let number = integer as f64;
                let prints = integer.unsigned_abs() <= EXACT
                    || number::plain_number(number, |text| text == integer.to_string());
                Some((number, prints))
            }
            Self::Real(real) => Some((real, true)),
            Self::Text(text) => match Self::of_text(text) {
                Self::Text(text) => {
                    let number = number::parse(text)?;
                    Some((number, MetricValue::from(number).as_str() == text))
                }
                number => number.to_number(),
            },
        }
    }

    /// Returns the value as a finite number.
    #[must_use]
    pub fn as_finite(self) -> Option<f64> {
        match self {
            #[expect(
                clippy::cast_precision_loss,
                reason = "parsing the text would give the same nearest float"
            )]
            Self::Integer(integer) => Some(integer as f64),
            Self::Real(real) => Some(real),
            Self::Text(text) => number::parse_finite(text),
        }
    }
}

/// Writes the original text.
impl fmt::Display for ValueRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(integer) => integer.fmt(f),
            Self::Real(real) => number::plain_number(*real, |text| f.write_str(text)),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// Decides whether a text is stored as a number.
impl<'a> From<&'a MetricValue> for ValueRef<'a> {
    fn from(value: &'a MetricValue) -> Self {
        let text = value.as_str();
        if let Some(integer) = number::integer(text) {
            return Self::Integer(integer);
        }
        // A text of up to 8 bytes takes no more space than a float.
        let real = if text.len() > size_of::<f64>() { number::real(text) } else { None };
        real.map_or(Self::Text(text), Self::Real)
    }
}

impl From<ValueRef<'_>> for MetricValue {
    fn from(value: ValueRef<'_>) -> Self {
        Self::new(value.to_string())
    }
}
