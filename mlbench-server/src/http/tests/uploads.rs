//! Clients that send slowly, or stop sending.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use hyper::body::Frame;

use std::time::Duration;

use hyper::StatusCode;

use super::super::config::HttpConfig;
use super::batches::{FrameStream, JSON, NDJSON, array, lines};
use super::harness::{Api, NEVER, config};

/// Lines that are stored together.
const CHUNK_POINTS: usize = 10_000;

/// Sends `pieces`, each after a pause, and then nothing more where `then_silent`.
fn paced(pieces: Vec<Bytes>, pause: Duration, then_silent: bool) -> FrameStream {
    let pieces = stream::iter(pieces).then(move |piece| async move {
        let waited = tokio::time::timeout(pause, std::future::pending::<()>()).await;
        assert!(waited.is_err());
        Ok(Frame::data(piece))
    });
    if then_silent { Box::pin(pieces.chain(stream::pending())) } else { Box::pin(pieces) }
}

fn pieces(text: &str, count: usize) -> Vec<Bytes> {
    text.as_bytes().chunks(text.len().div_ceil(count)).map(Bytes::copy_from_slice).collect()
}

#[tokio::test(start_paused = true)]
async fn a_body_may_take_long_as_long_as_it_goes_on() {
    let api = Api::start().await;
    let pause = config().body_stall_timeout * 2 / 3;
    for (kind, text) in [(JSON, array(100)), (NDJSON, lines(100))] {
        let response = api.post_stream(&[kind], paced(pieces(&text, 10), pause, false)).await;
        assert_eq!(response.json()["accepted"], 100, "{kind:?}");
    }
    for (kind, text) in [(JSON, array(100)), (NDJSON, lines(100))] {
        let response = api.post_stream(&[kind], paced(pieces(&text, 10), pause * 2, false)).await;
        let (status, code, detail) = response.error();
        assert_eq!((status, code), (408, "request_timeout"));
        assert!(detail.starts_with("body: nothing received for 30 s"), "{detail}");
    }
}

#[tokio::test]
async fn a_chunk_that_is_not_stored_ends_an_upload_whose_client_is_silent() {
    let api = Api::with(HttpConfig { body_stall_timeout: NEVER, ..config() }).await;
    let text = lines(CHUNK_POINTS);
    let upload = || api.post_stream(&[NDJSON], paced(pieces(&text, 1), Duration::ZERO, true));
    api.app.storage.close().await.unwrap();
    let response = tokio::time::timeout(Duration::from_secs(60), upload()).await.unwrap();
    let (status, code, detail) = response.error();
    assert_eq!((status, code), (503, "unavailable"), "{detail}");
    assert!(detail.ends_with("; no line was stored"), "{detail}");
}

#[tokio::test(start_paused = true)]
async fn a_declared_length_takes_no_memory() {
    let api = Api::start().await;
    let declared = config().batch_limit.to_string();
    let headers = [JSON, ("content-length", declared.as_str())];
    let silent = || api.post_stream(&headers, paced(pieces("[", 1), Duration::ZERO, true));
    let others = async {
        assert_eq!(api.post_bytes(&[JSON], array(10_000)).await.json()["accepted"], 10_000);
    };
    let (first, second, third, ()) = tokio::join!(silent(), silent(), silent(), others);
    for silent in [first, second, third] {
        assert_eq!(silent.error().0, 408);
    }
}

#[tokio::test(start_paused = true)]
async fn when_memory_runs_out_the_slowest_uploads_give_way_to_the_others() {
    let api = Api::with(HttpConfig { upload_memory: 96 << 10, ..config() }).await;
    let text = array(400);
    assert!((40 << 10..48 << 10).contains(&text.len()), "two fit, and not three: {}", text.len());
    let fast = || async {
        let mut stored = 0;
        for _ in 0..4 {
            let response =
                api.post_stream(&[JSON], paced(pieces(&text, 8), Duration::from_millis(10), false)).await;
            assert_eq!(response.json()["accepted"], 400);
            stored += 1;
        }
        stored
    };
    let idle = || {
        api.post_stream(&[JSON], paced(pieces(&text[..text.len() - 1], 2), Duration::from_millis(1), true))
    };
    let (first, second, stored) = tokio::join!(idle(), idle(), fast());
    assert_eq!(stored, 4);
    let shed = [first, second].into_iter().find(|idle| idle.status == StatusCode::SERVICE_UNAVAILABLE);
    let shed = shed.expect("one gives way");
    assert_eq!((shed.error().1, shed.header("retry-after")), ("overloaded", "1"));
    assert!(shed.error().2.contains("arrives too slowly"), "{shed:?}");
}
