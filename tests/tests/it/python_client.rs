//! Published Python packages, unmodified, with this server: the old dashboard's, MLflow's, TensorBoard's.

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

/// Imports what the packages of today write.
#[tokio::test]
async fn event_files_of_tensorboard_are_imported() {
    let Some(python) = tools::tensorboard() else { return };
    let server = ServerOptions::default().start().await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/write_events.py");
    let logs = server.dir().join("logs");
    let output = run_program(&python, &[script.to_str().unwrap(), logs.to_str().unwrap()]).await;
    assert_eq!(output.code, 0, "{}\n{}", output.stdout, output.stderr);
    let imported = server.cli().json(&["import", logs.to_str().unwrap()]).await;
    let rows: Vec<String> = imported
        .as_array()
        .unwrap()
        .iter()
        .map(|run| {
            format!(
                "{} {} {} {}",
                run["name"].as_str().unwrap(),
                run["points"],
                run["left_out"],
                run["state"]
            )
        })
        .collect();
    let expected = [
        r#"tensorboard 18 {"histograms":1} "FINISHED""#,
        r#"torch 41 {"histograms":1,"images":1,"text":1} "FINISHED""#,
        r#"torch/tuned 1 {"hparams details":2} "FINISHED""#,
    ];
    assert_eq!(rows, expected);
    let run = server.cli().json(&["runs", "show", "torch/tuned"]).await;
    assert_eq!(run["params"], serde_json::json!({"lr": 0.1, "opt": "adam", "deep": true}));
    let values = |metrics: &serde_json::Value, name: &str| -> Vec<String> {
        metrics[name]
            .as_array()
            .unwrap()
            .iter()
            .map(|point| point["value"].as_str().unwrap().to_owned())
            .collect()
    };
    let metrics = server.cli().json(&["metrics", "--run", "tensorboard"]).await;
    for name in ["float16", "float32", "float64"] {
        assert_eq!(values(&metrics, name), ["0.5", "1.5", "2.5"], "{name}");
    }
    for name in ["int32", "int64", "uint8"] {
        assert_eq!(values(&metrics, name), ["0", "1", "2"], "{name}");
    }
    let metrics = server.cli().json(&["metrics", "--run", "torch"]).await;
    assert_eq!(values(&metrics, "loss")[..4], ["1", "0.5", "0.33333334", "0.25"]);
    assert_eq!(values(&metrics, "nan"), ["NaN"]);
    assert_eq!(metrics["loss"][1]["date"], "2018-08-03T09:21:30.500000Z");
}
