//! Processes of this machine, as `/proc` shows them, and what of them belongs to a rank.
//!
//! A rank owns the session of its supervisor, every process with its worker id in the environment (mpirun gives its
//! children process groups of their own, others call setsid), and all descendants of these (some clear their
//! environment). A process is known by boot id, pid and start time: a pid alone may be a stranger's by now.

use std::collections::HashMap;
use std::io::{self, Read as _};

use procfs::process::Stat;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

use crate::cluster::supervisor::WORKER_ID;

/// A process in all the life of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProcessIdentity {
    /// Differs after every boot.
    pub boot_id: String,
    /// Its number, used again after its end.
    pub pid: i32,
    /// Clock ticks from boot to its start.
    pub start: u64,
}

impl ProcessIdentity {
    /// Reads `BOOT_ID PID START_TIME`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let (boot_id, pid, start) = (words.next()?, words.next()?, words.next()?);
        Some(Self { boot_id: boot_id.to_owned(), pid: pid.parse().ok()?, start: start.parse().ok()? })
    }

    /// Whether the process still runs, given the boot id of now.
    pub(super) fn is_running(&self, boot_id: &str) -> bool {
        self.boot_id == boot_id
            && stat(self.pid).is_some_and(|stat| stat.starttime == self.start && !is_dead(&stat))
    }
}

/// The id of the present boot.
///
/// # Errors
/// When there is no `/proc`.
pub(super) fn boot_id() -> io::Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

/// A process at the moment of a scan.
#[derive(Debug)]
pub(super) struct Process {
    /// Its state and what it used.
    pub stat: Stat,
    /// The worker id in its environment.
    worker_id: Option<String>,
}

impl Process {
    /// Whether it is more than an entry that its parent has yet to collect.
    pub(super) fn is_alive(&self) -> bool {
        !is_dead(&self.stat)
    }

    /// Whether it is the process of this identity, which is of the present boot.
    pub(super) fn is(&self, identity: &ProcessIdentity) -> bool {
        self.stat.pid == identity.pid && self.stat.starttime == identity.start
    }

    /// Sends a signal to this process, never to a stranger that has its pid by now.
    pub(super) fn send(&self, signal: Signal) {
        let Some(pid) = Pid::from_raw(self.stat.pid) else { return };
        // A descriptor holds on to one process: what has the right start time after it was opened is that one.
        let handle = pidfd_open(pid, PidfdFlags::empty());
        if stat(self.stat.pid).is_none_or(|now| now.starttime != self.stat.starttime) {
            return;
        }
        let sent = match handle {
            Ok(handle) => pidfd_send_signal(handle, signal),
            Err(Errno::SRCH) => return,
            // Old kernels and some sandboxes have no such descriptors.
            Err(_) => kill_process(pid, signal),
        };
        if let Err(error) = sent {
            tracing::debug!(pid = self.stat.pid, %error, "a process was not signalled");
        }
    }
}

fn is_dead(stat: &Stat) -> bool {
    matches!(stat.state, 'Z' | 'X')
}

/// The present state of the process with this pid.
pub(super) fn stat(pid: i32) -> Option<Stat> {
    procfs::process::Process::new(pid).ok()?.stat().ok()
}

/// All processes that can be seen. Those that end meanwhile are left out.
pub(super) fn scan() -> Vec<Process> {
    let Ok(all) = procfs::process::all_processes() else { return Vec::new() };
    all.filter_map(|process| {
        let process = process.ok()?;
        Some(Process { stat: process.stat().ok()?, worker_id: worker_id_of(&process) })
    })
    .collect()
}

/// Processes of other users do not show their environment: they belong to no worker by it.
fn worker_id_of(process: &procfs::process::Process) -> Option<String> {
    let mut environment = Vec::new();
    process.open_relative("environ").ok()?.read_to_end(&mut environment).ok()?;
    let value = environment
        .split(|&byte| byte == 0)
        .find_map(|entry| entry.strip_prefix(WORKER_ID.as_bytes())?.strip_prefix(b"="))?;
    Some(String::from_utf8_lossy(value).into_owned())
}

/// A rank as its processes are known by.
#[derive(Debug, Clone)]
pub(super) struct RankIdentity {
    /// What its processes have in their environment.
    pub worker_id: String,
    /// Its supervisor, when one was started in this boot.
    pub supervisor: Option<ProcessIdentity>,
}

/// For each owner, what belongs to it, its supervisor and uncollected dead ones included.
pub(super) fn processes_of<'a>(all: &'a [Process], owners: &[RankIdentity]) -> Vec<Vec<&'a Process>> {
    // The number of a session says something only while its leader is known to be there.
    let leads = |owner: &RankIdentity| {
        let supervisor = owner.supervisor.as_ref()?;
        all.iter().any(|process| process.is(supervisor)).then_some(supervisor.pid)
    };
    let sessions: Vec<Option<i32>> = owners.iter().map(leads).collect();
    let claim = |process: &Process| {
        owners.iter().zip(&sessions).position(|(owner, session)| {
            *session == Some(process.stat.session) || process.worker_id.as_ref() == Some(&owner.worker_id)
        })
    };
    let mut owned: HashMap<i32, usize> =
        all.iter().filter_map(|process| Some((process.stat.pid, claim(process)?))).collect();
    loop {
        let before = owned.len();
        for process in all {
            if let Some(&owner) = owned.get(&process.stat.ppid) {
                owned.entry(process.stat.pid).or_insert(owner);
            }
        }
        if owned.len() == before {
            break;
        }
    }
    let mut found = vec![Vec::new(); owners.len()];
    for process in all {
        if let Some(&owner) = owned.get(&process.stat.pid) {
            found[owner].push(process);
        }
    }
    found
}
