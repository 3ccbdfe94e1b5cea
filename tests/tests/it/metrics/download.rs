use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use mlbench_client::RunRequest;
use mlbench_tests::{TIMEOUT, TestServer, eventually, new_run};
use serde_json::{Value, json};

fn files(archive: &[u8]) -> BTreeMap<String, String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(archive)).unwrap();
    let count = archive.len();
    let read = |index| {
        let mut file = archive.by_index(index).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        (file.name().unwrap().into_owned(), text)
    };
    (0..count).map(read).collect()
}

async fn server_with_a_measured_run() -> TestServer {
    let server = TestServer::start().await;
    let new = RunRequest { num_workers: Some(1), ..new_run("my/run", "true") };
    let run = server.client().runs().start(&new).await.unwrap();
    server.wait(run.id).await;
    for (name, value) in [("loss @ 0", "0.5"), ("a/b", "1"), ("TaskResult @ 0", "reached")] {
        let metric = json!({"run_id": 1, "name": name, "value": value});
        assert_eq!(server.post("/api/metrics/", metric).await.status, 201);
    }
    server
}

#[tokio::test]
async fn an_archive_holds_a_run_with_its_result_and_pods() {
    let server = server_with_a_measured_run().await;
    // The server stores the pod's last sample shortly after the end of the run.
    let files = eventually("the archive holds metrics of the pod", TIMEOUT, async || {
        let response = server.get("/api/metrics/1/?metric_type=run&format=zip").await;
        assert_eq!((response.status, response.header("content-type")), (200, Some("application/zip")));
        let disposition = response.header("content-disposition").unwrap_or_default().to_owned();
        assert!(disposition.contains("metrics_my_run.zip"), "{disposition}");
        Some(files(&response.body)).filter(|files| files.keys().any(|name| name.starts_with("local-")))
    });
    let files = files.await;
    let loss: Value = serde_json::from_str(&files["result_loss @ 0.json"]).unwrap();
    assert_eq!(loss[0]["value"], "0.5");
    assert!(files.contains_key("result_a_b.json"), "{:?}", files.keys());
    assert_eq!(files["official_result.txt"].trim(), "reached");
    let cpu = "local-mlbench-worker-0_container_cpu_usage_seconds_total.json";
    assert!(files.contains_key(cpu), "{:?}", files.keys());
}

#[tokio::test]
async fn the_command_line_downloads_the_same_archive() {
    let server = server_with_a_measured_run().await;
    let target = server.dir().join("out.zip");
    server.cli().ok(&["runs", "download", "1", "--output-file", target.to_str().unwrap()]).await;
    assert!(files(&std::fs::read(target).unwrap()).contains_key("official_result.txt"));
}
