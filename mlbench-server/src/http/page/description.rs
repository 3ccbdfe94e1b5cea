//! The description of the API, which `mlbench-core/src/api/openapi/` writes.

use hyper::HeaderMap;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, VARY};
use warp::reply::Response;

use super::assets::Asset;
use super::headers::confine;

/// The files of `openapi/` in the order of their names, the page and the document each before its variant.
///
/// The variants are the page for its address without the last slash, and the document of a server without a token.
static FILES: [Asset; 5] = include!(concat!(env!("OUT_DIR"), "/openapi.rs"));

/// Returns the style sheet of the page under its name.
pub(super) fn style(name: &str) -> Option<&'static Asset> {
    let [style, ..] = &FILES;
    (style.name == name).then_some(style)
}

/// Returns the document, in which operations require a token or not.
pub(in crate::http) fn description_document(requires_token: bool) -> &'static Asset {
    let [.., document, open] = &FILES;
    if requires_token { document } else { open }
}

/// Responds with the page for an address.
///
/// It names its assets relative to the address, so that it works below any path that a proxy removes.
pub(in crate::http) fn description(path: &str, headers: &HeaderMap) -> Response {
    let [_, page, bare, ..] = &FILES;
    let page = if path.ends_with('/') { page } else { bare };
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
