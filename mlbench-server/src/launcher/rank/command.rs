//! The command line and the environment of a rank.
//!
//! The command is first split into arguments by the rules of shell words. Placeholders are then replaced within each
//! argument, so that no value can become two arguments, and no shell interprets anything. Other text in braces stays
//! unchanged. Without a backend `{backend}` is empty, but its argument remains, so that `--backend {backend} --gpu`
//! never takes `--gpu` for the backend. The options of a run reach every command as variables, never as arguments.

use mlbench_core::run::{Backend, Run, RunKey, RunSpec};

use crate::cluster::supervisor::{host_of, no_proxy_with};
use crate::cluster::{RankRef, Task};
use crate::launcher::deps::LauncherSettings;
use crate::token::Token;

/// Returns the task of `rank`: where it runs, its arguments and its environment.
///
/// # Errors
/// The reason why the rank can never start.
pub(in crate::launcher) fn task(
    run: &Run,
    rank: u32,
    settings: &LauncherSettings,
    token: Option<&Token>,
) -> Result<Task, String> {
    let at = rank_ref(run, rank).ok_or_else(|| format!("rank {rank} has no worker"))?;
    let spec = &run.spec;
    let values = Values::new(run, rank);
    let is_mpi = spec.backend == Some(Backend::Mpi);
    let mut argv = if is_mpi { values.split(&settings.mpirun_prefix, "--mpirun")? } else { Vec::new() };
    let command = values.split(&spec.command, "the command")?;
    // A command that begins with an option continues the arguments of mpirun.
    if is_mpi && command.first().is_some_and(|word| !word.starts_with('-')) {
        argv.extend(["sh", "-c", MPI_ENVIRONMENT, "sh"].map(str::to_owned));
        argv.extend(env_command(spec, &settings.server_url));
    }
    argv.extend(command);
    if argv.first().is_none_or(String::is_empty) {
        return Err("the command does not name a program".to_owned());
    }
    let mut env = values.environment(run, &settings.server_url);
    // Every process that mpirun starts on this worker would inherit it.
    env.retain(|(name, _)| !is_mpi || name != "RANK");
    env.extend(token.map(|token| ("MLBENCH_TOKEN".to_owned(), token.reveal().to_owned())));
    let ranks = (spec.started_ranks() == spec.num_workers).then_some(spec.num_workers);
    Ok(Task { at, argv, env, num_cpus: spec.num_cpus, ranks })
}

/// Sets `RANK` and `WORLD_SIZE` in each process of an MPI run, from Open MPI, PMIx, PMI or Slurm.
const MPI_ENVIRONMENT: &str = "\
    for r in \"$OMPI_COMM_WORLD_RANK\" \"$PMIX_RANK\" \"$PMI_RANK\" \"$SLURM_PROCID\"; do [ -z \"$r\" ] || break; done; \
    for s in \"$OMPI_COMM_WORLD_SIZE\" \"$PMI_SIZE\" \"$SLURM_NTASKS\" \"$WORLD_SIZE\"; do [ -z \"$s\" ] || break; done; \
    [ -z \"$r\" ] || export RANK=\"$r\"; [ -z \"$s\" ] || export WORLD_SIZE=\"$s\"; exec \"$@\"";

/// Returns where `rank` of `run` runs, or `None` while it has no worker.
pub(in crate::launcher) fn rank_ref(run: &Run, rank: u32) -> Option<RankRef> {
    let worker = run.workers.get(usize::try_from(rank).ok()?)?;
    Some(RankRef { run: RunKey::from(run), rank, pod: worker.pod.clone() })
}

/// The values of the placeholders.
struct Values {
    run_id: String,
    rank: String,
    hosts: String,
    addresses: String,
    backend: String,
}

impl Values {
    fn new(run: &Run, rank: u32) -> Self {
        let hosts: Vec<&str> = run.workers.iter().map(|worker| worker.host.as_str()).collect();
        let addresses: Vec<String> = run.workers.iter().map(|w| format!("{}:{}", w.host, w.port)).collect();
        Self {
            run_id: run.id.to_string(),
            rank: rank.to_string(),
            hosts: hosts.join(","),
            addresses: addresses.join(","),
            backend: run.spec.backend.as_ref().map_or("", Backend::name).to_owned(),
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        Some(match name {
            "run_id" => &self.run_id,
            "rank" => &self.rank,
            "hosts" => &self.hosts,
            "addresses" => &self.addresses,
            "backend" => &self.backend,
            _ => return None,
        })
    }

    /// Splits a line into arguments, and replaces the placeholders in each.
    fn split(&self, line: &str, what: &str) -> Result<Vec<String>, String> {
        let words = shell_words::split(line).map_err(|_| format!("{what} has an unclosed quote: {line}"))?;
        Ok(words.iter().map(|word| self.replace(word)).collect())
    }

    /// Replaces every placeholder in one pass: placeholders within a value stay unchanged.
    fn replace(&self, argument: &str) -> String {
        let mut replaced = String::with_capacity(argument.len());
        let mut rest = argument;
        while let Some(open) = rest.find('{') {
            replaced.push_str(&rest[..open]);
            rest = &rest[open..];
            let value = rest.find('}').and_then(|close| Some((close, self.get(&rest[1..close])?)));
            match value {
                Some((close, value)) => {
                    replaced.push_str(value);
                    rest = &rest[close + 1..];
                }
                None => {
                    replaced.push('{');
                    rest = &rest[1..];
                }
            }
        }
        replaced.push_str(rest);
        replaced
    }

    fn environment(self, run: &Run, server_url: &str) -> Vec<(String, String)> {
        let master = run.workers.first();
        let pairs = [
            ("RANK", self.rank),
            ("WORLD_SIZE", run.spec.num_workers.to_string()),
            ("MASTER_ADDR", master.map(|worker| worker.host.clone()).unwrap_or_default()),
            ("MASTER_PORT", master.map(|worker| worker.port.to_string()).unwrap_or_default()),
            ("MLBENCH_URL", server_url.to_owned()),
            ("MLBENCH_RUN_ID", self.run_id),
            ("MLBENCH_ADDRESSES", self.addresses),
        ];
        let pairs = pairs.into_iter().map(|(name, value)| (name.to_owned(), value));
        // The user's variables have other names.
        pairs.chain(options(&run.spec)).chain(variables(&run.spec, server_url)).collect()
    }
}

/// Returns the variables that the user set.
///
/// A user's list of hosts without a proxy also names the server, in both spellings, of which programs read either.
fn variables(spec: &RunSpec, server_url: &str) -> Vec<(String, String)> {
    const NO_PROXY: [&str; 2] = ["no_proxy", "NO_PROXY"];
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let mut variables: Vec<_> = spec.environment.iter().map(owned).collect();
    let value =
        |wanted: &str| spec.environment.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value);
    let [lower, upper] = NO_PROXY.map(value);
    if let (Some(host), Some(lower), Some(upper)) = (host_of(server_url), lower.or(upper), upper.or(lower)) {
        variables.retain(|(name, _)| NO_PROXY.iter().all(|known| name != known));
        let both = NO_PROXY.into_iter().zip([lower, upper]);
        variables.extend(both.map(|(name, before)| (name.to_owned(), no_proxy_with(host, before))));
    }
    variables
}

/// Returns the words that set the user's variables for a command that mpirun starts, on every worker.
fn env_command(spec: &RunSpec, server_url: &str) -> impl Iterator<Item = String> {
    let program = (!spec.environment.is_empty()).then(|| "env".to_owned());
    let variables = variables(spec, server_url).into_iter();
    program.into_iter().chain(variables.map(|(name, value)| format!("{name}={value}")))
}

/// Returns the variables of the enabled options.
fn options(spec: &RunSpec) -> impl Iterator<Item = (String, String)> {
    let options = [
        (spec.gpu_enabled, "MLBENCH_GPU"),
        (spec.light_target, "MLBENCH_LIGHT"),
        (spec.use_horovod, "MLBENCH_HOROVOD"),
    ];
    let enabled = options.into_iter().filter(|(enabled, _)| *enabled);
    enabled.map(|(_, name)| (name.to_owned(), "1".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use mlbench_core::Environment;

    use super::*;
    use crate::launcher::tests::harness::sample_run;

    const OFFICIAL: &str = "/conda/bin/python /codes/main.py --run_id {run_id} --rank {rank} --hosts {hosts} --backend {backend}";

    fn settings() -> LauncherSettings {
        LauncherSettings {
            grace_period: Duration::ZERO,
            start_timeout: Duration::ZERO,
            time_limit: None,
            exit_grace: None,
            mpirun_prefix: "mpirun --oversubscribe --host {hosts}".to_owned(),
            server_url: "http://127.0.0.1:8000".to_owned(),
            last_write: mlbench_core::Timestamp::EPOCH,
            purge_orphans: false,
            run_tokens: false,
        }
    }

    fn argv(command: &str, rank: u32, change: impl FnOnce(&mut Run)) -> Vec<String> {
        let mut run = sample_run(2, command);
        change(&mut run);
        task(&run, rank, &settings(), None).unwrap().argv
    }

    #[test]
    fn all_placeholders_of_the_official_command_are_replaced() {
        assert_eq!(
            argv(OFFICIAL, 1, |run| run.spec.backend = Some(Backend::Gloo)).join(" "),
            "/conda/bin/python /codes/main.py --run_id 1 --rank 1 --hosts 127.0.0.1,127.0.0.1 --backend gloo"
        );
    }

    #[test]
    fn without_a_backend_its_argument_stays_and_is_empty() {
        let argv = argv("train --backend {backend} --light", 0, |_| ());
        assert_eq!(argv, ["train", "--backend", "", "--light"]);
    }

    #[test]
    fn placeholders_within_values_are_not_replaced() {
        let custom = Backend::Custom { name: "{rank}".to_owned(), run_all_nodes: true };
        assert_eq!(
            argv("p 'a b{rank}{rank}' {backend} {addresses}", 1, |run| run.spec.backend = Some(custom)),
            ["p", "a b11", "{rank}", "127.0.0.1:4000,127.0.0.1:4001"]
        );
    }

    #[test]
    fn unknown_placeholders_stay_unchanged() {
        for word in ["{unknown}", "{", "}", "{}", "{{rank", "${HOME}", "{ rank }", "é{", "$(reboot)", "*"] {
            assert_eq!(argv(&format!("p '{word}'"), 0, |_| ()), ["p", word]);
        }
        assert_eq!(argv("p {{rank}}", 0, |_| ()), ["p", "{0}"]);
    }

    #[test]
    fn enabled_options_are_variables_and_no_arguments() {
        let mut run = sample_run(2, "p");
        let options_of = |run: &Run| {
            let task = task(run, 1, &settings(), None).unwrap();
            assert_eq!(task.argv, ["p"]);
            let is_option = |name: &str| ["GPU", "LIGHT", "HOROVOD"].iter().any(|end| name.ends_with(end));
            task.env.into_iter().filter(|(name, _)| is_option(name)).collect::<Vec<_>>()
        };
        assert_eq!(options_of(&run), []);
        run.spec.gpu_enabled = true;
        run.spec.light_target = true;
        run.spec.use_horovod = true;
        let names = ["MLBENCH_GPU", "MLBENCH_LIGHT", "MLBENCH_HOROVOD"];
        assert_eq!(options_of(&run), names.map(|name| (name.to_owned(), "1".to_owned())));
    }

    #[test]
    fn only_the_mpi_backend_gets_the_mpirun_prefix() {
        let mpi = argv("p {rank}", 0, |run| run.spec.backend = Some(Backend::Mpi));
        assert_eq!(mpi[..4], ["mpirun", "--oversubscribe", "--host", "127.0.0.1,127.0.0.1"]);
        assert_eq!(mpi[4..], ["sh", "-c", MPI_ENVIRONMENT, "sh", "p", "0"]);
        let with_options = argv("-np 4 p", 0, |run| run.spec.backend = Some(Backend::Mpi));
        assert_eq!(with_options[4..], ["-np", "4", "p"]);
        let custom = Backend::Custom { name: "x".to_owned(), run_all_nodes: false };
        assert_eq!(argv("p {rank}", 0, |run| run.spec.backend = Some(custom)), ["p", "0"]);
    }

    #[test]
    fn a_command_that_starts_all_ranks_is_not_one_rank_of_many() {
        let mut run = sample_run(2, "p");
        assert_eq!(task(&run, 0, &settings(), None).unwrap().ranks, Some(2));
        run.spec.backend = Some(Backend::Mpi);
        assert_eq!(task(&run, 0, &settings(), None).unwrap().ranks, None);
    }

    #[test]
    fn the_environment_names_the_rank_and_all_addresses() {
        let task = task(&sample_run(2, "p"), 1, &settings(), None).unwrap();
        let env: Vec<(&str, &str)> = task.env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(
            env,
            [
                ("RANK", "1"),
                ("WORLD_SIZE", "2"),
                ("MASTER_ADDR", "127.0.0.1"),
                ("MASTER_PORT", "4000"),
                ("MLBENCH_URL", "http://127.0.0.1:8000"),
                ("MLBENCH_RUN_ID", "1"),
                ("MLBENCH_ADDRESSES", "127.0.0.1:4000,127.0.0.1:4001"),
            ]
        );
        assert_eq!((task.at.rank, task.at.pod.as_str()), (1, "worker-1"));
    }

    #[test]
    fn variables_of_the_user_are_in_the_environment_unchanged() {
        let mut run = sample_run(1, "p");
        let variable = ("A".to_owned(), "{rank} $HOME 'b'".to_owned());
        run.spec.environment = Environment::new([variable.clone()]).unwrap();
        assert!(task(&run, 0, &settings(), None).unwrap().env.contains(&variable));
        run.spec.backend = Some(Backend::Mpi);
        let argv = task(&run, 0, &settings(), None).unwrap().argv;
        assert_eq!(argv[argv.len() - 4..], ["sh", "env", "A={rank} $HOME 'b'", "p"]);
    }

    #[test]
    fn the_server_is_reached_without_a_proxy_whatever_the_user_sets() {
        let shown = |given: &[(&str, &str)]| {
            let mut run = sample_run(1, "p");
            let owned = given.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
            run.spec.environment = Environment::new(owned).unwrap();
            let task_of = |run: &Run| task(run, 0, &settings(), None).unwrap();
            let words: Vec<String> = task_of(&run)
                .env
                .into_iter()
                .skip(7)
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            run.spec.backend = Some(Backend::Mpi);
            let argv = task_of(&run).argv;
            assert_eq!(argv[argv.len() - 1 - words.len()..argv.len() - 1], words, "mpirun passes the same");
            words.join(" ")
        };
        assert_eq!(shown(&[("A", "b")]), "A=b");
        assert_eq!(shown(&[("no_proxy", "x")]), "no_proxy=x,127.0.0.1 NO_PROXY=x,127.0.0.1");
        assert_eq!(shown(&[("NO_PROXY", "")]), "no_proxy=127.0.0.1 NO_PROXY=127.0.0.1");
        assert_eq!(shown(&[("no_proxy", "*"), ("NO_PROXY", "x")]), "no_proxy=* NO_PROXY=x,127.0.0.1");
        assert_eq!(shown(&[("NO_PROXY", "a, 127.0.0.1")]), "no_proxy=a, 127.0.0.1 NO_PROXY=a, 127.0.0.1");
    }

    #[test]
    fn every_process_of_an_mpi_run_learns_its_own_rank() {
        let mut run = sample_run(2, "p");
        run.spec.backend = Some(Backend::Mpi);
        let env = task(&run, 0, &settings(), None).unwrap().env;
        assert!(env.iter().all(|(name, _)| name != "RANK"), "{env:?}");
        let shown = |variables: &[(&str, &str)]| {
            let mut shell = Command::new("sh");
            shell.env_clear().env("WORLD_SIZE", "2").envs(variables.iter().copied());
            shell.args(["-c", MPI_ENVIRONMENT, "sh", "sh", "-c", "echo \"${RANK-none} of $WORLD_SIZE\""]);
            String::from_utf8(shell.output().unwrap().stdout).unwrap()
        };
        assert_eq!(shown(&[("OMPI_COMM_WORLD_RANK", "1"), ("OMPI_COMM_WORLD_SIZE", "4")]), "1 of 4\n");
        assert_eq!(shown(&[("PMIX_RANK", "0")]), "0 of 2\n");
        assert_eq!(shown(&[("PMI_RANK", "3"), ("PMI_SIZE", "8")]), "3 of 8\n");
        assert_eq!(shown(&[]), "none of 2\n");
    }

    #[test]
    fn the_run_token_is_in_the_environment_but_not_in_debug_output() {
        let token = Token::random().unwrap();
        let task = task(&sample_run(1, "p"), 0, &settings(), Some(&token)).unwrap();
        assert!(task.env.contains(&("MLBENCH_TOKEN".to_owned(), token.reveal().to_owned())));
        assert!(!format!("{task:?}").contains(token.reveal()), "{task:?}");
    }

    #[test]
    fn a_command_that_can_never_start_is_refused_with_the_reason() {
        let refusal =
            |command: &str, rank| task(&sample_run(2, command), rank, &settings(), None).unwrap_err();
        assert_eq!(refusal("p 'a", 0), "the command has an unclosed quote: p 'a");
        assert_eq!(refusal("p", 2), "rank 2 has no worker");
        assert_eq!(refusal("''", 0), "the command does not name a program");
        assert_eq!(refusal("{backend}", 0), "the command does not name a program");
    }
}
