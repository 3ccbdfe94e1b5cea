//! The command line and the environment of a rank.
//!
//! The command is first split into arguments by the rules of shell words. Placeholders are then replaced within each
//! argument, so that no value can become two arguments, and no shell interprets anything. Other text in braces stays
//! unchanged. Without a backend `{backend}` is empty, but its argument remains, so that `--backend {backend} --gpu`
//! never takes `--gpu` for the backend. The options of a run reach every command as variables, never as arguments.

use mlbench_core::run::{Backend, Run, RunKey, RunSpec};

use super::environment::{MPI_ENVIRONMENT, PLACES, env_command, environment};
use super::values::Values;
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
    let mut argv = in_directory(spec);
    if is_mpi {
        argv.extend(values.split(&settings.mpirun_prefix, "--mpirun")?);
    }
    let command = values.split(&spec.command, "the command")?;
    // A command that begins with an option continues the arguments of mpirun.
    if is_mpi && command.first().is_some_and(|word| !word.starts_with('-')) {
        argv.extend(["sh", "-c", MPI_ENVIRONMENT, "sh"].map(str::to_owned));
        argv.extend(env_command(spec, &settings.server_url));
    }
    if command.first().is_none_or(String::is_empty) && !is_mpi {
        return Err("the command does not name a program".to_owned());
    }
    argv.extend(command);
    if argv.first().is_none_or(String::is_empty) {
        return Err("the command does not name a program".to_owned());
    }
    let env = all_variables(values, run, settings, token, !is_mpi);
    let ranks = (spec.started_ranks() == spec.num_workers).then_some(spec.num_workers);
    Ok(Task { at, argv, env, num_cpus: spec.num_cpus, ranks })
}

/// Returns the task that runs a line of a shell beside rank `at`, for the command of the first worker.
///
/// It has the environment of that command, whose processes on this worker it starts.
pub(super) fn daemon_task(
    run: &Run,
    at: RankRef,
    line: &str,
    settings: &LauncherSettings,
    token: Option<&Token>,
) -> Task {
    let env = all_variables(Values::new(run, at.rank), run, settings, token, false);
    let argv = ["sh", "-c", line].map(str::to_owned).to_vec();
    Task { at, argv, env, num_cpus: run.spec.num_cpus, ranks: None }
}

/// Returns the variables of a task, with the place of its rank or without.
///
/// Every process that mpirun starts on a worker would inherit the place.
fn all_variables(
    values: Values,
    run: &Run,
    settings: &LauncherSettings,
    token: Option<&Token>,
    has_place: bool,
) -> Vec<(String, String)> {
    let mut variables = environment(values, run, &settings.server_url);
    variables.retain(|(name, _)| has_place || !PLACES.contains(&name.as_str()));
    variables.extend(token.map(|token| ("MLBENCH_TOKEN".to_owned(), token.reveal().to_owned())));
    variables
}

/// Returns the words in front of a command that begins in another directory.
///
/// mpirun begins its processes there too.
fn in_directory(spec: &RunSpec) -> Vec<String> {
    const SCRIPT: &str = "cd -- \"$1\" || exit 126; shift; exec \"$@\"";
    let directory = spec.needs.working_dir.iter();
    directory.flat_map(|path| ["sh", "-c", SCRIPT, "sh", path.as_str()]).map(str::to_owned).collect()
}

/// Returns where `rank` of `run` runs, or `None` while it has no worker.
pub(in crate::launcher) fn rank_ref(run: &Run, rank: u32) -> Option<RankRef> {
    let worker = run.workers.get(usize::try_from(rank).ok()?)?;
    Some(RankRef { run: RunKey::from(run), rank, pod: worker.pod.clone(), daemon: None })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::launcher::tests::harness::{sample_run, sample_settings};

    const OFFICIAL: &str = "/conda/bin/python /codes/main.py --run_id {run_id} --rank {rank} --hosts {hosts} --backend {backend}";

    fn argv(command: &str, rank: u32, change: impl FnOnce(&mut Run)) -> Vec<String> {
        let mut run = sample_run(2, command);
        change(&mut run);
        task(&run, rank, &sample_settings(), None).unwrap().argv
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
    fn a_command_begins_in_the_directory_of_its_run() {
        let output = |directory: &str| {
            let argv = argv("sh -c 'pwd; echo $0' {rank}", 1, |run| {
                run.spec.needs.working_dir = Some(directory.parse().unwrap());
            });
            Command::new(&argv[0]).args(&argv[1..]).output().unwrap()
        };
        assert_eq!(output("/usr").stdout, b"/usr\n1\n");
        let missing = output("/no/such directory");
        assert_eq!(missing.status.code(), Some(126));
        assert!(String::from_utf8_lossy(&missing.stderr).contains("/no/such directory"));
    }

    #[test]
    fn a_command_that_starts_all_ranks_is_not_one_rank_of_many() {
        let mut run = sample_run(2, "p");
        assert_eq!(task(&run, 0, &sample_settings(), None).unwrap().ranks, Some(2));
        run.spec.backend = Some(Backend::Mpi);
        assert_eq!(task(&run, 0, &sample_settings(), None).unwrap().ranks, None);
    }

    #[test]
    fn the_run_token_is_in_the_environment_but_not_in_debug_output() {
        let token = Token::random().unwrap();
        let task = task(&sample_run(1, "p"), 0, &sample_settings(), Some(&token)).unwrap();
        assert!(task.env.contains(&("MLBENCH_TOKEN".to_owned(), token.reveal().to_owned())));
        assert!(!format!("{task:?}").contains(token.reveal()), "{task:?}");
    }

    #[test]
    fn a_command_that_can_never_start_is_refused_with_the_reason() {
        let refusal =
            |command: &str, rank| task(&sample_run(2, command), rank, &sample_settings(), None).unwrap_err();
        assert_eq!(refusal("p 'a", 0), "the command has an unclosed quote: p 'a");
        assert_eq!(refusal("p", 2), "rank 2 has no worker");
        assert_eq!(refusal("''", 0), "the command does not name a program");
        assert_eq!(refusal("{backend}", 0), "the command does not name a program");
    }
}
