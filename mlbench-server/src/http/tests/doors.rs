//! Who comes in, and how far.

use super::*;
use crate::http::AuthPolicy;
use crate::token::Token;

const METRIC: &str = r#""name":"loss","value":"1"}"#;

fn token() -> Token {
    Token::random().unwrap()
}

async fn behind(door: AuthPolicy) -> Api {
    Api::with(HttpConfig { door, ..HttpConfig::default() }).await
}

async fn call(api: &Api, method: Method, path: &str, token: &Token, body: &str) -> Answer {
    let bearer = format!("Bearer {}", token.reveal());
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    api.call(method, path, &headers, body).await
}

#[tokio::test]
async fn without_the_token_there_is_nothing_but_health() {
    let api = behind(AuthPolicy::Bearer(token().hash())).await;
    for (method, path) in [
        (Method::GET, "/api/runs/"),
        (Method::POST, "/api/runs/"),
        (Method::POST, "/api/metrics"),
        (Method::OPTIONS, "/api/pods/"),
        (Method::HEAD, "/api/metrics/"),
        (Method::GET, "/nowhere"),
        (Method::GET, "/healthz/x"),
    ] {
        let answer = api.call(method, path, &[], "{}").await;
        assert_eq!((answer.status.as_u16(), answer.header("www-authenticate")), (401, "Bearer"), "{path}");
        let (_, code, detail) = answer.refusal();
        assert_eq!(code, "unauthorized");
        assert!(detail.contains("MLBENCH_TOKEN"), "{detail}");
    }
    for path in ["/healthz", "/healthz/", "/readyz"] {
        assert_eq!(api.get(path).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn the_token_opens_everything_and_what_resembles_it_nothing() {
    let token = token();
    let api = behind(AuthPolicy::Bearer(token.hash())).await;
    let upper = token.reveal().to_uppercase();
    let (short, long) = (&token.reveal()[1..], format!("{}0", token.reveal()));
    for value in [
        format!("Bearer {upper}"),
        format!("Bearer {short}"),
        format!("Bearer {long}"),
        format!("Basic {}", token.reveal()),
        token.reveal().to_owned(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
    ] {
        let answer = api.call(Method::GET, "/api/pods/", &[("authorization", &value)], "").await;
        let problem = answer.problem();
        assert_eq!(problem.status, 401, "{value}");
        assert!(!problem.detail.contains(short), "{problem:?}");
    }
    let twice = format!("Bearer {}", token.reveal());
    let twice = [("authorization", twice.as_str()), ("authorization", twice.as_str())];
    assert_eq!(api.call(Method::GET, "/api/pods/", &twice, "").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(call(&api, Method::GET, "/api/pods/", &token, "").await.status, StatusCode::OK);
    let lower = format!("bearer {}", token.reveal());
    let answer = api.call(Method::GET, "/api/pods/", &[("authorization", &lower)], "").await;
    assert_eq!(answer.status, StatusCode::OK, "the scheme is written in any case (RFC 9110)");
}

#[tokio::test]
async fn a_foreign_host_is_refused_before_the_token_is_looked_at() {
    let token = token();
    let api = behind(AuthPolicy::Bearer(token.hash())).await;
    let bearer = format!("Bearer {}", token.reveal());
    let headers = [("host", "evil.org"), ("authorization", bearer.as_str())];
    assert_eq!(api.call(Method::GET, "/api/pods/", &headers, "").await.refusal().1, "forbidden_host");
}

#[tokio::test]
async fn the_token_of_a_run_posts_its_metrics_and_does_nothing_else() {
    let api = behind(AuthPolicy::Bearer(token().hash())).await;
    let (run, other) = (api.ended_run("before").await, api.stored_run("x").await);
    let (run, other) = (other.id, run.id);
    let of_run = token();
    api.app.storage.add_run_token(run, of_run.hash()).await.unwrap();
    let post = async |path, owner: String| {
        call(&api, Method::POST, path, &of_run, &format!("{{{owner},{METRIC}")).await
    };
    for path in ["/api/metrics", "/api/metrics/"] {
        let answer = post(path, format!("\"run_id\":{run}")).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    }
    for owner in [format!("\"run_id\":{other}"), format!("\"pod_name\":\"{}\"", PODS[0])] {
        let (status, code, detail) = post("/api/metrics", owner).await.refusal();
        assert_eq!((status, code), (403, "forbidden"));
        assert_eq!(detail, format!("this token is run {run}'s, which is good for metrics of that run only"));
    }
    for (method, path) in [
        (Method::GET, "/api/metrics/".to_owned()),
        (Method::GET, format!("/api/runs/{run}/")),
        (Method::DELETE, format!("/api/runs/{run}/")),
        (Method::POST, "/api/runs/".to_owned()),
    ] {
        let (status, code, detail) = call(&api, method, &path, &of_run, "").await.refusal();
        assert_eq!((status, code), (403, "forbidden"), "{path}");
        assert!(detail.ends_with("which is good for posting its metrics only"), "{detail}");
    }
    end(&api.app, run, RunEvent::Stop).await;
    assert_eq!(post("/api/metrics", format!("\"run_id\":{run}")).await.refusal().0, 401);
}

#[tokio::test]
async fn the_ingest_door_takes_metrics_of_active_runs_and_nothing_else() {
    let api = behind(AuthPolicy::Ingest).await;
    let (ended, active) = (api.ended_run("before").await.id, api.stored_run("x").await.id);
    // What the published Python client sends.
    let form = format!(
        "run_id={active}&name=loss+%40+0&cumulative=False&date=2018-08-03+09%3A21%3A44.331823&value=0.5&metadata="
    );
    let headers = [("host", "10.244.2.7"), ("content-type", "application/x-www-form-urlencoded")];
    for path in ["/api/metrics", "/api/metrics/"] {
        let answer = api.call(Method::POST, path, &headers, &form).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    }
    let post = async |owner: String| api.post("/api/metrics", &format!("{{{owner},{METRIC}")).await.refusal();
    let (status, _, detail) = post(format!("\"run_id\":{ended}")).await;
    assert_eq!(
        (status, detail.as_str()),
        (403, "run 1 has ended, and this address takes metrics of active runs only")
    );
    assert_eq!(post(format!("\"pod_name\":\"{}\"", PODS[0])).await.0, 403);
    assert_eq!(post("\"run_id\":77".to_owned()).await.0, 404);
    for (method, path) in [
        (Method::GET, "/api/metrics/"),
        (Method::OPTIONS, "/api/metrics/"),
        (Method::GET, "/healthz"),
        (Method::GET, "/api/runs/"),
        (Method::POST, "/api/runs/"),
        (Method::DELETE, "/api/runs/2/"),
        (Method::POST, "/api/runs/2/stop/"),
    ] {
        let (status, code, detail) = api.call(method, path, &[], "{}").await.refusal();
        assert_eq!((status, code), (404, "not_found"), "{path}");
        assert_eq!(detail, "this address takes POST /api/metrics and nothing else");
    }
}

#[tokio::test]
async fn of_a_batch_a_token_of_a_run_stores_the_points_of_its_run() {
    let api = behind(AuthPolicy::Bearer(token().hash())).await;
    let (own, of_run) = (api.stored_run("x").await.id, token());
    api.app.storage.add_run_token(own, of_run.hash()).await.unwrap();
    let points = [format!("{{\"run_id\":{own},{METRIC}"), format!("{{\"pod_name\":\"{}\",{METRIC}", PODS[0])];
    let array = format!("[{}]", points.join(","));
    let array = call(&api, Method::POST, "/api/metrics/batch/", &of_run, &array).await;
    let bearer = format!("Bearer {}", of_run.reveal());
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/x-ndjson")];
    let lines = api.call(Method::POST, "/api/metrics/batch", &headers, &points.join("\n")).await;
    for answer in [array, lines] {
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let told = answer.json();
        assert_eq!((&told["accepted"], &told["rejected_count"]), (&1.into(), &1.into()), "{told}");
        let rejected = &told["rejected"][0];
        assert_eq!((&rejected["index"], &rejected["code"]), (&1.into(), &"forbidden".into()));
    }
    let ingest = behind(AuthPolicy::Ingest).await;
    assert_eq!(ingest.post("/api/metrics/batch/", "[]").await.refusal().0, 404);
}
