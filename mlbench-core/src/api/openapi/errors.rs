//! The errors of each endpoint, with an example of each code.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::ErrorCode;
use crate::api::{Access, Endpoint, Method, Problem, Spec};

/// Every code that a server sends, with its status and the detail of an example.
pub(super) const CODES: [(ErrorCode, u16, &str); 25] = [
    (ErrorCode::Malformed, 400, "body: not a JSON object: expected `:` at line 1 column 8"),
    (ErrorCode::InvalidField, 400, "limit: must be a whole number from 1 to 10000, not \"0\""),
    (ErrorCode::UnknownField, 400, "\"limits\": unknown field; did you mean limit?"),
    (ErrorCode::Unauthorized, 401, "token: not accepted; send the token of this server or of an active run"),
    (
        ErrorCode::Forbidden,
        403,
        "token: belongs to run 7; it may only post metrics of that run and change its parameters and tags",
    ),
    (
        ErrorCode::ForbiddenHost,
        403,
        "Host: \"example.org\" is not accepted; use an address or add it to --allowed-hosts",
    ),
    (
        ErrorCode::ForbiddenOrigin,
        403,
        "Origin: \"http://example.org\" is not accepted; send the request from a page of this server",
    ),
    (ErrorCode::NotFound, 404, "run 7 does not exist"),
    (ErrorCode::MethodNotAllowed, 405, "method PUT is not allowed; allowed: GET, POST, HEAD, OPTIONS"),
    (
        ErrorCode::NotAcceptable,
        406,
        "Accept: no acceptable type; available: text/javascript, application/json",
    ),
    (ErrorCode::RequestTimeout, 408, "body: nothing received for 30 s"),
    (ErrorCode::RunActive, 409, "run 7 is active; wait for its end or stop it"),
    (ErrorCode::RunDeleting, 409, "deleted run 7 still holds workers; try again in a few seconds"),
    (
        ErrorCode::ParamConflict,
        409,
        "params: \"lr\" is 0.1 and cannot become 0.2; a parameter keeps its value",
    ),
    (ErrorCode::RunEnded, 409, "run 7 has ended and stays as it is"),
    (
        ErrorCode::RunLaunched,
        409,
        "lines: run 7 was launched by this server, which reads its output itself; send lines to an external run",
    ),
    (ErrorCode::PayloadTooLarge, 413, "body: larger than 1048576 bytes"),
    (
        ErrorCode::UnsupportedMediaType,
        415,
        "Content-Type: unsupported \"text/xml\"; use application/json, application/x-www-form-urlencoded or multipart/form-data",
    ),
    (ErrorCode::InsufficientCapacity, 422, "num_workers: 5 requested, 4 available; request at most 4"),
    (
        ErrorCode::IdempotencyKeyReused,
        422,
        "Idempotency-Key: was used for another request; choose another key",
    ),
    (ErrorCode::TooManyAttempts, 429, "too many wrong tokens; try again in 4 s"),
    (ErrorCode::Internal, 500, "internal server error; see this request id in the server log"),
    (ErrorCode::Overloaded, 503, "the server has too much to write; try again in a second"),
    (
        ErrorCode::TooManyStreams,
        503,
        "this server serves as many streams of events as it can; try again later",
    ),
    (ErrorCode::Unavailable, 503, "not ready: the cluster has no workers"),
];

/// The statuses of requests whose head no handler sees, because it is too long.
const HEADS: [(u16, &str); 2] = [
    (414, "request line: longer than 64 KiB; shorten the path and query"),
    (431, "headers: more than 100, or too long; send fewer or shorter ones"),
];

const PATH: &str = "#/components/responses/";
const MEDIA: &str = Problem::MEDIA_TYPE;

/// Returns the codes with which an endpoint refuses requests.
pub(super) fn codes(endpoint: Endpoint) -> Vec<ErrorCode> {
    use ErrorCode as Code;
    let spec = endpoint.spec();
    let mut codes = vec![Code::Malformed, Code::UnknownField, Code::ForbiddenHost, Code::Internal];
    if spec.access != Access::Public {
        codes.extend([Code::Unauthorized, Code::Forbidden]);
    }
    if spec.method != Method::Get {
        codes.push(Code::ForbiddenOrigin);
    }
    if spec.path.contains('{') {
        codes.push(Code::NotFound);
    }
    if matches!(spec.method, Method::Post | Method::Patch) {
        codes.extend([
            Code::PayloadTooLarge,
            Code::UnsupportedMediaType,
            Code::RequestTimeout,
            Code::Overloaded,
        ]);
    }
    if has_json(spec) {
        codes.push(Code::NotAcceptable);
    }
    codes.extend(own_codes(endpoint));
    codes
}

/// Returns whether the type of the response depends on `Accept`.
fn has_json(spec: Spec) -> bool {
    spec.success != 204
        && ![Endpoint::Prometheus, Endpoint::GetDocs, Endpoint::ExportRun]
            .iter()
            .any(|other| other.spec() == spec)
}

/// Returns the codes that follow from what the endpoint does.
fn own_codes(endpoint: Endpoint) -> &'static [ErrorCode] {
    use ErrorCode as Code;
    match endpoint {
        Endpoint::CreateMetric | Endpoint::CreateMetrics => {
            &[Code::InvalidField, Code::NotFound, Code::IdempotencyKeyReused, Code::Unavailable]
        }
        // The run that a key represents may have been deleted since.
        Endpoint::CreateRun => &[
            Code::InvalidField,
            Code::NotFound,
            Code::RunActive,
            Code::RunDeleting,
            Code::InsufficientCapacity,
            Code::IdempotencyKeyReused,
            Code::Unavailable,
        ],
        Endpoint::UpdateRun => {
            &[Code::InvalidField, Code::ParamConflict, Code::RunEnded, Code::RunLaunched, Code::Unavailable]
        }
        Endpoint::AppendRunLogs => &[
            Code::InvalidField,
            Code::RunEnded,
            Code::RunLaunched,
            Code::IdempotencyKeyReused,
            Code::Unavailable,
        ],
        // The run that a key represents may have been deleted since.
        Endpoint::ImportRun => {
            &[Code::InvalidField, Code::NotFound, Code::IdempotencyKeyReused, Code::Unavailable]
        }
        Endpoint::ExportRun => &[Code::RunActive, Code::Unavailable],
        Endpoint::CreateSession => &[Code::InvalidField, Code::Unauthorized, Code::TooManyAttempts],
        Endpoint::CompareRuns => &[Code::InvalidField, Code::NotFound, Code::Unavailable],
        Endpoint::Events => &[
            Code::InvalidField,
            Code::NotFound,
            Code::ForbiddenOrigin,
            Code::TooManyStreams,
            Code::Unavailable,
        ],
        Endpoint::GetMetrics
        | Endpoint::ListMetrics
        | Endpoint::GetRun
        | Endpoint::GetRunLogs
        | Endpoint::ListRuns
        | Endpoint::ListRunValues => &[Code::InvalidField, Code::Unavailable],
        Endpoint::Ready
        | Endpoint::DeleteRun
        | Endpoint::StopRun
        | Endpoint::ListRunSeries
        | Endpoint::ListPodSeries
        | Endpoint::ListPods
        | Endpoint::Prometheus => &[Code::Unavailable],
        Endpoint::Live
        | Endpoint::GetSession
        | Endpoint::DeleteSession
        | Endpoint::GetOpenApi
        | Endpoint::GetDocs => &[],
    }
}

/// Returns references to the responses for these codes, by status.
pub(super) fn references(codes: &[ErrorCode]) -> BTreeMap<String, Value> {
    let reference = |(status, codes): (u16, Vec<&str>)| {
        (status.to_string(), json!({"$ref": format!("{PATH}{}", codes.join("-"))}))
    };
    let heads =
        HEADS.map(|(status, ..)| (status.to_string(), json!({"$ref": format!("{PATH}head-{status}")})));
    by_status(codes).into_iter().map(reference).chain(heads).collect()
}

/// Returns the responses that the endpoints refer to, and the one to another method than those of a path.
pub(super) fn responses() -> BTreeMap<String, Value> {
    let sets = Endpoint::ALL.into_iter().map(codes).chain([vec![ErrorCode::MethodNotAllowed]]);
    let all = sets.flat_map(|codes| by_status(&codes));
    let heads = HEADS.map(|(status, detail)| (format!("head-{status}"), head(status, detail)));
    all.map(|(status, codes)| (codes.join("-"), response(status, &codes))).chain(heads).collect()
}

/// Returns the response to a request whose head is too long.
fn head(status: u16, detail: &str) -> Value {
    let mut response = response(status, &[ErrorCode::Malformed.as_str()]);
    let content = &mut response["content"][MEDIA];
    content["examples"] = json!({"malformed": {"value": problem(ErrorCode::Malformed, status, detail)}});
    response
}

fn by_status(codes: &[ErrorCode]) -> BTreeMap<u16, Vec<&'static str>> {
    let mut by_status: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for (code, status, _) in CODES {
        if codes.contains(&code) {
            by_status.entry(status).or_default().push(code.as_str());
        }
    }
    by_status
}

fn response(status: u16, names: &[&str]) -> Value {
    let reference =
        |name: &&str| ((*name).to_owned(), json!({"$ref": format!("#/components/examples/{name}")}));
    let examples: serde_json::Map<_, _> = names.iter().map(reference).collect();
    // Not `allOf`, which generators of clients cannot combine.
    let schema = json!({
        "$ref": "#/components/schemas/Problem",
        "properties": {"status": {"const": status}, "code": {"enum": names}},
    });
    json!({
        "description": format!("{}: `{}`.", title(status), names.join("`, `")),
        "headers": headers(status),
        "content": {MEDIA: {"schema": schema, "examples": examples}},
    })
}

fn headers(status: u16) -> Value {
    let reference = |name: &str| json!({"$ref": format!("#/components/headers/{name}")});
    let mut headers = json!({"X-Request-Id": reference("X-Request-Id")});
    match status {
        405 => headers["Allow"] = reference("Allow"),
        401 => headers["WWW-Authenticate"] = reference("WWW-Authenticate"),
        409 | 429 | 503 => headers["Retry-After"] = reference("Retry-After"),
        _ => {}
    }
    headers
}

/// Returns an example of each code.
pub(super) fn examples() -> Value {
    let example = |(code, status, detail): (ErrorCode, u16, &str)| {
        (code.as_str().to_owned(), json!({"value": problem(code, status, detail)}))
    };
    CODES.into_iter().map(example).collect::<serde_json::Map<_, _>>().into()
}

fn problem(code: ErrorCode, status: u16, detail: &str) -> Value {
    json!({
        "type": "about:blank",
        "title": title(status),
        "status": status,
        "detail": detail,
        "instance": Endpoint::GetRunLogs.path(&["7"]),
        "code": code.as_str(),
        "request_id": "6ba7b810-17",
        "message": detail,
    })
}

/// Returns the reason phrase of a status.
fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Payload Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}

#[test]
fn every_code_has_an_example() {
    let schema = schemars::SchemaGenerator::default().into_root_schema_for::<ErrorCode>();
    let known = schema.as_value()["oneOf"].as_array().into_iter().flatten();
    let mut known: Vec<&str> = known.filter_map(|variant| variant["const"].as_str()).collect();
    let mut documented: Vec<&str> = CODES.iter().map(|(code, ..)| code.as_str()).collect();
    known.sort_unstable();
    documented.sort_unstable();
    assert_eq!(documented, known);
}
