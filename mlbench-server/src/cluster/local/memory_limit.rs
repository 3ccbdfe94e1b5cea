//! Enforces `memory` by a cgroup for each rank, where the server may create one.
//!
//! A process beyond the limit is killed by the kernel. The cgroup is that of the CPU quota where both have one
//! hierarchy (cgroup v2), so `limits.rs` and this file only add to it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use mlbench_core::needs::ByteSize;
use mlbench_core::run::Run;

use super::cgroup;
use crate::cluster::rank::RankRef;

/// The files of a limit, without and with swap, in version 2 and version 1. Systems without swap miss some.
const FILES: [(&str, &str); 2] =
    [("memory.max", "memory.swap.max"), ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")];

/// Limits the memory of a run's workers, and returns a message for the log of the run.
pub(super) fn prepare(run: &Run, ranks: &[RankRef]) -> Option<String> {
    let memory = run.spec.needs.memory?;
    let groups: Option<Vec<PathBuf>> = ranks.iter().map(group).collect();
    let Some(groups) = groups else {
        return Some(format!("memory {memory} is not enforced: the server has no cgroup that limits memory"));
    };
    // The others may have a CPU quota.
    let new: Vec<&PathBuf> = groups.iter().filter(|group| !group.is_dir()).collect();
    Some(match groups.iter().try_for_each(|group| limit(group, memory)) {
        Ok(()) => {
            format!("a cgroup limits each worker to {memory} of memory; beyond it, processes are killed")
        }
        Err(error) => {
            new.into_iter().for_each(|group| cgroup::remove(group));
            format!("memory {memory} is not enforced: the server cannot set a limit in its cgroup ({error})")
        }
    })
}

/// Moves a process into the limited cgroup of its rank, if there is one.
pub(super) fn apply(at: &RankRef, pid: u32) -> io::Result<()> {
    match group(at).filter(|group| group.is_dir()) {
        Some(group) => fs::write(group.join("cgroup.procs"), pid.to_string()),
        None => Ok(()),
    }
}

/// Returns the cgroup of a rank, below the server's own, or `None` where cgroups cannot limit memory.
pub(super) fn group(at: &RankRef) -> Option<PathBuf> {
    Some(cgroup::own_with("memory")?.join(cgroup::name(at)))
}

fn limit(group: &Path, memory: ByteSize) -> io::Result<()> {
    if !group.is_dir() {
        fs::create_dir(group)?;
    }
    let bytes = memory.bytes().to_string();
    let files = FILES.into_iter().find(|(file, _)| group.join(file).exists());
    let (file, swap) = files.ok_or_else(|| io::Error::other("it has no file for a memory limit"))?;
    fs::write(group.join(file), &bytes)?;
    // The limit of version 1 is of memory and swap together, that of version 2 of swap alone.
    let allowed = if file == "memory.max" { "0" } else { &bytes };
    match fs::write(group.join(swap), allowed) {
        Err(error) if group.join(swap).exists() => Err(error),
        _ => Ok(()),
    }
}
