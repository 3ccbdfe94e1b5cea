//! Adopts the processes of a rank whose supervisor was killed, and collects those that have ended.
//!
//! The kernel makes a subreaper, and the first process of a container, the parent of every orphan below it. So the server
//! finds them (`cluster/local/processes.rs`), and no other process would collect them when they have ended. The server's
//! own children are collected where they were started, within [`DELAY`]: most are in the session of the server, but the
//! supervisor of a rank is in its own.

use std::collections::HashSet;
use std::time::Duration;

use rustix::process::{Pid, WaitOptions, child_subreaper, getpid, set_child_subreaper, waitpid};
use tokio::signal::unix::{SignalKind, signal};

use crate::task_group::TaskGroup;

/// How long a dead process is left to another waiter.
const DELAY: Duration = Duration::from_millis(200);

/// Makes this process adopt orphans. A program that embeds the server has its own ideas of that.
pub fn adopt_orphans() {
    if let Err(error) = set_child_subreaper(Some(getpid())) {
        tracing::debug!(%error, "orphans of a killed supervisor are found by their session and environment only");
    }
}

/// Starts the reaper, if this process adopts orphans.
pub(super) fn start(group: &TaskGroup) {
    if getpid().is_init() || child_subreaper().is_ok_and(|adopts| adopts.is_some()) {
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
