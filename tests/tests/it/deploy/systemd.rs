//! The unit for a single machine.

use std::fs;
use std::path::Path;

use mlbench_tests::{binary, run_program, source, tools};

/// Writes the unit with the absolute path of the server, which is not installed here.
fn unit(folder: &Path) -> String {
    let server = binary("mlbench-server").display().to_string();
    let text = fs::read_to_string(source("deploy/systemd/mlbench.service")).unwrap();
    let unit = text.replace("ExecStart=mlbench-server", &format!("ExecStart={server}"));
    assert!(unit.contains(&server), "{text}");
    let file = folder.join("mlbench.service");
    fs::write(&file, unit).unwrap();
    file.display().to_string()
}

#[tokio::test]
async fn systemd_accepts_every_line_of_the_unit() {
    let Some(analyze) = tools::systemd_analyze() else { return };
    let folder = tempfile::tempdir().unwrap();
    let output = run_program(&analyze, &["verify", "--man=no", &unit(folder.path())]).await;
    // Unknown lines are warnings, which do not change the exit code.
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{}", output.stdout);
}

#[tokio::test]
async fn the_unit_confines_the_server_and_its_runs() {
    let Some(analyze) = tools::systemd_analyze() else { return };
    let folder = tempfile::tempdir().unwrap();
    let unit = unit(folder.path());
    // The exposure, times ten: 50 is where systemd's own words change from OK to MEDIUM.
    let arguments = ["security", "--no-pager", "--offline=true", "--threshold=50", unit.as_str()];
    let output = run_program(&analyze, &arguments).await;
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
}
