use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use mlbench_client::{Client, Error, MetricsQuery, Owner, Run};
use mlbench_core::metric::file_name_part;
use tokio::fs::{File, rename};
use tokio::io::AsyncWrite;

use super::find::{find, newest};
use crate::args::DownloadArgs;
use crate::failure::Failure;
use crate::output::say;

/// `mlbench runs download`
pub(crate) async fn download(client: &Client, args: &DownloadArgs) -> Result<(), Failure> {
    let run = match &args.run {
        Some(text) => find(client, text).await?,
        None => newest(client).await?,
    };
    let path = match &args.output {
        Some(path) => path.clone(),
        None => format!("metrics_{}.zip", file_name_part(run.name.as_str())).into(),
    };
    if path == Path::new("-") {
        let stdout = io::stdout().as_fd().try_clone_to_owned()?;
        write(client, &run, &mut File::from_std(stdout.into())).await?;
        return Ok(());
    }
    let length = to_file(client, &run, &path).await?;
    say(format_args!("{length} bytes written to {}", path.display()));
    Ok(())
}

/// Written beside its place and then moved there, so that no half of an archive is taken for one.
async fn to_file(client: &Client, run: &Run, path: &Path) -> Result<u64, Failure> {
    let failed = |error: io::Error| Failure::File { path: path.to_owned(), error };
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = Part(part.into());
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

/// A file that is removed when it is not moved to its place: after an error, and after Ctrl-C.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        // It is gone already when all went well.
        let _ = std::fs::remove_file(&self.0);
    }
}
