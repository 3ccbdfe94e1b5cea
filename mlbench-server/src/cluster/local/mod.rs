//! Worker pods as processes on this machine: the default, so that everything works on a laptop without set-up.
//!
//! A worker is a name and what runs under it; a rank of a run is a directory below `<database>.work` and the processes
//! that belong to it. Nothing is kept in memory that is not found again from those files and `/proc`, so a run goes on
//! while the server is away. Commands run in the server's current directory with the server's environment less its own
//! settings (`MLBENCH_*`), plus what the task adds.

mod files;
mod follow;
mod kill;
mod launch;
mod limits;
mod processes;
mod sampler;
#[cfg(test)]
mod tests;
mod usage;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mlbench_core::run::{Run, RunKey, Worker};
use mlbench_core::{Pod, PodName, PodPhase};
use tokio::sync::watch;

use self::files::WorkDir;
use self::follow::Followed;
use self::kill::{Supervisors, signal_all};
use self::processes::RankIdentity;
use self::sampler::Sampler;
use super::supervisor::{launch_input, worker_id};
use super::{
    Cluster, ClusterError, Offsets, Output, PodSample, ProvisionRequest, ProvisionStatus, RankRef,
    ReleaseStatus, Signal, Task,
};
use crate::clock::Clock;

/// How long a supervisor has to write down the exit code of a command that was killed.
const EXIT_TIMEOUT: Duration = Duration::from_secs(1);

/// What a local cluster is made of.
#[derive(Debug, Clone)]
pub struct Options {
    /// Number of workers.
    pub workers: u32,
    /// Where runs have their files, `<database>.work`; made when missing, for its owner only.
    pub work_dir: PathBuf,
    /// The server's environment; workers inherit it without `MLBENCH_*`.
    pub environment: Vec<(OsString, OsString)>,
    /// Dates of samples.
    pub clock: Clock,
}

/// The workers of this machine.
pub struct LocalCluster {
    shared: Arc<Shared>,
    pods: watch::Sender<Arc<[Pod]>>,
}

struct Shared {
    names: Vec<PodName>,
    work: WorkDir,
    boot_id: String,
    environment: Vec<(OsString, OsString)>,
    sampler: Sampler,
}

impl LocalCluster {
    /// The cluster with the runs that an earlier server left in the work directory.
    ///
    /// # Errors
    /// When the work directory cannot be made, or there is no `/proc`.
    pub fn new(options: Options) -> io::Result<Self> {
        let name = |rank| PodName::new(format!("local-mlbench-worker-{rank}")).map_err(io::Error::other);
        let names = (0..options.workers).map(name).collect::<io::Result<Vec<_>>>()?;
        let work = WorkDir::open(&options.work_dir)?;
        let boot_id = processes::boot_id()?;
        let sampler = Sampler::open(work.clone(), options.clock, boot_id.clone(), &names);
        let pods = watch::Sender::new(names.iter().map(pod).collect());
        let environment = launch::inherited(options.environment);
        Ok(Self { shared: Arc::new(Shared { names, work, boot_id, environment, sampler }), pods })
    }

    /// Runs work that reads files or waits for processes where it holds up nobody.
    async fn with_shared<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, ClusterError> + Send + 'static,
    ) -> Result<T, ClusterError> {
        let shared = self.shared.clone();
        blocking(move || work(&shared)).await
    }
}

fn pod(name: &PodName) -> Pod {
    let labels = [("app", "mlbench"), ("component", "worker"), ("release", "local")];
    Pod {
        name: name.clone(),
        labels: labels
            .iter()
            .map(|&(key, value)| (key.to_owned(), value.to_owned()))
            .collect::<BTreeMap<_, _>>(),
        phase: PodPhase::Running,
        ip: Ipv4Addr::LOCALHOST.to_string(),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ClusterError> + Send + 'static,
) -> Result<T, ClusterError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(ClusterError::Unreachable(error.to_string())),
    }
}

#[async_trait]
impl Cluster for LocalCluster {
    fn name(&self) -> &'static str {
        "local"
    }

    fn pods(&self) -> watch::Receiver<Arc<[Pod]>> {
        self.pods.subscribe()
    }

    fn max_workers(&self) -> u32 {
        u32::try_from(self.shared.names.len()).unwrap_or(u32::MAX)
    }

    async fn provision(&self, claim: &ProvisionRequest<'_>) -> Result<ProvisionStatus, ClusterError> {
        let (run, taken) = (claim.run.clone(), claim.taken.to_vec());
        self.with_shared(move |shared| shared.provision(&run, &taken)).await
    }

    async fn launch(&self, task: &Task) -> Result<(), ClusterError> {
        launch::unignore_signals().map_err(|error| ClusterError::Unreachable(error.to_string()))?;
        let task = task.clone();
        self.with_shared(move |shared| shared.launch(&task)).await
    }

    async fn follow(&self, rank: &RankRef, from: Offsets, timeout: Duration) -> Result<Output, ClusterError> {
        let dir = self.shared.work.rank(rank);
        let followed = Followed { dir, rank: rank.rank, boot_id: self.shared.boot_id.clone() };
        followed.next(from, timeout).await
    }

    async fn signal(&self, rank: &RankRef, signal: Signal) -> Result<usize, ClusterError> {
        let rank = rank.clone();
        self.with_shared(move |shared| Ok(shared.signal(&rank, signal))).await
    }

    async fn release(&self, run: &Run) -> Result<ReleaseStatus, ClusterError> {
        let run = run.clone();
        self.with_shared(move |shared| shared.release(&run)).await
    }

    async fn sample(&self) -> Vec<PodSample> {
        self.with_shared(|shared| Ok(shared.sampler.take(&shared.names))).await.unwrap_or_else(|error| {
            tracing::error!(%error, "the workers were not measured");
            Vec::new()
        })
    }
}

impl Shared {
    fn provision(&self, run: &Run, taken: &[PodName]) -> Result<ProvisionStatus, ClusterError> {
        let (wanted, limit) = (run.spec.num_workers as usize, self.names.len());
        if wanted > limit {
            let why = format!("{wanted} workers were asked for, and there are {limit}");
            return Err(ClusterError::Refused(why));
        }
        let mut pods: Vec<&PodName> = self.names.iter().filter(|name| !taken.contains(name)).collect();
        if pods.len() < wanted {
            let missing = format!("{wanted} workers were asked for, and {} of {limit} are free", pods.len());
            return Ok(ProvisionStatus::Waiting { missing: vec![missing] });
        }
        pods.truncate(wanted);
        let no_port = |error| ClusterError::Unreachable(format!("no free port on 127.0.0.1: {error}"));
        let listeners: Vec<TcpListener> = pods
            .iter()
            .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .collect::<io::Result<_>>()
            .map_err(no_port)?;
        let worker = |(pod, listener): (&PodName, &TcpListener)| {
            let port = listener.local_addr()?.port();
            Ok(Worker { pod: pod.clone(), host: Ipv4Addr::LOCALHOST.to_string(), port })
        };
        let workers =
            pods.into_iter().zip(&listeners).map(worker).collect::<io::Result<_>>().map_err(no_port)?;
        let groups: Vec<PathBuf> = self.ranks_of(run).iter().filter_map(limits::group).collect();
        Ok(ProvisionStatus::Ready { workers, notes: notes(run, &groups) })
    }

    fn launch(&self, task: &Task) -> Result<(), ClusterError> {
        if self.work.rank(&task.at).supervisor().is_some() {
            return Ok(());
        }
        let no_files = |error| {
            ClusterError::Refused(format!("rank {} has no place for its files: {error}", task.at.rank))
        };
        let dir = self.work.prepare(&task.at).map_err(no_files)?;
        let input = launch_input(dir.path(), task)?;
        let group = limits::group(&task.at);
        launch::run_shell(&input, task, group.as_deref(), &self.environment)?;
        self.sampler.keep(std::slice::from_ref(&task.at.pod));
        Ok(())
    }

    fn signal(&self, at: &RankRef, signal: Signal) -> usize {
        let owners = [self.owner(at)];
        if signal == Signal::Kill {
            // What dies without being waited for leaves no account of itself.
            self.sampler.note();
        }
        let signal = match signal {
            Signal::Term => rustix::process::Signal::TERM,
            Signal::Kill => rustix::process::Signal::KILL,
        };
        signal_all(&owners, signal, Supervisors::Exclude)
    }

    fn release(&self, run: &Run) -> Result<ReleaseStatus, ClusterError> {
        let key = RunKey::from(run);
        let ranks = self.ranks_of(run);
        let owners: Vec<RankIdentity> = ranks.iter().map(|at| self.owner(at)).collect();
        let kill = |supervisors| signal_all(&owners, rustix::process::Signal::KILL, supervisors);
        self.sampler.note();
        if kill(Supervisors::Exclude) > 0 {
            return Ok(ReleaseStatus::Pending);
        }
        let dir = self.work.run(key);
        if dir.exists() {
            self.await_exit_codes(&ranks);
            let pods: Vec<PodName> = ranks.iter().map(|at| at.pod.clone()).collect();
            self.sampler.keep(&pods);
        }
        if kill(Supervisors::Include) > 0 {
            return Ok(ReleaseStatus::Pending);
        }
        match std::fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(ClusterError::Unreachable(format!("the files of run {} stay: {error}", run.id)));
            }
            _ => {}
        }
        // A launch of a server that was killed may have been on its way; without a directory it gets no further.
        let left = kill(Supervisors::Include);
        ranks.iter().filter_map(limits::group).for_each(|group| limits::remove_quota(&group));
        Ok(if left == 0 { ReleaseStatus::Complete } else { ReleaseStatus::Pending })
    }

    fn await_exit_codes(&self, ranks: &[RankRef]) {
        let deadline = std::time::Instant::now() + EXIT_TIMEOUT;
        let writes = |at: &RankRef| {
            let dir = self.work.rank(at);
            dir.exit_code().is_none() && dir.supervisor().is_some_and(|one| one.is_running(&self.boot_id))
        };
        while ranks.iter().any(writes) && std::time::Instant::now() < deadline {
            // A supervisor may be from before a restart, no child whose end could be waited for.
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// All ranks of a run, also before its workers are known, and when this server has fewer workers than it had.
    fn ranks_of(&self, run: &Run) -> Vec<RankRef> {
        let known = run.workers.iter().map(|worker| &worker.pod);
        let pods = known.chain(self.names.iter().skip(run.workers.len()));
        let rank = |(rank, pod): (u32, &PodName)| RankRef { run: run.into(), rank, pod: pod.clone() };
        (0..run.spec.num_workers).zip(pods).map(rank).collect()
    }

    fn owner(&self, at: &RankRef) -> RankIdentity {
        self.work.rank(at).owner(worker_id(at), &self.boot_id)
    }
}

/// What the run's log says about wishes that local workers keep in their own way, or not.
fn notes(run: &Run, groups: &[PathBuf]) -> Vec<String> {
    let spec = &run.spec;
    let image = spec
        .image
        .as_ref()
        .map(|image| format!("image {image} is not used by local workers; the command runs on this machine"));
    let bandwidth = spec.max_bandwidth.map(|limit| {
        format!("max_bandwidth {limit} is stored, not enforced: local workers share the loopback")
    });
    let gpu = spec
        .gpu_enabled
        .then(|| "GPUs are not assigned: each local worker sees all of this machine".to_owned());
    [image, limits::prepare(run, groups), bandwidth, gpu].into_iter().flatten().collect()
}
