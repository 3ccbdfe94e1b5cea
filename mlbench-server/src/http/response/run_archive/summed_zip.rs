//! A zip archive that ends with the SHA-256 of each of its files.

use std::io::Write as _;

use mlbench_core::carried::{MAX_ARCHIVE_BYTES, SUMS_FILE};
use mlbench_core::{Error, Result};
use sha2::{Digest as _, Sha256};
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::http::response::zip_output::ZipOutput;

/// Bytes that are compressed at once: how the text came does not change the archive.
const PART: usize = 64 * 1024;
/// Of the deflate algorithm. Another one would give other bytes.
const LEVEL: i64 = 6;

/// An archive that is written file by file.
pub(super) struct SummedZip {
    zip: ZipWriter<StreamWriter<ZipOutput>>,
    open: Option<OpenFile>,
    sums: String,
}

struct OpenFile {
    name: &'static str,
    sum: Sha256,
    /// Text that is not compressed yet.
    rest: Vec<u8>,
}

impl SummedZip {
    pub(super) fn new(output: ZipOutput) -> Self {
        Self { zip: ZipWriter::new_stream(output), open: None, sums: String::new() }
    }

    /// Adds text to a file. It must be the last one, or a new one.
    pub(super) fn write(&mut self, name: &'static str, text: &[u8]) -> Result<()> {
        if self.open.as_ref().is_none_or(|open| open.name != name) {
            self.close()?;
            self.zip.start_file(name, options()).map_err(Error::internal)?;
            self.open = Some(OpenFile { name, sum: Sha256::new(), rest: Vec::new() });
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        open.sum.update(text);
        open.rest.extend_from_slice(text);
        let whole = open.rest.len() / PART * PART;
        for part in open.rest[..whole].chunks(PART) {
            self.zip.write_all(part).map_err(Error::internal)?;
        }
        open.rest.drain(..whole);
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let Some(OpenFile { name, sum, rest }) = self.open.take() else { return Ok(()) };
        self.zip.write_all(&rest).map_err(Error::internal)?;
        let sum: [u8; 32] = sum.finalize().into();
        let hex: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
        self.sums.push_str(&format!("{hex}  {name}\n"));
        Ok(())
    }

    /// Adds the sums and ends the archive.
    pub(super) fn finish(mut self) -> Result<()> {
        self.close()?;
        self.zip.start_file(SUMS_FILE, options()).map_err(Error::internal)?;
        self.zip.write_all(self.sums.as_bytes()).map_err(Error::internal)?;
        self.zip.finish().map_err(Error::internal).map(drop)
    }
}

/// Nothing in the archive depends on the time or the machine.
fn options() -> SimpleFileOptions {
    SimpleFileOptions::default()
        .last_modified_time(DateTime::default())
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(LEVEL))
        .unix_permissions(0o644)
        .large_file(true)
}

/// Refuses an archive that no server would import.
pub(super) fn check_length(bytes: u64) -> Result<()> {
    if bytes <= MAX_ARCHIVE_BYTES {
        return Ok(());
    }
    Err(Error::internal(format_args!(
        "an export has more than {MAX_ARCHIVE_BYTES} bytes; no server imports it"
    )))
}
