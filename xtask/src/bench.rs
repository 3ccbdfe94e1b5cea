//! `cargo xtask bench`: every figure of the server's speed beside its limit. The measuring is a benchmark of the tests'
//! package (`tests/benches/speed/`); here it is built, told where things are, and run.

use std::process::{Command, ExitCode};

use crate::repo;

/// Builds server and benchmark in release mode and measures. A goal that is missed is no failure: it is a measurement.
pub(crate) fn run(args: &[String]) -> Result<ExitCode, String> {
    let succeeds = |command: &mut Command| {
        let status = command.status().map_err(|error| format!("cannot run cargo: {error}"))?;
        Ok::<_, String>(status.success())
    };
    println!("building in release mode …");
    if !succeeds(&mut repo::cargo(&["build", "--release", "--bins", "-p", "mlbench-server"]))? {
        return Err("the build failed".to_owned());
    }
    let target = repo::target_dir();
    let mut bench =
        repo::cargo(&["bench", "--quiet", "-p", "mlbench-tests", "--bench", "speed", "--", "--server"]);
    bench.arg(target.join("release/mlbench-server")).arg("--out").arg(target.join("bench")).args(args);
    if !succeeds(&mut bench)? {
        return Err("the benchmark did not come to its end".to_owned());
    }
    Ok(ExitCode::SUCCESS)
}
