//! Memory of a worker, in which a page counts once however many of the worker's processes share it.
//!
//! The kernel divides every page among the processes that map it (the proportional set size, PSS) only when asked, in a
//! walk over all pages of a process. A [`MemoryMeter`] bounds the time that these walks take: until the next one is due,
//! it takes the resident set, which the kernel counts itself, without what the last walk found to be the share of others.
//! So memory that a process has taken since then counts whole.

use std::collections::HashMap;
use std::time::Duration;

use mlbench_core::Timestamp;
use procfs::process::Status;

use crate::clock::Clock;

/// Time of a walk up to which every sample may take one.
const SHORT: Duration = Duration::from_millis(5);
/// Time after a longer walk until the next, as a multiple of the time it took: at most 1 % of a core.
const REST: u32 = 100;

/// Memory in use, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Memory {
    /// All pages.
    pub usage: f64,
    /// Without pages of files, which the kernel could drop.
    pub working_set: f64,
}

impl Memory {
    fn plus(self, other: Self) -> Self {
        Self { usage: self.usage + other.usage, working_set: self.working_set + other.working_set }
    }

    /// Subtracts, and stops at zero.
    fn minus(self, other: Self) -> Self {
        Self {
            usage: (self.usage - other.usage).max(0.0),
            working_set: (self.working_set - other.working_set).max(0.0),
        }
    }
}

/// A process: its pid and its start time.
type ProcessKey = (i32, u64);

/// Measures the memory of one worker.
#[derive(Debug, Default)]
pub(super) struct MemoryMeter {
    last: Option<Walk>,
}

/// A walk over the pages of a worker's processes.
#[derive(Debug)]
struct Walk {
    ended_at: Timestamp,
    took: Duration,
    /// Resident set of every process without its proportional set.
    shares_of_others: HashMap<ProcessKey, Memory>,
}

impl Walk {
    /// Returns whether the next walk would exceed the bound, or the clock was set back.
    fn is_recent(&self, now: Timestamp) -> bool {
        self.took > SHORT && now >= self.ended_at && now.since(self.ended_at) < self.took * REST
    }
}

impl MemoryMeter {
    /// Returns the memory of these processes. A process that has ended uses none.
    ///
    /// For a process whose pages this server may not read, the resident set replaces the proportional one.
    pub(super) fn measure(&mut self, processes: impl Iterator<Item = ProcessKey>, clock: &Clock) -> Memory {
        let processes: Vec<_> = processes
            .filter_map(|key| {
                let process = procfs::process::Process::new(key.0).ok()?;
                let resident = resident(&process.status().ok()?);
                Some((key, process, resident))
            })
            .collect();
        let started = clock.now();
        if self.last.as_ref().is_none_or(|walk| !walk.is_recent(started)) {
            let share_of_others = |(key, process, resident): &(ProcessKey, _, Memory)| {
                (*key, resident.minus(proportional(process, *resident).unwrap_or(*resident)))
            };
            let shares_of_others = processes.iter().map(share_of_others).collect();
            let ended_at = clock.now();
            self.last = Some(Walk { ended_at, took: ended_at.since(started), shares_of_others });
        }
        let share_of_others = |key| self.last.as_ref().and_then(|walk| walk.shares_of_others.get(key));
        processes.iter().fold(Memory::default(), |sum, (key, _, resident)| {
            sum.plus(resident.minus(share_of_others(key).copied().unwrap_or_default()))
        })
    }
}

fn resident(status: &Status) -> Memory {
    let bytes = |kib: Option<u64>| kilobytes(kib.unwrap_or_default());
    Memory { usage: bytes(status.vmrss), working_set: bytes(status.rssanon) + bytes(status.rssshmem) }
}

/// Reads the proportional set size, which takes the kernel some milliseconds per gigabyte.
fn proportional(process: &procfs::process::Process, resident: Memory) -> Option<Memory> {
    let mut text = String::new();
    let mut file = process.open_relative("smaps_rollup").ok()?;
    std::io::Read::read_to_string(&mut file, &mut text).ok()?;
    parse(&text, resident)
}

/// Parses `smaps_rollup`. Before Linux 5.9 it does not say which pages are those of files.
fn parse(text: &str, resident: Memory) -> Option<Memory> {
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().strip_suffix("kB")?.trim().parse().ok().map(kilobytes)
    };
    let usage = field("Pss")?;
    let without_files =
        field("Pss_Anon").zip(field("Pss_Shmem")).map(|(anonymous, shared)| anonymous + shared);
    Some(Memory { usage, working_set: without_files.unwrap_or_else(|| resident.working_set.min(usage)) })
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 bytes")]
fn kilobytes(number: u64) -> f64 {
    (number * 1024) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLLUP: &str = "5583000-7ffc000 ---p 00000000 00:00 0    [rollup]\n\
                          Rss:                1780 kB\nPss:                 200 kB\nPss_Dirty:           116 kB\n\
                          Pss_Anon:            110 kB\nPss_File:             84 kB\nPss_Shmem:             6 kB\n";

    #[test]
    fn usage_is_the_proportional_set_and_files_are_no_working_set() {
        let resident = Memory { usage: 1780.0 * 1024.0, working_set: 300.0 * 1024.0 };
        let expected = Memory { usage: 200.0 * 1024.0, working_set: 116.0 * 1024.0 };
        assert_eq!(parse(ROLLUP, resident), Some(expected));
        let old: String =
            ROLLUP.lines().filter(|line| !line.starts_with("Pss_")).collect::<Vec<_>>().join("\n");
        let expected = Memory { usage: 200.0 * 1024.0, working_set: 200.0 * 1024.0 };
        assert_eq!(parse(&old, resident), Some(expected));
        assert_eq!(parse("", resident), None);
    }

    #[test]
    fn a_long_walk_is_followed_by_a_hundred_times_as_long_without() {
        let at = |millis: i64| Timestamp::from_micros(1000 * millis);
        let walk = |took| Walk { ended_at: at(1000), took, shares_of_others: HashMap::new() };
        let short = walk(SHORT);
        let walk = walk(Duration::from_millis(30));
        assert!(walk.is_recent(at(1000)) && walk.is_recent(at(3999)));
        assert!(!walk.is_recent(at(4000)));
        assert!(!walk.is_recent(at(999)), "the clock was set back");
        assert!(!short.is_recent(at(1000)));
    }

    #[test]
    fn between_walks_the_share_of_others_stays_and_what_is_new_counts_whole() {
        let clock = Clock::manual(Timestamp::from_micros(1_000_000));
        let own = (i32::try_from(std::process::id()).unwrap(), 1);
        let (took, all) = (Duration::from_secs(1), 1e15);
        let shares_of_others = HashMap::from([(own, Memory { usage: all, working_set: all })]);
        let mut meter = MemoryMeter { last: Some(Walk { ended_at: clock.now(), took, shares_of_others }) };
        assert_eq!(meter.measure([own].into_iter(), &clock), Memory::default());
        let successor = (own.0, 2);
        let new = meter.measure([successor].into_iter(), &clock);
        let resident = |new: Memory| new.usage >= new.working_set && new.working_set > 0.0;
        assert!(resident(new), "{new:?}");
        clock.advance(took * REST);
        let used = meter.measure([own].into_iter(), &clock);
        assert!(resident(used), "{used:?}");
    }
}
