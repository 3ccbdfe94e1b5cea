use std::time::Duration;

use mlbench_core::storage::{PointsQuery, collect_points};
use mlbench_core::{Owner, Pod, PodName, PodPhase, Point, Timestamp};

use super::*;
use crate::launcher::tests::harness::World;
use crate::launcher::tests::process::{Exit, script};
use crate::vitals::Vitals;

fn world() -> World {
    World::without_launcher(vec![script(Exit::OnTerm); 2])
}

/// Starts the monitor of a world.
fn monitor(world: &World, interval: Duration) -> (Monitor, TaskGroup) {
    let group = TaskGroup::new("monitor");
    start(&group, &world.deps.monitor, interval);
    (world.deps.monitor.clone(), group)
}

fn pods_of(world: &World) -> Vec<Pod> {
    world.cluster.pods().borrow().to_vec()
}

/// Returns the stored points of a pod, or none while the pod itself is not stored.
async fn points(world: &World, pod: &str) -> Vec<Point> {
    let owner = Owner::Pod(PodName::new(pod).unwrap());
    let series = collect_points(world.storage(), &PointsQuery::all(owner)).await;
    series.unwrap_or_default().into_values().flatten().collect()
}

const ONE_HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn pods_are_stored_at_the_start_and_at_every_change() {
    let world = world();
    let (_monitor, _group) = monitor(&world, ONE_HOUR);
    world.when(async |world| world.storage().pods().await.unwrap() == pods_of(world)).await;
    let mut pods = pods_of(&world);
    pods[0].phase = PodPhase::Failed;
    pods.pop();
    world.cluster.set_pods(pods.clone());
    world.when(async |world| world.storage().pods().await.unwrap() == pods).await;
}

#[tokio::test(start_paused = true)]
async fn pods_are_sampled_at_every_interval_in_order() {
    let world = world();
    let (_monitor, _group) = monitor(&world, Duration::from_secs(2));
    world.when(async |world| points(world, "worker-1").await.len() >= 3).await;
    let points = points(&world, "worker-1").await;
    let expected = [(1, "0.1"), (2, "0.2"), (3, "0.3")];
    let expected = expected.map(|(at, value)| Point::new(Timestamp::from_micros(at), value));
    assert_eq!(points[..3], expected);
}

#[tokio::test(start_paused = true)]
async fn a_monitor_that_hangs_is_named_and_one_that_waits_is_not() {
    let world = world();
    let vitals = Vitals::default();
    let group = TaskGroup::reporting_to("monitor", vitals.clone());
    let held = world.deps.monitor.0.stored_pods.lock().await;
    start(&group, &world.deps.monitor, ONE_HOUR);
    sleep(Duration::from_secs(31)).await;
    assert_eq!(vitals.hung().as_deref(), Some("the monitor of the pods hangs: no progress for 31 s"));
    drop(held);
    world.when(async |_| vitals.hung().is_none()).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(vitals.hung(), None);
}

#[tokio::test]
async fn a_sample_of_a_new_pod_is_stored_together_with_the_pod() {
    let world = world();
    world.deps.monitor.sample().await.unwrap();
    assert_eq!(points(&world, "worker-0").await.len(), 1);
}

#[tokio::test]
async fn a_deleted_pod_keeps_its_metrics() {
    let world = world();
    let monitor = &world.deps.monitor;
    monitor.sample().await.unwrap();
    world.cluster.set_pods(Vec::new());
    monitor.sample().await.unwrap();
    assert_eq!(world.storage().pods().await.unwrap(), []);
    assert_eq!(points(&world, "worker-0").await.len(), 1);
}

#[test]
fn values_read_back_exactly_and_totals_are_cumulative() {
    let number = 0.1 + 0.2;
    let sample = PodSample {
        pod: PodName::new("worker-0").unwrap(),
        date: Timestamp::EPOCH,
        values: vec![("container_cpu_usage_seconds_total", number), ("container_memory_usage_bytes", 1e15)],
    };
    let metrics: Vec<Metric> = metrics(&sample).collect();
    assert_eq!(metrics[0].value.as_f64(), Some(number));
    assert_eq!(metrics[1].value.as_str(), "1000000000000000");
    assert_eq!(metrics.iter().map(|metric| metric.cumulative).collect::<Vec<_>>(), [true, false]);
}

#[tokio::test]
async fn a_monitor_stops_with_its_group() {
    let world = world();
    let (_monitor, group) = monitor(&world, ONE_HOUR);
    let stopped_at = std::time::Instant::now();
    group.stop(Duration::from_secs(300)).await;
    assert!(stopped_at.elapsed() < Duration::from_secs(300), "it was ended by force");
}
