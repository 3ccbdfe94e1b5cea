use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use mlbench_client::{Client, Error, MetricsQuery, Owner, Run};
use mlbench_core::metric::file_name;
use tokio::fs::{File, rename};
use tokio::io::AsyncWrite;

use crate::args::DownloadArgs;
use crate::commands::resolve::{newest_run, resolve_run};
use crate::failure::Failure;
use crate::output::eprint_message;

/// `mlbench runs download`
pub(crate) async fn download(client: &Client, args: &DownloadArgs) -> Result<(), Failure> {
    let run = match &args.run {
        Some(text) => resolve_run(client, text).await?,
        None => newest_run(client).await?,
    };
    let path = match &args.output_file {
        Some(path) => path.clone(),
        None => file_name(&format!("metrics_{}", run.name), ".zip").into(),
    };
    if path == Path::new("-") {
        let stdout = io::stdout().as_fd().try_clone_to_owned()?;
        write(client, &run, &mut File::from_std(stdout.into())).await?;
        return Ok(());
    }
    let length = write_file(client, &run, &path).await?;
    eprint_message(format_args!("wrote {length} bytes to {}", path.display()));
    Ok(())
}

/// Writes to a temporary file and renames it, so that `path` never holds an incomplete archive.
async fn write_file(client: &Client, run: &Run, path: &Path) -> Result<u64, Failure> {
    let failed = |error: io::Error| Failure::File { path: path.to_owned(), error };
    // A short name, because that of the archive may have the length that the file system allows.
    let part = TemporaryFile(path.with_file_name(format!(".mlbench-{}.part", std::process::id())));
    let mut file = File::create(&part.0).await.map_err(failed)?;
    let length = match write(client, run, &mut file).await {
        Err(Error::Write(error)) => return Err(failed(io::Error::new(error.kind(), error))),
        other => other?,
    };
    rename(&part.0, path).await.map_err(failed)?;
    Ok(length)
}

async fn write(client: &Client, run: &Run, to: &mut (impl AsyncWrite + Unpin)) -> Result<u64, Error> {
    client.metrics().download(&Owner::Run(run.id), &MetricsQuery::default(), to).await
}

/// A file that is removed unless it was renamed: after an error, and after Ctrl-C.
struct TemporaryFile(PathBuf);

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // This fails after a successful rename.
        let _ = std::fs::remove_file(&self.0);
    }
}
