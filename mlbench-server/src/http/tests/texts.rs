//! A value has the text that was sent, on every path.

use std::io::{Cursor, Read as _};

use hyper::{Method, StatusCode};
use mlbench_core::Owner;
use serde_json::{Value, json};

use super::harness::{Api, NOW, later};

/// Texts that no shortest printing of a number gives back, and others.
///
/// The first two are halfway between two numbers.
const SENT: [&str; 16] = [
    "1723946505500986.2",
    "1723946505500986.3",
    "100000000000000000000",
    "0.000000123",
    "1.50",
    "-0",
    "1e400",
    "NaN",
    "-Infinity",
    "0.1",
    "9223372036854775807",
    "9007199254740993",
    "1E+2",
    "007",
    " 1 ",
    "80% Top 1 \"quoted\", é",
];

/// Returns a server with a run that has a metric for each text, `m0` and so on, and the run as an owner.
async fn api_with_texts() -> (Api, String) {
    let api = Api::start().await;
    let run = api.ended_run("texts").await.id;
    for (index, sent) in SENT.iter().enumerate() {
        let metric =
            json!({"run_id": run, "name": format!("m{index}"), "value": sent, "date": NOW}).to_string();
        let key = index.to_string();
        let headers = [("content-type", "application/json"), ("idempotency-key", key.as_str())];
        for _ in 0..2 {
            let echo = api.call(Method::POST, "/api/metrics", &headers, &metric).await;
            assert_eq!((echo.status, &echo.json()["value"]), (StatusCode::CREATED, &json!(sent)));
        }
    }
    let path = format!("/api/metrics/{run}/?metric_type=run");
    (api, path)
}

#[tokio::test]
async fn a_value_has_the_text_that_was_sent_on_every_path() {
    let (api, path) = api_with_texts().await;
    for rest in [
        "",
        "&last_n=1",
        "&summarize=1",
        "&cursor=0",
        "&downsample=lttb&points=1",
        "&downsample=mean&points=1",
    ] {
        let all = api.get(&format!("{path}{rest}")).await;
        for (index, sent) in SENT.iter().enumerate() {
            assert_eq!(all.values(&format!("m{index}")), json!([sent]), "{rest}");
        }
    }
    let lines = api.get(&format!("{path}&format=ndjson&fields=value")).await.body;
    let lines = String::from_utf8(lines.to_vec()).unwrap();
    let csv = api.get(&format!("{path}&format=csv&fields=value")).await.body;
    let csv = String::from_utf8(csv.to_vec()).unwrap();
    let zip = api.get(&format!("{path}&format=zip")).await.body;
    let mut zip = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
    let series = api.get("/api/runs/1/series/").await.json();
    for (index, sent) in SENT.iter().enumerate() {
        let name = format!("m{index}");
        let line = |line: &Value| line["name"] == name.as_str() && line["value"] == *sent;
        assert!(lines.lines().any(|text| line(&serde_json::from_str(text).unwrap())), "{lines}");
        let cell = match sent.contains('"') {
            true => format!("\"{}\"", sent.replace('"', "\"\"")),
            false => (*sent).to_owned(),
        };
        assert!(csv.lines().any(|line| line.ends_with(&format!("{name},{cell}"))), "{cell:?} in {csv}");
        let mut file = String::new();
        zip.by_name(&format!("result_{name}.json")).unwrap().read_to_string(&mut file).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&file).unwrap()[0]["value"], *sent, "{file}");
        let series =
            series.as_array().unwrap().iter().find(|series| series["name"] == name.as_str()).unwrap();
        assert_eq!(series["last_value"], *sent);
    }
    let compared = api.get("/api/comparison/?runs=1&metric=m4&goal=1").await.json();
    assert_eq!(compared["runs"][0]["end_values"][0]["last"], "1.50", "{compared}");
}

#[tokio::test]
async fn a_point_that_lttb_keeps_has_all_fields_as_posted() {
    let (api, path) = api_with_texts().await;
    let values = ["1.50", "7.0", "-0", "2.50", "1E+2", "text", "0.10"];
    for (index, value) in (0..).zip(values) {
        let (name, date) = ("curve", later(index));
        let metric = json!({"run_id": 1, "name": name, "value": value, "date": date, "step": index, "epoch": 0.5,
            "metadata": format!("note {index}")});
        assert_eq!(api.post("/api/metrics", &metric.to_string()).await.status, StatusCode::CREATED);
    }
    let point = |index: u64| {
        let value = values[usize::try_from(index).unwrap()];
        json!({"date": later(index), "value": value, "step": index, "epoch": 0.5, "metadata": format!("note {index}")})
    };
    let fields = "fields=date,value,step,epoch,metadata&metric_filter=curve&downsample=lttb";
    let all = api.get(&format!("{path}&{fields}&points=7")).await.json()["curve"].clone();
    assert_eq!(all, Value::Array((0..7).map(point).collect()));
    let kept = api.get(&format!("{path}&{fields}&points=3")).await.json()["curve"].clone();
    assert_eq!(kept, json!([point(0), point(4), point(6)]));
    let owner = Owner::Run(mlbench_core::RunId::new(1).unwrap());
    assert_eq!(api.app.storage.series(&owner, None, 99).await.unwrap().len(), SENT.len() + 1);
}
