//! Signals all processes of some ranks.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use procfs::Current as _;
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
/// program that still runs has started since its SIGTERM: that may be the process that saves its state.
pub(super) fn signal_all(ranks: &[RankIdentity], signal: Signal, supervisors: Supervisors) -> usize {
    let deadline = Instant::now() + TIMEOUT;
    let mut signalled = HashSet::new();
    let mut began = None;
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
        let is_first = began.is_none();
        let began = *began.get_or_insert_with(ticks_since_boot);
        // A process whose parent has ended has another parent now.
        let parents: HashSet<i32> = targets.iter().map(|process| process.stat.pid).collect();
        let mut new = false;
        for process in &targets {
            let stat = &process.stat;
            let is_due = is_first || !is_spared(stat.starttime, began, parents.contains(&stat.ppid));
            // Sends SIGTERM once: many programs abort their clean-up on the second one.
            if signal == Signal::KILL || is_due && signalled.insert((stat.pid, stat.starttime)) {
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

/// Returns whether SIGTERM spares a process that was found only after the signal was sent.
///
/// One that was there before, and only missing in the scan, gets it.
const fn is_spared(started: u64, signalled: u64, parent_is_signalled: bool) -> bool {
    parent_is_signalled && started >= signalled
}

/// Returns the time in the unit of the start times of processes, or 0 if it is unknown.
fn ticks_since_boot() -> u64 {
    let Ok(uptime) = procfs::Uptime::current() else { return 0 };
    let elapsed = Duration::try_from_secs_f64(uptime.uptime).unwrap_or_default();
    let hundredths = elapsed.as_millis().saturating_add(5) / 10;
    u64::try_from(hundredths).unwrap_or(0).saturating_mul(procfs::ticks_per_second()) / 100
}

/// Names the processes of the ranks that are alive.
pub(super) fn living(ranks: &[RankIdentity], supervisors: Supervisors) -> Vec<String> {
    let all = scan();
    let living = targets(&all, ranks, supervisors);
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

#[cfg(test)]
mod tests {
    use procfs::process::Process;

    use super::*;

    #[test]
    fn only_what_a_signalled_program_has_started_since_is_spared() {
        assert!(is_spared(7, 7, true) && is_spared(8, 7, true));
        assert!(!is_spared(6, 7, true), "a scan has missed it");
        assert!(!is_spared(8, 7, false), "its parent has ended");
    }

    #[test]
    fn ticks_are_those_of_the_start_times_of_processes() {
        let before = ticks_since_boot();
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let started = Process::new(i32::try_from(child.id()).unwrap()).unwrap().stat().unwrap().starttime;
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(before > 0 && (before..=ticks_since_boot()).contains(&started), "{before} {started}");
    }
}
