//! Streams of events: what they carry, who gets one, and when they end.

use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use mlbench_core::run::OutputStream;
use mlbench_core::storage::{ChangesQuery, Interest, OutputChunk};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::super::config::HttpConfig;
use super::super::request_metrics::CountedResponse;
use super::fakes::{PODS, pod};
use super::harness::{Api, NEVER, NOW, config};
use super::tcp::{DEADLINE, TcpServer, read_to_end, wait_for_ok};
use crate::app::RunPolicy;

/// A stream of events without a socket.
struct EventReader {
    response: CountedResponse,
    text: String,
}

impl EventReader {
    async fn begin(api: &Api, query: &str) -> Self {
        let response = api.begin(&format!("/api/events/?{query}")).await;
        assert_eq!(response.status(), 200);
        Self { response, text: String::new() }
    }

    /// Returns the next event: its id, its name and its data.
    async fn next(&mut self) -> (i64, String, Value) {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| {
                    let mut values = event.lines().filter_map(|line| line.strip_prefix(name));
                    let value = values.next().map(str::to_owned);
                    assert_eq!(values.next(), None, "{event}");
                    value
                };
                let Some(id) = field("id: ") else { continue };
                let (name, data) = (field("event: ").unwrap(), field("data: ").unwrap());
                return (id.parse().unwrap(), name, serde_json::from_str(&data).unwrap());
            }
            let frame = timeout(DEADLINE, self.response.body_mut().frame()).await.expect("an event");
            let bytes = frame.expect("the stream goes on").unwrap().into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }
}

fn lines(text: &[&str]) -> OutputChunk {
    let lines: Vec<String> = text.iter().map(|line| (*line).to_owned()).collect();
    let to = lines.iter().map(|line| line.len() as u64 + 1).sum();
    OutputChunk { rank: 0, stream: OutputStream::Stdout, from: 0, to, lines, date: NOW.parse().unwrap() }
}

#[tokio::test]
async fn a_stream_carries_what_its_topics_name() {
    let api = Api::without_launcher().await;
    let run = api.stored_run("watched").await.id;
    api.app.storage.run_started(run, 1, api.app.clock.now()).await.unwrap();
    let topics = format!("topics=runs,pods,usage,run:{run}");
    let mut all = EventReader::begin(&api, &topics).await;
    let mut one_pod = EventReader::begin(&api, &format!("topics=pod:{}", PODS[1])).await;
    let mut runs = EventReader::begin(&api, "topics=runs").await;
    let (first, name, data) = all.next().await;
    assert_eq!((name.as_str(), &data["cursor"]), ("open", &json!(first)));
    assert_eq!(data["topics"], json!(["runs", "pods", "usage", format!("run:{run}")]));
    let (id, name, data) = all.next().await;
    assert_eq!((id, name.as_str(), data["pods"].as_array().unwrap().len()), (first, "pods", 2));
    assert_eq!((one_pod.next().await.1, runs.next().await.1), ("open".to_owned(), "open".to_owned()));

    let of_run = format!("\"run_id\":{run}");
    api.post_metric(&of_run, "loss", NOW, "0.5\r\nid: 9").await;
    let (id, name, data) = all.next().await;
    let metrics = json!({"loss": [{"date": NOW, "value": "0.5\r\nid: 9"}]});
    assert_eq!(
        (name.as_str(), &data),
        ("points", &json!({"after": id - 1, "run_id": run, "metrics": metrics}))
    );
    assert!(id > first);
    api.app.storage.append_output(run, vec![lines(&["50 %\r100 %", "done"])]).await.unwrap();
    let (id, name, data) = all.next().await;
    assert_eq!((name.as_str(), &data["run_id"], &data["lines"][1]["seq"]), ("logs", &json!(run), &json!(id)));
    assert_eq!(data["lines"][0]["text"], "50 %\r100 %");
    api.post_metric(&format!("\"pod_name\":{:?}", PODS[1]), "cpu", NOW, "1").await;
    let (id, name, data) = all.next().await;
    assert_eq!((name.as_str(), &data["pod_name"]), ("points", &json!(PODS[1])));
    assert_eq!(one_pod.next().await, (id, name, data), "and nothing else came before");
    api.app.storage.set_pods(&[pod(PODS[0])], api.app.clock.now()).await.unwrap();
    let (_, name, data) = all.next().await;
    assert_eq!((name.as_str(), data["pods"].as_array().unwrap().len()), ("pods", 1));
    api.app.storage.request_stop(run, api.app.clock.now()).await.unwrap();
    super::fakes::end_run(&api.app, run, mlbench_core::RunEvent::Stop).await;
    let (id, name, data) = loop {
        let event = all.next().await;
        if event.2["runs"][0]["state"] != "STARTED" {
            break event;
        }
    };
    assert_eq!((name.as_str(), &data["runs"][0]["state"]), ("runs", &json!("STOPPED")));
    assert_eq!(data["runs"][0]["job_metadata"].get("stdout"), None);
    let last = loop {
        let event = runs.next().await;
        assert_eq!(event.1, "runs");
        if event.0 == id {
            break event.2;
        }
    };
    assert_eq!(last, data);
    api.app.storage.delete_run(run).await.unwrap();
    for reader in [&mut all, &mut runs] {
        let (_, name, data) = reader.next().await;
        assert_eq!((name.as_str(), data), ("runs", json!({"runs": [], "deleted": [run]})));
    }
}

#[tokio::test]
async fn a_run_that_joins_the_queue_is_sent_without_those_before_it() {
    let api = Api::with_policy(config(), RunPolicy::Queue).await;
    api.spawn_fake_launcher();
    let start = async || {
        let body = r#"{"name":"x","num_workers":4,"custom_image_command":"true"}"#;
        api.post("/api/runs/", body).await.json()["id"].as_i64().unwrap()
    };
    start().await;
    start().await;
    let mut stream = EventReader::begin(&api, "topics=runs").await;
    assert_eq!(stream.next().await.1, "open");
    let mut sent_until = async |last: i64| {
        let mut ids = Vec::new();
        while ids.last() != Some(&last) {
            let (_, name, data) = stream.next().await;
            ids.extend((name == "runs").then(|| data["runs"][0]["id"].as_i64()).flatten());
        }
        ids.retain(|id| *id != 1);
        ids
    };
    let third = start().await;
    assert_eq!(sent_until(third).await, [third]);
    let mut other = EventReader::begin(&api, "topics=runs").await;
    assert_eq!(other.next().await.1, "open");
    for _ in 0..2 {
        let next = start().await;
        assert_eq!(sent_until(next).await, [next]);
    }
}

#[tokio::test]
async fn a_stream_is_never_cached_collected_or_compressed() {
    let api = Api::start().await;
    let headers = [("accept-encoding", "gzip"), ("accept", "text/event-stream")];
    let response = api.call(hyper::Method::GET, "/api/events?topics=runs", &headers, "").await;
    assert_eq!(response.status, 200);
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-store, no-transform"),
        ("x-accel-buffering", "no"),
        ("content-encoding", ""),
    ] {
        assert_eq!(response.header(name), value, "{name}");
    }
    let refused =
        api.call(hyper::Method::GET, "/api/events?topics=runs", &[("accept", "text/html")], "").await;
    assert_eq!(refused.error().1, "not_acceptable");
}

#[tokio::test]
async fn other_sites_and_unknown_topics_get_no_stream() {
    let api = Api::start().await;
    for site in ["cross-site", "same-site"] {
        let headers = [("sec-fetch-site", site)];
        let refused = api.call(hyper::Method::GET, "/api/events?topics=runs", &headers, "").await;
        let (status, code, detail) = refused.error();
        assert_eq!((status, code), (403, "forbidden_origin"), "{site}");
        assert!(detail.contains("get no stream"), "{detail}");
    }
    let headers = [("origin", "http://evil.example")];
    let refused = api.call(hyper::Method::GET, "/api/events?topics=runs", &headers, "").await;
    assert_eq!(refused.error().1, "forbidden_origin");
    for headers in [[("sec-fetch-site", "same-origin")], [("origin", "http://localhost:8000")]] {
        assert_eq!(api.call(hyper::Method::GET, "/api/events?topics=runs", &headers, "").await.status, 200);
    }
    for (query, detail) in [("", "topics: missing"), ("?topics=runs,x", "topics: \"x\"")] {
        let refused = api.get(&format!("/api/events{query}")).await;
        let (status, code, text) = refused.error();
        assert_eq!((status, code), (400, "invalid_field"));
        assert!(text.starts_with(detail), "{text}");
    }
    assert_eq!(api.app.events.streams(), 0, "a response that was dropped gave its stream back");
}

#[tokio::test]
async fn the_number_of_streams_is_limited() {
    let api = Api::start().await;
    let mut streams = Vec::new();
    for _ in 0..256 {
        streams.push(api.begin("/api/events?topics=runs").await);
    }
    let refused = api.get("/api/events?topics=runs").await;
    assert_eq!((refused.error().0, refused.error().1), (503, "too_many_streams"));
    assert_eq!(refused.header("retry-after"), "5");
    assert_eq!(api.metrics.in_flight(), 0, "a stream is no request in progress");
    let gauge = String::from_utf8(api.get("/metrics").await.body.to_vec()).unwrap();
    assert!(gauge.contains("\nmlbench_event_streams 256\n"));
    streams.pop();
    assert_eq!(api.get("/api/events?topics=runs").await.status, 200);
}

#[tokio::test]
async fn an_unknown_position_is_answered_with_resync() {
    let api = Api::start().await;
    let none = ChangesQuery { interest: Interest::default(), after: 0, upto: None };
    let last = api.app.storage.changes(&none).await.unwrap().last;
    for id in ["999999999", "x", "-1"] {
        let request = Request::get("/api/events?topics=runs&cursor=0").header("host", "localhost");
        let request = request.header("last-event-id", id).body(Full::<Bytes>::default()).unwrap();
        let response = api.service.clone().respond(request).await;
        let mut events = EventReader { response, text: String::new() };
        let open = json!({"cursor": last, "topics": ["runs"]});
        assert_eq!(events.next().await, (last, "open".to_owned(), open), "{id}");
        let reason = json!({"reason": "the position is not known to this server"});
        assert_eq!(events.next().await, (last, "resync".to_owned(), reason), "{id}");
    }
}

#[tokio::test]
async fn a_stream_is_refused_while_the_store_fails() {
    let api = Api::start().await;
    let first = api.begin("/api/events/?topics=runs,pods").await;
    assert_eq!(first.status(), 200);
    api.app.storage.close().await.unwrap();
    // The second one comes while the hub pauses.
    for _ in 0..2 {
        let refused = timeout(DEADLINE, api.get("/api/events/?topics=runs,pods")).await.expect("a response");
        assert_eq!((refused.error().0, refused.error().1), (503, "unavailable"));
    }
    drop(first);
    assert_eq!(api.app.events.streams(), 0);
}

/// Connects, and reads until the first event has come.
async fn connect(server: &TcpServer) -> TcpStream {
    let mut stream = server.connect().await;
    let request = "GET /api/events/?topics=runs HTTP/1.1\r\nhost: localhost\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    wait_for_ok(&stream).await;
    let mut text = Vec::new();
    while !text.windows(5).any(|bytes| bytes == b"open\n") {
        timeout(DEADLINE, stream.read_buf(&mut text)).await.expect("an event").unwrap();
    }
    stream
}

/// Waits until every stream has ended, which a heartbeat would be too late for.
async fn until_no_stream(server: &TcpServer) {
    let begin = Instant::now();
    while server.api.app.events.streams() > 0 {
        assert!(begin.elapsed() < DEADLINE);
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_stream_ends_when_the_client_leaves() {
    let server = TcpServer::start(config()).await;
    for half in [false, true] {
        let mut stream = connect(&server).await;
        assert_eq!(server.api.app.events.streams(), 1);
        if half {
            stream.shutdown().await.unwrap();
        } else {
            drop(stream);
        }
        until_no_stream(&server).await;
    }
}

#[tokio::test]
async fn a_refused_stream_does_not_cut_off_later_responses() {
    let server = TcpServer::start(config()).await;
    let mut stream = server.connect().await;
    let request = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all((request("/api/events") + &request("/api/pods")).as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let responses = read_to_end(&mut stream).await;
    assert!(responses.starts_with("HTTP/1.1 400 ") && responses.contains("HTTP/1.1 200 "), "{responses}");
}

#[tokio::test]
async fn a_stream_ends_at_once_when_the_server_stops() {
    let server = TcpServer::start(HttpConfig { drain_timeout: NEVER, ..config() }).await;
    let mut streams = [connect(&server).await, connect(&server).await];
    let begin = Instant::now();
    server.begin_shutdown();
    server.wait_until_drained().await;
    assert!(begin.elapsed() < DEADLINE, "it was ended by force");
    let mut rest = Vec::new();
    timeout(DEADLINE, streams[0].read_to_end(&mut rest)).await.unwrap().unwrap();
    assert!(rest.ends_with(b"0\r\n\r\n"), "the response is complete");
}
