//! Runs a tool of the page for a bounded time, and shows its output only when it fails.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;

use crate::repo;

/// The folder of the page.
pub(super) fn folder() -> PathBuf {
    repo::root().join("mlbench-server/dashboard")
}

/// Runs a program in the folder of the page, and returns what it printed.
///
/// # Errors
/// With the output of the program where it fails or takes too long.
pub(super) fn run(program: &str, args: &[&str], within: Duration) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot start the tokio runtime: {error}"))?;
    runtime.block_on(run_within(program, args, within))
}

async fn run_within(program: &str, args: &[&str], within: Duration) -> Result<String, String> {
    let name = format!("{program} {}", args.join(" "));
    let child = Command::new(program)
        .args(args)
        .current_dir(folder())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A tool that takes too long is killed with everything that it started.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("cannot run {program}: {error}"))?;
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let Ok(output) = tokio::time::timeout(within, child.wait_with_output()).await else {
        let _ = group.map(|group| kill_process_group(group, Signal::KILL));
        return Err(format!("{name}: did not end within {} s", within.as_secs()));
    };
    let output = output.map_err(|error| format!("{name}: {error}"))?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(printed);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!("{name}: {}\n{}{}", output.status, printed, complaint.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn the_output_of_a_tool_is_in_its_error() {
        assert_eq!(run("echo", &["fine"], LONG).unwrap(), "fine\n");
        let error = run("sh", &["-c", "echo one; echo two >&2; exit 3"], LONG).unwrap_err();
        assert!(error.ends_with("exit status: 3\none\ntwo"), "{error}");
        let missing = run("no-such-program", &[], LONG).unwrap_err();
        assert!(missing.starts_with("cannot run no-such-program: "), "{missing}");
    }

    #[test]
    fn a_tool_that_takes_too_long_is_killed_with_what_it_started() {
        let error = run("sh", &["-c", "tail -f /dev/null & wait"], Duration::from_millis(50)).unwrap_err();
        assert!(error.ends_with("did not end within 0 s"), "{error}");
    }
}
