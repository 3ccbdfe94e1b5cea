use std::fs;
use std::io::Read as _;

use mlbench_client::RunState;
use mlbench_tests::{ServerOptions, TIMEOUT, TestServer, eventually, tools};

async fn ready(server: &TestServer, status: u16) -> String {
    eventually("the readiness has changed", TIMEOUT, async || {
        let answer = server.get("/readyz").await;
        (answer.status == status).then(|| answer.text())
    })
    .await
}

#[tokio::test]
async fn a_full_disk_is_named_and_everything_goes_on_when_there_is_room() {
    let Some(disk) = tools::small_disk(12) else { return };
    let options = ServerOptions::default().database(disk.path().join("mlbench.db"));
    let mut server = options.start().await;
    let go = server.dir().join("go");
    let command = server.script(&format!(
        "echo before\nwhile [ ! -e '{}' ]; do sleep 0.05; done\necho after\n",
        go.display()
    ));
    let run = server.start_run(&command).await;
    server.wait_for_lines(run.id, 2).await;
    let metric = format!(r#"{{"run_id":{},"name":"loss","value":"{}"}}"#, run.id, "x".repeat(500_000));
    assert_eq!(server.post("/api/metrics", &metric).await.status, 201);
    let filler = disk.fill();
    let refused = eventually("the log of the database is full too", TIMEOUT, async || {
        let answer = server.post("/api/metrics", &metric).await;
        (answer.status != 201).then_some(answer)
    });
    assert_eq!(
        refused.await.problem().detail,
        "the database cannot be written: disk full; nothing was stored"
    );
    assert!(ready(&server, 503).await.contains("not ready: the database cannot be written: disk full"));
    let gauge = "\nmlbench_database_writable 0\n";
    assert!(server.get("/metrics").await.text().contains(gauge));
    fs::remove_file(filler).unwrap();
    ready(&server, 200).await;
    assert_eq!(server.post("/api/metrics", &metric).await.status, 201);
    fs::write(&go, "").unwrap();
    assert_eq!(server.wait(run.id).await.state, RunState::Finished);
    assert!(server.terminate().await.success());
}

#[tokio::test]
async fn a_server_ends_cleanly_while_the_disk_is_full() {
    let Some(disk) = tools::small_disk(12) else { return };
    let options = ServerOptions::default().database(disk.path().join("mlbench.db"));
    let mut server = options.start().await;
    let run = server.run("true").await;
    let filler = disk.fill();
    let metric = format!(r#"{{"run_id":{},"name":"loss","value":"{}"}}"#, run.id, "x".repeat(500_000));
    eventually("the log of the database is full too", TIMEOUT, async || {
        (server.post("/api/metrics", &metric).await.status != 201).then_some(())
    })
    .await;
    assert!(server.terminate().await.success());
    fs::remove_file(filler).unwrap();
    server.restart().await;
    ready(&server, 200).await;
}

#[tokio::test]
async fn a_start_without_any_room_names_the_disk_and_the_file() {
    let Some(disk) = tools::small_disk(12) else { return };
    let database = disk.path().join("mlbench.db");
    let mut server = ServerOptions::default().database(database.clone()).start().await;
    let run = server.run("true").await;
    assert!(server.terminate().await.success());
    fs::remove_file(disk.path().join("mlbench.db-reserve")).unwrap();
    for is_new in [false, true] {
        let filler = disk.fill();
        let path = if is_new { disk.path().join("new.db") } else { database.clone() };
        let refused = server.fail_to_start(&["--database", path.to_str().unwrap()]).await;
        let expected = format!(
            "mlbench-server: database {}: the disk at {} is full; make room for 1 MiB there, and start the server again\n",
            path.display(),
            disk.path().display()
        );
        assert!(refused.code == 1 && refused.stderr.ends_with(&expected), "{refused:?}");
        fs::remove_file(filler).unwrap();
    }
    server.restart().await;
    assert_eq!(server.client().runs().get(run.id).await.unwrap().state, RunState::Finished);
}

#[tokio::test]
async fn a_server_that_starts_on_a_full_disk_stops_and_deletes_runs() {
    let Some(disk) = tools::small_disk(12) else { return };
    let options = ServerOptions::default().database(disk.path().join("mlbench.db"));
    let mut server = options.address_file(disk.path().join("address")).start().await;
    let run = server.start_run("sleep 1000").await;
    ready(&server, 200).await;
    let filler = disk.fill();
    assert!(server.terminate().await.success());
    // What the server has left over at its end.
    std::io::copy(
        &mut std::io::repeat(1).take(12 << 20),
        &mut fs::File::create(disk.path().join("more")).unwrap(),
    )
    .unwrap_err();
    server.restart().await;
    assert!(ready(&server, 503).await.contains("disk full"));
    assert_eq!(server.request("POST", &format!("/api/runs/{}/stop/", run.id)).send().await.status, 200);
    assert_eq!(server.wait(run.id).await.state, RunState::Stopped);
    let path = format!("/api/runs/{}/", run.id);
    assert_eq!(server.request("DELETE", &path).send().await.status, 204);
    assert_eq!(server.get(&path).await.status, 404);
    for file in [filler, disk.path().join("more")] {
        fs::remove_file(file).unwrap();
    }
    ready(&server, 200).await;
    assert_eq!(server.run("true").await.state, RunState::Finished);
}
