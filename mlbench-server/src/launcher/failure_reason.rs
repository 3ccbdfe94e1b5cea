//! The reasons of failures, in words.

use std::time::Duration;

/// The signals that end programs, by number (the same on every Linux that Rust runs workers on).
const SIGNALS: [(i32, &str); 17] = [
    (1, "SIGHUP"),
    (2, "SIGINT"),
    (3, "SIGQUIT"),
    (4, "SIGILL"),
    (5, "SIGTRAP"),
    (6, "SIGABRT"),
    (7, "SIGBUS"),
    (8, "SIGFPE"),
    (9, "SIGKILL"),
    (10, "SIGUSR1"),
    (11, "SIGSEGV"),
    (12, "SIGUSR2"),
    (13, "SIGPIPE"),
    (14, "SIGALRM"),
    (15, "SIGTERM"),
    (24, "SIGXCPU"),
    (25, "SIGXFSZ"),
];

/// How a rank ended that did not end well. Exit codes above 128 are signals, 126 and 127 are the shell's.
pub(super) fn exit(rank: u32, code: i32) -> String {
    if let Some((_, name)) = SIGNALS.iter().find(|(number, _)| *number == code - 128) {
        return format!("rank {rank} was killed by {name} (exit code {code})");
    }
    match code {
        126 => format!("rank {rank} exited with code 126: the command cannot be executed"),
        127 => format!("rank {rank} exited with code 127: the command was not found"),
        _ => format!("rank {rank} exited with code {code}"),
    }
}

/// Workers that did not come up in time.
pub(super) fn start_timeout(timeout: Duration, missing: &[String]) -> String {
    let missing =
        if missing.is_empty() { "the cluster does not say what is missing" } else { &missing.join("; ") };
    format!("the workers did not come up within {}: {missing}", duration(timeout))
}

/// A cluster that has not answered for a while.
pub(super) fn outage(lasting: Duration, error: &str) -> String {
    format!("{error} (for {} now); trying again until it answers", duration(lasting))
}

/// `10 min`, `90 s`.
fn duration(duration: Duration) -> String {
    match duration.as_secs() {
        0 => format!("{} ms", duration.as_millis()),
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_code_is_put_in_words() {
        assert_eq!(exit(1, 3), "rank 1 exited with code 3");
        assert_eq!(exit(0, 137), "rank 0 was killed by SIGKILL (exit code 137)");
        assert_eq!(exit(2, 127), "rank 2 exited with code 127: the command was not found");
        assert_eq!(exit(0, 255), "rank 0 exited with code 255");
        assert_eq!(exit(0, 128), "rank 0 exited with code 128");
    }

    #[test]
    fn a_start_timeout_says_what_is_missing() {
        let missing = ["worker 1: ImagePullBackOff".to_owned(), "worker 2: Unschedulable".to_owned()];
        assert_eq!(
            start_timeout(Duration::from_secs(600), &missing),
            "the workers did not come up within 10 min: worker 1: ImagePullBackOff; worker 2: Unschedulable"
        );
        assert!(
            start_timeout(Duration::from_millis(1_500), &[]).contains("within 1 s: the cluster does not")
        );
    }
}
