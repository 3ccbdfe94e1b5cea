//! What nobody should send: each gets its status and a sentence that helps.

mod access;
mod bodies;
mod metrics;
mod runs;

use mlbench_tests::{Answer, TestServer};

/// Checks status and problem of an answer: `says` stands in the sentence.
fn assert_refused(answer: &Answer, status: u16, says: &str, what: &str) {
    assert_eq!(answer.status, status, "{what}: {}", answer.text());
    let problem = answer.problem();
    assert!(problem.detail.contains(says), "{what}: {says:?} is not in {:?}", problem.detail);
    assert_eq!(problem.message, problem.detail, "{what}");
    assert!(!problem.request_id.is_empty() && !problem.title.is_empty(), "{what}: {problem:?}");
    for internal in ["SELECT", "rusqlite", ".rs:", "/tmp"] {
        assert!(!problem.detail.contains(internal), "{what} shows its inside: {}", problem.detail);
    }
}

/// Posts each body and checks that it is refused.
async fn check_bodies(server: &TestServer, path: &str, cases: &[(&str, u16, &str)]) {
    for (body, status, says) in cases {
        assert_refused(&server.post(path, body).await, *status, says, body);
    }
}

/// Gets each path and checks that it is refused.
async fn check_paths(server: &TestServer, cases: &[(&str, u16, &str)]) {
    for (path, status, says) in cases {
        assert_refused(&server.get(path).await, *status, says, path);
    }
}
