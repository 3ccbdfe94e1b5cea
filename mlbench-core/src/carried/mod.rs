//! Runs that are carried from one server to another: the files of an exported run.
//!
//! `docs/export.md` describes the format for readers.

mod facts;
mod records;

pub use facts::{FORMAT, RunFacts, VERSION};
pub use records::{ExportedLine, parse_line, parse_point, parse_usage};

/// Facts of the run as JSON.
pub const FACTS_FILE: &str = "run.json";
/// Points of the run, one per line.
pub const POINTS_FILE: &str = "points.ndjson";
/// Output of the run, one line per line.
pub const LOG_FILE: &str = "log.ndjson";
/// Resource usage of its pods during the run, one point per line.
pub const USAGE_FILE: &str = "pods.ndjson";
/// SHA-256 of the other files, as `sha256sum -c` reads it.
pub const SUMS_FILE: &str = "SHA256SUMS";
/// The files that [`SUMS_FILE`] names, in the order of the archive.
pub const SUMMED_FILES: [&str; 4] = [FACTS_FILE, POINTS_FILE, LOG_FILE, USAGE_FILE];
/// The largest archive in bytes.
pub const MAX_ARCHIVE_BYTES: u64 = (4 << 30) - 1;
