use mlbench_client::{Environment, OutputStream, RunRequest};
use mlbench_tests::{TestServer, new_run};

#[tokio::test]
async fn the_environment_of_a_run_reaches_every_rank_unchanged() {
    let server = TestServer::start().await;
    let value = "a 'b' \"$HOME\" {rank}\nü=";
    let environment = Environment::new([("X_9".to_owned(), value.to_owned())]).unwrap();
    let request = RunRequest { environment, ..new_run("environment", "sh -c 'printf %s \"$X_9\"'") };
    let run = server.client().runs().start(&request).await.unwrap();
    let run = server.wait(run.id).await;
    for rank in 0..2 {
        assert_eq!(server.lines_of(run.id, rank, OutputStream::Stdout).await.join("\n"), value);
    }
    let shown = server.get(&format!("/api/runs/{}/", run.id)).await.json();
    assert_eq!(shown["environment"]["X_9"], value);
    let listed = server.get("/api/runs/").await.json();
    assert_eq!(listed[0]["environment"], shown["environment"]);
}

#[tokio::test]
async fn a_form_repeats_the_field_for_each_variable() {
    let server = TestServer::start().await;
    let command = ("custom_image_command", "sh -c 'echo $A$B'");
    let fields = [("name", "form"), command, ("environment", "A=1"), ("environment", "B=2=3")];
    let request = || server.request("POST", "/api/runs/");
    for request in [request().form(&fields), request().multipart(&fields)] {
        let response = request.send().await;
        assert_eq!(response.status, 200, "{}", response.text());
        let run = server.wait(serde_json::from_value(response.json()["id"].clone()).unwrap()).await;
        assert_eq!(server.lines_of(run.id, 1, OutputStream::Stdout).await, ["12=3"]);
    }
}

#[tokio::test]
async fn the_command_line_sets_variables() {
    let server = TestServer::start().await;
    let cli = server.cli();
    let start = ["runs", "start", "--name", "x", "--command", "sh -c 'echo $A$B'", "--wait"];
    let run = cli.json(&[&start[..], &["--env", "A=1", "--env", "B=2"]].concat()).await;
    assert_eq!(run["environment"]["B"], "2");
    assert_eq!(cli.ok(&["runs", "logs", "1", "--rank", "0"]).await, "12\n");
    assert!(cli.ok(&["runs", "show", "1", "-o", "csv"]).await.contains("A=1, B=2"));
    let twice = cli.run(&[&start[..], &["--env", "A=1", "--env", "A=2"]].concat()).await;
    assert_eq!((twice.code, twice.stderr.contains("\"A\" is there twice")), (2, true), "{twice:?}");
}
