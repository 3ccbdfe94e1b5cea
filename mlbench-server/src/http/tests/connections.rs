//! Behaviour that only shows on a real socket.

use std::time::{Duration, Instant};

use mlbench_core::api::Problem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::super::config::HttpConfig;
use super::fakes::PODS;
use super::harness::{NEVER, config, later};
use super::tcp::{DEADLINE, TcpServer, body_of, read_to_end, wait_for_ok};

const SHORT: Duration = Duration::from_millis(200);

/// Nothing ends by a timeout, unless a test sets it.
fn no_timeouts() -> HttpConfig {
    HttpConfig {
        header_timeout: NEVER,
        body_stall_timeout: NEVER,
        stall_timeout: NEVER,
        drain_timeout: NEVER,
        ..config()
    }
}

#[tokio::test]
async fn a_head_has_the_headers_of_a_get_and_no_body() {
    let server = TcpServer::start(config()).await;
    let request =
        |method: &str| format!("{method} /api/pods HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    let strip_date = |head: &str| {
        head.lines().filter(|line| !line.starts_with("date")).map(str::to_owned).collect::<Vec<_>>()
    };
    let get = server.exchange(request("GET").as_bytes()).await;
    let head = server.exchange(request("HEAD").as_bytes()).await;
    assert!(get.starts_with("HTTP/1.1 200 "), "{get}");
    let (get_head, get_body) = get.split_once("\r\n\r\n").unwrap();
    assert_eq!(strip_date(head.split_once("\r\n\r\n").unwrap().0), strip_date(get_head));
    assert!(get_head.contains(&format!("content-length: {}", get_body.len())), "{get_head}");
    assert_eq!(body_of(&head), "");
}

#[tokio::test]
async fn a_request_that_is_not_http_gets_a_problem() {
    let server = TcpServer::start(config()).await;
    let long = format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "x".repeat(70_000));
    let headers = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(200));
    for (request, status) in [
        ("NONSENSE\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n", 400),
        (long.as_str(), 414),
        (headers.as_str(), 431),
    ] {
        let response = server.exchange(request.as_bytes()).await;
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{response}");
        assert!(response.contains("content-type: application/problem+json\r\n"), "{response}");
        let problem: Problem = serde_json::from_str(body_of(&response)).unwrap();
        assert_eq!((problem.status, problem.code.as_str()), (status, "malformed"));
    }
}

#[tokio::test]
async fn a_chunked_body_is_read_up_to_the_limit() {
    let server = TcpServer::start(HttpConfig { body_limit: 100, ..config() }).await;
    let head = "POST /api/metrics HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    let body = format!(r#"{{"pod_name":"{}","name":"a","value":1}}"#, PODS[0]);
    let (left, right) = body.split_at(20);
    let request = format!("{head}{:x}\r\n{left}\r\n{:x}\r\n{right}\r\n0\r\n\r\n", left.len(), right.len());
    let response = server.exchange(request.as_bytes()).await;
    assert!(response.starts_with("HTTP/1.1 201 "), "{response}");
    let chunk = format!("{:x}\r\n{}\r\n", 60, "x".repeat(60));
    let response = server.exchange(format!("{head}{chunk}{chunk}{chunk}0\r\n\r\n").as_bytes()).await;
    assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
    let broken = server.exchange(format!("{head}zz\r\n").as_bytes()).await;
    assert!(broken.starts_with("HTTP/1.1 400 "), "{broken}");
}

#[tokio::test]
async fn a_client_that_keeps_sending_still_gets_the_413() {
    let server = TcpServer::start(config()).await;
    let mut stream = server.connect().await;
    let size = 64 << 20;
    let head = format!("POST /api/runs/ HTTP/1.1\r\nhost: localhost\r\ncontent-length: {size}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..16 {
        stream.write_all(&[b'x'; 1 << 20]).await.unwrap();
    }
    stream.shutdown().await.unwrap();
    let response = read_to_end(&mut stream).await;
    assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
    assert!(response.contains("connection: close\r\n"), "{response}");
}

#[tokio::test]
async fn a_body_that_never_arrives_gets_a_408() {
    let server = TcpServer::start(HttpConfig { body_stall_timeout: SHORT, ..no_timeouts() }).await;
    let request = b"POST /api/runs/ HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n{";
    let mut stream = server.connect().await;
    stream.write_all(request).await.unwrap();
    let mut response = [0; 12];
    timeout(DEADLINE, stream.read_exact(&mut response)).await.unwrap().unwrap();
    assert_eq!(&response, b"HTTP/1.1 408");
}

#[tokio::test]
async fn a_connection_with_an_incomplete_head_is_closed() {
    let server = TcpServer::start(HttpConfig { header_timeout: SHORT, ..no_timeouts() }).await;
    let response = server.exchange(b"GET / HTTP/1.1\r\nhost: loc").await;
    assert_eq!(response, "");
}

/// Requests a response that does not fit into the buffers of a connection.
async fn request_large_response(server: &TcpServer) -> TcpStream {
    let run = server.api.ended_run("x").await.id;
    let value = "v".repeat((1 << 20) - 200);
    for i in 0..24 {
        server.api.post_metric(&format!(r#""run_id":{run}"#), "big", &later(i), &value).await;
    }
    let mut stream = server.connect().await;
    let request = format!("GET /api/metrics/{run}/?metric_type=run HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    wait_for_ok(&stream).await;
    stream
}

/// Stops the server, and checks that every connection ends without force.
async fn stop_without_force(server: &TcpServer) {
    server.begin_shutdown();
    let began = Instant::now();
    server.wait_until_drained().await;
    assert!(began.elapsed() < DEADLINE, "it was closed by force");
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_dropped() {
    let server = TcpServer::start(HttpConfig { stall_timeout: SHORT, ..no_timeouts() }).await;
    let mut stream = request_large_response(&server).await;
    stop_without_force(&server).await;
    let mut received = Vec::new();
    let ended = timeout(DEADLINE, stream.read_to_end(&mut received)).await.unwrap();
    assert!(ended.is_err() || !received.ends_with(b"0\r\n\r\n"), "the response must not look complete");
}

#[tokio::test]
async fn reading_stops_when_the_client_disconnects() {
    let server = TcpServer::start(no_timeouts()).await;
    drop(request_large_response(&server).await);
    stop_without_force(&server).await;
}

#[tokio::test]
async fn a_client_that_closes_its_half_still_gets_the_response() {
    let server = TcpServer::start(config()).await;
    let mut stream = server.connect().await;
    let body = r#"{"name":"x"}"#;
    let head =
        format!("POST /api/runs/ HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let response = read_to_end(&mut stream).await;
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    assert!(body_of(&response).contains("INITIALIZED"), "{response}");
}

#[tokio::test]
async fn a_shutdown_finishes_requests_and_closes_idle_connections() {
    let server = TcpServer::start(no_timeouts()).await;
    let mut idle = server.connect().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut first = [0; 15];
    timeout(DEADLINE, idle.read_exact(&mut first)).await.unwrap().unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    let mut busy = server.connect().await;
    let body = format!(r#"{{"pod_name":"{}","name":"a","value":1}}"#, PODS[0]);
    let head = "POST /api/metrics HTTP/1.1\r\nhost: localhost\r\ncontent-length";
    let expect = format!("{head}: {}\r\nexpect: 100-continue\r\n\r\n", body.len());
    busy.write_all(expect.as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    timeout(DEADLINE, busy.read_exact(&mut interim)).await.unwrap().unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    server.begin_shutdown();
    read_to_end(&mut idle).await;
    busy.write_all(body.as_bytes()).await.unwrap();
    let response = read_to_end(&mut busy).await;
    assert!(response.starts_with("HTTP/1.1 201 "), "{response}");
    server.wait_until_drained().await;
    assert!(TcpStream::connect(server.address).await.is_err(), "the listener is closed");
}

#[tokio::test]
async fn a_connection_is_reused() {
    let server = TcpServer::start(config()).await;
    let mut stream = server.connect().await;
    let request = "GET /nowhere HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(2)
        + "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let responses = read_to_end(&mut stream).await;
    assert_eq!(responses.matches("HTTP/1.1 404 ").count(), 2, "{responses}");
    assert_eq!(responses.matches("HTTP/1.1 200 ").count(), 1, "{responses}");
}
