//! Reads beyond the specification: ranges, fields, formats, cursors, downsampling and series statistics.

use std::io::Read;

use flate2::read::GzDecoder;
use http_body_util::BodyExt as _;
use hyper::{Method, StatusCode};
use mlbench_core::Pod;
use serde_json::{Value, json};

use super::fakes::{PODS, pod};
use super::harness::{Api, ApiResponse, NOW, later};

fn path(query: &str) -> String {
    format!("/api/metrics/{}/?{query}", PODS[0])
}

/// Starts a server with two series of the first pod, each of six points, one second apart.
async fn api_with_points() -> Api {
    let api = Api::start().await;
    let owner = format!(r#""pod_name":"{}""#, PODS[0]);
    for i in 0..6 {
        api.post_metric(&owner, "loss", &later(i), &i.to_string()).await;
        api.post_metric(&owner, "time", &later(i), "text").await;
    }
    api
}

fn cursor(response: &ApiResponse) -> u64 {
    response.header("mlbench-cursor").parse().unwrap()
}

#[tokio::test]
async fn points_are_selected_by_since_and_until() {
    let api = api_with_points().await;
    let select = async |query: &str| api.get(&path(query)).await.values("loss");
    assert_eq!(select(&format!("until={}", later(1))).await, json!(["0", "1"]), "the limit is inclusive");
    assert_eq!(select(&format!("since={}&until={}", later(2), later(3))).await, json!(["2", "3"]));
    assert_eq!(select(&format!("until={}&last_n=1", later(3))).await, json!(["3"]));
    assert_eq!(select(&format!("since={}&until={}", later(3), later(2))).await, json!([]));
}

#[tokio::test]
async fn metric_filter_selects_several_metrics() {
    let api = api_with_points().await;
    let owner = format!(r#""pod_name":"{}""#, PODS[0]);
    api.post_metric(&owner, "a&b=c", NOW, "1").await;
    let names = async |query: &str| -> Vec<String> {
        api.get(&path(query)).await.json().as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(names("metric_filter=time&metric_filter=a%26b%3Dc&metric_filter=no").await, ["a&b=c", "time"]);
    assert_eq!(names("metric_filter=loss").await, ["loss"]);
    assert_eq!(names("").await, ["a&b=c", "loss", "time"]);
}

#[tokio::test]
async fn a_point_has_the_requested_fields_in_their_order() {
    let api = Api::start().await;
    let metric = json!({"pod_name": PODS[0], "name": "loss", "date": NOW, "value": "0.50", "cumulative": true,
        "metadata": "a \"b\"", "step": 7, "epoch": 1.5});
    api.post("/api/metrics", &metric.to_string()).await;
    api.post_metric(&format!(r#""pod_name":"{}""#, PODS[0]), "loss", &later(1), "x").await;
    let all = api.get(&path("fields=date,value,cumulative,metadata,step,epoch")).await.json();
    let expected = json!([
        {"date": NOW, "value": "0.50", "cumulative": true, "metadata": "a \"b\"", "step": 7, "epoch": 1.5},
        {"date": later(1), "value": "x", "cumulative": false, "metadata": "", "step": null, "epoch": null},
    ]);
    assert_eq!(all["loss"], expected);
    let few = api.get(&path("fields=step,value")).await;
    assert_eq!(
        few.body,
        &br#"{"loss":[{"step":7,"value":"0.50"},{"step":null,"value":"x"}]}"#[..],
        "in the order of the query"
    );
}

#[tokio::test]
async fn a_list_can_name_its_runs() {
    let api = Api::without_launcher().await;
    for run in 1..=3 {
        let external = format!(r#"{{"name":"run {run}","external":true}}"#);
        assert_eq!(api.post("/api/runs/", &external).await.json()["id"], run);
        api.post_metric(&format!(r#""run_id":{run}"#), "loss", NOW, &run.to_string()).await;
    }
    let read = async |query: &str| api.get(&format!("/api/metrics/?metric_type=run&{query}")).await;
    let losses = |values: &[(&str, &str)]| -> Value {
        let of_run = |(run, value): &(&str, &str)| {
            ((*run).to_owned(), json!({"loss": [{"date": NOW, "value": value}]}))
        };
        Value::Object(values.iter().map(of_run).collect())
    };
    let two = read("runs=3,1,9").await;
    assert_eq!(two.json(), losses(&[("1", "1"), ("3", "3")]), "run 9 does not exist");
    assert_eq!(read("runs=2&runs=3").await.json(), losses(&[("2", "2"), ("3", "3")]));
    let csv = read("runs=2&format=csv&fields=value").await;
    assert_eq!(String::from_utf8_lossy(&csv.body), "run_id,name,value\r\n2,loss,2\r\n");

    let seq = cursor(&two);
    assert_eq!(read(&format!("runs=1,3&cursor={seq}")).await.json(), json!({}));
    api.post_metric(r#""run_id":3"#, "loss", &later(1), "4").await;
    let new = read(&format!("runs=1,3&cursor={seq}")).await.json();
    assert_eq!(new, json!({"3": {"loss": [{"date": later(1), "value": "4"}]}}));
    assert_eq!(read(&format!("runs=1&cursor={seq}")).await.json(), json!({}));
}

#[tokio::test]
async fn a_cursor_selects_the_points_that_arrived_after_it() {
    let api = api_with_points().await;
    let first = api.get(&path("")).await;
    let poll = async |seq: u64| api.get(&path(&format!("cursor={seq}"))).await;
    let nothing = poll(cursor(&first)).await;
    assert_eq!((nothing.json(), cursor(&nothing)), (json!({}), cursor(&first)));
    let owner = format!(r#""pod_name":"{}""#, PODS[0]);
    api.post_metric(&owner, "loss", &later(9), "in time").await;
    api.post_metric(&owner, "loss", "2018-01-01T00:00:00Z", "late").await;
    let new = poll(cursor(&first)).await;
    assert_eq!(new.json().as_object().unwrap().len(), 1, "{new:?}");
    assert_eq!(new.values("loss"), json!(["late", "in time"]));
    assert_eq!(poll(cursor(&new)).await.json(), json!({}));
    assert_eq!(poll(0).await.json(), api.get(&path("")).await.json());
    assert_eq!(poll(1 << 62).await.json(), json!({}), "a cursor of the future selects no points");
}

#[tokio::test]
async fn all_pods_share_one_cursor() {
    let api = api_with_points().await;
    let first = api.get("/api/metrics/").await;
    api.post_metric(&format!(r#""pod_name":"{}""#, PODS[1]), "loss", NOW, "1").await;
    let new = api.get(&format!("/api/metrics/?cursor={}", cursor(&first))).await;
    assert_eq!(new.json(), json!({PODS[0]: {}, PODS[1]: {"loss": [{"date": NOW, "value": "1"}]}}));
    api.app.storage.set_pods(&[], api.app.clock.now()).await.unwrap();
    let empty = api.get(&format!("/api/metrics/?cursor={}", cursor(&new))).await;
    assert_eq!((empty.json(), cursor(&empty)), (json!({}), cursor(&new) + 1), "the list of pods changed");
}

#[tokio::test]
async fn a_pod_that_returns_has_all_its_points_in_lists_with_a_cursor() {
    let api = api_with_points().await;
    let [here, away] = PODS;
    let set = async |names: &[&str]| {
        let pods: Vec<Pod> = names.iter().copied().map(pod).collect();
        api.app.storage.set_pods(&pods, api.app.clock.now()).await.unwrap();
    };
    let list = async |seq: u64| api.get(&format!("/api/metrics/?cursor={seq}")).await;
    set(&[here]).await;
    let first = cursor(&api.get("/api/metrics/").await);
    api.post_metric(&format!(r#""pod_name":"{away}""#), "loss", NOW, "1").await;
    let without = list(first).await;
    assert_eq!(without.json(), json!({here: {}}));
    set(&[here, away]).await;
    let with = list(cursor(&without)).await;
    assert_eq!(with.json(), json!({here: {}, away: {"loss": [{"date": NOW, "value": "1"}]}}));
    assert_eq!(list(cursor(&with)).await.json(), json!({here: {}, away: {}}), "and only once");
}

#[tokio::test]
async fn a_list_with_a_cursor_has_the_runs_with_new_points() {
    let api = Api::start().await;
    let list = async |seq: u64| api.get(&format!("/api/metrics/?metric_type=run&cursor={seq}")).await;
    let [first, second] = [api.ended_run("x").await.id, api.ended_run("y").await.id];
    let before = cursor(&api.get("/api/metrics/?metric_type=run").await);
    api.post_metric(&format!(r#""run_id":{second}"#), "loss", NOW, "1").await;
    let news = list(before).await;
    assert_eq!(news.json(), json!({second.to_string(): {"loss": [{"date": NOW, "value": "1"}]}}));
    api.post_metric(&format!(r#""run_id":{first}"#), "loss", NOW, "2").await;
    let news = list(cursor(&news)).await;
    assert_eq!(news.json(), json!({first.to_string(): {"loss": [{"date": NOW, "value": "2"}]}}));
    let none = list(cursor(&news)).await;
    assert_eq!((none.json(), cursor(&none)), (json!({}), cursor(&news)));
}

#[tokio::test]
async fn a_run_that_appears_while_a_list_is_read_is_in_the_next() {
    let api = Api::start().await;
    api.run_with_points(10_000).await;
    let response = api.begin("/api/metrics/?metric_type=run").await;
    let late = api.ended_run("late").await.id;
    api.post_metric(&format!(r#""run_id":{late}"#), "loss", NOW, "1").await;
    let seq = response.headers()["mlbench-cursor"].to_str().unwrap().to_owned();
    let list: Value =
        serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap();
    assert_eq!(list.as_object().unwrap().len(), 1);
    let next = api.get(&format!("/api/metrics/?metric_type=run&cursor={seq}")).await.json();
    assert_eq!(next, json!({late.to_string(): {"loss": [{"date": NOW, "value": "1"}]}}));
}

#[tokio::test]
async fn a_deleted_run_ends_only_its_own_part_of_a_list() {
    let api = Api::start().await;
    let run = api.run_with_points(40_000).await;
    let other = api.ended_run("other").await.id;
    api.post_metric(&format!(r#""run_id":{other}"#), "loss", NOW, "1").await;
    for format in ["json", "ndjson", "zip"] {
        let run = if format == "json" { run } else { api.run_with_points(40_000).await };
        let response = api.begin(&format!("/api/metrics/?metric_type=run&format={format}")).await;
        assert_eq!(api.delete(&format!("/api/runs/{run}")).await.status, StatusCode::NO_CONTENT);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        match format {
            "json" => {
                let list: Value = serde_json::from_slice(&body).unwrap();
                assert_eq!(list[other.to_string()], json!({"loss": [{"date": NOW, "value": "1"}]}));
                let rest = list[run.to_string()]["loss"].as_array().unwrap().len();
                assert!((1..40_000).contains(&rest), "{rest} points");
            }
            "ndjson" => {
                let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
                let lines: Vec<Value> = lines.map(|line| serde_json::from_slice(line).unwrap()).collect();
                assert!((2..80_000).contains(&lines.len()), "{} lines", lines.len());
            }
            _ => assert!(!zip::ZipArchive::new(std::io::Cursor::new(body)).unwrap().is_empty()),
        }
    }
}

#[tokio::test]
async fn ndjson_lines_can_be_posted_unchanged() {
    let api = api_with_points().await;
    let fields = "fields=date,value,cumulative,metadata,step,epoch";
    let response = api.get(&path(&format!("{fields}&format=ndjson"))).await;
    assert_eq!(response.header("content-type"), "application/x-ndjson");
    let text = String::from_utf8(response.body.to_vec()).unwrap();
    assert_eq!(text.lines().count(), 12);
    assert!(text.ends_with("}\n"), "{text}");
    let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(
        first,
        json!({"pod_name": PODS[0], "name": "loss", "date": NOW, "value": "0", "cumulative": false,
            "metadata": "", "step": null, "epoch": null})
    );
    for line in text.lines() {
        assert_eq!(api.post("/api/metrics", line).await.status, StatusCode::CREATED, "{line}");
    }
    assert_eq!(api.get(&path("metric_filter=loss")).await.json()["loss"].as_array().unwrap().len(), 12);
    let run = api.ended_run("x").await.id;
    api.post_metric(&format!(r#""run_id":{run}"#), "a\"b", NOW, "NaN").await;
    let runs = api.get("/api/metrics/?metric_type=run&format=ndjson").await;
    let line = format!("{{\"run_id\":{run},\"name\":\"a\\\"b\",\"date\":\"{NOW}\",\"value\":\"NaN\"}}\n");
    assert_eq!(runs.body, line);
}

#[tokio::test]
async fn csv_has_a_header_and_quotes_special_characters() {
    let api = Api::start().await;
    let run = api.ended_run("x").await.id;
    let owner = format!(r#""run_id":{run}"#);
    api.post_metric(&owner, "a,b", NOW, "say \"x\",\ny").await;
    api.post_metric(&owner, "loss @ 0", NOW, "0.5").await;
    let response = api.get(&format!("/api/metrics/{run}/?metric_type=run&format=csv")).await;
    assert_eq!(response.header("content-type"), "text/csv; charset=utf-8; header=present");
    let rows = [
        "run_id,name,date,value".to_owned(),
        format!("{run},\"a,b\",{NOW},\"say \"\"x\"\",\ny\""),
        format!("{run},loss @ 0,{NOW},0.5"),
        String::new(),
    ];
    assert_eq!(String::from_utf8(response.body.to_vec()).unwrap(), rows.join("\r\n"));
    let step = api.get(&format!("/api/metrics/{run}/?metric_type=run&format=csv&fields=step,metadata")).await;
    assert_eq!(step.body, format!("run_id,name,step,metadata\r\n{run},\"a,b\",,\r\n{run},loss @ 0,,\r\n"));
    let buckets =
        api.get("/api/metrics/?metric_type=run&format=csv&downsample=minmax&points=1&metric_filter=loss+@+0");
    let expected = format!(
        "run_id,name,start,end,count,first,last,min,max,sum,step,epoch\r\n{run},loss @ 0,{NOW},{NOW},1,0.5,0.5,0.5,0.5,0.5,,\r\n"
    );
    assert_eq!(buckets.await.body, expected);
    assert_eq!(api.get("/api/metrics/?format=csv").await.body, "pod_name,name,date,value\r\n");
}

#[tokio::test]
async fn accept_selects_each_format() {
    let api = api_with_points().await;
    for (accept, expected) in [
        ("text/csv", "text/csv; charset=utf-8; header=present"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("application/x-ndjson, application/json;q=0.5", "application/x-ndjson"),
        ("text/csv;q=0.1, */*", "application/json"),
        ("application/zip", "application/zip"),
    ] {
        let response = api.call(Method::GET, &path(""), &[("accept", accept)], "").await;
        assert_eq!(
            (response.status, response.header("content-type")),
            (StatusCode::OK, expected),
            "{accept}"
        );
    }
    let zip = api.call(Method::GET, &path("cursor=1"), &[("accept", "application/zip")], "").await;
    assert_eq!(zip.error().1, "invalid_field");
}

#[tokio::test]
async fn a_large_response_is_compressed_for_clients_that_accept_gzip() {
    let api = Api::start().await;
    let run = api.run_with_points(5_000).await;
    for query in ["", "&last_n=50", "&format=csv"] {
        let path = format!("/api/metrics/{run}/?metric_type=run{query}");
        let plain = api.get(&path).await;
        assert_eq!((plain.header("vary"), plain.header("content-encoding")), ("Accept, Accept-Encoding", ""));
        let gzipped = api.call(Method::GET, &path, &[("accept-encoding", "br, gzip")], "").await;
        assert_eq!(gzipped.header("vary"), "Accept, Accept-Encoding");
        assert_eq!(gzipped.header("content-encoding"), "gzip");
        assert_eq!(gzipped.header("mlbench-cursor"), plain.header("mlbench-cursor"));
        assert!(gzipped.body.len() * 3 < plain.body.len(), "{} of {}", gzipped.body.len(), plain.body.len());
        let mut unzipped = Vec::new();
        GzDecoder::new(&gzipped.body[..]).read_to_end(&mut unzipped).unwrap();
        assert!(unzipped == plain.body, "{query}");
    }
    let gzip = [("accept-encoding", "gzip")];
    let small = api.call(Method::GET, "/api/pods/", &gzip, "").await;
    assert_eq!((small.header("vary"), small.header("content-encoding")), ("Accept", ""));
    let zip =
        api.call(Method::GET, &format!("/api/metrics/{run}/?metric_type=run&format=zip"), &gzip, "").await;
    assert_eq!(
        (zip.header("vary"), zip.header("content-encoding")),
        ("Accept", ""),
        "an archive is already compressed"
    );
}

#[tokio::test]
async fn downsampling_reduces_points_in_three_modes() {
    let api = Api::start().await;
    let owner = format!(r#""pod_name":"{}""#, PODS[0]);
    for (i, value) in ["0", "50", "1", "NaN", "-2", "3", "4"].iter().enumerate() {
        api.post_metric(&owner, "loss", &later(i as u64), value).await;
    }
    let downsample = async |mode: &str, points: u32| {
        api.get(&path(&format!("downsample={mode}&points={points}"))).await.json()["loss"].clone()
    };
    let expected = json!([
        {"start": NOW, "end": later(2), "count": 3, "first": 0, "last": 1, "min": 0, "max": 50,
            "sum": 51, "step": null, "epoch": null},
        {"start": later(3), "end": later(6), "count": 3, "first": -2, "last": 4, "min": -2, "max": 4,
            "sum": 5, "step": null, "epoch": null},
    ]);
    assert_eq!(downsample("minmax", 2).await, expected);
    let gap =
        api.get(&path(&format!("downsample=minmax&points=1&since={}&until={}", later(3), later(3)))).await;
    let empty = json!({"start": later(3), "end": later(3), "count": 0, "first": null, "last": null,
        "min": null, "max": null, "sum": null, "step": null, "epoch": null});
    assert_eq!(gap.json()["loss"], json!([empty]));
    let point = |second: u64, value: &str| json!({"date": later(second), "value": value});
    let lttb = downsample("lttb", 4).await;
    assert_eq!((&lttb[0], &lttb[1], &lttb[3]), (&point(0, "0"), &point(1, "50"), &point(6, "4")));
    assert_eq!(lttb.as_array().unwrap().len(), 4);
    assert_eq!(downsample("lttb", 6).await[2], point(2, "1"));
    assert_eq!(downsample("lttb", 7).await[3], point(3, "NaN"), "a gap");
    assert_eq!(
        downsample("mean", 4).await,
        json!([point(0, "0"), point(2, "25.5"), point(5, "0.5"), point(6, "4")])
    );
    assert_eq!(downsample("mean", 100_000).await.as_array().unwrap().len(), 7);
}

#[tokio::test]
async fn the_series_of_runs_and_pods_are_listed_with_statistics() {
    let api = api_with_points().await;
    let run = api.ended_run("x").await.id;
    assert_eq!(api.get(&format!("/api/runs/{run}/series/")).await.json(), json!([]));
    let loss = json!({"name": "loss", "count": 6, "first_date": NOW, "last_date": later(5), "min": 0, "max": 5,
        "last_value": "5"});
    let time = json!({"name": "time", "count": 6, "first_date": NOW, "last_date": later(5), "min": null,
        "max": null, "last_value": "text"});
    assert_eq!(api.get(&format!("/api/pods/{}/series", PODS[0])).await.json(), json!([loss, time]));
    for (path, detail) in [
        ("/api/pods/unknown/series/", "pod \"unknown\" does not exist"),
        ("/api/runs/99/series/", "run 99 does not exist"),
        ("/api/runs/x/series/", "run \"x\" does not exist"),
    ] {
        assert_eq!(api.get(path).await.error(), (404, "not_found", detail.to_owned()), "{path}");
    }
}

#[tokio::test]
async fn a_long_list_of_series_is_whole() {
    let api = Api::start().await;
    let run = api.ended_run("x").await.id;
    for count in [499, 500, 501, 1_501] {
        let points: Vec<Value> = (0..count)
            .map(|i| json!({"run_id": run, "name": format!("metric {i:04}"), "value": i}))
            .collect();
        let stored = api.post("/api/metrics/batch", &serde_json::to_string(&points).unwrap()).await;
        assert_eq!(stored.json()["accepted"], count);
        let series = api.get(&format!("/api/runs/{run}/series")).await.json();
        let names: Vec<&str> =
            series.as_array().unwrap().iter().map(|series| series["name"].as_str().unwrap()).collect();
        assert_eq!(names, (0..count).map(|i| format!("metric {i:04}")).collect::<Vec<_>>());
    }
}
