//! Lists in every format, into a pipe and on a terminal of 80 columns.

use std::path::Path;

use mlbench_tests::{TIMEOUT, TestServer, tools};
use tokio::time::timeout;

use super::terminal::on_terminal;

/// Creates three runs that hold no worker, of which the last has a long name.
async fn three_runs(server: &TestServer) {
    for (name, lr) in [
        ("first", "0.5"),
        ("second", "0.25"),
        ("a name that is far too long for a row of its own in a terminal, with words", "0.1"),
    ] {
        let body = format!(
            r#"{{"name": "{name}", "external": true, "params": {{"lr": {lr}}}, "tags": {{"team": "vision"}}}}"#
        );
        assert_eq!(server.post("/api/runs/", body).await.status, 200);
    }
    let ended = server.request("PATCH", "/api/runs/2/").body("application/json", r#"{"state": "FINISHED"}"#);
    assert_eq!(ended.send().await.status, 200);
}

#[tokio::test]
async fn a_list_has_every_format_in_a_pipe() {
    let server = TestServer::start().await;
    three_runs(&server).await;
    let cli = server.cli();
    let list = async |options: &str| {
        let words: Vec<&str> = ["runs", "list"].into_iter().chain(options.split_whitespace()).collect();
        cli.ok(&words).await
    };
    let tabs = list("").await;
    assert!(
        tabs.starts_with("id\tname\tstate\tworkers\tcreated_at\tfinished_at\n1\tfirst\tSTARTED\t1\t20"),
        "{tabs}"
    );
    let chosen = "--columns id,state,params.lr,tags.team --sort-by params.lr";
    assert_eq!(
        list(&format!("-o csv {chosen}")).await,
        "id,state,params.lr,tags.team\n3,STARTED,0.1,vision\n2,FINISHED,0.25,vision\n1,STARTED,0.5,vision\n"
    );
    assert_eq!(
        list(&format!("-o table --no-headers {chosen}")).await,
        "3  STARTED   0.1   vision\n2  FINISHED  0.25  vision\n1  STARTED   0.5   vision\n"
    );
    assert_eq!(list("-o name --sort-by=-id").await, "id:3\nid:2\nid:1\n");
    let wide = list("-o wide").await;
    assert!(wide.contains("  duration  ") && wide.contains("  lr=0.25  team=vision"), "{wide}");
    assert!(!wide.contains('\u{1b}') && wide.contains("with words"), "a pipe gets whole values: {wide}");
    let ndjson = list("-o ndjson --sort-by=-id").await;
    let ids: Vec<serde_json::Value> = ndjson
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].clone())
        .collect();
    assert_eq!(ids, [3, 2, 1]);
    let yaml = list("-o yaml").await;
    assert!(yaml.starts_with("- id: 1\n  name: first\n  created_at: "), "{yaml}");
    let coloured = list("--color always --columns id,state").await;
    assert_eq!(coloured.lines().nth(2), Some("2\t\u{1b}[32mFINISHED\u{1b}[0m"));
}

#[tokio::test]
async fn options_about_a_list_are_refused_where_they_mean_nothing() {
    let server = TestServer::start().await;
    let cli = server.cli();
    for (line, problem) in [
        (
            "runs list --columns id,stat",
            "--columns \"stat\": unknown column; did you mean state? the columns are id, name",
        ),
        (
            "pods --sort-by=-x",
            "--sort-by \"x\": unknown column; the columns are name, phase, ip, labels, labels.NAME\n",
        ),
        ("runs list --columns id -o json", "--columns: no effect with --output json"),
        ("pods --no-headers -o name", "--no-headers: no effect with --output name; leave it out"),
        ("metrics --sort-by value -o yaml", "--sort-by: no effect with --output yaml"),
        ("runs list -o xml", "invalid value 'xml' for '--output <FORMAT>'"),
    ] {
        let refused = cli.run(&line.split_whitespace().collect::<Vec<_>>()).await;
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{line}: {refused:?}");
        assert!(refused.stderr.contains(problem), "{line}: {refused:?}");
    }
}

/// Returns what a command shows on a terminal with 80 columns and 8 rows.
pub(super) async fn shown(server: &TestServer, script: &Path, variables: &str, arguments: &str) -> String {
    let setup = format!("stty cols 80 rows 8 && {variables}");
    let output = on_terminal(script, server, &setup, arguments).output();
    let output = timeout(TIMEOUT, output).await.unwrap().unwrap();
    String::from_utf8(output.stdout).unwrap().replace("\r\n", "\n")
}

#[tokio::test]
async fn a_terminal_gets_ages_and_colours_in_80_columns() {
    let Some(script) = tools::script() else { return };
    let server = TestServer::start().await;
    three_runs(&server).await;
    let table = shown(&server, &script, "", "runs list --columns id,name,state,workers,finished_at").await;
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[0], "id  name                                          state     workers  finished_at");
    assert_eq!(lines[1], "─".repeat(80));
    assert!(lines[2].ends_with("  \u{1b}[36mSTARTED\u{1b}[0m   1"), "{table}");
    assert!(lines[3].contains("  \u{1b}[32mFINISHED\u{1b}[0m  1        "), "{table}");
    assert!(lines[3].ends_with(" ago") || lines[3].ends_with("now"), "{table}");
    assert!(lines[4].starts_with("3   a name that is far too long for a row of it…  \u{1b}[36m"), "{table}");
    for (variables, option) in [("NO_COLOR=1", ""), ("TERM=dumb", ""), ("", "--color never")] {
        let plain = shown(&server, &script, variables, &format!("runs list {option}")).await;
        assert!(plain.contains("FINISHED") && !plain.contains('\u{1b}'), "{plain:?}");
        assert!(plain.lines().all(|line| line.chars().count() <= 80), "{plain}");
    }
    let details = shown(&server, &script, "PAGER=", "runs show 3").await;
    assert!(details.contains("in a terminal, with words\n"), "details are whole: {details}");
}

#[tokio::test]
async fn a_pager_gets_what_is_longer_than_the_screen() {
    let Some(script) = tools::script() else { return };
    let server = TestServer::start().await;
    three_runs(&server).await;
    let pager = server.dir().join("pager").display().to_string();
    std::fs::write(&pager, "echo begin; cat; echo end\n").unwrap();
    let variable = format!("PAGER='sh {pager}'");
    let long = shown(&server, &script, &variable, "runs show 3").await;
    assert!(long.starts_with("begin\nfield ") && long.ends_with("\nend\n"), "{long}");
    let long = shown(&server, &script, &variable, "runs list -o json").await;
    assert!(long.starts_with("begin\n[\n") && long.ends_with("]\nend\n"), "{long}");
    for (variable, command) in [
        (variable.as_str(), "runs list"),
        (&variable, "runs list -o name"),
        ("PAGER=", "runs show 3"),
        ("PAGER=/nowhere", "runs show 3"),
    ] {
        let direct = shown(&server, &script, variable, command).await;
        assert!(!direct.contains("begin") && direct.contains('3'), "{variable} {command}: {direct}");
    }
    let early = shown(&server, &script, "PAGER='head -n 1'", "runs show 3; echo code $?").await;
    assert_eq!(early.lines().last(), Some("code 0"), "{early}");
    let piped = server.cli().env("PAGER", &format!("sh {pager}")).ok(&["runs", "show", "3"]).await;
    assert!(piped.starts_with("field\tvalue\n"));
}
