//! From arguments to the body of a start.

use mlbench_client::RunRequest;

use crate::args::StartArgs;

/// What `{backend}` becomes when a run is to start on the first worker only and names no backend.
const UNNAMED_BACKEND: &str = "custom";

/// What the server is asked for.
pub(super) fn new_run(args: &StartArgs) -> RunRequest {
    let mut run = RunRequest::named(args.name.clone());
    run.num_workers = args.workers;
    run.num_cpus = args.cpus;
    run.gpu_enabled = args.gpu;
    run.light_target = args.light;
    run.custom_image_command.clone_from(&args.command);
    match (&args.image, &args.command) {
        // An image with a command of one's own is one that the server need not know.
        (Some(image), Some(_)) => {
            run.image_name = Some("custom_image".to_owned());
            run.custom_image_name = Some(image.clone());
        }
        (image, _) => run.image_name.clone_from(image),
    }
    let named = args.backend.as_deref();
    let is = |name: &str| named.is_some_and(|backend| backend.eq_ignore_ascii_case(name));
    // MPI starts on the first worker only as it is.
    if is("mpi") || (!args.first_worker_only && (named.is_none() || is("gloo") || is("nccl"))) {
        run.backend = named.map(str::to_ascii_lowercase);
    } else {
        run.backend = Some("custom_backend".to_owned());
        run.custom_backend = Some(named.unwrap_or(UNNAMED_BACKEND).to_owned());
        run.run_all_nodes = Some(!args.first_worker_only);
    }
    run
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command, RunsCommand};
    use clap::Parser;

    /// What `runs start` with these arguments asks the server for.
    fn asked(arguments: &str) -> serde_json::Value {
        let line =
            ["mlbench", "runs", "start", "--name", "x"].into_iter().chain(arguments.split_whitespace());
        let Command::Runs(RunsCommand::Start(args)) = Cli::try_parse_from(line).unwrap().command else {
            panic!("it is a start")
        };
        serde_json::to_value(new_run(&args)).unwrap()
    }

    #[test]
    fn a_start_asks_for_what_was_said() {
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(asked(""), json(r#"{"name":"x"}"#));
        assert_eq!(
            asked("--workers 2 --cpus 0.5 --gpu --light"),
            json(r#"{"name":"x","num_workers":2,"num_cpus":0.5,"gpu_enabled":true,"light_target":true}"#)
        );
        assert_eq!(asked("--command true"), json(r#"{"name":"x","custom_image_command":"true"}"#));
        assert_eq!(
            asked("--image mlbench/a:latest"),
            json(r#"{"name":"x","image_name":"mlbench/a:latest"}"#)
        );
        assert_eq!(
            asked("--image busybox --command true"),
            json(
                r#"{"name":"x","image_name":"custom_image","custom_image_name":"busybox","custom_image_command":"true"}"#
            )
        );
    }

    #[test]
    fn a_backend_of_ones_own_is_a_custom_backend() {
        let backend = |arguments: &str| {
            let run: RunRequest = serde_json::from_value({
                let mut value = asked(arguments);
                for flag in ["gpu_enabled", "light_target", "use_horovod"] {
                    value[flag] = false.into();
                }
                value
            })
            .unwrap();
            let backend = run.backend().unwrap().unwrap();
            (backend.name().to_owned(), backend.first_worker_only())
        };
        assert_eq!(backend("--backend MPI"), ("mpi".to_owned(), true));
        assert_eq!(backend("--backend mpi --first-worker-only"), ("mpi".to_owned(), true));
        assert_eq!(backend("--backend Gloo"), ("gloo".to_owned(), false));
        assert_eq!(backend("--backend gloo --first-worker-only"), ("gloo".to_owned(), true));
        assert_eq!(backend("--backend ring"), ("ring".to_owned(), false));
        assert_eq!(backend("--backend ring --first-worker-only"), ("ring".to_owned(), true));
        assert_eq!(backend("--first-worker-only"), ("custom".to_owned(), true));
    }

    #[test]
    fn impossible_arguments_are_refused_before_the_server_is_asked() {
        for arguments in ["", "--name=", "--name x --workers 0", "--name x --cpus -1", "--name x --cpus nan"]
        {
            let line = ["mlbench", "runs", "start"].into_iter().chain(arguments.split_whitespace());
            assert_eq!(Cli::try_parse_from(line).unwrap_err().exit_code(), 2, "{arguments}");
        }
    }
}
