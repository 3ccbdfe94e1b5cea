use mlbench_client::{MetricsQuery, OutputStream, Owner, RunName, RunRequest, RunState};
use mlbench_tests::{ServerOptions, TestServer};

#[tokio::test]
async fn a_run_executes_its_command_on_every_worker() {
    let server = TestServer::start().await;
    let started = server.start_run("sh -c 'echo out of $RANK; echo err of $RANK >&2'").await;
    assert!(started.state.is_active(), "{started:?}");
    let run = server.wait(started.id).await;
    assert_eq!(run.state, RunState::Finished, "{:?}", run.job_metadata);
    assert_eq!(run.num_workers, 2);
    assert_eq!(run.job_metadata.exit_codes, [(0, 0), (1, 0)].into());
    assert_eq!(run.job_metadata.reason, None);
    let pods: Vec<_> = run.job_metadata.pods.iter().map(mlbench_client::PodName::as_str).collect();
    assert_eq!(pods, ["local-mlbench-worker-0", "local-mlbench-worker-1"]);
    assert_eq!(run.job_metadata.master_name, pods[0]);
    assert!(run.finished_at.is_some_and(|end| end >= run.created_at));
    for rank in 0..2 {
        assert_eq!(server.lines_of(run.id, rank, OutputStream::Stdout).await, [format!("out of {rank}")]);
        assert_eq!(server.lines_of(run.id, rank, OutputStream::Stderr).await, [format!("err of {rank}")]);
    }
    server.wait_until_nothing_runs().await;
}

#[tokio::test]
async fn local_workers_are_listed_as_running_pods() {
    let server = ServerOptions::default().workers(3).start().await;
    let pods = server.client().pods().list().await.unwrap();
    assert_eq!(pods.len(), 3);
    for (rank, pod) in pods.iter().enumerate() {
        assert_eq!(pod.name.as_str(), format!("local-mlbench-worker-{rank}"));
        assert_eq!((pod.phase.as_str(), pod.ip.as_str()), ("Running", "127.0.0.1"));
        assert_eq!((pod.labels["app"].as_str(), pod.labels["component"].as_str()), ("mlbench", "worker"));
    }
}

#[tokio::test]
async fn a_run_without_a_command_trains_the_built_in_benchmark() {
    let server = TestServer::start().await;
    let client = server.client();
    let run =
        client.runs().start(&RunRequest::named(RunName::new("Name of the run").unwrap())).await.unwrap();
    let run = server.wait(run.id).await;
    assert_eq!(run.state, RunState::Finished, "{:?}\n{:?}", run.job_metadata, server.output(run.id).await);
    let metrics = client.metrics().get(&Owner::Run(run.id), &MetricsQuery::default()).await.unwrap();
    let accuracy = metrics["val_global_Prec@1 @ 0"].last().unwrap().value.as_f64().unwrap();
    assert!(accuracy >= 95.0, "{accuracy}");
    for name in ["TaskResult @ 0", "TotalCumulativeTrainTime @ 0", "global_cum_agg @ 0", "train_loss @ 1"] {
        assert!(metrics.contains_key(name), "{name} is not in {:?}", metrics.keys());
    }
    let last = |name: &str| metrics[name].last().unwrap().value.as_f64().unwrap();
    let parts = last("global_cum_agg_transfer @ 0") + last("global_cum_agg_wait @ 0");
    assert!((parts - last("global_cum_agg @ 0")).abs() < 1e-9, "{parts}");
    assert!(last("agg_wait @ 1") >= 0.0);
    assert_eq!(last("time_to_accuracy @ 0"), last("TotalCumulativeTrainTime @ 0"));
    let cores = std::thread::available_parallelism().unwrap().get();
    let pinned = if cores < 2 { "rank 1 is not pinned: " } else { "rank 1 is pinned to core " };
    let lines = server.lines_of(run.id, 1, OutputStream::Stdout).await;
    assert!(lines[0].starts_with(pinned), "{}", lines[0]);
}

#[tokio::test]
async fn a_missing_built_in_benchmark_is_refused_with_its_locations() {
    let folder = tempfile::tempdir().unwrap();
    let lonely = folder.path().join("mlbench-server");
    std::fs::copy(mlbench_tests::binary("mlbench-server"), &lonely).unwrap();
    let server = ServerOptions::default().program(lonely).env("PATH", "/usr/bin:/bin").start().await;
    let refused = server.post("/api/runs/", r#"{"name":"x"}"#).await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    let detail = refused.problem().detail;
    assert!(detail.contains("next to") && detail.contains("PATH"), "{detail}");
    assert_eq!(server.run("true").await.state, RunState::Finished, "a run with a command needs no benchmark");
}

#[tokio::test]
async fn a_smaller_run_uses_the_first_workers() {
    let server = ServerOptions::default().workers(3).start().await;
    let new = RunRequest { num_workers: Some(2), ..mlbench_tests::new_run("two of three", "true") };
    let run = server.client().runs().start(&new).await.unwrap();
    let run = server.wait(run.id).await;
    assert_eq!((run.num_workers, run.job_metadata.exit_codes.len()), (2, 2));
}

#[tokio::test]
async fn local_workers_store_an_image_but_do_not_use_it() {
    let server = TestServer::start().await;
    let new = RunRequest {
        image_name: Some("custom_image".to_owned()),
        custom_image_name: Some("busybox:1".to_owned()),
        ..mlbench_tests::new_run("with an image", "true")
    };
    let run = server.client().runs().start(&new).await.unwrap();
    let run = server.wait(run.id).await;
    assert_eq!((run.state, run.image.as_deref()), (RunState::Finished, Some("busybox:1")));
    let messages = server.server_messages(run.id).await.join("\n");
    assert!(messages.contains("busybox:1"), "{messages}");
}

#[tokio::test]
async fn num_cpus_limits_the_cores_of_local_workers() {
    let server = TestServer::start().await;
    let new = RunRequest { num_cpus: Some(1.0), ..mlbench_tests::new_run("one core", "nproc") };
    let run = server.client().runs().start(&new).await.unwrap();
    let run = server.wait(run.id).await;
    assert_eq!((run.state, run.num_cpus), (RunState::Finished, Some(1.0)));
    for rank in 0..2 {
        assert_eq!(server.lines_of(run.id, rank, OutputStream::Stdout).await, ["1"], "rank {rank}");
    }
    let messages = server.server_messages(run.id).await.join("\n").to_lowercase();
    assert!(messages.contains("core") || messages.contains("cpu"), "{messages}");
}
