//! Archives: `format=zip`.

use std::collections::BTreeSet;
use std::io::{Cursor, Read};
use std::time::Duration;

use mlbench_core::{Point, RunEvent, RunId, Timestamp};
use serde_json::{Value, json};

use super::fakes::{PODS, end_run, worker};
use super::harness::{Api, ApiResponse, NOW, config, later, run_metric};
use crate::app::RunPolicy;

/// Returns the names and contents of the files of an archive, in order.
fn files(response: &ApiResponse) -> Vec<(String, String)> {
    assert_eq!(response.header("content-type"), "application/zip", "{response:?}");
    let mut archive = zip::ZipArchive::new(Cursor::new(response.body.clone())).unwrap();
    let count = archive.len();
    let file = |i| {
        let mut file = archive.by_index(i).unwrap();
        let mut content = String::new();
        file.read_to_string(&mut content).unwrap();
        (file.name().unwrap().into_owned(), content)
    };
    (0..count).map(file).collect()
}

fn names(response: &ApiResponse) -> Vec<String> {
    files(response).into_iter().map(|(name, _)| name).collect()
}

/// Stores a finished run that took ten seconds on the first pod, and returns its id.
async fn run_on_a_pod(api: &Api) -> String {
    let run = api.stored_run("Name/of \"ü\"").await.id;
    api.app.storage.assign_workers(run, vec![worker(PODS[0])]).await.unwrap();
    api.app.storage.run_started(run, 1, api.app.clock.now()).await.unwrap();
    api.app.clock.advance(Duration::from_secs(10));
    end_run(&api.app, run, RunEvent::Finish).await;
    run.to_string()
}

#[tokio::test]
async fn the_archive_of_a_run_has_its_metrics_and_those_of_its_pods() {
    let api = Api::start().await;
    let run = run_on_a_pod(&api).await;
    let (run_owner, pod_owner) = (format!(r#""run_id":{run}"#), format!(r#""pod_name":"{}""#, PODS[0]));
    api.post_metric(&run_owner, "TaskResult @ 0", &later(9), "80% reached").await;
    api.post_metric(&run_owner, "loss @ 0", &later(1), "0.5").await;
    api.post_metric(&run_owner, "loss @ 0", &later(2), "0.4").await;
    for seconds in [5, 11] {
        api.post_metric(&pod_owner, "container_memory_usage_bytes", &later(seconds), "7").await;
    }
    api.post_metric(&pod_owner, "container_memory_usage_bytes", "2018-08-03T09:00:00Z", "6").await;
    let response = api.get(&format!("/api/metrics/{run}/?metric_type=run&format=zip")).await;
    assert_eq!(
        response.header("content-disposition"),
        "attachment; filename=\"metrics_Name_of ___.zip\"; filename*=UTF-8''metrics_Name_of%20%22%C3%BC%22.zip"
    );
    let point = |seconds, value: &str| json!({"date": later(seconds), "value": value});
    let expected = [
        ("official_result.txt", "80% reached".to_owned()),
        ("result_TaskResult @ 0.json", json!([point(9, "80% reached")]).to_string()),
        ("result_loss @ 0.json", json!([point(1, "0.5"), point(2, "0.4")]).to_string()),
        ("quiet-mink-mlbench-worker-0_container_memory_usage_bytes.json", json!([point(5, "7")]).to_string()),
    ];
    assert_eq!(files(&response), expected.map(|(name, content)| (name.to_owned(), content)));
}

#[tokio::test]
async fn the_archive_of_a_queued_run_begins_with_its_admission() {
    let api = Api::with_policy(config(), RunPolicy::Queue).await;
    api.spawn_fake_launcher();
    let body = r#"{"name":"x","num_workers":4,"custom_image_command":"true"}"#;
    for run in [1, 2] {
        assert_eq!(api.post("/api/runs/", body).await.json()["id"], run);
    }
    api.app.clock.advance(Duration::from_secs(10));
    end_run(&api.app, RunId::new(1).unwrap(), RunEvent::Finish).await;
    api.app.storage.admit_runs(4, api.app.clock.now()).await.unwrap();
    api.app.storage.assign_workers(RunId::new(2).unwrap(), vec![worker(PODS[0])]).await.unwrap();
    for seconds in [5, 9, 10, 12] {
        api.post_metric(&format!(r#""pod_name":"{}""#, PODS[0]), "cpu", &later(seconds), "7").await;
    }
    let point = |seconds| json!({"date": later(seconds), "value": "7"});
    let cpu = (format!("{}_cpu.json", PODS[0]), json!([point(10), point(12)]).to_string());
    assert_eq!(files(&api.get("/api/metrics/2/?metric_type=run&format=zip").await), [cpu]);
}

#[tokio::test]
async fn the_query_applies_to_the_archive() {
    let api = Api::start().await;
    let run = run_on_a_pod(&api).await;
    for (i, value) in ["1", "3"].iter().enumerate() {
        api.post_metric(&format!(r#""run_id":{run}"#), "loss", &later(i as u64), value).await;
        api.post_metric(&format!(r#""run_id":{run}"#), "time", &later(i as u64), value).await;
    }
    let path = format!("/api/metrics/{run}/?metric_type=run&format=zip&metric_filter=loss&summarize=1");
    let mean = json!([{"date": later(1), "value": "2"}]).to_string();
    assert_eq!(files(&api.get(&path).await), [("result_loss.json".to_owned(), mean)]);
}

#[tokio::test]
async fn similar_metric_names_get_different_file_names() {
    let api = Api::start().await;
    let owner = format!(r#""pod_name":"{}""#, PODS[0]);
    for name in ["a/b", "a_b", "A_B", "..\\x"] {
        api.post_metric(&owner, name, NOW, name).await;
    }
    let response = api.get(&format!("/api/metrics/{}/?format=zip", PODS[0])).await;
    assert_eq!(
        response.header("content-disposition"),
        format!("attachment; filename=\"metrics_{}.zip\"", PODS[0])
    );
    let found = files(&response);
    let mut values: Vec<String> = found
        .iter()
        .map(|(_, content)| serde_json::from_str::<Value>(content).unwrap()[0]["value"].to_string())
        .collect();
    values.sort();
    assert_eq!(values, [r#""..\\x""#, r#""A_B""#, r#""a/b""#, r#""a_b""#]);
    assert!(found.iter().all(|(name, _)| !name.contains(['/', '\\'])), "{found:?}");
    let names: BTreeSet<String> = found.iter().map(|(name, _)| name.to_lowercase()).collect();
    assert_eq!(names.len(), 4, "different on a file system that ignores case: {found:?}");
}

#[tokio::test]
async fn all_pods_and_all_runs_have_an_archive() {
    let api = Api::start().await;
    let run = api.ended_run("x").await.id;
    api.post_metric(&format!(r#""run_id":{run}"#), "loss", NOW, "1").await;
    api.post_metric(&format!(r#""pod_name":"{}""#, PODS[1]), "loss", NOW, "1").await;
    let pods = api.get("/api/metrics/?format=zip").await;
    assert_eq!(pods.header("content-disposition"), "attachment; filename=\"metrics_pods.zip\"");
    assert_eq!(names(&pods), [format!("{}_loss.json", PODS[1])]);
    let runs = api.get("/api/metrics/?metric_type=run&format=zip").await;
    assert_eq!(names(&runs), [format!("{run}_loss.json")]);
}

#[tokio::test]
async fn an_archive_may_be_empty() {
    let api = Api::start().await;
    let run = api.ended_run("x").await.id;
    assert!(files(&api.get(&format!("/api/metrics/{run}/?metric_type=run&format=zip")).await).is_empty());
}

#[tokio::test]
async fn a_long_series_is_archived_completely() {
    let api = Api::start().await;
    let run = api.ended_run("x").await.id;
    let value = |i: i64| i.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64).to_string();
    let metrics = (0..20_000).map(|i| run_metric(run, "loss", i, value(i)));
    api.app.storage.record_metrics(metrics.collect()).await.unwrap();
    let response = api.get(&format!("/api/metrics/{run}/?metric_type=run&format=zip")).await;
    let points: Vec<Point> = serde_json::from_str(&files(&response)[0].1).unwrap();
    assert_eq!(points.len(), 20_000);
    assert!(points.into_iter().eq((0..20_000).map(|i| Point::new(Timestamp::from_micros(i), value(i)))));
}

#[tokio::test]
async fn long_and_colliding_names_are_cut_and_unique() {
    let api = Api::start().await;
    let run = api.ended_run(&"\u{1f600}".repeat(100)).await.id;
    let mut expected = Vec::new();
    for (i, name) in
        ["é".repeat(256), "É".repeat(256), "é".repeat(200), "a".to_owned(), "A".to_owned()].iter().enumerate()
    {
        api.post_metric(&format!(r#""run_id":{run}"#), name, &later(i as u64), "1").await;
        expected.push(later(i as u64));
    }
    let response = api.get(&format!("/api/metrics/{run}/?metric_type=run&format=zip")).await;
    let files = files(&response);
    let unique: std::collections::HashSet<String> =
        files.iter().map(|(name, _)| name.to_lowercase()).collect();
    assert_eq!((files.len(), unique.len()), (5, 5), "{files:?}");
    assert!(files.iter().all(|(name, _)| name.len() <= 255 && name.ends_with(".json")), "{files:?}");
    let mut dates: Vec<String> = files
        .iter()
        .map(|(_, content)| {
            serde_json::from_str::<Value>(content).unwrap()[0]["date"].as_str().unwrap().to_owned()
        })
        .collect();
    dates.sort();
    assert_eq!(dates, expected, "each file has its own points");
    let saved = response.header("content-disposition").rsplit_once("''").unwrap().1.to_owned();
    assert!(percent_encoding::percent_decode_str(&saved).count() <= 255, "{saved}");
}
