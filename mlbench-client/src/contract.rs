//! Every endpoint has a method here, which sends what the endpoint takes and reads what it answers.

use mlbench_core::api::{ENDPOINTS, LogsQuery, MetricsQuery, NewMetric, RunRequest};
use mlbench_core::{Owner, PodName, RunId, RunName};

use crate::testing::{METRIC, POINTS, RUN, SERIES, Server, Step};
use crate::{Client, Result};

/// An answer of the endpoint.
fn answer(name: &str) -> String {
    match name {
        "pods.list" => {
            r#"[{"name":"w-0","labels":"{'app': 'mlbench'}","phase":"Running","ip":""}]"#.to_owned()
        }
        name if name.ends_with(".series") => format!("[{SERIES}]"),
        "metrics.list" => format!(r#"{{"w-0":{POINTS}}}"#),
        "metrics.get" => POINTS.to_owned(),
        "metrics.create" => METRIC.to_owned(),
        "metrics.create_batch" => r#"{"accepted":1,"rejected_count":0,"rejected":[]}"#.to_owned(),
        "runs.list" => format!("[{RUN}]"),
        "runs.logs" => r#"{"lines":[],"next":7}"#.to_owned(),
        "runs.delete" => String::new(),
        _ if name.starts_with("runs.") => RUN.to_owned(),
        _ => "ok".to_owned(),
    }
}

/// Calls the endpoint, and gives back the target that it must have asked for.
async fn exercise(name: &str, client: &Client) -> Result<&'static str> {
    let id = RunId::new(3).unwrap();
    let run = Owner::Run(id);
    let pod = Owner::Pod(PodName::new("w-0").unwrap());
    let (runs, metrics) = (client.runs(), client.metrics());
    Ok(match name {
        "pods.list" => {
            assert_eq!(client.pods().list().await?[0].labels["app"], "mlbench");
            "/api/pods/"
        }
        "pods.series" => {
            assert_eq!(client.pods().series(&PodName::new("w-0").unwrap()).await?[0].max, Some(0.5));
            "/api/pods/w-0/series/"
        }
        "metrics.list" => {
            let query = MetricsQuery { last_n: Some(1), ..MetricsQuery::default() };
            assert_eq!(metrics.all(&query).await?["w-0"]["loss"][0].value.as_f64(), Some(0.5));
            "/api/metrics/?metric_type=pod&last_n=1"
        }
        "metrics.get" => {
            let query = MetricsQuery { metric_filter: vec!["a @ 0".to_owned()], ..MetricsQuery::default() };
            metrics.get(&pod, &query).await?;
            "/api/metrics/w-0/?metric_type=pod&metric_filter=a+%40+0"
        }
        "metrics.create" => {
            assert_eq!(metrics.post(&NewMetric::new(run.clone(), "loss", "1")?).await?.owner, run);
            "/api/metrics/"
        }
        "metrics.create_batch" => {
            let answer = metrics.post_batch(&[NewMetric::new(run, "loss", "1")?]).await?;
            assert_eq!(answer.accepted, 1);
            "/api/metrics/batch/"
        }
        "runs.list" => {
            assert_eq!(runs.list().await?.len(), 1);
            "/api/runs/"
        }
        "runs.create" => {
            assert_eq!(runs.start(&RunRequest::named(RunName::new("x")?)).await?.id, id);
            "/api/runs/"
        }
        "runs.get" => {
            assert_eq!(runs.get(id).await?.id, id);
            "/api/runs/3/?logs=0"
        }
        "runs.delete" => {
            runs.delete(id).await?;
            "/api/runs/3/"
        }
        "runs.stop" => {
            assert_eq!(runs.stop(id).await?.id, id);
            "/api/runs/3/stop/"
        }
        "runs.logs" => {
            let query = LogsQuery { rank: Some(1), after: Some(7), ..LogsQuery::default() };
            assert_eq!(runs.logs(id, &query).await?.next, 7);
            "/api/runs/3/logs/?rank=1&after=7"
        }
        "runs.series" => {
            assert_eq!(runs.series(id).await?[0].count, 3);
            "/api/runs/3/series/"
        }
        "health.live" => {
            client.health().live().await?;
            "/healthz"
        }
        "health.ready" => {
            client.health().ready().await?;
            "/readyz"
        }
        "health.metrics" => {
            assert_eq!(client.health().metrics().await?, "ok");
            "/metrics"
        }
        other => panic!("{other} has no method in the client"),
    })
}

#[tokio::test]
async fn every_endpoint_has_a_method() {
    for endpoint in ENDPOINTS {
        let server = Server::new([], Step::Answer(endpoint.status, "", answer(endpoint.name))).await;
        let target = exercise(endpoint.name, &server.client()).await.unwrap();
        let seen = server.seen();
        assert_eq!(seen[0].head, format!("{} {target}", endpoint.method.as_str()), "{}", endpoint.name);
        assert_eq!(seen.len(), 1, "{}", endpoint.name);
    }
}
