//! Processes of this machine, found by their environment.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// A live process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Process id.
    pub pid: i32,
    /// Arguments, separated by blanks.
    pub command: String,
}

impl Process {
    /// Kills the process, if it is still alive.
    pub fn kill(&self) {
        if let Some(pid) = Pid::from_raw(self.pid) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// Returns the processes whose environment contains `text`.
///
/// Children inherit the environment of their parent. Zombies have none.
#[must_use]
pub fn processes_with(text: &str) -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let environment = fs::read(entry.path().join("environ")).ok()?;
            let found = environment.windows(text.len()).any(|window| window == text.as_bytes());
            let command = fs::read(entry.path().join("cmdline")).ok().filter(|_| found)?;
            let command = String::from_utf8_lossy(&command).replace('\0', " ").trim().to_owned();
            Some(Process { pid, command })
        })
        .collect()
}
