//! Versions of both programs.

use std::path::Path;

use mlbench_tests::{Cli, TestServer, binary, run_program};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

#[tokio::test]
async fn both_programs_name_version_and_build() {
    let server = TestServer::start().await;
    let mut builds = Vec::new();
    for name in ["mlbench", "mlbench-server"] {
        let printed = run_program(Path::new(&binary(name)), &["--version"]).await;
        assert_eq!((printed.code, printed.stderr.as_str()), (0, ""));
        let version = printed.stdout.strip_prefix(name).unwrap().trim();
        let (number, build) = version.split_once(" (").unwrap();
        assert_eq!(number, env!("CARGO_PKG_VERSION"));
        builds.push(build.to_owned());
        if name == "mlbench-server" {
            let response = server.get("/healthz").await;
            assert_eq!(response.header("mlbench-version"), Some(version));
        }
    }
    let build = builds[0].strip_suffix(')').unwrap();
    let date = |text: &str| text.len() == 10 && text.split('-').count() == 3;
    let is_commit = |(commit, day): (&str, &str)| commit.len() >= 7 && date(day);
    let is_known = build.split_once(' ').is_some_and(is_commit);
    assert!(is_known || ["debug build", "unknown commit"].contains(&build), "{build}");
}

#[tokio::test]
async fn another_version_of_the_server_is_named_once() {
    let same = TestServer::start().await.cli().run(&["pods"]).await;
    assert_eq!((same.code, same.stderr.as_str()), (0, ""), "the same version is not mentioned");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let cli = Cli::new(&format!("http://{}", listener.local_addr().unwrap()));
    let other = async {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (from, mut to) = stream.split();
            let mut lines = BufReader::new(from).lines();
            while let Some(line) = lines.next_line().await.unwrap() {
                if line.is_empty() {
                    let head = "HTTP/1.1 200 OK\r\nMlbench-Version: 9.9.9 (1a2b3c4d5 2026-11-27)\r\n";
                    to.write_all(format!("{head}Content-Length: 2\r\n\r\n[]").as_bytes()).await.unwrap();
                }
            }
        }
    };
    let pods = tokio::select! {
        pods = cli.run(&["pods", "-o", "json"]) => pods,
        () = other => unreachable!("it responds until the command ends"),
    };
    assert_eq!((pods.code, pods.stdout.as_str()), (0, "[]\n"));
    assert_eq!(pods.stderr.lines().count(), 1, "{pods:?}");
    assert!(pods.stderr.starts_with("mlbench: this program has version 0."), "{pods:?}");
    let rest = ", the server 9.9.9 (1a2b3c4d5 2026-11-27); install the same version of both\n";
    assert!(pods.stderr.ends_with(rest), "{pods:?}");
}
