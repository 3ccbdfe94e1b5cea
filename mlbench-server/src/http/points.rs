//! Points as JSON, written while they are read: the memory of an answer does not grow with its length.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use mlbench_core::storage::Storage;
use mlbench_core::{MetricName, Point, Result};

use super::reply::Chunks;
use crate::app::metrics::{PointsReader, Source};

/// A piece of an answer is sent when it has so many bytes.
const CHUNK: usize = 64 * 1024;

/// Writes the points of one owner as an object, or of many as an object of such objects.
pub(super) struct PointsJson {
    storage: Arc<dyn Storage>,
    sources: VecDeque<Source>,
    /// Whether the owners stand there by name.
    labelled: bool,
    current: Option<OwnerJson>,
    text: Vec<u8>,
    /// Whether an owner stands there already.
    begun: bool,
    done: bool,
}

impl PointsJson {
    pub(super) fn of_one(storage: &Arc<dyn Storage>, source: Source) -> Self {
        Self::new(storage, [source].into(), false)
    }

    pub(super) fn of_many(storage: &Arc<dyn Storage>, sources: Vec<Source>) -> Self {
        Self::new(storage, sources.into(), true)
    }

    fn new(storage: &Arc<dyn Storage>, sources: VecDeque<Source>, labelled: bool) -> Self {
        let storage = Arc::clone(storage);
        Self { storage, sources, labelled, current: None, text: Vec::new(), begun: false, done: false }
    }

    /// The pieces of the answer.
    pub(super) fn chunks(self) -> Chunks {
        stream::try_unfold(self, |mut json| async {
            while !json.done && json.text.len() < CHUNK {
                json.step().await?;
            }
            let text = std::mem::take(&mut json.text);
            Ok((!text.is_empty()).then(|| (Bytes::from(text), json)))
        })
        .boxed()
    }

    /// Writes one page, the beginning of an owner or the end.
    async fn step(&mut self) -> Result<()> {
        if let Some(owner) = &mut self.current {
            if owner.write_page(&mut self.text).await? {
                self.current = None;
            }
        } else if let Some(source) = self.sources.pop_front() {
            self.begin(source);
        } else {
            self.done = true;
            if self.labelled {
                self.text.extend_from_slice(if self.begun { b"}" } else { b"{}" });
            }
        }
        Ok(())
    }

    fn begin(&mut self, source: Source) {
        if self.labelled {
            self.text.push(if self.begun { b',' } else { b'{' });
            self.begun = true;
            write_text(&mut self.text, &source.label);
            self.text.push(b':');
        }
        let reader = PointsReader::new(&self.storage, source);
        self.current = Some(OwnerJson { reader, open: None });
    }
}

/// The object of one owner: `{"loss": [{"date": …, "value": …}, …], …}`.
struct OwnerJson {
    reader: PointsReader,
    /// The series whose list is open.
    open: Option<MetricName>,
}

impl OwnerJson {
    /// Writes the next page; true after the last.
    async fn write_page(&mut self, text: &mut Vec<u8>) -> Result<bool> {
        let page = self.reader.next().await?.unwrap_or_default();
        for (name, points) in &page.series {
            self.write_series(text, name, points);
        }
        let last = page.next.is_none();
        if last {
            text.extend_from_slice(if self.open.is_some() { b"]}" } else { b"{}" });
        }
        Ok(last)
    }

    fn write_series(&mut self, text: &mut Vec<u8>, name: &MetricName, points: &[Point]) {
        let mut first = self.open.as_ref() != Some(name);
        if first {
            text.extend_from_slice(if self.open.is_some() { b"]," } else { b"{" });
            write_text(text, name.as_str());
            text.extend_from_slice(b":[");
            self.open = Some(name.clone());
        }
        for point in points {
            if !first {
                text.push(b',');
            }
            first = false;
            write_point(text, point);
        }
    }
}

/// `{"date":"…","value":"…"}`
pub(super) fn write_point(text: &mut Vec<u8>, point: &Point) {
    text.extend_from_slice(b"{\"date\":\"");
    text.extend_from_slice(point.date.to_text().as_str().as_bytes());
    text.extend_from_slice(b"\",\"value\":");
    write_text(text, point.value.as_str());
    text.push(b'}');
}

/// A JSON string. Numbers and names need no escape, and are most of what is ever written.
pub(super) fn write_text(text: &mut Vec<u8>, value: &str) {
    if value.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\') {
        text.push(b'"');
        text.extend_from_slice(value.as_bytes());
        text.push(b'"');
    } else {
        text.extend_from_slice(serde_json::Value::from(value).to_string().as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_written_as_serde_would() {
        for text in ["0.7845", "", "ü \u{1F980}", "a\"b\\c", "\u{1}\n\u{7f}", "80% Top 1"] {
            let mut written = Vec::new();
            write_text(&mut written, text);
            assert_eq!(serde_json::from_slice::<String>(&written).unwrap(), text);
        }
    }
}
