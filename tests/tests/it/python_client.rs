//! The published Python client of the old dashboard, unmodified, against this server.

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
