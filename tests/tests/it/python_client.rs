//! Published Python clients, unmodified, against this server: that of the old dashboard, and that of MLflow.

use std::path::Path;

use mlbench_tests::{ServerOptions, run_program, tools};

/// Runs the driver, which calls every public method in the client's `api.py` and fails if it misses one.
#[tokio::test]
async fn every_method_of_the_published_client_works() {
    let Some(python) = tools::python() else { return };
    let server = ServerOptions::default().workers(2).start().await;
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/drive.py");
    let arguments = [driver.to_str().unwrap(), &server.address().to_string()];
    let output = run_program(&python, &arguments).await;
    assert_eq!(output.code, 0, "{}\n{}", output.stdout, output.stderr);
    assert!(output.stdout.ends_with("every method was called\n"), "{}", output.stdout);
}

/// Runs a script with the variables of MLflow that a user sets, in a folder that stays empty.
#[tokio::test]
async fn the_client_of_mlflow_logs_and_reads_unmodified() {
    let Some(python) = tools::mlflow_client() else { return };
    let server = ServerOptions::default().start().await;
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/mlflow_client.py");
    let address = format!("MLFLOW_TRACKING_URI=http://{}", server.address());
    let settings = [address.as_str(), "MLFLOW_DISABLE_TELEMETRY=true", "GIT_PYTHON_REFRESH=quiet"];
    let command = ["-C", folder.path().to_str().unwrap(), python.to_str().unwrap(), script.to_str().unwrap()];
    let arguments = [&command[..2], &settings, &command[2..]].concat();
    let output = run_program(Path::new("env"), &arguments).await;
    assert_eq!(output.code, 0, "{}\n{}", output.stdout, output.stderr);
    let last = output.stdout.lines().last().unwrap_or_default();
    assert!(last.ends_with(" logged and read 4 runs"), "{}\n{}", output.stdout, output.stderr);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "the client wrote files here: {left:?}");
}
