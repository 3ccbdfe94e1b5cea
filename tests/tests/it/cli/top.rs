//! `mlbench top` in a terminal of its own.

use std::path::Path;

use mlbench_tests::{Screen, Terminal, TestServer, binary, tools};
use rustix::process::Signal;

/// Opens the dashboard of a server and waits until it is live.
async fn open(setsid: &Path, server: &TestServer) -> Terminal {
    let url = server.url();
    let mut terminal = Terminal::start(setsid, &binary("mlbench"), &["top"], &[("MLBENCH_URL", &url)]);
    terminal.shows(&["mlbench top", "● live"]).await;
    terminal
}

#[tokio::test]
async fn a_run_is_followed_and_stopped_on_the_dashboard() {
    let Some(setsid) = tools::setsid() else { return };
    let server = TestServer::start().await;
    let mut terminal = open(&setsid, &server).await;
    terminal.shows(&["no runs yet"]).await;
    let program = "echo begin; printf '\\033]0;title\\007 evil\\n'; sleep 600";
    let command = server.script(program);
    server.cli().ok(&["runs", "start", "--name", "long", "--command", &command]).await;
    terminal.shows(&["long", "STARTED", "Running"]).await;
    server.cli().ok(&["metrics", "post", "--run", "long", "--name", "train_loss", "--value", "0.25"]).await;
    terminal.shows(&["train_loss", "0.25"]).await;
    terminal.press("\r");
    terminal.shows(&["run 1 long", "STARTED", "command", "[0] begin"]).await;
    terminal.press("l");
    terminal.shows(&["output: following", "[0] begin", "\\u{1b}]0;title\\u{7} evil"]).await;
    terminal.resize(40, 120);
    terminal.shows(&["output: following", "aside"]).await;
    terminal.resize(4, 20);
    terminal.shows(&["run 1 long"]).await;
    terminal.resize(24, 80);
    terminal.press("s");
    terminal.shows(&["Stop run 1 \"long\"?"]).await;
    terminal.press("n");
    terminal.press("qq");
    terminal.shows(&["mlbench top", "STARTED"]).await;
    terminal.press("sy");
    terminal.shows(&["STOPPED"]).await;
    terminal.press("q");
    assert_eq!(terminal.ends().await, 0);
}

#[tokio::test]
async fn every_end_gives_the_terminal_back() {
    let Some(setsid) = tools::setsid() else { return };
    let server = TestServer::start().await;
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130)] {
        let mut terminal = open(&setsid, &server).await;
        terminal.signal(signal);
        assert_eq!(terminal.ends().await, code, "{signal:?}");
    }
    let mut terminal = open(&setsid, &server).await;
    terminal.press("\u{3}");
    assert_eq!(terminal.ends().await, 130);
}

#[tokio::test]
async fn the_shell_gets_the_terminal_while_the_dashboard_is_suspended() {
    let (Some(setsid), Some(bash)) = (tools::setsid(), tools::bash()) else { return };
    let server = TestServer::start().await;
    let url = server.url();
    let shell = ["--noprofile", "--norc", "--noediting", "-i"];
    let mut terminal = Terminal::start(&setsid, &bash, &shell, &[("MLBENCH_URL", &url), ("PS1", "ready> ")]);
    terminal.shows(&["ready> "]).await;
    terminal.press(&format!("'{}' top\n", binary("mlbench").display()));
    terminal.shows(&["● live"]).await;
    for _ in 0..2 {
        terminal.press("\u{1a}");
        terminal.shows_where("the shell", at_prompt).await;
        terminal.press("clear; stty -a | grep -o ' icanon'\n");
        terminal.shows_where("the modes", |screen| screen.contents().starts_with(" icanon")).await;
        terminal.press("fg\n");
        terminal
            .shows_where("the dashboard", |screen| {
                screen.alternate_screen() && screen.hide_cursor() && screen.contents().contains("● live")
            })
            .await;
    }
    terminal.press("q");
    terminal.shows_where("the shell", at_prompt).await;
    terminal.press("exit\n");
    assert_eq!(terminal.ends().await, 0);
}

/// Returns whether the shell waits for a command.
fn at_prompt(screen: &Screen) -> bool {
    !screen.alternate_screen() && !screen.hide_cursor() && screen.contents().trim_end().ends_with("ready>")
}

#[tokio::test]
async fn the_dashboard_survives_a_restart_of_the_server() {
    let Some(setsid) = tools::setsid() else { return };
    let mut server = TestServer::start().await;
    let mut terminal = open(&setsid, &server).await;
    server.kill9().await;
    terminal.shows(&["reconnecting… shown is "]).await;
    server.restart().await;
    terminal.shows(&["● live"]).await;
    server.start_run("sh -c 'exit 0'").await;
    terminal.shows(&["FINISHED"]).await;
    terminal.press("q");
    assert_eq!(terminal.ends().await, 0);
}

#[tokio::test]
async fn without_a_terminal_another_command_is_named() {
    let server = TestServer::start().await;
    let output = server.cli().run(&["top"]).await;
    assert_eq!((output.code, output.stdout.as_str()), (2, ""));
    assert_eq!(
        output.stderr,
        "mlbench: top: needs a terminal for input and output, and TERM other than dumb; use `mlbench runs list --watch` \
         elsewhere\n"
    );
}

#[tokio::test]
async fn a_server_that_is_away_is_reported_without_a_dashboard() {
    let Some(setsid) = tools::setsid() else { return };
    let url = [("MLBENCH_URL", "http://127.0.0.1:1")];
    let mut terminal = Terminal::start(&setsid, &binary("mlbench"), &["top"], &url);
    terminal.shows(&["mlbench: cannot connect to http://127.0.0.1:1"]).await;
    assert_eq!(terminal.ends().await, 7);
}
