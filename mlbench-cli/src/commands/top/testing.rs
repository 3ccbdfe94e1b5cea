//! Test data: a dashboard with a queue, a training and two workers.

use mlbench_client::{Direction, LogLine, NewLines, Pod, PointsByMetric, Run, RunId, Timestamp};

use super::state::{App, Detail, Overview, Target, Update};
use crate::commands::testing::failed_run;

/// Returns a second after the runs were accepted.
pub(super) fn second(number: i64) -> Timestamp {
    let begin: Timestamp = "2018-08-03T09:21:29.347960Z".parse().unwrap();
    Timestamp::from_micros(begin.as_micros() + number * 1_000_000)
}

pub(super) fn id(number: i64) -> RunId {
    RunId::new(number).unwrap()
}

/// Returns a run that trains.
pub(super) fn started(number: i64, name: &str) -> Run {
    let mut run: serde_json::Value = serde_json::to_value(failed_run(number, name)).unwrap();
    run["state"] = "STARTED".into();
    run["finished_at"] = serde_json::Value::Null;
    run["job_metadata"]["reason"] = serde_json::Value::Null;
    run["job_metadata"]["exit_codes"] = serde_json::json!({});
    serde_json::from_value(run).unwrap()
}

/// Returns a run that waits for another one.
pub(super) fn queued(number: i64, name: &str) -> Run {
    let mut run = serde_json::to_value(started(number, name)).unwrap();
    run["state"] = "INITIALIZED".into();
    run["queue_position"] = 1.into();
    run["waiting_for"] = "run 12 is ahead in the queue".into();
    run["job_metadata"]["pods"] = serde_json::json!([]);
    serde_json::from_value(run).unwrap()
}

fn pods() -> Vec<Pod> {
    let pod = |name| serde_json::json!({"name": name, "labels": "{}", "phase": "Running", "ip": "10.0.0.1"});
    serde_json::from_value(serde_json::json!([pod("w-0"), pod("w-1")])).unwrap()
}

/// Returns points at every second.
fn points(values: impl IntoIterator<Item = f64>) -> serde_json::Value {
    let point = |(at, value): (i64, f64)| serde_json::json!({"date": second(at), "value": value.to_string()});
    (0..).zip(values).map(point).collect()
}

/// Returns the overview of a server with runs.
pub(super) fn overview(runs: Vec<Run>) -> Update {
    let used = |pod: &str, cores: f64| {
        let cpu = points((0..30).map(|at| f64::from(at) * cores + f64::from(at % 7) / 4.0));
        let memory = points((0..30).map(|at| 2e8 + f64::from(at) * 1e6));
        let metrics = serde_json::json!({
            "container_cpu_usage_seconds_total": cpu, "container_memory_working_set_bytes": memory
        });
        (pod.to_owned(), serde_json::from_value(metrics).unwrap())
    };
    let usage = [used("w-0", 0.7), used("w-1", 0.3)].into();
    let values = serde_json::json!([
        {"run_id": 11, "accuracy": {"name": "val_global_Prec@1 @ 0", "value": 96.5}, "loss": {"name": "train_loss @ 0", "value": 0.125}}
    ]);
    let values = serde_json::from_value(values).unwrap();
    Update::Overview(Box::new(Overview { runs, values, pods: pods(), usage }))
}

/// Returns all of a run with two curves.
pub(super) fn detail(run: Run) -> Update {
    let metrics = serde_json::json!({
        "train_loss @ 0": points((0..60).map(|at| 2.0 * (-f64::from(at) / 20.0).exp())),
        "val_global_Prec@1 @ 0": points((0..60).map(|at| 96.0 - 40.0 * (-f64::from(at) / 15.0).exp())),
        "agg_time\u{1b}[2J @ 0": points((0..60).map(|at| f64::from(at % 9))),
    });
    let points: PointsByMetric = serde_json::from_value(metrics).unwrap();
    let newest = serde_json::json!([
        ["train_loss @ 0", {"value": "0.1", "epoch": 2.5}], ["val_global_Prec@1 @ 0", {"value": "93.8", "epoch": 2.5}]
    ]);
    let lines = ["epoch 1", "epoch 2 \u{1b}[32mgood\u{1b}[0m", "\u{1b}]0;title\u{7}harm"];
    let lines: Vec<LogLine> = (1..).zip(lines).map(|(seq, text)| line(seq, text)).collect();
    let logs = serde_json::json!({"lines": lines, "next": 3, "unfinished": [line(0, "  10 %")]});
    Update::Detail(Box::new(Detail {
        run,
        points,
        has_more_metrics: false,
        logs: serde_json::from_value(logs).unwrap(),
        newest: serde_json::from_value(newest).unwrap(),
    }))
}

pub(super) fn line(seq: i64, text: &str) -> LogLine {
    let line =
        serde_json::json!({"seq": seq, "date": second(seq), "rank": 0, "stream": "stdout", "text": text});
    serde_json::from_value(line).unwrap()
}

pub(super) fn lines(run: i64, lines: impl IntoIterator<Item = (i64, &'static str)>) -> Update {
    let lines = lines.into_iter().map(|(seq, text)| line(seq, text)).collect();
    Update::DetailLines(NewLines { run_id: id(run), lines })
}

/// Returns a dashboard on which run 12 trains, run 13 waits, and two others have ended.
pub(super) fn dashboard() -> App {
    let mut app = App::new("http://127.0.0.1:8000", second(64));
    let target =
        Target { metric: "val_global_Prec@1".to_owned(), direction: Direction::AtLeast, value: 95.0 };
    let runs =
        vec![failed_run(10, "broken"), failed_run(11, "first"), started(12, "train"), queued(13, "next")];
    app.tick(second(64));
    for update in [
        overview(runs),
        detail(started(12, "train")),
        Update::Target { id: id(12), target: Some(target.clone()) },
        Update::Target { id: id(11), target: Some(target) },
    ] {
        app.apply(update).unwrap();
    }
    app
}
