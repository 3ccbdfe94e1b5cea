//! Clients that stop reading a long response do not slow down others.

use mlbench_core::Owner;
use mlbench_core::api::NewMetric;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

use super::super::config::HttpConfig;
use super::harness::{NEVER, config};
use super::tcp::{TcpServer, wait_for_ok};

const CLIENTS: usize = 50;

/// Connects a client with a tiny receive buffer, which reads nothing of its response.
async fn stall(server: &TcpServer, path: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(server.address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    wait_for_ok(&stream).await;
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stalled_downloads_delay_no_reader_and_hold_no_snapshot() {
    let server = TcpServer::start(HttpConfig { stall_timeout: NEVER, ..config() }).await;
    let run = server.api.run_with_points(20_000).await;
    let path = format!("/api/metrics/{run}/?metric_type=run");
    let mut stalled = Vec::new();
    for _ in 0..CLIENTS {
        stalled.push(stall(&server, &path).await);
    }
    for _ in 0..21 {
        // A reader behind a stalled one would wait until the deadline.
        let request = format!("GET {path}&last_n=1 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        let response = server.exchange(request.as_bytes()).await;
        assert!(response.starts_with("HTTP/1.1 200 ") && response.contains("19999"), "{response}");
    }

    // Writes 96 MB: an open snapshot would keep all of it in the write-ahead log.
    let owner = Owner::Run(run);
    for i in 0..96 {
        let mut metric = NewMetric::new(owner.clone(), "big", f64::from(i)).unwrap();
        metric.metadata = "m".repeat(1 << 20);
        let now = server.api.app.clock.now();
        server.api.app.storage.record_metric(metric.at(now), None, now).await.unwrap();
    }
    let wal = server.api.file("db-wal").metadata().unwrap().len();
    assert!(wal <= 64 << 20, "{wal} bytes");
    drop(stalled);
}
