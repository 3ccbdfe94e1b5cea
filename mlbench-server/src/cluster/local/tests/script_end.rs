//! The output of a rank in a pod at the end of its command, however late it comes and whatever goes on.

use std::os::unix::fs::PermissionsExt as _;

use super::harness::{DEADLINE, wait_until};
use super::pod_rank::Rank;
use crate::cluster::supervisor::SCRIPT;

#[tokio::test]
async fn orphans_with_the_pipes_do_not_hold_up_the_end() {
    let rank = Rank::launched("sleep 1000 & echo up; exit 3");
    rank.ended().await;
    assert_eq!(rank.follow((0, 0), 100), "mlbench ended 3 3 0\nup\n");
}

/// Reads standard output until nothing follows, and returns its size.
fn read_all(rank: &Rank, state: &str) -> u64 {
    let (mut read, started) = (0, std::time::Instant::now());
    loop {
        let piece = rank.follow((read, 0), 1 << 20);
        let size: u64 = piece.split(' ').nth(3).unwrap().parse().unwrap();
        assert!(piece.starts_with(state) && started.elapsed() < DEADLINE, "{read} bytes, then {piece}");
        if size == 0 {
            return read;
        }
        read += size;
    }
}

#[tokio::test]
async fn what_an_orphan_prints_without_end_is_not_read_without_end() {
    let script = "while sleep 0.01; do echo more; done & echo up; exit 3";
    for launched in [Rank::launched, Rank::launched_without_mkfifo] {
        let rank = launched(script);
        rank.ended().await;
        let read = read_all(&rank, "mlbench ended 3 ");
        assert!(read >= 3);
        wait_until("more output", || async { rank.segments().values().sum::<u64>() > read }).await;
    }
}

#[tokio::test]
async fn what_a_command_prints_without_its_supervisor_is_not_read_without_end() {
    for launched in [Rank::launched, Rank::launched_without_mkfifo] {
        let rank = launched("kill -9 $PPID; while sleep 0.01; do echo more; done");
        wait_until("output", || async { !rank.follow((0, 0), 9).contains(" running ") }).await;
        let read = read_all(&rank, "mlbench killed - ");
        wait_until("more output", || async { rank.segments().values().sum::<u64>() > read }).await;
    }
}

#[test]
fn a_copier_that_begins_a_segment_has_copied_all_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let (_, position) = SCRIPT.split_once("\nposition='").unwrap();
    let (position, _) = position.split_once("'\n").unwrap();
    // The newest segment has 24 bytes.
    let script = format!(
        "{position}\ncd '{}'; exec 5>>segment; printf %24s >&5; position stdout $$; echo $at",
        folder.path().display()
    );
    for (segment, expected) in [("1000      ", "1024\n"), ("1000 begin", "1000\n"), ("", "24\n")] {
        std::fs::remove_file(folder.path().join("segment")).ok();
        std::fs::write(folder.path().join("stdout.at"), format!("{segment}\n    \n")).unwrap();
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected, "{segment}");
    }
}

/// Launches a command whose copiers of these streams work, but copy nothing for 3 s after its end.
fn launched_with_late_copiers(streams: &str, command: &str) -> Rank {
    let rank = Rank::new();
    rank.prepare();
    let bin = rank.0.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let uptime = "read -r now idle </proc/uptime && now=${now%.*}";
    let script = format!(
        "#!/bin/sh\nPATH=${{PATH#*:}}\ncase $(readlink /proc/$$/fd/0) in *{streams}.pipe) ;; *) exec dd \"$@\" ;; esac\n\
         until [ -e '{}/last' ]; do :; done\n{uptime}; end=$((now + 4))\n\
         while [ $now -lt $end ]; do {uptime}; done\nexec dd \"$@\"\n",
        rank.dir()
    );
    std::fs::write(bin.join("dd"), script).unwrap();
    std::fs::set_permissions(bin.join("dd"), std::fs::Permissions::from_mode(0o700)).unwrap();
    let command = format!("{command}; : >'{}/last'", rank.dir());
    let launch = format!("mlbench_launch '{}' '{}' sh -c \"{command}\"", rank.dir(), rank.id());
    rank.call(&format!("PATH={}:$PATH; {launch}", bin.display()));
    rank
}

#[tokio::test]
async fn output_is_complete_at_the_end_however_late_it_is_copied() {
    let rank = launched_with_late_copiers("", "echo up; echo bad >&2");
    rank.ended().await;
    assert_eq!(rank.follow((0, 0), 100), "mlbench ended 0 3 4\nup\nbad\n");
}

#[tokio::test]
async fn late_errors_are_complete_where_an_orphan_holds_the_other_stream() {
    let rank = launched_with_late_copiers("stderr", "echo up; sleep 1000 2>/dev/null & echo bad >&2");
    rank.ended().await;
    assert_eq!(rank.follow((0, 0), 100), "mlbench ended 0 3 4\nup\nbad\n");
}

#[tokio::test]
async fn a_truncated_file_is_read_from_its_start_and_the_log_says_so() {
    let rank = Rank::launched_without_mkfifo("echo up; exec sleep 1000");
    let path = format!("{}/stdout.0", rank.dir());
    wait_until("output", || async { std::fs::read_to_string(&path).is_ok_and(|all| all == "up\n") }).await;
    std::fs::write(&path, "a\n").unwrap();
    let message = "mlbench: the command truncated its stdout; reading it from the start\n";
    assert_eq!(rank.follow((3, 0), 100), format!("mlbench running - 2 {}\na\n{message}", message.len()));
    std::fs::write(&path, "a\nb\n").unwrap();
    let rest = rank.follow((5, message.len() as u64), 100);
    assert_eq!(rest, "mlbench running - 2 0\nb\n");
}

#[tokio::test]
async fn a_file_that_was_truncated_before_the_end_is_read_from_its_start() {
    let go = tempfile::NamedTempFile::new().unwrap();
    let wait = format!("until [ -s {} ]; do sleep 0.01; done", go.path().display());
    let rank = Rank::launched_without_mkfifo(&format!("echo up; {wait}; echo a >/dev/stdout"));
    wait_until("output", || async { rank.follow((0, 0), 9).ends_with("up\n") }).await;
    std::fs::write(go.path(), "go").unwrap();
    rank.ended().await;
    let message = "mlbench: the command truncated its stdout; reading it from the start\n";
    assert_eq!(rank.follow((3, 0), 100), format!("mlbench ended 0 2 {}\na\n{message}", message.len()));
    assert_eq!(rank.follow((5, message.len() as u64), 100), "mlbench ended 0 0 0\n");
}

/// Takes the room for the exit code of a rank away.
fn occupy_exit_code(rank: &Rank) -> String {
    let path = format!("{}/exit_code", rank.dir());
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    path
}

#[tokio::test]
async fn an_exit_code_without_room_is_stored_when_there_is_room() {
    let go = tempfile::NamedTempFile::new().unwrap();
    let wait = format!("until [ -s {} ]; do sleep 0.01; done", go.path().display());
    for launched in [Rank::launched, Rank::launched_without_mkfifo] {
        std::fs::write(go.path(), "").unwrap();
        let rank = launched(&format!("{wait}; echo up; exit 3"));
        let path = occupy_exit_code(&rank);
        std::fs::write(go.path(), "go").unwrap();
        // The supervisor writes it right before the exit code.
        let usage = format!("{}/usage", rank.dir());
        wait_until("the end of the command", || async {
            std::fs::metadata(&usage).is_ok_and(|file| file.len() > 0)
        })
        .await;
        assert_eq!(rank.follow((0, 0), 100), "mlbench running - 3 0\nup\n");
        let kill = format!("mlbench_signal '{}' '{}' KILL", rank.dir(), rank.id());
        assert_eq!(rank.call(&kill), "supervisor\n");
        std::fs::remove_dir(path).unwrap();
        rank.ended().await;
        assert_eq!(rank.follow((3, 0), 100), "mlbench ended 3 0 0\n");
        assert_eq!(rank.call(&kill), "0\n");
    }
}
