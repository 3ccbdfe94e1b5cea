//! Every endpoint has a client method that sends its request and decodes its response.

use futures_util::StreamExt;
use mlbench_core::api::{
    ComparisonQuery, Endpoint, LogsQuery, MetricsQuery, NewLogLine, NewLogLines, NewMetric, PointField,
    RunPatch, RunRequest, RunSearch, RunsQuery, Topic, ValuesQuery,
};
use mlbench_core::run::OutputStream;
use mlbench_core::storage::{RunOrder, SortKey};
use mlbench_core::{Owner, PodName, RunId, RunName, RunState};

use crate::client::Client;
use crate::error::{Error, Result};
use crate::testing::{METRIC, POINTS, RUN, SERIES, Server, Step};

const COMPARISON: &str = r#"{"metric":"val_global_Prec@1","direction":"at_least","goal":80.0,"clock":"training","cores":null,
    "groups":[],"runs":[],"warnings":[]}"#;

/// Returns a response body of the endpoint.
fn response(endpoint: Endpoint) -> String {
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
        Endpoint::ListRunValues => {
            r#"{"runs":[{"run_id":3,"loss":{"name":"loss","value":1}}],"next":3}"#.to_owned()
        }
        Endpoint::CompareRuns => COMPARISON.to_owned(),
        Endpoint::AppendRunLogs => r#"{"accepted":1}"#.to_owned(),
        Endpoint::GetRunLogs => r#"{"lines":[],"next":7}"#.to_owned(),
        Endpoint::GetSession => r#"{"required":true,"signed_in":false}"#.to_owned(),
        Endpoint::DeleteRun | Endpoint::CreateSession | Endpoint::DeleteSession => String::new(),
        Endpoint::CreateRun
        | Endpoint::GetRun
        | Endpoint::UpdateRun
        | Endpoint::ImportRun
        | Endpoint::StopRun => RUN.to_owned(),
        Endpoint::ExportRun => "zip".to_owned(),
        Endpoint::Events => "id: 7\nevent: open\ndata: {\"cursor\":7,\"topics\":[]}\n\n".to_owned(),
        Endpoint::Live | Endpoint::Ready | Endpoint::Prometheus | Endpoint::GetDocs => "ok".to_owned(),
        Endpoint::GetOpenApi => r#"{"openapi":"3.1.0"}"#.to_owned(),
    }
}

/// Returns the header with the type of the response, where the client checks it.
fn media(endpoint: Endpoint) -> &'static str {
    if endpoint == Endpoint::Events { "Content-Type: text/event-stream\r\n" } else { "" }
}

/// Calls the method of an endpoint and returns the request target that it must have sent.
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
            let result = metrics.post_batch(&[NewMetric::new(run, "loss", "1")?]).await?;
            assert_eq!(result.accepted, 1);
            "/api/metrics/batch/"
        }
        Endpoint::ListRuns => {
            assert_eq!(runs.list().await?.len(), 1);
            "/api/runs/"
        }
        Endpoint::ListRunValues => {
            let query = ValuesQuery { after: RunId::new(2), ..ValuesQuery::default() };
            let page = runs.values(&query).await?;
            assert_eq!((page.runs[0].loss.as_ref().unwrap().value, page.next), (Some(1.0), Some(id)));
            "/api/values/?after=2"
        }
        Endpoint::CreateRun => {
            assert_eq!(runs.start(&RunRequest::named(RunName::new("x")?)).await?.id, id);
            "/api/runs/"
        }
        Endpoint::GetRun => {
            assert_eq!(runs.get(id).await?.id, id);
            "/api/runs/3/?logs=0"
        }
        Endpoint::UpdateRun => {
            let patch = RunPatch::default().param("lr", 0.1)?.tag("team", "vision")?.without_tag("old")?;
            assert_eq!(runs.update(id, &patch).await?.id, id);
            "/api/runs/3/"
        }
        Endpoint::DeleteRun => {
            runs.delete(id).await?;
            "/api/runs/3/"
        }
        Endpoint::StopRun => {
            assert_eq!(runs.stop(id).await?.id, id);
            "/api/runs/3/stop/"
        }
        Endpoint::ExportRun => {
            let mut archive = Vec::new();
            assert_eq!(runs.export(id, &mut archive).await?, 3);
            assert_eq!(archive, b"zip");
            "/api/runs/3/export/"
        }
        Endpoint::ImportRun => {
            assert_eq!(runs.import(&b"zip"[..], Some(3)).await?.id, id);
            "/api/imports/"
        }
        Endpoint::GetRunLogs => {
            let query = LogsQuery { rank: Some(1), after: Some(7), ..LogsQuery::default() };
            assert_eq!(runs.logs(id, &query).await?.next, 7);
            "/api/runs/3/logs/?rank=1&after=7"
        }
        Endpoint::AppendRunLogs => {
            let line = NewLogLine { rank: 0, stream: OutputStream::Stderr, date: None, text: "a".to_owned() };
            runs.append_logs(id, &NewLogLines { lines: vec![line] }).await?;
            "/api/runs/3/logs/"
        }
        Endpoint::CompareRuns => {
            let query = ComparisonQuery { goal: Some(80.0), ..ComparisonQuery::of([id]) };
            assert_eq!(runs.compare(&query).await?.metric, "val_global_Prec@1");
            "/api/comparison/?runs=3&goal=80"
        }
        Endpoint::ListRunSeries => {
            assert_eq!(runs.series(id).await?[0].count, 3);
            "/api/runs/3/series/"
        }
        Endpoint::GetSession => {
            assert!(client.session().get().await?.required);
            "/api/session/"
        }
        Endpoint::CreateSession => {
            client.session().create("token").await?;
            "/api/session/"
        }
        Endpoint::DeleteSession => {
            client.session().delete().await?;
            "/api/session/"
        }
        Endpoint::Live => {
            client.health().live().await?;
            "/healthz"
        }
        Endpoint::Ready => {
            client.health().ready().await?;
            "/readyz"
        }
        Endpoint::Events => {
            let mut events = client.events().subscribe([Topic::Runs, Topic::Run(id)], Some(7));
            assert_eq!(events.next().await.unwrap()?.id, 7);
            "/api/events/?topics=runs%2Crun%3A3&cursor=7"
        }
        Endpoint::Prometheus => {
            assert_eq!(client.health().metrics().await?, "ok");
            "/metrics"
        }
        Endpoint::GetOpenApi => {
            assert_eq!(client.description().document().await?["openapi"], "3.1.0");
            "/api/openapi.json"
        }
        Endpoint::GetDocs => {
            assert_eq!(client.description().page().await?, "ok");
            "/api/docs/"
        }
    })
}

#[tokio::test]
async fn every_endpoint_has_a_method() {
    for endpoint in Endpoint::ALL {
        let spec = endpoint.spec();
        let server = Server::new([], Step::Respond(spec.success, media(endpoint), response(endpoint))).await;
        let target = exercise(endpoint, &server.client()).await.unwrap();
        let requests = server.received();
        assert_eq!(requests[0].head, format!("{} {target}", spec.method.as_str()), "{}", spec.id);
        assert_eq!(requests.len(), 1, "{}", spec.id);
    }
}

/// Starts a server that sends `body` in response to every request.
async fn server_of(body: &str) -> Server {
    Server::new([], Step::ok(body)).await
}

#[tokio::test]
async fn the_other_methods_of_metrics_send_their_requests() {
    let owner = Owner::Run(RunId::new(3).unwrap());
    let query = MetricsQuery::default();

    let records = server_of(r#"{"loss":[{"value":"0.5","step":7}]}"#).await;
    let fields = vec![PointField::Value, PointField::Step];
    let with_fields = MetricsQuery { fields, ..query.clone() };
    let read = records.client().metrics().records(&owner, &with_fields).await.unwrap();
    assert_eq!(read["loss"][0].step, Some(7));
    assert_eq!(records.received()[0].head, "GET /api/metrics/3/?metric_type=run&fields=value%2Cstep");

    let buckets = server_of("{}").await;
    assert!(buckets.client().metrics().buckets(&owner, &query, 9).await.unwrap().is_empty());
    let head = "GET /api/metrics/3/?metric_type=run&downsample=minmax&points=9";
    assert_eq!(buckets.received()[0].head, head);

    let several = server_of(r#"{"3":{"loss":[{"date":"2026-01-01T00:00:00Z","value":"0.5"}]}}"#).await;
    let runs = [RunId::new(3).unwrap(), RunId::new(9).unwrap()];
    let read = several.client().metrics().of_runs(&runs, &query).await.unwrap();
    assert_eq!(read["3"]["loss"][0].value.as_f64(), Some(0.5));
    several.client().metrics().of_runs(&[], &query).await.unwrap();
    let heads: Vec<String> = several.received().into_iter().map(|request| request.head).collect();
    assert_eq!(
        heads,
        ["GET /api/metrics/?metric_type=run&runs=3%2C9", "GET /api/metrics/?metric_type=run&runs="]
    );

    let archive = server_of("zip").await;
    let mut file = Vec::new();
    assert_eq!(archive.client().metrics().download(&owner, &query, &mut file).await.unwrap(), 3);
    assert_eq!(archive.received()[0].head, "GET /api/metrics/3/?metric_type=run&format=zip");
}

#[tokio::test]
async fn a_follower_continues_from_the_cursor_of_the_last_response() {
    let first = Step::Respond(200, "Mlbench-Cursor: 41\r\n", POINTS.to_owned());
    let server = Server::new([first], Step::ok("{}")).await;
    let owner = Owner::Run(RunId::new(3).unwrap());
    let mut follower = server.client().metrics().follow(owner, MetricsQuery::default());
    assert_eq!(follower.cursor(), None);
    assert_eq!(follower.next().await.unwrap()["loss"].len(), 1);
    assert_eq!(follower.cursor(), Some(41));
    assert!(follower.next().await.unwrap().is_empty());
    assert_eq!(follower.cursor(), Some(41), "a response without a cursor keeps the last one");
    let heads: Vec<_> = server.received().into_iter().map(|request| request.head).collect();
    let head = "GET /api/metrics/3/?metric_type=run";
    assert_eq!(heads, [head.to_owned(), format!("{head}&cursor=41")]);
}

#[tokio::test]
async fn the_other_methods_of_runs_send_their_requests() {
    let ended = RUN.replace("STARTED", "FINISHED");
    let server = server_of(&ended).await;
    let client = server.client();
    let id = RunId::new(3).unwrap();
    client.runs().get_with(id, RunsQuery { logs: Some(5) }).await.unwrap();
    client.runs().wait(id).await.unwrap();
    client.runs().watch(id, |run| assert_eq!(run.id, id)).await.unwrap();
    client.with_retries(|| client.runs().get(id)).await.unwrap();
    let heads: Vec<_> = server.received().into_iter().map(|request| request.head).collect();
    let poll = "GET /api/runs/3/?logs=0";
    assert_eq!(heads, ["GET /api/runs/3/?logs=5", poll, poll, poll]);
}

#[tokio::test]
async fn a_follower_without_a_cursor_fails_instead_of_repeating_all_points() {
    let server = Server::new([], Step::ok(POINTS)).await;
    let mut follower =
        server.client().metrics().follow(Owner::Run(RunId::new(3).unwrap()), MetricsQuery::default());
    let error = follower.next().await.unwrap_err();
    assert!(matches!(error, Error::InvalidResponse { .. }), "{error}");
}

#[tokio::test]
async fn pages_that_repeat_themselves_are_an_error() {
    let page = Step::Respond(200, "Mlbench-Next-Cursor: same\r\n", format!("[{RUN}]"));
    let server = Server::new([], page).await;
    let mut pages = Box::pin(server.client().runs().pages(RunSearch::default()));
    assert!(pages.next().await.unwrap().is_ok());
    let error = pages.next().await.unwrap().unwrap_err();
    assert!(error.to_string().contains("its position for the next page does not advance"), "{error}");
    assert!(pages.next().await.is_none());

    let values = server_of(r#"{"runs":[],"next":3}"#).await;
    let query = ValuesQuery { after: RunId::new(3), ..ValuesQuery::default() };
    values.client().runs().values(&query).await.unwrap_err();

    let line = r#"{"seq":7,"date":"2018-08-03T09:21:44Z","rank":0,"stream":"stdout","text":""}"#;
    let lines = server_of(&format!(r#"{{"next":7,"previous":7,"lines":[{line}]}}"#)).await;
    let (client, id) = (lines.client(), RunId::new(3).unwrap());
    for query in [
        LogsQuery { after: Some(7), ..LogsQuery::default() },
        LogsQuery { before: Some(7), ..LogsQuery::default() },
    ] {
        client.runs().logs(id, &query).await.unwrap_err();
    }
    client.runs().logs(id, &LogsQuery { after: Some(6), ..LogsQuery::default() }).await.unwrap();
}

#[tokio::test]
async fn large_metrics_are_posted_in_several_requests() {
    let rejected =
        r#"{"accepted":1,"rejected_count":1,"rejected":[{"index":0,"code":"not_found","message":""}]}"#;
    let server = Server::new([], Step::ok(rejected)).await;
    let mut metric = NewMetric::new(Owner::Run(RunId::new(3).unwrap()), "note", "1").unwrap();
    metric.metadata = "x".repeat(4 << 20);
    let result = server.client().metrics().post_batch(&[metric.clone(), metric]).await.unwrap();
    assert_eq!((result.accepted, server.received().len()), (2, 2));
    assert_eq!(result.rejected.iter().map(|rejected| rejected.index).collect::<Vec<_>>(), [0, 1]);
}

#[tokio::test]
async fn pages_of_runs_follow_the_cursor() {
    let first = Step::Respond(200, "Mlbench-Next-Cursor: -name:3:a%3A\r\n", format!("[{RUN}]"));
    let server = Server::new([first, Step::ok("[]")], Step::Drop).await;
    let order = Some(RunOrder { key: SortKey::Name, descending: true });
    let query = RunSearch { order, states: vec![RunState::Failed], ..RunSearch::default() };
    let pages: Vec<_> = server.client().runs().pages(query).collect().await;
    assert_eq!(pages.into_iter().map(|page| page.unwrap().len()).collect::<Vec<_>>(), [1, 0]);
    let requests = server.received();
    assert_eq!(requests[0].head, "GET /api/runs/?state=FAILED&sort=-name&limit=100");
    assert_eq!(
        requests[1].head,
        "GET /api/runs/?state=FAILED&sort=-name&limit=100&cursor=-name%3A3%3Aa%253A"
    );
    assert_eq!(requests.len(), 2);
}
