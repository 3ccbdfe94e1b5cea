//! The supervisor process: what it copies, what it bounds and what it survives.

use std::os::unix::fs::MetadataExt as _;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use mlbench_core::run::OutputStream;
use rustix::process::{Resource, Rlimit};

use super::super::{cgroup, supervise};
use super::harness::{DEADLINE, Fixture, OUTPUT_LIMIT, is_alive, wait_until};
use crate::cluster::interface::Cluster;
use crate::cluster::rank::{Cut, CutReason, Offsets, Output};
use crate::skipped::skipped;

/// Is also the supervisor of all other tests, see [`supervise::program_of_tests`].
#[test]
fn a_rank_without_a_directory_starts_nothing() {
    let mut arguments = std::env::args_os().skip_while(|argument| argument != supervise::MODE);
    if arguments.next().is_some() {
        let ended = supervise::run(arguments);
        std::process::exit(i32::from(ended != ExitCode::SUCCESS));
    }
    let program = supervise::program_of_tests();
    let directory = tempfile::tempdir().unwrap();
    let mark = directory.path().join("started");
    let mut supervisor = Command::new(&program[0]);
    supervisor.args(&program[1..]).arg(directory.path().join("missing")).arg("1000").arg("touch").arg(&mark);
    let mut supervisor = supervisor.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    std::io::Write::write_all(&mut supervisor.stdin.take().unwrap(), b"go").unwrap();
    assert_eq!(supervisor.wait().unwrap().code(), Some(1));
    assert!(!mark.exists());
}

#[tokio::test]
async fn a_start_that_fails_leaves_the_rank_to_the_next_one() {
    let fixture = Fixture::new(1);
    let obstacle = fixture.file(0, "exit_code");
    std::fs::create_dir_all(&obstacle).unwrap();
    fixture.cluster.launch(&fixture.task(0, &["echo", "one"])).await.unwrap_err();
    assert!(!fixture.file(0, "identity").exists());
    std::fs::remove_dir(&obstacle).unwrap();
    fixture.cluster.launch(&fixture.task(0, &["echo", "two"])).await.unwrap();
    assert_eq!(fixture.read_to_end(Offsets::default()).await, (b"two\n".to_vec(), Vec::new(), 0));
    // A supervisor without a command refuses after it has taken the rank.
    let fixture = Fixture::new(1);
    fixture.cluster.launch(&fixture.task(0, &[])).await.unwrap_err();
    assert!(!fixture.file(0, "identity").exists());
}

#[tokio::test]
async fn a_program_that_opens_its_output_anew_truncates_nothing() {
    let fixture = Fixture::new(1);
    fixture
        .sh("seq 200; echo again >/dev/stdout; echo x | tee /dev/stderr >/dev/null; seq 9 >&2; echo w >/dev/stderr")
        .await;
    let (stdout, stderr, code) = fixture.read_to_end(Offsets::default()).await;
    let lines = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().lines().count();
    assert_eq!((lines(stdout), lines(stderr), code), (201, 11, 0));
}

#[tokio::test]
async fn output_of_both_streams_is_dated_in_the_order_in_which_it_came() {
    let fixture = Fixture::new(1);
    // Waits until the supervisor has noted when each line came.
    let noted = format!(
        "n=0; noted() {{ n=$((n+1)); until [ $(wc -c <'{}') -eq $((n*24)) ]; do sleep 0.01; done; sleep 0.05; }}",
        fixture.file(0, "arrivals").display()
    );
    fixture.sh(&format!("{noted}; for i in 1 2 3; do echo o; noted; echo ee >&2; noted; done")).await;
    wait_until("the end", || async { fixture.live_pids().is_empty() }).await;
    let output = fixture.cluster.follow(&fixture.rank(0), Offsets::default(), DEADLINE).await.unwrap();
    let sizes: Vec<(usize, usize)> = output.arrivals.iter().map(|one| (one.stdout, one.stderr)).collect();
    assert_eq!(sizes, [(2, 0), (0, 3)].repeat(3));
    let gaps = output.arrivals.windows(2).map(|pair| pair[1].date.since(pair[0].date));
    assert!(gaps.clone().all(|gap| gap.as_millis() >= 50), "{:?}", output.arrivals);
    // A reader that resumes in the middle of the second piece of standard error.
    let from = Offsets { stdout: 4, stderr: 4 };
    let rest = fixture.cluster.follow(&fixture.rank(0), from, DEADLINE).await.unwrap();
    let sizes: Vec<(usize, usize)> = rest.arrivals.iter().map(|one| (one.stdout, one.stderr)).collect();
    assert_eq!(sizes, [(0, 2), (2, 0), (0, 3)]);
    assert_eq!(rest.arrivals[0].date, output.arrivals[3].date);
}

/// Returns the bytes that a file of rank 0 takes up on the disk.
fn held(fixture: &Fixture, name: &str) -> u64 {
    std::fs::metadata(fixture.file(0, name)).unwrap().blocks() * 512
}

async fn exit_of(fixture: &Fixture, from: Offsets) -> Output {
    let (started, mut output) = (Instant::now(), Output::default());
    while output.exit_code.is_none() {
        assert!(started.elapsed() < DEADLINE, "rank 0 did not end");
        output = fixture.cluster.follow(&fixture.rank(0), from, DEADLINE).await.unwrap();
    }
    output
}

#[tokio::test]
async fn output_beyond_the_limit_is_cut_while_nobody_reads() {
    let fixture = Fixture::new(1);
    fixture.sh("yes | head -c 100000000; echo end >&2; exit 5").await;
    wait_until("the end", || async { fixture.live_pids().is_empty() }).await;
    let size = held(&fixture, "stdout");
    assert!((OUTPUT_LIMIT..OUTPUT_LIMIT + (1 << 20)).contains(&size), "{size}");
    let output = exit_of(&fixture, Offsets { stdout: size, stderr: 0 }).await;
    let ended = std::fs::metadata(fixture.file(0, "exit_code")).unwrap().modified().unwrap();
    let ended = ended.duration_since(std::time::UNIX_EPOCH).unwrap().as_micros();
    assert_eq!(output.ended_at.map(|date| i128::from(date.as_micros())), i128::try_from(ended).ok());
    assert_eq!((&output.stderr[..], output.exit_code), (&b"end\n"[..], Some(5)));
    assert_eq!(output.cuts, [Cut { stream: OutputStream::Stdout, reason: CutReason::Limit }]);
}

#[tokio::test]
async fn output_that_was_read_takes_no_space() {
    let fixture = Fixture::new(1);
    // Never more than may wait for the reader, however slow it is.
    let size = OUTPUT_LIMIT - (4 << 20);
    fixture.sh(&format!("yes | head -c {size}; sleep 1000")).await;
    let (started, mut from) = (Instant::now(), Offsets::default());
    while from.stdout < size {
        assert!(started.elapsed() < DEADLINE, "{from:?}");
        let output = fixture.cluster.follow(&fixture.rank(0), from, Duration::from_secs(1)).await.unwrap();
        assert!(output.stdout.iter().all(|&byte| byte == b'y' || byte == b'\n'));
        from.stdout += output.stdout.len() as u64;
    }
    fixture.cluster.follow(&fixture.rank(0), from, Duration::ZERO).await.unwrap();
    assert!(held(&fixture, "stdout") <= 1 << 20, "{}", held(&fixture, "stdout"));
    assert!(held(&fixture, "arrivals") <= 1 << 20);
}

#[tokio::test]
async fn a_stream_of_which_no_more_is_wanted_stops_growing() {
    let fixture = Fixture::new(1);
    fixture.sh("yes & echo error >&2; wait").await;
    let from = Offsets { stdout: Offsets::NO_MORE, stderr: 0 };
    let output = fixture.cluster.follow(&fixture.rank(0), from, DEADLINE).await.unwrap();
    assert!(output.stdout.is_empty());
    let mark = fixture.file(0, "stdout.cut");
    let is_cut = || async { std::fs::read_to_string(&mark).is_ok_and(|mark| mark.trim() == "limit") };
    wait_until("the cut", is_cut).await;
    fixture.cluster.follow(&fixture.rank(0), from, Duration::ZERO).await.unwrap();
    assert!(held(&fixture, "stdout") <= 1 << 20);
}

#[tokio::test]
async fn only_a_mark_for_the_limit_blames_the_limit() {
    let fixture = Fixture::new(1);
    fixture.sh("echo hi").await;
    let output = exit_of(&fixture, Offsets::default()).await;
    assert_eq!((output.cuts, held(&fixture, "stdout.cut") > 0), (Vec::new(), true));
    for (mark, reason) in
        [("disk", CutReason::DiskFull), ("limit", CutReason::Limit), ("", CutReason::DiskFull)]
    {
        // A full disk may have created the file without its text.
        std::fs::write(fixture.file(0, "stderr.cut"), mark).unwrap();
        let output = exit_of(&fixture, Offsets::default()).await;
        assert_eq!(output.cuts, [Cut { stream: OutputStream::Stderr, reason }]);
    }
}

#[tokio::test]
async fn a_program_that_has_become_another_user_can_open_its_output_anew() {
    let fixture = Fixture::new(1);
    fixture.sh("stat -L -c %a /dev/stdout /dev/stderr").await;
    assert_eq!(fixture.read_to_end(Offsets::default()).await.0, b"666\n666\n");
}

/// Starts a command whose child it makes independent, and returns the child.
async fn child_of(fixture: &Fixture, start: &str) -> i32 {
    let file = fixture.directory.path().join("pid");
    let note = format!("echo $! >{0}.new; mv {0}.new {0}", file.display());
    fixture.sh(&format!("{start} & {note}; sleep 1000")).await;
    wait_until("the pid", || async { file.exists() }).await;
    let pid = std::fs::read_to_string(&file).unwrap().trim().parse().unwrap();
    let is_started = || async { std::fs::read(format!("/proc/{pid}/environ")).unwrap().is_empty() };
    wait_until("the child", is_started).await;
    pid
}

async fn kill_supervisor(fixture: &Fixture) {
    let supervisor = fixture.cluster.workers.work_dir.rank(&fixture.rank(0)).supervisor().unwrap();
    let pid = rustix::process::Pid::from_raw(supervisor.pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    wait_until("the end of the supervisor", || async { !is_alive(supervisor.pid) }).await;
}

#[tokio::test]
async fn a_child_without_environment_ends_with_a_run_whose_supervisor_was_killed() {
    let fixture = Fixture::new(1);
    let pid = child_of(&fixture, "env -i sleep 1000").await;
    kill_supervisor(&fixture).await;
    assert!(is_alive(pid));
    fixture.release().await;
    wait_until("the end of the child", || async { !is_alive(pid) }).await;
}

#[tokio::test]
async fn a_session_without_environment_ends_with_its_cgroup_or_by_an_earlier_scan() {
    for has_group in [true, false] {
        let fixture = Fixture::new(1);
        let pid = child_of(&fixture, "env -i setsid sleep 1000").await;
        let note = fixture.file(0, "cgroup");
        let group = std::fs::read_to_string(&note).ok().map(std::path::PathBuf::from);
        match (has_group, &group) {
            (true, None) => {
                skipped("needs a cgroup in which this process may create others");
                continue;
            }
            (true, Some(_)) => {}
            (false, group) => {
                assert!(group.is_none() || std::fs::remove_file(note).is_ok());
                fixture.cluster.sample().await;
            }
        }
        // A restarted server knows both.
        let fixture = fixture.reopened();
        kill_supervisor(&fixture).await;
        if !has_group {
            fixture.cluster.sample().await;
        }
        assert!(is_alive(pid));
        fixture.release().await;
        wait_until("the end of the child", || async { !is_alive(pid) }).await;
        if let Some(group) = group {
            assert!(!has_group || !group.exists());
            cgroup::remove(&group);
        }
    }
}

#[tokio::test]
async fn an_orphan_is_adopted_and_prints_without_a_reader() {
    let fixture = Fixture::new(1);
    let go = fixture.directory.path().join("go");
    // More than a pipe holds.
    let orphan = format!("until [ -e {} ]; do sleep 0.02; done; yes | head -c 3000000", go.display());
    fixture.sh(&format!("(setsid env -i PATH=\"$PATH\" sh -c '{orphan}' &); echo early")).await;
    assert_eq!(fixture.read_to_end(Offsets::default()).await.0, b"early\n");
    let supervisor = fixture.cluster.workers.work_dir.rank(&fixture.rank(0)).supervisor().unwrap();
    assert!(supervisor.is_running(&fixture.cluster.workers.boot_id));
    std::fs::write(go, "").unwrap();
    wait_until("the end of the orphan", || async { fixture.live_pids().is_empty() }).await;
    assert_eq!(std::fs::read_to_string(fixture.file(0, "stdout")).unwrap(), "early\n");
    assert_eq!(exit_of(&fixture, Offsets { stdout: 6, stderr: 0 }).await.cuts, []);
}

#[tokio::test]
async fn what_an_orphan_prints_without_end_does_not_hold_up_the_end() {
    let fixture = Fixture::new(1);
    fixture.sh("echo early; yes & exit 7").await;
    wait_until("the end", || async {
        fixture.cluster.workers.work_dir.rank(&fixture.rank(0)).exit_code() == Some(7)
    })
    .await;
    let size = std::fs::metadata(fixture.file(0, "stdout")).unwrap().len();
    assert!(fixture.read_to_end(Offsets::default()).await.0.starts_with(b"early\n"));
    assert_eq!(std::fs::metadata(fixture.file(0, "stdout")).unwrap().len(), size);
}

#[tokio::test]
async fn a_rank_ends_also_where_no_file_can_be_created_for_the_mark_of_the_reader() {
    let fixture = Fixture::new(1);
    fixture.sh("echo up; exit 3").await;
    std::os::unix::fs::symlink("missing/mark", fixture.file(0, "stdout.stop")).unwrap();
    let output = exit_of(&fixture, Offsets { stdout: Offsets::NO_MORE, stderr: 0 }).await;
    assert_eq!(output.exit_code, Some(3));
}

#[tokio::test]
async fn a_limit_of_the_file_size_cuts_the_output_and_kills_nothing() {
    let fixture = Fixture::new(1);
    let go = fixture.directory.path().join("go");
    fixture
        .sh(&format!("until [ -e {} ]; do sleep 0.02; done; yes | head -c 3000000; exit 3", go.display()))
        .await;
    let supervisor = fixture.cluster.workers.work_dir.rank(&fixture.rank(0)).supervisor().unwrap();
    let limit = Rlimit { current: Some(1 << 20), maximum: Some(1 << 20) };
    rustix::process::prlimit(rustix::process::Pid::from_raw(supervisor.pid), Resource::Fsize, limit).unwrap();
    std::fs::write(go, "").unwrap();
    let (stdout, _, code) = fixture.read_to_end(Offsets::default()).await;
    assert_eq!((stdout.len(), code), (1 << 20, 3));
    let output = exit_of(&fixture, Offsets { stdout: 1 << 20, stderr: 0 }).await;
    assert_eq!(output.cuts, [Cut { stream: OutputStream::Stdout, reason: CutReason::FileSize }]);
}

#[tokio::test]
async fn a_script_without_a_header_runs_and_a_directory_does_not() {
    use std::os::unix::fs::PermissionsExt as _;
    for (content, code) in [(Some("echo $1; exit 4"), 4), (None, 126)] {
        let fixture = Fixture::new(1);
        let program = fixture.directory.path().join("program");
        match content {
            Some(content) => {
                std::fs::write(&program, content).unwrap();
                std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
            }
            None => std::fs::create_dir(&program).unwrap(),
        }
        fixture.cluster.launch(&fixture.task(0, &[program.to_str().unwrap(), "one"])).await.unwrap();
        assert_eq!(fixture.read_to_end(Offsets::default()).await.2, code);
    }
}
