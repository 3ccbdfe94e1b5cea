//! Bearer tokens, and the endpoints that each of them may use.

use hyper::{Method, StatusCode};
use mlbench_core::RunEvent;
use mlbench_core::api::{Access, Endpoint, Listener};

use super::super::config::{HttpConfig, Surface};
use super::fakes::{PODS, end_run};
use super::harness::{Api, ApiResponse, example};
use crate::app::access::AuthPolicy;
use crate::token::Token;

/// The end of a JSON object with a metric, after its owner.
const METRIC: &str = r#""name":"loss","value":"1"}"#;

fn token() -> Token {
    Token::random().unwrap()
}

async fn api_with(surface: Surface) -> Api {
    Api::with(HttpConfig::new(surface)).await
}

async fn call_with(api: &Api, method: Method, path: &str, token: &Token, body: &str) -> ApiResponse {
    let bearer = format!("Bearer {}", token.reveal());
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    api.call(method, path, &headers, body).await
}

/// Requests that match no endpoint: unknown paths, and other methods of paths that are not public.
const UNROUTED: [(Method, &str); 5] = [
    (Method::GET, "/nowhere"),
    (Method::GET, "/healthz/x"),
    (Method::POST, "/metrics"),
    (Method::OPTIONS, "/api/pods/"),
    (Method::PUT, "/api/runs/"),
];

fn method(endpoint: Endpoint) -> Method {
    endpoint.spec().method.as_str().parse().unwrap()
}

#[tokio::test]
async fn without_a_token_only_public_endpoints_respond() {
    let api = api_with(Surface::Api(AuthPolicy::bearer(token().hash()))).await;
    let run = api.ended_run("before").await.id;
    let endpoints = Endpoint::ALL.map(|endpoint| {
        let (path, body) = example(endpoint, run);
        // The example has a wrong token.
        let public = endpoint.spec().access == Access::Public && endpoint != Endpoint::CreateSession;
        (method(endpoint), path, body, public)
    });
    let unrouted = UNROUTED.map(|(method, path)| (method, path.to_owned(), String::new(), false));
    for (method, path, body, public) in endpoints.into_iter().chain(unrouted) {
        let methods = if method == Method::GET { vec![method, Method::HEAD] } else { vec![method] };
        for method in methods {
            for path in [path.trim_end_matches('/').to_owned(), format!("{}/", path.trim_end_matches('/'))] {
                let response = api.call(method.clone(), &path, &[], &body).await;
                if public {
                    assert!(response.status.is_success(), "{method} {path}");
                    continue;
                }
                assert_eq!(response.status, StatusCode::UNAUTHORIZED, "{method} {path}");
                assert_eq!(response.header("www-authenticate"), "Bearer");
                let (_, code, detail) = response.error();
                assert_eq!(code, "unauthorized");
                let named = if path.contains("session") { "--token-file" } else { "MLBENCH_TOKEN" };
                assert!(detail.contains(named), "{detail}");
            }
        }
    }
}

#[tokio::test]
async fn a_wrong_method_of_a_public_path_needs_no_token() {
    let api = api_with(Surface::Api(AuthPolicy::bearer(token().hash()))).await;
    for endpoint in Endpoint::ALL.into_iter().filter(|endpoint| endpoint.spec().access == Access::Public) {
        let path = endpoint.spec().path;
        let refused = api.call(Method::PUT, path, &[], "").await;
        assert_eq!(refused.error().1, "method_not_allowed", "{path}");
        let options = api.call(Method::OPTIONS, path, &[], "").await;
        assert_eq!(options.status, StatusCode::NO_CONTENT, "{path}");
        assert_eq!(options.header("allow"), refused.header("allow"));
    }
}

#[tokio::test]
async fn a_run_token_reaches_no_operator_endpoint() {
    let api = api_with(Surface::Api(AuthPolicy::bearer(token().hash()))).await;
    let (run, run_token) = (api.stored_run("x").await.id, token());
    api.app.storage.add_run_token(run, run_token.hash()).await.unwrap();
    for endpoint in Endpoint::ALL {
        let (path, body) = example(endpoint, run);
        let response = call_with(&api, method(endpoint), &path, &run_token, &body).await;
        match endpoint.spec().access {
            Access::Public if endpoint == Endpoint::CreateSession => {
                assert_eq!(response.error().1, "unauthorized", "{path}");
            }
            Access::Public => assert!(response.status.is_success(), "{path}"),
            Access::RunToken => assert_ne!(response.status, StatusCode::UNAUTHORIZED, "{path}"),
            Access::MetricsToken | Access::Operator => assert_eq!(response.error().1, "forbidden", "{path}"),
        }
    }
    for (method, path) in UNROUTED {
        assert_eq!(call_with(&api, method, path, &run_token, "").await.error().1, "forbidden", "{path}");
    }
    assert!(
        api.app.storage.run(run).await.unwrap().state.is_active(),
        "the run is neither stopped nor deleted"
    );
}

#[tokio::test]
async fn the_metrics_token_reads_the_metrics_of_the_server_and_nothing_else() {
    let (operator, metrics) = (token().hash(), token());
    let policy = AuthPolicy::Bearer { operator, metrics: Some(metrics.hash()) };
    let api = api_with(Surface::Api(policy)).await;
    let run = api.stored_run("x").await.id;
    for endpoint in Endpoint::ALL {
        let (path, body) = example(endpoint, run);
        let response = call_with(&api, method(endpoint), &path, &metrics, &body).await;
        match endpoint.spec().access {
            // The example signs in with another token.
            Access::Public if endpoint == Endpoint::CreateSession => {
                assert_eq!(response.error().1, "unauthorized", "{path}");
            }
            Access::Public | Access::MetricsToken => {
                assert_eq!(response.status.as_u16(), endpoint.spec().success, "{path}");
            }
            Access::RunToken | Access::Operator => assert_eq!(response.error().1, "forbidden", "{path}"),
        }
    }
    for (method, path) in UNROUTED {
        assert_eq!(call_with(&api, method, path, &metrics, "").await.error().1, "forbidden", "{path}");
    }
}

#[tokio::test]
async fn the_ingest_listener_serves_no_other_endpoint() {
    let api = api_with(Surface::Ingest).await;
    let run = api.stored_run("x").await.id;
    for endpoint in Endpoint::ALL {
        if endpoint.spec().listener == Listener::Api {
            let (path, body) = example(endpoint, run);
            let response = api.call(method(endpoint), &path, &[], &body).await;
            assert_eq!(response.error().1, "not_found", "{path}");
        }
    }
}

#[tokio::test]
async fn only_the_exact_token_is_accepted() {
    let token = token();
    let api = api_with(Surface::Api(AuthPolicy::bearer(token.hash()))).await;
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
    let bearer = format!("Bearer {}", token.reveal());
    let twice = [("authorization", bearer.as_str()), ("authorization", bearer.as_str())];
    assert_eq!(api.call(Method::GET, "/api/pods/", &twice, "").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(call_with(&api, Method::GET, "/api/pods/", &token, "").await.status, StatusCode::OK);
    let lower = format!("bearer {}", token.reveal());
    let response = api.call(Method::GET, "/api/pods/", &[("authorization", &lower)], "").await;
    assert_eq!(response.status, StatusCode::OK, "the scheme ignores case (RFC 9110)");
}

#[tokio::test]
async fn a_foreign_host_is_refused_before_the_token_is_checked() {
    let token = token();
    let api = api_with(Surface::Api(AuthPolicy::bearer(token.hash()))).await;
    let bearer = format!("Bearer {}", token.reveal());
    let headers = [("host", "evil.org"), ("authorization", bearer.as_str())];
    assert_eq!(api.call(Method::GET, "/api/pods/", &headers, "").await.error().1, "forbidden_host");
}

#[tokio::test]
async fn a_run_token_posts_only_the_metrics_of_its_run() {
    let api = api_with(Surface::Api(AuthPolicy::bearer(token().hash()))).await;
    let (other, run) = (api.ended_run("before").await.id, api.stored_run("x").await.id);
    let run_token = token();
    api.app.storage.add_run_token(run, run_token.hash()).await.unwrap();
    let post = async |path, owner: String| {
        call_with(&api, Method::POST, path, &run_token, &format!("{{{owner},{METRIC}")).await
    };
    for path in ["/api/metrics", "/api/metrics/"] {
        let response = post(path, format!("\"run_id\":{run}")).await;
        assert_eq!(response.status, StatusCode::CREATED, "{response:?}");
    }
    for owner in [format!("\"run_id\":{other}"), format!("\"pod_name\":\"{}\"", PODS[0])] {
        let (status, code, detail) = post("/api/metrics", owner).await.error();
        assert_eq!((status, code), (403, "forbidden"));
        assert_eq!(detail, format!("token: belongs to run {run} and may only post metrics of that run"));
    }
    for (method, path) in [
        (Method::GET, "/api/metrics/".to_owned()),
        (Method::GET, format!("/api/runs/{run}/")),
        (Method::DELETE, format!("/api/runs/{run}/")),
        (Method::POST, "/api/runs/".to_owned()),
    ] {
        let (status, code, detail) = call_with(&api, method, &path, &run_token, "").await.error();
        assert_eq!((status, code), (403, "forbidden"), "{path}");
        assert!(
            detail.ends_with("it may only post metrics of that run and change its parameters and tags"),
            "{detail}"
        );
    }
    end_run(&api.app, run, RunEvent::Stop).await;
    assert_eq!(post("/api/metrics", format!("\"run_id\":{run}")).await.error().0, 401);
}

#[tokio::test]
async fn the_ingest_listener_accepts_metrics_of_active_runs() {
    let api = api_with(Surface::Ingest).await;
    let (ended, active) = (api.ended_run("before").await.id, api.stored_run("x").await.id);
    // The body that the published Python client sends.
    let form = format!(
        "run_id={active}&name=loss+%40+0&cumulative=False&date=2018-08-03+09%3A21%3A44.331823&value=0.5&metadata="
    );
    let headers = [("host", "10.244.2.7"), ("content-type", "application/x-www-form-urlencoded")];
    for path in ["/api/metrics", "/api/metrics/"] {
        let response = api.call(Method::POST, path, &headers, &form).await;
        assert_eq!(response.status, StatusCode::CREATED, "{response:?}");
    }
    let post = async |owner: String| api.post("/api/metrics", &format!("{{{owner},{METRIC}")).await.error();
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
        let (status, code, detail) = api.call(method, path, &[], "{}").await.error();
        assert_eq!((status, code), (404, "not_found"), "{path}");
        assert_eq!(detail, "no such endpoint; this listener serves only POST /api/metrics");
    }
}

#[tokio::test]
async fn a_run_token_stores_only_the_points_of_its_run_in_a_batch() {
    let api = api_with(Surface::Api(AuthPolicy::bearer(token().hash()))).await;
    let (own, run_token) = (api.stored_run("x").await.id, token());
    api.app.storage.add_run_token(own, run_token.hash()).await.unwrap();
    let points = [format!("{{\"run_id\":{own},{METRIC}"), format!("{{\"pod_name\":\"{}\",{METRIC}", PODS[0])];
    let array = format!("[{}]", points.join(","));
    let array = call_with(&api, Method::POST, "/api/metrics/batch/", &run_token, &array).await;
    let bearer = format!("Bearer {}", run_token.reveal());
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/x-ndjson")];
    let lines = api.call(Method::POST, "/api/metrics/batch", &headers, &points.join("\n")).await;
    let series = format!(
        r#"[{{"run_id":{own},"name":"a","value":[1]}},{{"pod_name":"{}","name":"a","value":[1]}}]"#,
        PODS[0]
    );
    let series = call_with(&api, Method::POST, "/api/metrics/batch/", &run_token, &series).await;
    for response in [array, lines, series] {
        assert_eq!(response.status, StatusCode::OK, "{response:?}");
        let result = response.json();
        assert_eq!((&result["accepted"], &result["rejected_count"]), (&1.into(), &1.into()), "{result}");
        let rejected = &result["rejected"][0];
        assert_eq!((&rejected["index"], &rejected["code"]), (&1.into(), &"forbidden".into()));
    }
    let ingest = api_with(Surface::Ingest).await;
    assert_eq!(ingest.post("/api/metrics/batch/", "[]").await.error().0, 404);
}

#[tokio::test]
async fn an_idempotency_key_belongs_to_the_token_that_shows_it() {
    let operator = token();
    let api = api_with(Surface::Api(AuthPolicy::bearer(operator.hash()))).await;
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
        let series = api.app.storage.series(&mlbench_core::Owner::Run(run), None, 10).await.unwrap();
        assert_eq!(series[0].count, 2);
        end_run(&api.app, run, RunEvent::Stop).await;
    }
    assert_eq!(post(&operator, "/api/metrics/batch", "[]").await, "");
}
