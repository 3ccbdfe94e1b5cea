//! The programs of `examples/`, which train for real on two local workers of a server with a token.

use std::path::Path;

use mlbench_client::{MetricsQuery, Owner, Point, RunRequest, RunState};
use mlbench_tests::{ServerOptions, new_run, source, tools};

/// Runs an example, and checks that program and comparison say that it has reached its goal.
async fn trains(python: &Path, script: &str, backend: Option<&str>) {
    let server = ServerOptions::default().token("secret-of-the-server").start().await;
    // Without bytecode in the sources.
    let command = format!("'{}' -B '{}'/{script}", python.display(), source("examples"));
    let new = RunRequest { backend: backend.map(str::to_owned), ..new_run("digits", &command) };
    let client = server.client();
    let run = server.wait(client.runs().start(&new).await.unwrap().id).await;
    let output = server.output(run.id).await;
    assert_eq!(run.state, RunState::Finished, "{:?}\n{output:?}", run.job_metadata.reason);
    let reached = output.iter().filter(|line| line.text.starts_with("reached 95 % on 2 ranks after "));
    assert_eq!(reached.count(), 1, "{output:?}");

    let metrics = client.metrics().get(&Owner::Run(run.id), &MetricsQuery::default()).await.unwrap();
    let accuracy = &metrics["val_global_Prec@1 @ 0"];
    let percent = |point: &Point| point.value.as_f64().unwrap();
    let (last, before) = accuracy.split_last().unwrap();
    assert!(percent(last) >= 95.0 && before.iter().all(|point| percent(point) < 95.0), "{accuracy:?}");
    assert_eq!(metrics["train_loss @ 0"].len(), accuracy.len(), "a loss for each epoch");

    let goal = ["--metric", "val_global_Prec@1", "--goal", "95"];
    let compared = server.cli().json(&[&["runs", "compare", "digits"][..], &goal].concat()).await;
    let seconds = &compared["groups"][0]["time_to_accuracy"]["median"];
    assert!(compared["clock"] == "training" && seconds.as_f64() > Some(0.0), "{compared:#}");
}

#[tokio::test]
async fn pytorch_trains_to_its_goal_with_eight_loaders_in_each_rank() {
    let Some(python) = tools::torch() else { return };
    trains(&python, "pytorch_digits.py --loaders 8", None).await;
}

#[tokio::test]
async fn mpi4py_trains_to_its_goal() {
    let (Some(python), Some(_)) = (tools::mpi4py(), tools::mpirun()) else { return };
    trains(&python, "mpi_digits.py", Some("mpi")).await;
}
