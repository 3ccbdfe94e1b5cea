//! The resource metrics of local workers, from `/proc`, under cAdvisor's names.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, PoisonError};

use mlbench_core::PodName;
use procfs::FromRead as _;
use procfs::process::{Io, Stat};
use serde::{Deserialize, Serialize};

use super::account::{Account, Seen, Usage};
use super::files::{RankDir, WorkDir};
use super::processes::{Process, belonging, scan, stat};
use crate::clock::Clock;
use crate::cluster::PodSample;
use crate::files::write_atomic;

/// How often a scan is repeated in whose middle a child was collected: it would count twice or not at all.
const TRIES: u32 = 4;
/// Samples that wait to be taken; more than any number of starts and ends between two rounds of a monitor.
const MAX_WAITING: usize = 10_000;

/// Measures, and keeps the books over the life of the workers, also beyond that of this server.
pub(super) struct Sampler {
    work: WorkDir,
    clock: Clock,
    boot_id: String,
    state: Mutex<State>,
}

struct State {
    ledger: Ledger,
    waiting: Vec<PodSample>,
}

/// What is kept on disk.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Ledger {
    boot_id: String,
    pods: BTreeMap<PodName, Account>,
}

/// Bytes of memory in use now.
#[derive(Debug, Clone, Copy, Default)]
struct Memory {
    resident: u64,
    /// Without pages of files, which could be dropped.
    working_set: u64,
}

const LEDGER: &str = "usage.json";

impl Sampler {
    /// Continues the books of `work`.
    pub(super) fn open(work: WorkDir, clock: Clock, boot_id: String, pods: &[PodName]) -> Self {
        let mut ledger = load(&work).unwrap_or_else(|error| {
            tracing::warn!(%error, "the usage of the workers is counted from zero again");
            Ledger::default()
        });
        if ledger.boot_id != boot_id {
            ledger.pods.values_mut().for_each(Account::close);
            ledger.boot_id.clone_from(&boot_id);
        }
        for pod in pods {
            ledger.pods.entry(pod.clone()).or_default();
        }
        Self { work, clock, boot_id, state: Mutex::new(State { ledger, waiting: Vec::new() }) }
    }

    /// What all `pods` use now, after what was kept for this call by [`Sampler::keep`].
    pub(super) fn take(&self, pods: &[PodName]) -> Vec<PodSample> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.measure(&mut state.ledger, pods);
        let mut samples = std::mem::take(&mut state.waiting);
        samples.extend(now);
        samples
    }

    /// Measures `pods` now, in between: the start and the end of a run are seen however short it is.
    pub(super) fn keep(&self, pods: &[PodName]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.measure(&mut state.ledger, pods);
        let room = MAX_WAITING.saturating_sub(state.waiting.len());
        state.waiting.extend(now.into_iter().take(room));
    }

    /// Measures for the books only: before processes are killed for which nobody waits.
    pub(super) fn note(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.measure(&mut state.ledger, &[]);
    }

    fn measure(&self, ledger: &mut Ledger, pods: &[PodName]) -> Vec<PodSample> {
        let before = ledger.clone();
        let mut found = self.processes();
        let date = self.clock.now();
        let mut memory = BTreeMap::new();
        for (pod, account) in &mut ledger.pods {
            let (seen, used) = found.remove(pod).unwrap_or_default();
            account.update(seen);
            memory.insert(pod.clone(), used);
        }
        if *ledger != before
            && let Err(error) = self.save(ledger)
        {
            tracing::warn!(%error, "the usage of the workers is not kept for a restart");
        }
        let value = |pod: &PodName| {
            let total = ledger.pods.get(pod).map(Account::total).unwrap_or_default();
            values(total, memory.get(pod).copied().unwrap_or_default())
        };
        pods.iter().map(|pod| PodSample { pod: pod.clone(), date, values: value(pod) }).collect()
    }

    fn save(&self, ledger: &Ledger) -> io::Result<()> {
        write_atomic(&self.work.file(LEDGER), serde_json::to_vec(ledger)?)
    }

    /// The processes and the memory of every pod that has a rank.
    fn processes(&self) -> BTreeMap<PodName, (Vec<Seen>, Memory)> {
        let ranks = self.work.ranks();
        if ranks.is_empty() {
            return BTreeMap::new();
        }
        let owner = |(dir, placement): &(RankDir, super::files::Placement)| {
            dir.owner(placement.worker_id.clone(), &self.boot_id)
        };
        let owners: Vec<_> = ranks.iter().map(owner).collect();
        let mut all = scan();
        for _ in 1..TRIES {
            if belonging(&all, &owners).iter().flatten().all(|process| has_not_changed(process)) {
                break;
            }
            all = scan();
        }
        let mut pods: BTreeMap<PodName, (Vec<Seen>, Memory)> = BTreeMap::new();
        for (((dir, placement), owner), members) in ranks.iter().zip(&owners).zip(belonging(&all, &owners)) {
            let (seen, memory) = pods.entry(placement.pod.clone()).or_default();
            for process in &members {
                let live = procfs::process::Process::new(process.stat.pid).ok();
                seen.push(as_seen(&process.stat, live.as_ref().and_then(|live| live.io().ok()).as_ref()));
                memory.add(live.as_ref());
            }
            let ended =
                owner.supervisor.as_ref().filter(|one| !members.iter().any(|process| process.is(one)));
            // An ended supervisor has left its last words: they count until the run is released.
            seen.extend(ended.and_then(|_| last_words(dir)));
        }
        pods
    }
}

fn load(work: &WorkDir) -> io::Result<Ledger> {
    match std::fs::read(work.file(LEDGER)) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Ledger::default()),
        Err(error) => Err(error),
    }
}

/// Whether no child was collected by this process, nor it by another, since the scan.
fn has_not_changed(process: &Process) -> bool {
    let was = &process.stat;
    stat(was.pid)
        .is_some_and(|now| (now.starttime, now.cutime, now.cstime) == (was.starttime, was.cutime, was.cstime))
}

fn last_words(dir: &RankDir) -> Option<Seen> {
    let text = dir.usage()?;
    let (stat, io) = text.split_once('\n')?;
    Some(as_seen(&Stat::from_read(stat.as_bytes()).ok()?, Io::from_read(io.as_bytes()).ok().as_ref()))
}

fn as_seen(stat: &Stat, io: Option<&Io>) -> Seen {
    // Storage bytes are not split into own and children's: a process shows the sum.
    let (read, written) = io.map_or((0, 0), |io| (io.read_bytes, io.write_bytes));
    let children = |ticks: i64| u64::try_from(ticks).unwrap_or_default();
    let from_children = Usage { user: children(stat.cutime), system: children(stat.cstime), read, written };
    let own = Usage { user: stat.utime, system: stat.stime, read: 0, written: 0 };
    Seen {
        pid: stat.pid,
        start: stat.starttime,
        parent: stat.ppid,
        total: own.plus(from_children),
        from_children,
    }
}

impl Memory {
    /// Pages shared between processes of a worker count in each of them: splitting them costs a walk over all pages.
    fn add(&mut self, process: Option<&procfs::process::Process>) {
        let Some(status) = process.and_then(|process| process.status().ok()) else { return };
        let bytes = |kib: Option<u64>| kib.unwrap_or_default() * 1024;
        self.working_set += bytes(status.rssanon) + bytes(status.rssshmem);
        self.resident += bytes(status.vmrss);
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
        ("container_memory_usage_bytes", memory.resident as f64),
        ("container_memory_working_set_bytes", memory.working_set as f64),
    ];
    // Some systems refuse even the own figures: no series is better than one of zeros.
    if procfs::process::Process::myself().is_ok_and(|myself| myself.io().is_ok()) {
        values.push(("container_fs_reads_bytes_total", total.read as f64));
        values.push(("container_fs_writes_bytes_total", total.written as f64));
    }
    values
}
