//! Collects the dead processes that a server with pid 1 adopts.
//!
//! In a container the server often is the first process. The kernel makes that one the parent of every orphan, and a
//! dead process stays in the table until its parent has collected it. The server's own children are collected where
//! they were started: they are in the session of the server, and every adopted process comes from the session of a rank.

use std::time::Duration;

use rustix::process::{Pid, WaitOptions, waitpid};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use crate::task_group::TaskGroup;

/// How long a dead process is left to another waiter.
const DELAY: Duration = Duration::from_millis(20);

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
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ended.recv() => {}
        }
        sleep(DELAY).await;
        if let Err(error) = tokio::task::spawn_blocking(collect).await {
            tracing::warn!(%error, "cannot collect orphans that have ended");
        }
    }
}

/// Collects every dead child that is in the session of another process.
fn collect() {
    let Ok(own) = procfs::process::Process::myself().and_then(|own| own.stat()) else { return };
    let Ok(all) = procfs::process::all_processes() else { return };
    for stat in all.filter_map(|process| process.ok()?.stat().ok()) {
        let is_adopted = stat.ppid == own.pid && stat.session != own.session;
        if let Some(pid) = Pid::from_raw(stat.pid).filter(|_| is_adopted && stat.state == 'Z') {
            // Another waiter may have been faster.
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }
}
