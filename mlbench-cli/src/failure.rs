//! Why a command ended badly, and the exit code that says so.

use std::io;
use std::path::PathBuf;

use mlbench_client::{Error, Run};

/// Every way a command ends badly. Its text is what the user reads.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The server refused, failed or was not there.
    #[error("{0}")]
    Client(#[from] Error),
    /// No run bears the name.
    #[error("no run is called {0:?}; `mlbench runs list` shows those there are")]
    NoSuchName(String),
    /// There is no run at all.
    #[error("there are no runs yet; `mlbench runs start --name NAME` starts one")]
    NoRuns,
    /// The awaited run ended otherwise than well.
    #[error("run {} ({:?}) {}{}", .0.id, .0.name.as_str(), .0.state, reason(.0))]
    NotFinished(Box<Run>),
    /// The awaited run has not ended in time.
    #[error("run {} ({:?}) is still {} after {seconds} s; it goes on, `mlbench runs stop {}` ends it", .run.id, .run.name.as_str(), .run.state, .run.id)]
    StillActive {
        /// The run when it was last seen.
        run: Box<Run>,
        /// How long it was waited for.
        seconds: u64,
    },
    /// A server in Kubernetes cannot be reached through kubectl.
    #[error("{0}")]
    Kube(String),
    /// The file with the token cannot be read.
    #[error("--token-file {}: cannot be read: {error}", .path.display())]
    TokenFile {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file cannot be written.
    #[error("{} cannot be written: {error}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Standard output, or the system, fails.
    #[error("cannot print: {0}")]
    Output(#[from] io::Error),
    /// A built-in benchmark did not come to its goal or its end.
    #[error("{0}")]
    Benchmark(#[from] crate::benchmarks::Error),
    /// Ctrl-C.
    #[error("interrupted; what the server was asked for goes on there")]
    Interrupted,
}

fn reason(run: &Run) -> String {
    match &run.job_metadata.reason {
        Some(reason) => format!(": {reason}"),
        None => String::new(),
    }
}

impl Failure {
    /// The exit code, as `--help` documents it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::NoSuchName(_) | Self::NoRuns => 3,
            Self::NotFinished(_) => 6,
            Self::Interrupted => 130,
            Self::StillActive { .. } | Self::Benchmark(_) | Self::File { .. } | Self::Output(_) => 1,
            Self::Client(Error::InvalidUrl { .. } | Error::InvalidToken) | Self::TokenFile { .. } => 2,
            Self::Kube(_) => 7,
            Self::Client(error) if error.is_unreachable() => 7,
            Self::Client(error) => match error.status() {
                Some(401 | 403) => 4,
                Some(404) => 3,
                Some(409) => 5,
                _ => 1,
            },
        }
    }

    /// Whether the reader of the output went away.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        match self {
            Self::Output(error) => error.kind() == io::ErrorKind::BrokenPipe,
            Self::Benchmark(crate::benchmarks::Error::Console(error)) => {
                error.kind() == io::ErrorKind::BrokenPipe
            }
            Self::Client(Error::Write(error)) => error.kind() == io::ErrorKind::BrokenPipe,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_failure_has_the_exit_code_that_help_documents() {
        let url = String::from("http://127.0.0.1:8000");
        let status = |status| Error::UnexpectedResponse {
            url: url.clone(),
            status,
            body: String::new(),
            retry_after: None,
        };
        let unreachable = Error::Unreachable { url: url.clone(), cause: String::new() };
        let invalid = Error::InvalidUrl { url: url.clone(), cause: String::new() };
        let codes = [
            status(401),
            status(403),
            status(404),
            status(409),
            status(422),
            status(500),
            unreachable,
            invalid,
        ]
        .map(|error| Failure::Client(error).exit_code());
        assert_eq!(codes, [4, 4, 3, 5, 1, 1, 7, 2]);
        assert_eq!(Failure::NoSuchName("x".to_owned()).exit_code(), 3);
        assert_eq!(Failure::Interrupted.exit_code(), 130);
    }

    #[test]
    fn a_reader_that_went_away_is_told_from_a_full_disk() {
        let broken = |kind: io::ErrorKind| Failure::Output(kind.into()).is_broken_pipe();
        assert!(broken(io::ErrorKind::BrokenPipe) && !broken(io::ErrorKind::StorageFull));
    }
}
