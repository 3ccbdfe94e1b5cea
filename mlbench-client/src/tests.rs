use std::time::Duration;

use mlbench_core::api::{LogsQuery, MetricsQuery, NewMetric, RunRequest, RunSearch};
use mlbench_core::run::OutputStream;
use mlbench_core::{ErrorCode, Owner, PodPhase, RunId, RunName, RunState};

use crate::client::Client;
use crate::error::Error;
use crate::retry::RetryPolicy;
use crate::testing::{METRIC, POINTS, PROBLEM, RUN, Server, Step, suspend};

fn run() -> RunId {
    RunId::new(3).unwrap()
}

fn metric() -> NewMetric {
    NewMetric::new(Owner::Run(run()), "loss", "1").unwrap()
}

fn created() -> Step {
    Step::Respond(201, "", METRIC.to_owned())
}

/// Returns a URL whose port is closed.
async fn closed_port() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn an_error_response_keeps_the_problem_document() {
    let server = Server::new([], Step::Respond(409, "Retry-After: 7\r\n", PROBLEM.to_owned())).await;
    let error =
        server.client().runs().start(&RunRequest::named(RunName::new("x").unwrap())).await.unwrap_err();
    assert_eq!(error.to_string(), "run 3 is active");
    assert_eq!(error.status(), Some(409));
    assert_eq!(error.code(), Some(ErrorCode::RunActive));
    assert_eq!(error.request_id(), Some("r-1"));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert!(!error.retryable());
}

#[tokio::test]
async fn the_version_of_the_server_is_that_of_its_first_response() {
    let header = |header| Step::Respond(500, header, String::new());
    let steps = [header(""), header("Mlbench-Version: 0.9.0 (1a2b3c4d5 2026-11-27)\r\n")];
    let server = Server::new(steps, header("Mlbench-Version: 1.0.0\r\n")).await;
    let client = server.client();
    let mut versions = Vec::new();
    for _ in 0..3 {
        client.pods().list().await.unwrap_err();
        versions.push(client.server_version().unwrap_or_default().to_owned());
    }
    let known = "0.9.0 (1a2b3c4d5 2026-11-27)";
    assert_eq!(versions, ["", known, known], "an error has it, too");
}

#[tokio::test]
async fn a_server_error_names_the_request_id() {
    let problem = PROBLEM.replace("409", "500").replace("run_active", "internal");
    let server = Server::new([], Step::Respond(500, "", problem)).await;
    let error = server.client().pods().list().await.unwrap_err();
    assert_eq!(error.to_string(), "run 3 is active (status 500, request id r-1)");
}

#[tokio::test]
async fn a_response_that_is_not_from_mlbench_is_an_error() {
    let server = Server::new([], Step::Respond(404, "", "<html>no</html>".to_owned())).await;
    let error = server.client().runs().get(run()).await.unwrap_err();
    let url = server.url();
    assert_eq!(
        error.to_string(),
        format!(
            "{url}/api/runs/3/: unexpected response with status 404 (\"<html>no</html>\"); check the server URL"
        )
    );
    let server = Server::new([], Step::ok("[1")).await;
    let error = server.client().pods().list().await.unwrap_err();
    assert!(matches!(error, Error::InvalidResponse { .. }), "{error}");
    assert!(error.to_string().contains("line 1 column 2"), "{error}");
    let server = Server::new([], Step::Raw("SSH-2.0-OpenSSH\r\n\r\n")).await;
    assert!(server.client().pods().list().await.unwrap_err().is_unreachable());
}

#[tokio::test]
async fn an_unreachable_server_is_named_with_the_fix() {
    let url = closed_port().await;
    let error = Client::builder().base_url(&url).build().unwrap().pods().list().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "cannot connect to {url}: Connection refused (os error 111); start `mlbench-server`, or set \
             MLBENCH_URL to a running server"
        )
    );
    assert!(error.retryable());
}

#[tokio::test]
async fn a_request_without_a_response_times_out() {
    let server = Server::new([], Step::Stall).await;
    let client = server.builder().timeout(Duration::from_millis(50)).build().unwrap();
    let error = client.pods().list().await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    assert!(error.to_string().contains("/api/pods/: no response within 0.05 s"), "{error}");
}

#[tokio::test]
async fn an_invalid_url_is_refused_before_any_request() {
    for url in ["", "localhost:8000", "127.0.0.1:8000", "ftp://x", "http://", "http://x/?a=1"] {
        let error = Client::builder().base_url(url).build().unwrap_err();
        assert!(matches!(error, Error::InvalidUrl { .. }), "{url}: {error}");
        assert!(error.to_string().contains("write it like http://127.0.0.1:8000"), "{error}");
    }
}

#[tokio::test]
async fn the_server_url_may_contain_a_path() {
    let server = Server::new([], Step::ok("[]")).await;
    let url = format!("{}/mlbench/", server.url());
    Client::builder().base_url(url).build().unwrap().pods().list().await.unwrap();
    assert_eq!(server.received()[0].head, "GET /mlbench/api/pods/");
}

#[tokio::test]
async fn a_metric_is_retried_under_one_key_until_stored() {
    let unavailable = Step::Respond(503, "Retry-After: 0\r\n", String::new());
    let server = Server::new([unavailable, Step::Drop, Step::Raw("garbage\r\n\r\n")], created()).await;
    server.client().metrics().post(&metric()).await.unwrap();
    let received = server.received();
    assert_eq!(received.len(), 4);
    let key = received[0].idempotency_key.as_deref().unwrap();
    assert!(
        key.len() <= 64 && received.iter().all(|request| request.idempotency_key.as_deref() == Some(key))
    );
    assert!(received.iter().all(|request| request.body == received[0].body));
}

#[tokio::test]
async fn the_retry_callback_receives_each_failure() {
    let server = Server::new([Step::status(503), Step::status(500)], created()).await;
    let (sender, failures) = std::sync::mpsc::channel();
    let callback = move |error: &Error, attempt| sender.send((error.status(), attempt)).unwrap();
    let client = server.builder().on_retry(callback).build().unwrap();
    client.metrics().post(&metric()).await.unwrap();
    drop(client);
    assert_eq!(failures.into_iter().collect::<Vec<_>>(), [(Some(503), 1), (Some(500), 2)]);
}

#[tokio::test]
async fn a_policy_says_what_is_repeated_and_how_often() {
    let server = Server::new([], Step::status(503)).await;
    let pauses = RetryPolicy::new().pauses(Duration::ZERO, Duration::ZERO);
    let client = server.builder().retry(pauses.clone().max_attempts(3)).build().unwrap();
    let count = || server.received().len();
    client.metrics().post(&metric()).await.unwrap_err();
    assert_eq!(count(), 3);
    client.pods().list().await.unwrap_err();
    assert_eq!(count(), 4, "a read fails at once");
    let reads = client.with_retry(pauses.reads(true).max_attempts(2));
    reads.pods().list().await.unwrap_err();
    reads.runs().search(&RunSearch::default()).await.unwrap_err();
    assert_eq!(count(), 8);
    client.with_retry(RetryPolicy::never()).metrics().post(&metric()).await.unwrap_err();
    reads.runs().delete(run()).await.unwrap_err();
    assert_eq!(count(), 10, "a deletion is not repeated");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_start_under_a_key_can_be_repeated_by_another_program() {
    let server = Server::new([], Step::ok(RUN)).await;
    let new = RunRequest::named(RunName::new("x").unwrap());
    for _ in 0..2 {
        server.client().runs().start_once(&new, "nightly-1").await.unwrap();
    }
    for request in server.received() {
        assert_eq!(request.idempotency_key.as_deref(), Some("nightly-1"));
    }
    for key in ["", "two words", &"x".repeat(65)] {
        let error = server.client().runs().start_once(&new, key).await.unwrap_err();
        assert_eq!(error.to_string(), "key: must have 1 to 64 visible ASCII characters");
    }
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn each_metric_has_its_own_idempotency_key() {
    let server = Server::new([], created()).await;
    let client = server.client();
    client.metrics().post(&metric()).await.unwrap();
    client.metrics().post(&metric()).await.unwrap();
    let received = server.received();
    assert_ne!(received[0].idempotency_key, received[1].idempotency_key);
}

#[tokio::test]
async fn a_rejected_metric_is_not_retried() {
    let server = Server::new([], Step::status(404)).await;
    assert_eq!(server.client().metrics().post(&metric()).await.unwrap_err().status(), Some(404));
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn posting_ends_with_the_retry_timeout() {
    let server = Server::new([], Step::status(503)).await;
    let retry_timeout = Duration::from_secs(60);
    let client = server.builder().timeout(Duration::MAX).retry_timeout(retry_timeout).build().unwrap();
    let retried_for_long = async {
        while server.received().len() < 2 {
            tokio::task::yield_now().await;
        }
        suspend(retry_timeout).await;
    };
    let metric_to_post = metric();
    let (posted, ()) = tokio::join!(client.metrics().post(&metric_to_post), retried_for_long);
    assert_eq!(posted.unwrap_err().status(), Some(503));
    assert!(server.received().len() <= 4, "it goes on after the timeout");
    let long = Step::Respond(503, "Retry-After: 3600\r\n", String::new());
    let server = Server::new([], long).await;
    let error = server.client().metrics().post(&metric()).await.unwrap_err();
    assert_eq!(error.status(), Some(503));
    assert_eq!(server.received().len(), 1, "Retry-After exceeds the retry timeout");
}

#[tokio::test]
async fn an_endless_delay_or_timeout_does_not_overflow() {
    let endless = "Retry-After: 18446744073709551615\r\n";
    let server = Server::new([], Step::Respond(503, endless, String::new())).await;
    let error = server.client().metrics().post(&metric()).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(u64::MAX)));
    let server = Server::new([Step::status(503)], created()).await;
    let client = server.builder().timeout(Duration::MAX).retry_timeout(Duration::MAX).build().unwrap();
    client.metrics().post(&metric()).await.unwrap();
    let rejected = r#"{"accepted":18446744073709551615,"rejected_count":18446744073709551615,"rejected":[
        {"index":18446744073709551615,"code":"not_found","message":"no"}]}"#;
    let server = Server::new([], Step::ok(rejected)).await;
    let metrics = vec![metric(); 100_001];
    let result = server.client().metrics().post_batch(&metrics).await.unwrap();
    assert_eq!((result.accepted, result.rejected_count), (u64::MAX, u64::MAX));
}

#[tokio::test]
async fn a_start_and_a_stop_are_retried_under_one_key_each() {
    let server = Server::new([Step::Drop, Step::ok(RUN), Step::Drop], Step::ok(RUN)).await;
    let client = server.client();
    let new = RunRequest::named(RunName::new("x").unwrap());
    assert_eq!(client.runs().start(&new).await.unwrap().id, run());
    assert_eq!(client.runs().stop(run()).await.unwrap().id, run());
    let requests = server.received();
    let keys: Vec<_> = requests.iter().map(|request| request.idempotency_key.as_deref().unwrap()).collect();
    assert_eq!((keys.len(), keys[0], keys[2]), (4, keys[1], keys[3]));
    assert_ne!(keys[0], keys[2]);
    assert_eq!(requests[0].body, requests[1].body);
}

#[tokio::test]
async fn what_only_people_can_change_is_not_retried() {
    let unavailable = PROBLEM.replace("409", "503").replace("run_active", "unavailable");
    let new = RunRequest::named(RunName::new("x").unwrap());
    let date = "Retry-After: Fri, 31 Dec 2099 23:59:59 GMT\r\n";
    for (headers, requests) in [("", 1), ("Retry-After: 0\r\n", 2), (date, 2), ("Retry-After: 1.5\r\n", 2)] {
        let server = Server::new([Step::Respond(503, headers, unavailable.clone())], Step::ok(RUN)).await;
        assert_eq!(server.client().runs().start(&new).await.is_ok(), requests == 2);
        assert_eq!(server.received().len(), requests);
    }
}

/// An older server.
const NO_EVENTS: Step = Step::Respond(404, "", String::new());

#[tokio::test]
async fn waiting_survives_a_restart_of_the_server() {
    let ended = RUN.replace("STARTED", "FAILED");
    let server =
        Server::new([Step::ok(RUN), NO_EVENTS, Step::Drop, Step::status(503)], Step::ok(&ended)).await;
    let mut states = Vec::new();
    let run = server.client().runs().watch(run(), |run| states.push(run.state)).await.unwrap();
    assert_eq!(run.state, RunState::Failed);
    assert_eq!(states, [RunState::Started, RunState::Failed]);
}

#[tokio::test]
async fn words_of_a_newer_server_leave_lists_readable() {
    let paused = RUN.replace("STARTED", "PAUSED").replace(r#""backend":null"#, r#""backend":"ucc""#);
    let server = Server::new([], Step::ok(&format!("[{paused},{RUN}]"))).await;
    let runs = server.client().runs().list().await.unwrap();
    assert_eq!((runs[0].state, runs[1].state), (RunState::Unknown, RunState::Started));
    assert_eq!(runs[0].backend.as_deref(), Some("ucc"));

    let pods = r#"[{"name":"w-0","labels":"{}","phase":"Evicted","ip":""}]"#;
    let server = Server::new([], Step::ok(pods)).await;
    assert_eq!(server.client().pods().list().await.unwrap()[0].phase, PodPhase::Unknown);

    let page = r#"{"next":1,"lines":[{"seq":1,"date":"2018-08-03T09:21:44Z","rank":0,"stream":"stdlog","text":"x"}]}"#;
    let server = Server::new([], Step::ok(page)).await;
    let lines = server.client().runs().logs(run(), &LogsQuery::default()).await.unwrap().lines;
    assert_eq!((lines[0].stream, lines[0].text.as_str()), (OutputStream::Unknown, "x"));

    let problem = Step::Respond(409, "", PROBLEM.replace("run_active", "run_haunted"));
    let error = Server::new([], problem).await.client().pods().list().await.unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), (Some(ErrorCode::Unknown), "run 3 is active"));
}

#[tokio::test]
async fn a_run_in_an_unknown_state_has_ended_when_it_says_when() {
    let paused = RUN.replace("STARTED", "PAUSED");
    let done = paused.replace(r#""finished_at":null"#, r#""finished_at":"2018-08-03T09:21:44Z""#);
    let server = Server::new([Step::ok(&paused), NO_EVENTS], Step::ok(&done)).await;
    let ended = server.client().runs().wait(run()).await.unwrap();
    assert_eq!((ended.state, server.received().len()), (RunState::Unknown, 3));
}

#[tokio::test]
async fn a_download_is_written_unchanged() {
    let server = Server::new([], Step::ok(POINTS)).await;
    let mut file = Vec::new();
    let owner = Owner::Run(run());
    let length =
        server.client().metrics().download(&owner, &MetricsQuery::default(), &mut file).await.unwrap();
    assert_eq!(file, POINTS.as_bytes());
    assert_eq!(length, POINTS.len() as u64);
    assert_eq!(server.received()[0].head, "GET /api/metrics/3/?metric_type=run&format=zip");
}

#[tokio::test]
async fn an_incomplete_download_is_an_error() {
    let server = Server::new([], Step::Raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")).await;
    let owner = Owner::Run(run());
    let mut file = Vec::new();
    let error =
        server.client().metrics().download(&owner, &MetricsQuery::default(), &mut file).await.unwrap_err();
    assert!(matches!(error, Error::Interrupted { .. }), "{error}");
}

#[tokio::test]
async fn consecutive_requests_share_a_connection() {
    let server = Server::new([], Step::ok("[]")).await;
    let client = server.client();
    for _ in 0..5 {
        client.pods().list().await.unwrap();
        client.clone().health().ready().await.unwrap();
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn the_futures_of_requests_are_send() {
    fn assert_send<T: Send>(_: &T) {}
    let client = Client::builder().build().unwrap();
    let metric = metric();
    assert_send(&client.metrics().post(&metric));
    assert_send(&client.runs().wait(run()));
    assert_send(&client.with_retries(|| client.pods().list()));
}

#[tokio::test]
async fn every_request_carries_the_token_and_debug_hides_it() {
    let server = Server::new([Step::ok("[]")], Step::Respond(409, "", PROBLEM.to_owned())).await;
    let builder = server.builder().token("correct-horse-battery");
    let client = builder.clone().build().unwrap();
    client.pods().list().await.unwrap();
    let error = client.runs().get(run()).await.unwrap_err();
    assert!(
        server
            .received()
            .iter()
            .all(|request| { request.authorization.as_deref() == Some("Bearer correct-horse-battery") })
    );
    for text in [format!("{builder:?}"), format!("{client:?}"), format!("{error:?}")] {
        assert!(!text.contains("horse"), "{text}");
    }
}

#[test]
fn an_invalid_token_is_refused_without_showing_it() {
    for token in ["", "two words", "line\nbreak", "schlüssel"] {
        let error = Client::builder().token(token).build().unwrap_err();
        assert_eq!(
            error.to_string(),
            "token: not valid in a header; use one word of visible ASCII characters"
        );
    }
}
