//! [`Spool`]: batches that wait for the server in a directory, also for the next start of the program.
//!
//! ```text
//! record   a batch as bytes, with its key and a checksum
//! segment  a file of records, of which those that were sent are marked
//! spool    the segments of a directory, within a limit, under a lock
//! ```

mod record;
mod segment;
#[expect(clippy::module_inception, reason = "the folder has the name of its main type")]
mod spool;
#[cfg(test)]
mod tests;

pub(super) use spool::Spool;
