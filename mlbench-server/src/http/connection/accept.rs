//! Accepts connections and drains them on shutdown.

use std::convert::Infallible;
use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt as _;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use mlbench_core::api::Endpoint;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::stream::ClientStream;
use crate::app::App;
use crate::http::config::HttpConfig;
use crate::http::request::{Peer, ServerState};
use crate::http::request_metrics::RequestMetrics;
use crate::http::service::ApiService;
use crate::in_place;
use crate::panics;
use crate::task_group::TaskGroup;

/// Pause after a connection could not be accepted because file descriptors or memory ran out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves the API on any number of listeners, which share their request metrics.
#[derive(Clone)]
pub struct HttpServer {
    app: App,
    metrics: Arc<RequestMetrics>,
}

impl HttpServer {
    /// Creates a server that has no listener yet.
    #[must_use]
    pub fn new(app: App) -> Self {
        Self { app, metrics: Arc::default() }
    }

    /// Serves `listener` in `group` until it stops.
    pub fn start(self, group: &TaskGroup, listener: TcpListener, config: HttpConfig) {
        let (stop, vitals) = (group.stop_token(), self.app.vitals.clone());
        group.spawn(async move {
            let address =
                listener.local_addr().map_or_else(|_| "?".to_owned(), |address| address.to_string());
            let served = AssertUnwindSafe(self.serve(listener, config, stop)).catch_unwind().await;
            if let Err(panic) = served {
                vitals.report(
                    &format!("listener on {address}"),
                    &format!("panicked: {}", panics::text(&*panic)),
                );
            }
        });
    }

    /// Serves `listener` until `stop` is cancelled.
    ///
    /// Returns when the responses in progress are sent, at the latest after [`HttpConfig::drain_timeout`].
    pub async fn serve(self, listener: TcpListener, config: HttpConfig, stop: CancellationToken) {
        let state = ServerState::new(self.app, config, self.metrics, stop.clone());
        let service = ApiService::new(&state);
        let connections = TaskGroup::new("connections");
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, address)) => {
                    let stop = connections.stop_token();
                    let peer = Peer(address.ip());
                    let (service, state) = (service.clone(), Arc::clone(&state));
                    connections.spawn(in_place::allow(serve_connection(stream, peer, service, state, stop)));
                }
                Err(error) => pause_after(&error).await,
            }
        }
        drop(listener);
        connections.stop(state.config.drain_timeout).await;
    }
}

/// Ignores a client that gave up before it was accepted. Any other error passes when connections end.
async fn pause_after(error: &io::Error) {
    if !matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        tracing::warn!(%error, "cannot accept a connection");
        // The socket stays readable while descriptors are missing, so that an attempt without a pause would spin.
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

async fn serve_connection(
    stream: TcpStream,
    peer: Peer,
    service: ApiService,
    state: Arc<ServerState>,
    stop: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the client closed the connection before a request");
        return;
    }
    let stream = ClientStream::new(stream, state.config.stall_timeout, Arc::clone(&state.ids), stop.clone());
    let ends_with_input = stream.ends_with_input();
    let service = service_fn(move |mut request: Request<Incoming>| {
        let (service, ends_with_input) = (service.clone(), Arc::clone(&ends_with_input));
        request.extensions_mut().insert(peer);
        async move {
            ends_with_input.store(false, Ordering::Relaxed);
            let response = service.respond(request).await;
            let is_of_events = response.extensions().get() == Some(&Endpoint::Events);
            ends_with_input.store(is_of_events && response.status().is_success(), Ordering::Relaxed);
            Ok::<_, Infallible>(response)
        }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            // `nc -N` and others close their side after the request and wait for the response.
            .half_close(true)
            .header_read_timeout(state.config.header_timeout)
            .serve_connection(TokioIo::new(stream), service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "the connection broke");
    }
}
