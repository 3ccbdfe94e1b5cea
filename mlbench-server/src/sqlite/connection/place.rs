//! The place of a database, to which the name of its server is bound.

use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use mlbench_core::{Error, Result};

/// Where a database file lies. A copy and a moved file differ in at least one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    machine: String,
    inode: u64,
    path: PathBuf,
}

impl Place {
    /// Returns the place of an existing file with a canonical path.
    pub(crate) fn of(path: &Path, machine: &str) -> Result<Self> {
        let inode = path.metadata().map_err(Error::internal)?.ino();
        Ok(Self { machine: machine.replace(char::is_whitespace, "-"), inode, path: path.to_owned() })
    }
}

/// The machine (`-` when unknown), the inode and the path, which may contain spaces.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let machine = if self.machine.is_empty() { "-" } else { &self.machine };
        write!(f, "{machine} {} {}", self.inode, self.path.display())
    }
}
