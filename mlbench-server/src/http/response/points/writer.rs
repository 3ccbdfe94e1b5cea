//! Writes a page of points in the format of the response.

use std::sync::Arc;

use mlbench_core::MetricName;
use mlbench_core::api::PointField;
use mlbench_core::downsample::minmax::Bucket;
use mlbench_core::metric::MetricType;
use mlbench_core::storage::{PointRef, PointSink};

use super::encode::{
    BUCKET_FIELDS, write_bucket, write_bucket_cells, write_cell, write_cells, write_fields, write_text,
};

/// Bytes of a full page: large enough to outweigh starting to read, small enough for many slow clients.
pub(super) const FULL: usize = 128 * 1024;

/// The format of points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum PointsFormat {
    /// `{"loss": [{"date": …, "value": …}, …], …}`; of many owners an object of such objects.
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
        Self { layout, owner, prefix: Vec::new(), open: None, first: true, text: Vec::new() }
    }

    /// Returns an empty page that continues this one.
    pub(super) fn next(&self) -> Self {
        Self {
            layout: Arc::clone(&self.layout),
            owner: Arc::clone(&self.owner),
            prefix: self.prefix.clone(),
            open: self.open.clone(),
            first: self.first,
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
        let (text, fields) = (&mut self.text, self.layout.fields.as_slice());
        match self.layout.format {
            PointsFormat::Json => {
                text.push(b'{');
                write_fields(text, fields, &point);
                text.push(b'}');
            }
            PointsFormat::NdJson => {
                write_fields(text, fields, &point);
                text.extend_from_slice(b"}\n");
            }
            PointsFormat::Csv => {
                write_cells(text, fields, &point);
                text.extend_from_slice(b"\r\n");
            }
        }
    }

    fn bucket(&mut self, bucket: &Bucket) {
        self.begin();
        let text = &mut self.text;
        match self.layout.format {
            PointsFormat::Json => {
                text.push(b'{');
                write_bucket(text, bucket);
                text.push(b'}');
            }
            PointsFormat::NdJson => {
                write_bucket(text, bucket);
                text.extend_from_slice(b"}\n");
            }
            PointsFormat::Csv => {
                write_bucket_cells(text, bucket);
                text.extend_from_slice(b"\r\n");
            }
        }
    }

    fn is_full(&self) -> bool {
        self.text.len() >= FULL
    }
}
