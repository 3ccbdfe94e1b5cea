//! Command line options of the benchmark.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::Result;

/// Names that `--only` accepts.
const NAMES: [&str; 21] = [
    "start",
    "memory",
    "disk",
    "single",
    "synced",
    "sealing",
    "batch",
    "read",
    "last",
    "minmax",
    "summarize",
    "runs",
    "events",
    "mixed",
    "edges",
    "curves",
    "huge",
    "compare",
    "mlflow",
    "page",
    "log",
];

/// What to measure, and for how long.
#[derive(Debug)]
pub(crate) struct Options {
    /// Binary of the server.
    pub(crate) server: PathBuf,
    /// Folder of databases and results.
    pub(crate) out: PathBuf,
    /// Measures for a shorter time, on a smaller database.
    pub(crate) quick: bool,
    only: Vec<String>,
}

impl Options {
    /// Parses the arguments of the program.
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Self> {
        let mut options =
            Self { server: PathBuf::new(), out: PathBuf::new(), quick: false, only: Vec::new() };
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg}: missing value; add one"));
            match arg.as_str() {
                "--server" => options.server = value()?.into(),
                "--out" => options.out = value()?.into(),
                "--only" => options.only.push(value()?),
                "--quick" => options.quick = true,
                // Cargo passes this to every benchmark.
                "--bench" => {}
                _ => return Err(format!("{arg}: unknown option; see cargo xtask help").into()),
            }
        }
        if let Some(name) = options.only.iter().find(|name| !NAMES.contains(&name.as_str())) {
            return Err(format!("--only: unknown name {name:?}; use one of {}", NAMES.join(", ")).into());
        }
        Ok(options)
    }

    /// Returns whether a measurement was selected.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }

    /// Returns whether no measurement but these was selected.
    pub(crate) fn wants_only(&self, names: &[&str]) -> bool {
        !self.only.is_empty() && self.only.iter().all(|only| names.contains(&only.as_str()))
    }

    /// Returns the duration of a load.
    pub(crate) fn time(&self) -> Duration {
        Duration::from_secs(if self.quick { 1 } else { 4 })
    }
}
