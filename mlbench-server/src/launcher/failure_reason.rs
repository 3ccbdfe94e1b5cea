//! Failure reasons of runs, in plain English.

use std::time::Duration;

use crate::duration_text::format_duration;

/// Signals that end a process, by number (the same on every Linux architecture that workers run on).
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

/// The most ranks that a reason names.
const MAX_NAMED_RANKS: usize = 8;

/// A rank exited with a code other than 0.
///
/// By the shell's convention 126 and 127 mean that the command did not start, and codes above 128 are signals.
pub(super) fn rank_exit(rank: u32, code: i32) -> String {
    if let Some((_, name)) = SIGNALS.iter().find(|(number, _)| *number == code - 128) {
        return format!("rank {rank} was killed by {name} (exit code {code})");
    }
    match code {
        126 => format!("rank {rank} exited with code 126: the command, or its directory, cannot be used"),
        127 => format!("rank {rank} exited with code 127: command not found"),
        _ => format!("rank {rank} exited with code {code}"),
    }
}

/// The workers were not ready in time: the cluster still waits for what is `missing`.
pub(super) fn start_timeout(timeout: Duration, missing: &[String]) -> String {
    let missing = if missing.is_empty() { "the cluster gave no cause" } else { &missing.join("; ") };
    format!("the workers were not ready within {}: {missing}", format_duration(timeout))
}

/// The command could not be launched in time, because of the last `error`.
pub(super) fn launch_timeout(timeout: Duration, error: &str) -> String {
    format!("the command did not start within {}: {error}", format_duration(timeout))
}

/// The run took too long.
pub(super) fn time_limit(limit: Duration) -> String {
    format!("the run did not end within its time limit of {}", format_duration(limit))
}

/// The ranks in `open` went on for too long after another one had ended.
pub(super) fn exit_grace(open: &[u32], limit: Duration) -> String {
    let ranks: Vec<String> = open.iter().take(MAX_NAMED_RANKS).map(u32::to_string).collect();
    let more = if open.len() > MAX_NAMED_RANKS { ", …" } else { "" };
    let (what, limit) = (if open.len() == 1 { "rank" } else { "ranks" }, format_duration(limit));
    format!("{what} {}{more} did not end within {limit} after another rank had ended", ranks.join(", "))
}

/// The processes of a rank cannot be signalled or do not end, because of the last `error`.
pub(super) fn unreachable_rank(rank: u32, time: Duration, error: &str) -> String {
    format!("rank {rank} could not be stopped for {}: {error}", format_duration(time))
}

/// Fewer ranks were launched than the run needs.
pub(super) fn partial_start(started: usize, wanted: u32) -> String {
    format!("the command started on only {started} of {wanted} ranks")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_code_is_explained() {
        assert_eq!(rank_exit(1, 3), "rank 1 exited with code 3");
        assert_eq!(rank_exit(0, 137), "rank 0 was killed by SIGKILL (exit code 137)");
        assert_eq!(rank_exit(2, 127), "rank 2 exited with code 127: command not found");
        assert_eq!(rank_exit(0, 255), "rank 0 exited with code 255");
        assert_eq!(rank_exit(0, 128), "rank 0 exited with code 128");
    }

    #[test]
    fn a_limit_names_the_ranks_that_exceeded_it() {
        let limit = Duration::from_secs(90);
        assert_eq!(time_limit(limit), "the run did not end within its time limit of 90 s");
        let reason = |open: &[u32]| exit_grace(open, limit);
        assert_eq!(reason(&[1]), "rank 1 did not end within 90 s after another rank had ended");
        let all: Vec<u32> = (0..10).collect();
        assert!(reason(&all).starts_with("ranks 0, 1, 2, 3, 4, 5, 6, 7, … did not end"), "{}", reason(&all));
    }

    #[test]
    fn a_start_timeout_names_what_is_missing() {
        let missing = ["worker 1: ImagePullBackOff".to_owned(), "worker 2: Unschedulable".to_owned()];
        assert_eq!(
            start_timeout(Duration::from_secs(600), &missing),
            "the workers were not ready within 10 min: worker 1: ImagePullBackOff; worker 2: Unschedulable"
        );
        assert!(
            start_timeout(Duration::from_millis(1_500), &[]).contains("within 1500 ms: the cluster gave no")
        );
    }
}
