//! Signing in: a cookie that may do what the token may do.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request, StatusCode};
use mlbench_core::ErrorCode;
use mlbench_core::api::{EventsQuery, Topic};
use tokio::time::timeout;

use super::super::config::{HttpConfig, Surface};
use super::super::request::Peer;
use super::harness::{Api, ApiResponse, config};
use crate::app::access::AuthPolicy;
use crate::app::events::Subscription;
use crate::token::Token;

const PATH: &str = "/api/session/";
const JSON: (&str, &str) = ("content-type", "application/json");

async fn api(token: &Token) -> Api {
    Api::with(HttpConfig {
        page: config().page,
        ..HttpConfig::new(Surface::Api(AuthPolicy::bearer(token.hash())))
    })
    .await
}

async fn sign_in(api: &Api, token: &str) -> ApiResponse {
    api.call(Method::POST, PATH, &[JSON], &format!(r#"{{"token":"{token}"}}"#)).await
}

/// Returns the name and the value of the cookie that a response sets.
fn cookie(response: &ApiResponse) -> String {
    assert_eq!(response.status, StatusCode::NO_CONTENT, "{response:?}");
    response.header("set-cookie").split(';').next().unwrap().to_owned()
}

async fn get(api: &Api, path: &str, cookie: &str) -> ApiResponse {
    api.call(Method::GET, path, &[("cookie", cookie)], "").await
}

#[tokio::test]
async fn a_session_may_do_what_the_token_may_do() {
    let token = Token::random().unwrap();
    let api = api(&token).await;
    let run = api.ended_run("x").await.id;
    let signed_in = sign_in(&api, token.reveal()).await;
    let set = signed_in.header("set-cookie");
    assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Strict") && !set.contains(token.reveal()), "{set}");
    let cookie = cookie(&signed_in);
    let others = format!("theme=dark; {cookie}; mlbench_session_9=x");
    assert_eq!(get(&api, "/api/runs/", &others).await.json().as_array().unwrap().len(), 1);
    let deleted = api.call(Method::DELETE, &format!("/api/runs/{run}/"), &[("cookie", &cookie)], "").await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    for forged in
        ["mlbench_session_8000=", "mlbench_session_8000=0", &cookie.replace("8000", "8001"), &cookie[1..]]
    {
        assert_eq!(get(&api, "/api/runs/", forged).await.status, StatusCode::UNAUTHORIZED, "{forged}");
    }
    let wrong = [("cookie", cookie.as_str()), ("authorization", "Bearer wrong")];
    assert_eq!(api.call(Method::GET, "/api/runs/", &wrong, "").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_ends_when_the_browser_signs_out_or_stays_away() {
    let token = Token::random().unwrap();
    let api = api(&token).await;
    let state = async |cookie: &str| get(&api, PATH, cookie).await.json();
    assert_eq!(state("").await, serde_json::json!({"required": true, "signed_in": false}));
    let (first, second) =
        (cookie(&sign_in(&api, token.reveal()).await), cookie(&sign_in(&api, token.reveal()).await));
    assert_ne!(first, second);
    assert_eq!(state(&first).await["signed_in"], true);
    let signed_out = api.call(Method::DELETE, PATH, &[("cookie", &first)], "").await;
    assert_eq!(cookie(&signed_out), "mlbench_session_8000=");
    assert!(signed_out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(state(&first).await["signed_in"], false);
    assert_eq!(get(&api, "/api/runs/", &first).await.status, StatusCode::UNAUTHORIZED);
    api.app.clock.advance(Duration::from_secs(12 * 3600 - 1));
    assert_eq!(get(&api, "/api/runs/", &second).await.status, StatusCode::OK);
    api.app.clock.advance(Duration::from_secs(12 * 3600));
    assert_eq!(get(&api, "/api/runs/", &second).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_stream_of_events_ends_with_its_session() {
    let token = Token::random().unwrap();
    let api = api(&token).await;
    let secret = cookie(&sign_in(&api, token.reveal()).await).split_once('=').unwrap().1.to_owned();
    let query = || EventsQuery { topics: vec![Topic::Runs], cursor: None };
    let mut own = Subscription::begin(&api.app, query(), None).await.unwrap().within(Some(secret.clone()));
    let mut other = Subscription::begin(&api.app, query(), None).await.unwrap().within(None);
    assert_eq!((own.next().await.unwrap()[0].name, other.next().await.unwrap()[0].name), ("open", "open"));
    api.app.sessions.sign_out(&secret);
    api.stored_run("not for this session").await;
    assert_eq!(own.next().await.unwrap_err().code(), ErrorCode::Unauthorized);
    // A page of the past and a heartbeat have no event.
    let events = timeout(Duration::from_secs(60), async {
        loop {
            let events = other.next().await.unwrap();
            if !events.is_empty() {
                return events;
            }
        }
    });
    assert_eq!(events.await.unwrap()[0].name, "runs");
}

#[tokio::test]
async fn a_form_signs_in_and_other_sites_do_not() {
    let token = Token::random().unwrap();
    let api = api(&token).await;
    let body = format!("token={}", token.reveal());
    let form = ("content-type", "application/x-www-form-urlencoded");
    let tls = ("x-forwarded-proto", "https");
    let response = api.call(Method::POST, PATH, &[form, tls], &body).await;
    assert!(response.header("set-cookie").ends_with("; SameSite=Strict; Secure"), "{response:?}");
    for foreign in
        [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "http://evil.org")]
    {
        let response = api.call(Method::POST, PATH, &[form, foreign], &body).await;
        assert_eq!(response.error().1, "forbidden_origin", "{foreign:?}");
        assert_eq!(response.header("set-cookie"), "");
    }
    for body in ["{}", r#"{"token":""}"#, r#"{"token":7,"x":1}"#] {
        assert_eq!(api.post(PATH, body).await.status, StatusCode::BAD_REQUEST, "{body}");
    }
}

#[tokio::test]
async fn wrong_tokens_are_limited_for_each_peer() {
    let token = Token::random().unwrap();
    let api = api(&token).await;
    let from = async |peer: &str, token: &str| {
        let body = Full::<Bytes>::from(format!(r#"{{"token":"{token}"}}"#));
        let request = Request::post(PATH).header("host", "localhost").header(JSON.0, JSON.1);
        let mut request = request.body(body).unwrap();
        request.extensions_mut().insert(Peer(peer.parse::<IpAddr>().unwrap()));
        api.send(request).await
    };
    for _ in 0..5 {
        let refused = from("10.0.0.1", "wrong-horse").await;
        assert_eq!((refused.error().0, refused.error().1), (401, "unauthorized"));
        assert!(!refused.error().2.contains("horse") && refused.header("set-cookie").is_empty());
    }
    let limited = from("10.0.0.1", token.reveal()).await;
    assert_eq!((limited.error().0, limited.error().1), (429, "too_many_attempts"));
    assert_eq!(limited.header("retry-after"), "60");
    assert_eq!(from("10.0.0.2", token.reveal()).await.status, StatusCode::NO_CONTENT);
    api.app.clock.advance(Duration::from_secs(60));
    assert_eq!(from("10.0.0.1", token.reveal()).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_server_without_a_token_signs_everyone_in_without_a_cookie() {
    let api = Api::without_launcher().await;
    assert_eq!(get(&api, PATH, "").await.json(), serde_json::json!({"required": false, "signed_in": false}));
    let response = sign_in(&api, "anything").await;
    assert_eq!((response.status, response.header("set-cookie")), (StatusCode::NO_CONTENT, ""));
}
