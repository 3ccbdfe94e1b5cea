//! A call of MLflow's protocol: its path, and its arguments from a query or a body.

use hyper::Method;
use mlbench_core::quote::shorten;
use mlbench_core::{Error, ErrorCode, Result};
use serde_json::{Map, Value};
use warp::Filter as _;
use warp::filters::BoxedFilter;
use warp::path::Tail;

/// What a request calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) method: Method,
    /// The first segments of the path: `mlflow`, or a service beside it.
    pub(super) service: String,
    /// The rest of the path without slashes around it, such as `runs/create`.
    pub(super) operation: String,
}

/// Matches every path of MLflow's services in any of their versions.
pub(super) fn call() -> BoxedFilter<(Call,)> {
    let api = warp::path("api").or(warp::path("ajax-api")).unify();
    api.and(warp::path::param())
        .and(warp::path::param())
        .and(warp::path::tail())
        .and(warp::method())
        .and_then(|_: String, service: String, rest: Tail, method: Method| async move {
            let operation = rest.as_str().trim_matches('/').to_owned();
            match service.starts_with("mlflow") {
                true => Ok(Call { method, service, operation }),
                false => Err(warp::reject::not_found()),
            }
        })
        .boxed()
}

/// Returns the members of the arguments in a query string. A repeated one is an array.
pub(super) fn of_query(pairs: Vec<(String, String)>) -> Map<String, Value> {
    let mut members = Map::new();
    for (name, text) in pairs {
        match members.get_mut(&name) {
            None => drop(members.insert(name, text.into())),
            Some(Value::Array(values)) => values.push(text.into()),
            Some(value) => *value = Value::Array(vec![value.take(), text.into()]),
        }
    }
    members
}

/// Returns the members of the arguments in a body.
///
/// # Errors
/// [`ErrorCode::Malformed`].
pub(super) fn of_body(body: &[u8]) -> Result<Map<String, Value>> {
    if body.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(body).map_err(|error| {
        let problem = format!("body: not a JSON object: {}", shorten(&error.to_string()));
        Error::new(ErrorCode::Malformed, problem)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_repeated_argument_is_an_array() {
        let pairs = [("run_id", "1"), ("key", "loss"), ("run_id", "2"), ("run_id", "3")];
        let members = of_query(pairs.map(|(a, b)| (a.to_owned(), b.to_owned())).into());
        assert_eq!(Value::Object(members), json!({"run_id": ["1", "2", "3"], "key": "loss"}));
    }

    #[test]
    fn a_body_is_an_object_or_empty() {
        assert_eq!(of_body(b" \n").unwrap().len(), 0);
        assert_eq!(of_body(br#"{"a":1}"#).unwrap().len(), 1);
        for body in ["[]", "{", "1", &"[".repeat(100_000)] {
            assert_eq!(of_body(body.as_bytes()).unwrap_err().code(), ErrorCode::Malformed, "{body:.9}");
        }
    }
}
