//! Counts every request: for which endpoint, how it was answered, how long that took.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::{Request, Response};

use super::metrics::REPLAYED;
use crate::app::traffic::{RequestMetrics, ResponseInfo, Target};

/// A request that is being answered; it counts as such until it is dropped, with the body of its answer.
pub(super) struct InFlightGuard {
    traffic: Arc<RequestMetrics>,
    target: Target,
    begin: Instant,
}

impl InFlightGuard {
    pub(super) fn begin<B>(traffic: &Arc<RequestMetrics>, request: &Request<B>) -> Self {
        let target = RequestMetrics::target(request.method().as_str(), request.uri().path());
        traffic.begin();
        Self { traffic: Arc::clone(traffic), target, begin: Instant::now() }
    }

    /// Counts the answer; the request is over when that is sent.
    pub(super) fn answered<B>(self, answer: Response<B>) -> Response<CountedBody<B>> {
        let outcome = ResponseInfo {
            class: answer.status().as_u16() / 100,
            took: self.begin.elapsed(),
            replayed: answer.headers().contains_key(REPLAYED),
        };
        self.traffic.answered(self.target, outcome);
        answer.map(|body| CountedBody { body, _watch: self })
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.traffic.end();
    }
}

/// The body of an answer.
pub(super) struct CountedBody<B> {
    body: B,
    _watch: InFlightGuard,
}

impl<B: Body<Data = Bytes, Error = io::Error> + Unpin> Body for CountedBody<B> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(task)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
