//! The document.

use serde_json::{Map, Value, json};

use super::{errors, operations, schemas};
use crate::api::{Endpoint, IDEMPOTENCY_KEY_HEADER, LAST_EVENT_ID_HEADER, Spec};

const DESCRIPTION: &str = "Starts distributed machine-learning benchmark runs, records their metrics and serves them.\n\n\
    Every path works with and without its last slash. HEAD responds like GET without the body, OPTIONS names the methods \
    of a path in `Allow`, and another method gets 405. Every error is a problem document (RFC 9457) whose `code` is for \
    programs; a client ignores members and accepts codes that it does not know. Unknown query parameters and body fields \
    are refused, except `_` and `csrfmiddlewaretoken`, which libraries of browsers add, and of a repeated one that takes one value \
    the last counts. Every response with more than \
    1,200 bytes is compressed for clients that accept gzip.\n\n\
    A server without a token serves everyone who reaches it, and says so in its `openapi.json`. A server with a token \
    requires it wherever an operation does not say otherwise.";

/// Returns the document.
pub(super) fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in Endpoint::ALL {
        let Spec { path, method, .. } = endpoint.spec();
        let method = method.as_str().to_lowercase();
        paths.entry(path).or_insert_with(|| json!({}))[&method] = operations::operation(endpoint);
        for other in covered(endpoint) {
            paths.entry(other).or_insert_with(|| json!({}))[&method] = operations::at(endpoint, other);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "mlbench",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": tags(),
        // A server without a token serves this document with an empty list here (`mlbench-server/build.rs`).
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "examples": errors::examples(),
            "headers": headers(),
            "parameters": parameters(),
            "responses": errors::responses(),
            "securitySchemes": security(),
        },
    })
}

/// Returns the paths of other endpoints at which the router also serves an endpoint.
///
/// The pattern of the endpoint covers them.
fn covered(endpoint: Endpoint) -> impl Iterator<Item = &'static str> {
    let others = Endpoint::ALL.into_iter().filter(move |other| endpoint.covers(*other));
    others.map(|other| other.spec().path).filter(move |path| *path != endpoint.spec().path)
}

/// The groups of operations, in the order in which a reader needs them.
pub(super) const TAGS: [(&str, &str); 7] = [
    ("runs", "Runs of a program on one or more workers."),
    ("metrics", "Points of runs and pods."),
    ("pods", "Worker pods."),
    ("events", "Changes as they happen."),
    ("session", "Sessions of browsers, in place of a token."),
    ("health", "State of the server."),
    ("openapi", "This description."),
];

fn tags() -> Value {
    TAGS.iter().map(|(name, description)| json!({"name": name, "description": description})).collect()
}

fn headers() -> Value {
    let header = |schema: Value, description: &str| json!({"description": description, "schema": schema});
    let text = || json!({"type": "string"});
    json!({
        "Allow": header(text(), "The methods of the path."),
        "Content-Disposition": header(text(), "The name of a file, for archives."),
        "Idempotency-Replayed": header(json!({"const": "true"}), "The response repeats that of an earlier request with the same key."),
        "Link": header(text(), "The address of the next page, where the query has one."),
        "Mlbench-Next-Cursor": header(text(), "The `cursor` of the next page, where the query has one."),
        "Mlbench-Cursor": header(json!({"type": "integer", "minimum": 0}), "The `cursor` of the next request."),
        "Retry-After": header(json!({"type": "integer", "minimum": 1}), "Seconds after which to repeat the request, where the server knows them."),
        "Set-Cookie": header(text(), "The cookie of the session."),
        "WWW-Authenticate": header(json!({"const": "Bearer"}), "The scheme of the token."),
        "X-Request-Id": header(text(), "The id of the request in the log of the server."),
    })
}

fn parameters() -> Value {
    json!({
        "IdempotencyKey": {
            "name": IDEMPOTENCY_KEY_HEADER,
            "in": "header",
            "description": "A key that represents this request for at least a day: a repeat with the same key and body returns the first response and stores nothing.",
            "schema": {"type": "string", "pattern": "^[!-~]{1,64}$"},
        },
        "LastEventId": {
            "name": LAST_EVENT_ID_HEADER,
            "in": "header",
            "description": "The id of the last event that the client received. Takes precedence over `cursor`. After an id that is none of this server's, the stream begins with `resync`.",
            "schema": {"type": "string"},
            "example": "41",
        },
    })
}

fn security() -> Value {
    json!({
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "The token of the server. The token of an active run stores metrics of that run and changes its parameters and tags, the metrics token reads `/metrics`.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "mlbench_session_8000",
            "description": "The cookie that signing in sets. Its name ends with the port of the server.",
        },
    })
}
