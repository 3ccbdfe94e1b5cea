//! The workers of this machine, and the runs in them. Every method may block.

use std::collections::HashSet;
use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use mlbench_core::PodName;
use mlbench_core::run::{Run, RunKey, Worker};
use rustix::process::Signal as UnixSignal;

use super::cgroup;
use super::environment;
use super::files::{RankDir, WorkDir};
use super::kill::{Supervisors, living, signal_all};
use super::launch::{self, Supervisor};
use super::limits;
use super::memory_limit;
use super::options::Options;
use super::ports::Ports;
use super::processes::{self, RankIdentity};
use super::sampler::Sampler;
use super::stuck::StuckRuns;
use crate::cluster::error::ClusterError;
use crate::cluster::provision::{ProvisionStatus, ReleaseStatus, asked_gpus};
use crate::cluster::rank::{RankRef, Remaining, Signal, Task};
use crate::cluster::supervisor::{check_task, worker_id};

/// How long a supervisor has to write the exit code of a command that was killed.
///
/// A test may run on a machine that is much slower.
const EXIT_TIMEOUT: Duration = Duration::from_secs(if cfg!(test) { 60 } else { 1 });

/// The workers of this machine.
pub(super) struct LocalWorkers {
    pub(super) names: Vec<PodName>,
    pub(super) work_dir: WorkDir,
    pub(super) boot_id: String,
    pub(super) sampler: Sampler,
    /// The names that the database had elsewhere.
    pub(super) former: Vec<String>,
    pub(super) supervisor: Supervisor,
    ports: Ports,
    pub(super) stuck: StuckRuns,
}

impl LocalWorkers {
    /// Opens the work directory, with the runs that an earlier server left in it.
    ///
    /// # Errors
    /// When the work directory cannot be created, or this machine has no `/proc`.
    pub(super) fn open(options: Options) -> io::Result<Self> {
        let name = |rank| PodName::new(format!("local-mlbench-worker-{rank}")).map_err(io::Error::other);
        let names = (0..options.workers).map(name).collect::<io::Result<Vec<_>>>()?;
        let work_dir = WorkDir::open(&options.work_dir, &options.instance)?;
        let boot_id = processes::boot_id()?;
        let sampler = Sampler::open(work_dir.clone(), options.clock, boot_id.clone(), &names);
        let supervisor = Supervisor {
            program: options.supervisor,
            output_limit: options.output_limit,
            environment: launch::unbuffered(environment::inherited(options.environment)),
        };
        let ports = Ports::read(names.len());
        Ok(Self {
            names,
            work_dir,
            boot_id,
            sampler,
            former: options.former,
            supervisor,
            ports,
            stuck: StuckRuns::default(),
        })
    }

    /// Assigns free workers to a run, each with a free port.
    pub(super) fn provision(&self, run: &Run, taken: &[PodName]) -> Result<ProvisionStatus, ClusterError> {
        let (wanted, limit) = (run.spec.num_workers as usize, self.names.len());
        if wanted > limit {
            let why = format!("num_workers: {wanted} requested, {limit} available; request at most {limit}");
            return Err(ClusterError::Refused(why));
        }
        let mut pods: Vec<&PodName> = self.names.iter().filter(|name| !taken.contains(name)).collect();
        if pods.len() < wanted {
            let missing = format!("{wanted} workers are needed, {} of {limit} are free", pods.len());
            return Ok(ProvisionStatus::Waiting { missing: vec![missing] });
        }
        pods.truncate(wanted);
        let no_port = |error| ClusterError::Unreachable(format!("no free port on 127.0.0.1: {error}"));
        let worker = |pod: &PodName| {
            let number = self.names.iter().position(|name| name == pod).unwrap_or_default();
            let port = self.ports.free(run.into(), number)?;
            Ok(Worker { pod: pod.clone(), host: Ipv4Addr::LOCALHOST.to_string(), port })
        };
        let workers = pods.into_iter().map(worker).collect::<io::Result<_>>().map_err(no_port)?;
        Ok(ProvisionStatus::Ready { workers, messages: messages(run, &self.ranks_of(run)) })
    }

    /// Creates the directory of a rank, or returns `None` if its supervisor has been started.
    pub(super) fn prepare(&self, task: &Task) -> Result<Option<RankDir>, ClusterError> {
        if self.work_dir.rank(&task.at).supervisor().is_some() {
            return Ok(None);
        }
        check_task(task)?;
        let no_files = |error| {
            ClusterError::Refused(format!("rank {}: cannot create its directory: {error}", task.at.rank))
        };
        self.work_dir.prepare(&task.at).map(Some).map_err(no_files)
    }

    /// Signals every process of a rank except its supervisor, and returns what is left.
    pub(super) fn signal(&self, at: &RankRef, signal: Signal) -> Remaining {
        let ranks = [self.identity(at)];
        if signal == Signal::Kill {
            // The usage of a process that is killed and has no waiting parent can only be read before.
            self.sampler.update();
        }
        let unix_signal = match signal {
            Signal::Term => UnixSignal::TERM,
            Signal::Kill => UnixSignal::KILL,
        };
        match signal_all(&ranks, unix_signal, Supervisors::Exclude) {
            // For a moment, or as long as no byte can be written.
            0 if signal == Signal::Kill && self.lacks_exit_code(at) => Remaining::Supervisor,
            left => Remaining::Processes(left),
        }
    }

    /// Kills the remaining processes of a run, and deletes its files and cgroups.
    ///
    /// Gives up processes that cannot be killed, such as those of another user.
    pub(super) fn release(&self, run: &Run) -> Result<ReleaseStatus, ClusterError> {
        let key = RunKey::from(run);
        let ranks = self.ranks_of(run);
        let identities: Vec<RankIdentity> = ranks.iter().map(|at| self.identity(at)).collect();
        let dir = self.work_dir.run(key);
        let mut given_up = HashSet::new();
        let mut kill = |supervisors| match signal_all(&identities, UnixSignal::KILL, supervisors) {
            0 => 0,
            left if self.stuck.is_over(&dir) => {
                let mut names = living(&identities, supervisors);
                names.retain(|name| given_up.insert(name.clone()));
                if !names.is_empty() {
                    let names = names.join(", ");
                    tracing::warn!(run = %run.id, left, "the run ends without processes that cannot be killed: {names}");
                }
                0
            }
            left => left,
        };
        self.sampler.update();
        if kill(Supervisors::Exclude) > 0 {
            return Ok(ReleaseStatus::Pending);
        }
        if dir.exists() {
            self.await_exit_codes(&ranks);
            let pods: Vec<PodName> = ranks.iter().map(|at| at.pod.clone()).collect();
            self.sampler.record(&pods);
        }
        if kill(Supervisors::Include) > 0 {
            return Ok(ReleaseStatus::Pending);
        }
        match std::fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(ClusterError::Unreachable(format!(
                    "run {}: cannot delete its files: {error}",
                    run.id
                )));
            }
            _ => {}
        }
        // A killed server may have left a launch in progress, which fails from here on without its directory.
        let left = kill(Supervisors::Include);
        let groups = identities.into_iter().filter_map(|rank| rank.group);
        let limited = ranks.iter().flat_map(|at| [limits::group(at), memory_limit::group(at)]).flatten();
        groups.chain(limited).for_each(|group| cgroup::remove(&group));
        if left > 0 {
            return Ok(ReleaseStatus::Pending);
        }
        self.stuck.forget(&dir);
        Ok(ReleaseStatus::Complete)
    }

    fn await_exit_codes(&self, ranks: &[RankRef]) {
        let deadline = std::time::Instant::now() + EXIT_TIMEOUT;
        while ranks.iter().any(|at| self.lacks_exit_code(at)) && std::time::Instant::now() < deadline {
            // A supervisor started before a restart is no child of this process, so `wait` does not work for it.
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Returns whether the supervisor of a rank runs and has not stored the exit code.
    fn lacks_exit_code(&self, at: &RankRef) -> bool {
        let dir = self.work_dir.rank(at);
        dir.exit_code().is_none() && dir.supervisor().is_some_and(|one| one.is_running(&self.boot_id))
    }

    /// Returns all ranks of a run, also without assigned workers or with fewer workers than ranks.
    fn ranks_of(&self, run: &Run) -> Vec<RankRef> {
        let known = run.workers.iter().map(|worker| &worker.pod);
        let pods = known.chain(self.names.iter().skip(run.workers.len()));
        let rank =
            |(rank, pod): (u32, &PodName)| RankRef { run: run.into(), rank, pod: pod.clone(), daemon: None };
        (0..run.spec.num_workers).zip(pods).map(rank).collect()
    }

    pub(super) fn identity(&self, at: &RankRef) -> RankIdentity {
        let seen = self.sampler.seen(&at.pod);
        RankIdentity { seen, ..self.work_dir.rank(at).identity(worker_id(at), &self.boot_id) }
    }
}

/// Returns messages for the log of a run: options that local workers enforce in their own way, or ignore.
fn messages(run: &Run, ranks: &[RankRef]) -> Vec<String> {
    let spec = &run.spec;
    let image = spec
        .image
        .as_ref()
        .map(|image| format!("image {image} is ignored: local workers run the command on this machine"));
    let bandwidth = spec.max_bandwidth.map(|limit| {
        format!("max_bandwidth {limit} is not enforced: local workers share the loopback interface")
    });
    let gpu = asked_gpus(run)
        .map(|asked| format!("{asked} is not enforced: every local worker can use all GPUs of this machine"));
    let shared = spec
        .needs
        .shm_size
        .map(|size| format!("shm_size {size} is not enforced: local workers share /dev/shm of this machine"));
    let volumes = (!spec.needs.volumes.is_empty()).then(|| {
        "volumes are directories of each rank, which the variables MLBENCH_VOLUME_NAME name; their paths and sizes are \
         not enforced"
            .to_owned()
    });
    let groups: Vec<PathBuf> = ranks.iter().filter_map(limits::group).collect();
    let limits = [limits::prepare(run, &groups), memory_limit::prepare(run, ranks)];
    [image, bandwidth, gpu, shared, volumes].into_iter().chain(limits).flatten().collect()
}
