//! JSON, form and multipart bodies with the same fields.

use hyper::{Method, StatusCode};
use serde_json::json;

use super::fakes::PODS;
use super::harness::{Api, ApiResponse};

async fn post_typed(api: &Api, content_type: &str, body: &str) -> ApiResponse {
    api.call(Method::POST, "/api/metrics", &[("content-type", content_type)], body).await
}

#[tokio::test]
async fn the_form_of_the_published_python_client_is_accepted() {
    let api = Api::start().await;
    api.ended_run("x").await;
    let body =
        "run_id=1&name=loss+%40+0&cumulative=False&date=2018-08-03+09%3A21%3A44.331823&value=0.5&metadata=";
    let response = post_typed(&api, "application/x-www-form-urlencoded", body).await;
    assert_eq!(response.status, StatusCode::CREATED, "{response:?}");
    let expected = json!({
        "run_id": 1, "name": "loss @ 0", "date": "2018-08-03T09:21:44.331823Z", "value": "0.5",
        "cumulative": false, "metadata": "",
    });
    assert_eq!(response.json(), expected);
}

#[tokio::test]
async fn a_multipart_form_is_accepted() {
    let api = Api::start().await;
    let part = |name: &str, value: &str| {
        format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let body = [
        part("pod_name", PODS[0]),
        part("name", "ü/@ 0"),
        part("value", "1.50"),
        part("cumulative", "True"),
        "--XX--\r\n".to_owned(),
    ]
    .concat();
    let response = post_typed(&api, "multipart/form-data; boundary=XX", &body).await;
    assert_eq!(response.status, StatusCode::CREATED, "{response:?}");
    assert_eq!(response.json()["name"], "ü/@ 0");
    assert_eq!(response.json()["value"], "1.50");
    assert_eq!(response.json()["cumulative"], true);
}

#[tokio::test]
async fn a_broken_multipart_form_is_refused() {
    let api = Api::start().await;
    let truncated = "--XX\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nloss";
    let nameless = "--XX\r\nContent-Disposition: form-data\r\n\r\nloss\r\n--XX--\r\n";
    for (content_type, body) in [
        ("multipart/form-data", nameless),
        ("multipart/form-data; boundary=XX", truncated),
        ("multipart/form-data; boundary=XX", nameless),
        ("multipart/form-data; boundary=YY", nameless),
    ] {
        let response = post_typed(&api, content_type, body).await;
        assert_eq!(response.error().1, "malformed", "{content_type} {body:?}");
    }
}

#[tokio::test]
async fn a_content_type_may_be_missing_or_have_parameters() {
    let api = Api::start().await;
    let json = format!(r#"  {{"pod_name":"{}","name":"loss","value":1}}"#, PODS[0]);
    let form = format!("pod_name={}&name=loss&value=1\r\n", PODS[0]);
    for (content_type, body) in [
        ("application/json; charset=utf-8", &json),
        ("APPLICATION/JSON", &json),
        ("application/vnd.api+json", &json),
        ("application/x-www-form-urlencoded; charset=UTF-8", &form),
        // `curl -d` labels every body as a form.
        ("application/x-www-form-urlencoded", &json),
    ] {
        let response = post_typed(&api, content_type, body).await;
        assert_eq!(response.status, StatusCode::CREATED, "{content_type} {response:?}");
        assert_eq!(response.json()["value"], "1");
    }
    for body in [&json, &form] {
        let response = api.call(Method::POST, "/api/metrics", &[], body).await;
        assert_eq!(response.status, StatusCode::CREATED, "{response:?}");
    }
}

#[tokio::test]
async fn an_unsupported_type_is_refused_with_the_supported_types() {
    let api = Api::start().await;
    for content_type in ["text/plain", "application/xml", "nonsense"] {
        let response = post_typed(&api, content_type, "x").await;
        let (status, code, detail) = response.error();
        assert_eq!((status, code), (415, "unsupported_media_type"), "{content_type}");
        for supported in ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"] {
            assert!(detail.contains(supported), "{detail}");
        }
    }
}

#[tokio::test]
async fn a_compressed_metric_is_refused() {
    let api = Api::start().await;
    for (encoding, status) in [("gzip", 415), ("identity", 201)] {
        let headers = [("content-type", "application/json"), ("content-encoding", encoding)];
        let body = format!(r#"{{"pod_name":"{}","name":"loss","value":1}}"#, PODS[0]);
        let response = api.call(Method::POST, "/api/metrics", &headers, &body).await;
        assert_eq!(response.status.as_u16(), status, "{encoding}");
    }
}

#[tokio::test]
async fn a_body_of_one_byte_over_a_mebibyte_is_refused() {
    let api = Api::start().await;
    let frame = format!(r#"{{"pod_name":"{}","name":"loss","value":""}}"#, PODS[0]).len();
    for (size, status) in [(1 << 20, 201), ((1 << 20) + 1, 413)] {
        let value = "v".repeat(size - frame);
        let body = format!(r#"{{"pod_name":"{}","name":"loss","value":"{value}"}}"#, PODS[0]);
        assert_eq!(body.len(), size);
        let response = api.post("/api/metrics", &body).await;
        assert_eq!(response.status.as_u16(), status);
    }
}

#[tokio::test]
async fn a_stop_accepts_an_empty_body_of_every_type() {
    let api = Api::start().await;
    let run = api.ended_run("x").await;
    let path = format!("/api/runs/{}/stop/", run.id);
    for (content_type, body) in [
        ("application/json", ""),
        ("application/json", "{}"),
        ("application/x-www-form-urlencoded", ""),
        ("application/x-www-form-urlencoded", "csrfmiddlewaretoken=x"),
    ] {
        let response = api.call(Method::POST, &path, &[("content-type", content_type)], body).await;
        assert_eq!(response.status, StatusCode::OK, "{body:?} {response:?}");
    }
    assert_eq!(api.post(&path, r#"{"force":true}"#).await.error().1, "unknown_field");
}
