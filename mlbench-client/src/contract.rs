//! Every endpoint has a method here, which sends what the endpoint takes and reads what it answers.

use mlbench_core::api::{Endpoint, LogsQuery, MetricsQuery, NewMetric, RunRequest};
use mlbench_core::{Owner, PodName, RunId, RunName};

use crate::testing::{METRIC, POINTS, RUN, SERIES, Server, Step};
use crate::{Client, Result};

/// An answer of the endpoint.
fn answer(endpoint: Endpoint) -> String {
    match endpoint {
        Endpoint::ListPods => {
            r#"[{"name":"w-0","labels":"{'app': 'mlbench'}","phase":"Running","ip":""}]"#.to_owned()
        }
        Endpoint::ListPodSeries | Endpoint::ListRunSeries => format!("[{SERIES}]"),
        Endpoint::ListMetrics => format!(r#"{{"w-0":{POINTS}}}"#),
        Endpoint::GetMetrics => POINTS.to_owned(),
        Endpoint::CreateMetric => METRIC.to_owned(),
        Endpoint::CreateMetrics => r#"{"accepted":1,"rejected_count":0,"rejected":[]}"#.to_owned(),
        Endpoint::ListRuns => format!("[{RUN}]"),
        Endpoint::GetRunLogs => r#"{"lines":[],"next":7}"#.to_owned(),
        Endpoint::DeleteRun => String::new(),
        Endpoint::CreateRun | Endpoint::GetRun | Endpoint::StopRun => RUN.to_owned(),
        Endpoint::Live | Endpoint::Ready | Endpoint::Prometheus => "ok".to_owned(),
    }
}

/// Calls the endpoint, and gives back the target that it must have asked for.
async fn exercise(endpoint: Endpoint, client: &Client) -> Result<&'static str> {
    let id = RunId::new(3).unwrap();
    let run = Owner::Run(id);
    let pod = Owner::Pod(PodName::new("w-0").unwrap());
    let (runs, metrics) = (client.runs(), client.metrics());
    Ok(match endpoint {
        Endpoint::ListPods => {
            assert_eq!(client.pods().list().await?[0].labels["app"], "mlbench");
            "/api/pods/"
        }
        Endpoint::ListPodSeries => {
            assert_eq!(client.pods().series(&PodName::new("w-0").unwrap()).await?[0].max, Some(0.5));
            "/api/pods/w-0/series/"
        }
        Endpoint::ListMetrics => {
            let query = MetricsQuery { last_n: Some(1), ..MetricsQuery::default() };
            assert_eq!(metrics.all(&query).await?["w-0"]["loss"][0].value.as_f64(), Some(0.5));
            "/api/metrics/?metric_type=pod&last_n=1"
        }
        Endpoint::GetMetrics => {
            let query = MetricsQuery { metric_filter: vec!["a @ 0".to_owned()], ..MetricsQuery::default() };
            metrics.get(&pod, &query).await?;
            "/api/metrics/w-0/?metric_type=pod&metric_filter=a+%40+0"
        }
        Endpoint::CreateMetric => {
            assert_eq!(metrics.post(&NewMetric::new(run.clone(), "loss", "1")?).await?.owner, run);
            "/api/metrics/"
        }
        Endpoint::CreateMetrics => {
            let answer = metrics.post_batch(&[NewMetric::new(run, "loss", "1")?]).await?;
            assert_eq!(answer.accepted, 1);
            "/api/metrics/batch/"
        }
        Endpoint::ListRuns => {
            assert_eq!(runs.list().await?.len(), 1);
            "/api/runs/"
        }
        Endpoint::CreateRun => {
            assert_eq!(runs.start(&RunRequest::named(RunName::new("x")?)).await?.id, id);
            "/api/runs/"
        }
        Endpoint::GetRun => {
            assert_eq!(runs.get(id).await?.id, id);
            "/api/runs/3/?logs=0"
        }
        Endpoint::DeleteRun => {
            runs.delete(id).await?;
            "/api/runs/3/"
        }
        Endpoint::StopRun => {
            assert_eq!(runs.stop(id).await?.id, id);
            "/api/runs/3/stop/"
        }
        Endpoint::GetRunLogs => {
            let query = LogsQuery { rank: Some(1), after: Some(7), ..LogsQuery::default() };
            assert_eq!(runs.logs(id, &query).await?.next, 7);
            "/api/runs/3/logs/?rank=1&after=7"
        }
        Endpoint::ListRunSeries => {
            assert_eq!(runs.series(id).await?[0].count, 3);
            "/api/runs/3/series/"
        }
        Endpoint::Live => {
            client.health().live().await?;
            "/healthz"
        }
        Endpoint::Ready => {
            client.health().ready().await?;
            "/readyz"
        }
        Endpoint::Prometheus => {
            assert_eq!(client.health().metrics().await?, "ok");
            "/metrics"
        }
    })
}

#[tokio::test]
async fn every_endpoint_has_a_method() {
    for endpoint in Endpoint::ALL {
        let spec = endpoint.spec();
        let server = Server::new([], Step::Answer(spec.success, "", answer(endpoint))).await;
        let target = exercise(endpoint, &server.client()).await.unwrap();
        let seen = server.seen();
        assert_eq!(seen[0].head, format!("{} {target}", spec.method.as_str()), "{}", spec.id);
        assert_eq!(seen.len(), 1, "{}", spec.id);
    }
}
