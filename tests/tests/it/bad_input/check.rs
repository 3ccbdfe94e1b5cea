//! Checks of refusals.

use mlbench_tests::{Response, TestServer};

/// Checks the status and the problem document of a response.
///
/// `expected` is part of the detail, and `request` describes the request.
pub(super) fn assert_refused(response: &Response, status: u16, expected: &str, request: &str) {
    assert_eq!(response.status, status, "{request}: {}", response.text());
    let problem = response.problem();
    assert!(problem.detail.contains(expected), "{request}: {expected:?} is not in {:?}", problem.detail);
    assert_eq!(problem.message, problem.detail, "{request}");
    assert!(!problem.request_id.is_empty() && !problem.title.is_empty(), "{request}: {problem:?}");
    for internal in ["SELECT", "rusqlite", ".rs:", "/tmp"] {
        assert!(
            !problem.detail.contains(internal),
            "{request}: the detail reveals internals: {}",
            problem.detail
        );
    }
}

/// Posts each body and checks that the server refuses it.
pub(super) async fn check_bodies(server: &TestServer, path: &str, cases: &[(&str, u16, &str)]) {
    for (body, status, expected) in cases {
        assert_refused(&server.post(path, body).await, *status, expected, body);
    }
}

/// Gets each path and checks that the server refuses it.
pub(super) async fn check_paths(server: &TestServer, cases: &[(&str, u16, &str)]) {
    for (path, status, expected) in cases {
        assert_refused(&server.get(path).await, *status, expected, path);
    }
}
