//! The paths of the page, tried after those of the API.

use hyper::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, VARY};
use hyper::{HeaderMap, StatusCode};
use mlbench_core::api::Endpoint;
use mlbench_core::{Error, ErrorCode};
use warp::Filter as _;
use warp::filters::BoxedFilter;
use warp::path::FullPath;
use warp::reply::Response;

use super::headers::confine;
use super::shell::{Page, WITHOUT_PAGE, without_page};
use crate::http::problem::error_response;
use crate::http::response::accepts_html;

const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// The source of the frame of all pages.
const FRAME: &str = "src/main.tsx";

/// Most slashes in a path that gets the shell, whose size grows with them.
const MAX_SLASHES: usize = 16;

/// Returns the routes of the page, which serve everyone.
pub(in crate::http) fn routes(page: Page) -> BoxedFilter<(Response,)> {
    let read = warp::get().or(warp::head()).unify();
    let headers = warp::header::headers_cloned();
    let asset = warp::path("assets")
        .and(warp::path::param())
        .and(warp::path::end())
        .and(headers)
        .map(move |name: String, headers| asset(page, &name, &headers));
    let shell = known()
        .and(warp::path::full())
        .and(headers)
        .map(move |source, path: FullPath, headers| shell(page, source, path.as_str(), &headers));
    let missing = warp::path::full().and(headers).and_then(move |path: FullPath, headers| async move {
        missing(page, path.as_str(), &headers).ok_or_else(warp::reject)
    });
    read.and(asset.or(shell).unify().or(missing).unify()).boxed()
}

/// Matches the paths of pages, as `dashboard/src/lib/route.ts` knows them, and extracts the source of each.
fn known() -> BoxedFilter<(&'static str,)> {
    let end = warp::path::end;
    let any = || warp::path::param().map(|_: String| ()).untuple_one();
    let start = end().map(|| "src/pages/workers/page.tsx");
    let runs = warp::path("runs").and(end()).map(|| "src/pages/runs/page.tsx");
    let compare = warp::path("compare").and(end()).map(|| "src/pages/compare/page.tsx");
    let run = warp::path("runs").and(any()).and(end()).map(|| "src/pages/run/page.tsx");
    let worker = warp::path("workers").and(any()).and(end()).map(|| "src/pages/workers/worker.tsx");
    start.or(runs).unify().or(compare).unify().or(run).unify().or(worker).unify().boxed()
}

fn asset(page: Page, name: &str, headers: &HeaderMap) -> Response {
    let Some(asset) = page.asset(name) else {
        return error_response(Error::new(
            ErrorCode::NotFound,
            "no such file of the page; reload the page, the server has another version",
        ));
    };
    let (content, encoding) = asset.packed(headers);
    let mut response = text(asset.content_type(), content);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

fn shell(page: Page, source: &str, path: &str, headers: &HeaderMap) -> Response {
    match page.shell(slashes(path), source) {
        Some(shell) => html(shell),
        None if accepts_html(headers) => html(without_page()),
        None => text(TEXT, format!("{WITHOUT_PAGE}\n")),
    }
}

/// Returns the shell with status 404 for a browser, which shows what is missing and the way back.
fn missing(page: Page, path: &str, headers: &HeaderMap) -> Option<Response> {
    let first = path.split('/').find(|segment| !segment.is_empty());
    let of_api = Endpoint::ALL.iter().any(|endpoint| endpoint.spec().segments().next() == first);
    if of_api || slashes(path) > MAX_SLASHES || !accepts_html(headers) {
        return None;
    }
    let mut response = html(page.shell(slashes(path), FRAME)?);
    *response.status_mut() = StatusCode::NOT_FOUND;
    Some(response)
}

fn slashes(path: &str) -> usize {
    path.matches('/').count()
}

fn html(document: String) -> Response {
    let mut response = text(HTML, document);
    confine(response.headers_mut());
    response
}

fn text(content_type: &'static str, body: impl Into<bytes::Bytes>) -> Response {
    let mut response = Response::new(body.into().into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
