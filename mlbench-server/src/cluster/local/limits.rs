//! Enforces `num_cpus`: CPU affinity for whole cores, and a cgroup quota for fractions where permitted.
//!
//! Both apply to the supervisor of a rank, before it starts the command. All its processes inherit them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use mlbench_core::run::Run;
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::cgroup;
use crate::cluster::rank::{RankRef, Task};

/// Period of a quota in microseconds, the kernel's default.
const PERIOD: u32 = 100_000;

/// Creates the quotas of a run's workers where needed, and returns a message for the log of the run.
pub(super) fn prepare(run: &Run, groups: &[PathBuf]) -> Option<String> {
    let cpus = run.spec.num_cpus?;
    let machine = allowed_cpus().len();
    let cores = whole(cpus);
    if cores > machine || is_whole(cpus) && cores == machine {
        return Some(format!("num_cpus {cpus} has no effect: this machine has {machine} cores"));
    }
    let affinity = if cores == machine { "all".to_owned() } else { cores.to_string() };
    if is_whole(cpus) {
        return Some(format!("CPU affinity limits each worker to {affinity} of {machine} cores"));
    }
    let quota = groups.iter().try_for_each(|group| make_quota(group, cpus));
    Some(match quota {
        Ok(()) => format!(
            "a cgroup quota limits each worker to {cpus} cores, CPU affinity to {affinity} of {machine} cores"
        ),
        Err(error) => {
            groups.iter().for_each(|group| cgroup::remove(group));
            format!(
                "CPU affinity limits each worker to {affinity} of {machine} cores: \
                 {cpus} is rounded up, because the server cannot set a cgroup quota ({error})"
            )
        }
    })
}

/// Applies the limits of a task to a process.
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
    // Workers with neighbouring numbers use different cores as long as the cores suffice.
    let first = worker_number(&task.at) * cores;
    let mut set = CpuSet::new();
    (first..first + cores).for_each(|index| set.set(allowed[index % allowed.len()]));
    sched_setaffinity(i32::try_from(pid).ok().and_then(Pid::from_raw), &set)?;
    // Threads that the process began before have their own affinity; later ones inherit the new one.
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let thread = thread?.file_name().to_str().and_then(|id| id.parse().ok()).and_then(Pid::from_raw);
        match sched_setaffinity(thread, &set) {
            // It has ended.
            Err(rustix::io::Errno::SRCH) => {}
            outcome => outcome?,
        }
    }
    Ok(())
}

/// Returns the cores that a rank should stay on, or `None` where they do not suffice for every rank.
///
/// They only become a variable of the command, because a program with several threads may need all cores.
pub(super) fn cores(task: &Task) -> Option<String> {
    cores_of(worker_number(&task.at), task, &allowed_cpus())
}

fn cores_of(worker: usize, task: &Task, allowed: &[usize]) -> Option<String> {
    let each = task.num_cpus.map_or(1, whole);
    if each.checked_mul(task.ranks? as usize)? > allowed.len() {
        return None;
    }
    let first = worker * each;
    let cores: Vec<String> = allowed.get(first..first + each)?.iter().map(ToString::to_string).collect();
    Some(cores.join(","))
}

/// Returns the number of a worker on this machine, which differs between runs that execute side by side.
fn worker_number(at: &RankRef) -> usize {
    let number = at.pod.as_str().rsplit('-').next().and_then(|number| number.parse().ok());
    number.unwrap_or(at.rank as usize)
}

/// Returns the number of cores that this process may use, if it is known.
pub(super) fn core_count() -> Option<u32> {
    u32::try_from(allowed_cpus().len()).ok().filter(|cores| *cores > 0)
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

/// Returns the cgroup of a rank, below the server's own, or `None` where cgroups cannot control CPU.
pub(super) fn group(at: &RankRef) -> Option<PathBuf> {
    Some(cgroup::own_with("cpu")?.join(cgroup::name(at)))
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
