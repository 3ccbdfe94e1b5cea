//! `GET /api/comparison/`: what the server reads for it, over pages of a hundred points.

use hyper::StatusCode;
use mlbench_core::api::Comparison;
use mlbench_core::metric::Metric;
use mlbench_core::run::RunEvent;
use mlbench_core::{RunId, RunState};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::fakes::end_run;
use super::harness::{Api, ApiResponse, run_metric};

/// A finished run on two workers.
async fn finished_run(api: &Api) -> RunId {
    let run = api.stored_run("a run").await.id;
    api.app.storage.run_started(run, 2, api.app.clock.now()).await.unwrap();
    end_run(&api.app, run, RunEvent::Finish).await;
    run
}

async fn record(api: &Api, points: Vec<Metric>) {
    api.app.storage.record_metrics(points).await.unwrap();
}

#[track_caller]
fn comparison(response: &ApiResponse) -> Comparison {
    assert_eq!(response.status, StatusCode::OK, "{response:?}");
    serde_json::from_slice(&response.body).unwrap()
}

#[tokio::test]
async fn every_training_of_a_run_has_its_time() {
    let api = Api::without_launcher().await;
    let run = finished_run(&api).await;
    let mut points = Vec::new();
    for (training, validations_to_goal) in [(1, 100), (2, 120)] {
        for validation in 1..=150 {
            let micros = (training * 1_000 + validation) * 1_000_000;
            let accuracy = if validation < validations_to_goal { "NaN" } else { "0.8" };
            let metadata = format!("{{rank: 0, epoch:{validation}.0, repeat:{training}}}");
            let accuracy = run_metric(run, "accuracy @ 0", micros, accuracy.to_owned());
            points.push(run_metric(run, "fwd_pass @ 0", micros - 1, "0.5".to_owned()));
            points.push(run_metric(run, "agg @ 0", micros - 1, "0.25".to_owned()));
            points.push(Metric { metadata, ..accuracy });
        }
    }
    record(&api, points).await;
    let comparison = comparison(&api.get("/api/comparison/?runs=1&metric=accuracy&goal=0.8").await);
    let group = &comparison.groups[0];
    let seconds: Vec<_> = group.trainings.iter().map(|training| training.seconds).collect();
    assert_eq!(seconds, [Some(75.0), Some(90.0)]);
    assert_eq!((group.n, group.reached, group.time_to_accuracy.unwrap().median), (2, 2, 82.5));
    let phases = group.phases.as_ref().unwrap();
    assert_eq!((phases.total, phases.seconds.communication), (225.0, Some(75.0)));
    let [end] = &comparison.runs[0].end_values[..] else { panic!("{comparison:?}") };
    assert_eq!((end.name.as_str(), end.count, end.best), ("accuracy @ 0", 300, Some(0.8)));
}

#[tokio::test]
async fn many_metrics_hide_no_other_ones() {
    let api = Api::without_launcher().await;
    let run = finished_run(&api).await;
    let metric = |name: &str, value: &str| run_metric(run, name, 1_000_000, value.to_owned());
    let mut points: Vec<Metric> = (0..150).map(|i| metric(&format!("train_{i:03} @ 0"), "1")).collect();
    points.extend((0..150).map(|i| metric(&format!("val_a{i:03} @ 0"), "1")));
    points.push(metric("val_a @ first", "1"));
    points.extend(
        [("val_tensor_size @ 0", "1000000"), ("val_dtype @ 0", "32"), ("val_avg_time @ 0", "0.5")]
            .map(|(name, value)| metric(name, value)),
    );
    record(&api, points).await;
    let comparison = comparison(&api.get("/api/comparison/?runs=1").await);
    let compared = &comparison.runs[0];
    let count = |prefix: &str| compared.end_values.iter().filter(|end| end.name.starts_with(prefix)).count();
    assert_eq!((count("train_"), count("val_")), (100, 100));
    assert!(compared.end_values.iter().any(|end| end.name == "val_a @ first"), "only digits are a rank");
    assert_eq!(compared.all_reduce.len(), 1);
}

#[tokio::test]
async fn totals_and_own_times_are_read_where_the_program_reports_them() {
    let api = Api::without_launcher().await;
    let run = finished_run(&api).await;
    let point = |name: &str, micros: i64, value: &str| run_metric(run, name, micros, value.to_owned());
    record(
        &api,
        vec![
            point("val_global_Prec@1 @ 0", 5, "50"),
            point("val_global_Prec@1 @ 0", 6, "96.5"),
            point("val_global_loss @ 0", 6, "0.25"),
            point("val_global_loss @ 0", 5, "0.5"),
            point("train_loss @ 0", 6, "0.75"),
            point("train_loss @ 1", 6, "9"),
            point("global_cum_backprop @ 0", 7, "3"),
            point("global_cum_agg @ 0", 7, "1"),
            point("TotalCumulativeTrainTime @ 0", 7, "4.5"),
            point("TaskResult @ 0", 7, "95% reached"),
        ],
    )
    .await;
    let comparison = comparison(&api.get("/api/comparison?runs=1&goal=90&metric=val_global_Prec@1").await);
    let run = &comparison.runs[0];
    assert_eq!((run.state, run.result.as_deref()), (RunState::Finished, Some("95% reached")));
    assert_eq!(run.phases.as_ref().unwrap().shares.communication, Some(0.25));
    let ends: Vec<_> = run.end_values.iter().map(|end| (end.name.as_str(), end.best)).collect();
    assert_eq!(
        ends,
        [
            ("train_loss @ 0", Some(0.75)),
            ("val_global_Prec@1 @ 0", Some(96.5)),
            ("val_global_loss @ 0", Some(0.25))
        ]
    );
    // The program of this run is unknown, so that its total time is that to an unknown goal.
    assert!(comparison.warnings[0].contains("run 1 reports no training times"), "{comparison:?}");
}

#[tokio::test]
async fn a_run_without_the_metric_has_not_reached_the_goal() {
    let api = Api::without_launcher().await;
    for _ in 0..2 {
        finished_run(&api).await;
    }
    let comparison = comparison(&api.get("/api/comparison/?runs=2,1&metric=x%20@%203&goal=1").await);
    let group = &comparison.groups[0];
    assert_eq!((group.n, group.reached, group.runs.len()), (2, 0, 2));
    assert_eq!(group.no_time_reason.as_deref(), Some("no points of x @ 3"));
    assert_eq!(group.trainings[1].reason.as_deref(), Some("no points of x @ 3"));
}

#[tokio::test]
async fn a_run_that_does_not_exist_is_named() {
    let api = Api::without_launcher().await;
    finished_run(&api).await;
    let (status, code, detail) = api.get("/api/comparison/?runs=1,7,9").await.error();
    assert_eq!((status, code, detail.as_str()), (404, "not_found", "run 7 does not exist"));
    let (status, _, detail) = api.get("/api/comparison/").await.error();
    assert_eq!(status, 400);
    assert!(detail.starts_with("runs: missing"), "{detail}");
    let (status, _, detail) = api.get("/api/comparison/?runs=1&goal=80").await.error();
    assert_eq!(status, 400);
    assert!(detail.starts_with("goal: requires metric"), "{detail}");
}

#[tokio::test]
async fn all_reduce_times_have_bandwidths() {
    let api = Api::without_launcher().await;
    let run = finished_run(&api).await;
    let mut points = vec![run_metric(run, "allreduce_time_s/1000 @ 0", 1, "0.001".to_owned())];
    for (length, micros) in (1..=120).zip((0..).step_by(4)) {
        let posted =
            [("tensor_size", length.to_string()), ("dtype", "16".to_owned()), ("avg_time", "0.5".to_owned())];
        for (name, (metric, value)) in (1..).zip(posted) {
            for rank in 0..2 {
                points.push(run_metric(run, &format!("val_{metric} @ {rank}"), micros + name, value.clone()));
            }
        }
    }
    record(&api, points).await;
    let comparison = comparison(&api.get("/api/comparison/?runs=1").await);
    let all = &comparison.runs[0].all_reduce;
    assert_eq!(all.len(), 121);
    let (of_mlbench, own) = (&all[119], &all[120]);
    assert_eq!((of_mlbench.bytes, of_mlbench.element_bits, of_mlbench.bus_bandwidth), (240, 16, 480.0));
    assert_eq!((own.bytes, own.element_bits, own.algorithm_bandwidth), (4_000, 32, 4e6));
    assert_eq!(comparison.groups[0].all_reduce.len(), 121);
}

#[tokio::test]
async fn the_last_value_is_the_one_that_arrived_last() {
    let api = Api::without_launcher().await;
    let run = finished_run(&api).await;
    let names = ["loss", "loss @ 0", "lost", "val_loss @ 0", "\0", "\u{e000}"];
    let point = |name: &&str, micros, value: &str| run_metric(run, name, micros, value.to_owned());
    // The date of the first point is ahead of that of the next one.
    record(&api, names.iter().map(|name| point(name, 9, "1")).collect()).await;
    record(&api, names.iter().map(|name| point(name, 5, "2")).collect()).await;
    for name in names {
        let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
        let compared = comparison(&api.get(&format!("/api/comparison/?runs=1&metric={name}")).await);
        let ends = &compared.runs[0].end_values;
        assert!(!ends.is_empty() && ends.iter().all(|end| end.last.as_str() == "2"), "{name}: {ends:?}");
    }
}
