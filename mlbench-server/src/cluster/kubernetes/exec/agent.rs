//! Starts daemons in the other pods of a run for a command like `mpirun` in the first one.
//!
//! `mpirun` calls the agent, `agent.sh`, where it would call ssh. The agent writes a numbered request into the directory of
//! its rank, and waits for a reply there. The launcher, which follows the rank, reads the request, starts the command in
//! the other pod and writes the reply. A request stays, so a server that is started again finds it.

use bytes::Bytes;

use super::script::Scripts;
use crate::cluster::error::ClusterError;
use crate::cluster::rank::{DaemonReply, DaemonRequest, RankRef, Wanted};
use crate::cluster::supervisor::quoted;

/// Most bytes of a request: a host and a command.
const MAX_REQUEST_BYTES: usize = 64 * 1024 + 512;
/// Most requests that one script reads.
const MAX_REQUESTS: u32 = 64;
/// Most characters of a refusal.
const MAX_REFUSAL_CHARS: usize = 2000;

impl Scripts {
    /// Returns a script that prints the requests of a rank after request `after`.
    pub(crate) fn requests(&self, rank: &RankRef, after: u32) -> String {
        let verb = format!(
            "k_number={after}\nwhile [ $((k_number += 1)) -le {} ] && [ -e \"$k_dir/request.$k_number\" ]; do\n\
             k_code=-\n[ ! -e \"$k_dir/reply.$k_number\" ] || read -r k_code <\"$k_dir/reply.$k_number\"\n\
             mlbench_size \"$k_dir/request.$k_number\"\n[ \"$f_size\" -le {MAX_REQUEST_BYTES} ] || f_size=0\n\
             echo \"$k_number $k_code $f_size\"\nhead -c \"$f_size\" \"$k_dir/request.$k_number\"\ndone",
            after.saturating_add(MAX_REQUESTS)
        );
        self.script(rank, "", &verb)
    }

    /// Returns a script that writes replies to the requests of a rank.
    ///
    /// # Errors
    /// [`ClusterError::Refused`] for a NUL byte.
    pub(crate) fn replies(&self, rank: &RankRef, replies: &[DaemonReply]) -> Result<String, ClusterError> {
        let mut verb = "[ -d \"$k_dir\" ] || exit 5\nk_reply() {\n\
            printf '%s\\n%s\\n' \"$2\" \"$3\" >\"$k_dir/replying.$$\" || exit 1\n\
            ln \"$k_dir/replying.$$\" \"$k_dir/reply.$1\" 2>/dev/null || [ -e \"$k_dir/reply.$1\" ] || exit 1\n\
            rm -f \"$k_dir/replying.$$\"\n}\n"
            .to_owned();
        for reply in replies {
            let code = i32::from(reply.refusal.is_some());
            let refusal = reply.refusal.as_deref().unwrap_or_default();
            let text: String = refusal.chars().take(MAX_REFUSAL_CHARS).collect();
            verb.push_str(&format!("k_reply {} {code} {}\n", reply.number, quoted(text.trim_end())?));
        }
        Ok(self.script(rank, "", &verb))
    }
}

/// Parses what the script of [`Scripts::requests`] prints, or returns `None` when it is truncated.
pub(crate) fn parse_requests(text: &Bytes) -> Option<Vec<DaemonRequest>> {
    let mut rest = &text[..];
    let mut requests = Vec::new();
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let mut fields = std::str::from_utf8(&rest[..end]).ok()?.split(' ');
        let number = fields.next()?.parse().ok()?;
        let reply = match fields.next()? {
            "-" => None,
            code => Some(code == "0"),
        };
        let length: usize = fields.next()?.parse().ok()?;
        let body = rest[end + 1..].get(..length)?;
        rest = &rest[end + 1 + length..];
        requests.push(DaemonRequest { number, wanted: wanted(body), reply });
    }
    Some(requests)
}

fn wanted(body: &[u8]) -> Result<Wanted, String> {
    if body.is_empty() {
        return Err(format!(
            "the request for another worker is empty or has more than {MAX_REQUEST_BYTES} bytes"
        ));
    }
    let text =
        std::str::from_utf8(body).map_err(|_| "the request for another worker is no UTF-8".to_owned())?;
    let (host, command) = text.split_once('\n').unwrap_or((text, ""));
    let command = command.strip_suffix('\n').unwrap_or(command);
    if host.is_empty() || command.trim().is_empty() || text.contains('\0') {
        return Err("the request for another worker names no host or no command".to_owned());
    }
    Ok(Wanted { host: host.to_owned(), command: command.to_owned() })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Output, Stdio};
    use std::time::Duration;

    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::super::follow_output::{frame_length, parse_follow_output};
    use super::super::script::Pieces;
    use super::super::testing::{at, follow, run_shell, shells};
    use super::*;
    use crate::cluster::rank::{Offsets, Task};

    /// A directory for runs, with the one of a rank that has the agent.
    struct Fixture {
        directory: TempDir,
        scripts: Scripts,
        rank: RankRef,
    }

    impl Fixture {
        /// Launches a command that prints its variables on the first worker.
        fn new(shell: &[&str], before: &str) -> Self {
            let directory = tempfile::tempdir().unwrap();
            let scripts = Scripts::of_test(directory.path().to_str().unwrap());
            let rank = at(0);
            let argv = ["sh", "-c", "env"].map(str::to_owned).to_vec();
            let task = Task { at: rank.clone(), argv, env: Vec::new(), num_cpus: None, ranks: None };
            run_shell(shell, &scripts.prepare(&rank));
            let launch = format!("{before}\n{}", scripts.launch(&task).unwrap());
            assert_eq!(run_shell(shell, &launch).1, Some(0), "{shell:?}");
            Self { directory, scripts, rank }
        }

        fn of_rank(&self, file: &str) -> PathBuf {
            self.directory.path().join(format!("i/run-{}/rank-0", self.rank.run.job_id)).join(file)
        }

        fn requests(&self, shell: &[&str], after: u32) -> Vec<DaemonRequest> {
            parse_requests(&run_shell(shell, &self.scripts.requests(&self.rank, after)).0).unwrap()
        }

        fn reply(&self, shell: &[&str], number: u32, refusal: Option<&str>) {
            let reply = DaemonReply { number, refusal: refusal.map(str::to_owned) };
            let script = self.scripts.replies(&self.rank, &[reply]).unwrap();
            assert_eq!(run_shell(shell, &script).1, Some(0));
        }

        /// Starts the agent.
        fn agent(&self, shell: &[&str], arguments: &[&str]) -> std::process::Child {
            let mut command = Command::new(shell[0]);
            command.args(&shell[1..]).arg(self.of_rank("agent")).args(arguments);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        }

        /// Runs an agent that asks for nothing.
        fn refused(&self, shell: &[&str], arguments: &[&str]) -> String {
            let Output { status, stderr, .. } = self.agent(shell, arguments).wait_with_output().unwrap();
            assert_eq!(status.code(), Some(1), "{shell:?} {arguments:?}");
            String::from_utf8(stderr).unwrap()
        }

        fn release(&self, shell: &[&str]) {
            assert_eq!(run_shell(shell, &self.scripts.release(self.rank.run)).0, "0\n", "{shell:?}");
        }
    }

    fn wait_for(file: &Path) {
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        while !file.exists() {
            assert!(std::time::Instant::now() < deadline, "{}", file.display());
            std::thread::yield_now();
        }
    }

    #[test]
    fn every_shell_carries_a_request_unchanged_and_its_reply_back() {
        let words = ["PATH=\"$HOME/it's\";", "orted\n-x", "`a` $(b) \\n %s *"];
        for shell in shells() {
            let fixture = Fixture::new(&shell, "");
            let first = fixture.agent(&shell, &["w-1.w", words[0], words[1], words[2]]);
            wait_for(&fixture.of_rank("request.1"));
            let second = fixture.agent(&shell, &["10.0.0.7", "orted"]);
            wait_for(&fixture.of_rank("request.2"));
            let requests = fixture.requests(&shell, 0);
            let wanted = Wanted { host: "w-1.w".to_owned(), command: words.join(" ") };
            assert_eq!(requests[0], DaemonRequest { number: 1, wanted: Ok(wanted), reply: None });
            assert_eq!(fixture.requests(&shell, 1), requests[1..]);
            fixture.reply(&shell, 1, None);
            fixture.reply(&shell, 2, Some("pod 'w-2': $gone\nforever \\n"));
            let Output { status, stderr, .. } = first.wait_with_output().unwrap();
            assert_eq!((status.code(), stderr), (Some(0), vec![]), "{shell:?}");
            let Output { status, stderr, .. } = second.wait_with_output().unwrap();
            let said = "mlbench: pod 'w-2': $gone\nmlbench: forever \\n\n";
            assert_eq!((status.code(), String::from_utf8(stderr).unwrap().as_str()), (Some(1), said));
            let replies: Vec<_> = fixture.requests(&shell, 0).into_iter().map(|one| one.reply).collect();
            assert_eq!(replies, [Some(true), Some(false)], "{shell:?}");
            fixture.release(&shell);
            assert_eq!(run_shell(&shell, &fixture.scripts.requests(&fixture.rank, 0)).0, "");
        }
    }

    #[test]
    fn every_shell_refuses_what_is_no_host_or_no_command() {
        let long = "x".repeat(65537);
        for shell in shells() {
            let fixture = Fixture::new(&shell, "");
            for (arguments, part) in [
                (&["w-1"][..], "no host or no command"),
                (&["-l", "root", "w-1", "orted"], "takes no option -l"),
                (&["w-1\nw-2", "orted"], "no name and no address"),
                (&["w-1;reboot", "orted"], "no name and no address"),
                (&["../rank-1", "orted"], "no name and no address"),
                (&["", "orted"], "no name and no address"),
                (&["w-1", &long], "more than 65536 characters"),
            ] {
                let said = fixture.refused(&shell, arguments);
                assert!(said.starts_with("mlbench: agent: ") && said.contains(part), "{shell:?} {said}");
            }
            assert!(!fixture.of_rank("request.1").exists());
            fixture.release(&shell);
        }
    }

    #[test]
    fn a_request_that_no_agent_has_written_is_refused_in_words() {
        let shell = ["sh"];
        let fixture = Fixture::new(&shell, "");
        let huge = vec![b'x'; MAX_REQUEST_BYTES + 1];
        for (number, body) in [(1, &huge[..]), (2, b""), (3, b"\xff\norted"), (4, b"host"), (5, b"\norted")] {
            std::fs::write(fixture.of_rank(&format!("request.{number}")), body).unwrap();
        }
        let requests = fixture.requests(&shell, 0);
        assert_eq!(requests.len(), 5);
        for DaemonRequest { wanted, .. } in &requests {
            assert!(wanted.as_ref().unwrap_err().starts_with("the request for another worker "));
        }
        fixture.release(&shell);
    }

    #[test]
    fn a_follower_hears_of_each_request_once() {
        for shell in shells() {
            let fixture = Fixture::new(&shell, "");
            for number in 1..=3 {
                std::fs::write(fixture.of_rank(&format!("request.{number}")), "h\nc\n").unwrap();
            }
            let second = Duration::from_secs(1);
            let pieces = Pieces { limit: 1 << 20, first: second, heartbeat: second };
            let mut text = follow(&shell, &fixture.scripts.follow(&fixture.rank, Offsets::default(), pieces));
            let length = frame_length(&text).unwrap().unwrap();
            assert_eq!(parse_follow_output(&text.split_to(length)).unwrap().requests, 3, "{shell:?}");
            fixture.release(&shell);
        }
    }

    #[test]
    fn the_command_uses_the_agent_unless_its_image_has_chosen() {
        let shell = ["sh"];
        let variables = |before: &str| {
            let fixture = Fixture::new(&shell, before);
            let second = Duration::from_secs(1);
            let pieces = Pieces { limit: 1 << 20, first: second, heartbeat: second };
            let mut shown = String::new();
            let mut text = follow(&shell, &fixture.scripts.follow(&fixture.rank, Offsets::default(), pieces));
            while let Some(Some(length)) = frame_length(&text) {
                let piece = parse_follow_output(&text.split_to(length)).unwrap();
                shown.push_str(&String::from_utf8_lossy(&piece.stdout));
            }
            let agent = fixture.of_rank("agent");
            assert_eq!(std::fs::metadata(&agent).unwrap().permissions().mode() & 0o111, 0o111);
            fixture.release(&shell);
            shown.replace(agent.to_str().unwrap(), "AGENT")
        };
        let has = |shown: &str, line: &str| shown.lines().any(|one| one == line);
        let own = variables("unset OMPI_MCA_plm_rsh_agent HYDRA_LAUNCHER HYDRA_LAUNCHER_EXEC");
        for line in [
            "OMPI_MCA_plm_rsh_agent=sh AGENT",
            "OMPI_MCA_plm_rsh_no_tree_spawn=1",
            "OMPI_MCA_orte_keep_fqdn_hostnames=1",
            "PRTE_MCA_plm_ssh_agent=sh AGENT",
            "HYDRA_LAUNCHER=rsh",
            "HYDRA_LAUNCHER_EXEC=AGENT",
        ] {
            assert!(has(&own, line), "{line} is not in {own}");
        }
        let chosen = variables("export OMPI_MCA_plm_rsh_agent=ssh HYDRA_LAUNCHER=ssh");
        assert!(has(&chosen, "OMPI_MCA_plm_rsh_agent=ssh") && has(&chosen, "HYDRA_LAUNCHER=ssh"), "{chosen}");
        assert!(
            !chosen.contains("no_tree_spawn=1\nOMPI") && !chosen.contains("HYDRA_LAUNCHER_EXEC"),
            "{chosen}"
        );
    }

    #[test]
    fn a_daemon_is_released_with_the_rank_of_its_worker() {
        for shell in shells() {
            let fixture = Fixture::new(&shell, "");
            let daemon = RankRef { daemon: Some(7), ..fixture.rank.clone() };
            let argv = ["sleep", "1000"].map(str::to_owned).to_vec();
            let task = Task { at: daemon.clone(), argv, env: Vec::new(), num_cpus: None, ranks: None };
            let launch = fixture.scripts.launch(&task).unwrap();
            assert_eq!(run_shell(&shell, &launch).1, Some(0), "{shell:?}");
            let identity = std::fs::read_to_string(fixture.of_rank("daemon-7/identity")).unwrap();
            // Without one when it has ended, also before somebody has waited for it.
            let arguments = format!("/proc/{}/cmdline", identity.split(' ').nth(1).unwrap());
            let is_running = || std::fs::read(&arguments).is_ok_and(|arguments| !arguments.is_empty());
            assert!(is_running(), "{shell:?}");
            fixture.release(&shell);
            assert!(!is_running(), "{shell:?}");
            assert_eq!(run_shell(&shell, &launch).1, Some(5), "{shell:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panicking(text in proptest::collection::vec(any::<u8>(), 0..100), n in any::<usize>()) {
            let mut whole = format!("1 - {n}\n").into_bytes();
            whole.extend(&text);
            parse_requests(&Bytes::from(whole));
            parse_requests(&Bytes::from(text));
        }
    }
}
