//! A server on a real socket.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::super::config::HttpConfig;
use super::super::connection::HttpServer;
use super::harness::Api;
use crate::task_group::TaskGroup;

/// Upper limit for every wait. Only a failure reaches it.
pub(super) const DEADLINE: Duration = Duration::from_secs(300);

/// A server that listens on a port of its own.
pub(super) struct TcpServer {
    pub(super) api: Api,
    pub(super) address: SocketAddr,
    stop: CancellationToken,
    connections: TaskGroup,
}

impl TcpServer {
    pub(super) async fn start(config: HttpConfig) -> Self {
        let api = Api::with(config.clone()).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let connections = TaskGroup::new("serving");
        connections.spawn(HttpServer::new(api.app.clone()).serve(listener, config, stop.clone()));
        Self { api, address, stop, connections }
    }

    pub(super) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends `request` and reads until the server closes the connection.
    pub(super) async fn exchange(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request).await.unwrap();
        read_to_end(&mut stream).await
    }

    /// Begins the shutdown: the server accepts no more connections and drains the open ones.
    pub(super) fn begin_shutdown(&self) {
        self.stop.cancel();
    }

    /// Waits until every connection is closed.
    pub(super) async fn wait_until_drained(&self) {
        self.connections.stop(DEADLINE).await;
    }
}

/// Reads until the server closes the connection.
pub(super) async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut response = Vec::new();
    timeout(DEADLINE, stream.read_to_end(&mut response)).await.expect("the server closes").unwrap();
    String::from_utf8(response).unwrap()
}

/// Waits for the beginning of a response and checks its status, without reading it.
pub(super) async fn wait_for_ok(stream: &TcpStream) {
    let mut status = [0; 13];
    let length = timeout(DEADLINE, stream.peek(&mut status)).await.expect("a response").unwrap();
    assert_eq!(&status[..length], b"HTTP/1.1 200 ");
}

/// Returns the body of a raw response.
pub(super) fn body_of(response: &str) -> &str {
    response.split_once("\r\n\r\n").unwrap().1
}
