//! `mlbench runs report`.

use std::fs;

use mlbench_tests::{TestServer, binary};

/// Trains the built-in benchmark twice in one run.
async fn train(server: &TestServer, name: &str, workers: &str) {
    let program = binary("mlbench").display().to_string();
    let command = format!(
        "'{program}' benchmark logistic-regression --breast-cancer --repeats 2 --run_id {{run_id}} --rank {{rank}} \
         --hosts {{hosts}}"
    );
    let words = ["runs", "start", "--name", name, "--workers", workers, "--command", &command, "--wait"];
    server.cli().ok(&words).await;
}

#[tokio::test]
async fn a_report_has_tables_and_charts() {
    let server = TestServer::start().await;
    train(&server, "one", "1").await;
    train(&server, "two", "2").await;
    let directory = server.dir().join("new/report");
    let output = ["runs", "report", "one", "two", "--output", directory.to_str().unwrap()];
    let report = server.cli().run(&output).await;
    assert_eq!(report.code, 0, "{report:?}");
    assert!(report.stderr.starts_with("wrote ") && report.stderr.contains(": report.md, "), "{report:?}");
    assert!(report.stdout.starts_with("group\tnames\truns\t"), "{report:?}");
    let csv = server.cli().ok(&["runs", "compare", "one", "two", "-o", "csv"]).await;
    assert_eq!(fs::read_to_string(directory.join("comparison.csv")).unwrap(), csv);
    let markdown = fs::read_to_string(directory.join("report.md")).unwrap();
    for name in ["time", "speed-up", "efficiency", "shares"] {
        let svg = fs::read_to_string(directory.join(format!("{name}.svg"))).unwrap();
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{name}: {svg}");
        assert!(
            fs::read(directory.join(format!("{name}.png"))).unwrap().starts_with(b"\x89PNG\r\n"),
            "{name}"
        );
        assert!(markdown.contains(&format!("]({name}.svg)")), "{name}: {markdown}");
    }
    assert!(markdown.contains("\n| 2 workers"), "{markdown}");
    let speed_up = fs::read_to_string(directory.join("speed-up.svg")).unwrap();
    assert!(speed_up.contains("ideal") && speed_up.contains("workers"), "{speed_up}");

    // A single run has no speed-up, and its report no such chart.
    let single = server.dir().join("single");
    let report = server.cli().run(&["runs", "report", "one", "--output", single.to_str().unwrap()]).await;
    assert!(report.code == 0 && !single.join("speed-up.svg").exists() && single.join("time.svg").exists());
    let file = directory.join("time.svg");
    let refused = server.cli().run(&["runs", "report", "one", "--output", file.to_str().unwrap()]).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.starts_with("mlbench: --output: cannot write "), "{}", refused.stderr);
}
