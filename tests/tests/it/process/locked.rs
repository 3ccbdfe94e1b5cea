//! Another program that holds the write lock of the database.

use mlbench_client::RunState;
use mlbench_tests::{ServerOptions, TIMEOUT, TestServer, eventually};
use rusqlite::Connection;

/// Locks the database of a server until the connection is dropped.
fn lock(server: &TestServer) -> Connection {
    let other = Connection::open(server.database()).unwrap();
    other.busy_timeout(TIMEOUT).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

#[tokio::test]
async fn runs_end_although_another_program_has_locked_the_database() {
    let server = ServerOptions::default().workers(1).args(&["--run-policy", "queue"]).start().await;
    for (method, action, state) in [("POST", "stop/", Some(RunState::Stopped)), ("DELETE", "", None)] {
        let mark = server.dir().join(format!("signalled-{method}"));
        let command = server.script(&format!(
            "trap 'echo saved >{}; exit 3' TERM\necho up\nwhile :; do sleep 0.05; done\n",
            mark.display()
        ));
        let run = server.start_run(&command).await.id;
        server.wait_for_lines(run, 1).await;
        let queued = server.start_run("true").await.id;
        let lock = lock(&server);
        let end = async |id| {
            let refused = server.request(method, &format!("/api/runs/{id}/{action}")).send().await;
            assert_eq!(refused.status, 503);
            refused.problem().detail
        };
        let (detail, _) = (end(run).await, end(queued).await);
        assert!(
            detail.starts_with("another program has locked the server's database; try again; this server ")
                && detail.ends_with(" the run and stores that as soon as it can"),
            "{detail}"
        );
        eventually("the signal", TIMEOUT, async || mark.exists().then_some(())).await;
        drop(lock);
        for id in [run, queued] {
            let path = format!("/api/runs/{id}/");
            eventually("the end is stored", TIMEOUT, async || {
                let shown = server.get(&path).await;
                let is_stored = match &state {
                    Some(state) => shown.json()["state"] == state.as_str(),
                    None => shown.status == 404,
                };
                is_stored.then_some(())
            })
            .await;
        }
    }
    assert_eq!(server.run("true").await.state, RunState::Finished);
}
