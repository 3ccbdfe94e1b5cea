//! Tokens, and what each may do.

use mlbench_core::api::{Access, Listener};

use super::*;
use crate::token::Token;

const METRIC: &str = r#""name":"loss","value":"1"}"#;

fn token() -> Token {
    Token::random().unwrap()
}

async fn serving(surface: Surface) -> Api {
    Api::with(HttpConfig::new(surface)).await
}

async fn call(api: &Api, method: Method, path: &str, token: &Token, body: &str) -> ApiResponse {
    let bearer = format!("Bearer {}", token.reveal());
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    api.call(method, path, &headers, body).await
}

/// What is in no table: unknown paths, and other methods of known ones.
const ELSEWHERE: [(Method, &str); 5] = [
    (Method::GET, "/nowhere"),
    (Method::GET, "/healthz/x"),
    (Method::POST, "/healthz"),
    (Method::OPTIONS, "/api/pods/"),
    (Method::PUT, "/api/runs/"),
];

fn method(endpoint: Endpoint) -> Method {
    endpoint.spec().method.as_str().parse().unwrap()
}

#[tokio::test]
async fn without_a_token_only_public_endpoints_respond() {
    let api = serving(Surface::Api(AuthPolicy::Bearer(token().hash()))).await;
    let run = api.ended_run("before").await.id;
    let endpoints = Endpoint::ALL.map(|endpoint| {
        let (path, body) = example(endpoint, run);
        (method(endpoint), path, body, endpoint.spec().access == Access::Public)
    });
    let elsewhere = ELSEWHERE.map(|(method, path)| (method, path.to_owned(), String::new(), false));
    for (method, path, body, public) in endpoints.into_iter().chain(elsewhere) {
        let methods = if method == Method::GET { vec![method, Method::HEAD] } else { vec![method] };
        for method in methods {
            for path in [path.trim_end_matches('/').to_owned(), format!("{}/", path.trim_end_matches('/'))] {
                let response = api.call(method.clone(), &path, &[], &body).await;
                if public {
                    assert_eq!(response.status, StatusCode::OK, "{method} {path}");
                    continue;
                }
                assert_eq!(response.status, StatusCode::UNAUTHORIZED, "{method} {path}");
                assert_eq!(response.header("www-authenticate"), "Bearer");
                let (_, code, detail) = response.refusal();
                assert_eq!(code, "unauthorized");
                assert!(detail.contains("MLBENCH_TOKEN"), "{detail}");
            }
        }
    }
}

#[tokio::test]
async fn the_token_of_a_run_reaches_no_operator_endpoint() {
    let api = serving(Surface::Api(AuthPolicy::Bearer(token().hash()))).await;
    let (run, of_run) = (api.stored_run("x").await.id, token());
    api.app.storage.add_run_token(run, of_run.hash()).await.unwrap();
    for endpoint in Endpoint::ALL {
        let (path, body) = example(endpoint, run);
        let response = call(&api, method(endpoint), &path, &of_run, &body).await;
        match endpoint.spec().access {
            Access::Public => assert_eq!(response.status, StatusCode::OK, "{path}"),
            Access::RunToken => assert_ne!(response.status, StatusCode::UNAUTHORIZED, "{path}"),
            Access::Operator => assert_eq!(response.refusal().1, "forbidden", "{path}"),
        }
    }
    for (method, path) in ELSEWHERE {
        assert_eq!(call(&api, method, path, &of_run, "").await.refusal().1, "forbidden", "{path}");
    }
    assert!(api.app.storage.run(run).await.unwrap().state.is_active(), "it stopped and deleted nothing");
}

#[tokio::test]
async fn the_ingest_listener_serves_no_other_endpoint() {
    let api = serving(Surface::Ingest).await;
    let run = api.stored_run("x").await.id;
    for endpoint in Endpoint::ALL {
        if endpoint.spec().listener == Listener::Api {
            let (path, body) = example(endpoint, run);
            let response = api.call(method(endpoint), &path, &[], &body).await;
            assert_eq!(response.refusal().1, "not_found", "{path}");
        }
    }
}

#[tokio::test]
async fn only_the_exact_token_is_accepted() {
    let token = token();
    let api = serving(Surface::Api(AuthPolicy::Bearer(token.hash()))).await;
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
        let response = api.call(Method::GET, "/api/pods/", &[("authorization", &value)], "").await;
        let problem = response.problem();
        assert_eq!(problem.status, 401, "{value}");
        assert!(!problem.detail.contains(short), "{problem:?}");
    }
    let twice = format!("Bearer {}", token.reveal());
    let twice = [("authorization", twice.as_str()), ("authorization", twice.as_str())];
    assert_eq!(api.call(Method::GET, "/api/pods/", &twice, "").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(call(&api, Method::GET, "/api/pods/", &token, "").await.status, StatusCode::OK);
    let lower = format!("bearer {}", token.reveal());
    let response = api.call(Method::GET, "/api/pods/", &[("authorization", &lower)], "").await;
    assert_eq!(response.status, StatusCode::OK, "the scheme is written in any case (RFC 9110)");
}

#[tokio::test]
async fn a_foreign_host_is_refused_before_the_token_is_checked() {
    let token = token();
    let api = serving(Surface::Api(AuthPolicy::Bearer(token.hash()))).await;
    let bearer = format!("Bearer {}", token.reveal());
    let headers = [("host", "evil.org"), ("authorization", bearer.as_str())];
    assert_eq!(api.call(Method::GET, "/api/pods/", &headers, "").await.refusal().1, "forbidden_host");
}

#[tokio::test]
async fn the_token_of_a_run_posts_only_its_metrics() {
    let api = serving(Surface::Api(AuthPolicy::Bearer(token().hash()))).await;
    let (run, other) = (api.ended_run("before").await, api.stored_run("x").await);
    let (run, other) = (other.id, run.id);
    let of_run = token();
    api.app.storage.add_run_token(run, of_run.hash()).await.unwrap();
    let post = async |path, owner: String| {
        call(&api, Method::POST, path, &of_run, &format!("{{{owner},{METRIC}")).await
    };
    for path in ["/api/metrics", "/api/metrics/"] {
        let response = post(path, format!("\"run_id\":{run}")).await;
        assert_eq!(response.status, StatusCode::CREATED, "{response:?}");
    }
    for owner in [format!("\"run_id\":{other}"), format!("\"pod_name\":\"{}\"", PODS[0])] {
        let (status, code, detail) = post("/api/metrics", owner).await.refusal();
        assert_eq!((status, code), (403, "forbidden"));
        assert_eq!(detail, format!("token: belongs to run {run}, which may only post its own metrics"));
    }
    for (method, path) in [
        (Method::GET, "/api/metrics/".to_owned()),
        (Method::GET, format!("/api/runs/{run}/")),
        (Method::DELETE, format!("/api/runs/{run}/")),
        (Method::POST, "/api/runs/".to_owned()),
    ] {
        let (status, code, detail) = call(&api, method, &path, &of_run, "").await.refusal();
        assert_eq!((status, code), (403, "forbidden"), "{path}");
        assert!(detail.ends_with("which may only post its own metrics"), "{detail}");
    }
    end(&api.app, run, RunEvent::Stop).await;
    assert_eq!(post("/api/metrics", format!("\"run_id\":{run}")).await.refusal().0, 401);
}

#[tokio::test]
async fn the_ingest_listener_accepts_metrics_of_active_runs() {
    let api = serving(Surface::Ingest).await;
    let (ended, active) = (api.ended_run("before").await.id, api.stored_run("x").await.id);
    // What the published Python client sends.
    let form = format!(
        "run_id={active}&name=loss+%40+0&cumulative=False&date=2018-08-03+09%3A21%3A44.331823&value=0.5&metadata="
    );
    let headers = [("host", "10.244.2.7"), ("content-type", "application/x-www-form-urlencoded")];
    for path in ["/api/metrics", "/api/metrics/"] {
        let response = api.call(Method::POST, path, &headers, &form).await;
        assert_eq!(response.status, StatusCode::CREATED, "{response:?}");
    }
    let post = async |owner: String| api.post("/api/metrics", &format!("{{{owner},{METRIC}")).await.refusal();
    let (status, _, detail) = post(format!("\"run_id\":{ended}")).await;
    assert_eq!(
        (status, detail.as_str()),
        (403, "run_id: run 1 has ended; this listener accepts metrics of active runs only")
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
        assert_eq!(detail, "no such endpoint; this listener serves only POST /api/metrics");
    }
}

#[tokio::test]
async fn the_token_of_a_run_stores_only_its_points_of_a_batch() {
    let api = serving(Surface::Api(AuthPolicy::Bearer(token().hash()))).await;
    let (own, of_run) = (api.stored_run("x").await.id, token());
    api.app.storage.add_run_token(own, of_run.hash()).await.unwrap();
    let points = [format!("{{\"run_id\":{own},{METRIC}"), format!("{{\"pod_name\":\"{}\",{METRIC}", PODS[0])];
    let array = format!("[{}]", points.join(","));
    let array = call(&api, Method::POST, "/api/metrics/batch/", &of_run, &array).await;
    let bearer = format!("Bearer {}", of_run.reveal());
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/x-ndjson")];
    let lines = api.call(Method::POST, "/api/metrics/batch", &headers, &points.join("\n")).await;
    for response in [array, lines] {
        assert_eq!(response.status, StatusCode::OK, "{response:?}");
        let result = response.json();
        assert_eq!((&result["accepted"], &result["rejected_count"]), (&1.into(), &1.into()), "{result}");
        let rejected = &result["rejected"][0];
        assert_eq!((&rejected["index"], &rejected["code"]), (&1.into(), &"forbidden".into()));
    }
    let ingest = serving(Surface::Ingest).await;
    assert_eq!(ingest.post("/api/metrics/batch/", "[]").await.refusal().0, 404);
}

#[tokio::test]
async fn an_idempotency_key_belongs_to_the_token_that_shows_it() {
    let operator = token();
    let api = serving(Surface::Api(AuthPolicy::Bearer(operator.hash()))).await;
    let post = async |token: &Token, path: &str, body: &str| {
        let bearer = format!("Bearer {}", token.reveal());
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
            ("idempotency-key", "step-1"),
        ];
        let response = api.call(Method::POST, path, &headers, body).await;
        assert!(response.status.is_success(), "{response:?}");
        response.header("idempotency-replayed").to_owned()
    };
    for _ in 0..2 {
        let (run, of_run) = (api.stored_run("x").await.id, token());
        api.app.storage.add_run_token(run, of_run.hash()).await.unwrap();
        let metric = format!("{{\"run_id\":{run},{METRIC}");
        for (path, body) in [("/api/metrics", metric.clone()), ("/api/metrics/batch", format!("[{metric}]"))]
        {
            assert_eq!(post(&of_run, path, &body).await, "");
            assert_eq!(post(&of_run, path, &body).await, "true");
        }
        let series = api.app.storage.series(&mlbench_core::Owner::Run(run)).await.unwrap();
        assert_eq!(series[0].count, 2);
        end(&api.app, run, RunEvent::Stop).await;
    }
    assert_eq!(post(&operator, "/api/metrics/batch", "[]").await, "");
}
