use mlbench_client::{MetricsQuery, Owner, PodPhase, RunName, RunRequest, RunState};
use mlbench_tests::eventually;
use mlbench_tests::kube::KUBE_TIMEOUT;

use super::harness::{shared_cluster, start, wait_for_end};

#[tokio::test]
async fn the_built_in_benchmark_reaches_its_goal_on_four_pods() {
    let Some(cluster) = shared_cluster().await else { return };
    cluster.static_workers(4).await;
    let server = cluster.server(4).await;
    let client = server.client();
    let run = start(&server, &RunRequest::named(RunName::new("trained").unwrap())).await;
    let run = wait_for_end(&server, run.id).await;
    assert_eq!(run.state, RunState::Finished, "{:?} {:?}", run.job_metadata, server.output(run.id).await);
    assert_eq!(run.job_metadata.exit_codes, (0..4).map(|rank| (rank, 0)).collect());
    assert_eq!(run.job_metadata.pods.len(), 4);

    let metrics = client.metrics().get(&Owner::Run(run.id), &MetricsQuery::default()).await.unwrap();
    let accuracy = metrics["val_global_Prec@1 @ 0"].last().unwrap().value.as_f64().unwrap();
    assert!(accuracy >= 95.0, "{accuracy}");
    assert!(metrics.contains_key("global_cum_agg @ 0"), "{:?}", metrics.keys());
    for rank in 0..4 {
        assert!(metrics.contains_key(&format!("train_loss @ {rank}")), "{:?}", metrics.keys());
    }

    let pods = client.pods().list().await.unwrap();
    assert_eq!(pods.len(), 4);
    for pod in pods {
        assert_eq!((pod.phase, pod.labels["release"].as_str()), (PodPhase::Running, "rel"));
        let owner = Owner::Pod(pod.name.clone());
        eventually("the pod's CPU seconds and memory are stored", KUBE_TIMEOUT, async || {
            let metrics = client.metrics().get(&owner, &MetricsQuery::default()).await.unwrap();
            let last = |name: &str| metrics.get(name)?.last()?.value.as_f64();
            let used = last("container_cpu_usage_seconds_total")? > 0.0;
            (used && last("container_memory_working_set_bytes")? > 0.0).then_some(())
        })
        .await;
    }
}
