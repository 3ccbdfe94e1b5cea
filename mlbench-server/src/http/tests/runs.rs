//! `/api/runs/`: starts, stops and deletes runs, and reads them with their output.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hyper::{Method, StatusCode};
use mlbench_core::api::LogPage;
use mlbench_core::run::OutputStream;
use mlbench_core::storage::OutputChunk;
use mlbench_core::{RunEvent, RunId, RunState};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::super::request::ServerState;
use super::super::service::ApiService;
use super::fakes::{PODS, end_run};
use super::harness::{Api, NOW, config};
use super::tcp::DEADLINE;

#[tokio::test]
async fn the_run_of_the_specification_is_started_and_returned() {
    let api = Api::start().await;
    let headers = [("host", "example.com"), ("accept", "application/json, text/javascript")];
    let response = api.call(Method::POST, "/api/runs/", &headers, r#"{"name": "Name of the run"}"#).await;
    assert_eq!(
        (response.status, response.header("content-type")),
        (StatusCode::OK, "text/javascript"),
        "{response:?}"
    );
    let run = response.json();
    assert_eq!(
        (&run["id"], &run["name"], &run["state"]),
        (&json!(1), &json!("Name of the run"), &json!("STARTED"))
    );
    assert_eq!((&run["created_at"], &run["finished_at"]), (&json!(NOW), &Value::Null));
    let stored = &api.app.storage.runs().await.unwrap()[0];
    assert_eq!(run["job_id"], stored.job_id.to_string());
    assert_eq!(run["job_metadata"]["pods"], json!(PODS));
    assert_eq!(run["num_workers"], 4, "the default is every worker");
    let mut with_output = run.clone();
    with_output["job_metadata"]["stdout"] = json!([]);
    with_output["job_metadata"]["stderr"] = json!([]);
    assert_eq!(api.get("/api/runs/1").await.json(), with_output);
    assert_eq!(api.get("/api/runs/1/?logs=0").await.json(), run);
    assert_eq!(api.get("/api/runs/").await.json(), json!([run]));
}

#[tokio::test]
async fn a_repeated_list_shows_changed_and_deleted_runs() {
    let api = Api::without_launcher().await;
    let list = async || api.get("/api/runs/").await.json();
    let shown = async |id: RunId| api.get(&format!("/api/runs/{id}/?logs=0")).await.json();
    let first = api.ended_run("first").await.id;
    let second = api.ended_run("second").await.id;
    let third = api.stored_run("third").await.id;
    let before = json!([shown(first).await, shown(second).await, shown(third).await]);
    assert_eq!(list().await, before);
    assert_eq!(list().await, before, "from the cache");
    end_run(&api.app, third, RunEvent::Stop).await;
    api.delete(&format!("/api/runs/{first}/")).await;
    assert_eq!(list().await, json!([shown(second).await, shown(third).await]));
    assert_eq!(list().await[1]["state"], "STOPPED");
}

#[tokio::test]
async fn a_start_responds_before_the_workers_are_ready() {
    let api = Api::without_launcher().await;
    // No launcher ever makes them ready.
    let response = timeout(DEADLINE, api.post("/api/runs/", r#"{"name":"x"}"#)).await.expect("a response");
    assert_eq!(response.json()["state"], "INITIALIZED");
}

#[tokio::test]
async fn one_of_fifty_concurrent_starts_succeeds() {
    let api = Api::start().await;
    let responses = join_all((0..50).map(|_| api.post("/api/runs/", r#"{"name":"x"}"#))).await;
    let started: Vec<_> = responses.iter().filter(|response| response.status == StatusCode::OK).collect();
    assert_eq!(started.len(), 1);
    for refused in responses.iter().filter(|response| response.status != StatusCode::OK) {
        let (status, code, detail) = refused.error();
        assert_eq!((status, code), (409, "run_active"));
        assert!(detail.contains("run 1"), "{detail}");
    }
    assert_eq!(api.get("/api/runs/").await.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_stop_ends_a_run_once() {
    let api = Api::start().await;
    api.post("/api/runs/", r#"{"name":"x"}"#).await;
    let stopped = api.post("/api/runs/1/stop", "").await;
    assert_eq!((stopped.status, &stopped.json()["state"]), (StatusCode::OK, &json!("STOPPED")));
    assert_eq!(stopped.json()["finished_at"], NOW);
    api.app.clock.advance(Duration::from_secs(60));
    assert_eq!(api.post("/api/runs/1/stop/", "").await.json(), stopped.json(), "unchanged");
    assert_eq!(api.post("/api/runs/", r#"{"name":"y"}"#).await.json()["id"], 2);
}

#[tokio::test]
async fn a_deleted_run_blocks_starts_until_it_is_torn_down() {
    let api = Api::without_launcher().await;
    let run = api.stored_run("x").await;
    api.post_metric(&format!(r#""run_id":{}"#, run.id), "loss", NOW, "1").await;
    let response = api.delete(&format!("/api/runs/{}/", run.id)).await;
    assert_eq!((response.status, response.body.len()), (StatusCode::NO_CONTENT, 0));
    assert_eq!(api.get("/api/runs/1").await.error().1, "not_found");
    assert_eq!(api.get("/api/metrics/1/?metric_type=run").await.error().1, "not_found");
    assert_eq!(api.delete("/api/runs/1/").await.error().1, "not_found");
    let busy = api.post("/api/runs/", r#"{"name":"y"}"#).await;
    assert_eq!(
        busy.error(),
        (409, "run_deleting", "run 1 is being deleted; try again in a moment".to_owned())
    );
    assert!(busy.header("retry-after").parse::<u32>().unwrap() >= 1);
    api.app.storage.finish_teardown(run.id).await.unwrap();
    assert_eq!(api.post("/api/runs/", r#"{"name":"y"}"#).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_run_can_start_as_soon_as_the_deletion_of_another_returns() {
    let api = Api::start().await;
    for _ in 0..20 {
        let run = api.post("/api/runs/", r#"{"name":"x"}"#).await;
        assert_eq!(run.status, StatusCode::OK, "{run:?}");
        let response = api.delete(&format!("/api/runs/{}/", run.json()["id"])).await;
        assert_eq!(response.status, StatusCode::NO_CONTENT);
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_waits_two_seconds_for_the_teardown() {
    let api = Api::without_launcher().await;
    let run = api.stored_run("x").await;
    let began = tokio::time::Instant::now();
    assert_eq!(api.delete(&format!("/api/runs/{}/", run.id)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(began.elapsed().as_secs(), 2);
    assert_eq!(api.post("/api/runs/", r#"{"name":"y"}"#).await.error().1, "run_deleting");
    api.app.storage.finish_teardown(run.id).await.unwrap();
    let run = api.ended_run("z").await;
    let began = tokio::time::Instant::now();
    assert_eq!(api.delete(&format!("/api/runs/{}/", run.id)).await.status, StatusCode::NO_CONTENT);
    assert_eq!(began.elapsed().as_secs(), 0, "an ended run holds no workers");
}

/// Stores a run with `count` lines in each of its output streams, and returns its id.
async fn run_with_output(api: &Api, count: usize) -> String {
    let run = api.stored_run("x").await.id;
    api.app.storage.run_started(run, 2, api.app.clock.now()).await.unwrap();
    for (stream, word) in [(OutputStream::Stdout, "out"), (OutputStream::Stderr, "err")] {
        let lines = (0..count).map(|i| format!("{word} \"{i}\"")).collect();
        let chunk = OutputChunk { rank: 1, stream, from: 0, to: 7, lines, date: api.app.clock.now() };
        api.app.storage.append_output(run, vec![chunk]).await.unwrap();
    }
    run.to_string()
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_run_is_returned_with_all_or_the_last_lines_of_its_output() {
    let api = Api::without_launcher().await;
    let run = run_with_output(&api, 1_234).await;
    for (query, expected) in [
        ("", 1_234),
        ("?logs=2", 2),
        ("?logs=500", 500),
        ("?logs=501", 501),
        ("?logs=1000", 1_000),
        ("?logs=1001", 1_001),
        ("?logs=1234", 1_234),
        ("?logs=9999", 1_234),
    ] {
        let response = api.get(&format!("/api/runs/{run}/{query}")).await.json();
        for (stream, word) in [("stdout", "out"), ("stderr", "err")] {
            let lines = strings(&response["job_metadata"][stream]);
            assert_eq!(lines.len(), expected, "{query}");
            assert_eq!(lines[0], format!("[1] {word} \"{}\"", 1_234 - expected), "{query}");
            assert_eq!(lines[expected - 1], format!("[1] {word} \"1233\""), "{query}");
        }
    }
    assert!(api.get("/api/runs/").await.json()[0]["job_metadata"].get("stdout").is_none());
}

#[tokio::test]
async fn the_log_is_read_page_by_page() {
    let api = Api::without_launcher().await;
    let run = run_with_output(&api, 1_200).await;
    let (mut after, mut texts) = (0, Vec::new());
    loop {
        let path = format!("/api/runs/{run}/logs/?stream=stderr&after={after}&limit=700");
        let page: LogPage = serde_json::from_slice(&api.get(&path).await.body).unwrap();
        assert!(page.lines.len() <= 700);
        if page.lines.is_empty() {
            assert_eq!(page.next, after, "an empty page keeps the position");
            break;
        }
        assert_eq!(page.next, page.lines.last().unwrap().seq);
        after = page.next;
        texts.extend(page.lines.into_iter().map(|line| line.text));
    }
    assert_eq!(texts, (0..1_200).map(|i| format!("err \"{i}\"")).collect::<Vec<_>>());
    let first = api.get(&format!("/api/runs/{run}/logs")).await.json();
    assert_eq!(first["lines"].as_array().unwrap().len(), 1_000, "the default limit");
    assert_eq!(first["lines"][0]["rank"], 1);
    let empty = api.get(&format!("/api/runs/{run}/logs/?rank=7")).await.json();
    assert_eq!(empty, json!({"lines": [], "next": 0}));
}

#[tokio::test]
async fn the_log_is_read_backwards_page_by_page() {
    let api = Api::without_launcher().await;
    let run = run_with_output(&api, 1_200).await;
    let page = async |query: String| {
        let page = api.get(&format!("/api/runs/{run}/logs/?{query}")).await;
        serde_json::from_slice::<LogPage>(&page.body).unwrap()
    };
    for limit in [400, 501, 700, 1_200, 1_201] {
        let (mut before, mut texts, mut pages) = (i64::MAX, Vec::new(), 0);
        loop {
            let page = page(format!("stream=stderr&before={before}&limit={limit}")).await;
            assert!(page.lines.len() <= limit && page.lines.is_sorted_by_key(|line| line.seq));
            assert_eq!(page.next, page.lines.last().map_or(0, |line| line.seq), "{limit}");
            pages += 1;
            texts.splice(0..0, page.lines.iter().map(|line| line.text.clone()));
            let Some(previous) = page.previous else { break };
            assert_eq!(previous, page.lines[0].seq);
            before = previous;
        }
        assert_eq!(texts, (0..1_200).map(|i| format!("err \"{i}\"")).collect::<Vec<_>>(), "{limit}");
        assert_eq!(pages, 1_200 / limit + 1, "{limit}");
    }
    let all = page("limit=10000".to_owned()).await.lines;
    let middle = page(format!("before={}&limit=3", all[1_201].seq)).await;
    assert_eq!(middle.lines, all[1_198..1_201], "of both streams");
    assert_eq!(page(format!("after={}&limit=1", middle.next)).await.lines, all[1_201..1_202]);
    let before_all = api.get(&format!("/api/runs/{run}/logs/?before={}", all[0].seq)).await.json();
    assert_eq!(before_all, json!({"lines": [], "next": 0}));
    assert_eq!(api.get("/api/runs/99/logs/?before=5").await.error().1, "not_found");
    let refused = api.get(&format!("/api/runs/{run}/logs/?before=5&after=1")).await;
    assert!(refused.error().2.starts_with("before: cannot be combined with after"));
}

#[tokio::test]
async fn an_unfinished_line_follows_the_last_stored_one() {
    let api = Api::without_launcher().await;
    let run = run_with_output(&api, 3).await;
    let unfinished = api.app.launcher.unfinished();
    let id = run.parse().unwrap();
    let date = api.app.clock.now();
    unfinished.set(id, 1, OutputStream::Stdout, Some((date, "50 %".to_owned())));
    let texts = async |query: &str| {
        let response = api.get(&format!("/api/runs/{run}/{query}")).await.json();
        strings(&response["job_metadata"]["stdout"]).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(texts("").await[2..], ["[1] out \"2\"", "[1] 50 %"]);
    assert_eq!(texts("?logs=2").await, ["[1] out \"2\"", "[1] 50 %"]);
    assert_eq!(texts("?logs=1").await, ["[1] 50 %"]);
    let page = async |query: &str| {
        let page = api.get(&format!("/api/runs/{run}/logs/{query}")).await;
        serde_json::from_slice::<LogPage>(&page.body).unwrap()
    };
    let all = page("").await;
    assert_eq!((all.lines.len(), all.next), (6, all.lines[5].seq));
    let shown: Vec<(i64, &str)> = all.unfinished.iter().map(|line| (line.seq, line.text.as_str())).collect();
    assert_eq!(shown, [(0, "50 %")]);
    assert!(page("?limit=2").await.unfinished.is_empty(), "stored lines follow");
    assert_eq!(page("?before=9999999999&limit=1").await.unfinished, all.unfinished);
    let last = all.next;
    assert!(page(&format!("?before={last}")).await.unfinished.is_empty(), "a stored line follows");
    assert!(page("?stream=stderr").await.unfinished.is_empty());
    assert!(page("?rank=0").await.unfinished.is_empty());
    unfinished.set(id, 1, OutputStream::Stdout, None);
    assert_eq!(texts("").await.len(), 3);
}

#[tokio::test]
async fn a_run_without_a_command_needs_a_default_command() {
    let mut api = Api::start().await;
    api.app.default_command = Err("no mlbench next to /x/server, none on PATH".to_owned());
    api.service = ApiService::new(&ServerState::new(
        api.app.clone(),
        config(),
        Arc::default(),
        CancellationToken::new(),
    ));
    let response = api.post("/api/runs/", r#"{"name":"x"}"#).await;
    let (status, code, detail) = response.error();
    assert_eq!((status, code), (503, "unavailable"));
    assert!(detail.contains("none on PATH"), "{detail}");
    let with_command = api.post("/api/runs/", r#"{"name":"x","custom_image_command":"sleep 1"}"#).await;
    assert_eq!(with_command.status, StatusCode::OK);
    assert_eq!(with_command.json()["job_metadata"]["command"], "sleep 1");
}

#[tokio::test]
async fn the_form_of_the_python_client_starts_a_run() {
    let api = Api::start().await;
    let body = "name=x&num_workers=1&num_cpus=2.0&max_bandwidth=1000&gpu_enabled=false&light_target=true\
                &run_all_nodes=false&image_name=custom_image&custom_image_name=busybox\
                &custom_image_command=sleep+9&backend=MPI";
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let run = api.call(Method::POST, "/api/runs/", &headers, body).await.json();
    assert_eq!((&run["image"], &run["backend"]), (&json!("busybox"), &json!("mpi")));
    assert_eq!((&run["num_cpus"], &run["light_target"]), (&json!(2.0), &json!(true)));
    assert_eq!(api.app.storage.runs().await.unwrap()[0].state, RunState::Started);
}

#[tokio::test]
async fn a_list_of_several_pages_is_complete() {
    let api = Api::without_launcher().await;
    for number in [0, 1, 249, 250, 251] {
        while api.app.storage.runs().await.unwrap().len() < number {
            api.ended_run("one of many").await;
        }
        let list = api.get("/api/runs/").await.json();
        let ids: Vec<i64> = list.as_array().unwrap().iter().map(|run| run["id"].as_i64().unwrap()).collect();
        assert_eq!(ids, (1..=number as i64).collect::<Vec<_>>());
    }
}
