//! The output of ranks arrives complete and in order.

use std::time::{Duration, Instant};

use mlbench_core::Timestamp;

use super::super::connection::KubernetesCluster;
use super::super::exec::run_script::run_script;
use super::harness::{
    DEADLINE, Followed, eventually, followed, harness, launch, provisioned, rank, released, static_run,
};
use crate::cluster::interface::Cluster;
use crate::cluster::rank::Offsets;

const MANY: usize = 200_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_megabytes_in_one_line_arrive_complete() {
    let Some(harness) = harness().await else { return };
    let cluster = harness.cluster().await;
    harness.static_pods(1, true).await;
    let mut run = static_run(1, 1);
    provisioned(&cluster, &mut run).await;
    launch(&cluster, rank(&run, 0), &format!("head -c {MANY} /dev/zero | tr '\\0' x")).await;
    let started = Instant::now();
    let seen = followed(&cluster, &rank(&run, 0)).await;
    assert_eq!((seen.end, seen.stdout.len()), (Some(Ok(0)), MANY));
    assert!(seen.stdout.iter().all(|byte| *byte == b'x'));
    println!("{MANY} bytes in {:?}", started.elapsed());
    released(&cluster, &run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_megabytes_of_lines_arrive_in_order() {
    let Some(harness) = harness().await else { return };
    let cluster = harness.cluster().await;
    harness.static_pods(1, true).await;
    let mut run = static_run(1, 1);
    provisioned(&cluster, &mut run).await;
    let width = 99;
    let lines = MANY / (width + 1);
    launch(&cluster, rank(&run, 0), &format!("seq {lines} | awk '{{printf \"%0{width}d\\n\", $1}}'")).await;
    let seen = followed(&cluster, &rank(&run, 0)).await;
    assert_eq!((seen.end, seen.stdout.len()), (Some(Ok(0)), MANY));
    for (line, number) in seen.stdout.chunks(width + 1).zip(1..) {
        assert_eq!(line, format!("{number:0width$}\n").as_bytes());
    }
    released(&cluster, &run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn binary_output_arrives_unchanged() {
    let Some(harness) = harness().await else { return };
    let cluster = harness.cluster().await;
    harness.static_pods(1, true).await;
    let mut run = static_run(1, 1);
    provisioned(&cluster, &mut run).await;
    let command = "printf '\\377\\000\\r\\nmlbench ended 0 0 0\\n'; printf '\\001' >&2";
    launch(&cluster, rank(&run, 0), command).await;
    let seen = followed(&cluster, &rank(&run, 0)).await;
    assert_eq!(seen.end, Some(Ok(0)));
    assert_eq!((&seen.stdout[..], &seen.stderr[..]), (&b"\xff\0\r\nmlbench ended 0 0 0\n"[..], &b"\x01"[..]));
    released(&cluster, &run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_server_resumes_at_its_offset() {
    let Some(harness) = harness().await else { return };
    harness.static_pods(1, true).await;
    let mut run = static_run(1, 1);
    let mut seen = Followed::default();
    let first = harness.cluster().await;
    provisioned(&first, &mut run).await;
    let at = rank(&run, 0);
    launch(&first, at.clone(), "i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo line $i; sleep 0.05; done")
        .await;
    while seen.stdout.len() < 200 {
        assert!(!seen.step(&first, &at).await);
    }
    // Interrupts a request, as a killed server does.
    let cut = tokio::time::timeout(Duration::from_millis(50), seen.step(&first, &at)).await;
    drop((first, cut));
    let second = harness.cluster().await;
    while !seen.step(&second, &at).await {}
    let expected: String = (1..=100).map(|i| format!("line {i}\n")).collect();
    assert_eq!((seen.end, String::from_utf8(seen.stdout).unwrap()), (Some(Ok(0)), expected));
    released(&second, &run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn output_that_nobody_followed_has_the_dates_at_which_it_came() {
    let Some(harness) = harness().await else { return };
    let cluster = harness.cluster().await;
    harness.static_pods(1, true).await;
    let mut run = static_run(1, 1);
    provisioned(&cluster, &mut run).await;
    let at = rank(&run, 0);
    launch(&cluster, at.clone(), "echo a; sleep 4; echo b >&2; sleep 4; echo c").await;
    let nothing = Offsets { stdout: Offsets::NO_MORE, stderr: Offsets::NO_MORE };
    let ended = eventually("the end of the rank", || async {
        let output = cluster.follow(&at, nothing, Duration::from_secs(2)).await.ok()?;
        output.exit_code.and(output.ended_at)
    })
    .await;
    let output = cluster.follow(&at, Offsets::default(), Duration::from_secs(2)).await.unwrap();
    let [a, b, c, ..] = output.arrivals[..] else { panic!("{output:?}") };
    assert_eq!([(a.stdout, a.stderr), (b.stdout, b.stderr), (c.stdout, c.stderr)], [(2, 0), (0, 2), (2, 0)]);
    let seconds = |later: Timestamp, earlier: Timestamp| later.since(earlier).as_secs_f64();
    for elapsed in [seconds(b.date, a.date), seconds(c.date, b.date)] {
        assert!((2.5..5.5).contains(&elapsed), "{:?}", output.arrivals);
    }
    assert!((7.0..10.0).contains(&seconds(ended, a.date)), "{ended:?} {:?}", output.arrivals);
    released(&cluster, &run).await;
}

/// Runs a line in the static pod, and returns what it prints.
async fn in_the_pod(cluster: &KubernetesCluster, line: &str) -> String {
    let script = format!("{line}\nexit\n");
    let output = run_script(&cluster.pods, "pool-0", Some("worker"), script, DEADLINE).await.unwrap();
    String::from_utf8(output.stdout.to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn output_that_was_stored_takes_no_space_in_the_pod() {
    const PART: usize = 8_000_000;
    let Some(mut harness) = harness().await else { return };
    // Each part fits the limit, and all of them are four times as much.
    harness.options.output_limit = 16;
    let cluster = harness.cluster().await;
    harness.static_pods(1, true).await;
    let mut run = static_run(1, 1);
    provisioned(&cluster, &mut run).await;
    let at = rank(&run, 0);
    let part = format!("head -c {PART} /dev/zero | tr '\\0' x");
    let wait = "until [ -e /mlbench/go$i ]; do sleep 0.1; done";
    launch(&cluster, at.clone(), &format!("for i in 1 2 3 4 5 6 7 8; do {part}; {wait}; done")).await;
    let (mut seen, deadline) = (Followed::default(), Instant::now() + DEADLINE);
    for part in 1..=8 {
        while seen.stdout.len() < part * PART {
            assert!(!seen.step(&cluster, &at).await && Instant::now() < deadline, "{}", seen.stdout.len());
        }
        let kept = in_the_pod(&cluster, "du -sk /mlbench").await;
        let kept: usize = kept.split_whitespace().next().unwrap().parse().unwrap();
        assert!(kept < 16 << 10, "{kept} KiB after part {part}");
        in_the_pod(&cluster, &format!("true >/mlbench/go{part}")).await;
    }
    while !seen.step(&cluster, &at).await {}
    assert_eq!((seen.end, seen.stdout.len()), (Some(Ok(0)), 8 * PART));
    assert!(seen.stdout.iter().all(|byte| *byte == b'x'));
    released(&cluster, &run).await;
}
