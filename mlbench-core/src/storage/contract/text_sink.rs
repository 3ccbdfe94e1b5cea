//! A sink that shows what a store sends.

use crate::downsample::minmax::Bucket;
use crate::metric::MetricName;
use crate::storage::points::{PointRef, PointSink};

/// Collects everything it receives as text. A series that goes on after a page has its name once.
#[derive(Default)]
pub struct TextSink(pub Vec<String>);

impl PointSink for TextSink {
    fn series(&mut self, name: &MetricName) {
        let name = format!("{name}:");
        if self.0.iter().rev().find(|text| text.ends_with(':')) != Some(&name) {
            self.0.push(name);
        }
    }

    fn point(&mut self, point: PointRef<'_>) {
        let mut text = format!("{} {}", point.date.as_micros(), point.value);
        if let Some(rest) = point.details {
            text += &format!(" {} {:?} {:?} {:?}", rest.cumulative, rest.metadata, rest.step, rest.epoch);
        }
        self.0.push(text);
    }

    fn bucket(&mut self, bucket: &Bucket) {
        // Sums may differ in their last digits.
        let Bucket { start, end, count, first, last, min, max, sum: _, step, epoch } = bucket;
        let (start, end) = (start.as_micros(), end.as_micros());
        let numbers = format!("{first:?} {last:?} {min:?} {max:?}");
        self.0.push(format!("{start}..{end} {count} {numbers} {step:?} {epoch:?}"));
    }

    fn is_full(&self) -> bool {
        false
    }
}
