//! What a worker has used in all its life, from what its processes show while they live.
//!
//! A process shows its own usage and that of the children it has waited for. The plain sum over living processes falls
//! when a child ends for which nobody waits (its parent ended first, or ignores SIGCHLD). So what was seen of a vanished
//! process is added to a base, less what its nearest living ancestor has taken over since.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// Cumulative usage: clock ticks of CPU, bytes of storage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Usage {
    /// CPU in user mode, in clock ticks.
    pub user: u64,
    /// CPU in the kernel, in clock ticks.
    pub system: u64,
    /// Bytes fetched from storage.
    pub read: u64,
    /// Bytes sent to storage.
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

/// One process as it was last seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProcessUsage {
    /// Its pid.
    pub pid: i32,
    /// Its start time: pid and start are unique within a boot.
    pub start: u64,
    /// Its parent's pid.
    pub parent: i32,
    /// What it used, with the children it waited for.
    pub total: Usage,
    /// The part of `total` that came from children.
    pub from_children: Usage,
}

/// The usage of one worker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WorkerUsage {
    base: Usage,
    seen: Vec<ProcessUsage>,
}

impl WorkerUsage {
    /// Takes in what the worker's processes show now.
    pub(super) fn update(&mut self, mut now: Vec<ProcessUsage>) {
        let before = std::mem::take(&mut self.seen);
        let old: HashMap<i32, &ProcessUsage> = before.iter().map(|seen| (seen.pid, seen)).collect();
        for seen in &mut now {
            // A counter that cannot be read any more (of a dying process) keeps its value.
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
            // Parents come before their children in time, but a reused pid could make a ring of old records.
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

    /// Takes note of a reboot: whatever was seen is gone, and pids and start times begin anew.
    pub(super) fn close(&mut self) {
        self.update(Vec::new());
    }

    /// Everything used so far; never falls.
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
    fn a_child_that_is_waited_for_counts_once() {
        let history =
            [vec![seen(1, 0, 5, 0), seen(2, 1, 40, 0)], vec![seen(1, 0, 6, 45)], vec![seen(1, 0, 7, 45)]];
        assert_eq!(totals(&history), [45, 51, 52]);
    }

    #[test]
    fn a_child_that_nobody_waits_for_keeps_what_was_seen_of_it() {
        let history = [vec![seen(1, 0, 5, 0), seen(2, 1, 40, 0)], vec![seen(1, 0, 9, 0)], vec![]];
        assert_eq!(totals(&history), [45, 49, 49]);
    }

    #[test]
    fn a_whole_branch_that_ends_counts_in_its_living_ancestor() {
        let history =
            [vec![seen(1, 0, 1, 0), seen(2, 1, 10, 0), seen(3, 2, 20, 0)], vec![seen(1, 0, 1, 33)], vec![]];
        assert_eq!(totals(&history), [31, 34, 34]);
    }

    #[test]
    fn a_reused_pid_is_another_process() {
        let reused = ProcessUsage { start: 999, ..seen(2, 1, 3, 0) };
        let history = [vec![seen(1, 0, 1, 0), seen(2, 1, 10, 0)], vec![seen(1, 0, 1, 0), reused]];
        assert_eq!(totals(&history), [11, 14]);
    }

    #[test]
    fn a_counter_that_cannot_be_read_any_more_does_not_fall() {
        assert_eq!(totals(&[vec![seen(1, 0, 10, 0)], vec![seen(1, 0, 0, 0)], vec![]]), [10, 10, 10]);
    }

    #[test]
    fn old_records_in_a_ring_do_not_hang() {
        assert_eq!(totals(&[vec![seen(1, 2, 1, 0), seen(2, 1, 1, 0)], vec![]]), [2, 2]);
    }
}
