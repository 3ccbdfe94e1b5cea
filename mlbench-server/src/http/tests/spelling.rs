//! One value in many spellings: numbers, dates and byte order marks in JSON, forms, queries and batches.

use hyper::{Method, StatusCode};
use serde_json::json;

use super::harness::Api;

const FORM: [(&str, &str); 1] = [("content-type", "application/x-www-form-urlencoded")];
const NDJSON: [(&str, &str); 1] = [("content-type", "application/x-ndjson")];

#[tokio::test]
async fn a_number_is_read_by_its_value_in_every_format() {
    let api = Api::start().await;
    api.ended_run("x").await;
    let point = r#"{"run_id":1.0,"name":"a","value":1,"date":1795708651.65,"step":100.0}"#;
    for (path, headers, body) in [
        ("/api/metrics", &[][..], point.to_owned()),
        ("/api/metrics", &FORM, "run_id=1.0&name=a&value=1&date=1795708651.65&step=100.0".to_owned()),
        ("/api/metrics/batch", &[], format!("[{point}]")),
        ("/api/metrics/batch", &NDJSON, point.to_owned()),
    ] {
        let response = api.call(Method::POST, path, headers, &body).await;
        assert!(response.status.is_success(), "{body}: {response:?}");
    }
    let stored =
        api.get("/api/metrics/1/?metric_type=run&fields=date,step&since=1795708651.65&last_n=4.0").await;
    let expected = json!({"date": "2026-11-26T15:57:31.650000Z", "step": 100});
    assert_eq!(stored.json()["a"], json!([expected, expected, expected, expected]));
    assert_eq!(api.get("/api/runs/1/logs/?after=0.0&limit=1e3&rank=0.0").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_date_in_milliseconds_is_refused_with_the_unit() {
    let api = Api::start().await;
    api.ended_run("x").await;
    let json = api.post("/api/metrics", r#"{"run_id":1,"name":"x","value":1,"date":1795708651650}"#).await;
    let form = "run_id=1&name=x&value=1&date=1795708651650";
    let form = api.call(Method::POST, "/api/metrics", &FORM, form).await;
    let query = api.get("/api/metrics/?since=1795708651650").await;
    for (response, field) in [(json, "date"), (form, "date"), (query, "since")] {
        let (status, code, detail) = response.error();
        assert_eq!((status, code), (400, "invalid_field"));
        let expected =
            "is outside the years 1970 to 9999; these look like milliseconds, send seconds since 1970";
        assert_eq!(detail, format!("{field}: \"1795708651650\" {expected}"));
    }
}

#[tokio::test]
async fn a_byte_order_mark_before_a_body_is_skipped() {
    let api = Api::start().await;
    api.ended_run("x").await;
    let point = r#"{"run_id":1,"name":"a","value":1}"#;
    for (path, headers, body) in [
        ("/api/metrics", &[("content-type", "application/json")][..], point.to_owned()),
        ("/api/metrics", &[], format!("{point} ")),
        ("/api/metrics", &FORM, point.to_owned()),
        ("/api/metrics", &FORM, "run_id=1&name=a&value=1".to_owned()),
        ("/api/metrics/batch", &[], format!("[{point}]")),
        ("/api/metrics/batch", &NDJSON, format!("{point}\n{point}")),
        ("/api/runs/1/stop", &[], String::new()),
    ] {
        let response = api.call(Method::POST, path, headers, &format!("\u{feff}{body}")).await;
        assert!(response.status.is_success(), "{body}: {response:?}");
        assert_ne!(response.json().get("rejected_count"), Some(&1.into()), "{body}");
    }
}

#[tokio::test]
async fn a_lone_surrogate_is_named_wherever_it_is() {
    let api = Api::start().await;
    api.ended_run("x").await;
    let point = r#"{"run_id":1,"name":"\ud83d","value":1}"#;
    let named = r"has the lone surrogate \ud83d; send both halves of the pair, or \ufffd";
    assert_eq!(api.post("/api/metrics", point).await.error().2, format!("name: {named}"));
    assert_eq!(api.post("/api/runs", r#"{"name":"\ud83d"}"#).await.error().2, format!("name: {named}"));
    for (headers, body) in [(&[][..], format!("[{point}]")), (&NDJSON, point.to_owned())] {
        let response = api.call(Method::POST, "/api/metrics/batch", headers, &body).await;
        assert_eq!(response.json()["rejected"][0]["message"], format!("name: {named}"));
    }
    let key = api.post("/api/metrics", r#"{"\ud83d":1}"#).await.error();
    assert_eq!(key.1, "malformed");
    assert!(key.2.ends_with(named), "{}", key.2);
}
