//! Cumulative usage of a worker, computed from repeated scans of its processes.
//!
//! A process reports its own usage and that of the children it has waited for. The plain sum over living processes
//! falls when a child ends without a waiting parent (its parent ended first, or ignores SIGCHLD). So this module adds
//! the last known usage of a vanished process to a base, minus what its nearest living ancestor has taken over since.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// Cumulative usage: clock ticks of CPU, bytes of storage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Usage {
    /// CPU in user mode, in clock ticks.
    pub user: u64,
    /// CPU in the kernel, in clock ticks.
    pub system: u64,
    /// Bytes read from storage.
    pub read: u64,
    /// Bytes written to storage.
    pub written: u64,
}

impl Usage {
    fn zip(self, other: Self, with: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            user: with(self.user, other.user),
            system: with(self.system, other.system),
            read: with(self.read, other.read),
            written: with(self.written, other.written),
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        self.zip(other, u64::saturating_add)
    }

    fn minus(self, other: Self) -> Self {
        self.zip(other, u64::saturating_sub)
    }
}

/// The usage of one process at a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProcessUsage {
    /// The pid.
    pub pid: i32,
    /// The start time. Pid and start time are unique within a boot.
    pub start: u64,
    /// The pid of the parent.
    pub parent: i32,
    /// Usage of the process and of the children it waited for.
    pub total: Usage,
    /// The part of `total` that came from children.
    pub from_children: Usage,
}

/// Cumulative usage of one worker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WorkerUsage {
    base: Usage,
    seen: Vec<ProcessUsage>,
}

impl WorkerUsage {
    /// Updates the usage with a scan of the worker's processes.
    pub(super) fn update(&mut self, mut now: Vec<ProcessUsage>) {
        let before = std::mem::take(&mut self.seen);
        let old: HashMap<i32, &ProcessUsage> = before.iter().map(|seen| (seen.pid, seen)).collect();
        for seen in &mut now {
            // Some counters of an ending process become unreadable and retain their last value.
            if let Some(was) = old.get(&seen.pid).filter(|was| was.start == seen.start) {
                seen.total = seen.total.zip(was.total, u64::max);
                seen.from_children = seen.from_children.zip(was.from_children, u64::max);
            }
        }
        let alive: HashMap<(i32, u64), &ProcessUsage> =
            now.iter().map(|seen| ((seen.pid, seen.start), seen)).collect();
        let is_alive = |seen: &ProcessUsage| alive.contains_key(&(seen.pid, seen.start));
        let mut gone: HashMap<Option<i32>, Usage> = HashMap::new();
        for vanished in before.iter().filter(|seen| !is_alive(seen)) {
            let mut heir = old.get(&vanished.parent);
            // The bound ends the loop when reused pids link old records to a ring.
            for _ in 0..before.len() {
                heir = match heir {
                    Some(parent) if !is_alive(parent) => old.get(&parent.parent),
                    _ => break,
                };
            }
            let sum = gone.entry(heir.filter(|seen| is_alive(seen)).map(|seen| seen.pid)).or_default();
            *sum = sum.plus(vanished.total);
        }
        for (heir, total) in gone {
            let inherited = heir.and_then(|pid| {
                let was = old.get(&pid)?;
                Some(alive.get(&(pid, was.start))?.from_children.minus(was.from_children))
            });
            self.base = self.base.plus(total.minus(inherited.unwrap_or_default()));
        }
        self.seen = now;
    }

    /// Ends all known processes after a reboot, because pids and start times start again.
    pub(super) fn close(&mut self) {
        self.update(Vec::new());
    }

    /// Returns pid and start time of the processes at the last scan.
    pub(super) fn seen(&self) -> Vec<(i32, u64)> {
        self.seen.iter().map(|seen| (seen.pid, seen.start)).collect()
    }

    /// Returns the usage so far. It never falls.
    pub(super) fn total(&self) -> Usage {
        self.seen.iter().fold(self.base, |sum, seen| sum.plus(seen.total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(pid: i32, parent: i32, own: u64, from_children: u64) -> ProcessUsage {
        let usage = |user| Usage { user, ..Usage::default() };
        let start = 100 + u64::try_from(pid).unwrap();
        ProcessUsage {
            pid,
            start,
            parent,
            total: usage(own + from_children),
            from_children: usage(from_children),
        }
    }

    fn totals(history: &[Vec<ProcessUsage>]) -> Vec<u64> {
        let mut account = WorkerUsage::default();
        let step = |now: &Vec<ProcessUsage>| {
            account.update(now.clone());
            account.total().user
        };
        history.iter().map(step).collect()
    }

    #[test]
    fn waited_for_child_counts_once() {
        let history =
            [vec![seen(1, 0, 5, 0), seen(2, 1, 40, 0)], vec![seen(1, 0, 6, 45)], vec![seen(1, 0, 7, 45)]];
        assert_eq!(totals(&history), [45, 51, 52]);
    }

    #[test]
    fn child_without_a_waiting_parent_keeps_its_last_usage() {
        let history = [vec![seen(1, 0, 5, 0), seen(2, 1, 40, 0)], vec![seen(1, 0, 9, 0)], vec![]];
        assert_eq!(totals(&history), [45, 49, 49]);
    }

    #[test]
    fn ended_branch_counts_in_its_living_ancestor() {
        let history =
            [vec![seen(1, 0, 1, 0), seen(2, 1, 10, 0), seen(3, 2, 20, 0)], vec![seen(1, 0, 1, 33)], vec![]];
        assert_eq!(totals(&history), [31, 34, 34]);
    }

    #[test]
    fn reused_pid_is_another_process() {
        let reused = ProcessUsage { start: 999, ..seen(2, 1, 3, 0) };
        let history = [vec![seen(1, 0, 1, 0), seen(2, 1, 10, 0)], vec![seen(1, 0, 1, 0), reused]];
        assert_eq!(totals(&history), [11, 14]);
    }

    #[test]
    fn unreadable_counter_does_not_fall() {
        assert_eq!(totals(&[vec![seen(1, 0, 10, 0)], vec![seen(1, 0, 0, 0)], vec![]]), [10, 10, 10]);
    }

    #[test]
    fn old_records_in_a_ring_do_not_hang() {
        assert_eq!(totals(&[vec![seen(1, 2, 1, 0), seen(2, 1, 1, 0)], vec![]]), [2, 2]);
    }
}
