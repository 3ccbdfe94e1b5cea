//! Contexts and tokens.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use mlbench_tests::{Cli, CommandOutput, ServerOptions, TIMEOUT, TestServer, tools};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::terminal::on_terminal;

const TOKEN: &str = "secret-horse-battery-staple";

/// A command line without a server in its environment, and its file of contexts.
fn bare(server: &TestServer) -> (Cli, PathBuf) {
    let config = server.dir().join("config");
    let cli = Cli::new("").env("XDG_CONFIG_HOME", &config.display().to_string());
    (cli, config.join("mlbench/config.toml"))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

async fn login(cli: &Cli, args: &[&str], token: &str) -> CommandOutput {
    let mut child = cli.spawn(&[&["login"], args].concat());
    child.stdin.take().unwrap().write_all(format!("{token}\n").as_bytes()).await.unwrap();
    let output = timeout(TIMEOUT, child.wait_with_output()).await.unwrap().unwrap();
    CommandOutput {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[tokio::test]
async fn a_context_selects_the_server() {
    let server = TestServer::start().await;
    let run = server.external_run("here").await;
    let (cli, file) = bare(&server);
    let url = server.url();
    assert_eq!(cli.run(&["context", "add", "gone", "--url", "http://127.0.0.1:9"]).await.code, 0);
    let added = cli.run(&["context", "add", "lab", "--url", &url]).await;
    assert_eq!((added.code, added.stderr.as_str()), (0, "added context \"lab\"\n"));
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    let list = ["context", "list", "-o", "csv"];
    let gone = "gone,yes,http://127.0.0.1:9,\n";
    assert_eq!(cli.ok(&list).await, format!("name,current,url,token\n{gone}lab,,{url},\n"));
    let names = ["runs", "list", "-o", "name"];
    let here = format!("id:{run}\n");
    assert_eq!(cli.ok(&[&names[..], &["--context", "lab"]].concat()).await, here);
    assert_eq!(cli.clone().env("MLBENCH_CONTEXT", "lab").ok(&names).await, here);
    assert_eq!(
        cli.clone().env("MLBENCH_URL", &url).ok(&names).await,
        here,
        "the environment before the file"
    );
    assert_eq!(cli.ok(&[&names[..], &["--url", &url]].concat()).await, here);
    cli.ok(&["context", "use", "lab"]).await;
    assert_eq!(cli.ok(&names).await, here);
    assert_eq!(cli.ok(&["context", "show", "-o", "name"]).await, "lab\n");
    cli.ok(&["context", "remove", "lab"]).await;
    for (args, code, problem) in [
        (
            &["context", "show"][..],
            3,
            "context: none is the current one; choose one with `mlbench context use NAME`",
        ),
        (&["context", "use", "gon"], 3, "context \"gon\": not found; did you mean \"gone\"?"),
        (
            &["context", "add", "gone", "--url", "http://x"],
            2,
            "context \"gone\": already exists; remove it first",
        ),
        (&["context", "add", "new"], 2, "--url: missing"),
        (
            &["context", "add", "new", "--url", "http://me:hidden@x"],
            2,
            "--url: holds a user or a password, which would be stored and printed; write http://x, ",
        ),
        (&["context", "add", "new", "--url", "x y"], 2, "server URL \"x y\""),
        (&["context", "add", "a b", "--url", "http://x"], 2, "must have 1 to 100 letters"),
        (&["runs", "list", "--context", "lab"], 3, "--context \"lab\": not found"),
        (&["runs", "list", "--context", "gone", "--url", "http://x"], 2, "--url: no effect with --context"),
        (&["context", "list", "--url", "http://x"], 2, "--url: no effect"),
    ] {
        let refused = cli.run(args).await;
        assert_eq!(refused.code, code, "{args:?}: {refused:?}");
        assert!(refused.stderr.contains(problem), "{args:?}: {refused:?}");
    }
    fs::write(&file, "current = \"lab\"\n[contexts.lab]\nurl = 7\n").unwrap();
    let refused = cli.run(&names).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.starts_with(&format!("mlbench: {}:3: ", file.display())), "{refused:?}");
    assert_eq!(cli.clone().env("MLBENCH_URL", &url).run(&names).await.code, 0, "the file is not needed");
}

#[tokio::test]
async fn a_token_is_stored_when_the_server_accepts_it() {
    let server = ServerOptions::default().token(TOKEN).start().await;
    let (cli, file) = bare(&server);
    let url = server.url();
    let wrong = login(&cli, &["--url", &url], "wrong").await;
    assert_eq!((wrong.code, file.exists()), (4, false), "{wrong:?}");
    let empty = login(&cli, &["--url", &url], "").await;
    assert_eq!((empty.code, file.exists()), (2, false), "{empty:?}");
    let accepted = login(&cli, &["--url", &url], TOKEN).await;
    assert_eq!(accepted.code, 0, "{accepted:?}");
    assert!(
        accepted.stderr.contains(&format!("as context {:?}", server.address().to_string())),
        "{accepted:?}"
    );
    assert_eq!((mode(&file), cli.run(&["runs", "list"]).await.code), (0o600, 0));
    let shown = cli.ok(&["context", "show", "-o", "yaml"]).await;
    assert!(shown.contains("token: stored") && !shown.contains("secret"), "{shown}");
    let other = cli.run(&["runs", "list", "--url", &url]).await;
    assert_eq!(other.code, 4, "a URL has no token of a context: {other:?}");
    cli.ok(&["logout"]).await;
    assert_eq!(cli.run(&["runs", "list"]).await.code, 4);
    assert!(!fs::read_to_string(&file).unwrap().contains("secret"));
}

#[tokio::test]
async fn a_terminal_does_not_show_the_token() {
    let Some(script) = tools::script() else { return };
    let server = ServerOptions::default().token(TOKEN).start().await;
    let (_, file) = bare(&server);
    let config = format!("XDG_CONFIG_HOME='{}'", server.dir().join("config").display());
    let mut command = on_terminal(&script, &server, &config, &format!("login --url {}", server.url()));
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut seen = String::new();
    let typed = format!("{TOKEN}\r");
    let mut typed = typed.as_str();
    loop {
        let mut bytes = [0; 1024];
        let count = timeout(TIMEOUT, output.read(&mut bytes)).await.unwrap().unwrap();
        seen += &String::from_utf8_lossy(&bytes[..count]);
        if count == 0 {
            break;
        }
        if seen.contains("Token for ") {
            input.write_all(std::mem::take(&mut typed).as_bytes()).await.unwrap();
        }
    }
    assert!(timeout(TIMEOUT, child.wait()).await.unwrap().unwrap().success(), "{seen}");
    assert!(!seen.contains("secret") && file.exists(), "{seen}");
}

#[tokio::test]
async fn a_signal_lets_the_terminal_show_what_is_typed() {
    let Some(script) = tools::script() else { return };
    let server = ServerOptions::default().token(TOKEN).start().await;
    let pid = server.dir().join("pid");
    let login = format!("login --url {}; stty -a; true", server.url());
    // The shell of the terminal goes on after the command, and shows its settings.
    let config = server.dir().join("config");
    let setup =
        format!("XDG_CONFIG_HOME='{}' sh -c 'echo $$ > {}; exec \"$@\"' sh", config.display(), pid.display());
    let mut child =
        on_terminal(&script, &server, &setup, &login).stdin(std::process::Stdio::piped()).spawn().unwrap();
    let mut output = child.stdout.take().unwrap();
    let (mut seen, mut is_ended) = (String::new(), false);
    loop {
        let mut bytes = [0; 1024];
        let read = timeout(TIMEOUT, output.read(&mut bytes)).await.unwrap().unwrap();
        seen += &String::from_utf8_lossy(&bytes[..read]);
        if read == 0 {
            break;
        }
        if seen.contains("Token for ") && !std::mem::replace(&mut is_ended, true) {
            let pid: i32 = fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
            kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
        }
    }
    timeout(TIMEOUT, child.wait()).await.unwrap().unwrap();
    assert!(seen.contains(" echo ") && seen.contains(" icanon ") && seen.contains("isig "), "{seen}");
}
