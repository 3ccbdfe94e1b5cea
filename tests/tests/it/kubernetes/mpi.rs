//! `mpirun` of Debian's Open MPI, in an image without ssh.

use std::collections::BTreeSet;

use mlbench_client::{RunRequest, RunState};
use mlbench_tests::kube::{KUBE_TIMEOUT, Namespace};
use mlbench_tests::{TestServer, eventually, new_run, tools};

use super::harness::{
    TestCluster, fail_by_deleting, image_run, shared_cluster, start, wait_for_end, wait_for_lines,
    wait_until_nothing_is_left,
};

async fn mpi_cluster() -> Option<TestCluster> {
    if !tools::mpi_of_image() {
        return None;
    }
    shared_cluster().await
}

/// Returns a request for a run of four processes of `mpi.py`.
fn on_images(name: &str, argument: &str) -> RunRequest {
    RunRequest {
        backend: Some("MPI".to_owned()),
        ..image_run(name, 4, &format!("python3 /usr/local/bin/mpi.py {argument}"))
    }
}

fn on_static_workers(name: &str, argument: &str) -> RunRequest {
    let new = new_run(name, &format!("python3 /usr/local/bin/mpi.py {argument}"));
    RunRequest { backend: Some("MPI".to_owned()), num_workers: Some(4), ..new }
}

/// Returns the lines of the processes, in the order of their ranks.
async fn lines(server: &TestServer, run: &mlbench_client::Run) -> Vec<String> {
    let output = server.output(run.id).await;
    let mut lines: Vec<_> =
        output.into_iter().map(|line| line.text).filter(|line| line.starts_with("rank ")).collect();
    lines.sort_unstable();
    lines
}

/// Returns the processes of static workers that belong to no idle worker.
async fn processes(cluster: &Namespace) -> String {
    let script = "for k in /proc/[0-9]*/cmdline; do tr '\\000' ' ' <$k; echo; done";
    let mut all = String::new();
    for pod in ["pool-0", "pool-1", "pool-2", "pool-3"] {
        all.push_str(&cluster.run(&["exec", pod, "--", "sh", "-c", script]).await);
    }
    all.lines()
        .filter(|line| ["mpi.py", "mpirun", "orted", "agent"].iter().any(|part| line.contains(part)))
        .collect()
}

#[tokio::test]
async fn mpirun_reaches_all_pods_of_an_image_and_of_static_workers() {
    let Some(cluster) = mpi_cluster().await else { return };
    cluster.static_workers(4).await;
    let server = cluster.server(4).await;
    let mut with_image = on_images("with image", "");
    with_image.needs.volumes = vec!["scratch:/scratch:empty_dir".parse().unwrap()];
    for (new, volume) in [(with_image, "/scratch"), (on_static_workers("static", ""), "None")] {
        let run = start(&server, &new).await;
        let run = wait_for_end(&server, run.id).await;
        let output = server.output(run.id).await;
        assert_eq!(run.state, RunState::Finished, "{:?} {output:#?}", run.job_metadata);
        let lines = lines(&server, &run).await;
        assert_eq!(lines.len(), 4, "{output:#?}");
        for (rank, line) in lines.iter().enumerate() {
            assert!(line.starts_with(&format!("rank {rank} of 4 on ")), "{line}");
            assert!(line.ends_with(&format!(", sum 6, RANK {rank}, volume {volume}, token yes")), "{line}");
        }
        let hosts: BTreeSet<_> = lines.iter().map(|line| line.split([' ', ',']).nth(5)).collect();
        assert_eq!(hosts.len(), 4, "{lines:?}");
        if volume == "None" {
            assert_eq!(processes(&cluster).await, "");
        } else {
            wait_until_nothing_is_left(&cluster).await;
        }
    }
}

#[tokio::test]
async fn a_stopped_mpirun_leaves_no_process_in_any_pod() {
    let Some(cluster) = mpi_cluster().await else { return };
    cluster.static_workers(4).await;
    let server = cluster.server(4).await;
    for new in [on_static_workers("static", "wait"), on_images("image", "wait")] {
        let is_static = new.image_name.is_none();
        let run = start(&server, &new).await;
        wait_for_lines(&server, run.id, 4).await;
        if is_static {
            assert!(processes(&cluster).await.contains("orted"));
        }
        server.client().runs().stop(run.id).await.unwrap();
        let run = wait_for_end(&server, run.id).await;
        assert_eq!(run.state, RunState::Stopped, "{:?}", run.job_metadata);
        if is_static {
            assert_eq!(processes(&cluster).await, "");
        } else {
            wait_until_nothing_is_left(&cluster).await;
        }
    }
}

#[tokio::test]
async fn a_failing_process_gives_its_exit_code_and_a_lost_pod_its_reason() {
    let Some(cluster) = mpi_cluster().await else { return };
    let mut server = cluster.server(4).await;
    let run = start(&server, &on_images("fails", "fail")).await;
    let run = wait_for_end(&server, run.id).await;
    let reason = run.job_metadata.reason.unwrap_or_default();
    assert_eq!((run.state, reason.as_str()), (RunState::Failed, "rank 0 exited with code 3"));
    let run = start(&server, &on_images("loses a pod", "wait")).await;
    wait_for_lines(&server, run.id, 4).await;
    // The next one finds the daemons again.
    server.kill9().await;
    server.restart().await;
    fail_by_deleting(&cluster, &server, run.id, "loses-a-pod-mlbench-worker-rel-2").await;
}

#[tokio::test]
async fn a_host_of_another_run_is_refused_in_words() {
    let Some(cluster) = mpi_cluster().await else { return };
    cluster.static_workers(4).await;
    let server = cluster.server(4).await;
    let hosts: Vec<String> = (0..4).map(|i| format!("pool-{i}.pool")).collect();
    let two = RunRequest {
        backend: Some("custom_backend".to_owned()),
        custom_backend: Some("mine".to_owned()),
        run_all_nodes: Some(false),
        num_workers: Some(2),
        ..new_run("other", &format!("mpirun --host {} hostname", hosts.join(",")))
    };
    let run = start(&server, &two).await;
    let run = wait_for_end(&server, run.id).await;
    let output = server.output(run.id).await;
    assert_eq!(run.state, RunState::Failed, "{output:#?}");
    // Any two of the pods may be its workers.
    let workers: Vec<String> = run.job_metadata.pods.iter().map(|pod| format!("{pod}.pool")).collect();
    let said =
        |host: &String| format!("mlbench: \"{host}\" is no worker of this run; use the hosts in {{hosts}}");
    let refused: Vec<&String> =
        hosts.iter().filter(|host| output.iter().any(|line| line.text == said(host))).collect();
    assert!(!refused.is_empty() && refused.iter().all(|host| !workers.contains(host)), "{output:#?}");
    eventually("no process is left", KUBE_TIMEOUT, async || {
        processes(&cluster).await.is_empty().then_some(())
    })
    .await;
}
