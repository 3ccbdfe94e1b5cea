//! Real sockets: what only shows on the wire.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::http::HttpServer;

/// How long any of this may take on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(20);

pub(super) struct Server {
    pub(super) api: Api,
    pub(super) address: SocketAddr,
    stop: CancellationToken,
    serving: TaskGroup,
}

impl Server {
    pub(super) async fn start(options: HttpConfig) -> Self {
        let api = Api::with(options.clone()).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let serving = TaskGroup::new("serving");
        serving.spawn(HttpServer::new(api.app.clone()).serve(listener, options, stop.clone()));
        Self { api, address, stop, serving }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends `request` and reads until the server closes.
    pub(super) async fn exchange(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request).await.unwrap();
        read_to_end(&mut stream).await
    }
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut response = Vec::new();
    timeout(TIMEOUT, stream.read_to_end(&mut response)).await.expect("the server closes").unwrap();
    String::from_utf8(response).unwrap()
}

fn quick() -> HttpConfig {
    let moment = Duration::from_millis(200);
    HttpConfig { header_timeout: moment, body_stall_timeout: moment, stall_timeout: moment, ..config() }
}

fn body_of(response: &str) -> &str {
    response.split_once("\r\n\r\n").unwrap().1
}

#[tokio::test]
async fn a_head_has_the_headers_of_a_get_and_no_body() {
    let server = Server::start(config()).await;
    let ask =
        |method: &str| format!("{method} /api/pods HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    let strip_date = |head: &str| {
        head.lines().filter(|line| !line.starts_with("date")).map(str::to_owned).collect::<Vec<_>>()
    };
    let get = server.exchange(ask("GET").as_bytes()).await;
    let head = server.exchange(ask("HEAD").as_bytes()).await;
    let (get_head, get_body) = get.split_once("\r\n\r\n").unwrap();
    assert_eq!(strip_date(head.split_once("\r\n\r\n").unwrap().0), strip_date(get_head));
    assert!(get_head.contains(&format!("content-length: {}", get_body.len())), "{get_head}");
    assert_eq!(body_of(&head), "");
}

#[tokio::test]
async fn what_is_no_http_is_answered_with_a_problem() {
    let server = Server::start(config()).await;
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
async fn a_chunked_body_is_read_and_counted() {
    let server = Server::start(HttpConfig { body_limit: 100, ..config() }).await;
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
async fn a_client_that_goes_on_sending_still_reads_that_it_is_too_much() {
    let server = Server::start(config()).await;
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
async fn a_body_that_does_not_come_is_not_waited_for() {
    let server = Server::start(quick()).await;
    let request = b"POST /api/runs/ HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n{";
    let mut stream = server.connect().await;
    stream.write_all(request).await.unwrap();
    let mut response = [0; 12];
    timeout(TIMEOUT, stream.read_exact(&mut response)).await.unwrap().unwrap();
    assert_eq!(&response, b"HTTP/1.1 408");
}

#[tokio::test]
async fn half_a_head_does_not_keep_a_connection() {
    let server = Server::start(quick()).await;
    let response = server.exchange(b"GET / HTTP/1.1\r\nhost: loc").await;
    assert_eq!(response, "");
}

/// Asks for more than fits into the buffers of a connection.
async fn ask_for_much(server: &Server) -> TcpStream {
    let run = server.api.ended_run("x").await.id;
    let value = "v".repeat((1 << 20) - 200);
    for i in 0..24 {
        server.api.post_metric(&format!(r#""run_id":{run}"#), "big", &later(i), &value).await;
    }
    let mut stream = server.connect().await;
    let request = format!("GET /api/metrics/{run}/?metric_type=run HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.readable().await.unwrap();
    stream
}

/// Stops the server. What is under way must end by itself before the server gives up on it.
async fn ends_before_the_server_gives_up(server: &Server) {
    server.stop.cancel();
    let began = std::time::Instant::now();
    server.serving.stop(TIMEOUT).await;
    assert!(began.elapsed() < HttpConfig::DRAIN_TIMEOUT, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_dropped() {
    let server = Server::start(quick()).await;
    let mut stream = ask_for_much(&server).await;
    ends_before_the_server_gives_up(&server).await;
    let mut taken = Vec::new();
    let ended = timeout(TIMEOUT, stream.read_to_end(&mut taken)).await.unwrap();
    assert!(ended.is_err() || !taken.ends_with(b"0\r\n\r\n"), "it does not look whole");
}

#[tokio::test]
async fn nothing_more_is_read_for_a_client_that_is_gone() {
    let server = Server::start(config()).await;
    drop(ask_for_much(&server).await);
    ends_before_the_server_gives_up(&server).await;
}

#[tokio::test]
async fn a_client_that_has_said_everything_still_gets_its_answer() {
    let server = Server::start(config()).await;
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
async fn a_stop_finishes_what_is_under_way_and_closes_what_is_idle() {
    let server = Server::start(config()).await;
    let mut idle = server.connect().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut first = [0; 15];
    timeout(TIMEOUT, idle.read_exact(&mut first)).await.unwrap().unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    let mut busy = server.connect().await;
    let body = format!(r#"{{"pod_name":"{}","name":"a","value":1}}"#, PODS[0]);
    let head = "POST /api/metrics HTTP/1.1\r\nhost: localhost\r\ncontent-length";
    let expect = format!("{head}: {}\r\nexpect: 100-continue\r\n\r\n", body.len());
    busy.write_all(expect.as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    timeout(TIMEOUT, busy.read_exact(&mut go_on)).await.unwrap().unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    server.stop.cancel();
    read_to_end(&mut idle).await;
    busy.write_all(body.as_bytes()).await.unwrap();
    let response = read_to_end(&mut busy).await;
    assert!(response.starts_with("HTTP/1.1 201 "), "{response}");
    server.serving.stop(TIMEOUT).await;
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let server = Server::start(config()).await;
    let mut stream = server.connect().await;
    let request = "GET /nowhere HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(2)
        + "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let responses = read_to_end(&mut stream).await;
    assert_eq!(responses.matches("HTTP/1.1 404 ").count(), 2, "{responses}");
    assert_eq!(responses.matches("HTTP/1.1 200 ").count(), 1, "{responses}");
}
