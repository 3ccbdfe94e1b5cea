//! Standard output and standard error without a reader.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use mlbench_tests::{TIMEOUT, TestServer, binary, run_program};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

#[tokio::test]
async fn the_exit_code_is_that_of_the_run_without_a_reader() {
    let server = TestServer::start().await;
    let cli = server.cli();
    cli.run(&["runs", "start", "--name", "bad", "--command", "false", "--wait"]).await;
    cli.ok(&["runs", "start", "--name", "good", "--command", "true", "--wait"]).await;
    let codes = server.dir().join("codes");
    let wait = format!("MLBENCH_URL={} '{}' runs wait", server.url(), binary("mlbench").display());
    // `true` has ended before `mlbench` begins.
    let script = |run: &str, redirect: &str| {
        let ready = server.dir().join("ready").display().to_string();
        format!(
            "rm -f '{ready}'; mkfifo '{ready}'; (read _ <'{ready}'; {wait} {run} {redirect}; echo $? >>'{}') \
             | {{ exec <&-; echo >'{ready}'; }}",
            codes.display()
        )
    };
    for (run, redirect) in
        [("bad", ""), ("bad", "2>&1"), ("bad", ">/dev/full"), ("bad", ">&- 2>&-"), ("good", "")]
    {
        let ended = run_program(Path::new("sh"), &["-c", &script(run, redirect)]).await;
        assert_eq!(ended.code, 0, "{ended:?}");
    }
    assert_eq!(std::fs::read_to_string(codes).unwrap(), "6\n6\n6\n6\n0\n");
}

/// Starts `mlbench` with a full standard output, and returns it with the other end, which is not read.
fn with_blocked_output(server: &TestServer, args: &[&str]) -> (Child, UnixStream) {
    let (mut full, reader) = UnixStream::pair().unwrap();
    full.set_nonblocking(true).unwrap();
    let error = loop {
        if let Err(error) = full.write(&[b'x'; 4096]) {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    full.set_nonblocking(false).unwrap();
    let mut command = Command::new(binary("mlbench"));
    command.args(args).env("MLBENCH_URL", server.url()).stdin(Stdio::null());
    command.stdout(File::from(OwnedFd::from(full))).stderr(Stdio::piped()).kill_on_drop(true);
    (command.spawn().unwrap(), reader)
}

async fn ended(child: &mut Child) -> ExitStatus {
    tokio::time::timeout(TIMEOUT, child.wait()).await.expect("it ends in time").unwrap()
}

#[tokio::test]
async fn a_signal_ends_a_command_whose_output_is_blocked() {
    let server = TestServer::start().await;
    let cli = server.cli();
    for _ in 0..2 {
        cli.ok(&["runs", "start", "--name", "twice", "--command", "true", "--wait"]).await;
    }
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let (mut child, _reader) = with_blocked_output(&server, &["runs", "show", "twice"]);
        let mut messages = BufReader::new(child.stderr.take().unwrap()).lines();
        let message = messages.next_line().await.unwrap().unwrap();
        assert!(message.starts_with("2 runs are named"), "{message}");
        run_program(Path::new("kill"), &[signal, &child.id().unwrap().to_string()]).await;
        assert_eq!(ended(&mut child).await.code(), Some(code));
        let message = messages.next_line().await.unwrap().unwrap();
        assert!(message.contains("interrupted"), "{message}");
    }
}
