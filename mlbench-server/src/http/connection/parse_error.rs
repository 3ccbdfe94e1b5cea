//! Replaces hyper's bare 4xx response to a request that it cannot parse with a problem document.

use hyper::StatusCode;
use mlbench_core::api::{Problem, VERSION_HEADER};
use mlbench_core::{Error, ErrorCode};

use crate::http::problem::{self, RequestIds};
use crate::version::VERSION;

/// Returns the replacement of a response of hyper's own, which is a 4xx head without a request id and a type.
pub(super) fn replace_hyper_response(written: &[u8], ids: &RequestIds) -> Option<Vec<u8>> {
    if !written.starts_with(b"HTTP/1.1 4") || !written.ends_with(b"\r\n\r\n") {
        return None;
    }
    let head = std::str::from_utf8(written).ok()?;
    let status: StatusCode = head.get(9..12)?.parse().ok()?;
    // Problems have a request id, and the page that says what is missing has a type.
    if head.contains("\r\nx-request-id: ") || head.contains("\r\ncontent-type: ") {
        return None;
    }
    let id = ids.next();
    let error = Error::new(ErrorCode::Malformed, detail(status));
    tracing::debug!(request_id = id, detail = error.detail(), "request refused");
    let body = problem::document(&error, status, "", &id);
    let mut response = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {}\r\nx-request-id: {id}\r\nvary: Accept\r\n\
         x-content-type-options: nosniff\r\ncross-origin-resource-policy: same-origin\r\n\
         {VERSION_HEADER}: {VERSION}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        Problem::MEDIA_TYPE,
        body.len(),
    )
    .into_bytes();
    response.extend_from_slice(&body);
    Some(response)
}

fn detail(status: StatusCode) -> &'static str {
    match status {
        StatusCode::URI_TOO_LONG => "request line: longer than 64 KiB; shorten the path and query",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            "headers: more than 100, or too long; send fewer or shorter ones"
        }
        _ => "not an HTTP/1.1 request: the request line or a header is malformed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hypers_own_responses_are_replaced() {
        let ids = RequestIds::new();
        let own = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n";
        let response = String::from_utf8(replace_hyper_response(own, &ids).unwrap()).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
        assert!(head.ends_with(&format!("content-length: {}", body.len())));
        assert!(head.contains(&format!("\r\n{VERSION_HEADER}: {VERSION}\r\n")));
        assert_eq!(serde_json::from_str::<Problem>(body).unwrap().status, 431);
        for ours in [
            &b"HTTP/1.1 404 Not Found\r\nx-request-id: 1-1\r\n\r\n"[..],
            b"HTTP/1.1 404 Not Found\r\ncontent-type: text/html; charset=utf-8\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.1 400 a part of some text",
        ] {
            assert_eq!(replace_hyper_response(ours, &ids), None);
        }
    }
}
