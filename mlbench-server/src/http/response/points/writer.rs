//! Writes a page of points in the format of the response.

use std::sync::Arc;

use mlbench_core::MetricName;
use mlbench_core::api::PointField;
use mlbench_core::downsample::minmax::Bucket;
use mlbench_core::metric::MetricType;
use mlbench_core::storage::{PointRef, PointSink, each_number};
use mlbench_core::time::TimestampWriter;

use super::encode::{
    BUCKET_FIELDS, write_bucket, write_bucket_cells, write_cell, write_cells, write_fields, write_numbers,
    write_text,
};

/// Bytes of a full page: large enough to outweigh starting to read, small enough for many slow clients.
pub(super) const FULL: usize = 256 * 1024;

/// The format of points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum PointsFormat {
    /// `{"loss": [{"date": …, "value": …}, …], …}`. With many owners, an object of such objects.
    Json,
    /// A line `{"run_id": 2, "name": "loss", "date": …, "value": …}` per point.
    NdJson,
    /// A row `2,loss,…` per point, below a header.
    Csv,
}

/// The layout of a response with points.
#[derive(Debug)]
pub(in crate::http) struct PointsLayout {
    pub(in crate::http) format: PointsFormat,
    /// The fields of each point.
    pub(in crate::http) fields: Vec<PointField>,
    /// Whether it has buckets instead of points.
    pub(in crate::http) buckets: bool,
    /// Whether JSON has an object with the owners as keys.
    pub(in crate::http) labelled: bool,
    /// The kind of the owners.
    pub(in crate::http) owners: MetricType,
}

impl PointsLayout {
    const fn owner_key(&self) -> &'static str {
        match self.owners {
            MetricType::Pod => "pod_name",
            MetricType::Run => "run_id",
        }
    }

    /// Returns the first line of the response, which CSV has.
    pub(super) fn header(&self) -> Vec<u8> {
        if self.format != PointsFormat::Csv {
            return Vec::new();
        }
        let fields = self.fields.iter().map(|field| field.as_str());
        let columns: Vec<&str> = match self.buckets {
            true => [self.owner_key(), "name"].into_iter().chain(BUCKET_FIELDS).collect(),
            false => [self.owner_key(), "name"].into_iter().chain(fields).collect(),
        };
        (columns.join(",") + "\r\n").into()
    }

    pub(super) fn begin_owner(&self, text: &mut Vec<u8>, label: &str, first: bool) {
        if self.format == PointsFormat::Json && self.labelled {
            text.push(if first { b'{' } else { b',' });
            write_text(text, label);
            text.push(b':');
        }
    }

    pub(super) fn end(&self, text: &mut Vec<u8>, begun: bool) {
        if self.format == PointsFormat::Json && self.labelled {
            text.extend_from_slice(if begun { b"}" } else { b"{}" });
        }
    }
}

/// A page of the points of one owner.
pub(super) struct PageWriter {
    layout: Arc<PointsLayout>,
    /// The owner, as lines and rows begin with it.
    owner: Arc<[u8]>,
    /// Owner and name, as lines and rows begin with them.
    prefix: Vec<u8>,
    /// The series whose list is open.
    open: Option<MetricName>,
    /// Whether the next point is the first of its list.
    first: bool,
    dates: TimestampWriter,
    text: Vec<u8>,
}

impl PageWriter {
    /// The first page of an owner.
    pub(super) fn new(layout: &Arc<PointsLayout>, label: &str) -> Self {
        let mut owner = Vec::new();
        match layout.format {
            PointsFormat::Json => {}
            PointsFormat::NdJson => {
                owner.extend_from_slice(b"{\"");
                owner.extend_from_slice(layout.owner_key().as_bytes());
                owner.extend_from_slice(b"\":");
                match layout.owners {
                    MetricType::Pod => write_text(&mut owner, label),
                    MetricType::Run => owner.extend_from_slice(label.as_bytes()),
                }
                owner.extend_from_slice(b",\"name\":");
            }
            PointsFormat::Csv => {
                write_cell(&mut owner, label);
                owner.push(b',');
            }
        }
        let (layout, owner) = (Arc::clone(layout), owner.into());
        let dates = TimestampWriter::default();
        Self { layout, owner, prefix: Vec::new(), open: None, first: true, dates, text: Vec::new() }
    }

    /// Returns an empty page that continues this one.
    pub(super) fn next(&self) -> Self {
        Self {
            layout: Arc::clone(&self.layout),
            owner: Arc::clone(&self.owner),
            prefix: self.prefix.clone(),
            open: self.open.clone(),
            first: self.first,
            dates: self.dates.clone(),
            text: Vec::with_capacity(FULL + FULL / 8),
        }
    }

    /// Moves the written text to the end of `text`.
    pub(super) fn take(&mut self, text: &mut Vec<u8>) {
        if text.is_empty() {
            *text = std::mem::take(&mut self.text);
        } else {
            text.append(&mut self.text);
        }
    }

    pub(super) fn end_owner(&self, text: &mut Vec<u8>) {
        if self.layout.format == PointsFormat::Json {
            text.extend_from_slice(if self.open.is_some() { b"]}" } else { b"{}" });
        }
    }

    fn begin(&mut self) {
        match self.layout.format {
            PointsFormat::Json if std::mem::take(&mut self.first) => {}
            PointsFormat::Json => self.text.push(b','),
            PointsFormat::NdJson | PointsFormat::Csv => self.text.extend_from_slice(&self.prefix),
        }
    }
}

impl PointSink for PageWriter {
    fn series(&mut self, name: &MetricName) {
        if self.open.as_ref() == Some(name) {
            return;
        }
        self.prefix.clear();
        self.prefix.extend_from_slice(&self.owner);
        match self.layout.format {
            PointsFormat::Json => {
                self.text.extend_from_slice(if self.open.is_some() { b"]," } else { b"{" });
                write_text(&mut self.text, name.as_str());
                self.text.extend_from_slice(b":[");
            }
            PointsFormat::NdJson => {
                write_text(&mut self.prefix, name.as_str());
                self.prefix.push(b',');
            }
            PointsFormat::Csv => {
                write_cell(&mut self.prefix, name.as_str());
                self.prefix.push(b',');
            }
        }
        self.first = true;
        self.open = Some(name.clone());
    }

    fn point(&mut self, point: PointRef<'_>) {
        self.begin();
        let (text, fields, dates) = (&mut self.text, self.layout.fields.as_slice(), &mut self.dates);
        match self.layout.format {
            PointsFormat::Json => {
                text.push(b'{');
                write_fields(text, fields, &point, dates);
                text.push(b'}');
            }
            PointsFormat::NdJson => {
                write_fields(text, fields, &point, dates);
                text.extend_from_slice(b"}\n");
            }
            PointsFormat::Csv => {
                write_cells(text, fields, &point, dates);
                text.extend_from_slice(b"\r\n");
            }
        }
    }

    fn numbers(&mut self, dates: &[i64], numbers: &[f64]) -> usize {
        let is_common = self.layout.format == PointsFormat::Json
            && self.layout.fields == [PointField::Date, PointField::Value];
        // The first point of a series is written after its name.
        let one_by_one = if !is_common { dates.len() } else { usize::from(self.first) };
        let sent = each_number(self, &dates[..one_by_one], &numbers[..one_by_one]);
        if sent == dates.len() || self.is_full() {
            return sent;
        }
        sent + write_numbers(&mut self.text, (&dates[sent..], &numbers[sent..]), &mut self.dates, FULL)
    }

    fn bucket(&mut self, bucket: &Bucket) {
        self.begin();
        let (text, dates) = (&mut self.text, &mut self.dates);
        match self.layout.format {
            PointsFormat::Json => {
                text.push(b'{');
                write_bucket(text, bucket, dates);
                text.push(b'}');
            }
            PointsFormat::NdJson => {
                write_bucket(text, bucket, dates);
                text.extend_from_slice(b"}\n");
            }
            PointsFormat::Csv => {
                write_bucket_cells(text, bucket, dates);
                text.extend_from_slice(b"\r\n");
            }
        }
    }

    fn is_full(&self) -> bool {
        self.text.len() >= FULL
    }
}

#[cfg(test)]
mod tests {
    use mlbench_core::storage::ValueRef;
    use mlbench_core::time::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn page(format: PointsFormat, fields: &[PointField]) -> PageWriter {
        let (fields, owners) = (fields.to_vec(), MetricType::Run);
        let layout = PointsLayout { format, fields, buckets: false, labelled: false, owners };
        let mut page = PageWriter::new(&Arc::new(layout), "7");
        page.series(&MetricName::new("loss").unwrap());
        page
    }

    proptest! {
        #[test]
        fn numbers_are_written_like_their_points(
            points in proptest::collection::vec(
                (0..4_000_000_000_000_000_i64, prop_oneof![any::<f64>(), (-9..9_i32).prop_map(f64::from)]), 1..20),
        ) {
            let points: Vec<_> = points.into_iter().filter(|(_, number)| number.is_finite()).collect();
            let (dates, numbers): (Vec<i64>, Vec<f64>) = points.iter().copied().unzip();
            for format in [PointsFormat::Json, PointsFormat::NdJson, PointsFormat::Csv] {
                for fields in [&[PointField::Date, PointField::Value][..], &[PointField::Value, PointField::Step]] {
                    let (mut at_once, mut each) = (page(format, fields), page(format, fields));
                    prop_assert_eq!(at_once.numbers(&dates, &numbers), points.len());
                    for (date, number) in &points {
                        let (date, value) = (Timestamp::from_micros(*date), ValueRef::Real(*number));
                        each.point(PointRef { date, value, details: None });
                    }
                    prop_assert_eq!(String::from_utf8(at_once.text), String::from_utf8(each.text));
                }
            }
        }
    }

    #[test]
    fn numbers_are_taken_until_the_page_is_full() {
        let mut page = page(PointsFormat::Json, &[PointField::Date, PointField::Value]);
        let (dates, numbers) = (vec![0; FULL], vec![0.5; FULL]);
        let taken = page.numbers(&dates, &numbers);
        assert!(page.is_full() && taken < FULL / 40, "{taken}");
        assert_eq!(page.text.iter().filter(|byte| **byte == b'{').count(), taken + 1);
        assert!(page.text.len() < FULL + 60);
    }
}
