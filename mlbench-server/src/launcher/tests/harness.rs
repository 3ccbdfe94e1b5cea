//! A test world: a store, a scripted cluster, and a launcher that can be killed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mlbench_core::log::LogLine;
use mlbench_core::run::{NewRun, Run, RunSpec, Worker};
use mlbench_core::storage::{LogPart, LogQuery, Storage};
use mlbench_core::{PodName, Result, RunId, RunName, RunState, Timestamp};
use tempfile::TempDir;
use uuid::Uuid;

use super::cluster::ScriptedCluster;
use super::process::Script;
use crate::clock::Clock;
use crate::launcher::{LauncherDeps, LauncherHandle, LauncherSettings, start};
use crate::monitor::Monitor;
use crate::sqlite::{Durability, Options, SqliteStorage};
use crate::task_group::TaskGroup;

/// How long a test waits for a condition, in real time.
const TIMEOUT: Duration = Duration::from_secs(300);
/// Longer than any test, even with a paused clock, which advances while the store works.
pub(crate) const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

pub(crate) struct World {
    pub(crate) cluster: Arc<ScriptedCluster>,
    pub(crate) deps: LauncherDeps,
    launcher: Option<TaskGroup>,
    pub(crate) directory: TempDir,
}

impl World {
    /// Returns a world with one worker per script, whose launcher is not started yet.
    pub(crate) fn without_launcher(scripts: Vec<Script>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        // These tests kill supervisors, not the machine.
        let mut options = Options::new(directory.path().join("mlbench.db"));
        options.durability = Durability::Normal;
        let storage = SqliteStorage::open(options).unwrap();
        let storage: Arc<dyn Storage> = Arc::new(storage);
        let cluster = ScriptedCluster::new(scripts);
        let clock = Clock::manual(Timestamp::from_micros(1_000_000));
        let settings = LauncherSettings {
            grace_period: FOREVER,
            start_timeout: Duration::from_secs(600),
            time_limit: None,
            exit_grace: None,
            mpirun_prefix: "mpirun --host {hosts}".to_owned(),
            server_url: "http://127.0.0.1:8000".to_owned(),
            last_write: Timestamp::EPOCH,
            purge_orphans: false,
            run_tokens: false,
        };
        let deps = LauncherDeps {
            storage: Arc::clone(&storage),
            cluster: Arc::clone(&cluster) as _,
            handle: LauncherHandle::default(),
            monitor: Monitor::new(storage, Arc::clone(&cluster) as _, clock.clone()),
            clock,
            settings: Arc::new(settings),
        };
        Self { cluster, deps, launcher: None, directory }
    }

    pub(crate) fn new(scripts: Vec<Script>) -> Self {
        Self::with_grace(scripts, FOREVER)
    }

    pub(crate) fn with_grace(scripts: Vec<Script>, grace_period: Duration) -> Self {
        let mut world = Self::without_launcher(scripts);
        Arc::make_mut(&mut world.deps.settings).grace_period = grace_period;
        world.start_launcher();
        world
    }

    pub(crate) fn start_launcher(&mut self) {
        assert!(self.launcher.is_none(), "the launcher runs already");
        let group = TaskGroup::new("launcher");
        start(&group, self.deps.clone());
        self.launcher = Some(group);
    }

    /// Drops every task of the launcher at its current `await`.
    pub(crate) async fn kill_launcher(&mut self) {
        self.launcher.take().unwrap().stop(FOREVER).await;
    }

    pub(crate) fn storage(&self) -> &dyn Storage {
        &*self.deps.storage
    }

    pub(crate) async fn try_start_run(&self, spec: RunSpec) -> Result<Run> {
        let new = NewRun::new(RunName::new("a run").unwrap(), Uuid::new_v4(), spec);
        let run = self.storage().start_run_unless_active(new, self.deps.clock.now()).await?;
        self.deps.handle.wake();
        Ok(run)
    }

    /// Queues a run.
    pub(crate) async fn queue_run(&self, spec: RunSpec) -> Run {
        let new = NewRun::new(RunName::new("queued").unwrap(), Uuid::new_v4(), spec);
        let capacity = self.deps.cluster.max_workers();
        let run = self.storage().queue_run(new, capacity, self.deps.clock.now()).await.unwrap();
        self.deps.handle.wake();
        run
    }

    /// Starts a run on all workers.
    pub(crate) async fn start_run(&self) -> RunId {
        use crate::cluster::Cluster;
        let workers = self.cluster.max_workers();
        self.try_start_run(spec(workers, "train --rank {rank}")).await.unwrap().id
    }

    pub(crate) async fn request_stop(&self, id: RunId) {
        self.storage().request_stop(id, self.deps.clock.now()).await.unwrap();
        self.deps.handle.wake();
    }

    pub(crate) async fn delete(&self, id: RunId) {
        self.storage().delete_run(id).await.unwrap();
        self.deps.handle.wake();
        assert!(self.storage().run(id).await.is_err());
    }

    /// Returns the run as soon as it satisfies `settled`.
    pub(crate) async fn until(&self, id: RunId, settled: impl Fn(&Run) -> bool + Send + Copy) -> Run {
        let begin = Instant::now();
        loop {
            let handle = &self.deps.handle;
            let run = handle.wait_until(self.storage(), id, Duration::from_secs(60), settled).await.unwrap();
            if settled(&run) {
                return run;
            }
            assert!(begin.elapsed() < TIMEOUT, "{run:?} after {:?}", self.cluster.calls());
        }
    }

    pub(crate) async fn until_started(&self, id: RunId) -> Run {
        self.until(id, |run| run.state == RunState::Started).await
    }

    pub(crate) async fn until_ended(&self, id: RunId) -> Run {
        self.until(id, |run| !run.state.is_active()).await
    }

    /// Waits until `condition` holds.
    pub(crate) async fn when(&self, condition: impl AsyncFn(&Self) -> bool) {
        let begin = Instant::now();
        let mut looks = tokio::time::interval(Duration::from_millis(5));
        while !condition(self).await {
            assert!(begin.elapsed() < TIMEOUT, "after {:?}", self.cluster.calls());
            looks.tick().await;
        }
    }

    /// Waits for this many further calls of the cluster.
    pub(crate) async fn called_again(&self, times: usize) {
        let before = self.cluster.number_of_calls();
        self.when(async |world| world.cluster.number_of_calls() >= before + times).await;
    }

    /// Waits until the cluster has received this call.
    pub(crate) async fn called(&self, call: &str) {
        self.when(async |world| world.cluster.calls().iter().any(|made| made == call)).await;
    }

    async fn log(&self, id: RunId) -> Vec<LogLine> {
        let query = LogQuery { stream: None, rank: None, part: LogPart::Last(10_000) };
        self.storage().log_lines(id, query).await.unwrap()
    }

    /// Returns the lines of a rank, standard output first.
    pub(crate) async fn lines(&self, id: RunId, rank: u32) -> Vec<String> {
        let mut lines = self.log(id).await;
        lines.retain(|line| line.rank == Some(rank));
        lines.sort_by_key(|line| (line.stream, line.seq));
        lines.into_iter().map(|line| line.text).collect()
    }

    /// Returns the server messages in the log of a run.
    pub(crate) async fn server_messages(&self, id: RunId) -> Vec<String> {
        self.log(id).await.into_iter().filter(|line| line.rank.is_none()).map(|line| line.text).collect()
    }
}

/// Returns settings for tests of what a rank is given.
pub(in crate::launcher) fn sample_settings() -> LauncherSettings {
    LauncherSettings {
        grace_period: Duration::ZERO,
        start_timeout: Duration::ZERO,
        time_limit: None,
        exit_grace: None,
        mpirun_prefix: "mpirun --oversubscribe --host {hosts}".to_owned(),
        server_url: "http://127.0.0.1:8000".to_owned(),
        last_write: Timestamp::EPOCH,
        purge_orphans: false,
        run_tokens: false,
    }
}

/// Returns run 1 on `workers` workers, ready to be launched.
pub(crate) fn sample_run(workers: u32, command: &str) -> Run {
    let worker = |rank: u32| Worker {
        pod: PodName::new(format!("worker-{rank}")).unwrap(),
        host: "127.0.0.1".to_owned(),
        port: u16::try_from(4000 + rank).unwrap(),
    };
    Run {
        id: RunId::new(1).unwrap(),
        name: RunName::new("a run").unwrap(),
        created_at: Timestamp::EPOCH,
        admitted_at: Some(Timestamp::EPOCH),
        finished_at: None,
        state: RunState::Initialized,
        job_id: Uuid::nil(),
        spec: spec(workers, command),
        params: mlbench_core::Params::default(),
        tags: mlbench_core::Tags::default(),
        workers: (0..workers).map(worker).collect(),
        ranks: Vec::new(),
        stop_requested_at: None,
        outcome: None,
        imported_from: None,
    }
}

/// Returns the specification of a run without any option.
pub(crate) fn spec(num_workers: u32, command: &str) -> RunSpec {
    RunSpec { num_workers, ..RunSpec::running(command) }
}
