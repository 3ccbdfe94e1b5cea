use mlbench_client::{MetricsQuery, Owner};
use mlbench_tests::{ServerOptions, TestServer};

/// The address that takes metrics without a token, as the log tells it.
fn ingest(server: &TestServer) -> String {
    let log = server.log();
    let (_, rest) = log.split_once("taking metrics of active runs on ").unwrap();
    rest.split_once(',').unwrap().0.to_owned()
}

/// What an official image does: it posts a form to an address of its own, without a token.
#[tokio::test]
async fn an_official_image_posts_without_a_token_and_can_do_nothing_else() {
    let options = ServerOptions::default().token("correct-horse-battery-staple");
    let server = options.args(&["--ingest-listen", "127.0.0.1:0"]).start().await;
    let (client, run) = (server.client(), server.start_run("sleep 1000").await);

    let ingest = ingest(&server);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let id = run.id.to_string();
    let form = [("run_id", id.as_str()), ("name", "loss @ 0"), ("value", "0.5"), ("cumulative", "False")];
    for path in ["/api/metrics/", "/api/metrics"] {
        let answer = http.post(format!("{ingest}{path}")).form(&form).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 201, "{path}");
    }
    for path in ["/api/runs/", "/api/pods/", "/healthz", "/api/metrics/"] {
        assert_eq!(
            http.get(format!("{ingest}{path}")).send().await.unwrap().status().as_u16(),
            404,
            "{path}"
        );
    }
    let points = client.metrics().get(&Owner::Run(run.id), &MetricsQuery::default()).await.unwrap();
    assert_eq!(points["loss @ 0"].len(), 2);

    client.runs().stop(run.id).await.unwrap();
    server.wait(run.id).await;
    let late = http.post(format!("{ingest}/api/metrics")).form(&form).send().await.unwrap();
    assert_eq!(late.status().as_u16(), 403);
}
