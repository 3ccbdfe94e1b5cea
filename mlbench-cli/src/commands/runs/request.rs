//! Builds the request that starts a run from the arguments.

use mlbench_client::{Environment, Params, RunNeeds, RunPatch, RunRequest, Tags};

use crate::args::{SetArgs, StartArgs};

/// Custom backend of a run with `--first-worker-only` and without `--backend`.
const DEFAULT_CUSTOM_BACKEND: &str = "custom";

/// Returns the request for a run with these arguments.
///
/// # Errors
/// If the environment variables, the parameters or the tags are too many, too long or repeated.
pub(super) fn run_request(args: &StartArgs) -> mlbench_client::Result<RunRequest> {
    let mut run = RunRequest::named(args.name.clone());
    run.num_workers = args.workers;
    run.num_cpus = args.cpus;
    run.gpu_enabled = args.gpu;
    run.light_target = args.light;
    run.custom_image_command.clone_from(&args.command);
    run.environment = Environment::new(args.env.iter().cloned())?;
    run.needs = RunNeeds {
        memory: args.memory,
        shm_size: args.shm_size,
        gpus: args.gpus,
        working_dir: args.working_dir.clone(),
        time_limit: args.time_limit,
    };
    run.params = Params::new(args.labels.params.iter().cloned())?;
    run.tags = Tags::new(args.labels.tags.iter().cloned())?;
    match (&args.image, &args.command) {
        // With a command, the image need not be one of the official images that the server knows.
        (Some(image), Some(_)) => {
            run.image_name = Some("custom_image".to_owned());
            run.custom_image_name = Some(image.clone());
        }
        (image, _) => run.image_name.clone_from(image),
    }
    let named = args.backend.as_deref();
    let is = |name: &str| named.is_some_and(|backend| backend.eq_ignore_ascii_case(name));
    // The mpi backend always starts on the first worker only.
    if is("mpi") || (!args.first_worker_only && (named.is_none() || is("gloo") || is("nccl"))) {
        run.backend = named.map(str::to_ascii_lowercase);
    } else {
        run.backend = Some("custom_backend".to_owned());
        run.custom_backend = Some(named.unwrap_or(DEFAULT_CUSTOM_BACKEND).to_owned());
        run.run_all_nodes = Some(!args.first_worker_only);
    }
    Ok(run)
}

/// Returns the changes of a run with these arguments.
///
/// # Errors
/// If the parameters or the tags are too many, too long or repeated.
pub(super) fn run_patch(args: &SetArgs) -> mlbench_client::Result<RunPatch> {
    let mut patch =
        RunPatch { params: Params::new(args.labels.params.iter().cloned())?, ..RunPatch::default() };
    for name in &args.remove_tag {
        patch = patch.without_tag(name)?;
    }
    for (name, text) in &args.labels.tags {
        patch = patch.tag(name, text)?;
    }
    Ok(patch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command, RunsCommand};
    use clap::Parser;

    /// Returns the request body of `runs start` with these arguments.
    fn body(arguments: &str) -> serde_json::Value {
        let line =
            ["mlbench", "runs", "start", "--name", "x"].into_iter().chain(arguments.split_whitespace());
        let Command::Runs(RunsCommand::Start(args)) = Cli::try_parse_from(line).unwrap().command else {
            panic!("not a start")
        };
        serde_json::to_value(run_request(&args).unwrap()).unwrap()
    }

    #[test]
    fn each_argument_sets_its_field() {
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(body(""), json(r#"{"name":"x"}"#));
        assert_eq!(
            body("--workers 2 --cpus 0.5 --gpu --light"),
            json(r#"{"name":"x","num_workers":2,"num_cpus":0.5,"gpu_enabled":true,"light_target":true}"#)
        );
        assert_eq!(
            body("--memory 4Gi --shm-size 1Gi --gpus 2 --working-dir /data --time-limit 90m"),
            json(
                r#"{"name":"x","memory":4294967296,"shm_size":1073741824,"gpus":2,"working_dir":"/data","time_limit":5400.0}"#
            )
        );
        assert_eq!(body("--env B=1=2 --env A="), json(r#"{"name":"x","environment":{"A":"","B":"1=2"}}"#));
        assert_eq!(
            body("--param lr=0.1 --param opt=adam --param deep=true --tag team=vision --tag host="),
            json(
                r#"{"name":"x","params":{"lr":0.1,"opt":"adam","deep":true},"tags":{"team":"vision","host":""}}"#
            )
        );
        assert_eq!(body("--command true"), json(r#"{"name":"x","custom_image_command":"true"}"#));
        assert_eq!(body("--image mlbench/a:latest"), json(r#"{"name":"x","image_name":"mlbench/a:latest"}"#));
        assert_eq!(
            body("--image busybox --command true"),
            json(
                r#"{"name":"x","image_name":"custom_image","custom_image_name":"busybox","custom_image_command":"true"}"#
            )
        );
    }

    #[test]
    fn tags_are_set_and_removed() {
        let line = "mlbench runs set 3 --param lr=0.1 --tag best=yes --remove-tag old".split(' ');
        let Command::Runs(RunsCommand::Set(args)) = Cli::try_parse_from(line).unwrap().command else {
            panic!("not a change")
        };
        let patch = serde_json::to_string(&run_patch(&args).unwrap()).unwrap();
        assert_eq!(patch, r#"{"params":{"lr":0.1},"tags":{"best":"yes","old":null}}"#);
    }

    #[test]
    fn an_unknown_backend_is_a_custom_backend() {
        let backend = |arguments: &str| {
            let run: RunRequest = serde_json::from_value({
                let mut value = body(arguments);
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
    fn invalid_arguments_are_refused_without_a_request() {
        let invalid = [
            "",
            "--name=",
            "--name x --workers 0",
            "--name x --cpus -1",
            "--name x --cpus nan",
            "--name x --env HOME",
            "--name x --env RANK=1",
            "--name x --param lr",
            "--name x --tag =1",
        ];
        for arguments in invalid {
            let line = ["mlbench", "runs", "start"].into_iter().chain(arguments.split_whitespace());
            assert_eq!(Cli::try_parse_from(line).unwrap_err().exit_code(), 2, "{arguments}");
        }
    }
}
