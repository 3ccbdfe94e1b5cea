//! Points as the lines of an exported run.

use mlbench_core::api::PointField;
use mlbench_core::downsample::minmax::Bucket;
use mlbench_core::storage::{PointRef, PointSink};
use mlbench_core::time::TimestampWriter;
use mlbench_core::{MetricName, PodName};

use crate::http::response::points::{write_fields, write_text};

/// Bytes of text after which a page ends.
const PAGE: usize = 256 * 1024;

/// Writes points as lines, each with all of its fields.
pub(super) struct PointLines {
    /// The begin of the lines of all series: the pod, if they are those of one.
    begin: Vec<u8>,
    /// The begin of the lines of this series.
    series: Vec<u8>,
    dates: TimestampWriter,
    pub(super) text: Vec<u8>,
}

impl PointLines {
    pub(super) fn new(pod: Option<&PodName>) -> Self {
        let mut begin = b"{".to_vec();
        if let Some(pod) = pod {
            begin.extend_from_slice(b"\"pod\":");
            write_text(&mut begin, pod.as_str());
            begin.push(b',');
        }
        begin.extend_from_slice(b"\"name\":");
        Self { begin, series: Vec::new(), dates: TimestampWriter::default(), text: Vec::new() }
    }
}

impl PointSink for PointLines {
    fn series(&mut self, name: &MetricName) {
        self.series.clone_from(&self.begin);
        write_text(&mut self.series, name.as_str());
        self.series.push(b',');
    }

    fn point(&mut self, point: PointRef<'_>) {
        self.text.extend_from_slice(&self.series);
        write_fields(&mut self.text, &PointField::ALL, &point, &mut self.dates);
        self.text.extend_from_slice(b"}\n");
    }

    /// Nothing: an export is not downsampled.
    fn bucket(&mut self, _: &Bucket) {}

    fn is_full(&self) -> bool {
        self.text.len() >= PAGE
    }
}
