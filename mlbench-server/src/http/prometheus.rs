//! `/metrics`: how the server is, and the newest value of every metric of the pods, in Prometheus' text format 0.0.4.
//!
//! Written here because the crates of the field write OpenMetrics, which older Prometheus tools refuse. Whatever
//! `Accept` says, this is what is sent: a scraper that cannot read it can read nothing here.

use hyper::header::{CONTENT_TYPE, HeaderValue};
use mlbench_core::storage::{HistogramSnapshot, NewestValue, StoreStats};
use mlbench_core::{Result, RunState};
use warp::reply::Response;

use self::exposition::{Exposition, Kind};
use super::call::RequestContext;
use crate::app::statistics::{self, Process, Report};
use crate::app::traffic::EndpointStats;

mod exposition;

const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) async fn metrics(call: RequestContext) -> Result<Response> {
    call.no_query()?;
    let text = write(&statistics::report(call.app()).await?);
    let mut response = Response::new(text.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    Ok(response)
}

fn write(report: &Report) -> String {
    let mut out = Exposition::default();
    let version = env!("CARGO_PKG_VERSION");
    out.family("mlbench_build_info", Kind::Gauge, "The version of the server, as a label; always 1.")
        .sample(&[("version", version)], 1.0);
    write_requests(&mut out, report);
    write_store(&mut out, &report.store);
    if let Some(process) = &report.process {
        write_process(&mut out, *process);
    }
    write_pods(&mut out, &report.store.newest);
    out.into_text()
}

/// An endpoint's labels; what is no endpoint is counted together.
fn labels(asked: &EndpointStats) -> [(&'static str, &'static str); 2] {
    let (name, method) = asked.endpoint.map_or(("none", "any"), |e| (e.name, e.method.as_str()));
    [("endpoint", name), ("method", method)]
}

#[expect(clippy::cast_precision_loss, reason = "a count is far below 2^53")]
const fn number(count: u64) -> f64 {
    count as f64
}

fn write_requests(out: &mut Exposition, report: &Report) {
    let mut requests =
        out.family("mlbench_http_requests_total", Kind::Counter, "Requests that were answered.");
    for asked in &report.asked {
        for (count, class) in asked.answers.iter().zip(["1xx", "2xx", "3xx", "4xx", "5xx"]) {
            // Those that the API has are there from the first scrape on, so that no first request is missed.
            if *count > 0 || matches!(class, "2xx" | "4xx" | "5xx") {
                let [endpoint, method] = labels(asked);
                requests.sample(&[endpoint, method, ("status", class)], number(*count));
            }
        }
    }
    let help = "Seconds from the head of a request to that of its answer.";
    let mut latency = out.family("mlbench_http_request_duration_seconds", Kind::Histogram, help);
    for asked in &report.asked {
        latency.histogram(&labels(asked), &asked.seconds);
    }
    let help = "Requests whose answers are not completely sent.";
    out.family("mlbench_http_requests_in_flight", Kind::Gauge, help).sample(&[], number(report.in_flight));
    let help = "Requests that were repeated under their Idempotency-Key and answered as the first time.";
    out.family("mlbench_http_replays_total", Kind::Counter, help).sample(&[], number(report.replays));
}

fn write_store(out: &mut Exposition, store: &StoreStats) {
    let mut runs = out.family("mlbench_runs", Kind::Gauge, "Runs by their state.");
    for state in RunState::ALL {
        let count = store.runs.iter().find(|(of, _)| *of == state).map_or(0, |(_, count)| *count);
        runs.sample(&[("state", state.as_str())], number(count));
    }
    let mut gauge = |name, help, value: u64| {
        out.family(name, Kind::Gauge, help).sample(&[], number(value));
    };
    gauge("mlbench_points", "Points that are stored.", store.points);
    gauge("mlbench_database_size_bytes", "Size of the database file.", store.database_bytes);
    gauge("mlbench_database_wal_size_bytes", "Size of the write-ahead log.", store.log_bytes);
    gauge("mlbench_writer_queue_depth", "Writes that wait for the writer.", store.waiting_writes);
    let mut histogram = |name, help, spread: &HistogramSnapshot| {
        out.family(name, Kind::Histogram, help).histogram(&[], spread);
    };
    histogram("mlbench_commit_writes", "Writes that a transaction held.", &store.writes_per_commit);
    let help = "Seconds that a transaction took until it was on disk.";
    histogram("mlbench_commit_duration_seconds", help, &store.commit_seconds);
}

fn write_process(out: &mut Exposition, process: Process) {
    let help = "Seconds from 1970 to the start of the server.";
    out.family("process_start_time_seconds", Kind::Gauge, help).sample(&[], process.started);
    let help = "CPU time that the server has used.";
    out.family("process_cpu_seconds_total", Kind::Counter, help).sample(&[], process.cpu_seconds);
    let help = "Memory that the server holds.";
    out.family("process_resident_memory_bytes", Kind::Gauge, help)
        .sample(&[], number(process.resident_bytes));
}

/// The metrics of the pods under their own names; those whose names Prometheus could not read, or would take for the
/// server's, are together under one name. Texts are left out.
fn write_pods(out: &mut Exposition, newest: &[NewestValue]) {
    let help = "The newest value that the pod reported.";
    let (own, others): (Vec<&NewestValue>, Vec<&NewestValue>) =
        newest.iter().filter(|newest| newest.value.as_f64().is_some()).partition(|newest| {
            let name = newest.name.as_str();
            exposition::is_name(name) && !name.starts_with("mlbench_") && !name.starts_with("process_")
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
