//! When to read a pipe: at once, or after a pause in which output gathers.

use std::time::Duration;

use tokio::time::Instant;

use super::stream::Stream;

/// Size of one read, the usual capacity of a pipe.
pub(super) const READ_BYTES: usize = 64 * 1024;
/// Small reads in a second, after which the copier gathers output for [`GATHER_PAUSE`] before each.
///
/// A program that prints a line every millisecond would otherwise wake this process as often.
pub(super) const EAGER_READS: u32 = 50;
pub(super) const GATHER_PAUSE: Duration = Duration::from_millis(10);

/// Decides between an immediate read and a pause that gathers output.
pub(super) struct Eagerness {
    left: u32,
    since: Instant,
    /// When each stream had output.
    last: [Option<Instant>; 2],
}

impl Eagerness {
    pub(super) fn new() -> Self {
        Self { left: EAGER_READS, since: Instant::now(), last: [None; 2] }
    }

    /// Returns the stream that is quiet while output of the other one is to be gathered.
    pub(super) fn quiet_stream(&self) -> Option<Stream> {
        let is_quiet = |stream: &Stream| {
            self.last[*stream as usize].is_none_or(|last| last.elapsed() >= Duration::from_secs(1))
        };
        [Stream::Stderr, Stream::Stdout].into_iter().find(is_quiet).filter(|_| self.left == 0)
    }

    pub(super) fn has_read(&mut self, stream: Stream, bytes: usize) {
        if bytes > 0 {
            self.last[stream as usize] = Some(Instant::now());
        }
        if self.since.elapsed() >= Duration::from_secs(1) {
            (self.left, self.since) = (EAGER_READS, Instant::now());
        } else if (1..READ_BYTES / 2).contains(&bytes) {
            self.left = self.left.saturating_sub(1);
        }
    }
}
