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
    Some(enforce(&groups, memory))
}

fn enforce(groups: &[PathBuf], memory: ByteSize) -> String {
    // The others may have a CPU quota.
    let new: Vec<&PathBuf> = groups.iter().filter(|group| !group.is_dir()).collect();
    match groups.iter().try_for_each(|group| limit(group, memory)) {
        Ok(()) => {
            format!("a cgroup limits each worker to {memory} of memory; beyond it, processes are killed")
        }
        Err(error) => {
            groups.iter().for_each(|group| unlimit(group));
            new.into_iter().for_each(|group| cgroup::remove(group));
            format!("memory {memory} is not enforced: the server cannot set a limit in its cgroup ({error})")
        }
    }
}

/// Takes back what [`limit`] has written before it failed.
fn unlimit(group: &Path) {
    for (memory, swap) in FILES {
        let none = if memory == "memory.max" { "max" } else { "-1" };
        // The limit of version 1 with swap may not be below that without.
        for file in [swap, memory].map(|file| group.join(file)).into_iter().filter(|file| file.exists()) {
            let _ = fs::write(file, none);
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_fails_is_taken_back_and_the_group_stays() {
        let dir = tempfile::tempdir().unwrap();
        let group = dir.path().join("rank");
        // A directory cannot be written.
        fs::create_dir_all(group.join("memory.swap.max")).unwrap();
        fs::write(group.join("memory.max"), "max").unwrap();
        let message = enforce(std::slice::from_ref(&group), "1Gi".parse().unwrap());
        assert!(message.starts_with("memory 1Gi is not enforced: "), "{message}");
        assert_eq!(fs::read_to_string(group.join("memory.max")).unwrap(), "max");
    }
}
