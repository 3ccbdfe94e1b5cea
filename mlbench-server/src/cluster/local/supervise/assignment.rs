//! What a supervisor does, and how it reports that it has started.

use std::ffi::OsString;
use std::path::PathBuf;

/// The line on standard output by which a supervisor reports its start.
pub(in crate::cluster::local) const STARTED: &str = "mlbench: started";

/// What a supervisor does.
pub(super) struct Assignment {
    /// The directory of the rank.
    pub(super) dir: PathBuf,
    /// How many bytes of each stream may wait for the server.
    pub(super) limit: u64,
    /// The command.
    pub(super) argv: Vec<OsString>,
}
