//! The description of the API, which `mlbench-core/src/api/openapi/` writes.

use hyper::HeaderMap;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, VARY};
use warp::reply::Response;

use super::assets::Asset;
use super::headers::confine;

/// The files of `openapi/` in the order of their names.
static FILES: [Asset; 3] = include!(concat!(env!("OUT_DIR"), "/openapi.rs"));

/// Returns the style sheet of the page under its name.
pub(super) fn style(name: &str) -> Option<&'static Asset> {
    let [style, ..] = &FILES;
    (style.name == name).then_some(style)
}

/// Returns the document.
pub(in crate::http) fn description_document() -> &'static Asset {
    let [.., document] = &FILES;
    document
}

/// Responds with the page.
pub(in crate::http) fn description(headers: &HeaderMap) -> Response {
    let [_, page, _] = &FILES;
    let (content, encoding) = page.packed(headers);
    let mut response = Response::new(bytes::Bytes::from_static(content).into());
    let headers = response.headers_mut();
    confine(headers);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}
