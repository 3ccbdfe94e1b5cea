use std::time::Duration;

use mlbench_core::api::{MetricsQuery, NewMetric, RunRequest};
use mlbench_core::{ErrorCode, Owner, RunId, RunName, RunState};

use crate::testing::{METRIC, POINTS, PROBLEM, RUN, Server, Step};
use crate::{Client, Error};

fn run() -> RunId {
    RunId::new(3).unwrap()
}

fn metric() -> NewMetric {
    NewMetric::new(Owner::Run(run()), "loss", "1").unwrap()
}

fn created() -> Step {
    Step::Answer(201, "", METRIC.to_owned())
}

/// An address where nobody listens.
async fn nobody() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn a_refusal_says_what_the_server_says() {
    let server = Server::new([], Step::Answer(409, "Retry-After: 7\r\n", PROBLEM.to_owned())).await;
    let error =
        server.client().runs().start(&RunRequest::named(RunName::new("x").unwrap())).await.unwrap_err();
    assert_eq!(error.to_string(), "run 3 is active");
    assert_eq!((error.status(), error.code()), (Some(409), Some(ErrorCode::RunActive)));
    assert_eq!((error.request_id(), error.retry_after()), (Some("r-1"), Some(Duration::from_secs(7))));
    assert!(!error.retryable());
}

#[tokio::test]
async fn a_failure_of_the_server_names_the_request() {
    let problem = PROBLEM.replace("409", "500").replace("run_active", "internal");
    let server = Server::new([], Step::Answer(500, "", problem)).await;
    let error = server.client().pods().list().await.unwrap_err();
    assert_eq!(error.to_string(), "run 3 is active (status 500, request id r-1)");
}

#[tokio::test]
async fn something_else_than_mlbench_is_told_from_it() {
    let server = Server::new([], Step::Answer(404, "", "<html>no</html>".to_owned())).await;
    let error = server.client().runs().get(run()).await.unwrap_err();
    let url = server.url();
    assert_eq!(
        error.to_string(),
        format!(
            "{url}/api/runs/3/ answered 404, not as an mlbench server does (\"<html>no</html>\"); check the address"
        )
    );
    let server = Server::new([], Step::ok("[1")).await;
    let error = server.client().pods().list().await.unwrap_err();
    assert!(matches!(error, Error::Undecodable { .. }), "{error}");
    assert!(error.to_string().contains("line 1 column 2"), "{error}");
    let server = Server::new([], Step::Raw("SSH-2.0-OpenSSH\r\n\r\n")).await;
    assert!(server.client().pods().list().await.unwrap_err().is_unreachable());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_with_what_to_do() {
    let url = nobody().await;
    let error = Client::builder().base_url(&url).build().unwrap().pods().list().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "no server can be reached at {url} (Connection refused (os error 111)); `mlbench-server` starts one \
             here, MLBENCH_URL names another"
        )
    );
    assert!(error.retryable());
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_left_after_the_timeout() {
    let server = Server::new([], Step::Stall).await;
    let client = server.builder().timeout(Duration::from_millis(50)).build().unwrap();
    let error = client.pods().list().await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    assert!(error.to_string().contains("/api/pods/ did not answer within 0.05 s"), "{error}");
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_before_anything_is_sent() {
    for url in ["", "localhost:8000", "127.0.0.1:8000", "ftp://x", "http://", "http://x/?a=1"] {
        let error = Client::builder().base_url(url).build().unwrap_err();
        assert!(matches!(error, Error::InvalidUrl { .. }), "{url}: {error}");
        assert!(error.to_string().contains("write it like http://127.0.0.1:8000"), "{error}");
    }
}

#[tokio::test]
async fn a_server_behind_a_path_can_be_named() {
    let server = Server::new([], Step::ok("[]")).await;
    let url = format!("{}/mlbench/", server.url());
    Client::builder().base_url(url).build().unwrap().pods().list().await.unwrap();
    assert_eq!(server.seen()[0].head, "GET /mlbench/api/pods/");
}

#[tokio::test]
async fn a_metric_is_posted_again_under_its_key_until_it_is_stored() {
    let unavailable = Step::Answer(503, "Retry-After: 0\r\n", String::new());
    let server = Server::new([unavailable, Step::Drop, Step::Raw("garbage\r\n\r\n")], created()).await;
    server.client().metrics().post(&metric()).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 4);
    let key = seen[0].idempotency_key.as_deref().unwrap();
    assert!(key.len() <= 64 && seen.iter().all(|seen| seen.idempotency_key.as_deref() == Some(key)));
    assert!(seen.iter().all(|request| request.body == seen[0].body));
}

#[tokio::test]
async fn a_listener_learns_why_a_call_takes_so_long() {
    let server = Server::new([Step::status(503), Step::status(500)], created()).await;
    let (told, heard) = std::sync::mpsc::channel();
    let listener = move |error: &Error, attempt| told.send((error.status(), attempt)).unwrap();
    let client = server.builder().on_retry(listener).build().unwrap();
    client.metrics().post(&metric()).await.unwrap();
    drop(client);
    assert_eq!(heard.into_iter().collect::<Vec<_>>(), [(Some(503), 1), (Some(500), 2)]);
}

#[tokio::test]
async fn two_metrics_never_share_a_key() {
    let server = Server::new([], created()).await;
    let client = server.client();
    client.metrics().post(&metric()).await.unwrap();
    client.metrics().post(&metric()).await.unwrap();
    let seen = server.seen();
    assert_ne!(seen[0].idempotency_key, seen[1].idempotency_key);
}

#[tokio::test]
async fn a_metric_that_is_refused_is_not_posted_again() {
    let server = Server::new([], Step::status(404)).await;
    assert_eq!(server.client().metrics().post(&metric()).await.unwrap_err().status(), Some(404));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn posting_is_given_up_when_time_is_up() {
    let server = Server::new([], Step::status(503)).await;
    let client = server.builder().give_up_after(Duration::from_millis(150)).build().unwrap();
    assert_eq!(client.metrics().post(&metric()).await.unwrap_err().status(), Some(503));
    assert!(server.seen().len() >= 2);
    let long = Step::Answer(503, "Retry-After: 3600\r\n", String::new());
    let server = Server::new([], long).await;
    let error = server.client().metrics().post(&metric()).await.unwrap_err();
    assert_eq!(
        (error.status(), server.seen().len()),
        (Some(503), 1),
        "an hour is longer than the client waits"
    );
}

#[tokio::test]
async fn a_start_is_sent_once_whatever_happens() {
    let server = Server::new([Step::Drop], Step::ok(RUN)).await;
    let client = server.client();
    let new = RunRequest::named(RunName::new("x").unwrap());
    assert!(matches!(client.runs().start(&new).await.unwrap_err(), Error::Interrupted { .. }));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn waiting_outlives_a_server_that_is_away_for_a_moment() {
    let ended = RUN.replace("STARTED", "FAILED");
    let server = Server::new([Step::ok(RUN), Step::Drop, Step::status(503)], Step::ok(&ended)).await;
    let mut states = Vec::new();
    let run = server.client().runs().watch(run(), |run| states.push(run.state)).await.unwrap();
    assert_eq!((run.state, states), (RunState::Failed, vec![RunState::Started, RunState::Failed]));
}

#[tokio::test]
async fn a_download_is_written_as_it_is() {
    let server = Server::new([], Step::ok(POINTS)).await;
    let mut file = Vec::new();
    let owner = Owner::Run(run());
    let length =
        server.client().metrics().download(&owner, &MetricsQuery::default(), &mut file).await.unwrap();
    assert_eq!((file.as_slice(), length), (POINTS.as_bytes(), POINTS.len() as u64));
    assert_eq!(server.seen()[0].head, "GET /api/metrics/3/?metric_type=run&format=zip");
}

#[tokio::test]
async fn a_download_that_breaks_off_is_an_error() {
    let server = Server::new([], Step::Raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")).await;
    let owner = Owner::Run(run());
    let mut file = Vec::new();
    let error =
        server.client().metrics().download(&owner, &MetricsQuery::default(), &mut file).await.unwrap_err();
    assert!(matches!(error, Error::Interrupted { .. }), "{error}");
}

#[tokio::test]
async fn calls_in_a_row_share_a_connection() {
    let server = Server::new([], Step::ok("[]")).await;
    let client = server.client();
    for _ in 0..5 {
        client.pods().list().await.unwrap();
        client.clone().health().ready().await.unwrap();
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn calls_can_be_spawned() {
    fn sendable<T: Send>(_: &T) {}
    let client = Client::builder().build().unwrap();
    let metric = metric();
    sendable(&client.metrics().post(&metric));
    sendable(&client.runs().wait(run()));
    sendable(&client.patiently(|| client.pods().list()));
}

#[tokio::test]
async fn the_token_goes_with_every_request_and_is_shown_by_nothing() {
    let server = Server::new([Step::ok("[]")], Step::Answer(409, "", PROBLEM.to_owned())).await;
    let builder = server.builder().token("correct-horse-battery");
    let client = builder.clone().build().unwrap();
    client.pods().list().await.unwrap();
    let error = client.runs().get(run()).await.unwrap_err();
    assert!(
        server
            .seen()
            .iter()
            .all(|seen| { seen.authorization.as_deref() == Some("Bearer correct-horse-battery") })
    );
    for text in [format!("{builder:?}"), format!("{client:?}"), format!("{error:?}")] {
        assert!(!text.contains("horse"), "{text}");
    }
}

#[test]
fn what_cannot_be_a_token_is_refused_without_being_shown() {
    for token in ["", "two words", "line\nbreak", "schlüssel"] {
        let error = Client::builder().token(token).build().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the token cannot be sent: it must be one word of visible ASCII characters"
        );
    }
}
