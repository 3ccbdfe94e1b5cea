//! TCP stream with a write timeout, a lingering close, and an eye on clients that leave a stream of events.
//!
//! A client that reads nothing of its response for a while is dropped. A close waits for the client: when the server
//! responds before it has read the whole request (a body that is too large), an immediate close would make the kernel send
//! a reset, which discards the response on the other side.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::parse_error::replace_hyper_response;
use crate::http::problem::RequestIds;

/// Longest time for which a client may go on sending after its response.
const LINGER: Duration = Duration::from_secs(5);

/// A client's connection.
pub(super) struct ClientStream {
    stream: TcpStream,
    stall_timeout: Duration,
    ids: Arc<RequestIds>,
    /// Whether the end of what the client sends is the end of the connection.
    ends_with_input: Arc<AtomicBool>,
    /// Rest of the problem document that replaces a response of hyper's own.
    replacement: Bytes,
    /// Set while the client reads nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    stop: CancellationToken,
    /// Set from the end of the response until the client closes its side.
    lingering: Option<Lingering>,
}

struct Lingering {
    limit: Pin<Box<Sleep>>,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl ClientStream {
    pub(super) fn new(
        stream: TcpStream,
        stall_timeout: Duration,
        ids: Arc<RequestIds>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            stream,
            stall_timeout,
            ids,
            ends_with_input: Arc::default(),
            replacement: Bytes::new(),
            stalled: None,
            stop,
            lingering: None,
        }
    }

    /// Returns what makes the end of the client's input the end of the connection, once it is set.
    ///
    /// A response is sent to a client that closed its side, but a stream of events has no end, and a client that went
    /// away would be noticed only by heartbeats that fail.
    pub(super) fn ends_with_input(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.ends_with_input)
    }

    /// Returns whether the client has closed its side. Otherwise wakes the task when it does.
    fn input_has_ended(&self, context: &mut Context<'_>) -> bool {
        let mut byte = [0];
        let mut byte = ReadBuf::new(&mut byte);
        match self.stream.poll_peek(context, &mut byte) {
            Poll::Ready(Ok(length)) => length == 0,
            Poll::Ready(Err(_)) => true,
            Poll::Pending => false,
        }
    }

    /// Writes the beginning of `slices`, or the whole document that replaces the first one.
    fn poll_send(&mut self, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let head: &[u8] = slices.first().map_or(&[], |slice| slice);
        if self.replacement.is_empty() {
            let Some(replacement) = replace_hyper_response(head, &self.ids) else {
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

    /// Passes on the outcome of a write, or an error after the stall timeout.
    fn with_stall_timeout<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let timeout = self.stall_timeout;
        let limit = self.stalled.get_or_insert_with(|| Box::pin(sleep(timeout)));
        ready!(limit.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client reads nothing")))
    }

    /// Ready when the client has closed its side, the connection broke, or the time is over.
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let stop = &self.stop;
        let lingering = self.lingering.get_or_insert_with(|| Lingering {
            limit: Box::pin(sleep(LINGER)),
            stop: Box::pin(stop.clone().cancelled_owned()),
        });
        if lingering.limit.as_mut().poll(context).is_ready()
            || lingering.stop.as_mut().poll(context).is_ready()
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
        let stream = self.get_mut();
        let written = stream.poll_send(context, slices);
        stream.with_stall_timeout(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        // hyper reads nothing during a response, but flushes whenever its task is woken.
        if stream.ends_with_input.load(Ordering::Relaxed) && stream.input_has_ended(context) {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the client left")));
        }
        Pin::new(&mut stream.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        if stream.lingering.is_none() {
            ready!(Pin::new(&mut stream.stream).poll_shutdown(context))?;
        }
        stream.poll_linger(context).map(Ok)
    }
}
