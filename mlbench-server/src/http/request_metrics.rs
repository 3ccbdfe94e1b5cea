//! Counts and times requests per endpoint, without a lock.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use mlbench_core::api::{Endpoint, IDEMPOTENCY_REPLAYED_HEADER};
use mlbench_core::storage::HistogramSnapshot;
use warp::reply::Response;

use crate::histogram::{BucketLayout, Histogram};

/// Requests by endpoint. Those that reach no endpoint share one entry.
#[derive(Debug)]
pub(super) struct RequestMetrics {
    /// In the order of [`Endpoint::ALL`], and those of no endpoint last.
    endpoints: Vec<EndpointCounters>,
    in_flight: AtomicI64,
    replays: AtomicU64,
}

#[derive(Debug)]
struct EndpointCounters {
    responses: [AtomicU64; 5],
    microseconds: Histogram,
}

/// Requests of one endpoint.
#[derive(Debug, Clone)]
pub(super) struct EndpointStats {
    /// The endpoint, or `None` for requests that reached none.
    pub(super) endpoint: Option<Endpoint>,
    /// Responses by the first digit of their status, from 1.
    pub(super) responses: [u64; 5],
    /// Seconds until the head of the response.
    pub(super) seconds: HistogramSnapshot,
}

impl Default for RequestMetrics {
    fn default() -> Self {
        let counters = || EndpointCounters {
            responses: std::array::from_fn(|_| AtomicU64::new(0)),
            microseconds: Histogram::new(BucketLayout::SECONDS),
        };
        let endpoints = (0..=Endpoint::ALL.len()).map(|_| counters()).collect();
        Self { endpoints, in_flight: AtomicI64::new(0), replays: AtomicU64::new(0) }
    }
}

impl RequestMetrics {
    /// Returns the number of requests whose responses are not completely sent.
    pub(super) fn in_flight(&self) -> u64 {
        u64::try_from(self.in_flight.load(Relaxed)).unwrap_or(0)
    }

    /// Returns the number of requests that repeated an earlier one under its idempotency key.
    pub(super) fn replays(&self) -> u64 {
        self.replays.load(Relaxed)
    }

    /// Returns the counters of every endpoint, and of requests that reached none.
    pub(super) fn endpoints(&self) -> Vec<EndpointStats> {
        let endpoints = Endpoint::ALL.into_iter().map(Some).chain([None]);
        let stats = |(endpoint, counters): (_, &EndpointCounters)| EndpointStats {
            endpoint,
            responses: counters.responses.each_ref().map(|count| count.load(Relaxed)),
            seconds: counters.microseconds.snapshot(),
        };
        endpoints.zip(&self.endpoints).map(stats).collect()
    }

    fn count(&self, endpoint: Option<Endpoint>, status: u16, took: Duration, replayed: bool) {
        let counters = &self.endpoints[endpoint.map_or(Endpoint::ALL.len(), |endpoint| endpoint as usize)];
        let class = usize::from(status / 100).clamp(1, counters.responses.len());
        counters.responses[class - 1].fetch_add(1, Relaxed);
        counters.microseconds.observe(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        if replayed {
            self.replays.fetch_add(1, Relaxed);
        }
    }
}

/// A response whose request counts as in flight until its body is sent or dropped, except a stream of events.
pub(super) type CountedResponse = hyper::Response<CountedBody<ResponseBody>>;

type ResponseBody = <Response as WithBody>::Body;

/// Names the type of warp's bodies, which warp itself does not export.
pub(super) trait WithBody {
    type Body;
}

impl<B> WithBody for hyper::Response<B> {
    type Body = B;
}

/// Counts a request as in flight until it is dropped.
pub(super) struct InFlightGuard {
    metrics: Arc<RequestMetrics>,
    begin: Instant,
}

impl InFlightGuard {
    pub(super) fn new(metrics: &Arc<RequestMetrics>) -> Self {
        metrics.in_flight.fetch_add(1, Relaxed);
        Self { metrics: Arc::clone(metrics), begin: Instant::now() }
    }

    /// Counts the response for the endpoint in its extensions.
    pub(super) fn count(self, response: Response) -> CountedResponse {
        let endpoint = response.extensions().get::<Endpoint>().copied();
        let replayed = response.headers().contains_key(IDEMPOTENCY_REPLAYED_HEADER);
        self.metrics.count(endpoint, response.status().as_u16(), self.begin.elapsed(), replayed);
        // A stream of events has no end to wait for.
        let in_flight = (endpoint != Some(Endpoint::Events)).then_some(self);
        response.map(|body| CountedBody { body, _in_flight: in_flight })
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.metrics.in_flight.fetch_sub(1, Relaxed);
    }
}

/// Body of a response, whose request is in flight while it exists.
pub(super) struct CountedBody<B> {
    body: B,
    _in_flight: Option<InFlightGuard>,
}

impl<B: Body<Data = Bytes> + Unpin> Body for CountedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_counts_for_its_endpoint() {
        let metrics = RequestMetrics::default();
        let took = Duration::from_millis(2);
        metrics.count(Some(Endpoint::GetRun), 200, took, true);
        metrics.count(None, 404, took, false);
        metrics.count(None, 405, took, false);
        let counted: Vec<(Option<&str>, [u64; 5], f64)> = metrics
            .endpoints()
            .iter()
            .filter(|stats| stats.responses != [0; 5])
            .map(|stats| (stats.endpoint.map(|e| e.spec().id), stats.responses, stats.seconds.sum))
            .collect();
        assert_eq!(counted, [(Some("runs.get"), [0, 1, 0, 0, 0], 0.002), (None, [0, 0, 0, 2, 0], 0.004)]);
        assert_eq!(metrics.replays(), 1);
    }
}
