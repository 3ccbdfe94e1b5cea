//! Tests that no operation lacks an error or an example.

use std::collections::BTreeSet;

use serde_json::Value;

use super::document::document;
use super::errors;
use crate::ErrorCode;
use crate::api::{Endpoint, Problem};

/// Media types without an example, because they are bytes. They have a description.
const BINARY: [&str; 3] =
    ["application/zip", "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"];

/// Returns every operation with its id.
fn operations(document: &Value) -> Vec<(&str, &Value)> {
    let items = document["paths"].as_object().unwrap().values();
    let operations = items.flat_map(|item| item.as_object().unwrap().values());
    operations.map(|operation| (operation["operationId"].as_str().unwrap(), operation)).collect()
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    value["$ref"].as_str().map_or(value, |path| document.pointer(&path[1..]).unwrap())
}

/// Returns the examples of a media type.
fn examples<'a>(document: &'a Value, content: &'a Value) -> Vec<&'a Value> {
    let named = content["examples"].as_object().into_iter().flatten();
    let named = named.map(|(_, example)| &resolved(document, example)["value"]);
    content.get("example").into_iter().chain(named).collect()
}

#[test]
fn every_operation_has_an_example_of_all_it_takes_and_returns() {
    let document = document();
    let operations = operations(&document);
    assert!(operations.len() > Endpoint::ALL.len(), "one more for a pod named batch");
    for (id, operation) in operations {
        let (mut bodies, mut success) = (vec![&operation["requestBody"]], 0);
        for (status, response) in operation["responses"].as_object().unwrap() {
            let response = resolved(&document, response);
            assert!(!response["description"].as_str().unwrap().is_empty(), "{id} {status}");
            success += usize::from(status.starts_with('2'));
            bodies.push(response);
        }
        assert_eq!(success, 1, "{id}");
        for (media, content) in bodies.iter().flat_map(|body| body["content"].as_object()).flatten() {
            let described = BINARY.contains(&media.as_str()) && content["schema"]["description"].is_string();
            assert!(described || !examples(&document, content).is_empty(), "{id} {media} has no example");
        }
    }
}

#[test]
fn every_operation_has_every_error_with_an_example_of_each_code() {
    let document = document();
    let mut documented = BTreeSet::from([ErrorCode::MethodNotAllowed.as_str().to_owned()]);
    for endpoint in Endpoint::ALL {
        let spec = endpoint.spec();
        let operation = &document["paths"][spec.path][spec.method.as_str().to_lowercase()];
        let mut found = BTreeSet::new();
        for (status, response) in operation["responses"].as_object().unwrap() {
            let content = &resolved(&document, response)["content"][Problem::MEDIA_TYPE];
            for example in examples(&document, content) {
                let problem: Problem = serde_json::from_value(example.clone()).unwrap();
                assert_eq!(*status, problem.status.to_string(), "{}", spec.id);
                let codes = content["schema"]["properties"]["code"]["enum"].as_array().unwrap();
                assert!(codes.contains(&problem.code.as_str().into()), "{} {codes:?}", spec.id);
                assert_eq!(codes.len(), examples(&document, content).len(), "{} {status}", spec.id);
                found.insert(problem.code.as_str().to_owned());
            }
        }
        let expected = errors::codes(endpoint).into_iter().map(|code| code.as_str().to_owned()).collect();
        assert_eq!(found, expected, "{}", spec.id);
        documented.extend(found);
    }
    let all = errors::CODES.iter().map(|(code, ..)| code.as_str().to_owned()).collect();
    assert_eq!(documented, all, "an operation has each code");
}
