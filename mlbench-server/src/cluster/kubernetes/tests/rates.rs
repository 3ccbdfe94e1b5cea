//! How many requests the API server gets for a run that waits.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use mlbench_core::PodName;
use mlbench_core::run::{Run, Worker};
use serde_json::{Value, json};
use tokio::time::{Instant, advance};

use super::super::connection::KubernetesCluster;
use super::super::objects::names::{run_labels, worker_labels};
use super::super::testing;
use super::fake_api::{Answers, FakeApi};
use super::harness::{image_run, rank, static_run};
use crate::cluster::error::ClusterError;
use crate::cluster::interface::Cluster;
use crate::cluster::provision::{ProvisionRequest, ProvisionStatus};
use crate::cluster::rank::{Offsets, Signal};
use crate::task_group::TaskGroup;
use crate::token::Token;

/// Number of workers of each run.
const WORKERS: u32 = 16;
/// Most requests of a run within a minute: one every two seconds.
const MOST: usize = 30;
/// Most requests of a server for its lease within a minute.
///
/// Two at the start, and then one every ten seconds, or one every eight seconds while they fail.
const MOST_OF_THE_LEASE: usize = 10;

fn pods(run: &Run, status: &Value) -> Vec<Value> {
    let labels = match &run.spec.image {
        Some(_) => run_labels(&testing::options(), run.into()),
        None => worker_labels("rel"),
    };
    let pod = |number| {
        let name = format!("x-mlbench-worker-rel-{number}");
        json!({"metadata": {"name": name, "uid": name, "labels": labels}, "status": status,
            "spec": {"containers": [{"name": "worker"}]}})
    };
    (0..WORKERS).map(pod).collect()
}

fn running() -> Value {
    json!({"phase": "Running", "podIP": "10.0.0.1", "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": "worker", "image": "", "imageID": "", "ready": true, "restartCount": 0,
            "state": {"running": {}}}]})
}

/// Repeats a request as the launcher does, for a minute.
async fn for_a_minute(mut step: impl AsyncFnMut()) {
    let end = Instant::now() + Duration::from_secs(60);
    while Instant::now() < end {
        step().await;
        advance(Duration::from_millis(500)).await;
    }
}

/// Waits a minute for the workers of a run, and returns what is missing then.
async fn wait_for_workers(api: &Arc<FakeApi>, run: &Run) -> String {
    let background = TaskGroup::new("test");
    let cluster = api.cluster(&background).await;
    let token = Token::random().unwrap();
    let request = ProvisionRequest { run, taken: &[], token: Some(&token) };
    let mut missing = String::new();
    for_a_minute(async || {
        missing = match cluster.provision(&request).await {
            Ok(ProvisionStatus::Waiting { missing }) => missing.join("\n"),
            Err(ClusterError::Unreachable(why)) => why,
            other => panic!("{other:?}"),
        };
    })
    .await;
    missing
}

/// Returns the requests without those for the lease, of which there must be few.
fn requests_of_the_run(api: &FakeApi) -> Vec<String> {
    let (lease, others): (Vec<_>, Vec<_>) =
        api.requests().into_iter().partition(|request| request.contains("/leases"));
    assert!(lease.len() <= MOST_OF_THE_LEASE, "{lease:#?}");
    others
}

fn assert_few(api: &FakeApi, state: &str) {
    let requests = requests_of_the_run(api);
    assert!(requests.len() <= MOST, "{state}: {} requests: {requests:#?}", requests.len());
    println!("{state}: {} requests in a minute", requests.len());
}

#[tokio::test(start_paused = true)]
async fn waiting_for_workers_sends_few_requests_and_creates_nothing_twice() {
    let run = image_run(1, "x", WORKERS, "image:1");
    let unschedulable = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
        "reason": "Unschedulable", "message": "0/1 nodes are available"}]});
    let no_image = json!({"phase": "Pending", "containerStatuses": [{"name": "worker", "image": "", "imageID": "",
        "ready": false, "restartCount": 0, "state": {"waiting": {"reason": "ImagePullBackOff"}}}]});
    let creating = json!({"phase": "Pending", "containerStatuses": [{"name": "worker", "image": "", "imageID": "",
        "ready": false, "restartCount": 0, "state": {"waiting": {"reason": "ContainerCreating"}}}]});
    for (state, pods, broken, expected) in [
        ("pending without pods", Vec::new(), Vec::new(), "0 of 16 worker pods exist"),
        ("unschedulable", pods(&run, &unschedulable), Vec::new(), "Unschedulable"),
        ("image missing", pods(&run, &no_image), Vec::new(), "ImagePullBackOff"),
        ("network of the pods broken", pods(&run, &creating), Vec::new(), "starting"),
        ("API server responds with 500", Vec::new(), vec!["/"], "broken"),
        ("webhook responds with 500", Vec::new(), vec!["statefulsets"], "broken"),
        ("exec refused", pods(&run, &running()), vec!["/exec"], "does not execute commands yet"),
    ] {
        let api = FakeApi::new(Answers { pods, broken });
        let missing = wait_for_workers(&api, &run).await;
        assert!(missing.contains(expected), "{state}: {missing}");
        assert_few(&api, state);
        let posts = requests_of_the_run(&api).into_iter().filter(|request| request.starts_with("POST"));
        let mut created: Vec<_> = posts.filter(|request| !request.contains("/exec")).collect();
        if state == "pending without pods" {
            assert_eq!(created.len(), 3, "Service, Secret and StatefulSet: {created:?}");
            created.dedup();
            assert_eq!(created.len(), 3);
        }
    }
}

/// Returns a started run on pods that execute no commands, and its cluster.
async fn deaf_run(background: &TaskGroup, is_static: bool) -> (Arc<FakeApi>, KubernetesCluster, Run) {
    let mut run = if is_static { static_run(1, WORKERS) } else { image_run(1, "x", WORKERS, "image:1") };
    let pods = pods(&run, &running());
    let worker = |pod: &Value| Worker {
        pod: PodName::new(pod["metadata"]["name"].as_str().unwrap()).unwrap(),
        host: "h".to_owned(),
        port: 1,
    };
    run.workers = pods.iter().map(worker).collect();
    let api = FakeApi::new(Answers { pods, broken: vec!["/exec"] });
    let cluster = api.cluster(background).await;
    (api, cluster, run)
}

#[tokio::test(start_paused = true)]
async fn ranks_that_cannot_be_followed_or_stopped_are_asked_rarely() {
    let background = TaskGroup::new("test");
    let (api, cluster, run) = deaf_run(&background, false).await;
    let (cluster, run) = (&cluster, &run);
    let ranks = || (0..WORKERS).map(|number| rank(run, number));
    let follow = join_all(ranks().map(|at| async move {
        let end = Instant::now() + Duration::from_secs(60);
        while Instant::now() < end {
            let error = cluster.follow(&at, Offsets::default(), Duration::from_secs(20)).await.unwrap_err();
            assert!(matches!(error, ClusterError::Unreachable(_)), "{error:?}");
            advance(Duration::from_millis(500)).await;
        }
    }));
    let stop = for_a_minute(async || {
        for at in ranks() {
            let error = cluster.signal(&at, Signal::Term).await.unwrap_err();
            assert!(matches!(error, ClusterError::Unreachable(_)), "{error:?}");
        }
    });
    tokio::join!(follow, stop);
    // Each rank fails once before the server knows it.
    let requests = requests_of_the_run(&api).len() - 2 * WORKERS as usize;
    assert!(requests <= MOST, "{requests} requests: {:#?}", requests_of_the_run(&api));
}

#[tokio::test(start_paused = true)]
async fn release_of_a_worker_that_does_not_answer_is_repeated_rarely() {
    let background = TaskGroup::new("test");
    let (api, cluster, run) = deaf_run(&background, true).await;
    for_a_minute(async || drop(cluster.release(&run).await.unwrap_err())).await;
    // Each rank fails once before the server knows it.
    let requests = requests_of_the_run(&api).len() - WORKERS as usize;
    assert!(requests <= MOST, "{requests} requests: {:#?}", requests_of_the_run(&api));
}

#[tokio::test(start_paused = true)]
async fn static_workers_that_execute_no_commands_are_deleted_so_that_the_run_can_end() {
    let background = TaskGroup::new("test");
    let (api, cluster, run) = deaf_run(&background, true).await;
    for _ in 0..3 {
        for_a_minute(async || drop(cluster.release(&run).await)).await;
    }
    let requests = api.requests();
    for worker in &run.workers {
        let end = format!("/pods/{}", worker.pod);
        let deleted = |one: &&String| one.starts_with("DELETE") && one.ends_with(&end);
        assert!((1..3).contains(&requests.iter().filter(deleted).count()), "{requests:#?}");
    }
}
