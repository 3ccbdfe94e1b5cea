use std::fs;
use std::net::Ipv4Addr;

use mlbench_client::{Client, ErrorCode, MetricsQuery, NewMetric, Owner, RunState};
use mlbench_core::api::{Access, Endpoint};
use mlbench_core::run::OutputStream;
use mlbench_tests::{
    Cli, ServerOptions, TIMEOUT, TestServer, binary, eventually, example_path, example_request,
};

const TOKEN: &str = "correct-horse-battery-staple";

async fn server() -> TestServer {
    ServerOptions::default().token(TOKEN).start().await
}

#[tokio::test]
async fn without_a_token_only_public_endpoints_respond() {
    let server = server().await;
    let run = server.run("true").await;
    for endpoint in Endpoint::ALL {
        let spec = endpoint.spec();
        let url = format!("{}{}", server.url(), example_path(endpoint, run.id));
        let response = example_request(endpoint, &url, run.id).send().await;
        let public = spec.access == Access::Public && endpoint != Endpoint::CreateSession;
        let status = if public { spec.success } else { 401 };
        let challenge = (status == 401).then_some("Bearer");
        assert_eq!(
            (response.status, response.header("www-authenticate")),
            (status, challenge),
            "{}",
            spec.id
        );
    }
    let runs = server.client().runs().list().await.unwrap();
    assert_eq!(
        runs.iter().map(|run| run.id).collect::<Vec<_>>(),
        [run.id],
        "nothing started or deleted a run"
    );
}

#[tokio::test]
async fn client_and_command_line_send_the_token_and_never_print_it() {
    let server = server().await;
    assert_eq!(server.client().pods().list().await.unwrap().len(), 2);
    server.cli().ok(&["pods"]).await;
    let file = server.dir().join("token");
    let without = Cli::new(&server.url());
    without.ok(&["pods", "--token-file", file.to_str().unwrap()]).await;

    let refused = without.run(&["pods"]).await;
    assert_eq!(refused.code, 4, "{refused:?}");
    assert!(refused.stderr.contains("MLBENCH_TOKEN"), "{refused:?}");
    let wrong = without.clone().env("MLBENCH_TOKEN", "wrong-horse-battery-staple").run(&["pods"]).await;
    assert_eq!(wrong.code, 4, "{wrong:?}");
    let missing = without.run(&["pods", "--token-file", "/nowhere"]).await;
    assert_eq!(missing.code, 2, "{missing:?}");
    for text in [server.log(), refused.stderr, wrong.stderr] {
        assert!(!text.contains("horse"), "{text}");
    }
}

#[tokio::test]
async fn a_world_readable_token_file_causes_a_warning() {
    let server = TestServer::start().await;
    let file = server.dir().join("open-token");
    fs::write(&file, TOKEN).unwrap();
    let mut server = server;
    server.reconfigure(|options| options.args(&["--token-file", file.to_str().unwrap()]));
    server.terminate().await;
    server.restart().await;
    assert!(server.log().contains("other users of this machine can read the token"), "{}", server.log());
    assert_eq!(server.get("/api/pods/").await.status, 401);
}

#[tokio::test]
async fn a_server_beyond_loopback_requires_the_token_on_loopback_too() {
    let server = ServerOptions::default().listen(Ipv4Addr::UNSPECIFIED.into()).token(TOKEN).start().await;
    assert!(server.url().starts_with("http://127.0.0.1:"));
    assert_eq!(server.get("/api/pods/").await.status, 401);
    assert_eq!(server.client().pods().list().await.unwrap().len(), 2);
    assert_eq!(server.run("true").await.state, RunState::Finished);
}

#[tokio::test]
async fn a_run_token_posts_metrics_until_the_run_ends() {
    let server = server().await;
    let script = server.script(&format!(
        "[ $RANK = 0 ] || exit 0\n'{}' metrics post --run $MLBENCH_RUN_ID --name 'loss @ 0' --value 0.5 >&2 || exit 9\n\
         echo $MLBENCH_TOKEN\nenv | grep -c horse\nwhile [ ! -e go ]; do sleep 0.05; done\n",
        binary("mlbench").display()
    ));
    let client = server.client();
    let run = server.start_run(&script).await;
    let lines = eventually("the worker has printed its token", TIMEOUT, async || {
        let lines = server.output(run.id).await;
        let lines: Vec<_> = lines.into_iter().filter(|line| line.stream == OutputStream::Stdout).collect();
        (lines.len() >= 2).then_some(lines)
    })
    .await;
    let run_token = lines[0].text.clone();
    assert_eq!(
        (run_token.len(), lines[1].text.as_str()),
        (64, "0"),
        "the operator's token reaches no worker"
    );
    let points = client.metrics().get(&Owner::Run(run.id), &MetricsQuery::default()).await.unwrap();
    assert_eq!(points["loss @ 0"][0].value.as_str(), "0.5");

    for endpoint in Endpoint::ALL {
        let spec = endpoint.spec();
        let url = format!("{}{}", server.url(), example_path(endpoint, run.id));
        let request = example_request(endpoint, &url, run.id);
        let response = request.header("authorization", &format!("Bearer {run_token}")).send().await;
        let status = match spec.access {
            Access::Operator | Access::MetricsToken => 403,
            // The server reads the output of a run that it launched; the token itself is accepted.
            Access::RunToken if endpoint == Endpoint::AppendRunLogs => 409,
            // The example signs in with another token.
            Access::Public if endpoint == Endpoint::CreateSession => 401,
            Access::Public | Access::RunToken => spec.success,
        };
        assert_eq!(response.status, status, "{}: {}", spec.id, response.text());
    }
    let worker = Client::builder().base_url(server.url()).token(&run_token).build().unwrap();
    let refused = worker.runs().delete(run.id).await.unwrap_err();
    assert_eq!((refused.status(), refused.code()), (Some(403), Some(ErrorCode::Forbidden)));
    let late = NewMetric::new(Owner::Run(run.id), "late", 1.0).unwrap();
    let post = || worker.metrics().post(&late);
    post().await.unwrap();
    fs::write(server.dir().join("go"), "").unwrap();
    assert_eq!(server.wait(run.id).await.state, RunState::Finished);
    assert_eq!(post().await.unwrap_err().code(), Some(ErrorCode::Unauthorized));
}

#[tokio::test]
async fn a_scraper_has_a_token_of_its_own() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "a token that only scrapes".replace(' ', "-")).unwrap();
    let flags = ["--metrics-token-file", file.path().to_str().unwrap()];
    let server = ServerOptions::default().token(TOKEN).args(&flags).start().await;
    for (token, of_metrics, of_runs) in [("a-token-that-only-scrapes", 200, 403), (TOKEN, 200, 200)] {
        let get = async |path| {
            let request = server.request("GET", path).header("authorization", &format!("Bearer {token}"));
            request.send().await.status
        };
        assert_eq!((get("/metrics").await, get("/api/runs/").await), (of_metrics, of_runs), "{token}");
    }
    fs::write(file.path(), TOKEN).unwrap();
    let (operator, database) = (server.dir().join("token"), server.dir().join("other.db"));
    let more = ["--listen", "127.0.0.1:0", "--database", database.to_str().unwrap()];
    let flags = [&more[..], &flags, &["--token-file", operator.to_str().unwrap()]].concat();
    let refused = server.fail_to_start(&flags).await;
    assert!(refused.stderr.contains("holds the token of --token-file"), "{refused:?}");
}

#[tokio::test]
async fn the_built_in_benchmark_sends_its_run_token() {
    let server = server().await;
    server.cli().ok(&["runs", "start", "--name", "trained", "--light", "--wait"]).await;
    let text = server.cli().ok(&["metrics", "--run", "trained", "--last", "1"]).await;
    assert!(text.contains("val_global_Prec@1 @ 0"), "{text}");
}
