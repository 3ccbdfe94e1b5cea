//! What `mlbench` shows on a terminal.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;

use mlbench_tests::{TIMEOUT, TestServer, binary, tools};
use tokio::io::{AsyncReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

#[tokio::test]
async fn followed_logs_show_the_newest_state_of_an_unfinished_line() {
    let Some(script) = tools::script() else { return };
    let server = TestServer::start().await;
    let go = |step: u32| server.dir().join(format!("go-{step}")).display().to_string();
    let wait = |step: u32| format!("until [ -e '{}' ]; do sleep 0.05; done", go(step));
    let program = format!(
        "[ $RANK = 0 ] || exit 0; echo begin; printf '\\033]0;title\\007 10 %%\\r'; {}; printf ' 90 %%\\r'; {}; echo ended; \
         printf 'no end'",
        wait(1),
        wait(2)
    );
    let command = format!("sh -c {}", quoted(&program));
    server.cli().ok(&["runs", "start", "--name", "bar", "--command", &command]).await;
    let mut child = on_terminal(&script, &server, "", "runs logs bar --follow").spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut seen = String::new();
    for (text, step) in [(" 10 %", Some(1)), (" 90 %", Some(2)), ("FINISHED", None)] {
        while !seen.contains(text) {
            let mut bytes = [0; 1024];
            let count = timeout(TIMEOUT, output.read(&mut bytes)).await.unwrap().unwrap();
            assert_ne!(count, 0, "the command ended after {seen:?}");
            seen += &String::from_utf8_lossy(&bytes[..count]);
        }
        if let Some(step) = step {
            File::create(go(step)).unwrap();
        }
    }
    assert!(timeout(TIMEOUT, child.wait()).await.unwrap().unwrap().success());
    let shown = seen.replace("\r\n", "\n");
    let clear = "\r\u{1b}[K";
    assert!(shown.contains(&format!("[0] begin\n[0] \\u{{1b}}]0;title\\u{{7}} 10 %{clear}")), "{shown:?}");
    assert!(shown.contains(&format!("{clear}[0]  90 %{clear}[0]")), "{shown:?}");
    assert!(shown.contains("[0] ended\n[0] no end\n"), "{shown:?}");
    // Elsewhere, only finished lines appear.
    let piped = server.cli().ok(&["runs", "logs", "bar", "--follow", "--rank", "0"]).await;
    assert!(piped.starts_with("begin\n") && piped.ends_with("ended\nno end\n"), "{piped:?}");
    assert!(!piped.contains("\u{1b}[K"), "{piped:?}");
}

#[tokio::test]
async fn output_of_a_run_can_colour_a_terminal_but_not_control_it() {
    let Some(script) = tools::script() else { return };
    let server = TestServer::start().await;
    let line = "\u{1b}[31mred\u{1b}]52;c;aGk=\u{7}\u{1b}[2J\u{9b}2J";
    let command = server.script(&format!("[ $RANK = 0 ] || exit 0\nprintf '%s\\n' '{line}'\n"));
    let run = server.run(&command).await;
    let shown = "\u{1b}[31mred\\u{1b}]52;c;aGk=\\u{7}\\u{1b}[2J\\u{9b}2J";
    for (format, printed) in
        [("", format!("{shown}\u{1b}[0m\r\n")), ("--output csv", format!(",stdout,{shown}"))]
    {
        let logs = format!("runs logs {} --rank 0 {format}", run.id);
        let output =
            timeout(TIMEOUT, on_terminal(&script, &server, "", &logs).output()).await.unwrap().unwrap();
        let output = String::from_utf8(output.stdout).unwrap();
        assert!(output.contains(&printed), "{output:?}");
        assert!(!output.contains(['\u{7}', '\u{9b}']), "{output:?}");
        let piped = server.cli().ok(&logs.split_whitespace().collect::<Vec<_>>()).await;
        assert!(piped.contains(&format!("{line}\n")), "{piped:?}");
    }
}

/// A command of `mlbench` with a terminal of its own, after a setup in its shell.
pub(super) fn on_terminal(script: &Path, server: &TestServer, setup: &str, arguments: &str) -> Command {
    let command = format!("{setup} '{}' {arguments}", binary("mlbench").display());
    let mut on_terminal = Command::new(script);
    on_terminal.args(["-qec", &command, "/dev/null"]).env("MLBENCH_URL", server.url()).kill_on_drop(true);
    on_terminal.env("TERM", "xterm").env_remove("NO_COLOR").env_remove("PAGER");
    on_terminal.stdin(Stdio::null()).stdout(Stdio::piped());
    on_terminal
}

/// Quotes a text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
