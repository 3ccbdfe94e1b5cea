//! A TCP connection to a client that may stall.
//!
//! A client that takes nothing of its answer for a while is dropped. And a close waits for the client: when an answer
//! was given before all of the request was read (a body that is too large), closing at once would make the kernel
//! send a reset, which throws away the answer on the other side.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::call::ServerState;
use super::unreadable::replace_hyper_response;

/// How long a client may go on sending after its answer.
const LINGER: Duration = Duration::from_secs(5);

pub(super) struct ClientStream {
    stream: TcpStream,
    shared: Arc<ServerState>,
    /// What remains to be sent instead of an answer of hyper's own.
    replacement: Bytes,
    /// Runs while the client takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    ending: CancellationToken,
    /// Runs from the end of what was to be sent until the client closes, too.
    lingering: Option<Lingering>,
}

struct Lingering {
    limit: Pin<Box<Sleep>>,
    ending: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl ClientStream {
    pub(super) const fn new(stream: TcpStream, shared: Arc<ServerState>, ending: CancellationToken) -> Self {
        Self { stream, shared, replacement: Bytes::new(), stalled: None, ending, lingering: None }
    }

    /// Writes the beginning of `slices`, or all of the document that replaces the first one.
    fn poll_send(&mut self, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let head: &[u8] = slices.first().map_or(&[], |slice| slice);
        if self.replacement.is_empty() {
            let Some(replacement) = replace_hyper_response(head, &self.shared.ids) else {
                return Pin::new(&mut self.stream).poll_write_vectored(context, slices);
            };
            self.replacement = replacement.into();
        }
        while !self.replacement.is_empty() {
            let sent = ready!(Pin::new(&mut self.stream).poll_write(context, &self.replacement))?;
            self.replacement.advance(sent);
        }
        Poll::Ready(Ok(head.len()))
    }

    /// Passes on how a write went, unless nothing was taken for too long.
    fn watched<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let timeout = self.shared.options.stall_timeout;
        let limit = self.stalled.get_or_insert_with(|| Box::pin(sleep(timeout)));
        ready!(limit.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing")))
    }

    /// Ready when the client has closed its side, broken the connection or had its time.
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let ending = &self.ending;
        let lingering = self.lingering.get_or_insert_with(|| Lingering {
            limit: Box::pin(sleep(LINGER)),
            ending: Box::pin(ending.clone().cancelled_owned()),
        });
        if lingering.limit.as_mut().poll(context).is_ready()
            || lingering.ending.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(());
        }
        let mut discarded = [0; 8192];
        loop {
            let mut buffer = ReadBuf::new(&mut discarded);
            let read = ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let socket = self.get_mut();
        let written = socket.poll_send(context, slices);
        socket.watched(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        if socket.lingering.is_none() {
            ready!(Pin::new(&mut socket.stream).poll_shutdown(context))?;
        }
        socket.poll_linger(context).map(Ok)
    }
}
