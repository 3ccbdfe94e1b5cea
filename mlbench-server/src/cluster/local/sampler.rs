//! Resource metrics of local workers from `/proc`, under cAdvisor's names.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, PoisonError};

use mlbench_core::PodName;
use procfs::FromRead as _;
use procfs::process::{Io, Stat};
use serde::{Deserialize, Serialize};

use super::files::{Placement, RankDir, WorkDir};
use super::memory::{Memory, MemoryMeter};
use super::processes::{Process, RankIdentity, processes_of, scan, stat};
use super::usage::{ProcessUsage, Usage, WorkerUsage};
use crate::clock::Clock;
use crate::cluster::sample::PodSample;
use crate::files::write_atomic;
use crate::repeats::Repeats;

/// Maximum number of scans for one sample.
///
/// A child that its parent collects during a scan would count twice or not at all, so the scan repeats.
const MAX_SCANS: u32 = 4;
/// Maximum number of recorded samples, more than the starts and ends of runs between two rounds of a monitor.
const MAX_RECORDED: usize = 10_000;

/// Measures workers, and saves their cumulative usage across restarts of this server.
pub(super) struct Sampler {
    work_dir: WorkDir,
    clock: Clock,
    boot_id: String,
    state: Mutex<State>,
    failures: Repeats,
}

struct State {
    saved: SavedUsage,
    meters: BTreeMap<PodName, MemoryMeter>,
    recorded: Vec<PodSample>,
}

/// The usage file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct SavedUsage {
    boot_id: String,
    pods: BTreeMap<PodName, WorkerUsage>,
}

const USAGE_FILE: &str = "usage.json";

impl Sampler {
    /// Continues the usage saved in a work directory.
    pub(super) fn open(work_dir: WorkDir, clock: Clock, boot_id: String, pods: &[PodName]) -> Self {
        let mut saved = load(&work_dir).unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot read the saved usage of the workers; it restarts from zero");
            SavedUsage::default()
        });
        if saved.boot_id != boot_id {
            saved.pods.values_mut().for_each(WorkerUsage::close);
            saved.boot_id.clone_from(&boot_id);
        }
        for pod in pods {
            saved.pods.entry(pod.clone()).or_default();
        }
        let state = State { saved, meters: BTreeMap::new(), recorded: Vec::new() };
        Self { work_dir, clock, boot_id, state: Mutex::new(state), failures: Repeats::default() }
    }

    /// Measures `pods`, and returns this after the samples of [`Sampler::record`] since the last call.
    pub(super) fn sample(&self, pods: &[PodName]) -> Vec<PodSample> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.measure(&mut state, pods);
        let mut samples = std::mem::take(&mut state.recorded);
        samples.extend(now);
        samples
    }

    /// Measures `pods` for the next [`Sampler::sample`].
    ///
    /// The calls at the start and the end of a run give even a short run two samples.
    pub(super) fn record(&self, pods: &[PodName]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.measure(&mut state, pods);
        let room = MAX_RECORDED.saturating_sub(state.recorded.len());
        state.recorded.extend(now.into_iter().take(room));
    }

    /// Returns pid and start time of the processes that the last scan of this boot found in a pod.
    pub(super) fn seen(&self, pod: &PodName) -> Vec<(i32, u64)> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.saved.pods.get(pod).map(WorkerUsage::seen).unwrap_or_default()
    }

    /// Updates the cumulative usage, before processes without a waiting parent are killed.
    pub(super) fn update(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.measure(&mut state, &[]);
    }

    fn measure(&self, state: &mut State, pods: &[PodName]) -> Vec<PodSample> {
        let saved = &mut state.saved;
        let before = saved.clone();
        let mut found = self.processes(saved);
        let date = self.clock.now();
        let mut commands: BTreeMap<&PodName, Vec<(i32, u64)>> = BTreeMap::new();
        for (pod, usage) in &mut saved.pods {
            let found = found.remove(pod).unwrap_or_default();
            commands.insert(pod, found.commands);
            usage.update(found.usage);
        }
        let memory: Vec<Memory> = pods
            .iter()
            .map(|pod| {
                let commands = commands.remove(pod).unwrap_or_default();
                state.meters.entry(pod.clone()).or_default().measure(commands.into_iter(), &self.clock)
            })
            .collect();
        if *saved != before
            && let Err(error) = self.save(saved)
            && self.failures.is_news(&error.to_string())
        {
            tracing::warn!(%error, "cannot save the usage of the workers; a restart would lose it");
        }
        let sample = |(pod, memory): (&PodName, Memory)| {
            let total = saved.pods.get(pod).map(WorkerUsage::total).unwrap_or_default();
            PodSample { pod: pod.clone(), date, values: values(total, memory) }
        };
        pods.iter().zip(memory).map(sample).collect()
    }

    fn save(&self, saved: &SavedUsage) -> io::Result<()> {
        write_atomic(&self.work_dir.file(USAGE_FILE), serde_json::to_vec(saved)?)
    }

    /// Returns the processes of every pod that has a rank.
    fn processes(&self, saved: &SavedUsage) -> BTreeMap<PodName, PodProcesses> {
        let ranks = self.work_dir.ranks();
        if ranks.is_empty() {
            return BTreeMap::new();
        }
        let identity = |(dir, placement): &(RankDir, Placement)| RankIdentity {
            seen: saved.pods.get(&placement.pod).map(WorkerUsage::seen).unwrap_or_default(),
            ..dir.identity(placement.worker_id.clone(), &self.boot_id)
        };
        let identities: Vec<_> = ranks.iter().map(identity).collect();
        let mut all = scan();
        for _ in 1..MAX_SCANS {
            if processes_of(&all, &identities).iter().flatten().all(|process| has_not_changed(process)) {
                break;
            }
            all = scan();
        }
        let mut pods: BTreeMap<PodName, PodProcesses> = BTreeMap::new();
        for (((dir, placement), rank), members) in
            ranks.iter().zip(&identities).zip(processes_of(&all, &identities))
        {
            let seen = pods.entry(placement.pod.clone()).or_default();
            let mut has_ended = rank.supervisor.is_some();
            for process in &members {
                let io = procfs::process::Process::new(process.stat.pid).and_then(|live| live.io());
                seen.usage.push(as_seen(&process.stat, io.ok().as_ref()));
                if rank.supervisor.as_ref().is_some_and(|supervisor| process.is(supervisor)) {
                    has_ended = false;
                } else {
                    seen.commands.push((process.stat.pid, process.stat.starttime));
                }
            }
            // A supervisor that has ended left its final usage in a file, which counts until the run is released.
            seen.usage.extend(has_ended.then(|| final_usage(dir)).flatten());
        }
        pods
    }
}

/// The processes of one pod.
#[derive(Debug, Default)]
struct PodProcesses {
    /// The usage of each, in which that of the supervisors has its part: they wait for the others.
    usage: Vec<ProcessUsage>,
    /// Pid and start time of those whose memory counts.
    ///
    /// The supervisors are the program of the server. Their share of its pages would depend on the other workers.
    commands: Vec<(i32, u64)>,
}

fn load(work_dir: &WorkDir) -> io::Result<SavedUsage> {
    match std::fs::read(work_dir.file(USAGE_FILE)) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(SavedUsage::default()),
        Err(error) => Err(error),
    }
}

/// Returns whether this process still exists and has collected no child since the scan.
fn has_not_changed(process: &Process) -> bool {
    let was = &process.stat;
    stat(was.pid)
        .is_some_and(|now| (now.starttime, now.cutime, now.cstime) == (was.starttime, was.cutime, was.cstime))
}

fn final_usage(dir: &RankDir) -> Option<ProcessUsage> {
    let text = dir.usage()?;
    let (stat, io) = text.split_once('\n')?;
    Some(as_seen(&Stat::from_read(stat.as_bytes()).ok()?, Io::from_read(io.as_bytes()).ok().as_ref()))
}

fn as_seen(stat: &Stat, io: Option<&Io>) -> ProcessUsage {
    // A process reports the sum of its own and its children's storage bytes.
    let (read, written) = io.map_or((0, 0), |io| (io.read_bytes, io.write_bytes));
    let children = |ticks: i64| u64::try_from(ticks).unwrap_or_default();
    let from_children = Usage { user: children(stat.cutime), system: children(stat.cstime), read, written };
    let own = Usage { user: stat.utime, system: stat.stime, read: 0, written: 0 };
    ProcessUsage {
        pid: stat.pid,
        start: stat.starttime,
        parent: stat.ppid,
        total: own.plus(from_children),
        from_children,
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 bytes or ticks")]
fn values(total: Usage, memory: Memory) -> Vec<(&'static str, f64)> {
    let ticks = procfs::ticks_per_second() as f64;
    let seconds = |used: u64| used as f64 / ticks;
    let mut values = vec![
        ("container_cpu_usage_seconds_total", seconds(total.user + total.system)),
        ("container_cpu_user_seconds_total", seconds(total.user)),
        ("container_cpu_system_seconds_total", seconds(total.system)),
        ("container_memory_usage_bytes", memory.usage),
        ("container_memory_working_set_bytes", memory.working_set),
    ];
    // Some systems hide even a process's own storage counters: no series is better than one of zeros.
    if procfs::process::Process::myself().is_ok_and(|myself| myself.io().is_ok()) {
        values.push(("container_fs_reads_bytes_total", total.read as f64));
        values.push(("container_fs_writes_bytes_total", total.written as f64));
    }
    values
}
