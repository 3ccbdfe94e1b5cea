//! Processes of this machine from `/proc`, and the rank that each belongs to.
//!
//! A rank owns its cgroup (where it has one), the session of its supervisor, every process with its worker id in the
//! environment (mpirun gives its children process groups of their own, others call setsid), those that an earlier scan
//! found, and all descendants of these (some clear their environment). When its supervisor was killed, it also owns the
//! orphans that the server has adopted instead. Boot id, pid and start time identify a process: the kernel reuses a pid
//! alone.

use std::collections::HashMap;
use std::io::{self, Read as _};
use std::path::PathBuf;

use procfs::process::Stat;
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, child_subreaper, getpid, kill_process, pidfd_open, pidfd_send_signal,
};

use super::cgroup;
use crate::cluster::supervisor::WORKER_ID;

/// Identifies a process across pid reuse and reboots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProcessIdentity {
    /// The boot id of the machine.
    pub boot_id: String,
    /// The pid.
    pub pid: i32,
    /// Clock ticks from boot to the start of the process.
    pub start: u64,
}

impl ProcessIdentity {
    /// Parses `BOOT_ID PID START_TIME`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let (boot_id, pid, start) = (words.next()?, words.next()?, words.next()?);
        Some(Self { boot_id: boot_id.to_owned(), pid: pid.parse().ok()?, start: start.parse().ok()? })
    }

    /// Returns whether the process is running, given the current boot id.
    pub(super) fn is_running(&self, boot_id: &str) -> bool {
        self.boot_id == boot_id
            && stat(self.pid).is_some_and(|stat| stat.starttime == self.start && !is_dead(&stat))
    }
}

/// Returns the id of the current boot.
///
/// # Errors
/// When this machine has no `/proc`.
pub(super) fn boot_id() -> io::Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

/// A process at the moment of a scan.
#[derive(Debug)]
pub(super) struct Process {
    /// Its state and resource usage.
    pub stat: Stat,
    /// The worker id in its environment.
    worker_id: Option<String>,
}

impl Process {
    /// Returns whether the process has not ended. A zombie has.
    pub(super) fn is_alive(&self) -> bool {
        !is_dead(&self.stat)
    }

    /// Returns whether this is the process of an identity of the current boot.
    pub(super) fn is(&self, identity: &ProcessIdentity) -> bool {
        self.stat.pid == identity.pid && self.stat.starttime == identity.start
    }

    /// Sends a signal to this process, never to another one that has reused its pid.
    pub(super) fn send(&self, signal: Signal) {
        let Some(pid) = Pid::from_raw(self.stat.pid) else { return };
        // A pidfd keeps referring to one process. If the start time is right after opening it, this is the right one.
        let handle = pidfd_open(pid, PidfdFlags::empty());
        if stat(self.stat.pid).is_none_or(|now| now.starttime != self.stat.starttime) {
            return;
        }
        let sent = match handle {
            Ok(handle) => pidfd_send_signal(handle, signal),
            Err(Errno::SRCH) => return,
            // Old kernels and some sandboxes do not support pidfds.
            Err(_) => kill_process(pid, signal),
        };
        if let Err(error) = sent {
            tracing::debug!(pid = self.stat.pid, %error, "cannot signal a process");
        }
    }
}

fn is_dead(stat: &Stat) -> bool {
    matches!(stat.state, 'Z' | 'X')
}

/// Returns the current state of the process with this pid.
pub(super) fn stat(pid: i32) -> Option<Stat> {
    procfs::process::Process::new(pid).ok()?.stat().ok()
}

/// Returns all visible processes, without those that end during the scan.
pub(super) fn scan() -> Vec<Process> {
    let Ok(all) = procfs::process::all_processes() else { return Vec::new() };
    all.filter_map(|process| {
        let process = process.ok()?;
        Some(Process { stat: process.stat().ok()?, worker_id: worker_id_of(&process) })
    })
    .collect()
}

/// Reads the worker id in the environment of a process, which is hidden for processes of other users.
fn worker_id_of(process: &procfs::process::Process) -> Option<String> {
    let mut environment = Vec::new();
    process.open_relative("environ").ok()?.read_to_end(&mut environment).ok()?;
    let value = environment
        .split(|&byte| byte == 0)
        .find_map(|entry| entry.strip_prefix(WORKER_ID.as_bytes())?.strip_prefix(b"="))?;
    Some(String::from_utf8_lossy(value).into_owned())
}

/// The marks by which processes of a rank are found.
#[derive(Debug, Clone)]
pub(super) struct RankIdentity {
    /// The worker id in their environment.
    pub worker_id: String,
    /// The supervisor, if one was started in this boot.
    pub supervisor: Option<ProcessIdentity>,
    /// Their cgroup.
    pub group: Option<PathBuf>,
    /// Pid and start time of those that an earlier scan of this boot has found.
    pub seen: Vec<(i32, u64)>,
}

/// Returns since when this process has adopted the orphans of each rank, those whose supervisor was killed.
///
/// An orphan belongs to its supervisor while that runs, so all adopted ones are of such ranks.
fn adopted_since(all: &[Process], ranks: &[RankIdentity]) -> Vec<Option<u64>> {
    let adopts = getpid().is_init() || child_subreaper().is_ok_and(|adopts| adopts.is_some());
    let is_running = |one: &ProcessIdentity| all.iter().any(|process| process.is(one) && process.is_alive());
    let since =
        |rank: &RankIdentity| rank.supervisor.as_ref().filter(|one| !is_running(one)).map(|one| one.start);
    ranks.iter().map(|rank| since(rank).filter(|_| adopts)).collect()
}

/// Returns whether this process has adopted another one, and did not start it itself.
///
/// What it starts is in its own session, or a supervisor with a worker id. What somebody else has started in its
/// container may have a terminal.
fn is_adopted(process: &Process, own: Option<&Process>) -> bool {
    let is_child =
        |own: &Process| process.stat.ppid == own.stat.pid && process.stat.session != own.stat.session;
    own.is_some_and(is_child) && process.worker_id.is_none() && process.stat.tty_nr == 0
}

/// Returns the processes of each rank, including its supervisor and zombies.
pub(super) fn processes_of<'a>(all: &'a [Process], ranks: &[RankIdentity]) -> Vec<Vec<&'a Process>> {
    // The kernel reuses no pid that is a session id. So the session is the supervisor's while that exists, and also when
    // it was killed, until another process has its pid.
    let session = |rank: &RankIdentity| {
        let supervisor = rank.supervisor.as_ref()?;
        let holder = all.iter().find(|process| process.stat.pid == supervisor.pid);
        holder.is_none_or(|holder| holder.is(supervisor)).then_some((supervisor.pid, supervisor.start))
    };
    let sessions: Vec<Option<(i32, u64)>> = ranks.iter().map(session).collect();
    let mut owned = HashMap::new();
    for (number, rank) in ranks.iter().enumerate() {
        owned.extend(rank.group.iter().flat_map(|group| cgroup::members(group)).map(|pid| (pid, number)));
    }
    let adopted_since = adopted_since(all, ranks);
    let own_pid = getpid().as_raw_nonzero().get();
    let own = all.iter().find(|process| process.stat.pid == own_pid);
    let rank_of = |process: &Process| {
        let identity = (process.stat.pid, process.stat.starttime);
        let is_adopted = is_adopted(process, own);
        ranks.iter().zip(&sessions).zip(&adopted_since).position(|((rank, session), adopted_since)| {
            let is_in = |(id, start)| process.stat.session == id && process.stat.starttime >= start;
            session.is_some_and(is_in)
                || process.worker_id.as_ref() == Some(&rank.worker_id)
                || rank.seen.contains(&identity)
                || is_adopted && adopted_since.is_some_and(|since| process.stat.starttime >= since)
        })
    };
    for process in all {
        if let Some(rank) = rank_of(process) {
            owned.entry(process.stat.pid).or_insert(rank);
        }
    }
    loop {
        let before = owned.len();
        for process in all {
            if let Some(&rank) = owned.get(&process.stat.ppid) {
                owned.entry(process.stat.pid).or_insert(rank);
            }
        }
        if owned.len() == before {
            break;
        }
    }
    let mut found = vec![Vec::new(); ranks.len()];
    for process in all {
        if let Some(&rank) = owned.get(&process.stat.pid) {
            found[rank].push(process);
        }
    }
    found
}
