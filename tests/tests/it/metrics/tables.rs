//! Arrow and Parquet, as pyarrow reads them.

use std::path::Path;

use mlbench_tests::{TestServer, run_program, tools};
use serde_json::json;

#[tokio::test]
async fn pyarrow_reads_the_points_of_json() {
    let Some(python) = tools::pyarrow() else { return };
    let server = TestServer::start().await;
    server.run("true").await;
    let losses: Vec<f64> = (0..20_000).map(|i| 1.0 / f64::from(i + 1)).collect();
    let steps: Vec<i32> = (0..20_000).collect();
    let series = json!([
        {"run_id": 1, "name": "loss @ 0", "step": steps, "value": losses, "cumulative": true},
        {"run_id": 1, "name": "ü/%@ 0", "epoch": 0.5, "metadata": "{rank: 0}",
            "value": ["1.50", "NaN", "-Infinity", "80% Top 1", "", "-0", "12345678901234567", "1e-05", 7]},
    ]);
    let response = server.post("/api/metrics/batch/", series).await.json();
    assert_eq!(response["accepted"], 20_009);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/tables.py");
    let output = run_program(&python, &[script.to_str().unwrap(), &server.address().to_string()]).await;
    assert_eq!(output.code, 0, "{}\n{}", output.stdout, output.stderr);
    assert_eq!(output.stdout, "20009 points are the same in every format\n");
}
