//! From the launch to the exit code.

use std::time::Duration;

use mlbench_core::PodPhase;

use super::super::environment::inherited;
use super::super::launch::unbuffered;
use super::harness::{DEADLINE, Fixture};
use crate::cluster::error::ClusterError;
use crate::cluster::interface::Cluster;
use crate::cluster::provision::{ProvisionRequest, ProvisionStatus};
use crate::cluster::rank::Offsets;

#[tokio::test]
async fn workers_are_pods_of_this_machine() {
    let fixture = Fixture::new(2);
    let pods = fixture.cluster.pods().borrow().clone();
    let names: Vec<&str> = pods.iter().map(|pod| pod.name.as_str()).collect();
    assert_eq!(names, ["local-mlbench-worker-0", "local-mlbench-worker-1"]);
    assert_eq!(pods[0].labels["release"], "local");
    assert_eq!((pods[0].phase, pods[0].ip.as_str()), (PodPhase::Running, "127.0.0.1"));
    assert_eq!(fixture.cluster.max_workers(), 2);
}

#[tokio::test]
async fn every_worker_has_its_own_port_and_ignored_options_are_noted() {
    let mut fixture = Fixture::new(3);
    fixture.run.spec.image = Some("mlbench/x:latest".to_owned());
    fixture.run.spec.max_bandwidth = Some(100.0);
    let ProvisionStatus::Ready { workers, messages } =
        fixture.cluster.provision(&ProvisionRequest::of(&fixture.run)).await.unwrap()
    else {
        panic!("local workers are always ready");
    };
    let mut ports: Vec<u16> = workers.iter().map(|worker| worker.port).collect();
    ports.dedup();
    assert_eq!(ports.len(), 3);
    assert!(workers.iter().all(|worker| worker.host == "127.0.0.1"));
    let image = "image mlbench/x:latest is ignored: local workers run the command on this machine";
    assert_eq!(messages[0], image);
    assert!(messages[1].starts_with("max_bandwidth 100 is not enforced"), "{messages:?}");
}

#[tokio::test]
async fn more_workers_than_the_server_has_are_refused() {
    let mut fixture = Fixture::new(1);
    fixture.run.spec.num_workers = 2;
    let refusal = fixture.cluster.provision(&ProvisionRequest::of(&fixture.run)).await.unwrap_err();
    let why = "num_workers: 2 requested, 1 available; request at most 1";
    assert_eq!(refusal, ClusterError::Refused(why.to_owned()));
    fixture.run.spec.num_workers = 1;
}

#[tokio::test]
async fn output_is_read_exactly_with_and_without_a_last_newline() {
    let fixture = Fixture::new(1);
    fixture.sh("printf 'one\\ntwo'; printf 'warn\\n' >&2").await;
    assert_eq!(fixture.read_to_end(Offsets::default()).await, (b"one\ntwo".into(), b"warn\n".into(), 0));
    let later = Offsets { stdout: 4, stderr: 5 };
    assert_eq!(fixture.read_to_end(later).await, (b"two".into(), vec![], 0));
}

#[tokio::test]
async fn output_arrives_while_the_command_runs() {
    let fixture = Fixture::new(1);
    fixture.sh("echo first; sleep 1000").await;
    let output = fixture.cluster.follow(&fixture.rank(0), Offsets::default(), DEADLINE).await.unwrap();
    assert_eq!((&output.stdout[..], output.exit_code), (&b"first\n"[..], None));
    let quiet = Offsets { stdout: 6, stderr: 0 };
    let output = fixture.cluster.follow(&fixture.rank(0), quiet, Duration::from_millis(30)).await.unwrap();
    assert!(output.stdout.is_empty() && output.exit_code.is_none());
}

#[tokio::test]
async fn exit_code_arrives_with_the_last_piece_of_twenty_megabytes() {
    let fixture = Fixture::new(1);
    fixture.sh("head -c 20000000 /dev/zero | tr '\\000' x; exit 3").await;
    let (stdout, _, code) = fixture.read_to_end(Offsets::default()).await;
    assert_eq!((stdout.len(), code), (20_000_000, 3));
    assert!(stdout.iter().all(|&byte| byte == b'x'));
}

#[tokio::test]
async fn exit_code_is_that_of_the_command() {
    for (script, expected) in [("true", 0), ("exit 3", 3), ("kill -TERM $$", 143), ("kill -KILL $$", 137)] {
        let fixture = Fixture::new(1);
        fixture.sh(script).await;
        assert_eq!(fixture.read_to_end(Offsets::default()).await.2, expected, "{script}");
    }
}

#[tokio::test]
async fn missing_command_exits_with_127_and_a_message() {
    let fixture = Fixture::new(1);
    fixture.cluster.launch(&fixture.task(0, &["no-such-program", "x"])).await.unwrap();
    let (_, stderr, code) = fixture.read_to_end(Offsets::default()).await;
    assert_eq!(String::from_utf8(stderr).unwrap(), "mlbench: no-such-program: command not found\n");
    assert_eq!(code, 127);
}

#[tokio::test]
async fn command_sees_its_environment_but_no_server_settings() {
    let fixture = Fixture::new(1);
    let mut task = fixture.task(0, &["env"]);
    task.env = vec![("RANK".to_owned(), "it's 0\nand more".to_owned())];
    fixture.cluster.launch(&task).await.unwrap();
    let stdout = String::from_utf8(fixture.read_to_end(Offsets::default()).await.0).unwrap();
    assert!(stdout.contains("RANK=it's 0\nand more\n"), "{stdout}");
    assert!(stdout.contains(&format!("MLBENCH_WORKER_ID={}/0\n", fixture.run.job_id)));
    assert!(stdout.contains("PATH=") && !stdout.contains("MLBENCH_TOKEN"), "{stdout}");
    assert!(stdout.contains("PYTHONUNBUFFERED=1\n"), "{stdout}");
}

#[test]
fn the_server_may_ask_for_buffered_python() {
    let given = vec![("PYTHONUNBUFFERED".into(), "".into()), ("MLBENCH_TOKEN".into(), "secret".into())];
    assert_eq!(unbuffered(inherited(given.clone())), given[..1]);
}

#[tokio::test]
async fn command_runs_in_the_server_directory_with_empty_stdin() {
    let fixture = Fixture::new(1);
    fixture.sh("pwd; cat; umask").await;
    let (stdout, _, code) = fixture.read_to_end(Offsets::default()).await;
    let here = std::env::current_dir().unwrap();
    let stdout = String::from_utf8(stdout).unwrap();
    assert_eq!((stdout.lines().next(), code), (here.to_str(), 0));
    assert_ne!(
        stdout.lines().nth(1),
        Some("0077"),
        "the private umask applies to the files of the run, not to the command"
    );
}

/// Runs itself again under a shell that ignores signals, which is how a server comes to ignore them.
#[tokio::test]
async fn command_has_default_signals_when_the_server_ignores_some() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = |status: &str| {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap().trim();
        // Signals from 32 on belong to the C library.
        u64::from_str_radix(mask, 16).unwrap() & 0x7fff_ffff
    };
    if ignored(&status) & 0b111 != 0b111 {
        let name = "cluster::local::tests::lifecycle::\
                    command_has_default_signals_when_the_server_ignores_some";
        let again = std::process::Command::new("sh")
            .args(["-c", "trap '' HUP INT QUIT USR1 TTOU; exec \"$0\" --exact \"$1\""])
            .args([std::env::current_exe().unwrap().as_os_str(), name.as_ref()])
            .output()
            .unwrap();
        let report = String::from_utf8_lossy(&again.stdout);
        assert!(again.status.success() && report.contains("1 passed"), "{report}");
        return;
    }
    let fixture = Fixture::new(1);
    fixture.cluster.launch(&fixture.task(0, &["cat", "/proc/self/status"])).await.unwrap();
    let stdout = String::from_utf8(fixture.read_to_end(Offsets::default()).await.0).unwrap();
    assert_eq!(ignored(&stdout), 0, "{stdout}");
}

#[tokio::test]
async fn ranks_do_not_share_output() {
    let fixture = Fixture::new(2);
    for (rank, word) in [(0, "zero"), (1, "one")] {
        fixture.cluster.launch(&fixture.task(rank, &["echo", word])).await.unwrap();
    }
    assert_eq!(fixture.read_to_end(Offsets::default()).await.0, b"zero\n");
}
