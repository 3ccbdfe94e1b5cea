//! How `num_cpus` is kept: CPU affinity for whole cores, and a cgroup quota for fractions where that is permitted.
//!
//! Both are put on the shell that launches a rank before it reads what to launch; everything it starts inherits them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mlbench_core::run::Run;
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::cluster::{RankRef, Task};

/// Microseconds in which a quota is counted; the kernel's default.
const PERIOD: u32 = 100_000;

/// Sentences for a run's log about how its `num_cpus` is kept. Makes the quotas of its workers where they are wanted.
pub(super) fn prepare(run: &Run, groups: &[PathBuf]) -> Option<String> {
    let cpus = run.spec.num_cpus?;
    let machine = allowed_cpus().len();
    let cores = whole(cpus);
    if cores > machine || is_whole(cpus) && cores == machine {
        return Some(format!("num_cpus {cpus} limits nothing: this machine has {machine} cores"));
    }
    let affinity = if cores == machine { "all".to_owned() } else { cores.to_string() };
    if is_whole(cpus) {
        return Some(format!("each worker is kept on {affinity} of {machine} cores by CPU affinity"));
    }
    let quota = groups.iter().try_for_each(|group| make_quota(group, cpus));
    Some(match quota {
        Ok(()) => format!(
            "each worker is kept to {cpus} cores by a cgroup quota, on {affinity} of {machine} cores by CPU affinity"
        ),
        Err(error) => {
            groups.iter().for_each(|group| remove_quota(group));
            format!(
                "each worker is kept on {affinity} of {machine} cores by CPU affinity: \
                 {cpus} rounded up, as a cgroup quota is not to be had ({error})"
            )
        }
    })
}

/// Puts a process under the limits of a task.
pub(super) fn apply(task: &Task, group: Option<&Path>, pid: u32) -> io::Result<()> {
    let Some(cpus) = task.num_cpus else { return Ok(()) };
    if let Some(group) = group.filter(|group| group.is_dir()) {
        fs::write(group.join("cgroup.procs"), pid.to_string())?;
    }
    let allowed = allowed_cpus();
    let cores = whole(cpus);
    if cores >= allowed.len() {
        return Ok(());
    }
    // Neighbours take different cores while there are enough.
    let first = place(&task.at) * cores;
    let mut set = CpuSet::new();
    (first..first + cores).for_each(|index| set.set(allowed[index % allowed.len()]));
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    sched_setaffinity(pid, &set)?;
    Ok(())
}

/// The number of a worker on this machine, on which other runs may have other workers.
fn place(at: &RankRef) -> usize {
    let number = at.pod.as_str().rsplit('-').next().and_then(|number| number.parse().ok());
    number.unwrap_or(at.rank as usize)
}

fn allowed_cpus() -> Vec<usize> {
    let Ok(set) = sched_getaffinity(None) else { return Vec::new() };
    (0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates; at least 1 core")]
fn whole(cpus: f64) -> usize {
    (cpus.ceil() as usize).max(1)
}

fn is_whole(cpus: f64) -> bool {
    cpus.fract() == 0.0
}

/// The cgroup of a rank, below the one of this server; `None` where CPU cannot be controlled.
pub(super) fn group(at: &RankRef) -> Option<PathBuf> {
    Some(own_group()?.join(format!("mlbench-{}-{}", at.run.job_id, at.rank)))
}

/// Where this server is in the hierarchy that controls CPU: the unified one, or the old one of the `cpu` controller.
fn own_group() -> Option<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let root = Path::new("/sys/fs/cgroup");
    groups.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let path = path.trim_start_matches('/');
        if controllers.is_empty() {
            let own = root.join(path);
            let below = fs::read_to_string(own.join("cgroup.subtree_control")).ok()?;
            return below.split_whitespace().any(|one| one == "cpu").then_some(own);
        }
        controllers.split(',').any(|one| one == "cpu").then(|| root.join(controllers).join(path))
    })
}

fn make_quota(group: &Path, cpus: f64) -> io::Result<()> {
    if !group.is_dir() {
        fs::create_dir(group)?;
    }
    let quota = (cpus * f64::from(PERIOD)).round();
    if group.join("cpu.max").exists() {
        return fs::write(group.join("cpu.max"), format!("{quota} {PERIOD}"));
    }
    fs::write(group.join("cpu.cfs_period_us"), PERIOD.to_string())?;
    fs::write(group.join("cpu.cfs_quota_us"), quota.to_string())
}

/// Removes the cgroup of a rank whose processes have ended.
pub(super) fn remove_quota(group: &Path) {
    // The kernel needs a moment to take the last dead process out of its group.
    for _ in 0..40 {
        match fs::remove_dir(group) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return tracing::warn!(group = %group.display(), %error, "a cgroup stays behind");
            }
            _ => return,
        }
    }
    tracing::warn!(group = %group.display(), "a cgroup stays behind: it is still in use");
}
