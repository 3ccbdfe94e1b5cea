//! What `mlbench` shows on a terminal.

use std::fs::File;
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
    let follow = format!("'{}' runs logs bar --follow", binary("mlbench").display());
    let mut on_terminal = Command::new(script);
    on_terminal.args(["-qec", &follow, "/dev/null"]).env("MLBENCH_URL", server.url()).kill_on_drop(true);
    on_terminal.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = on_terminal.spawn().unwrap();
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

/// Quotes a text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
