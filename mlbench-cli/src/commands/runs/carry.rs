//! Carries runs from one server to another.

use std::io;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use mlbench_client::Client;
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::print::{origin, print_one};
use crate::args::{ExportArgs, ImportRunArgs};
use crate::commands::resolve::resolve_run;
use crate::commands::target::write_to;
use crate::failure::Failure;
use crate::output::{Live, Printer, eprint_message};

/// How often the terminal shows how far a transfer is.
const EVERY: Duration = Duration::from_millis(200);

/// `mlbench runs export`
pub(crate) async fn export(client: &Client, args: &ExportArgs) -> Result<(), Failure> {
    let run = resolve_run(client, &args.run).await?;
    let written = write_to(&args.file, async |to| {
        let mut to = Counted { inner: to, progress: Progress::new("received", None) };
        client.runs().export(run.id, &mut to).await
    });
    written.await.map_err(|failure| match failure {
        Failure::File { path, error } => failed("write", &path, &error),
        other => other,
    })
}

/// `mlbench runs import`
pub(crate) async fn import(client: &Client, args: &ImportRunArgs) -> Result<(), Failure> {
    let (file, length) = open(&args.file).await?;
    let archive = Counted { inner: file, progress: Progress::new("sent", length) };
    let run = client.runs().import(archive, length).await?;
    if let Some(from) = &run.imported_from {
        eprint_message(format_args!("imported {} as run {}", origin(from), run.id));
    }
    print_one(&mut Printer::stdout(args.output.output), &run)
}

/// Opens an archive. Returns also its length in bytes, if that is known.
async fn open(path: &Path) -> Result<(File, Option<u64>), Failure> {
    if path == Path::new("-") {
        let stdin = io::stdin().as_fd().try_clone_to_owned().map_err(Failure::Input)?;
        return Ok((File::from_std(stdin.into()), None));
    }
    let opened = async {
        let file = File::open(path).await?;
        let found = file.metadata().await?;
        if found.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok((file, found.is_file().then_some(found.len())))
    };
    opened.await.map_err(|error: io::Error| failed("read", path, &error))
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::Failed(format!("FILE.zip: cannot {what} {}: {error}", path.display()))
}

/// A reader or writer whose bytes are counted on the terminal.
struct Counted<T> {
    inner: T,
    progress: Progress,
}

/// How far a transfer is, as a line at the end of the terminal.
struct Progress {
    live: Option<Live>,
    verb: &'static str,
    bytes: u64,
    total: Option<u64>,
    shown: Option<Instant>,
}

impl Progress {
    fn new(verb: &'static str, total: Option<u64>) -> Self {
        Self { live: Live::open(), verb, bytes: 0, total, shown: None }
    }

    fn add(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        let is_whole = self.total == Some(self.bytes);
        let is_due = is_whole || self.shown.is_none_or(|shown| shown.elapsed() >= EVERY);
        if let Some(live) = self.live.as_ref().filter(|_| is_due) {
            self.shown = Some(Instant::now());
            // What cannot be shown does not stop the transfer.
            let _ = live.show(vec![vec![(progress(self.verb, self.bytes, self.total), None)]]);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(live) = self.live.take() {
            live.clear();
        }
    }
}

fn progress(verb: &str, bytes: u64, total: Option<u64>) -> String {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    match total {
        Some(total) if total == bytes => {
            format!("{verb} {:.1} MiB; the server checks and stores the run", mib(bytes))
        }
        Some(total) => format!("{verb} {:.1} of {:.1} MiB", mib(bytes), mib(total)),
        None => format!("{verb} {:.1} MiB", mib(bytes)),
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Counted<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = to.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, to))?;
        self.progress.add(to.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Counted<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write(cx, from))?;
        self.progress.add(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_says_when_the_server_has_the_archive() {
        let mib = 1 << 20;
        assert_eq!(progress("sent", 3 * mib / 2, Some(4 * mib)), "sent 1.5 of 4.0 MiB");
        assert_eq!(progress("received", mib, None), "received 1.0 MiB");
        assert!(progress("sent", mib, Some(mib)).ends_with("the server checks and stores the run"));
    }
}
