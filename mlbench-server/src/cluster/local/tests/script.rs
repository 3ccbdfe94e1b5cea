//! The functions of `supervisor.sh` and `follow.sh`, in the shell of this machine.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::harness::{DEADLINE, is_alive, wait_until};
use super::pod_rank::Rank;
use crate::cluster::supervisor::SCRIPT;

#[tokio::test]
async fn follow_returns_bounded_pieces_by_offset() {
    let rank = Rank::launched("printf abcdef; printf xyz >&2; exit 3");
    rank.ended().await;
    assert_eq!(rank.follow((0, 0), 1000), "mlbench ended 3 6 3\nabcdefxyz");
    assert_eq!(rank.follow((4, 2), 1000), "mlbench ended 3 2 1\nefz");
    assert_eq!(rank.follow((0, 0), 2), "mlbench ended 3 2 2\nabxy");
    assert_eq!(rank.follow((6, 3), 2), "mlbench ended 3 0 0\n");
}

#[tokio::test]
async fn offsets_far_into_the_output_are_exact() {
    let rank = Rank::launched("i=0; while [ $i -lt 3000 ]; do i=$((i+1)); printf %07d, $i; done");
    rank.ended().await;
    let all: String = (1..=3000).map(|i| format!("{i:07},")).collect();
    for from in [8 * 1234, 8 * 512, 8 * 2999 + 1] {
        assert_eq!(rank.rest(from), all[from..], "from byte {from}");
    }
}

#[tokio::test]
async fn nothing_truncates_the_output_of_a_command() {
    let rank = Rank::launched("seq 100; echo x | tee /dev/stdout; echo y >/dev/stdout; seq 3 >&2");
    rank.ended().await;
    let output = rank.follow((0, 0), 1000);
    assert!(
        output.starts_with("mlbench ended 0 298 6\n1\n2\n") && output.ends_with("100\nx\nx\ny\n1\n2\n3\n")
    );
}

#[tokio::test]
async fn output_beyond_the_limit_is_thrown_away() {
    let rank = Rank::new();
    rank.prepare();
    let yes = "yes | head -c 30000000; exit 2";
    let launch = format!("mlbench_limit=1; mlbench_launch '{}' '{}' sh -c '{yes}'", rank.dir(), rank.id());
    rank.call(&launch);
    rank.ended().await;
    let size: u64 = rank.segments().values().sum();
    assert!((1 << 20..3 << 19).contains(&size), "{size}");
    assert_eq!(rank.follow((i64::MAX.unsigned_abs(), 0), 100), "mlbench ended 2 0 0\n");
    assert_eq!(rank.cuts(), ["limit", ""]);
}

#[tokio::test]
async fn what_was_read_is_deleted_and_makes_room_for_more() {
    let rank = Rank::new();
    rank.prepare();
    // Twice the limit, of which at most a third waits at any time.
    let wait = format!("until [ -e {}/go$i ]; do sleep 0.02; done", rank.0.path().display());
    let command =
        format!("for i in 1 2 3 4 5 6; do seq -f %015.f $((i*20000)) $((i*20000+21845)); {wait}; done");
    rank.call(&format!("mlbench_limit=1; mlbench_launch '{}' '{}' sh -c '{command}'", rank.dir(), rank.id()));
    let (mut seen, started) = (String::new(), std::time::Instant::now());
    for part in 1..=6 {
        while seen.len() < part * 21_846 * 16 {
            assert!(started.elapsed() < DEADLINE, "{} bytes", seen.len());
            rank.call(&format!("mlbench_free '{}' {} 0", rank.dir(), seen.len()));
            let piece = rank.follow((seen.len() as u64, 0), 100_000);
            seen += piece.split_once('\n').unwrap().1;
        }
        std::fs::write(rank.0.path().join(format!("go{part}")), "").unwrap();
    }
    rank.ended().await;
    let lines = (1..=6).flat_map(|i| (i * 20_000..=i * 20_000 + 21_845).map(|line| format!("{line:015}\n")));
    assert!(seen == lines.collect::<String>(), "the output differs");
    assert_eq!(rank.cuts(), ["", ""]);
    let (first, kept) = (*rank.segments().keys().next().unwrap(), rank.segments().values().sum::<u64>());
    assert!(first > 1 << 20 && kept < 1 << 20, "{:?}", rank.segments());
    rank.call(&format!("mlbench_free '{}' {} 0", rank.dir(), i64::MAX));
    assert_eq!(rank.segments().len(), 1);
}

#[tokio::test]
async fn a_full_disk_is_noted_and_does_not_hold_up_the_end() {
    let rank = Rank::new();
    rank.prepare();
    std::os::unix::fs::symlink("/dev/full", format!("{}/stderr.0", rank.dir())).unwrap();
    let command = "echo kept; echo lost >&2; exit 3";
    rank.call(&format!("mlbench_launch '{}' '{}' sh -c '{command}'", rank.dir(), rank.id()));
    rank.ended().await;
    assert!(rank.follow((0, 100), 5).starts_with("mlbench ended 3 5 0\nkept\n"));
    assert_eq!(rank.cuts(), ["", "disk"]);
}

#[tokio::test]
async fn without_room_for_the_exit_code_the_command_waits_for_another_launch() {
    let rank = Rank::new();
    rank.prepare();
    // A file cannot replace a directory.
    let obstacle = format!("{}/exit_code", rank.dir());
    std::fs::create_dir_all(format!("{obstacle}/x")).unwrap();
    let launch = format!("mlbench_launch '{}' '{}' echo up", rank.dir(), rank.id());
    rank.call(&format!("mlbench_nap() {{ sleep 0.01; }}; {launch} 2>/dev/null || [ $? = 3 ]"));
    std::fs::remove_dir_all(&obstacle).unwrap();
    rank.call(&launch);
    rank.ended().await;
    assert_eq!(rank.follow((0, 0), 100), "mlbench ended 0 3 0\nup\n");
}

#[tokio::test]
async fn a_python_program_is_unbuffered_unless_it_says_otherwise() {
    for (set, expected) in [("unset PYTHONUNBUFFERED", "1\n"), ("export PYTHONUNBUFFERED=", "\n")] {
        let rank = Rank::new();
        rank.prepare();
        let show = "sh -c 'echo \"$PYTHONUNBUFFERED\"'";
        rank.call(&format!("{set}; mlbench_launch '{}' '{}' {show}", rank.dir(), rank.id()));
        rank.ended().await;
        assert!(rank.follow((0, 0), 100).ends_with(expected), "{set}");
    }
}

#[tokio::test]
async fn follow_reports_running_killed_rebooted_and_missing() {
    let rank = Rank::launched("sleep 1000");
    assert_eq!(rank.follow((0, 0), 10), "mlbench running - 0 0\n");
    let identity = std::fs::read_to_string(format!("{}/identity", rank.dir())).unwrap();
    let pid: i32 = identity.split(' ').nth(1).unwrap().parse().unwrap();
    let supervisor = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(supervisor, rustix::process::Signal::KILL).unwrap();
    wait_until("the end of the rank", || async { !is_alive(pid) }).await;
    assert_eq!(rank.follow((0, 0), 10), "mlbench killed - 0 0\n");
    let rebooted = identity.replacen(identity.split(' ').next().unwrap(), "another", 1);
    std::fs::write(format!("{}/identity", rank.dir()), rebooted).unwrap();
    assert_eq!(rank.follow((0, 0), 10), "mlbench rebooted - 0 0\n");
    std::fs::remove_file(format!("{}/identity", rank.dir())).unwrap();
    assert_eq!(rank.follow((0, 0), 10), "mlbench missing - 0 0\n");
}

#[tokio::test]
async fn signals_reach_all_processes_but_the_supervisor() {
    let rank = Rank::launched("setsid sleep 1000 & echo $!; sleep 1000; exit 7");
    let outside = written_pid(&rank).await;
    let left = rank.call(&format!("mlbench_signal '{}' '{}' TERM", rank.dir(), rank.id()));
    assert!(left.trim().parse::<u32>().unwrap() <= 3, "{left}");
    rank.ended().await;
    assert!(rank.follow((0, 0), 1).starts_with("mlbench ended 143 "));
    wait_until("the end of the process outside", || async { !is_alive(outside) }).await;
}

#[tokio::test]
async fn a_program_that_sigterm_starts_may_save_the_state() {
    let rank = Rank::new();
    rank.prepare();
    // Goes on until the signal was sent.
    let go = rank.0.path().join("go");
    let save = format!("(until [ -e {} ]; do sleep 0.01; done); echo saved", go.display());
    let script = format!("trap \"sh -c '{save}'; exit 4\" TERM; echo up; while :; do sleep 0.05; done");
    let script = script.replace('\'', r"'\''");
    rank.call(&format!("mlbench_launch '{}' '{}' sh -c '{script}'", rank.dir(), rank.id()));
    wait_until("output", || async { rank.follow((0, 0), 100).ends_with("up\n") }).await;
    rank.call(&format!("mlbench_signal '{}' '{}' TERM", rank.dir(), rank.id()));
    std::fs::write(go, "").unwrap();
    rank.ended().await;
    // The shell may also print that its child was terminated.
    let end = rank.follow((0, 0), 100);
    assert!(end.starts_with("mlbench ended 4 9 ") && end.contains("\nup\nsaved\n"), "{end}");
}

#[tokio::test]
async fn signals_reach_a_child_without_environment_after_the_supervisor_was_killed() {
    let rank = Rank::launched("env -i sleep 1000 & echo $!; kill -9 $PPID");
    let child = written_pid(&rank).await;
    let environment = format!("/proc/{child}/environ");
    let is_cleared = || async { std::fs::read(&environment).unwrap().is_empty() };
    wait_until("the child", is_cleared).await;
    wait_until("the end of the supervisor", || async { rank.follow((0, 0), 1).contains(" killed ") }).await;
    rank.call(&format!("mlbench_signal '{}' '{}' KILL", rank.dir(), rank.id()));
    wait_until("the end of the child", || async { !is_alive(child) }).await;
}

#[tokio::test]
async fn a_program_that_has_become_another_user_can_open_its_output_anew() {
    for obstacle in ["", "stdout.pipe"] {
        let rank = Rank::new();
        rank.prepare();
        // As in an image without mkfifo.
        std::fs::create_dir_all(format!("{}/{obstacle}", rank.dir())).unwrap();
        let command = "stat -L -c %a /dev/stdout /dev/stderr";
        rank.call(&format!("umask 22; mlbench_launch '{}' '{}' {command}", rank.dir(), rank.id()));
        rank.ended().await;
        assert_eq!(rank.follow((0, 0), 100), "mlbench ended 0 8 0\n666\n666\n", "{obstacle}");
    }
}

/// Waits for the pid that the command writes.
async fn written_pid(rank: &Rank) -> i32 {
    let path = format!("{}/stdout.0", rank.dir());
    let pid = || std::fs::read_to_string(&path).ok()?.strip_suffix('\n')?.parse().ok();
    wait_until("a pid", || async { pid().is_some() }).await;
    pid().unwrap()
}

#[tokio::test]
async fn release_leaves_no_process_and_no_file() {
    let rank = Rank::launched("setsid sleep 1000 & echo $!; sleep 1000");
    let outside = written_pid(&rank).await;
    let started = std::time::Instant::now();
    while rank.call(&format!("mlbench_release '{}' '{}'", rank.dir(), rank.id())) != "0\n" {
        assert!(started.elapsed() < DEADLINE);
    }
    assert!(!std::path::Path::new(&rank.dir()).exists() && !is_alive(outside));
    let later = format!("mlbench_launch '{}' '{}' true 2>/dev/null || echo refused", rank.dir(), rank.id());
    assert_eq!(rank.call(&later), "refused\n", "a launch after the release starts nothing");
    assert_eq!(rank.follow((0, 0), 1), "mlbench missing - 0 0\n");
}

#[test]
fn truncated_input_starts_nothing() {
    let rank = Rank::new();
    rank.prepare();
    let whole = format!(
        "{SCRIPT}\nmlbench_launch '{}' '{}' 'touch' '{}/x'\nexit\n",
        rank.dir(),
        rank.id(),
        rank.dir()
    );
    for cut in [SCRIPT.len() / 2, SCRIPT.len(), SCRIPT.len() + 12, whole.len() - 10] {
        let mut shell = Command::new("sh").stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        shell.stdin.take().unwrap().write_all(&whole.as_bytes()[..cut]).unwrap();
        shell.wait().unwrap();
        assert!(!std::path::Path::new(&format!("{}/identity", rank.dir())).exists(), "cut at {cut}");
    }
}

#[tokio::test]
async fn sigterm_reaches_a_process_that_the_first_look_has_missed() {
    let rank = Rank::launched("trap : TERM; sleep 1000 & echo $!; while :; do wait; done");
    let child = written_pid(&rank).await;
    // Its parent survives the signal.
    let look = format!(
        "mlbench_stat {child}; m_of=$p_parent; \
         mlbench_members() {{ m_pids=\" $m_of\"; [ $k_tries = 0 ] || m_pids=\" $m_of {child}\"; }}"
    );
    rank.call(&format!("{look}; mlbench_signal '{}' '{}' TERM", rank.dir(), rank.id()));
    wait_until("the end of the child", || async { !is_alive(child) }).await;
}
