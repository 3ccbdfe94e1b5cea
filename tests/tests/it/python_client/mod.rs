//! The published Python client of the old dashboard, unmodified, against this server.

use std::path::Path;

use mlbench_tests::{ServerOptions, run_program, tools};

/// The driver calls every public method of the client's `api.py`, and fails when there is one that it does not know.
#[tokio::test]
async fn every_method_of_the_published_client_works() {
    let Some(python) = tools::python() else { return };
    let server = ServerOptions::default().workers(2).start().await;
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/drive.py");
    let arguments = [driver.to_str().unwrap(), &server.address().to_string()];
    let ended = run_program(&python, &arguments).await;
    assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.ends_with("every method was called\n"), "{}", ended.stdout);
}
