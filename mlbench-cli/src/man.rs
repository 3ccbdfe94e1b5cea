//! `mlbench man`: writes the manual pages.

use std::fs;
use std::path::Path;

use clap::CommandFactory;

use crate::args::Cli;
use crate::failure::Failure;

/// Writes a page for each command to the directory.
pub(crate) fn write_pages(dir: &Path) -> Result<(), Failure> {
    let failed = |error| Failure::Directory { path: dir.to_owned(), error };
    fs::create_dir_all(dir).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), dir).map_err(failed)
}
