//! Runs that are carried from one server to another.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _, Write as _};
use std::time::Duration;

use hyper::{Method, Request, StatusCode};
use mlbench_core::carried::{FACTS_FILE, LOG_FILE, POINTS_FILE, SUMMED_FILES, SUMS_FILE, USAGE_FILE};
use mlbench_core::run::OutputStream;
use mlbench_core::storage::{OutputChunk, RankExit};
use mlbench_core::{RunEvent, RunId};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;

use super::fakes::{PODS, end_run, worker};
use super::harness::{Api, ApiResponse, EXPORTED, NOW, later, run_metric};

type Files = BTreeMap<String, Vec<u8>>;

fn files(archive: &[u8]) -> Files {
    let mut archive = zip::ZipArchive::new(Cursor::new(archive)).unwrap();
    let mut all = Files::new();
    for i in 0..archive.len() {
        let (mut file, mut content) = (archive.by_index(i).unwrap(), Vec::new());
        file.read_to_end(&mut content).unwrap();
        all.insert(file.name().unwrap().into_owned(), content);
    }
    all
}

fn text(files: &Files, name: &str) -> String {
    String::from_utf8(files[name].clone()).unwrap()
}

/// Writes an archive of these files, with the sums that they have.
fn archive(files: &Files) -> Vec<u8> {
    let hex =
        |content: &[u8]| Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let sums = SUMMED_FILES.iter().filter_map(|name| Some(format!("{}  {name}\n", hex(files.get(*name)?))));
    let sums: String = sums.collect();
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files.iter().filter(|(name, _)| *name != SUMS_FILE) {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    if files.contains_key(SUMS_FILE) {
        zip.start_file(SUMS_FILE, SimpleFileOptions::default()).unwrap();
        zip.write_all(sums.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

async fn export(api: &Api, run: RunId) -> Vec<u8> {
    let response = api.get(&format!("/api/runs/{run}/export/")).await;
    assert_eq!((response.status, response.header("content-type")), (StatusCode::OK, "application/zip"));
    response.body.to_vec()
}

async fn import(api: &Api, archive: &[u8]) -> ApiResponse {
    api.call(Method::POST, "/api/imports/", &[("content-type", "application/zip")], archive).await
}

async fn imported(api: &Api, archive: &[u8]) -> RunId {
    let response = import(api, archive).await;
    assert_eq!(response.status, StatusCode::CREATED, "{response:?}");
    RunId::new(response.json()["id"].as_i64().unwrap()).unwrap()
}

/// Stores a failed run with every oddity that a run may have.
async fn odd_run(api: &Api) -> RunId {
    let storage = &api.app.storage;
    let run = api.stored_run("od\"d \u{fc}/\u{1f600}").await.id;
    storage.assign_workers(run, PODS.map(worker).into()).await.unwrap();
    storage.run_started(run, 2, api.app.clock.now()).await.unwrap();
    let mut points = vec![];
    for (i, value) in
        (0..).zip(["1.50", "NaN", "-0", "-Infinity", "1e-05", "007", "", "\r\n\u{0}\"\\", "0.1", "9"])
    {
        let mut point = run_metric(run, "odd @ \u{fc}", i, value.to_owned());
        (point.step, point.epoch) = ((i % 2 == 0).then_some(i - 3), (i % 3 == 0).then_some(0.1 + 0.2));
        (point.cumulative, point.metadata) = (i % 2 == 1, format!("m\u{fc}\t{i}"));
        points.push(point);
    }
    points.extend(
        (0..10_000).map(|i| run_metric(run, "many", i * 7, format!("{}", f64::from(i as i32) / 3.0))),
    );
    // Late, and twice at one date.
    points.extend([3, 3].map(|i| run_metric(run, "many", i, "late".to_owned())));
    storage.record_metrics(points).await.unwrap();
    for second in [1, 2, 20] {
        let owner = format!(r#""pod_name":"{}""#, PODS[0]);
        api.post_metric(&owner, "container_memory_usage_bytes", &later(second), "7").await;
    }
    for (rank, stream, line) in [
        (0, OutputStream::Stdout, "binary \u{fffd}\u{0}\u{1b}[31m\r"),
        (1, OutputStream::Stderr, "\u{fc}"),
        (0, OutputStream::Stdout, ""),
    ] {
        let from = storage.run(run).await.unwrap().ranks[rank as usize].stdout_offset;
        let from = if stream == OutputStream::Stdout { from } else { 0 };
        let chunk = OutputChunk {
            rank,
            stream,
            from,
            to: from + 9,
            lines: vec![line.to_owned()],
            date: NOW.parse().unwrap(),
        };
        storage.append_output(run, vec![chunk]).await.unwrap();
    }
    storage.append_server_message(run, "a message", NOW.parse().unwrap()).await.unwrap();
    storage.record_rank_exit(run, 0, RankExit::Exited(-9)).await.unwrap();
    storage.record_rank_exit(run, 1, RankExit::Lost("gone".to_owned())).await.unwrap();
    api.app.clock.advance(Duration::from_secs(10));
    end_run(&api.app, run, RunEvent::Fail).await;
    let labels = json!({"params": {"lr": 1e-4, "n": 3}, "tags": {"team": "\u{fc}"}}).to_string();
    let patch = [("content-type", "application/json")];
    api.call(Method::PATCH, &format!("/api/runs/{run}/"), &patch, &labels).await;
    run
}

#[tokio::test]
async fn a_run_is_the_same_to_the_byte_after_two_servers() {
    let (first, second, third) = (Api::start().await, Api::start().await, Api::start().await);
    second.ended_run("so that ids differ").await;
    let run = odd_run(&first).await;
    let exported = export(&first, run).await;
    assert_eq!(export(&first, run).await, exported, "it does not depend on the time");
    let copy = imported(&second, &exported).await;
    assert_ne!(copy, run);
    assert!(export(&second, copy).await == exported);
    let last = imported(&third, &export(&second, copy).await).await;
    assert!(export(&third, last).await == exported);

    let at = format!("/api/runs/{run}/");
    let (mut before, mut after) =
        (first.get(&at).await.json(), second.get(&format!("/api/runs/{copy}/")).await.json());
    let from = after.as_object_mut().unwrap().remove("imported_from").unwrap();
    assert_eq!(from, json!({"server": "0123abcd", "host": "box", "run_id": run, "imported_at": NOW}));
    for run in [&mut before, &mut after] {
        run.as_object_mut().unwrap().remove("id");
    }
    assert_eq!(after, before);
    for (path, of) in [("series", ""), ("logs", "?limit=9")] {
        let read =
            async |api: &Api, run: RunId| api.get(&format!("/api/runs/{run}/{path}/{of}")).await.json();
        let (mut before, mut after) = (read(&first, run).await, read(&second, copy).await);
        for page in [&mut before, &mut after].into_iter().filter(|_| path == "logs") {
            page["next"] = json!(0);
            page["lines"].as_array_mut().unwrap().iter_mut().for_each(|line| line["seq"] = json!(0));
        }
        // The newest value is the one that came last, and here that with the last date.
        let newest = |series: &mut serde_json::Value| series[0]["last_value"] = json!(null);
        if path == "series" {
            [&mut before, &mut after].into_iter().for_each(newest);
        }
        assert_eq!(after, before, "{path}");
    }
}

#[tokio::test]
async fn the_usage_of_the_pods_belongs_to_the_imported_run_alone() {
    let (first, second) = (Api::start().await, Api::start().await);
    let run = odd_run(&first).await;
    let exported = export(&first, run).await;
    assert_eq!(text(&files(&exported), USAGE_FILE).lines().count(), 2, "the third came after its end");
    let copy = imported(&second, &exported).await;
    assert_eq!(second.get(&format!("/api/metrics/{}/", PODS[0])).await.json(), json!({}));
    let owner = format!(r#""pod_name":"{}""#, PODS[0]);
    second.post_metric(&owner, "container_memory_usage_bytes", &later(1), "666").await;
    assert!(export(&second, copy).await == exported, "these pods are others");
}

#[tokio::test]
async fn an_archive_of_another_program_is_imported() {
    let api = Api::start().await;
    let run = imported(&api, EXPORTED).await;
    assert_eq!(files(&export(&api, run).await), files(EXPORTED));
    let read = api.get(&format!("/api/runs/{run}/")).await.json();
    assert_eq!(
        (&read["state"], &read["job_metadata"]["exit_codes"]),
        (&json!("FAILED"), &json!({"0": 0, "1": 3}))
    );
    assert_eq!(read["job_metadata"]["stderr"], json!(["[mlbench] rank 1 failed"]));
    let stopped = api.post(&format!("/api/runs/{run}/stop/"), "").await;
    assert_eq!(stopped.json()["state"], "FAILED", "an ended run stays as it is");
    assert_eq!(api.delete(&format!("/api/runs/{run}/")).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn an_import_under_a_key_is_repeated_once() {
    let api = Api::start().await;
    let headers = [("content-type", "application/zip"), ("idempotency-key", "k")];
    for replayed in ["", "true"] {
        let response = api.call(Method::POST, "/api/imports/", &headers, EXPORTED).await;
        assert_eq!(
            (response.json()["id"].as_i64(), response.header("idempotency-replayed")),
            (Some(1), replayed)
        );
    }
    assert_eq!(imported(&api, EXPORTED).await.get(), 2, "without a key, it is another run");
}

#[tokio::test]
async fn an_active_run_is_not_exported() {
    let api = Api::without_launcher().await;
    let run = api.stored_run("x").await.id;
    let (status, code, detail) = api.get(&format!("/api/runs/{run}/export/")).await.error();
    assert_eq!((status, code), (409, "run_active"));
    assert!(detail.contains("export it when it has ended"), "{detail}");
}

/// Imports what is wrong, and checks that nothing of it is left.
async fn refused(api: &Api, archive: &[u8]) -> (u16, String) {
    let (status, _, detail) = import(api, archive).await.error();
    assert_eq!(api.get("/api/runs/").await.json(), json!([]), "{detail}");
    (status, detail)
}

#[tokio::test]
async fn a_wrong_archive_is_refused_in_words() {
    let api = Api::start().await;
    let changed = |name: &str, change: &dyn Fn(String) -> String| {
        let mut all = files(EXPORTED);
        all.insert(name.to_owned(), change(text(&files(EXPORTED), name)).into_bytes());
        archive(&all)
    };
    let without = |name: &str| archive(&files(EXPORTED).into_iter().filter(|(of, _)| of != name).collect());
    let renamed = |to: &str| {
        let mut all = files(EXPORTED);
        let content = all.remove(USAGE_FILE).unwrap();
        all.insert(to.to_owned(), content);
        archive(&all)
    };
    let twice = [EXPORTED, EXPORTED].concat();
    for (start, archive) in [
        ("archive: is not the whole export", Vec::new()),
        (
            "archive: is not the whole export",
            b"PK\x05\x06 and no more of it, but long enough to hold a record".to_vec(),
        ),
        ("archive: is not the whole export", EXPORTED[..EXPORTED.len() - 1].to_vec()),
        ("archive: is not the whole export", without(LOG_FILE)),
        ("archive: \"../../etc/passwd\" is no file", renamed("../../etc/passwd")),
        ("archive: \"/etc/passwd\" is no file", renamed("/etc/passwd")),
        (
            "run.json: version: is 2",
            changed(FACTS_FILE, &|text| text.replace("\"version\": 1", "\"version\": 2")),
        ),
        ("run.json: state: must be", changed(FACTS_FILE, &|text| text.replace("FAILED", "STARTED"))),
        (
            "run.json: \"spec.later\"",
            changed(FACTS_FILE, &|text| text.replace("\"command\"", "\"later\": 1, \"command\"")),
        ),
        ("points.ndjson: line 2: ", changed(POINTS_FILE, &|text| text.replace("\"NaN\"", "NaN"))),
        ("points.ndjson: line 3: has no end", changed(POINTS_FILE, &|text| text.trim_end().to_owned())),
        (
            "log.ndjson: line 1: unknown field",
            changed(LOG_FILE, &|text| text.replace("\"rank\"", "\"tank\"")),
        ),
        ("pods.ndjson: line 1: ", changed(USAGE_FILE, &|text| text.replace("\"pod\"", "\"run\""))),
    ] {
        let (status, detail) = refused(&api, &archive).await;
        assert!(status == 400 && detail.starts_with(start), "{start}: {detail}");
    }
    assert!(import(&api, &twice).await.status != StatusCode::INTERNAL_SERVER_ERROR);
    let json = api.post("/api/imports/", "{}").await.error();
    assert_eq!((json.0, json.2.contains("application/zip")), (415, true), "{}", json.2);
}

#[tokio::test]
async fn a_changed_or_damaged_file_is_named() {
    let api = Api::start().await;
    let mut all = files(EXPORTED);
    let points = text(&all, POINTS_FILE).replace("1.50", "1.51").into_bytes();
    all.insert(POINTS_FILE.to_owned(), points);
    let sums = files(EXPORTED)[SUMS_FILE].clone();
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in all.iter().filter(|(name, _)| *name != SUMS_FILE) {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.start_file(SUMS_FILE, SimpleFileOptions::default()).unwrap();
    zip.write_all(&sums).unwrap();
    let (_, detail) = refused(&api, &zip.finish().unwrap().into_inner()).await;
    assert!(detail.starts_with("points.ndjson: does not have the SHA-256"), "{detail}");
    // Every single byte of an archive matters, or changes nothing that is stored.
    let intact = files(EXPORTED);
    for at in (0..EXPORTED.len()).step_by(7) {
        let mut damaged = EXPORTED.to_vec();
        damaged[at] ^= 0x55;
        let response = import(&api, &damaged).await;
        if response.status == StatusCode::CREATED {
            let run = RunId::new(response.json()["id"].as_i64().unwrap()).unwrap();
            assert_eq!(files(&export(&api, run).await), intact, "byte {at}");
            api.delete(&format!("/api/runs/{run}/")).await;
        } else {
            assert_eq!(response.error().0, 400, "byte {at}: {response:?}");
        }
    }
    assert_eq!(api.get("/api/runs/").await.json(), json!([]));
}

#[tokio::test]
async fn an_import_that_breaks_off_leaves_nothing() {
    let api = Api::start().await;
    let body = futures_util::stream::iter([
        Ok(hyper::body::Frame::data(bytes::Bytes::copy_from_slice(&EXPORTED[..900]))),
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
    ]);
    let request = Request::post("/api/imports/").header("host", "localhost");
    let request = request.body(http_body_util::StreamBody::new(body)).unwrap();
    assert_eq!(api.send(request).await.error().0, 400);
    assert_eq!(api.get("/api/runs/").await.json(), json!([]));
    imported(&api, EXPORTED).await;
    assert_eq!(
        std::fs::read_dir(api.file(""))
            .unwrap()
            .flatten()
            .filter(|file| {
                let name = file.file_name().to_string_lossy().into_owned();
                !name.starts_with("db")
            })
            .count(),
        0,
        "no archive is left"
    );
}
