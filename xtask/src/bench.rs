//! `cargo xtask bench`: measures the speed of the server next to the limits of the machine.
//!
//! `tests/benches/speed/` is the benchmark. This command builds it and the server, and passes it the path of the server.

use std::process::ExitCode;

use crate::repo;

/// Builds server and benchmark in release mode and measures.
///
/// Missed goals are reported but do not fail the command.
pub(crate) fn run(args: &[String]) -> Result<ExitCode, String> {
    repo::build_release()?;
    let target = repo::target_dir();
    let mut bench =
        repo::cargo(&["bench", "--quiet", "-p", "mlbench-tests", "--bench", "speed", "--", "--server"]);
    bench.arg(target.join("release/mlbench-server")).arg("--out").arg(target.join("bench")).args(args);
    if !repo::succeeds(&mut bench)? {
        return Err("the benchmark failed".to_owned());
    }
    Ok(ExitCode::SUCCESS)
}
