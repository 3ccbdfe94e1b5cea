//! Finding runs: `GET /api/runs/` with parameters.

use hyper::StatusCode;
use mlbench_core::RunEvent;
use mlbench_core::storage::RunUpdate;
use serde_json::{Value, json};

use super::fakes::end_run;
use super::harness::{Api, later};

/// Starts an API with runs that ended, one for each name and learning rate.
async fn api_with(runs: &[(&str, f64)]) -> Api {
    let api = Api::without_launcher().await;
    for (name, lr) in runs {
        let body = json!({"name": name, "params": {"lr": lr}, "tags": {"team": name}}).to_string();
        let request = mlbench_core::api::Fields::from_json(body.as_bytes()).unwrap();
        let request = mlbench_core::api::RunRequest::from_fields(request).unwrap();
        let run = api.stored_run(name).await;
        let update = RunUpdate { params: request.params, tags: request.tags.into(), end: None };
        api.app.storage.update_run(run.id, update).await.unwrap();
        api.app.clock.advance(std::time::Duration::from_secs(1));
        end_run(&api.app, run.id, RunEvent::Stop).await;
    }
    api
}

fn ids(list: &Value) -> Vec<i64> {
    list.as_array().unwrap().iter().map(|run| run["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn runs_are_selected_and_ordered() {
    let api = api_with(&[("vision", 0.1), ("nlp", 0.2), ("Vision 2", 0.2)]).await;
    let found = async |query: &str| ids(&api.get(&format!("/api/runs/?{query}")).await.json());
    assert_eq!(found("name=VISION").await, [1, 3]);
    assert_eq!(found("name=%22vision%22").await, [1]);
    assert_eq!(found("param=lr%3D0.2").await, [2, 3]);
    assert_eq!(found("param=lr=2e-1&tag=team=nlp").await, [2]);
    assert_eq!(found("tag=team&sort=-id").await, [3, 2, 1]);
    assert_eq!(found("sort=name").await, [3, 2, 1]);
    assert_eq!(found("state=stopped,started").await, [1, 2, 3]);
    assert_eq!(found("state=STARTED").await, [0; 0]);
    assert_eq!(found(&format!("since={}", later(1))).await, [2, 3]);
}

#[tokio::test]
async fn the_plain_list_is_as_before_and_an_item_looks_the_same() {
    let api = api_with(&[("a", 0.1), ("b", 0.2)]).await;
    let plain = api.get("/api/runs/").await;
    assert_eq!((plain.header("link"), plain.header("mlbench-next-cursor")), ("", ""));
    assert_eq!(api.get("/api/runs/?state=&_=1").await.json(), plain.json());
    assert_eq!(api.get("/api/runs/?limit=1000").await.json(), plain.json());
}

#[tokio::test]
async fn pages_are_linked_until_the_last_one() {
    let api = api_with(&[("a", 0.1), ("é:/?&", 0.2), ("c", 0.3), ("other", 0.3)]).await;
    let (mut path, mut pages) = ("/api/runs/?sort=-name&limit=1&state=STOPPED".to_owned(), Vec::new());
    for _ in 0..4 {
        let page = api.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        pages.push(ids(&page.json()));
        let (link, cursor) = (page.header("link"), page.header("mlbench-next-cursor"));
        assert_eq!(link.is_empty(), cursor.is_empty());
        let Some(next) = link.strip_prefix('<').and_then(|rest| rest.strip_suffix(">; rel=\"next\"")) else {
            break;
        };
        path = next.to_owned();
    }
    assert_eq!(pages, [[2], [4], [3], [1]]);
}

#[tokio::test]
async fn a_wrong_parameter_is_named_with_what_is_right() {
    let api = api_with(&[("a", 0.1)]).await;
    for (query, problem) in [
        ("sort=age", "sort: must be one of id, created, finished, name, state, duration, with - in front"),
        ("limit=1001", "limit: must be a whole number from 1 to 1000"),
        ("state=x", "state: \"x\" is not a state; use some of INITIALIZED, STARTED, "),
        ("cursor=x", "cursor: \"x\" is not a cursor; send the mlbench-next-cursor"),
        ("sort=name&cursor=id:1:1", "cursor: belongs to sort=id; send the same sort"),
        ("offset=1", "\"offset\": unknown field; "),
    ] {
        let (status, _, detail) = api.get(&format!("/api/runs/?{query}")).await.error();
        assert_eq!(status, 400, "{query}");
        assert!(detail.starts_with(problem), "{query}: {detail}");
    }
}
