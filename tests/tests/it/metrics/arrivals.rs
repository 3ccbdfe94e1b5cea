use std::fs;

use mlbench_client::{MetricsQuery, NewMetric, Owner, RunId, Timestamp};
use mlbench_tests::TestServer;

fn run() -> RunId {
    RunId::new(1).unwrap()
}

fn metric(name: &str, date: i64, value: f64) -> NewMetric {
    let date = Some(Timestamp::from_micros(date));
    NewMetric { date, ..NewMetric::new(Owner::Run(run()), name, value).unwrap() }
}

#[tokio::test]
async fn a_follower_gets_every_point_once_across_a_restart() {
    let mut server = TestServer::start().await;
    server.run("true").await;
    let client = server.client();
    let post = async |points: &[(i64, f64)]| {
        let points: Vec<_> = points.iter().map(|(date, value)| metric("loss", *date, *value)).collect();
        assert_eq!(client.metrics().post_batch(&points).await.unwrap().rejected_count, 0);
    };
    let filter = MetricsQuery { metric_filter: vec!["loss".to_owned()], ..MetricsQuery::default() };
    let mut follower = client.metrics().follow(Owner::Run(run()), filter);
    let mut next = async || -> Vec<(i64, f64)> {
        let points = follower.next().await.unwrap().remove("loss").unwrap_or_default();
        points.iter().map(|point| (point.date.as_micros(), point.value.as_f64().unwrap())).collect()
    };
    post(&[(10, 1.0), (20, 0.5)]).await;
    assert_eq!(next().await, [(10, 1.0), (20, 0.5)]);
    assert_eq!(next().await, []);
    post(&[(30, 0.25), (15, 0.75)]).await;
    assert_eq!(next().await, [(15, 0.75), (30, 0.25)]);
    post(&[(5, 2.0)]).await;
    server.kill9().await;
    server.restart().await;
    assert_eq!(next().await, [(5, 2.0)]);
    let series = client.runs().series(run()).await.unwrap();
    let loss = series.iter().find(|series| series.name.as_str() == "loss").unwrap();
    assert_eq!((loss.count, loss.min, loss.max), (5, Some(0.25), Some(2.0)));
}

/// Returns a field of `/proc/PID/status` in KiB.
fn memory(pid: u32, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_servers_memory_does_not_grow_with_a_response() {
    let server = TestServer::start().await;
    server.run("true").await;
    let points: Vec<_> =
        (0..100_000).map(|i| metric(&format!("loss @ {}", i % 10), i, f64::from(i as i32).sin())).collect();
    for part in points.chunks(10_000) {
        assert_eq!(server.client().metrics().post_batch(part).await.unwrap().accepted, 10_000);
    }
    let path = "/api/metrics/1/?metric_type=run";
    // The first responses warm the caches of the reading connections.
    for _ in 0..4 {
        assert_eq!(server.get(&format!("{path}&last_n=1000")).await.status, 200);
    }
    let before = memory(server.pid(), "VmRSS");
    // Resets `VmHWM`.
    fs::write(format!("/proc/{}/clear_refs", server.pid()), "5").unwrap();
    let response = server.get(path).await;
    assert!(response.body.len() > 5_000_000, "{}", response.body.len());
    let grown = memory(server.pid(), "VmHWM").saturating_sub(before);
    assert!(grown < 8 * 1024, "{grown} KiB");
}
