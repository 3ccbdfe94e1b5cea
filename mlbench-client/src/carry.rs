//! Runs that are carried from one server to another.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use mlbench_core::RunId;
use mlbench_core::api::{Endpoint, Run};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use crate::error::Result;
use crate::request::Request;
use crate::runs::Runs;

/// Bytes of an archive that are sent at once.
const PIECE: usize = 256 * 1024;
/// Longest time in which the server stores a run, after which it responds.
const IMPORT_TIMEOUT: Duration = Duration::from_secs(30 * 60);

impl Runs<'_> {
    /// Writes a run that has ended to `target`, as an archive, and returns its length.
    ///
    /// [`import`](Self::import) takes the archive, which is streamed. After an error, `target` holds an incomplete archive.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// let mut archive = Vec::new(); // or a tokio::fs::File
    /// let length = client.runs().export(run, &mut archive).await?;
    /// assert_eq!(archive.len() as u64, length);
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// `not_found` when the run does not exist, `run_active` when it has not ended,
    /// [`Write`](crate::Error::Write) when writing to `target` fails.
    pub async fn export(self, id: RunId, target: &mut (impl AsyncWrite + Unpin)) -> Result<u64> {
        let request = Request::new(Endpoint::ExportRun, &[&id.to_string()]);
        self.client().transport().download(&request, target).await
    }

    /// Imports a run that a server has exported, and returns it as it is on this one.
    ///
    /// The run keeps its dates, its state, its output and its metrics, and gets another id. `length` is that of the
    /// archive in bytes, if it is known. Sends the archive once, because it is read only once.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// let archive: &[u8] = b"what export has written"; // or a tokio::fs::File
    /// let run = client.runs().import(archive, Some(archive.len() as u64)).await?;
    /// println!("{} is now run {}", run.name, run.id);
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// `malformed` or `invalid_field` naming what is wrong with the archive. After an error of the server, nothing of it is
    /// left. Where no response came, the run may be there: look for it before you repeat the import.
    pub async fn import(
        self,
        archive: impl AsyncRead + Send + Unpin + 'static,
        length: Option<u64>,
    ) -> Result<Run> {
        let request = Request::new(Endpoint::ImportRun, &[]);
        let transport = self.client().transport().with_timeout(IMPORT_TIMEOUT)?;
        transport.upload(&request, ("application/zip", length), pieces(archive)).await
    }
}

fn pieces<R>(archive: R) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static
where
    R: AsyncRead + Send + Unpin + 'static,
{
    stream::try_unfold(archive, |mut archive| async {
        let mut piece = Vec::with_capacity(PIECE);
        let read = (&mut archive).take(PIECE as u64).read_to_end(&mut piece).await?;
        Ok((read > 0).then(|| (Bytes::from(piece), archive)))
    })
}
