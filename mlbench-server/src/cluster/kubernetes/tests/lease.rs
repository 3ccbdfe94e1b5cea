//! Two servers with the same name, of which one may act.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{ObjectMeta, PostParams};
use serde_json::{Value, json};
use tokio::time::{Instant, advance};

use super::super::connection::KubernetesCluster;
use super::super::objects::names::lease_name;
use super::fake_api::{Answers, FakeApi};
use super::harness::{eventually, followed, harness, launch, provisioned, rank, released, static_run};
use crate::cluster::error::ClusterError;
use crate::cluster::interface::Cluster;
use crate::cluster::orphans::OrphanSearch;
use crate::cluster::provision::ProvisionRequest;
use crate::cluster::rank::{Offsets, Signal};
use crate::task_group::TaskGroup;

const PATH: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases/mlbench-rel";

/// Returns the lease as a server has written it once.
fn lease_of(holder: &str) -> Value {
    json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "mlbench-rel", "resourceVersion": "7"},
        "spec": {"holderIdentity": holder, "leaseDurationSeconds": 30, "renewTime": "2020-01-01T00:00:00.000000Z"}})
}

/// Returns how long it takes until a server may act.
async fn time_until_held(cluster: &KubernetesCluster) -> Duration {
    let started = Instant::now();
    while cluster.lease.check().is_err() {
        assert!(started.elapsed() < Duration::from_secs(120), "{:?}", cluster.obstacle());
        advance(Duration::from_secs(1)).await;
    }
    started.elapsed()
}

/// Asserts that a cluster refuses every request that acts on a run.
async fn assert_leaves_all_alone(cluster: &KubernetesCluster) {
    let mut run = static_run(1, 1);
    run.workers.push(mlbench_core::run::Worker {
        pod: mlbench_core::PodName::new("pool-0").unwrap(),
        host: "h".to_owned(),
        port: 1,
    });
    let at = rank(&run, 0);
    let search = OrphanSearch { known: &[], last_write: mlbench_core::Timestamp::EPOCH, purge: true };
    let refusals = [
        cluster.provision(&ProvisionRequest::of(&run)).await.map(drop),
        cluster.follow(&at, Offsets::default(), Duration::from_secs(1)).await.map(drop),
        cluster.signal(&at, Signal::Kill).await.map(drop),
        cluster.release(&run).await.map(drop),
        cluster.remove_orphans(&search).await.map(drop),
    ];
    for refusal in refusals {
        let Err(ClusterError::Unreachable(why)) = refusal else { panic!("{refusal:?}") };
        assert!(why.contains("another server holds the lease of this database: one"), "{why}");
    }
    assert!(cluster.obstacle().unwrap().contains("one"));
}

#[tokio::test(start_paused = true)]
async fn a_second_server_acts_only_after_the_first_one_has_stopped() {
    let api = FakeApi::new(Answers::default());
    let (first, second) = (TaskGroup::new("first"), TaskGroup::new("second"));
    let original = api.cluster_of("one", &first).await;
    let copy = api.cluster_of("two", &second).await;
    for _ in 0..180 {
        original.lease.check().unwrap();
        assert_leaves_all_alone(&copy).await;
        advance(Duration::from_secs(1)).await;
    }
    assert!(!api.requests().iter().any(|request| request.starts_with("DELETE")), "{:?}", api.requests());
    first.stop(Duration::from_secs(5)).await;
    assert!(time_until_held(&copy).await <= Duration::from_secs(11));
    assert_eq!(copy.obstacle(), None);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_killed_has_its_lease_at_once_and_another_one_after_its_end() {
    for (holder, least, most) in [("one", 0, 0), ("two", 30, 41)] {
        let api = FakeApi::new(Answers::default());
        api.put(PATH, lease_of("one"));
        let background = TaskGroup::new("test");
        let cluster = api.cluster_of(holder, &background).await;
        let elapsed = time_until_held(&cluster).await;
        assert!((least..=most).contains(&elapsed.as_secs()), "{holder}: {elapsed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_cannot_be_renewed_ends() {
    let api = FakeApi::new(Answers::default());
    let background = TaskGroup::new("test");
    let cluster = api.cluster_of("one", &background).await;
    cluster.lease.check().unwrap();
    api.break_down("/leases");
    let started = Instant::now();
    while cluster.lease.check().is_ok() {
        assert!(started.elapsed() < Duration::from_secs(30));
        advance(Duration::from_secs(1)).await;
    }
    assert!(started.elapsed() >= Duration::from_secs(10), "one failure does not end it");
    // The API server is away, which is no reason to take this server out of service.
    assert_eq!(cluster.obstacle(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_on_a_clone_of_the_volume_leaves_the_run_of_the_original_alone() {
    let Some(mut harness) = harness().await else { return };
    harness.static_pods(1, true).await;
    let original = harness.cluster().await;
    let mut run = static_run(1, 1);
    provisioned(&original, &mut run).await;
    launch(&original, rank(&run, 0), "echo up; sleep 8; exit 3").await;
    harness.options.holder = "clone".to_owned();
    let clone = harness.cluster().await;
    for error in [
        clone.release(&run).await.map(drop).unwrap_err(),
        clone.signal(&rank(&run, 0), Signal::Kill).await.map(drop).unwrap_err(),
    ] {
        assert!(error.to_string().contains("another server holds the lease"), "{error}");
    }
    assert!(clone.obstacle().is_some());
    let seen = followed(&original, &rank(&run, 0)).await;
    assert_eq!((seen.end, &seen.stdout[..]), (Some(Ok(3)), &b"up\n"[..]));
    released(&original, &run).await;
    harness.stop().await;
    // A clone that is started after the end of the original takes its place at once.
    let successor = harness.cluster().await;
    eventually("the lease", || async { successor.lease.check().ok() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lease_of_a_killed_server_passes_on_once_it_is_not_renewed() {
    let Some(mut harness) = harness().await else { return };
    let mut lease: Lease = serde_json::from_value(lease_of("killed")).unwrap();
    lease.metadata =
        ObjectMeta { name: Some(lease_name(&harness.options.instance)), ..ObjectMeta::default() };
    harness.api::<Lease>().create(&PostParams::default(), &lease).await.unwrap();
    harness.options.holder = "next".to_owned();
    let began = Instant::now();
    let next = harness.cluster().await;
    assert!(next.obstacle().unwrap().contains("killed"));
    eventually("the lease", || async { next.lease.check().ok() }).await;
    assert!(began.elapsed() >= Duration::from_secs(30), "its date says nothing: another clock wrote it");
    let taken = harness.api::<Lease>().get(&lease.metadata.name.unwrap()).await.unwrap();
    assert_eq!(taken.spec.unwrap().holder_identity.as_deref(), Some("next"));
    harness.stop().await;
}
