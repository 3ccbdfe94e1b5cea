//! Checks of refusals.

use mlbench_tests::{Response, TestServer};

/// Checks the status and the problem document of a response.
///
/// `says` is part of the detail, and `what` describes the request.
pub(super) fn assert_refused(response: &Response, status: u16, says: &str, what: &str) {
    assert_eq!(response.status, status, "{what}: {}", response.text());
    let problem = response.problem();
    assert!(problem.detail.contains(says), "{what}: {says:?} is not in {:?}", problem.detail);
    assert_eq!(problem.message, problem.detail, "{what}");
    assert!(!problem.request_id.is_empty() && !problem.title.is_empty(), "{what}: {problem:?}");
    for internal in ["SELECT", "rusqlite", ".rs:", "/tmp"] {
        assert!(
            !problem.detail.contains(internal),
            "{what}: the detail reveals internals: {}",
            problem.detail
        );
    }
}

/// Posts each body and checks that the server refuses it.
pub(super) async fn check_bodies(server: &TestServer, path: &str, cases: &[(&str, u16, &str)]) {
    for (body, status, says) in cases {
        assert_refused(&server.post(path, body).await, *status, says, body);
    }
}

/// Gets each path and checks that the server refuses it.
pub(super) async fn check_paths(server: &TestServer, cases: &[(&str, u16, &str)]) {
    for (path, status, says) in cases {
        assert_refused(&server.get(path).await, *status, says, path);
    }
}
