//! What a supervisor does, what it leaves alone, and how it reports that it has started.

use std::ffi::OsString;
use std::path::PathBuf;

/// The line on standard output by which a supervisor reports its start.
pub(in crate::cluster::local) const STARTED: &str = "mlbench: started";

/// Free space that output leaves on the disk, for what the server must write.
pub(in crate::cluster::local) const FREE_BYTES: u64 = 2 << 20;

/// What a supervisor does.
pub(super) struct Assignment {
    /// The directory of the rank.
    pub(super) dir: PathBuf,
    /// How many bytes of each stream may wait for the server.
    pub(super) limit: u64,
    /// The command.
    pub(super) argv: Vec<OsString>,
}
