//! A local cluster with one run, and helpers that drive the run.

use std::future::Future;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use mlbench_core::run::{Run, RunSpec, RunState, Worker};
use mlbench_core::{PodName, RunId, RunName, Timestamp};
use rustix::process::Signal as UnixSignal;
use tempfile::TempDir;
use uuid::Uuid;

use super::super::cgroup;
use super::super::cluster::LocalCluster;
use super::super::kill::{Supervisors, signal_all};
use super::super::options::Options;
use super::super::processes::{processes_of, scan, stat};
use super::super::supervise;
use crate::clock::Clock;
use crate::cluster::interface::Cluster;
use crate::cluster::provision::ReleaseStatus;
use crate::cluster::rank::{Offsets, RankRef, Task};

/// Upper limit for every wait. Only a failure reaches it.
pub(super) const DEADLINE: Duration = Duration::from_secs(300);

/// Bytes of each stream that may wait for the server.
pub(super) const OUTPUT_LIMIT: u64 = 64 << 20;

/// A local cluster in a temporary directory, with one run.
pub(super) struct Fixture {
    pub(super) cluster: LocalCluster,
    pub(super) run: Run,
    pub(super) directory: TempDir,
}

impl Fixture {
    pub(super) fn new(workers: u32) -> Self {
        let directory = TempDir::new().unwrap();
        let cluster = open(&directory, workers);
        let worker = |rank| Worker {
            pod: PodName::new(format!("local-mlbench-worker-{rank}")).unwrap(),
            host: "127.0.0.1".to_owned(),
            port: 1,
        };
        let run = Run {
            id: RunId::new(3).unwrap(),
            name: RunName::new("a test").unwrap(),
            created_at: Timestamp::EPOCH,
            admitted_at: Some(Timestamp::EPOCH),
            finished_at: None,
            state: RunState::Initialized,
            job_id: Uuid::new_v4(),
            spec: spec(workers),
            params: mlbench_core::Params::default(),
            tags: mlbench_core::Tags::default(),
            workers: (0..workers).map(worker).collect(),
            ranks: Vec::new(),
            stop_requested_at: None,
            outcome: None,
            imported_from: None,
        };
        Self { cluster, run, directory }
    }

    /// Restarts the server.
    pub(super) fn reopened(mut self) -> Self {
        self.cluster = open(&self.directory, self.run.spec.num_workers);
        self
    }

    pub(super) fn rank(&self, rank: u32) -> RankRef {
        RankRef {
            run: (&self.run).into(),
            rank,
            pod: self.run.workers[rank as usize].pod.clone(),
            daemon: None,
        }
    }

    pub(super) fn file(&self, rank: u32, name: &str) -> PathBuf {
        self.cluster.workers.work_dir.rank(&self.rank(rank)).path().join(name)
    }

    pub(super) fn task(&self, rank: u32, argv: &[&str]) -> Task {
        let argv = argv.iter().map(|&word| word.to_owned()).collect();
        let ranks = Some(self.run.spec.num_workers);
        Task { at: self.rank(rank), argv, env: Vec::new(), num_cpus: None, ranks }
    }

    /// Launches a shell script on rank 0.
    pub(super) async fn sh(&self, script: &str) {
        self.cluster.launch(&self.task(0, &["sh", "-c", script])).await.unwrap();
    }

    /// Returns the output of rank 0 from `from` to its end, and its exit code.
    pub(super) async fn read_to_end(&self, mut from: Offsets) -> (Vec<u8>, Vec<u8>, i32) {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let started = Instant::now();
        while started.elapsed() < DEADLINE {
            let output = self.cluster.follow(&self.rank(0), from, Duration::from_secs(1)).await.unwrap();
            from.stdout += output.stdout.len() as u64;
            from.stderr += output.stderr.len() as u64;
            stdout.extend_from_slice(&output.stdout);
            stderr.extend_from_slice(&output.stderr);
            if let Some(code) = output.exit_code {
                return (stdout, stderr, code);
            }
        }
        panic!("rank 0 did not end");
    }

    /// Waits until rank 0 has written `text`.
    pub(super) async fn wait_for_output(&self, text: &str) {
        let path = self.file(0, "stdout");
        wait_until(text, || async { std::fs::read_to_string(&path).is_ok_and(|all| all.contains(text)) })
            .await;
    }

    pub(super) async fn release(&self) {
        wait_until("release", || async {
            self.cluster.release(&self.run).await.unwrap() == ReleaseStatus::Complete
        })
        .await;
    }

    /// Returns the living processes of rank 0, including its supervisor.
    pub(super) fn live_pids(&self) -> Vec<i32> {
        let all = scan();
        let ranks = [self.cluster.workers.identity(&self.rank(0))];
        let found = processes_of(&all, &ranks).into_iter().flatten();
        found.filter(|process| process.is_alive()).map(|process| process.stat.pid).collect()
    }

    /// Returns the newest value of a metric of rank 0's worker.
    pub(super) async fn value(&self, name: &str) -> f64 {
        self.values([name]).await[0]
    }

    /// Returns the values of several metrics of rank 0's worker in its newest sample.
    pub(super) async fn values<const N: usize>(&self, names: [&str; N]) -> [f64; N] {
        let samples = self.cluster.sample().await;
        let newest = samples.iter().rfind(|sample| sample.pod == self.rank(0).pod).unwrap();
        names.map(|name| newest.values.iter().find(|(found, _)| *found == name).unwrap().1)
    }
}

/// Kills what a test has left running.
impl Drop for Fixture {
    fn drop(&mut self) {
        let ranks: Vec<_> = (0..self.run.spec.num_workers)
            .map(|rank| self.cluster.workers.identity(&self.rank(rank)))
            .collect();
        signal_all(&ranks, UnixSignal::KILL, Supervisors::Include);
        ranks.into_iter().filter_map(|rank| rank.group).for_each(|group| cgroup::remove(&group));
    }
}

/// A run of `workers` ranks with the default options.
fn spec(num_workers: u32) -> RunSpec {
    RunSpec { num_workers, ..RunSpec::running("true") }
}

/// Opens a local cluster in a directory, as a server does.
pub(super) fn open(directory: &TempDir, workers: u32) -> LocalCluster {
    let inherited = ["PATH", "HOME"].map(|name| (name.into(), std::env::var_os(name).unwrap_or_default()));
    let ours = ("MLBENCH_TOKEN".into(), "secret".into());
    LocalCluster::new(Options {
        workers,
        work_dir: directory.path().join("mlbench.db.work"),
        instance: "own".to_owned(),
        former: vec!["former".to_owned()],
        environment: inherited.into_iter().chain([ours]).collect(),
        supervisor: supervise::program_of_tests(),
        output_limit: OUTPUT_LIMIT,
        clock: Clock::System,
    })
    .unwrap()
}

/// Polls a condition until it holds.
pub(super) async fn wait_until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let started = Instant::now();
    let mut poll = tokio::time::interval(Duration::from_millis(10));
    while !holds().await {
        assert!(started.elapsed() < DEADLINE, "never happened: {what}");
        poll.tick().await;
    }
}

/// Returns whether a process has not ended.
pub(super) fn is_alive(pid: i32) -> bool {
    stat(pid).is_some_and(|stat| !matches!(stat.state, 'Z' | 'X'))
}
