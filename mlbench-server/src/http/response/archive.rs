//! Points as a zip archive of JSON files, streamed.

use std::collections::{HashMap, HashSet};
use std::io::Write as _;
use std::sync::Arc;
use std::vec::IntoIter;

use futures_util::stream::{self, StreamExt};
use icu_normalizer::DecomposingNormalizerBorrowed;
use mlbench_core::api::PointField;
use mlbench_core::downsample::minmax::Bucket;
use mlbench_core::metric::file_name;
use mlbench_core::storage::{PointRef, PointSink, Storage};
use mlbench_core::time::TimestampWriter;
use mlbench_core::{Error, MetricName, Result};
use zip::ZipWriter;
use zip::write::{SimpleFileOptions, StreamWriter};

use super::points::{write_bucket, write_fields};
use super::stream::ByteStream;
use super::zip_output::ZipOutput;
use crate::app::App;
use crate::app::metrics::{Archive, PointsReader, Source};

/// Bytes of text that are compressed at a time.
const PART: usize = 256 * 1024;

/// Returns the chunks of an archive.
pub(in crate::http) fn archive(app: &App, content: Archive, fields: &[PointField]) -> ByteStream {
    let output = ZipOutput::default();
    let writer = ArchiveWriter {
        storage: Arc::clone(&app.storage),
        sources: content.sources.into_iter(),
        official_result: content.official_result,
        current: None,
        fields: fields.into(),
        files: Some(Files::new(output.clone())),
        output,
    };
    stream::try_unfold(writer, |mut writer| async {
        loop {
            let more = writer.step().await?;
            let bytes = writer.output.take();
            if !bytes.is_empty() || !more {
                return Ok((!bytes.is_empty()).then_some((bytes, writer)));
            }
        }
    })
    .boxed()
}

/// Writes an archive step by step.
struct ArchiveWriter {
    storage: Arc<dyn Storage>,
    sources: IntoIter<Source>,
    official_result: Option<String>,
    /// The owner that is read now, with the first part of its file names.
    current: Option<(String, PointsReader)>,
    fields: Arc<[PointField]>,
    /// `None` once the archive is complete.
    files: Option<Files>,
    output: ZipOutput,
}

impl ArchiveWriter {
    /// Compresses one page, or ends the archive. Returns false once it has ended.
    async fn step(&mut self) -> Result<bool> {
        let Some(mut files) = self.files.take() else { return Ok(false) };
        if let Some(text) = self.official_result.take() {
            files.add("official_result.txt", text.as_bytes()).map_err(Error::internal)?;
        }
        if self.current.is_none() {
            let started = |source: Source| (source.label.clone(), PointsReader::new(&self.storage, source));
            self.current = self.sources.next().map(started);
        }
        let Some((prefix, reader)) = &mut self.current else {
            files.finish().map_err(Error::internal)?;
            return Ok(true);
        };
        let page = reader.next(|| Parts::new(&self.fields)).await?;
        let (prefix, last) = (prefix.clone(), page.last);
        if last {
            self.current = None;
        }
        let compressed = tokio::task::spawn_blocking(move || {
            files.add_parts(&prefix, page.sink, last)?;
            Ok::<_, zip::result::ZipError>(files)
        });
        self.files = Some(compressed.await.map_err(Error::internal)?.map_err(Error::internal)?);
        Ok(true)
    }
}

/// The files of an archive, written one after another.
struct Files {
    zip: ZipWriter<StreamWriter<ZipOutput>>,
    names: Names,
    /// The series whose file is open.
    open: Option<MetricName>,
}

impl Files {
    fn new(output: ZipOutput) -> Self {
        Self { zip: ZipWriter::new_stream(output), names: Names::default(), open: None }
    }

    fn add(&mut self, name: &str, content: &[u8]) -> zip::result::ZipResult<()> {
        self.names.used.insert(folded(name));
        self.zip.start_file(name, SimpleFileOptions::default())?;
        Ok(self.zip.write_all(content)?)
    }

    fn add_parts(&mut self, prefix: &str, parts: Parts, last: bool) -> zip::result::ZipResult<()> {
        for (name, text) in parts.parts {
            if self.open.as_ref() == Some(&name) {
                self.zip.write_all(b",")?;
            } else {
                self.close()?;
                let file = self.names.free(&format!("{prefix}_{name}"));
                self.zip.start_file(file, SimpleFileOptions::default())?;
                self.zip.write_all(b"[")?;
                self.open = Some(name);
            }
            self.zip.write_all(&text)?;
        }
        if last { self.close() } else { Ok(()) }
    }

    fn close(&mut self) -> zip::result::ZipResult<()> {
        if self.open.take().is_some() {
            self.zip.write_all(b"]")?;
        }
        Ok(())
    }

    fn finish(self) -> zip::result::ZipResult<()> {
        self.zip.finish().map(drop)
    }
}

/// The names of an archive's files, each at most once.
#[derive(Default)]
struct Names {
    /// Names in use, [folded].
    used: HashSet<String>,
    /// The number to try next, by the start that colliding names share.
    next: HashMap<String, u64>,
}

/// The longest ending that makes a name unique, for as many names as an archive may have.
const LONGEST_ENDING: &str = " (18446744073709551615).json";

impl Names {
    /// Returns an unused name: `a/b` and `a_b` become `a_b.json` and `a_b (2).json`.
    ///
    /// Each number is tried once per start, so that thousands of colliding names take linear time.
    fn free(&mut self, stem: &str) -> String {
        let name = file_name(stem, ".json");
        if self.used.insert(folded(&name)) {
            return name;
        }
        let start = file_name(stem, LONGEST_ENDING);
        let start = start.strip_suffix(LONGEST_ENDING).unwrap_or(&start);
        let next = self.next.entry(folded(start)).or_insert(2);
        loop {
            let name = file_name(start, &format!(" ({next}).json"));
            *next += 1;
            if self.used.insert(folded(&name)) {
                return name;
            }
        }
    }
}

/// Returns the same text for names that one file system or another does not tell apart.
///
/// Windows and macOS ignore the case of letters, and macOS whether an accent is a character of its own.
fn folded(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    let decomposed = DecomposingNormalizerBorrowed::new_nfd();
    let name = decomposed.normalize(name);
    // The capitals of `ß` and `ς` are those of `ss` and `σ`.
    let small = name.chars().flat_map(char::to_lowercase);
    let cased: String = small.flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect();
    decomposed.normalize(&cased).into_owned()
}

/// A page: points of some series, each as the inside of a JSON list.
struct Parts {
    fields: Arc<[PointField]>,
    parts: Vec<(MetricName, Vec<u8>)>,
    bytes: usize,
    dates: TimestampWriter,
}

impl Parts {
    fn new(fields: &Arc<[PointField]>) -> Self {
        let dates = TimestampWriter::default();
        Self { fields: Arc::clone(fields), parts: Vec::new(), bytes: 0, dates }
    }

    fn add(&mut self, write: impl FnOnce(&mut Vec<u8>, &[PointField], &mut TimestampWriter)) {
        let Some((_, text)) = self.parts.last_mut() else { return };
        let before = text.len();
        if before > 0 {
            text.push(b',');
        }
        text.push(b'{');
        write(text, &self.fields, &mut self.dates);
        text.push(b'}');
        self.bytes += text.len() - before;
    }
}

impl PointSink for Parts {
    fn series(&mut self, name: &MetricName) {
        if self.parts.last().is_none_or(|(last, _)| last != name) {
            self.parts.push((name.clone(), Vec::new()));
        }
    }

    fn point(&mut self, point: PointRef<'_>) {
        self.add(|text, fields, dates| write_fields(text, fields, &point, dates));
    }

    fn bucket(&mut self, bucket: &Bucket) {
        self.add(|text, _, dates| write_bucket(text, bucket, dates));
    }

    fn is_full(&self) -> bool {
        self.bytes >= PART
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_unique() {
        let mut all = Names::default();
        let names = ["a_b", "a/b", "A_B", "a_b (2)", "a_b (4)", "a_b"].map(|stem| all.free(stem));
        let expected =
            ["a_b.json", "a_b (2).json", "A_B (3).json", "a_b (2) (2).json", "a_b (4).json", "a_b (5).json"];
        assert_eq!(names, expected);
    }

    #[test]
    fn names_that_some_file_system_does_not_tell_apart_collide() {
        let spellings: [&[&str]; 4] = [
            &["caf\u{e9}", "cafe\u{301}", "CAF\u{c9}", "CAFE\u{301}"],
            &["stra\u{df}e", "STRASSE", "strasse", "STRA\u{1e9e}E"],
            &["\u{3c3}", "\u{3c2}", "\u{3a3}"],
            &["\u{212b}", "\u{c5}", "a\u{30a}"],
        ];
        for same in spellings {
            let mut all = Names::default();
            let names: Vec<String> = same.iter().map(|stem| all.free(stem)).collect();
            let expected = same.iter().zip(1..).map(|(stem, number)| match number {
                1 => format!("{stem}.json"),
                number => format!("{stem} ({number}).json"),
            });
            assert_eq!(names, expected.collect::<Vec<_>>());
        }
        let mut all = Names::default();
        assert_eq!(
            ["e", "\u{e9}", "\u{ea}"].map(|stem| all.free(stem)),
            ["e.json", "\u{e9}.json", "\u{ea}.json"]
        );
    }

    #[test]
    fn long_file_names_are_cut_and_unique() {
        let mut all = Names::default();
        for i in 0..2_000 {
            let name = all.free(&format!("result_{}{i}", "\u{e9}".repeat(250)));
            assert!(name.len() <= 255 && name.ends_with(".json"), "{name}");
        }
        assert_eq!(all.used.len(), 2_000);
    }

    #[test]
    fn each_number_is_tried_once() {
        let mut all = Names::default();
        // `A` collides with `a (i)`, however many of those there are.
        (2..20_000).for_each(|i| drop(all.free(&format!("a ({i})"))));
        (0..20_000).for_each(|_| drop(all.free("A")));
        assert_eq!((all.used.len(), all.next["a"]), (39_998, 39_999));
    }
}
