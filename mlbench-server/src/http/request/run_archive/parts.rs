//! Reads the points and lines of a checked archive on a thread of their own, a few parts ahead of the store.

use std::io::{BufRead, BufReader, Read};

use mlbench_core::carried::{LOG_FILE, POINTS_FILE, USAGE_FILE, parse_line, parse_point, parse_usage};
use mlbench_core::log::LogLine;
use mlbench_core::metric::Metric;
use mlbench_core::storage::ImportPart;
use mlbench_core::{Error, Owner, Result, RunId};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::check::{Archive, damaged};

/// Bytes of text, and lines, of a part. It is stored in one transaction.
const PART_BYTES: usize = 256 << 10;
const PART_LINES: usize = 5_000;
/// Most bytes of a line: a point may have as long a text as a batch, and few bytes besides.
const MAX_LINE: u64 = 65 << 20;

/// The parts of an archive in their order.
pub(in crate::http) struct Parts {
    parts: mpsc::Receiver<Result<ImportPart>>,
    /// Until it is dropped, no other archive is received.
    _turn: OwnedSemaphorePermit,
}

impl Parts {
    /// Begins to read. Dropped, it ends the thread at its next part.
    pub(super) fn read(mut archive: Archive, run: RunId, turn: OwnedSemaphorePermit) -> Self {
        let (sender, parts) = mpsc::channel(1);
        let owner = Owner::Run(run);
        tokio::task::spawn_blocking(move || {
            let mut send = |part: ImportPart| sender.blocking_send(Ok(part)).is_ok();
            let read = read_all(&mut archive, &owner, &mut send);
            if let Err(error) = read {
                let _ = sender.blocking_send(Err(error));
            }
        });
        Self { parts, _turn: turn }
    }

    /// Returns the next part. `None` at the end.
    ///
    /// # Errors
    /// Naming the file and the line.
    pub(in crate::http) async fn next(&mut self) -> Result<Option<ImportPart>> {
        self.parts.recv().await.transpose()
    }
}

/// Takes a part. Returns whether it wants more.
type Send<'a> = &'a mut dyn FnMut(ImportPart) -> bool;

fn read_all(archive: &mut Archive, owner: &Owner, send: Send<'_>) -> Result<()> {
    let points = |points: Vec<Metric>| ImportPart::Points(points);
    read_file(archive, POINTS_FILE, send, |at, line| parse_point(at, line, owner), points)?;
    read_file(archive, LOG_FILE, send, parse_line, |lines: Vec<LogLine>| ImportPart::Lines(lines))?;
    let usage = |at: &str, line: &[u8]| parse_usage(at, line).map(|()| [line, b"\n"].concat());
    read_file(archive, USAGE_FILE, send, usage, |lines: Vec<Vec<u8>>| ImportPart::Usage(lines.concat()))
}

/// Reads a file line by line, and sends its items in parts.
fn read_file<T>(
    archive: &mut Archive,
    name: &str,
    send: Send<'_>,
    parse: impl Fn(&str, &[u8]) -> Result<T>,
    part: impl Fn(Vec<T>) -> ImportPart,
) -> Result<()> {
    let file = archive.by_name(name).map_err(Error::internal)?;
    let mut file = BufReader::new(file);
    let (mut items, mut bytes, mut line) = (Vec::new(), 0, Vec::new());
    for number in 1_u64.. {
        line.clear();
        file.by_ref().take(MAX_LINE).read_until(b'\n', &mut line).map_err(|error| damaged(name, &error))?;
        let is_end = line.is_empty();
        if !is_end {
            let at = format!("{name}: line {number}");
            let Some(text) = line.strip_suffix(b"\n") else {
                return Err(Error::invalid(&at, "has no end"));
            };
            items.push(parse(&at, text)?);
            bytes += text.len();
        }
        let is_full = bytes >= PART_BYTES || items.len() >= PART_LINES;
        if (is_full || is_end) && !items.is_empty() {
            bytes = 0;
            if !send(part(std::mem::take(&mut items))) {
                break;
            }
        }
        if is_end {
            break;
        }
    }
    Ok(())
}
