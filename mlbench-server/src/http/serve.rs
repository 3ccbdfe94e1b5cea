//! Accepting connections, and ending them in good order.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::HttpConfig;
use super::call::ServerState;
use super::front::ApiService;
use super::socket::ClientStream;
use super::watch::InFlightGuard;
use crate::app::App;
use crate::task_group::TaskGroup;

/// How long to wait when a connection cannot be accepted for want of file descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves the API on `listener` until `stop` is cancelled. Returns when the answers that are under way then are
/// finished, at the latest after [`HttpConfig::drain_timeout`].
pub async fn serve(listener: TcpListener, app: App, options: HttpConfig, stop: CancellationToken) {
    let context = ServerState::new(app, options);
    let front = ApiService::new(&context);
    let connections = TaskGroup::new("connections");
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let ending = connections.stop_token();
                connections.spawn(connection(stream, front.clone(), Arc::clone(&context), ending));
            }
            Err(error) => pause_after(&error).await,
        }
    }
    drop(listener);
    connections.stop(context.options.drain_timeout).await;
}

/// A client that gave up before it was accepted is its own affair; anything else passes when connections end.
async fn pause_after(error: &io::Error) {
    if !matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        tracing::warn!(%error, "a connection cannot be accepted");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

async fn connection(
    stream: TcpStream,
    front: ApiService,
    context: Arc<ServerState>,
    ending: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection was gone at once");
        return;
    }
    let traffic = Arc::clone(&context.app.traffic);
    let service = service_fn(move |request| {
        let (front, watch) = (front.clone(), InFlightGuard::begin(&traffic, &request));
        async move { Ok::<_, Infallible>(watch.answered(front.answer(request).await)) }
    });
    let socket = TokioIo::new(ClientStream::new(stream, Arc::clone(&context), ending.clone()));
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            // `nc -N` and others close their side once the request is sent, and wait for the answer.
            .half_close(true)
            .header_read_timeout(context.options.header_timeout)
            .serve_connection(socket, service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = ending.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}
