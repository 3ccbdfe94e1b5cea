//! The state of the server and the newest value of every pod metric, for Prometheus.
//!
//! The format is written here because the crates of the field write OpenMetrics, which older Prometheus tools refuse.

use hyper::header::{CONTENT_TYPE, HeaderValue};
use mlbench_core::RunState;
use mlbench_core::storage::{HistogramSnapshot, NewestValue, StoreStats};
use warp::reply::Response;

use super::exposition::{Exposition, Kind, is_name};
use crate::app::stats::{Process, Stats};
use crate::http::request_metrics::{EndpointStats, RequestMetrics};

const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Responds in Prometheus' text format 0.0.4.
///
/// `Accept` does not change the format: a scraper that cannot read it can read nothing here.
pub(in crate::http) fn server_metrics(stats: &Stats, requests: &RequestMetrics) -> Response {
    let mut out = Exposition::default();
    write_build(&mut out);
    write_requests(&mut out, requests);
    out.family("mlbench_event_streams", Kind::Gauge, "Open streams of events.")
        .sample(&[], number(stats.event_streams as u64));
    write_store(&mut out, &stats.store);
    let help = "1 while the list of worker pods has every change, 0 while the cluster does not respond.";
    out.family("mlbench_cluster_pods_current", Kind::Gauge, help)
        .sample(&[], f64::from(u8::from(stats.pods_are_current)));
    write_process(&mut out, stats.process);
    write_pods(&mut out, &stats.store.newest);
    let mut response = Response::new(out.into_text().into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response
}

fn write_build(out: &mut Exposition) {
    let (version, build) = (env!("CARGO_PKG_VERSION"), env!("MLBENCH_BUILD"));
    out.family(
        "mlbench_build_info",
        Kind::Gauge,
        "Version of the server and its commit as labels; always 1.",
    )
    .sample(&[("version", version), ("build", build)], 1.0);
}

/// Returns the labels of an endpoint. Requests that reached none share one label.
fn labels(stats: &EndpointStats) -> [(&'static str, &'static str); 2] {
    let spec = stats.endpoint.map(mlbench_core::api::Endpoint::spec);
    let (id, method) = spec.map_or(("none", "any"), |spec| (spec.id, spec.method.as_str()));
    [("endpoint", id), ("method", method)]
}

#[expect(clippy::cast_precision_loss, reason = "a count is far below 2^53")]
const fn number(count: u64) -> f64 {
    count as f64
}

fn write_requests(out: &mut Exposition, metrics: &RequestMetrics) {
    let endpoints = metrics.endpoints();
    let mut requests =
        out.family("mlbench_http_requests_total", Kind::Counter, "Requests by endpoint and status.");
    for stats in &endpoints {
        for (count, class) in stats.responses.iter().zip(["1xx", "2xx", "3xx", "4xx", "5xx"]) {
            // The classes that the API uses exist from the first scrape, so that Prometheus counts the first request.
            if *count > 0 || matches!(class, "2xx" | "4xx" | "5xx") {
                let [endpoint, method] = labels(stats);
                requests.sample(&[endpoint, method, ("status", class)], number(*count));
            }
        }
    }
    let help = "Seconds from the head of a request to the head of its response.";
    let mut latency = out.family("mlbench_http_request_duration_seconds", Kind::Histogram, help);
    for stats in &endpoints {
        latency.histogram(&labels(stats), &stats.seconds);
    }
    let help = "Requests in progress, until their responses are sent, without streams of events.";
    out.family("mlbench_http_requests_in_flight", Kind::Gauge, help).sample(&[], number(metrics.in_flight()));
    let help = "Requests that repeated an earlier one with its Idempotency-Key.";
    out.family("mlbench_http_replays_total", Kind::Counter, help).sample(&[], number(metrics.replays()));
}

fn write_store(out: &mut Exposition, store: &StoreStats) {
    let mut runs = out.family("mlbench_runs", Kind::Gauge, "Runs by state.");
    for state in RunState::ALL {
        let count = store.runs.iter().find(|(of, _)| *of == state).map_or(0, |(_, count)| *count);
        runs.sample(&[("state", state.as_str())], number(count));
    }
    let mut gauge = |name, help, value: u64| {
        out.family(name, Kind::Gauge, help).sample(&[], number(value));
    };
    gauge(
        "mlbench_database_writable",
        "0 after the disk refused a write, 1 after the next one that it took.",
        u64::from(!store.failing),
    );
    gauge(
        "mlbench_pod_metrics_truncated",
        "1 while the pods have too many metrics for this response, which leaves out the rest.",
        u64::from(store.newest_truncated),
    );
    gauge("mlbench_points", "Stored points.", store.points);
    gauge("mlbench_points_unpacked", "Stored points that wait to be packed, about.", store.points_unpacked);
    gauge("mlbench_database_size_bytes", "Size of the database file.", store.database_bytes);
    gauge("mlbench_database_wal_size_bytes", "Size of the write-ahead log.", store.log_bytes);
    gauge("mlbench_writer_queue_depth", "Writes waiting for the writer thread.", store.waiting_writes);
    let help = "Points received with a date more than a minute ahead of the server's clock.";
    out.family("mlbench_points_ahead_total", Kind::Counter, help).sample(&[], number(store.points_ahead));
    let mut histogram = |name, help, snapshot: &HistogramSnapshot| {
        out.family(name, Kind::Histogram, help).histogram(&[], snapshot);
    };
    histogram("mlbench_commit_writes", "Writes per transaction.", &store.writes_per_commit);
    let help = "Seconds from the start of a transaction until it was on disk.";
    histogram("mlbench_commit_duration_seconds", help, &store.commit_seconds);
}

fn write_process(out: &mut Exposition, process: Option<Process>) {
    let Some(process) = process else { return };
    let help = "Start time of the server in seconds since 1970.";
    out.family("process_start_time_seconds", Kind::Gauge, help).sample(&[], process.started);
    let help = "CPU time of the server.";
    out.family("process_cpu_seconds_total", Kind::Counter, help).sample(&[], process.cpu_seconds);
    let help = "Resident memory of the server.";
    out.family("process_resident_memory_bytes", Kind::Gauge, help)
        .sample(&[], number(process.resident_bytes));
}

/// Writes the pod metrics under their own names. Leaves out values that are not numbers.
///
/// Names that Prometheus cannot read, or would take for the server's own, share one family.
fn write_pods(out: &mut Exposition, newest: &[NewestValue]) {
    let help = "Value that the pod reported last.";
    let (own, others): (Vec<&NewestValue>, Vec<&NewestValue>) =
        newest.iter().filter(|newest| newest.value.as_f64().is_some()).partition(|newest| {
            let name = newest.name.as_str();
            is_name(name) && !name.starts_with("mlbench_") && !name.starts_with("process_")
        });
    for of_name in own.chunk_by(|a, b| a.name == b.name) {
        let name = of_name[0].name.as_str();
        let kind = if name.ends_with("_total") { Kind::Counter } else { Kind::Gauge };
        let mut family = out.family(name, kind, help);
        for newest in of_name {
            family.sample(&[("pod", newest.pod.as_str())], newest.value.as_f64().unwrap_or(f64::NAN));
        }
    }
    if !others.is_empty() {
        let mut family = out.family("mlbench_pod_metric", Kind::Gauge, help);
        for newest in others {
            let labels = [("name", newest.name.as_str()), ("pod", newest.pod.as_str())];
            family.sample(&labels, newest.value.as_f64().unwrap_or(f64::NAN));
        }
    }
}
