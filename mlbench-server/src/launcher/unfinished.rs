//! Lines of running ranks that have no end yet: prompts, progress bars.
//!
//! They are in memory only. A restarted server reads them again, because their bytes are not stored.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mlbench_core::log::LogLine;
use mlbench_core::run::OutputStream;
use mlbench_core::{RunId, Timestamp};

type Lines = BTreeMap<(RunId, u32, u8), LogLine>;

/// The newest state of every unfinished line: at most one per rank and stream.
#[derive(Debug, Clone, Default)]
pub struct UnfinishedLines(Arc<Mutex<Lines>>);

impl UnfinishedLines {
    /// Sets the unfinished line of a stream, or removes it.
    pub fn set(&self, id: RunId, rank: u32, stream: OutputStream, line: Option<(Timestamp, String)>) {
        let key = (id, rank, u8::from(stream == OutputStream::Stderr));
        match line {
            Some((date, text)) => {
                drop(self.lines().insert(key, LogLine { seq: 0, date, rank: Some(rank), stream, text }));
            }
            None => drop(self.lines().remove(&key)),
        }
    }

    /// Returns the unfinished lines of a run, of all streams and ranks or of one, ordered by rank.
    #[must_use]
    pub fn of(&self, id: RunId, stream: Option<OutputStream>, rank: Option<u32>) -> Vec<LogLine> {
        let lines = self.lines();
        let of_run = lines.range((id, 0, 0)..=(id, u32::MAX, u8::MAX)).map(|(_, line)| line);
        let wanted = |line: &&LogLine| {
            stream.is_none_or(|stream| line.stream == stream)
                && rank.is_none_or(|rank| line.rank == Some(rank))
        };
        of_run.filter(wanted).cloned().collect()
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
