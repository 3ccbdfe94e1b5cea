//! Writes the files of an exported run one after another, a page at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use mlbench_core::carried::{ExportedLine, FACTS_FILE, LOG_FILE, POINTS_FILE, USAGE_FILE};
use mlbench_core::storage::{LogPart, LogQuery, Storage};
use mlbench_core::{Error, PodName, Result, RunId};

use super::lines::PointLines;
use super::summed_zip::{SummedZip, check_length};
use crate::app::App;
use crate::app::carry::{Export, Usage};
use crate::app::metrics::PointsReader;
use crate::http::response::stream::ByteStream;
use crate::http::response::zip_output::ZipOutput;

/// Lines of output that are read at once.
const LINES: u32 = 500;

/// Returns the chunks of the archive.
///
/// # Errors
/// When the facts cannot be written.
pub(in crate::http) fn run_archive(app: &App, export: Export) -> Result<ByteStream> {
    let storage = Arc::clone(&app.storage);
    let mut parts = VecDeque::from([
        Part::Text(FACTS_FILE, export.facts.to_json()?),
        // Every file is there, whether it has content or not.
        Part::Text(POINTS_FILE, Vec::new()),
        Part::Points(POINTS_FILE, None, Box::new(PointsReader::new(&storage, export.points))),
        Part::Text(LOG_FILE, Vec::new()),
        Part::Log(0),
        Part::Text(USAGE_FILE, Vec::new()),
    ]);
    match export.usage {
        Usage::Imported => parts.push_back(Part::Usage(0)),
        Usage::OfPods(pods) => {
            parts.extend(pods.into_iter().map(|(pod, source)| {
                Part::Points(USAGE_FILE, Some(pod), Box::new(PointsReader::new(&storage, source)))
            }));
        }
    }
    let output = ZipOutput::default();
    let zip = Some(SummedZip::new(output.clone()));
    let writer = ArchiveWriter { storage, id: export.id, parts, zip, output, length: 0 };
    let chunks = stream::try_unfold(writer, |mut writer| async {
        loop {
            let more = writer.step().await?;
            let bytes = writer.output.take();
            writer.length += bytes.len() as u64;
            check_length(writer.length)?;
            if !bytes.is_empty() || !more {
                return Ok((!bytes.is_empty()).then_some((bytes, writer)));
            }
        }
    });
    Ok(chunks.boxed())
}

/// A part of a file.
enum Part {
    Text(&'static str, Vec<u8>),
    /// Points of the run or of a pod.
    Points(&'static str, Option<PodName>, Box<PointsReader>),
    /// Lines of output after this number.
    Log(i64),
    /// Usage of imported pods after this number.
    Usage(i64),
}

struct ArchiveWriter {
    storage: Arc<dyn Storage>,
    id: RunId,
    parts: VecDeque<Part>,
    /// `None` once the archive is complete.
    zip: Option<SummedZip>,
    output: ZipOutput,
    /// Bytes of the archive so far.
    length: u64,
}

impl ArchiveWriter {
    /// Writes one page, or ends the archive. Returns false once it has ended.
    async fn step(&mut self) -> Result<bool> {
        let Some(mut zip) = self.zip.take() else { return Ok(false) };
        let Some(part) = self.parts.pop_front() else {
            zip.finish()?;
            return Ok(true);
        };
        let Page { file, text, rest } = self.read(part).await?;
        if let Some(rest) = rest {
            self.parts.push_front(rest);
        }
        let written = tokio::task::spawn_blocking(move || zip.write(file, &text).map(|()| zip));
        self.zip = Some(written.await.map_err(Error::internal)??);
        Ok(true)
    }

    /// Reads the next page of a part.
    async fn read(&self, part: Part) -> Result<Page> {
        Ok(match part {
            Part::Text(file, text) => Page { file, text, rest: None },
            Part::Points(file, pod, mut reader) => {
                let page = reader.next(|| PointLines::new(pod.as_ref())).await?;
                let rest = (!page.last).then_some(Part::Points(file, pod, reader));
                Page { file, text: page.sink.text, rest }
            }
            Part::Log(after) => {
                let part = LogPart::After { seq: after, limit: LINES };
                let lines =
                    self.storage.log_lines(self.id, LogQuery { stream: None, rank: None, part }).await?;
                let rest = lines.last().map(|last| Part::Log(last.seq));
                let mut text = Vec::new();
                for line in lines {
                    serde_json::to_writer(&mut text, &ExportedLine::from(line)).map_err(Error::internal)?;
                    text.push(b'\n');
                }
                Page { file: LOG_FILE, text, rest }
            }
            Part::Usage(after) => match self.storage.imported_usage(self.id, after).await? {
                Some((seq, text)) => Page { file: USAGE_FILE, text, rest: Some(Part::Usage(seq)) },
                None => Page { file: USAGE_FILE, text: Vec::new(), rest: None },
            },
        })
    }
}

/// A page of a file.
struct Page {
    file: &'static str,
    text: Vec<u8>,
    /// What is left of its part.
    rest: Option<Part>,
}
