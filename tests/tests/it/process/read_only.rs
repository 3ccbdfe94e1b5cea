use std::fs;

use mlbench_tests::{ServerOptions, TestServer, binary, run_program};

#[tokio::test]
async fn a_read_only_server_serves_a_backup_and_changes_nothing() {
    let server = TestServer::start().await;
    let run = server.run("echo up").await.id;
    let metric = format!(r#"{{"run_id":{run},"name":"loss","value":"1"}}"#);
    let external = server.external_run("open").await;
    let point = format!(r#"{{"run_id":{external},"name":"loss","value":"1"}}"#);
    assert_eq!(server.post("/api/metrics/", &point).await.status, 201);
    let backup = server.dir().join("backup.sqlite3");
    let (database, target) = (server.database(), backup.to_str().unwrap());
    let args = ["backup", target, "--database", database.to_str().unwrap()];
    let made = run_program(&binary("mlbench-server"), &args).await;
    assert_eq!(made.code, 0, "{made:?}");
    let (before, files) = (fs::read(&backup).unwrap(), fs::read_dir(server.dir()).unwrap().count());

    let options = ServerOptions::default().args(&["--read-only"]).database(backup.clone());
    let (mut copy, mut other) = (options.clone().start().await, options.start().await);
    for path in [
        "/api/runs/",
        &format!("/api/runs/{external}/"),
        &format!("/api/metrics/{external}/?metric_type=run"),
    ] {
        assert_eq!(copy.get(path).await.text(), server.get(path).await.text(), "{path}");
    }
    assert_eq!(copy.client().runs().get(external).await.unwrap().state, mlbench_client::RunState::Started);
    assert_eq!(copy.get("/readyz").await.status, 200);
    assert!(copy.get("/metrics").await.text().contains("\nmlbench_database_writable 1\n"));
    let id = format!("/api/runs/{external}/");
    for (method, path, body) in [
        ("POST", "/api/metrics/", metric.as_str()),
        ("POST", "/api/metrics/", point.as_str()),
        ("POST", "/api/runs/", r#"{"name":"x","num_workers":1,"custom_image_command":"true"}"#),
        ("POST", "/api/runs/", r#"{"name":"x","external":true}"#),
        ("PATCH", &id, r#"{"tags":{"a":"b"}}"#),
        ("POST", &format!("{id}stop/"), ""),
        ("DELETE", &id, ""),
    ] {
        let request = copy.request(method, path);
        let request = if body.is_empty() { request } else { request.body("application/json", body) };
        let refused = request.send().await;
        assert_eq!(refused.status, 403, "{method} {path}: {}", refused.text());
        assert!(refused.problem().detail.contains("this server is read-only"), "{method} {path}");
    }
    let archive = copy.request("POST", "/api/imports/").body("application/zip", "no archive");
    let refused = archive.send().await;
    assert_eq!(refused.status, 403, "before the archive is looked at: {}", refused.text());
    let refused = server.fail_to_start(&["--listen", "127.0.0.1:0", "--database", target]).await;
    assert!(
        refused.stderr.contains("in use by another mlbench server (a read-only one, "),
        "{}",
        refused.stderr
    );
    let refused =
        server.fail_to_start(&["--listen", "127.0.0.1:0", "--read-only", "--database", args[3]]).await;
    assert!(refused.stderr.contains("a server writes it; serve a copy of it"), "{}", refused.stderr);
    assert!(copy.terminate().await.success() && other.terminate().await.success());
    assert_eq!(fs::read(&backup).unwrap(), before);
    // The refused server has left its lock file.
    assert_eq!(fs::read_dir(server.dir()).unwrap().count(), files + 1);
}
