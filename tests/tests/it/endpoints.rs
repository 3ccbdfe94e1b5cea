//! Every endpoint of the table, on the real server.

use mlbench_core::RunId;
use mlbench_core::api::{Endpoint, Method};
use mlbench_tests::{TestServer, example_path, example_request};

#[tokio::test]
async fn every_endpoint_responds_with_and_without_the_slash() {
    let server = TestServer::start().await;
    for endpoint in Endpoint::ALL {
        for slash in ["/", ""] {
            let run = match endpoint {
                Endpoint::AppendRunLogs => server.external_run("elsewhere").await,
                _ => server.run("true").await.id,
            };
            let path = format!("{}{slash}", example_path(endpoint, run).trim_end_matches('/'));
            let url = format!("{}{path}", server.url());
            let response = example_request(endpoint, &url, run).send().await;
            let spec = endpoint.spec();
            assert_eq!(response.status, spec.success, "{} {path}: {}", spec.id, response.text());
            assert_eq!(response.header("location"), None, "{path} is redirected");
            if endpoint == Endpoint::CreateRun {
                let id = response.json()["id"].as_i64().and_then(RunId::new).unwrap();
                server.wait(id).await;
            }
        }
    }
}

#[tokio::test]
async fn options_lists_the_methods_and_head_responds_like_get() {
    let server = TestServer::start().await;
    let run = server.run("true").await.id;
    for endpoint in Endpoint::ALL {
        let path = example_path(endpoint, run);
        let options = server.request("OPTIONS", &path).send().await;
        assert_eq!(options.status, 204, "{path}");
        let allowed = options.header("allow").unwrap_or_default().to_owned();
        let method = endpoint.spec().method;
        assert!(allowed.split(", ").any(|allowed| allowed == method.as_str()), "{path}: {allowed}");
        if method == Method::Get {
            let (get, head) = (server.get(&path).await, server.request("HEAD", &path).send().await);
            assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
            assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        }
    }
}
