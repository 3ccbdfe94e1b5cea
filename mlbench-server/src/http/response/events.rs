//! Streams of events (server-sent events, as HTML defines them).

use std::fmt::Write as _;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use tokio_util::sync::CancellationToken;
use warp::Reply as _;
use warp::reply::Response;

use super::negotiate::MediaType;
use super::stream::SyncStream;
use crate::app::events::Subscription;
use crate::app::hub::OutEvent;

/// Keeps nginx from collecting the stream.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// The first line: after how many milliseconds a browser connects again.
const RETRY: &str = "retry: 1000\n";
/// A comment, which shows that the connection is alive.
const HEARTBEAT: &str = ":\n\n";

/// Streams events until `stop`. Never compressed, because a compressor keeps events back.
pub(in crate::http) fn event_stream(subscription: Subscription, stop: CancellationToken) -> Response {
    let chunks = stream::unfold((subscription, RETRY), |(mut subscription, before)| async move {
        match subscription.next().await {
            Ok(events) => Some((Ok(text(before, &events)), (subscription, ""))),
            Err(error) => {
                let cause = error.internal_text().unwrap_or(error.detail());
                tracing::warn!(cause, "a stream of events ends; its client resumes it");
                None
            }
        }
    });
    let chunks = chunks.take_until(stop.cancelled_owned()).boxed();
    let mut response = warp::reply::stream(SyncStream::new(chunks)).into_response();
    let headers = response.headers_mut();
    let media = MediaType::EventStream.content_type();
    for (name, value) in [(CONTENT_TYPE, media), (CACHE_CONTROL, "no-store, no-transform"), (BUFFERING, "no")]
    {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn text(before: &str, events: &[OutEvent]) -> Bytes {
    let size = events.iter().map(|event| event.data.len() + 64).sum::<usize>();
    let mut text = String::with_capacity(size + before.len() + HEARTBEAT.len());
    text.push_str(before);
    if events.is_empty() {
        text.push_str(HEARTBEAT);
    }
    for OutEvent { id, name, data, .. } in events {
        // Writing to memory does not fail. The data is JSON, which has no line ends.
        let _ = write!(text, "id: {id}\nevent: {name}\ndata: ");
        text.push_str(&String::from_utf8_lossy(data));
        text.push_str("\n\n");
    }
    text.into()
}
