//! Collects the dead processes that a server with pid 1 adopts.
//!
//! In a container the server often is the first process. The kernel makes that one the parent of every orphan, and a
//! dead process stays in the table until its parent has collected it. The server's own children are collected where
//! they were started, within [`DELAY`]: most are in the session of the server, but the supervisor of a rank is in its own.

use std::collections::HashSet;
use std::time::Duration;

use rustix::process::{Pid, WaitOptions, waitpid};
use tokio::signal::unix::{SignalKind, signal};

use crate::task_group::TaskGroup;

/// How long a dead process is left to another waiter.
const DELAY: Duration = Duration::from_millis(200);

/// Starts the reaper, if this process is the first one of its container.
pub(super) fn start(group: &TaskGroup) {
    if std::process::id() == 1 {
        group.spawn(reap(group.clone()));
    }
}

async fn reap(group: TaskGroup) {
    let stop = group.stop_token();
    let mut ended = match signal(SignalKind::child()) {
        Ok(ended) => ended,
        Err(error) => return tracing::warn!(%error, "cannot collect orphans that have ended"),
    };
    let mut seen = HashSet::new();
    loop {
        if seen.is_empty() {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ended.recv() => {}
            }
        }
        // The waiter that started a process must come first: it needs the exit code.
        tokio::time::sleep(DELAY).await;
        match tokio::task::spawn_blocking(move || collect(&seen)).await {
            Ok(left) => seen = left,
            Err(error) => return tracing::warn!(%error, "cannot collect orphans that have ended"),
        }
    }
}

/// Collects every dead child in the session of another process that was seen before, and returns the others.
fn collect(seen: &HashSet<i32>) -> HashSet<i32> {
    let Ok(own) = procfs::process::Process::myself().and_then(|own| own.stat()) else {
        return HashSet::new();
    };
    let Ok(all) = procfs::process::all_processes() else { return HashSet::new() };
    let mut left = HashSet::new();
    for stat in all.filter_map(|process| process.ok()?.stat().ok()) {
        let is_foreign = stat.ppid == own.pid && stat.session != own.session;
        let Some(pid) = Pid::from_raw(stat.pid).filter(|_| is_foreign && stat.state == 'Z') else { continue };
        if seen.contains(&stat.pid) {
            // Another waiter may have been faster.
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        } else {
            left.insert(stat.pid);
        }
    }
    left
}
