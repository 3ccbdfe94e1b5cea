//! The description of the API: how it is served, its examples, and what the server sends in comparison.

use std::collections::BTreeSet;
use std::io::Read as _;

use flate2::read::GzDecoder;
use hyper::{Method, StatusCode};
use mlbench_core::ErrorCode;
use mlbench_core::api::{Access, Endpoint, Problem};
use serde_json::{Value, json};

use super::super::config::{HttpConfig, Surface};
use super::super::page::SHELL_HEADERS;
use super::super::problem::status;
use super::harness::{Api, call_example, config};
use super::schema::misfits;
use crate::app::access::AuthPolicy;
use crate::token::Token;

async fn document(api: &Api) -> Value {
    api.get(&Endpoint::GetOpenApi.path(&[])).await.json()
}

#[tokio::test]
async fn a_stranger_reads_the_description_compressed_or_not() {
    let operator = Token::random().unwrap().hash();
    let surface = Surface::Api(AuthPolicy::bearer(operator));
    let api = Api::with(HttpConfig { surface, ..config() }).await;
    for (endpoint, media) in
        [(Endpoint::GetOpenApi, "application/json"), (Endpoint::GetDocs, "text/html; charset=utf-8")]
    {
        let path = endpoint.path(&[]);
        let plain = api.get(&path).await;
        assert_eq!((plain.header("content-type"), plain.header("content-encoding")), (media, ""));
        assert!(plain.header("vary").contains("Accept-Encoding"), "{path}");
        let packed = api.call(Method::GET, &path, &[("accept-encoding", "gzip")], "").await;
        assert_eq!(packed.header("content-encoding"), "gzip", "{path}");
        let mut unpacked = Vec::new();
        GzDecoder::new(&*packed.body).read_to_end(&mut unpacked).unwrap();
        assert!(unpacked == plain.body && packed.body.len() * 5 < unpacked.len(), "{path}");
    }
}

#[tokio::test]
async fn the_page_of_the_description_is_confined_and_finds_its_style_sheet() {
    let api = Api::start().await;
    let response = api.get(&Endpoint::GetDocs.path(&[])).await;
    for (name, value) in SHELL_HEADERS {
        assert_eq!(response.header(name), value);
    }
    let page = std::str::from_utf8(&response.body).unwrap();
    assert!(!page.contains("<script") && !page.contains("<style") && !page.contains("style="));
    let (_, rest) = page.split_once("href=\"../../assets/").unwrap();
    let style = api.get(&format!("/assets/{}", rest.split('"').next().unwrap())).await;
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
    for endpoint in Endpoint::ALL {
        assert!(page.contains(&format!("<section id=\"{}\">", endpoint.spec().id)), "{endpoint:?}");
    }
}

#[tokio::test]
async fn the_page_of_the_description_works_in_both_spellings_behind_a_prefix() {
    let api = Api::start().await;
    let path = Endpoint::GetDocs.path(&[]);
    for path in [path.as_str(), path.trim_end_matches('/')] {
        let page = api.get(path).await.body;
        let page = std::str::from_utf8(&page).unwrap();
        let targets = page.split("href=\"../").skip(1).map(|rest| rest.split('"').next().unwrap());
        let targets: Vec<&str> = targets.collect();
        assert_eq!(targets.len(), 2, "the style sheet and the document");
        for target in targets {
            // As a browser resolves it, which stops at the root and so may not go higher than the prefix.
            let mut folders: Vec<&str> = path.split('/').skip(1).collect();
            folders.truncate(folders.len() - 2);
            let up = target.matches("../").count();
            assert_eq!(up, folders.len(), "{path}: ../{target}");
            let found = api.get(&format!("/{}", target.trim_start_matches("../"))).await;
            assert_eq!(found.status, StatusCode::OK, "{path}: {target}");
        }
    }
}

#[tokio::test]
async fn the_document_requires_a_token_where_the_server_does() {
    let operator = Token::random().unwrap().hash();
    let surface = Surface::Api(AuthPolicy::bearer(operator));
    let closed = document(&Api::with(HttpConfig { surface, ..config() }).await).await;
    let open = document(&Api::start().await).await;
    assert_eq!(closed["security"], json!([{"token": []}, {"session": []}]));
    assert_eq!(open["security"], json!([]));
    for endpoint in Endpoint::ALL {
        let spec = endpoint.spec();
        let operation = &closed["paths"][spec.path][spec.method.as_str().to_lowercase()];
        let own = (spec.access == Access::Public).then(|| json!([]));
        assert_eq!(operation.get("security").cloned(), own, "{}", spec.id);
    }
}

#[tokio::test]
async fn every_reference_of_the_page_leads_to_a_place_on_it() {
    let api = Api::start().await;
    let response = api.get(&Endpoint::GetDocs.path(&[])).await;
    let page = std::str::from_utf8(&response.body).unwrap();
    let values = |begin: &str| -> BTreeSet<String> {
        page.split(begin).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
    };
    let (targets, places) = (values("href=\"#"), values("id=\""));
    assert!(targets.len() > 60, "{targets:?}");
    assert_eq!(targets.difference(&places).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// Returns every schema of a body with an example of it.
fn examples(document: &Value) -> Vec<(String, Value, Value)> {
    let mut all = Vec::new();
    let mut bodies: Vec<(String, &Value)> = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            bodies.push((format!("{method} {path}"), &operation["requestBody"]));
            let responses = operation["responses"].as_object().unwrap().iter();
            bodies.extend(responses.map(|(status, body)| (format!("{method} {path} {status}"), body)));
        }
    }
    let shared = document["components"]["responses"].as_object().unwrap();
    bodies.extend(shared.iter().map(|(name, body)| (name.clone(), body)));
    for (place, body) in bodies {
        for (media, content) in body["content"].as_object().into_iter().flatten() {
            let place = format!("{place} {media}");
            let several = content["examples"].as_object().into_iter().flatten().map(|(_, example)| example);
            let named = several.map(|example| match example["$ref"].as_str() {
                Some(path) => &document.pointer(&path[1..]).unwrap()["value"],
                None => &example["value"],
            });
            for example in content.get("example").into_iter().chain(named) {
                all.push((place.clone(), content["schema"].clone(), example.clone()));
            }
        }
    }
    all
}

#[tokio::test]
async fn every_example_fits_to_its_schema() {
    let document = document(&Api::start().await).await;
    let examples = examples(&document);
    assert!(examples.len() > 80, "{}", examples.len());
    for (place, schema, example) in examples {
        assert_eq!(misfits(&document, &schema, &example), Vec::<String>::new(), "{place}");
    }
}

#[tokio::test]
async fn every_error_has_the_status_that_the_server_sends() {
    let document = document(&Api::start().await).await;
    let examples = document["components"]["examples"].as_object().unwrap();
    for (code, example) in examples {
        let problem: Problem = serde_json::from_value(example["value"].clone()).unwrap();
        assert_eq!(problem.code.as_str(), code);
        let status = status(problem.code);
        assert_eq!((problem.status, Some(&*problem.title)), (status.as_u16(), status.canonical_reason()));
    }
    assert!(examples.contains_key(ErrorCode::Internal.as_str()));
}

#[tokio::test]
async fn every_response_is_as_it_is_described() {
    let api = Api::start().await;
    let document = document(&api).await;
    for endpoint in Endpoint::ALL {
        let run = match endpoint {
            Endpoint::AppendRunLogs => api.external_run().await,
            _ => api.run_with_points(3).await,
        };
        let spec = endpoint.spec();
        let response = call_example(&api, endpoint, run).await;
        let operation = &document["paths"][spec.path][spec.method.as_str().to_lowercase()];
        let content = &operation["responses"][response.status.as_str()]["content"];
        let media = response.header("content-type");
        assert!(media.is_empty() || content.get(media).is_some(), "{} {media}", spec.id);
        if media == "application/json" {
            let found = misfits(&document, &content[media]["schema"], &response.json());
            assert_eq!(found, Vec::<String>::new(), "{}", spec.id);
        }
        if endpoint == Endpoint::CreateRun {
            api.post(&Endpoint::StopRun.path(&[&response.json()["id"].to_string()]), "").await;
        }
    }
}

#[tokio::test]
async fn a_member_that_is_not_described_is_found() {
    let document = json!({"components": {"schemas": {"A": {"type": "object", "required": ["a"], "properties": {"a": {"type": ["integer", "null"], "minimum": 1}}, "additionalProperties": false}}}});
    let schema = json!({"$ref": "#/components/schemas/A"});
    let count = |value: Value| misfits(&document, &schema, &value).len();
    assert_eq!(count(json!({"a": 1})) + count(json!({"a": null})), 0);
    for value in [json!({"a": 1, "b": 2}), json!({}), json!({"a": 0}), json!({"a": 1.5}), json!([])] {
        assert!(count(value.clone()) > 0, "{value}");
    }
}
