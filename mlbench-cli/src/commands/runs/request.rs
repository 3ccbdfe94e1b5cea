//! Builds the request that starts a run from the arguments.

use std::path::Path;

use mlbench_client::{
    Environment, Error, Goal, NodeSelector, Params, RunName, RunNeeds, RunPatch, RunRequest, Tags, Volume,
};
use mlbench_core::api::Fields;
use mlbench_core::run::Backend;

use super::merged::{merged, with_new, with_secrets, with_volumes};
use super::run_file::read_run_file;
use crate::args::{SetArgs, SettingArgs, StartArgs};
use crate::failure::Failure;

/// Custom backend of a run with `--first-worker-only` and without `--backend`.
const DEFAULT_CUSTOM_BACKEND: &str = "custom";

/// Returns the request for a run with these arguments and their file.
///
/// # Errors
/// Naming the field of the file that is not valid, or a flag that fits no other.
pub(super) async fn read_request(args: &StartArgs) -> Result<RunRequest, Failure> {
    let base = read_base(args.name.as_ref(), args.file.as_deref()).await?;
    let run = with_all_flags(base, args)?;
    if args.file.is_some() || args.dry_run {
        check(&run)?;
    }
    Ok(run)
}

fn with_all_flags(base: RunRequest, args: &StartArgs) -> mlbench_client::Result<RunRequest> {
    let run = with_flags(base, &args.settings, args.workers, args.backend.as_deref())?;
    Ok(with_goal(run, args.goal.goal.as_ref(), args.goal.stop_at_goal))
}

/// Returns the request in a file, if there is one, with a name.
///
/// # Errors
/// Naming the field of the file that is not valid.
pub(super) async fn read_base(name: Option<&RunName>, file: Option<&Path>) -> Result<RunRequest, Failure> {
    match file {
        Some(path) => read_run_file(path, name).await,
        None => {
            let missing = || mlbench_core::Error::invalid("name", "missing; every run needs one");
            Ok(RunRequest::named(name.cloned().ok_or_else(missing).map_err(Error::from)?))
        }
    }
}

/// Replaces the goal of a request by that of the flags.
pub(super) fn with_goal(mut run: RunRequest, goal: Option<&Goal>, stops: bool) -> RunRequest {
    run.needs.goal = goal.cloned().or(run.needs.goal);
    run.needs.stop_at_goal |= stops;
    run
}

/// Applies the rules of the server to a request.
pub(super) fn check(run: &RunRequest) -> mlbench_client::Result<()> {
    let body = serde_json::to_vec(run).map_err(|error| mlbench_core::Error::invalid("run", error))?;
    RunRequest::from_fields(Fields::from_json(&body)?)?;
    Ok(())
}

/// Replaces fields of a request by what the flags say.
///
/// # Errors
/// If the environment variables, the parameters or the tags are too many, too long or repeated.
pub(crate) fn with_flags(
    mut run: RunRequest,
    args: &SettingArgs,
    workers: Option<u32>,
    backend: Option<&str>,
) -> mlbench_client::Result<RunRequest> {
    run.num_workers = workers.or(run.num_workers);
    run.num_cpus = args.cpus.or(run.num_cpus);
    run.gpu_enabled |= args.gpu;
    run.light_target |= args.light;
    if args.words.first().is_some_and(|word| word.trim().is_empty()) {
        // Scripts pass an empty word where a variable is not set.
        return Err(mlbench_core::Error::invalid("COMMAND", "empty; name a program after --").into());
    }
    run.custom_image_command = args.command().or(run.custom_image_command);
    run.needs = RunNeeds {
        memory: args.memory.or(run.needs.memory),
        shm_size: args.shm_size.or(run.needs.shm_size),
        gpus: args.gpus.or(run.needs.gpus),
        working_dir: args.working_dir.clone().or(run.needs.working_dir),
        time_limit: args.time_limit.or(run.needs.time_limit),
        goal: run.needs.goal,
        stop_at_goal: run.needs.stop_at_goal,
        env_from_secrets: with_secrets(&run.needs.env_from_secrets, &args.env_from_secret)?,
        volumes: with_volumes(run.needs.volumes, &args.volume),
        node_selector: NodeSelector::new(merged(
            run.needs.node_selector.iter(),
            args.node_selector.iter().map(|(key, value)| (key.as_str(), value.as_str())),
        ))?,
        tolerations: with_new(run.needs.tolerations, &args.toleration),
        priority_class: args.priority_class.clone().or(run.needs.priority_class),
        service_account: args.service_account.clone().or(run.needs.service_account),
        image_pull_secrets: with_new(run.needs.image_pull_secrets, &args.image_pull_secret),
    };
    Volume::check_all(&run.needs.volumes)?;
    let environment = Environment::new(args.env.iter().cloned())?;
    run.environment = Environment::new(merged(run.environment.iter(), environment.iter()))?;
    let params = Params::new(args.labels.params.iter().cloned())?;
    run.params = Params::new(merged(run.params.iter(), params.iter()))?;
    let tags = Tags::new(args.labels.tags.iter().cloned())?;
    run.tags = Tags::new(merged(run.tags.iter(), tags.iter()))?;
    if let Some(image) = args.image.clone() {
        // With a command, the image need not be one of the official images that the server knows.
        (run.image_name, run.custom_image_name) = match run.custom_image_command {
            Some(_) => (Some("custom_image".to_owned()), Some(image)),
            None => (Some(image), None),
        };
    }
    if backend.is_some() || args.first_worker_only {
        set_backend(&mut run, backend, args.first_worker_only)?;
    }
    Ok(run)
}

/// Sets the backend that the flags name. It starts the command where the request said, without another flag.
fn set_backend(
    run: &mut RunRequest,
    backend: Option<&str>,
    first_worker_only: bool,
) -> mlbench_client::Result<()> {
    let given = run.backend()?;
    let is_on_first_only =
        first_worker_only || matches!(given, Some(Backend::Custom { run_all_nodes: false, .. }));
    let named = backend.map(str::to_owned).or_else(|| given.map(|backend| backend.name().to_owned()));
    let is = |name: &str| named.as_ref().is_some_and(|backend| backend.eq_ignore_ascii_case(name));
    // The mpi backend always starts on the first worker only.
    if is("mpi") || (!is_on_first_only && (named.is_none() || is("gloo") || is("nccl"))) {
        run.backend = named.map(|name| name.to_ascii_lowercase());
        (run.custom_backend, run.run_all_nodes) = (None, None);
    } else {
        run.backend = Some("custom_backend".to_owned());
        run.custom_backend = Some(named.unwrap_or_else(|| DEFAULT_CUSTOM_BACKEND.to_owned()));
        run.run_all_nodes = Some(!is_on_first_only);
    }
    Ok(())
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
        over(r#"{"name":"x"}"#, arguments)
    }

    /// Returns the request body of `runs start` with a file and these arguments.
    fn over(file: &str, arguments: &str) -> serde_json::Value {
        let line =
            ["mlbench", "runs", "start", "--name", "x"].into_iter().chain(arguments.split_whitespace());
        let Command::Runs(RunsCommand::Start(args)) = Cli::try_parse_from(line).unwrap().command else {
            panic!("not a start")
        };
        let base = RunRequest::from_fields(Fields::from_json(file.as_bytes()).unwrap()).unwrap();
        let run = with_all_flags(base, &args).unwrap();
        check(&run).unwrap();
        serde_json::to_value(run).unwrap()
    }

    #[test]
    fn flags_replace_fields_of_a_file_and_keep_the_others() {
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        let file = r#"{"name":"x","num_workers":4,"memory":"1Gi","light_target":true,"max_bandwidth":7,
            "environment":{"A":"1","B":"2"},"params":{"lr":0.1,"deep":true},"tags":{"team":"nlp"}}"#;
        assert_eq!(over(file, ""), over(file, "--workers 4"), "nothing changes");
        assert_eq!(
            over(
                file,
                "--workers 2 --memory 2Gi --env B=3 --env C= --param lr=0.2 --param k=v --tag team=cv"
            ),
            json(
                r#"{"name":"x","num_workers":2,"memory":2147483648,"light_target":true,"max_bandwidth":7.0,
                    "environment":{"A":"1","B":"3","C":""},"params":{"lr":0.2,"deep":true,"k":"v"},
                    "tags":{"team":"cv"}}"#
            )
        );
    }

    #[test]
    fn words_after_two_dashes_are_the_command() {
        let command = |arguments: &str| body(arguments)["custom_image_command"].clone();
        assert_eq!(
            command("-- python train.py --rank {rank} --workers 2"),
            "python train.py --rank {rank} --workers 2"
        );
        assert_eq!(over(r#"{"name":"x","custom_image_command":"b"}"#, "-- a")["custom_image_command"], "a");
        let settings = |words: &[&str]| SettingArgs {
            words: words.iter().map(|&word| word.to_owned()).collect(),
            ..SettingArgs::default()
        };
        let run = |words: &[&str]| {
            let named = RunRequest::named(RunName::new("x").unwrap());
            with_flags(named, &settings(words), None, None).map(|run| run.custom_image_command)
        };
        assert_eq!(run(&["p", "", "a b"]).unwrap().as_deref(), Some("p '' 'a b'"));
        assert!(run(&["", "a"]).unwrap_err().to_string().starts_with("COMMAND: empty"));
    }

    #[test]
    fn an_image_replaces_the_one_of_a_file_beside_its_command() {
        let images = |file: &str, arguments: &str| {
            let run = over(file, arguments);
            let text = |field: &str| run[field].as_str().unwrap_or("-").to_owned();
            [text("image_name"), text("custom_image_name"), text("custom_image_command")].join(" ")
        };
        let custom =
            r#"{"name":"x","image_name":"custom_image","custom_image_name":"a","custom_image_command":"b"}"#;
        assert_eq!(images(custom, "--image c"), "custom_image c b");
        assert_eq!(images(custom, "--command d"), "custom_image a d");
        assert_eq!(images(r#"{"name":"x","image_name":"a"}"#, "--image c"), "c - -");
        let no_command = r#"{"name":"x","image_name":"custom_image","custom_image_name":"a"}"#;
        assert_eq!(images(no_command, "--image c"), "c - -");
    }

    #[test]
    fn a_backend_starts_where_the_file_says() {
        let backend = |file: &str, arguments: &str| {
            let run = over(file, arguments);
            let all = run["run_all_nodes"].as_bool();
            let text = |field: &str| run[field].as_str().map(str::to_owned);
            (text("custom_backend").or(text("backend")).unwrap(), all)
        };
        let ring = r#"{"name":"x","backend":"custom_backend","custom_backend":"ring","run_all_nodes":true}"#;
        assert_eq!(backend(ring, ""), ("ring".to_owned(), Some(true)));
        assert_eq!(backend(ring, "--first-worker-only"), ("ring".to_owned(), Some(false)));
        assert_eq!(backend(ring, "--backend gloo"), ("gloo".to_owned(), None));
        let first = r#"{"name":"x","backend":"custom_backend","custom_backend":"ring"}"#;
        assert_eq!(backend(first, "--backend other"), ("other".to_owned(), Some(false)));
        assert_eq!(backend(first, "--backend MPI"), ("mpi".to_owned(), None));
        assert_eq!(backend(r#"{"name":"x","backend":"Gloo"}"#, ""), ("Gloo".to_owned(), None));
        assert_eq!(
            backend(r#"{"name":"x","backend":"gloo"}"#, "--first-worker-only"),
            ("gloo".to_owned(), Some(false))
        );
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
        assert_eq!(
            body("--goal val_loss<=0.1 --stop-at-goal"),
            json(
                r#"{"name":"x","goal":{"metric":"val_loss","direction":"at_most","value":0.1},"stop_at_goal":true}"#
            )
        );
        assert_eq!(
            over(r#"{"name":"x","goal":"a>=1","stop_at_goal":true}"#, "--goal b>=2")["goal"]["metric"],
            "b"
        );
        let in_pods = "--env-from-secret T=hub/key --volume d:/d:pvc/sets:ro --volume e:/e:empty_dir/1Gi --node-selector gpu=a100 \
                       --toleration gpu:NoSchedule --priority-class low --service-account me --image-pull-secret hub";
        let expected = json(
            r#"{"name":"x","env_from_secrets":{"T":{"secret":"hub","key":"key"}},
                "volumes":[{"name":"d","mount_path":"/d","read_only":true,"pvc":"sets"},
                {"name":"e","mount_path":"/e","empty_dir":{"size":1073741824}}],"node_selector":{"gpu":"a100"},
                "tolerations":[{"key":"gpu","effect":"NoSchedule"}],"priority_class":"low","service_account":"me",
                "image_pull_secrets":["hub"]}"#,
        );
        assert_eq!(body(in_pods), expected);
        assert_eq!(over(&expected.to_string(), in_pods), expected, "flags replace what a file says by name");
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
            "--name x --goal 80",
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
