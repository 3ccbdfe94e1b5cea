//! schemathesis, which derives requests from the description of the API, against this server.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use mlbench_core::api::Endpoint;
use mlbench_tests::{ServerOptions, tools};
use tokio::process::Command;

const TOKEN: &str = "the-operators-token-of-this-test";

/// How long schemathesis may take on a busy machine. Alone on two cores, it takes half a minute.
const DEADLINE: Duration = Duration::from_mins(10);

/// Runs all checks and phases with a fixed seed. `tests/schemathesis/` has their settings.
#[tokio::test]
async fn every_derived_request_gets_a_described_response() {
    let Some(program) = tools::schemathesis() else { return };
    // Runs without a command end at once.
    let options = ServerOptions::default().workers(2).args(&["--default-command", "true"]);
    let server = options.token(TOKEN).start().await;
    let document = Endpoint::GetOpenApi.path(&[]);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemathesis");
    let mut command = Command::new(program);
    command
        .arg("--config-file")
        .arg(folder.join("schemathesis.toml"))
        .arg("run")
        .arg(format!("{}{document}", server.url()));
    command.args(["--seed", "1", "--max-examples", "8", "--no-color", "--warnings", "off"]);
    command.args(["--generation-database", "none"]);
    command.env("SCHEMATHESIS_HOOKS", folder.join("hooks.py")).env("MLBENCH_TOKEN", TOKEN);
    // The directory of the server takes what schemathesis writes.
    command.current_dir(server.dir()).stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(DEADLINE, command.output()).await;
    let output = output.expect("schemathesis ends in time").unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}\n{}", String::from_utf8_lossy(&output.stderr));
    for phase in ["Examples", "Coverage", "Fuzzing", "Stateful"] {
        assert!(report.contains(&format!("✅ {phase}")), "{phase} did not run: {report}");
    }
}
