//! A rank of a pod, whose functions run in the shell of this machine.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::harness::wait_until;
use crate::cluster::supervisor::SCRIPT;

/// The directory of a rank.
pub(super) struct Rank(pub(super) TempDir);

impl Rank {
    pub(super) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// Launches a shell script.
    pub(super) fn launched(script: &str) -> Self {
        let rank = Self::new();
        rank.launch(script);
        rank
    }

    /// Launches a shell script in an image without mkfifo.
    pub(super) fn launched_without_mkfifo(script: &str) -> Self {
        let rank = Self::new();
        std::fs::create_dir_all(format!("{}/stdout.pipe", rank.dir())).unwrap();
        rank.launch(script);
        rank
    }

    pub(super) fn prepare(&self) {
        self.call(&format!("mlbench_prepare '{}'", self.dir()));
    }

    fn launch(&self, script: &str) {
        self.prepare();
        self.call(&format!("mlbench_launch '{}' '{}' sh -c '{script}'", self.dir(), self.id()));
    }

    pub(super) fn dir(&self) -> String {
        format!("{}/run-1/rank-0", self.0.path().display())
    }

    /// The worker id, unique like the directory.
    pub(super) fn id(&self) -> String {
        format!("{}/0", self.0.path().file_name().unwrap().display())
    }

    pub(super) fn call(&self, verb: &str) -> String {
        let mut shell = Command::new("sh").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // The input stays open, like that of an exec in a pod: `exit` must end the shell.
        let mut stdin = shell.stdin.take().unwrap();
        stdin.write_all(format!("{SCRIPT}\n{verb}\nexit\n").as_bytes()).unwrap();
        let output = shell.wait_with_output().unwrap();
        drop(stdin);
        assert!(output.status.success(), "{verb}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(super) fn follow(&self, from: (u64, u64), limit: u64) -> String {
        self.call(&format!("mlbench_follow '{}' {} {} {limit} 1", self.dir(), from.0, from.1))
    }

    /// Reads standard output from `from` to its end, which may be in several segments.
    pub(super) fn rest(&self, from: usize) -> String {
        let mut rest = String::new();
        loop {
            let piece = self.follow(((from + rest.len()) as u64, 0), 8192);
            match piece.split_once('\n').unwrap() {
                (_, "") => return rest,
                (_, text) => rest += text,
            }
        }
    }

    /// Returns the offsets and sizes of the segments of standard output.
    pub(super) fn segments(&self) -> BTreeMap<u64, u64> {
        let entries = std::fs::read_dir(self.dir()).unwrap().map(Result::unwrap);
        let segment = |entry: std::fs::DirEntry| {
            let start = entry.file_name().to_str()?.strip_prefix("stdout.")?.parse().ok()?;
            Some((start, entry.metadata().ok()?.len()))
        };
        entries.filter_map(segment).collect()
    }

    /// Returns why output of each stream is missing.
    pub(super) fn cuts(&self) -> [String; 2] {
        ["stdout", "stderr"].map(|stream| {
            let text = std::fs::read_to_string(format!("{}/{stream}.cut", self.dir())).unwrap();
            text.lines().next().unwrap_or_default().trim().to_owned()
        })
    }

    pub(super) async fn ended(&self) {
        let path = format!("{}/exit_code", self.dir());
        let written = || std::fs::read_to_string(&path).is_ok_and(|code| !code.trim().is_empty());
        wait_until("the end of the rank", || async { written() }).await;
    }
}

impl Drop for Rank {
    fn drop(&mut self) {
        self.call(&format!("mlbench_release '{}' '{}'", self.dir(), self.id()));
    }
}
