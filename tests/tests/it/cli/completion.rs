//! What a shell completes, and the manual pages.

use mlbench_tests::{Cli, TestServer, tools};
use tempfile::tempdir;
use tokio::process::Command;

#[tokio::test]
async fn bash_completes_commands_options_values_and_the_runs_of_the_server() {
    let Some(bash) = tools::bash() else { return };
    let server = TestServer::start().await;
    let cli = server.cli();
    for name in ["first", "two words", "first", "second"] {
        cli.ok(&["runs", "record", "--name", name, "--", "true"]).await;
    }
    let script = format!("{}/completion", server.dir().display());
    std::fs::write(&script, cli.ok(&["completions", "bash"]).await).unwrap();
    let complete = async |words: &str| {
        let line = format!(
            "source '{script}'; COMP_WORDS=({words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 )); \
             _clap_complete_mlbench mlbench \"${{COMP_WORDS[COMP_CWORD]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let output = Command::new(&bash).args(["-c", &line]).env("MLBENCH_URL", server.url()).output().await;
        let output = output.unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(complete("mlbench runs st").await, ["start", "stop"]);
    assert_eq!(complete("mlbench runs list --so").await, ["--sort", "--sort-by"]);
    assert_eq!(complete("mlbench runs list --state fin").await, ["finished"]);
    assert_eq!(complete("mlbench completions ''").await[..4], ["bash", "zsh", "fish", "powershell"]);
    // A name that a shell would split, or that selects a newer run, is offered as an id.
    assert_eq!(complete("mlbench runs show ''").await[..4], ["second", "first", "2", "1"]);
    assert_eq!(complete("mlbench runs logs f").await, ["first"]);
    assert_eq!(complete("mlbench runs compare first s").await, ["second"]);
    assert_eq!(complete("mlbench metrics --run s").await, ["second"]);
    assert_eq!(
        complete("mlbench metrics --pod ''").await,
        ["local-mlbench-worker-0", "local-mlbench-worker-1"]
    );
    // A server that is away is no error, and the options are still there.
    let away = complete("mlbench --url http://127.0.0.1:1 runs show ''").await;
    assert_eq!(away.first().map(String::as_str), Some("--output"), "{away:?}");
}

#[tokio::test]
async fn every_shell_has_a_script_and_every_command_a_manual_page() {
    let cli = Cli::new("http://127.0.0.1:1");
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = cli.ok(&["completions", shell]).await;
        assert!(script.contains("MLBENCH_COMPLETE") && script.contains(shell), "{shell}: {script}");
    }
    let dir = tempdir().unwrap();
    cli.ok(&["man", dir.path().to_str().unwrap()]).await;
    for page in ["mlbench.1", "mlbench-runs-start.1", "mlbench-metrics-post.1", "mlbench-log.1"] {
        let text = std::fs::read_to_string(dir.path().join(page)).unwrap();
        assert!(text.contains(".SH OPTIONS") && text.contains("Examples:"), "{page}: {text}");
    }
    let missing = cli.run(&["man", "/dev/null/pages"]).await;
    assert_eq!(missing.code, 1);
    assert!(
        missing.stderr.starts_with("mlbench: DIR: cannot write manual pages to /dev/null/pages: "),
        "{missing:?}"
    );
}
