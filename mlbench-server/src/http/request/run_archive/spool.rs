//! Receives an archive into a file without a name, so that nothing is left of it in any case.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use mlbench_core::carried::{MAX_ARCHIVE_BYTES, RunFacts};
use mlbench_core::storage::{KeyHolder, KeyedRequest};
use mlbench_core::{Error, ErrorCode, Result};
use tokio::sync::OwnedSemaphorePermit;

use super::check::{Archive, check};
use super::parts::Parts;
use crate::http::request::body::{self, BodyStream, content_length};
use crate::http::request::content::{ContentEncoding, ContentType};
use crate::http::request::context::RequestContext;
use crate::http::request::extract::FromBody;
use crate::http::request::fingerprint::Fingerprinter;

/// Bytes that are written at once.
const PIECE: usize = 1 << 20;
/// Bytes of the disk that an archive leaves to the database.
const KEEP_FREE: u64 = 256 << 20;

/// The archive of a run, received and not read yet.
pub(in crate::http) struct RunUpload {
    file: File,
    length: u64,
    /// The key under which the client repeats the request.
    pub(in crate::http) key: Option<KeyedRequest>,
    turn: OwnedSemaphorePermit,
}

/// An archive whose files are those of an exported run, and undamaged.
pub(in crate::http) struct CheckedArchive {
    pub(in crate::http) facts: RunFacts,
    archive: Archive,
    turn: OwnedSemaphorePermit,
}

impl RunUpload {
    /// Checks the archive as a whole.
    ///
    /// # Errors
    /// Naming what is wrong with it.
    pub(in crate::http) async fn check(self) -> Result<CheckedArchive> {
        let Self { file, length, turn, .. } = self;
        let checked = tokio::task::spawn_blocking(move || check(file, length));
        let (archive, facts) = checked.await.map_err(Error::internal)??;
        Ok(CheckedArchive { facts, archive, turn })
    }
}

impl CheckedArchive {
    /// Begins to read the points and lines.
    pub(in crate::http) fn parts(self) -> Parts {
        Parts::read(self.archive, self.facts.origin.run_id, self.turn)
    }
}

impl FromBody for RunUpload {
    async fn from_body(context: &RequestContext, mut body: BodyStream) -> Result<Self> {
        check_headers(context)?;
        let turn = Arc::clone(&context.state.imports).try_acquire_owned().map_err(|_| busy())?;
        let directory = context.app().exports.directory.as_ref().ok_or_else(Error::read_only)?;
        let mut spool = Spool::create(directory)?;
        let stall = context.state.config.body_stall_timeout;
        let mut pending = Vec::new();
        while let Some(piece) = body::next_piece(&mut body, stall).await? {
            pending.extend_from_slice(&piece);
            if pending.len() >= PIECE {
                spool = spool.written(std::mem::take(&mut pending)).await?;
            }
        }
        let Spool { file, length, fingerprinter } = spool.written(pending).await?;
        let fingerprint = fingerprinter.finish();
        let key = context.idempotency_key()?;
        let key = key.map(|key| KeyedRequest { holder: KeyHolder::Server, key, fingerprint });
        Ok(Self { file, length, key, turn })
    }
}

fn check_headers(context: &RequestContext) -> Result<()> {
    if ContentEncoding::of(&context.headers)? != ContentEncoding::Identity {
        let detail = "Content-Encoding: an archive is compressed already; send it as it is";
        return Err(Error::new(ErrorCode::UnsupportedMediaType, detail));
    }
    match ContentType::of(&context.headers)? {
        // `curl --data-binary` labels everything as a form.
        ContentType::Unlabelled | ContentType::Form => {}
        ContentType::Other(name) if name == "application/zip" || name == "application/octet-stream" => {}
        other => return Err(other.unsupported("application/zip")),
    }
    match content_length(&context.headers) {
        Some(length) if length > MAX_ARCHIVE_BYTES => Err(too_large()),
        _ => Ok(()),
    }
}

fn too_large() -> Error {
    Error::new(ErrorCode::PayloadTooLarge, format!("body: larger than {MAX_ARCHIVE_BYTES} bytes"))
}

fn busy() -> Error {
    let detail = "another run is being imported; try again in a moment";
    Error::new(ErrorCode::Overloaded, detail).with_retry_after(std::time::Duration::from_secs(2))
}

/// The file that an archive is received into.
struct Spool {
    file: File,
    length: u64,
    fingerprinter: Fingerprinter,
}

impl Spool {
    fn create(directory: &Path) -> Result<Self> {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let file = tempfile::tempfile_in(directory).map_err(|error| unwritten(&error))?;
        Ok(Self { file, length: 0, fingerprinter: Fingerprinter::default() })
    }

    /// Adds a piece on a thread for blocking work.
    async fn written(mut self, piece: Vec<u8>) -> Result<Self> {
        self.length += piece.len() as u64;
        if self.length > MAX_ARCHIVE_BYTES {
            return Err(too_large());
        }
        let write = move || {
            let disk = rustix::fs::fstatvfs(&self.file).map_err(|error| unwritten(&error.into()))?;
            if disk.f_bavail.saturating_mul(disk.f_frsize) < KEEP_FREE + piece.len() as u64 {
                let detail =
                    "the disk of the database has no room for the archive; make room and send it again";
                return Err(Error::new(ErrorCode::Unavailable, detail));
            }
            self.fingerprinter.update(&piece);
            self.file.write_all(&piece).map_err(|error| unwritten(&error))?;
            Ok(self)
        };
        tokio::task::spawn_blocking(write).await.map_err(Error::internal)?
    }
}

fn unwritten(error: &std::io::Error) -> Error {
    let detail = "the archive cannot be kept beside the database; see the server log";
    Error::new(ErrorCode::Unavailable, detail).with_internal(error)
}
