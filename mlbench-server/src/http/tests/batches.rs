//! `POST /api/metrics/batch/`: every limit, and the report of rejected points.

use std::io::{self, Write};
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::{Stream, StreamExt, stream};
use http_body_util::{Full, StreamBody};
use hyper::body::Frame;
use hyper::http::request::Builder;
use hyper::{Method, Request, StatusCode};
use serde_json::{Value, json};

use super::super::config::HttpConfig;
use super::fakes::PODS;
use super::harness::{Api, ApiResponse, NOW, config, later};

const PATH: &str = "/api/metrics/batch/";
pub(super) const NDJSON: (&str, &str) = ("content-type", "application/x-ndjson");
pub(super) const JSON: (&str, &str) = ("content-type", "application/json");
pub(super) const GZIP: (&str, &str) = ("content-encoding", "gzip");

impl Api {
    pub(super) async fn post_bytes(&self, headers: &[(&str, &str)], body: impl Into<Bytes>) -> ApiResponse {
        self.send(post_request(headers).body(Full::from(body.into())).unwrap()).await
    }

    /// Sends a body in chunks. An incomplete body ends with a broken connection.
    async fn post_chunks(&self, headers: &[(&str, &str)], chunks: Vec<Bytes>, complete: bool) -> ApiResponse {
        let end = (!complete).then(|| Err(io::Error::other("connection lost")));
        let frames = chunks.into_iter().map(|chunk| Ok(Frame::data(chunk))).chain(end);
        self.post_stream(headers, Box::pin(stream::iter(frames.collect::<Vec<_>>()))).await
    }

    pub(super) async fn post_stream(&self, headers: &[(&str, &str)], body: FrameStream) -> ApiResponse {
        self.send(post_request(headers).body(StreamBody::new(body)).unwrap()).await
    }

    /// Returns the number of points of the first pod in the store.
    pub(super) async fn count(&self) -> u64 {
        let read = self.get(&format!("/api/metrics/{}/", PODS[0])).await.json();
        read.as_object().unwrap().values().map(|points| points.as_array().unwrap().len() as u64).sum()
    }
}

pub(super) type FrameStream = Pin<Box<dyn Stream<Item = io::Result<Frame<Bytes>>> + Send + Sync>>;

fn post_request(headers: &[(&str, &str)]) -> Builder {
    let request = Request::post(PATH).header("host", "localhost");
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

fn point(i: usize) -> String {
    format!(r#"{{"pod_name":"{}","name":"loss","date":"{}","value":{i}}}"#, PODS[0], later(i as u64))
}

pub(super) fn array(count: usize) -> String {
    format!("[{}]", (0..count).map(point).collect::<Vec<_>>().join(","))
}

pub(super) fn lines(count: usize) -> String {
    (0..count).map(|i| point(i) + "\n").collect()
}

pub(super) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn all_accepted(accepted: u64) -> Value {
    json!({"accepted": accepted, "rejected_count": 0, "rejected": []})
}

fn all_lines_accepted(accepted: u64) -> Value {
    json!({"accepted": accepted, "rejected_count": 0, "rejected": [], "last_line": accepted})
}

#[tokio::test]
async fn a_bad_point_costs_no_other_point_of_a_batch() {
    let api = Api::start().await;
    let run = api.ended_run("x").await.id;
    let body = format!(
        r#"[{{"pod_name":"{}","name":"loss @ 0","value":"NaN","step":3,"epoch":0.5}},
            {{"run_id":{run},"name":"ü/%@ 0","value":Infinity,"date":"2999-01-01T00:00:00Z"}},
            {{"run_id":99,"name":"loss","value":1}},
            {{"run_id":{run},"name":"ü/%@ 0","value":-Infinity,"date":"1970-01-01T00:00:00Z"}},
            {{"run_id":{run},"nmae":"loss","value":1}},
            7,
            {{"run_id":{run},"name":"ü/%@ 0","value":-Infinity,"date":"1970-01-01T00:00:00Z"}}]"#,
        PODS[0]
    );
    let response = api.post(PATH, &body).await;
    assert_eq!(response.status, StatusCode::OK);
    let expected = json!({"accepted": 4, "rejected_count": 3, "rejected": [
        {"index": 2, "code": "not_found", "message": "run 99 does not exist"},
        {"index": 4, "code": "unknown_field", "message": "\"nmae\": unknown field; did you mean name?"},
        {"index": 5, "code": "malformed", "message": "point: must be a JSON object"},
    ]});
    assert_eq!(response.json(), expected);
    let of_run = api.get(&format!("/api/metrics/{run}?metric_type=run")).await.json();
    let first = json!({"date": "1970-01-01T00:00:00.000000Z", "value": "-Infinity"});
    let last = json!({"date": "2999-01-01T00:00:00.000000Z", "value": "Infinity"});
    assert_eq!(of_run, json!({"ü/%@ 0": [first, first, last]}));
    let of_pod = api.get(&format!("/api/metrics/{}", PODS[0])).await.json();
    assert_eq!(of_pod, json!({"loss @ 0": [{"date": NOW, "value": "NaN"}]}));
}

#[tokio::test]
async fn a_body_that_is_not_an_array_is_refused_with_its_position() {
    let api = Api::start().await;
    let long = array(3);
    for (body, position) in [
        ("", "line 1, column 0"),
        ("{}", "line 1"),
        (&long[..long.len() - 1], "line 1, column"),
        ("[\n{,}]", "line 2, column 2"),
    ] {
        let (status, code, detail) = api.post(PATH, body).await.error();
        assert_eq!((status, code), (400, "malformed"), "{body}");
        assert!(detail.starts_with(&format!("body: not a JSON array ({position}")), "{detail}");
    }
    assert_eq!(api.count().await, 0);
    assert_eq!(api.post(PATH, "[]").await.json(), all_accepted(0));
}

#[tokio::test]
async fn an_array_of_more_than_100_000_points_is_refused() {
    let api = Api::start().await;
    let one = format!(r#"{{"pod_name":"{}","name":"loss","value":1}}"#, PODS[0]);
    let body = |count: usize| format!("[{}]", vec![one.as_str(); count].join(","));
    let refused = api.post(PATH, &body(100_001)).await.error();
    assert_eq!((refused.0, refused.1), (413, "payload_too_large"));
    assert!(refused.2.contains("application/x-ndjson"), "{}", refused.2);
    assert_eq!(api.count().await, 0);
    assert_eq!(api.post(PATH, &body(100_000)).await.json(), all_accepted(100_000));
}

#[tokio::test]
async fn only_the_first_thousand_rejected_points_are_listed() {
    let api = Api::start().await;
    let response = api.post(PATH, &format!("[{}]", vec!["0"; 2_500].join(","))).await.json();
    assert_eq!((&response["accepted"], &response["rejected_count"]), (&json!(0), &json!(2_500)));
    assert_eq!(response["rejected"].as_array().unwrap().len(), 1_000);
    let lines = api.post_bytes(&[NDJSON], "0\n".repeat(12_500)).await.json();
    assert_eq!((&lines["rejected_count"], &lines["last_line"]), (&json!(12_500), &json!(12_500)));
    assert_eq!(lines["rejected"].as_array().unwrap().len(), 1_000);
    assert_eq!(lines["rejected"][999]["index"], 999);
}

#[tokio::test]
async fn lines_are_stored_in_chunks_and_counted() {
    let api = Api::start().await;
    let text = format!("{}\n{}{{\n{}", lines(10_003), lines(1), point(7));
    for size in [1_000, 100_000, 10_000_000] {
        let chunks = text.as_bytes().chunks(size).map(Bytes::copy_from_slice).collect();
        let response = api.post_chunks(&[NDJSON], chunks, true).await;
        assert_eq!(response.status, StatusCode::OK, "{response:?}");
        let json = response.json();
        assert_eq!((&json["accepted"], &json["rejected_count"]), (&json!(10_005), &json!(1)));
        assert_eq!((&json["last_line"], &json["rejected"][0]["index"]), (&json!(10_007), &json!(10_005)));
        assert_eq!(json["rejected"][0]["code"], "malformed");
    }
    assert_eq!(api.count().await, 3 * 10_005);
    assert_eq!(api.post_bytes(&[NDJSON], "").await.json(), all_lines_accepted(0));
}

#[tokio::test]
async fn a_repeated_upload_completes_an_interrupted_one() {
    let api = Api::start().await;
    let text = lines(25_000);
    let keyed = [NDJSON, ("idempotency-key", "upload-1")];
    let half = text.len() * 9 / 10;
    let chunks = text.as_bytes()[..half].chunks(50_000).map(Bytes::copy_from_slice).collect();
    let (status, code, detail) = api.post_chunks(&keyed, chunks, false).await.error();
    assert_eq!((status, code), (400, "malformed"));
    assert!(detail.ends_with("; lines 1 to 20000 were stored"), "{detail}");
    assert_eq!(api.count().await, 20_000);
    let completed = api.post_bytes(&keyed, text.clone()).await;
    assert_eq!(
        (completed.json(), completed.header("idempotency-replayed")),
        (all_lines_accepted(25_000), "")
    );
    let repeated = api.post_bytes(&keyed, text).await;
    assert_eq!(
        (repeated.json(), repeated.header("idempotency-replayed")),
        (all_lines_accepted(25_000), "true")
    );
    assert_eq!(api.count().await, 25_000);
}

#[tokio::test]
async fn a_repeated_array_stores_nothing_and_gets_the_same_response() {
    let api = Api::start().await;
    let body = format!("[{},{{}},{}]", point(1), point(2));
    let keyed = [JSON, ("idempotency-key", "a-key")];
    let first = api.post_bytes(&keyed, body.clone()).await;
    let second = api.post_bytes(&keyed, body).await;
    assert_eq!((first.json()["accepted"].as_u64(), first.header("idempotency-replayed")), (Some(2), ""));
    assert_eq!((second.json(), second.header("idempotency-replayed")), (first.json(), "true"));
    assert_eq!(api.count().await, 2);
    let other = format!("[{},{{}},{}]", point(1), point(3));
    for body in [array(2), other] {
        let (status, code, _) = api.post_bytes(&keyed, body).await.error();
        assert_eq!((status, code), (422, "idempotency_key_reused"));
    }
    assert_eq!(api.count().await, 2);
    assert_eq!(api.post_bytes(&[JSON, ("idempotency-key", "")], array(2)).await.error().0, 400);
}

#[tokio::test]
async fn lines_that_go_on_after_the_same_chunks_are_another_upload() {
    let api = Api::start().await;
    let lines = |count: u64| lines(usize::try_from(count).unwrap());
    for (key, first, second) in
        [("a", 10_000, 10_005), ("b", 20_000, 10_000), ("c", 3, 4), ("d", 0, 1), ("e", 1, 0)]
    {
        let before = api.count().await;
        let keyed = [NDJSON, ("idempotency-key", key)];
        for replayed in ["", "true"] {
            let response = api.post_bytes(&keyed, lines(first)).await;
            assert_eq!(
                (response.json(), response.header("idempotency-replayed")),
                (all_lines_accepted(first), replayed)
            );
        }
        let (status, code, _) = api.post_bytes(&keyed, lines(second)).await.error();
        assert_eq!((status, code), (422, "idempotency_key_reused"), "{first} lines, then {second}");
        assert_eq!(api.count().await, before + first);
    }
}

#[tokio::test]
async fn arrays_and_lines_are_accepted_with_gzip() {
    let api = Api::start().await;
    assert_eq!(api.post_bytes(&[JSON, GZIP], gzip(array(500).as_bytes())).await.json(), all_accepted(500));
    let members = [gzip(lines(9_000).as_bytes()), gzip(lines(3_000).as_bytes())].concat();
    assert_eq!(api.post_bytes(&[NDJSON, GZIP], members.clone()).await.json(), all_lines_accepted(12_000));
    let chunks = members.chunks(7).map(Bytes::copy_from_slice).collect();
    assert_eq!(api.post_chunks(&[NDJSON, GZIP], chunks, true).await.json(), all_lines_accepted(12_000));
}

#[tokio::test]
async fn broken_gzip_is_refused() {
    let api = Api::start().await;
    let compressed = gzip(array(500).as_bytes());
    for (kind, body, reason) in [
        (JSON, &compressed[..compressed.len() - 9], "body: gzip stream ends too early"),
        (NDJSON, &compressed[..compressed.len() - 9], "body: gzip stream ends too early; no line was stored"),
        (JSON, b"[]", "body: gzip stream ends too early"),
        (JSON, b"not gzip at all, and long enough", "body: not gzip, although Content-Encoding says so"),
        (
            NDJSON,
            b"{}\n and no gzip",
            "body: not gzip, although Content-Encoding says so; no line was stored",
        ),
    ] {
        let refused = api.post_bytes(&[kind, GZIP], body.to_vec()).await.error();
        assert_eq!(refused, (400, "malformed", reason.to_owned()));
    }
    let refused = api.post_bytes(&[JSON, ("content-encoding", "br")], "[]").await.error();
    assert_eq!((refused.0, refused.1), (415, "unsupported_media_type"));
    assert_eq!(api.count().await, 0);
}

#[tokio::test]
async fn a_gzip_bomb_is_refused() {
    let api = Api::with(HttpConfig { batch_limit: 1 << 20, ..config() }).await;
    let bomb = gzip(&vec![b' '; 2 << 20]);
    assert!(bomb.len() < 64 << 10);
    let (status, _, detail) = api.post_bytes(&[JSON, GZIP], bomb).await.error();
    assert_eq!((status, detail.as_str()), (413, "body: larger than 1048576 bytes after decompression"));
    let bomb = gzip(&vec![b'\n'; 24 << 20]);
    let (status, _, detail) = api.post_bytes(&[NDJSON, GZIP], bomb).await.error();
    assert_eq!(status, 413);
    assert!(detail.starts_with("body: decompresses to more than 100 times its size"), "{detail}");
}

#[tokio::test]
async fn an_array_one_byte_over_the_limit_is_refused() {
    let body = array(100);
    for (limit, status) in [(body.len(), 200), (body.len() - 1, 413)] {
        let api = Api::with(HttpConfig { batch_limit: limit, ..config() }).await;
        let response = api.post_bytes(&[JSON], body.clone()).await;
        assert_eq!(response.status.as_u16(), status);
        let chunks = body.as_bytes().chunks(1_000).map(Bytes::copy_from_slice).collect();
        assert_eq!(api.post_chunks(&[JSON], chunks, true).await.status.as_u16(), status, "chunked");
    }
}

#[tokio::test]
async fn uploads_beyond_the_memory_budget_are_refused_for_now() {
    let api = Api::with(HttpConfig { upload_memory: 64 << 10, ..config() }).await;
    assert_eq!(api.post_bytes(&[JSON], array(100)).await.json(), all_accepted(100));
    for (headers, body) in [
        ([JSON, ("x", "y")], array(2_000).into_bytes()),
        ([NDJSON, ("x", "y")], lines(2_000).into_bytes()),
        ([JSON, GZIP], gzip(array(2_000).as_bytes())),
        ([NDJSON, GZIP], gzip(lines(2_000).as_bytes())),
    ] {
        let chunks = body.chunks(10_000).map(Bytes::copy_from_slice).collect();
        let response = api.post_chunks(&headers, chunks, true).await;
        assert_eq!((response.error().0, response.error().1), (503, "overloaded"));
        assert_eq!(response.header("retry-after"), "1");
    }
    assert_eq!(
        api.post_bytes(&[JSON], array(100)).await.json(),
        all_accepted(100),
        "the whole budget is free again"
    );
}

#[tokio::test]
async fn an_unsupported_type_is_refused_with_the_supported_types() {
    let api = Api::start().await;
    for kind in ["text/csv", "multipart/form-data; boundary=x", "nonsense"] {
        let (status, code, detail) = api.post_bytes(&[("content-type", kind)], "[]").await.error();
        assert_eq!((status, code), (415, "unsupported_media_type"));
        assert!(detail.contains("application/json") && detail.contains("application/x-ndjson"), "{detail}");
    }
    for kind in ["application/json; charset=utf-8", "application/x-www-form-urlencoded", "text/json"] {
        assert_eq!(
            api.post_bytes(&[("content-type", kind)], array(1)).await.json(),
            all_accepted(1),
            "{kind}"
        );
    }
    assert_eq!(api.post_bytes(&[], array(1)).await.json(), all_accepted(1));
    let refused = api.call(Method::POST, "/api/metrics/batch?run_id=1", &[JSON], "[]").await.error();
    assert_eq!((refused.0, refused.1), (400, "unknown_field"));
    assert_eq!(api.delete(PATH).await.error().0, 405);
}

#[tokio::test]
async fn a_stalled_upload_keeps_its_complete_chunks() {
    let api = Api::with(HttpConfig { body_stall_timeout: Duration::from_millis(50), ..config() }).await;
    let first = stream::iter([Ok(Frame::data(Bytes::from(lines(10_001))))]);
    let response = api.post_stream(&[NDJSON], Box::pin(first.chain(stream::pending()))).await;
    let (status, code, detail) = response.error();
    assert_eq!((status, code), (408, "request_timeout"));
    assert!(detail.ends_with("; lines 1 to 10000 were stored"), "{detail}");
    assert_eq!(api.count().await, 10_000);
}
