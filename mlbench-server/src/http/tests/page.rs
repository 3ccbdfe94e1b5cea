//! The page: its shell, its assets, and what they may do in a browser.

use hyper::{Method, StatusCode};

use super::super::config::{HttpConfig, Surface};
use super::super::page::{Asset, Page, SHELL_HEADERS};
use super::harness::{Api, ApiResponse, config};
use crate::app::access::AuthPolicy;
use crate::token::Token;

const ASSETS: &[Asset] = &[
    Asset { name: "app-1.css", content: b"p{}", gzip: b"longer than the style sheet", brotli: b"" },
    Asset { name: "app-1.js", content: b"start the page", gzip: b"gzip", brotli: b"br" },
    Asset {
        name: "manifest.json",
        content:
            br#"{"script":"app-1.js","style":"app-1.css","early":"early-1.js","loads":{
            "src/main.tsx":["app-1.css","app-1.js","early-1.js","frame-1.js"],
            "src/pages/workers/page.tsx":["app-1.css","app-1.js","early-1.js","frame-1.js","workers-1.js"],
            "src/pages/workers/worker.tsx":["app-1.css","app-1.js","early-1.js","frame-1.js","worker-1.js"],
            "src/pages/runs/page.tsx":["app-1.css","app-1.js","early-1.js","frame-1.js","runs-1.js"],
            "src/pages/run/page.tsx":["app-1.css","app-1.js","early-1.js","frame-1.js","run-1.js"],
            "src/pages/compare/page.tsx":["app-1.css","app-1.js","early-1.js","frame-1.js","compare-1.js"]}}"#,
        gzip: b"",
        brotli: b"",
    },
];

const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

async fn api_with(assets: &'static [Asset]) -> Api {
    Api::with(HttpConfig { page: Page::of(assets), ..config() }).await
}

async fn open(api: &Api, path: &str) -> ApiResponse {
    api.call(Method::GET, path, &[BROWSER], "").await
}

fn text(response: &ApiResponse) -> &str {
    std::str::from_utf8(&response.body).unwrap()
}

/// Resolves a relative address as a browser does, against a path that is not encoded.
fn resolve(path: &str, relative: &str) -> String {
    let mut folders: Vec<&str> = path.rsplit_once('/').unwrap().0.split('/').collect();
    let mut rest = relative.strip_prefix("./").unwrap_or(relative);
    while let Some(after) = rest.strip_prefix("../") {
        folders.pop();
        rest = after;
    }
    format!("{}/{rest}", folders.join("/"))
}

#[tokio::test]
async fn every_page_has_a_shell_that_finds_its_assets() {
    let api = api_with(ASSETS).await;
    for path in
        ["/", "/runs", "/runs/", "/runs/7", "/runs/7/", "/workers/w-0", "/workers/a%2Fb/", "/compare?runs=1"]
    {
        let response = api.get(path).await;
        assert_eq!(response.status, StatusCode::OK, "{path}");
        assert_eq!(response.header("content-type"), "text/html; charset=utf-8");
        let path = path.split('?').next().unwrap();
        let mut scripts = text(&response).split("src=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
        let (early, script) = (scripts.next().unwrap(), scripts.next().unwrap());
        let style = text(&response).split("stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap();
        for prefix in ["", "/prefix", "/a/b"] {
            assert_eq!(
                resolve(&format!("{prefix}{path}"), script),
                format!("{prefix}/assets/app-1.js"),
                "{path}"
            );
            assert_eq!(
                resolve(&format!("{prefix}{path}"), early),
                format!("{prefix}/assets/early-1.js"),
                "{path}"
            );
            assert_eq!(
                resolve(&format!("{prefix}{path}"), style),
                format!("{prefix}/assets/app-1.css"),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn a_shell_names_the_scripts_of_its_page() {
    let api = api_with(ASSETS).await;
    for (path, base, scripts) in [
        ("/", "./", &["frame-1.js", "workers-1.js"] as &[_]),
        ("/workers/w-0", "../", &["frame-1.js", "worker-1.js"]),
        ("/runs?name=x", "./", &["frame-1.js", "runs-1.js"]),
        ("/runs/7/", "../../", &["frame-1.js", "run-1.js"]),
        ("/compare?runs=1", "./", &["frame-1.js", "compare-1.js"]),
        ("/nowhere", "./", &["frame-1.js"]),
    ] {
        let response = open(&api, path).await;
        let named = text(&response).split(r#"<link rel="modulepreload" href=""#).skip(1);
        let named: Vec<_> = named.map(|rest| rest.split('"').next().unwrap()).collect();
        let expected: Vec<_> = scripts.iter().map(|name| format!("{base}assets/{name}")).collect();
        assert_eq!(named, expected, "{path}");
    }
}

#[tokio::test]
async fn the_shell_is_confined_and_never_cached() {
    let api = api_with(ASSETS).await;
    for path in ["/", "/runs/7", "/nowhere"] {
        let response = open(&api, path).await;
        for (name, value) in SHELL_HEADERS {
            assert_eq!(response.header(name), value, "{path}");
        }
        assert_eq!(response.header("x-content-type-options"), "nosniff");
        assert_eq!(response.header("cross-origin-resource-policy"), "same-origin");
        let policy = response.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe"), "{policy}");
        assert!(
            !text(&response).contains("<style") && !text(&response).contains("style="),
            "no inline styles"
        );
    }
}

#[tokio::test]
async fn an_asset_is_kept_forever_and_compressed_where_that_helps() {
    let api = api_with(ASSETS).await;
    for (name, kind, accepted, body, encoding) in [
        ("app-1.js", "text/javascript; charset=utf-8", "gzip, deflate, br, zstd", "br", "br"),
        ("app-1.js", "text/javascript; charset=utf-8", "gzip, br;q=0", "gzip", "gzip"),
        ("app-1.js", "text/javascript; charset=utf-8", "gzip;q=0", "start the page", ""),
        ("app-1.css", "text/css; charset=utf-8", "gzip, br", "p{}", ""),
    ] {
        let path = format!("/assets/{name}");
        let response = api.call(Method::GET, &path, &[("accept-encoding", accepted)], "").await;
        assert_eq!((response.status, text(&response)), (StatusCode::OK, body));
        assert_eq!(response.header("content-type"), kind);
        assert_eq!(response.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(response.header("vary"), "Accept-Encoding");
        assert_eq!(response.header("x-content-type-options"), "nosniff");
        assert_eq!(response.header("content-encoding"), encoding);
    }
    for name in ["app-2.js", "manifest.json", "..%2Fapp-1.js"] {
        let response = api.get(&format!("/assets/{name}")).await;
        assert_eq!((response.error().0, response.header("cache-control")), (404, ""), "{name}");
    }
}

#[tokio::test]
async fn a_browser_gets_the_shell_where_nothing_is_and_a_program_a_problem() {
    let api = api_with(ASSETS).await;
    for path in ["/nowhere", "/runs/1/2", "/workers", "/apix"] {
        let shown = open(&api, path).await;
        assert_eq!(shown.status, StatusCode::NOT_FOUND, "{path}");
        assert!(text(&shown).contains("assets/app-1.js"), "{path}");
        assert_eq!(api.get(path).await.error().1, "not_found", "{path}");
    }
    let deep = "/x".repeat(100);
    for path in ["/api/nowhere", "/healthz/x", "/metrics/x", &deep] {
        assert_eq!(open(&api, path).await.error().1, "not_found", "{path}");
    }
    let post = api.call(Method::POST, "/runs", &[BROWSER], "").await;
    assert_eq!(post.error().1, "not_found");
    assert_eq!(api.call(Method::HEAD, "/runs", &[BROWSER], "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_server_without_a_page_says_how_to_get_it() {
    let api = api_with(&[]).await;
    let (shown, printed) = (open(&api, "/").await, api.get("/").await);
    for response in [&shown, &printed] {
        assert_eq!(response.status, StatusCode::OK);
        assert!(text(response).contains("install Node 20 or newer and run `cargo xtask install`"));
    }
    assert_eq!(shown.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(printed.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(open(&api, "/nowhere").await.error().1, "not_found");
}

#[tokio::test]
async fn the_page_needs_no_token_but_an_allowed_host() {
    let surface = Surface::Api(AuthPolicy::bearer(Token::random().unwrap().hash()));
    let api = Api::with(HttpConfig { page: Page::of(ASSETS), ..HttpConfig::new(surface) }).await;
    for path in ["/", "/runs/7", "/assets/app-1.js"] {
        assert_eq!(api.get(path).await.status, StatusCode::OK, "{path}");
        let foreign = api.call(Method::GET, path, &[("host", "evil.org")], "").await;
        assert_eq!(foreign.error().1, "forbidden_host", "{path}");
    }
    assert_eq!(open(&api, "/nowhere").await.status, StatusCode::NOT_FOUND);
    let ingest = Api::with(HttpConfig { page: Page::of(ASSETS), ..HttpConfig::new(Surface::Ingest) }).await;
    assert_eq!(open(&ingest, "/").await.error().1, "not_found");
}
