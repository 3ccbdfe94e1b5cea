//! Signals to everything that belongs to some ranks.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::processes::{Process, RankIdentity, processes_of, scan};

/// How long one call goes after processes that fork faster than they are found, or do not die at once.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Between two looks at the processes: most are no children of this one, of whose end nobody tells it.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Whether supervisors are spared: they record the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Supervisors {
    /// Everything but them is signalled and counted.
    Exclude,
    /// They, too.
    Include,
}

/// Sends `signal` to everything that belongs to the owners, again and again until nobody new is found, with SIGKILL
/// until nobody is left. The number of processes that are left.
pub(super) fn signal_all(owners: &[RankIdentity], signal: Signal, supervisors: Supervisors) -> usize {
    let deadline = Instant::now() + TIMEOUT;
    let mut signalled = HashSet::new();
    loop {
        let all = scan();
        let targets = targets(&all, owners, supervisors);
        let mut new = false;
        for process in &targets {
            // SIGTERM comes once: many programs take a second one as a wish to die at once.
            if signalled.insert((process.stat.pid, process.stat.starttime)) || signal == Signal::KILL {
                process.send(signal);
                new = true;
            }
        }
        if !new || Instant::now() >= deadline {
            return targets.len();
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

fn targets<'a>(all: &'a [Process], owners: &[RankIdentity], supervisors: Supervisors) -> Vec<&'a Process> {
    let spared = |process: &Process| {
        supervisors == Supervisors::Exclude
            && owners.iter().filter_map(|owner| owner.supervisor.as_ref()).any(|one| process.is(one))
    };
    let found = processes_of(all, owners).into_iter().flatten();
    found.filter(|process| process.is_alive() && !spared(process)).collect()
}
