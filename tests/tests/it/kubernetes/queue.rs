use mlbench_client::{RunRequest, RunState};
use mlbench_tests::new_run;

use super::harness::{shared_cluster, start, wait_for_end};

#[tokio::test]
async fn runs_that_need_all_pods_execute_one_after_another() {
    let Some(cluster) = shared_cluster().await else { return };
    cluster.static_workers(2).await;
    let server = cluster.options(2).args(&["--run-policy", "queue"]).start().await;
    let first = start(&server, &new_run("first", "sleep 3")).await;
    let second = start(&server, &new_run("second", "true")).await;
    assert_eq!(second.queue_position, Some(1));
    assert!(second.waiting_for.is_some_and(|why| why.contains("run 1")));
    let [first, second] = [wait_for_end(&server, first.id).await, wait_for_end(&server, second.id).await];
    assert_eq!([first.state, second.state], [RunState::Finished; 2], "{:?}", second.job_metadata);
    assert!(second.finished_at > first.finished_at);
}

#[tokio::test]
async fn small_runs_share_the_pods() {
    let Some(cluster) = shared_cluster().await else { return };
    cluster.static_workers(2).await;
    let server = cluster.options(2).args(&["--run-policy", "queue"]).start().await;
    let half =
        |name| RunRequest { num_workers: Some(1), ..new_run(name, "sh -c 'cat /etc/hostname; sleep 3'") };
    let (first, second) = (start(&server, &half("first")).await, start(&server, &half("second")).await);
    let mut hosts = Vec::new();
    for run in [first, second] {
        assert_eq!(run.queue_position, None);
        assert_eq!(wait_for_end(&server, run.id).await.state, RunState::Finished);
        hosts.extend(server.output(run.id).await.into_iter().map(|line| line.text));
    }
    hosts.sort_unstable();
    assert_eq!(hosts, ["pool-0", "pool-1"]);
}
