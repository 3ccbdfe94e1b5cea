use mlbench_client::{MetricsQuery, Owner};
use mlbench_core::api::{Endpoint, Listener};
use mlbench_tests::{Request, ServerOptions, TestServer, example_path, example_request};

/// Returns the URL of the ingest listener, which the server logs.
fn ingest_url(server: &TestServer) -> String {
    let log = server.log();
    let (_, rest) = log.split_once("accepting metrics of active runs without a token on ").unwrap();
    rest.lines().next().unwrap().to_owned()
}

/// Posts a form without a token, as the official images do, and tries every other endpoint.
#[tokio::test]
async fn the_ingest_listener_accepts_only_metrics_of_active_runs() {
    let options = ServerOptions::default().token("correct-horse-battery-staple");
    let server = options.args(&["--ingest-listen", "127.0.0.1:0"]).start().await;
    let (client, run) = (server.client(), server.start_run("sleep 1000").await);

    let ingest = ingest_url(&server);
    let id = run.id.to_string();
    let form = [("run_id", id.as_str()), ("name", "loss @ 0"), ("value", "0.5"), ("cumulative", "False")];
    for path in ["/api/metrics/", "/api/metrics"] {
        let response = Request::new("POST", &format!("{ingest}{path}")).form(&form).send().await;
        assert_eq!(response.status, 201, "{path}");
    }
    for endpoint in Endpoint::ALL {
        if endpoint.spec().listener == Listener::Api {
            let url = format!("{ingest}{}", example_path(endpoint, run.id));
            let response = example_request(endpoint, &url, run.id).send().await;
            assert_eq!(response.status, 404, "{}", endpoint.spec().id);
        }
    }
    assert!(client.runs().get(run.id).await.unwrap().state.is_active(), "nothing stopped or deleted the run");
    let points = client.metrics().get(&Owner::Run(run.id), &MetricsQuery::default()).await.unwrap();
    assert_eq!(points["loss @ 0"].len(), 2);

    client.runs().stop(run.id).await.unwrap();
    server.wait(run.id).await;
    let late = Request::new("POST", &format!("{ingest}/api/metrics")).form(&form).send().await;
    assert_eq!(late.status, 403);
}
