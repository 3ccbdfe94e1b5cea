//! What some tests need that not every machine has.
//!
//! A test that lacks its tool says so and passes: `let Some(tool) = tools::mpirun() else { return };`. It writes one
//! line `SKIPPED test: reason` past the capture of test output, so that it is seen even when everything passes, and
//! `cargo xtask test` counts it as skipped.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The published Python client and what it imports are there: the Python that has them.
#[must_use]
pub fn python() -> Option<PathBuf> {
    let needs = "needs a Python with requests, kubernetes and the published client: run .ci/python-client, or name one \
                 in MLBENCH_PYTHON";
    let python = std::env::var_os("MLBENCH_PYTHON").map_or_else(|| "python3".into(), PathBuf::from);
    let imports = "import importlib.util as u, sys; \
                   sys.exit(not all(map(u.find_spec, ('requests', 'kubernetes', 'mlbench_core'))))";
    available(succeeds(Command::new(&python).args(["-c", imports])), needs).then_some(python)
}

/// Open MPI's `mpirun`.
#[must_use]
pub fn mpirun() -> Option<PathBuf> {
    let needs = "needs Open MPI: install it (Debian: apt-get install openmpi-bin) so that mpirun is on PATH";
    available(succeeds(Command::new("mpirun").arg("--version")), needs).then(|| "mpirun".into())
}

/// `curl`, for the examples of the README.
#[must_use]
pub fn curl() -> Option<PathBuf> {
    let needs = "needs curl on PATH (Debian: apt-get install curl)";
    available(succeeds(Command::new("curl").arg("--version")), needs).then(|| "curl".into())
}

/// Prometheus' `promtool`.
#[must_use]
pub fn promtool() -> Option<PathBuf> {
    let needs = "needs promtool on PATH (Debian: apt-get install prometheus)";
    available(succeeds(Command::new("promtool").arg("--version")), needs).then(|| "promtool".into())
}

fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Passes `available` on; says that this test is skipped when it is not.
fn available(available: bool, needs: &str) -> bool {
    if !available {
        let current = std::thread::current();
        let test = current.name().unwrap_or("a test");
        // Written directly, not by a macro: the test harness swallows what macros print.
        let _ = std::io::stderr().write_all(format!("SKIPPED {test}: {needs}\n").as_bytes());
    }
    available
}
