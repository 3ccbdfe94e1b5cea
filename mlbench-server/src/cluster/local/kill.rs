//! Signals all processes of some ranks.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::cgroup;
use super::processes::{Process, RankIdentity, processes_of, scan};

/// How long one call retries when processes fork faster than it finds them, or do not end immediately.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Pause between two scans. Most processes are not children of this one, so it cannot wait for their end.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Whether to signal supervisors, which record the exit code, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Supervisors {
    /// Signals and counts all other processes.
    Exclude,
    /// Signals and counts supervisors too.
    Include,
}

/// Signals all processes of the ranks, and returns how many are left.
///
/// Repeats the scan until it finds no new process, with SIGKILL until no process is left. Spares from SIGTERM what a
/// program has started since its own SIGTERM: that may be the process that saves its state.
pub(super) fn signal_all(ranks: &[RankIdentity], signal: Signal, supervisors: Supervisors) -> usize {
    let deadline = Instant::now() + TIMEOUT;
    let mut signalled = HashSet::new();
    if signal == Signal::KILL && supervisors == Supervisors::Include {
        ranks.iter().filter_map(|rank| rank.group.as_deref()).for_each(cgroup::kill);
    }
    loop {
        let all = scan();
        let targets = targets(&all, ranks, supervisors);
        if signal == Signal::KILL {
            // One that somebody has stopped would never record the exit code.
            all.iter().filter(|process| is_supervisor(process, ranks)).for_each(|one| one.send(Signal::CONT));
        }
        // A process whose parent has ended has another parent now.
        let is_first = signalled.is_empty();
        let parents: HashSet<i32> = targets.iter().map(|process| process.stat.pid).collect();
        let mut new = false;
        for process in &targets {
            // Sends SIGTERM once: many programs abort their clean-up on the second one.
            let is_new = signalled.insert((process.stat.pid, process.stat.starttime));
            if signal == Signal::KILL || is_new && (is_first || !parents.contains(&process.stat.ppid)) {
                process.send(signal);
                new = true;
            }
        }
        if !new || Instant::now() >= deadline {
            return targets.len();
        }
        // The kernel has no event for the end of processes that are not children of this one.
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// Names the processes of the ranks that are alive, without supervisors.
pub(super) fn living(ranks: &[RankIdentity]) -> Vec<String> {
    let all = scan();
    let living = targets(&all, ranks, Supervisors::Exclude);
    living.iter().map(|process| format!("{} ({})", process.stat.pid, process.stat.comm)).collect()
}

fn targets<'a>(all: &'a [Process], ranks: &[RankIdentity], supervisors: Supervisors) -> Vec<&'a Process> {
    let is_excluded =
        |process: &Process| supervisors == Supervisors::Exclude && is_supervisor(process, ranks);
    let found = processes_of(all, ranks).into_iter().flatten();
    found.filter(|process| process.is_alive() && !is_excluded(process)).collect()
}

fn is_supervisor(process: &Process, ranks: &[RankIdentity]) -> bool {
    ranks.iter().filter_map(|rank| rank.supervisor.as_ref()).any(|one| process.is(one))
}
