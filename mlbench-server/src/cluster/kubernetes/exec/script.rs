//! Scripts for a shell in a pod: the supervisor, then one function call.

use std::time::Duration;

use mlbench_core::Timestamp;
use mlbench_core::run::RunKey;

use super::agent_script;
use crate::cluster::error::ClusterError;
use crate::cluster::kubernetes::objects::manifest::WORK_VOLUME;
use crate::cluster::kubernetes::options::{MpiDaemons, Options};
use crate::cluster::orphans::OrphanSearch;
use crate::cluster::rank::{Offsets, RankRef, Signal, Task};
use crate::cluster::supervisor::{SCRIPT, exports, launch_arguments, worker_id};

/// Finds the directory for the files of runs, and defines helpers.
const BASE: &str = include_str!("pod.sh");

/// Time after which a script that follows a rank ends, and the server starts another one.
const STREAM_TIMEOUT: Duration = Duration::from_secs(600);

/// Bytes per MiB of the output limit after which a script that follows a rank ends.
///
/// The next one deletes what is stored.
const FREED_PER_MEBIBYTE: u64 = 256 * 1024;

/// The pieces in which a script prints the output of a rank.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pieces {
    /// Most bytes of each stream.
    pub(crate) limit: usize,
    /// Longest wait for the first piece.
    pub(crate) first: Duration,
    /// Longest wait for another piece.
    pub(crate) heartbeat: Duration,
}

/// Builds scripts for the pods of one server.
#[derive(Debug, Clone)]
pub(crate) struct Scripts {
    /// A label value, so it needs no quoting for a shell.
    instance: String,
    /// The instances whose database this one is a copy of.
    former: Vec<String>,
    /// Mount path of the volume for runs.
    volume: String,
    /// MiB of each output stream that a pod keeps.
    output_limit: u32,
    /// Whether the processes without a mark that began during a run belong to it, as in a container for runs.
    owns_container: bool,
    /// Whether a command on the first worker may start others on the other ones through this server.
    starts_daemons: bool,
}

impl Scripts {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            instance: options.instance.as_str().to_owned(),
            former: options.former.iter().map(|name| name.as_str().to_owned()).collect(),
            volume: WORK_VOLUME.to_owned(),
            output_limit: options.output_limit,
            owns_container: true,
            starts_daemons: options.mpi_daemons == MpiDaemons::Server,
        }
    }

    /// Returns a script that creates the directory of a rank and checks the image for the tools.
    pub(crate) fn prepare(&self, rank: &RankRef) -> String {
        let needs = "for k_tool in setsid cat dd head tail tr sed ls ln mv rm mkdir sleep; do\n\
            command -v \"$k_tool\" >/dev/null || { echo \"the image has no $k_tool\" >&2; exit 3; }\ndone";
        self.script(rank, "", &format!("{needs}\nmlbench_prepare \"$k_dir\" || exit 4"))
    }

    /// Returns a script that starts a rank, and saves the counter of memory kills for later comparison.
    pub(crate) fn launch(&self, task: &Task) -> Result<String, ClusterError> {
        let counted = "[ -f \"$k_dir/oom\" ] || { k_oom; echo \"$k_killed\" >\"$k_dir/oom\"; }";
        let exists = if task.at.daemon.is_some() {
            // Not one without the directory of the rank, which the release deletes.
            "[ -d \"${k_dir%/*}\" ] || exit 5\n[ -d \"$k_dir\" ] || mkdir -m 700 \"$k_dir\" || exit 1"
        } else {
            "[ -d \"$k_dir\" ] || exit 5"
        };
        let agent = match task.at.daemon {
            Some(_) if self.starts_daemons => agent_script::of_daemon().to_owned(),
            None if self.starts_daemons && task.starts_daemons() => agent_script::install(),
            _ => String::new(),
        };
        let verb = format!(
            "{exists}\n{agent}{counted}\nk_temporary {}\nmlbench_limit={}\nmlbench_launch \"$k_dir\"{}",
            task.at.run.job_id,
            self.output_limit,
            launch_arguments(task)?
        );
        Ok(self.script(&task.at, &exports(task)?, &verb))
    }

    /// Returns a script that reads the output of a rank, piece after piece, as long as its input is open.
    ///
    /// It first deletes the output before `from`.
    ///
    /// A separate last line makes a truncated piece detectable.
    pub(crate) fn follow(&self, rank: &RankRef, from: Offsets, pieces: Pieces) -> String {
        let Pieces { limit, first, heartbeat } = pieces;
        let (out, err) = (from.stdout, from.stderr);
        let verb = format!(
            "mlbench_use_clock\nk_follow {out} {err} {limit} {} {} {}",
            first.as_secs(),
            heartbeat.as_secs(),
            u64::from(self.output_limit) * FREED_PER_MEBIBYTE
        );
        self.script(rank, "", &verb)
    }

    /// Returns a script that signals a rank, and prints how many of its processes are left.
    pub(crate) fn signal(&self, rank: &RankRef, signal: Signal) -> String {
        let signal = match signal {
            Signal::Term => "TERM",
            Signal::Kill => "KILL",
        };
        self.script(rank, "", &format!("mlbench_signal \"$k_dir\" '{}' {signal}", worker_id(rank)))
    }

    /// Returns a script that deletes the files and processes of a run in a pod.
    ///
    /// It prints how many processes are left, like [`Self::release_unknown`].
    pub(crate) fn release(&self, run: RunKey) -> String {
        let runs = format!("\"$k_base\"/{}/run-{}", self.instance, run.job_id);
        self.release_each(&runs, "")
    }

    /// Returns a script that deletes what unknown runs left in a pod, as far as the search allows.
    ///
    /// It names every run on standard error, as `deleting JOB` or `keeping JOB`.
    pub(crate) fn release_unknown(&self, search: &OrphanSearch<'_>, now: Timestamp) -> String {
        let mut cases: String =
            search.known.iter().map(|run| format!("*/run-{}) continue ;;\n", run.job_id)).collect();
        let former = self.former.iter().map(|name| format!(" \"$k_base\"/{name}/run-*")).collect::<String>();
        let keep = "echo \"keeping ${k_run##*/run-}\" >&2; continue";
        if !search.purge {
            cases.extend(self.former.iter().map(|name| format!("*/{name}/run-*) {keep} ;;\n")));
            let age = now.since(search.last_write).as_secs().saturating_add(1);
            cases.push_str(&format!("*) ! k_younger {age} \"$k_run\" || {{ {keep}; }} ;;\n"));
        }
        let choose = format!("case $k_run in\n{cases}esac\necho \"deleting ${{k_run##*/run-}}\" >&2\n");
        self.release_each(&format!("\"$k_base\"/{}/run-*{former}", self.instance), &choose)
    }

    /// Releases every run of a shell pattern that `choose` does not skip.
    fn release_each(&self, runs: &str, choose: &str) -> String {
        let strays = if self.owns_container { "k_kill_strays \"$k_dir\"\n" } else { "" };
        let verb = format!(
            "k_left=0\nfor k_run in {runs}; do\n[ -d \"$k_run\" ] || continue\n\
             {choose}for k_dir in \"$k_run\"/rank-*; do\n[ -d \"$k_dir\" ] || continue\n\
             m_count=0\n{strays}k_more=$m_count\n[ \"$k_more\" -gt 0 ] ||\n\
             k_more=$(mlbench_release \"$k_dir\" \"${{k_run##*/run-}}/${{k_dir##*/rank-}}\")\n\
             k_left=$((k_left + ${{k_more:-1}}))\ndone\n[ \"$k_left\" -gt 0 ] || rm -rf \"$k_run\" \"/tmp/mlbench-${{k_run##*/run-}}\"\ndone\n\
             echo \"$k_left\""
        );
        self.assemble("", "", &verb)
    }

    /// Returns scripts that use a directory of this machine.
    #[cfg(test)]
    pub(super) fn of_test(volume: &str) -> Self {
        Self {
            instance: "i".to_owned(),
            former: vec!["old".to_owned()],
            volume: volume.to_owned(),
            output_limit: 1,
            // Outside of a container, processes without a mark belong to somebody else.
            owns_container: false,
            starts_daemons: true,
        }
    }

    pub(super) fn script(&self, rank: &RankRef, env: &str, verb: &str) -> String {
        let daemon = rank.daemon.map(|number| format!("/daemon-{number}")).unwrap_or_default();
        let (instance, RankRef { run, rank, .. }) = (&self.instance, rank);
        let dir = format!("k_dir=$k_base/{instance}/run-{}/rank-{rank}{daemon}\n", run.job_id);
        self.assemble(&dir, env, verb)
    }

    /// Joins the parts of a script within braces.
    ///
    /// The shell reads up to the closing brace first, so it executes nothing of a truncated script.
    fn assemble(&self, dir: &str, env: &str, verb: &str) -> String {
        let seconds = STREAM_TIMEOUT.as_secs().to_string();
        let base = BASE.replace("VOLUME", &self.volume).replace("STREAM_SECONDS", &seconds);
        format!("{SCRIPT}\n{base}{{\n{dir}{env}{verb}\nexit\n}}\n")
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use mlbench_core::run::OutputStream;

    use super::super::follow_output::{State, frame_length, parse_follow_output};
    use super::super::testing::{at, follow, run_shell, shells};
    use super::*;
    use crate::cluster::rank::{Cut, CutReason};

    #[test]
    fn every_shell_prepares_runs_and_releases_a_rank() {
        for shell in shells() {
            let directory = tempfile::tempdir().unwrap();
            let volume = directory.path().to_str().unwrap().to_owned();
            let scripts = Scripts::of_test(&volume);
            let at = at(0);
            let argv = ["sh", "-c", "printf '%s' \"$A\"; exit 3"].map(str::to_owned).to_vec();
            let task = Task {
                at: at.clone(),
                argv,
                env: vec![("A".to_owned(), "a'\n$b".to_owned())],
                num_cpus: None,
                ranks: Some(1),
            };
            assert_eq!(
                run_shell(&shell, &scripts.launch(&task).unwrap()).1,
                Some(5),
                "{shell:?}: the directory does not exist"
            );
            assert_eq!(run_shell(&shell, &scripts.prepare(&at)), (Bytes::new(), Some(0)), "{shell:?}");
            assert_eq!(run_shell(&shell, &scripts.launch(&task).unwrap()).1, Some(0), "{shell:?}");
            let pieces =
                Pieces { limit: 3, first: Duration::from_secs(10), heartbeat: Duration::from_secs(10) };
            let mut text = follow(&shell, &scripts.follow(&at, Offsets::default(), pieces));
            let mut seen = (Vec::new(), None);
            while let Some(Some(length)) = frame_length(&text) {
                let piece = parse_follow_output(&text.split_to(length)).unwrap();
                assert!(piece.stdout.len() <= 3, "{shell:?}");
                seen.0.extend_from_slice(&piece.stdout);
                seen.1 = Some(piece.state);
            }
            assert_eq!(seen, (b"a'\n$b".to_vec(), Some(State::Ended(3))), "{shell:?}");
            assert!(text.is_empty(), "{shell:?}");
            assert_eq!(run_shell(&shell, &scripts.signal(&at, Signal::Kill)).0, "0\n", "{shell:?}");
            let runs = || std::fs::read_dir(directory.path().join("i")).unwrap().count();
            assert_eq!(run_shell(&shell, &scripts.release(at.run)).0, "0\n", "{shell:?}");
            assert_eq!(runs(), 0, "{shell:?}");
        }
    }

    #[test]
    fn every_shell_names_the_stream_whose_output_is_missing() {
        for shell in shells() {
            let directory = tempfile::tempdir().unwrap();
            let scripts = Scripts::of_test(directory.path().to_str().unwrap());
            let at = at(0);
            let argv = ["sh", "-c", "yes | head -c 30000000 >&2"].map(str::to_owned).to_vec();
            let task = Task { at: at.clone(), argv, env: Vec::new(), num_cpus: None, ranks: Some(1) };
            run_shell(&shell, &scripts.prepare(&at));
            assert_eq!(run_shell(&shell, &scripts.launch(&task).unwrap()).1, Some(0), "{shell:?}");
            let limit = 100_000_000;
            let long = Duration::from_secs(10);
            let nothing = Offsets { stdout: 0, stderr: Offsets::NO_MORE };
            let pieces = Pieces { limit, first: long, heartbeat: long };
            let mut text = follow(&shell, &scripts.follow(&at, nothing, pieces));
            let mut pieces = Vec::new();
            while let Some(Some(length)) = frame_length(&text) {
                pieces.push(parse_follow_output(&text.split_to(length)).unwrap());
            }
            let piece = pieces.last().unwrap();
            assert_eq!(piece.state, State::Ended(0), "{shell:?}");
            let cut = Cut { stream: OutputStream::Stderr, reason: CutReason::Limit };
            assert_eq!(piece.cuts, [cut], "{shell:?}");
            assert_eq!(run_shell(&shell, &scripts.release(at.run)).0, "0\n", "{shell:?}");
        }
    }

    #[test]
    fn every_shell_keeps_known_and_young_runs_and_those_of_the_original() {
        let now = Timestamp::from_micros(1_800_000_000_000_000);
        for shell in shells() {
            let directory = tempfile::tempdir().unwrap();
            let scripts = Scripts::of_test(directory.path().to_str().unwrap());
            let (known, orphan) = (at(0), at(0));
            // Another worker of a run of mpirun has only a daemon.
            let daemon = RankRef { daemon: Some(1), ..at(1) };
            let argv = ["sleep", "100"].map(str::to_owned).to_vec();
            for at in [&known, &orphan, &daemon] {
                run_shell(&shell, &scripts.prepare(at));
                let task = Task {
                    at: at.clone(),
                    argv: argv.clone(),
                    env: Vec::new(),
                    num_cpus: None,
                    ranks: Some(1),
                };
                assert_eq!(run_shell(&shell, &scripts.launch(&task).unwrap()).1, Some(0), "{shell:?}");
            }
            let (old, aged) = (directory.path().join("old/run-x"), directory.path().join("i/run-aged"));
            std::fs::create_dir_all(&old).unwrap();
            std::fs::create_dir_all(aged.join("rank-0")).unwrap();
            let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
            // Started with the machine, under a pid that does not exist.
            std::fs::write(aged.join("rank-0/identity"), format!("{} 99999999 0\n", boot.trim())).unwrap();
            let has = |at: &RankRef| directory.path().join(format!("i/run-{}", at.run.job_id)).exists();
            let known_runs = [known.run];
            let last_write = now.saturating_sub(Duration::from_secs(60));
            let mut search = OrphanSearch { known: &known_runs, last_write, purge: false };
            assert_eq!(run_shell(&shell, &scripts.release_unknown(&search, now)).0, "0\n", "{shell:?}");
            assert!(has(&known) && has(&orphan) && old.exists() && !aged.exists(), "{shell:?}");
            assert!(has(&daemon), "{shell:?}");
            search.purge = true;
            assert_eq!(run_shell(&shell, &scripts.release_unknown(&search, now)).0, "0\n", "{shell:?}");
            assert!(has(&known) && !has(&orphan) && !has(&daemon) && !old.exists(), "{shell:?}");
            assert_eq!(run_shell(&shell, &scripts.release(known.run)).0, "0\n", "{shell:?}");
        }
    }

    #[test]
    fn truncated_script_executes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let volume = directory.path().to_str().unwrap().to_owned();
        let script = Scripts::of_test(&volume).prepare(&at(0));
        let verb = script.rfind("mlbench_prepare").unwrap();
        for length in verb..script.len() - 2 {
            run_shell(&["sh"], &script[..length]);
        }
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
