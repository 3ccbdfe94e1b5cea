//! Real processes, in temporary work directories.

mod life;
mod limits;
mod restart;
mod script;
mod stop;
mod usage;

use std::future::Future;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use mlbench_core::run::{Run, RunSpec, RunState, Worker};
use mlbench_core::{RunId, RunName, Timestamp};
use tempfile::TempDir;
use uuid::Uuid;

use super::processes::scan;
use super::*;

/// The longest that anything here may take; reached only by a failure.
const DEADLINE: Duration = Duration::from_secs(30);

/// A local cluster in a directory of its own, with one run on it.
struct Fixture {
    cluster: LocalCluster,
    run: Run,
    directory: TempDir,
}

impl Fixture {
    fn new(workers: u32) -> Self {
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
            spec: RunSpec {
                num_workers: workers,
                num_cpus: None,
                max_bandwidth: None,
                image: None,
                command: "true".to_owned(),
                backend: None,
                gpu_enabled: false,
                light_target: false,
                use_horovod: false,
            },
            workers: (0..workers).map(worker).collect(),
            ranks: Vec::new(),
            stop_requested_at: None,
            outcome: None,
        };
        Self { cluster, run, directory }
    }

    /// The same after a restart of the server.
    fn reopened(mut self) -> Self {
        self.cluster = open(&self.directory, self.run.spec.num_workers);
        self
    }

    fn rank(&self, rank: u32) -> RankRef {
        RankRef { run: (&self.run).into(), rank, pod: self.run.workers[rank as usize].pod.clone() }
    }

    fn file(&self, rank: u32, name: &str) -> PathBuf {
        self.cluster.shared.work.rank(&self.rank(rank)).path().join(name)
    }

    fn task(&self, rank: u32, argv: &[&str]) -> Task {
        let argv = argv.iter().map(|&word| word.to_owned()).collect();
        Task { at: self.rank(rank), argv, env: Vec::new(), num_cpus: None }
    }

    /// Launches a shell script on rank 0.
    async fn sh(&self, script: &str) {
        self.cluster.launch(&self.task(0, &["sh", "-c", script])).await.unwrap();
    }

    /// All that rank 0 writes from `from` to its end, and its exit code.
    async fn to_the_end(&self, mut from: Offsets) -> (Vec<u8>, Vec<u8>, i32) {
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
    async fn written(&self, text: &str) {
        let path = self.file(0, "stdout");
        until(text, || async { std::fs::read_to_string(&path).is_ok_and(|all| all.contains(text)) }).await;
    }

    async fn release(&self) {
        until("release", || async { self.cluster.release(&self.run).await.unwrap() == Release::Complete })
            .await;
    }

    /// Living processes that belong to rank 0, its supervisor included.
    fn living(&self) -> Vec<i32> {
        let all = scan();
        let owners = [self.cluster.shared.owner(&self.rank(0))];
        let found = processes::belonging(&all, &owners).into_iter().flatten();
        found.filter(|process| process.is_alive()).map(|process| process.stat.pid).collect()
    }

    /// The newest value of a metric of the worker of rank 0.
    async fn value(&self, name: &str) -> f64 {
        let samples = self.cluster.sample().await;
        let newest = samples.iter().rfind(|sample| sample.pod == self.rank(0).pod).unwrap();
        newest.values.iter().find(|(found, _)| *found == name).unwrap().1
    }
}

/// Whatever a test leaves running goes with it.
impl Drop for Fixture {
    fn drop(&mut self) {
        let owners: Vec<_> =
            (0..self.run.spec.num_workers).map(|rank| self.cluster.shared.owner(&self.rank(rank))).collect();
        signal_all(&owners, rustix::process::Signal::KILL, Supervisors::Included);
    }
}

fn open(directory: &TempDir, workers: u32) -> LocalCluster {
    let inherited = ["PATH", "HOME"].map(|name| (name.into(), std::env::var_os(name).unwrap_or_default()));
    let ours = ("MLBENCH_TOKEN".into(), "secret".into());
    LocalCluster::new(Options {
        workers,
        work_dir: directory.path().join("mlbench.db.work"),
        environment: inherited.into_iter().chain([ours]).collect(),
        clock: Clock::System,
    })
    .unwrap()
}

/// Polls a condition until it holds.
async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let started = Instant::now();
    let mut poll = tokio::time::interval(Duration::from_millis(10));
    while !holds().await {
        assert!(started.elapsed() < DEADLINE, "never happened: {what}");
        poll.tick().await;
    }
}

fn is_alive(pid: i32) -> bool {
    processes::stat(pid).is_some_and(|stat| !matches!(stat.state, 'Z' | 'X'))
}
