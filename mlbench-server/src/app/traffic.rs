//! What was asked of the server and how it answered: counters that every request adds to, without a lock.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use mlbench_core::api::{ENDPOINTS, Endpoint};
use mlbench_core::storage::HistogramSnapshot;

use crate::histogram::{BucketLayout, Histogram};

/// Requests by endpoint. What is asked for at other places is counted together, so that the number of counters is
/// fixed whatever anybody asks for.
#[derive(Debug)]
pub struct RequestMetrics {
    /// In the order of [`ENDPOINTS`], and those of no endpoint last.
    endpoints: Vec<Requests>,
    in_flight: AtomicI64,
    replays: AtomicU64,
}

#[derive(Debug)]
struct Requests {
    answers: [AtomicU64; 5],
    microseconds: Histogram,
}

/// Which endpoint a request is counted for.
#[derive(Debug, Clone, Copy)]
pub struct Target(usize);

/// How a request was answered.
#[derive(Debug, Clone, Copy)]
pub struct ResponseInfo {
    /// The first digit of the status.
    pub class: u16,
    /// From the head of the request to that of the answer.
    pub took: Duration,
    /// Whether a request was repeated and answered as the first time.
    pub replayed: bool,
}

/// What one endpoint was asked.
#[derive(Debug, Clone)]
pub struct EndpointStats {
    /// The endpoint; `None` for all that is none.
    pub endpoint: Option<&'static Endpoint>,
    /// Answers by the first digit of their status, from 1.
    pub answers: [u64; 5],
    /// Seconds until the answer began.
    pub seconds: HistogramSnapshot,
}

impl Default for RequestMetrics {
    fn default() -> Self {
        let requests = || Requests {
            answers: std::array::from_fn(|_| AtomicU64::new(0)),
            microseconds: Histogram::new(BucketLayout::SECONDS),
        };
        let endpoints = (0..=ENDPOINTS.len()).map(|_| requests()).collect();
        Self { endpoints, in_flight: AtomicI64::new(0), replays: AtomicU64::new(0) }
    }
}

impl RequestMetrics {
    /// What a request is counted for. HEAD is GET without the body, and counted so.
    #[must_use]
    pub fn target(method: &str, path: &str) -> Target {
        let method = if method == "HEAD" { "GET" } else { method };
        let found = ENDPOINTS.iter().position(|e| e.method.as_str() == method && e.is_at(path));
        Target(found.unwrap_or(ENDPOINTS.len()))
    }

    /// A request is worked on.
    pub fn begin(&self) {
        self.in_flight.fetch_add(1, Relaxed);
    }

    /// A request is not worked on any more.
    pub fn end(&self) {
        self.in_flight.fetch_sub(1, Relaxed);
    }

    /// A request got its answer.
    pub fn answered(&self, target: Target, outcome: ResponseInfo) {
        let requests = &self.endpoints[target.0];
        let class = usize::from(outcome.class).clamp(1, requests.answers.len());
        requests.answers[class - 1].fetch_add(1, Relaxed);
        requests.microseconds.observe(u64::try_from(outcome.took.as_micros()).unwrap_or(u64::MAX));
        if outcome.replayed {
            self.replays.fetch_add(1, Relaxed);
        }
    }

    /// Requests that are worked on, their answers not completely sent.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        u64::try_from(self.in_flight.load(Relaxed)).unwrap_or(0)
    }

    /// Requests that were repeated under their key.
    #[must_use]
    pub fn replays(&self) -> u64 {
        self.replays.load(Relaxed)
    }

    /// What every endpoint was asked so far.
    #[must_use]
    pub fn asked(&self) -> Vec<EndpointStats> {
        let endpoints = ENDPOINTS.iter().map(Some).chain([None]);
        let asked = |(endpoint, requests): (_, &Requests)| EndpointStats {
            endpoint,
            answers: requests.answers.each_ref().map(|count| count.load(Relaxed)),
            seconds: requests.microseconds.snapshot(),
        };
        endpoints.zip(&self.endpoints).map(asked).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_counted_for_its_endpoint() {
        let traffic = RequestMetrics::default();
        let outcome = ResponseInfo { class: 2, took: Duration::from_millis(2), replayed: true };
        traffic.answered(RequestMetrics::target("HEAD", "/api/runs/7"), outcome);
        let missed = ResponseInfo { class: 4, replayed: false, ..outcome };
        traffic.answered(RequestMetrics::target("PUT", "/api/runs/7"), missed);
        traffic.answered(RequestMetrics::target("GET", "/index.php"), missed);
        let asked: Vec<(Option<&str>, [u64; 5], f64)> = traffic
            .asked()
            .iter()
            .filter(|asked| asked.answers != [0; 5])
            .map(|asked| (asked.endpoint.map(|e| e.name), asked.answers, asked.seconds.sum))
            .collect();
        assert_eq!(asked, [(Some("runs.get"), [0, 1, 0, 0, 0], 0.002), (None, [0, 0, 0, 2, 0], 0.004)]);
        assert_eq!(traffic.replays(), 1);
    }
}
