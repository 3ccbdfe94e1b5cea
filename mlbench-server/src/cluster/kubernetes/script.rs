//! What is written to a shell in a pod: the supervisor, then one verb. And what it answers. Pure.

use bytes::Bytes;
use mlbench_core::run::RunKey;

use super::manifest::WORK_VOLUME;
use crate::cluster::supervisor::{SCRIPT, exports, launch_arguments, worker_id};
use crate::cluster::{ClusterError, Offsets, RankRef, Signal, Task};

/// Where the files of runs are: the volume made for them, or `/tmp` in a static pod that has none.
const BASE: &str = r#"
k_base=VOLUME
[ -d "$k_base" ] && [ -w "$k_base" ] || k_base=/tmp/mlbench
# How many processes of this container the kernel has killed for want of memory (control groups 2, then 1).
k_oom() {
    k_killed=0
    for k_file in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
        [ -r "$k_file" ] || continue
        while read -r k_key k_value; do
            [ "$k_key" != oom_kill ] || k_killed=$k_value
        done <"$k_file"
    done
}
# A rank that talks all the time is read once a second: every exec costs its node some CPU.
k_gather() {
    mlbench_supervisor "$k_dir"
    mlbench_size "$k_dir/stdout"
    k_new=$((f_size - $1))
    mlbench_size "$k_dir/stderr"
    k_new=$((k_new + f_size - $2))
    [ "$s_state" != running ] || [ "$k_new" -le 0 ] || [ "$k_new" -gt 65536 ] || sleep 1
}
"#;

/// Writes scripts for the pods of one server.
#[derive(Debug, Clone)]
pub(super) struct Scripts {
    /// A label value: nothing in it means anything to a shell.
    instance: String,
    /// Where the volume for runs is mounted.
    volume: String,
}

impl Scripts {
    pub(super) fn new(instance: &str) -> Self {
        Self { instance: instance.to_owned(), volume: WORK_VOLUME.to_owned() }
    }

    /// Makes the directory of a rank, and finds out whether the image has what the supervisor needs.
    pub(super) fn prepare(&self, rank: &RankRef) -> String {
        let needs = "for k_tool in setsid cat dd head tail tr sed ls ln mv rm mkdir sleep; do\n\
            command -v \"$k_tool\" >/dev/null || { echo \"the image has no $k_tool\" >&2; exit 3; }\ndone";
        self.script(rank, "", &format!("{needs}\nmlbench_prepare \"$k_dir\" || exit 4"))
    }

    /// Starts a rank. The counter beside it tells later whether it was the memory that ended it.
    pub(super) fn launch(&self, task: &Task) -> Result<String, ClusterError> {
        let counted = "[ -f \"$k_dir/oom\" ] || { k_oom; echo \"$k_killed\" >\"$k_dir/oom\"; }";
        let there = "[ -d \"$k_dir\" ] || exit 5";
        let verb = format!("{there}\n{counted}\nmlbench_launch \"$k_dir\"{}", launch_arguments(task)?);
        Ok(self.script(&task.at, &exports(task)?, &verb))
    }

    /// Reads what a rank has written. The answer ends in a line of its own, so that a cut one is noticed.
    pub(super) fn follow(&self, rank: &RankRef, from: Offsets, limit: usize, seconds: u64) -> String {
        let verb = format!(
            "k_before=0\n[ ! -r \"$k_dir/oom\" ] || read -r k_before <\"$k_dir/oom\"\n\
             k_gather {} {}\nmlbench_follow \"$k_dir\" {} {} {limit} {seconds}\n\
             k_oom\necho \"mlbench-end $((k_killed - k_before))\"",
            from.stdout, from.stderr, from.stdout, from.stderr
        );
        self.script(rank, "", &verb)
    }

    /// Signals a rank; answers how many of its processes are left.
    pub(super) fn signal(&self, rank: &RankRef, signal: Signal) -> String {
        let signal = match signal {
            Signal::Term => "TERM",
            Signal::Kill => "KILL",
        };
        self.script(rank, "", &format!("mlbench_signal \"$k_dir\" '{}' {signal}", worker_id(rank)))
    }

    /// Removes what the runs of this server left in a pod: of `only` this one, else of all but `known`. Answers how
    /// many processes are left.
    pub(super) fn release(&self, only: Option<RunKey>, known: &[RunKey]) -> String {
        let which = only.map_or_else(|| "*".to_owned(), |run| run.job_id.to_string());
        let kept: String = known.iter().map(|run| format!("*/run-{}) continue ;;\n", run.job_id)).collect();
        let verb = format!(
            "k_left=0\nfor k_run in \"$k_base\"/{instance}/run-{which}; do\n[ -d \"$k_run\" ] || continue\n\
             case $k_run in\n{kept}*) ;;\nesac\nfor k_dir in \"$k_run\"/rank-*; do\n[ -d \"$k_dir\" ] || continue\n\
             k_more=$(mlbench_release \"$k_dir\" \"${{k_run##*/run-}}/${{k_dir##*/rank-}}\")\n\
             k_left=$((k_left + ${{k_more:-1}}))\ndone\n[ \"$k_left\" -gt 0 ] || rm -rf \"$k_run\"\ndone\n\
             echo \"$k_left\"",
            instance = self.instance,
        );
        self.assembled("", "", &verb)
    }

    fn script(&self, rank: &RankRef, env: &str, verb: &str) -> String {
        let dir = format!("k_dir=$k_base/{}/run-{}/rank-{}\n", self.instance, rank.run.job_id, rank.rank);
        self.assembled(&dir, env, verb)
    }

    /// The braces make the shell read to the end before it does anything: of a script that was cut nothing is executed.
    fn assembled(&self, dir: &str, env: &str, verb: &str) -> String {
        let base = BASE.replace("VOLUME", &self.volume);
        format!("{SCRIPT}\n{base}{{\n{dir}{env}{verb}\nexit\n}}\n")
    }
}

/// What a rank's supervisor says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Running,
    /// With this exit code.
    Ended(i32),
    /// The supervisor is gone without having left an exit code.
    Killed,
    /// The node was restarted meanwhile.
    Rebooted,
    /// There is nothing of the rank.
    Missing,
}

/// An answer to [`Scripts::follow`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FollowOutput {
    pub(super) state: State,
    pub(super) stdout: Bytes,
    pub(super) stderr: Bytes,
    /// Processes that were killed for want of memory since the rank was started.
    pub(super) oom_kills: i64,
}

/// Reads an answer; `None` for one that was cut.
pub(super) fn parse_follow_output(text: &Bytes) -> Option<FollowOutput> {
    let head_end = text.iter().position(|byte| *byte == b'\n')?;
    let head = std::str::from_utf8(&text[..head_end]).ok()?;
    let mut words = head.split(' ');
    if words.next()? != "mlbench" {
        return None;
    }
    let (state, code) = (words.next()?, words.next()?);
    let (out, err): (usize, usize) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let state = match state {
        "running" => State::Running,
        "ended" => State::Ended(code.parse().ok()?),
        "killed" => State::Killed,
        "rebooted" => State::Rebooted,
        "missing" => State::Missing,
        _ => return None,
    };
    let out_start = head_end + 1;
    let err_start = out_start.checked_add(out)?;
    let tail_start = err_start.checked_add(err).filter(|end| *end <= text.len())?;
    let tail = std::str::from_utf8(&text[tail_start..]).ok()?;
    let oom_kills = tail.strip_prefix("mlbench-end ")?.strip_suffix('\n')?.parse().ok()?;
    Some(FollowOutput {
        state,
        stdout: text.slice(out_start..err_start),
        stderr: text.slice(err_start..tail_start),
        oom_kills,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use mlbench_core::{PodName, RunId};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_answer_carries_any_bytes() {
        let mut text = b"mlbench ended 137 4 3\n".to_vec();
        text.extend_from_slice(b"\xff\0\n\rerrmlbench-end 1\n");
        let output = parse_follow_output(&Bytes::from(text)).unwrap();
        assert_eq!((output.state, output.oom_kills), (State::Ended(137), 1));
        assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"\xff\0\n\r"[..], &b"err"[..]));
    }

    #[test]
    fn an_answer_that_was_cut_anywhere_is_none() {
        let whole = b"mlbench running - 3 2\nabcdemlbench-end 0\n";
        assert!(parse_follow_output(&Bytes::from_static(whole)).is_some());
        for length in 0..whole.len() {
            assert_eq!(
                parse_follow_output(&Bytes::copy_from_slice(&whole[..length])),
                None,
                "{length} bytes"
            );
        }
    }

    fn run_shell(shell: &[&str], script: &str) -> (Bytes, Option<i32>) {
        let mut child = Command::new(shell[0])
            .args(&shell[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.stdout.into(), output.status.code())
    }

    /// The shells of this machine: whatever `sh` is, and those that images bring as theirs.
    fn shells() -> Vec<Vec<&'static str>> {
        let there = |shell: &Vec<&str>| {
            Command::new(shell[0]).args(&shell[1..]).arg("-c").arg("exit").status().is_ok()
        };
        [vec!["sh"], vec!["dash"], vec!["bash", "--posix"], vec!["busybox", "sh"]]
            .into_iter()
            .filter(there)
            .collect()
    }

    fn at(rank: u32) -> RankRef {
        let run = RunKey { id: RunId::new(1).unwrap(), job_id: Uuid::new_v4() };
        RankRef { run, rank, pod: PodName::new("w-0").unwrap() }
    }

    #[test]
    fn every_shell_takes_a_rank_from_its_directory_to_its_removal() {
        for shell in shells() {
            let directory = tempfile::tempdir().unwrap();
            let volume = directory.path().to_str().unwrap().to_owned();
            let scripts = Scripts { instance: "i".to_owned(), volume };
            let at = at(0);
            let argv = ["sh", "-c", "printf '%s' \"$A\"; exit 3"].map(str::to_owned).to_vec();
            let task = Task {
                at: at.clone(),
                argv,
                env: vec![("A".to_owned(), "a'\n$b".to_owned())],
                num_cpus: None,
            };
            assert_eq!(
                run_shell(&shell, &scripts.launch(&task).unwrap()).1,
                Some(5),
                "{shell:?}: nothing was prepared"
            );
            assert_eq!(run_shell(&shell, &scripts.prepare(&at)), (Bytes::new(), Some(0)), "{shell:?}");
            assert_eq!(run_shell(&shell, &scripts.launch(&task).unwrap()).1, Some(0), "{shell:?}");
            let mut from = Offsets::default();
            let ended = loop {
                let said =
                    parse_follow_output(&run_shell(&shell, &scripts.follow(&at, from, 1000, 10)).0).unwrap();
                from.stdout += said.stdout.len() as u64;
                if said.state != State::Running {
                    break said;
                }
            };
            assert_eq!((ended.state, from.stdout), (State::Ended(3), 5), "{shell:?}");
            assert_eq!(run_shell(&shell, &scripts.signal(&at, Signal::Kill)).0, "0\n", "{shell:?}");
            assert_eq!(run_shell(&shell, &scripts.release(None, &[at.run])).0, "0\n", "{shell:?}");
            let runs = || std::fs::read_dir(directory.path().join("i")).unwrap().count();
            assert_eq!(runs(), 1, "{shell:?}: a known run is no orphan");
            assert_eq!(run_shell(&shell, &scripts.release(Some(at.run), &[])).0, "0\n", "{shell:?}");
            assert_eq!(runs(), 0, "{shell:?}");
        }
    }

    #[test]
    fn of_a_script_that_was_cut_nothing_is_executed() {
        let directory = tempfile::tempdir().unwrap();
        let volume = directory.path().to_str().unwrap().to_owned();
        let script = Scripts { instance: "i".to_owned(), volume }.prepare(&at(0));
        let verb = script.rfind("mlbench_prepare").unwrap();
        for length in verb..script.len() - 2 {
            run_shell(&["sh"], &script[..length]);
        }
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panicking(text in proptest::collection::vec(any::<u8>(), 0..100), n in any::<usize>()) {
            let mut whole = format!("mlbench running - {n} 0\n").into_bytes();
            whole.extend(&text);
            parse_follow_output(&Bytes::from(whole));
            parse_follow_output(&Bytes::from(text));
        }
    }
}
