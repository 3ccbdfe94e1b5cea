//! The environment of a rank.

use std::process::Command;

use mlbench_core::Environment;
use mlbench_core::run::{Backend, Run};

use super::harness::{sample_run, sample_settings};
use crate::cluster::Task;
use crate::launcher::rank::task;

#[test]
fn enabled_options_are_variables_and_no_arguments() {
    let mut run = sample_run(2, "p");
    let options_of = |run: &Run| {
        let task = task(run, 1, &sample_settings(), None).unwrap();
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
fn the_environment_names_the_rank_and_all_addresses() {
    let task = task(&sample_run(2, "p"), 1, &sample_settings(), None).unwrap();
    let env: Vec<(&str, &str)> = task.env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(
        env,
        [
            ("RANK", "1"),
            ("WORLD_SIZE", "2"),
            ("LOCAL_RANK", "0"),
            ("LOCAL_WORLD_SIZE", "1"),
            ("NODE_RANK", "1"),
            ("GROUP_RANK", "1"),
            ("MASTER_ADDR", "127.0.0.1"),
            ("MASTER_PORT", "4000"),
            ("PET_NNODES", "2"),
            ("PET_NODE_RANK", "1"),
            ("PET_MASTER_ADDR", "127.0.0.1"),
            ("PET_MASTER_PORT", "4000"),
            ("MLBENCH_URL", "http://127.0.0.1:8000"),
            ("MLBENCH_RUN_ID", "1"),
            ("MLBENCH_ADDRESSES", "127.0.0.1:4000,127.0.0.1:4001"),
        ]
    );
    assert_eq!((task.at.rank, task.at.pod.as_str()), (1, "worker-1"));
}

#[test]
fn the_user_may_replace_the_defaults_of_torchrun() {
    let mut run = sample_run(2, "p {num_workers} {local_rank} {master_addr}:{master_port}");
    let variable = ("PET_NNODES".to_owned(), "1:2".to_owned());
    run.spec.environment = Environment::new([variable.clone()]).unwrap();
    let task = task(&run, 1, &sample_settings(), None).unwrap();
    let of_torchrun: Vec<_> = task.env.iter().filter(|(name, _)| name == "PET_NNODES").collect();
    assert_eq!(of_torchrun, [&variable]);
    assert_eq!(task.argv, ["p", "2", "0", "127.0.0.1:4000"]);
}

#[test]
fn variables_of_the_user_are_in_the_environment_unchanged() {
    let mut run = sample_run(1, "p");
    let variable = ("A".to_owned(), "{rank} $HOME 'b'".to_owned());
    run.spec.environment = Environment::new([variable.clone()]).unwrap();
    assert!(task(&run, 0, &sample_settings(), None).unwrap().env.contains(&variable));
    run.spec.backend = Some(Backend::Mpi);
    let argv = task(&run, 0, &sample_settings(), None).unwrap().argv;
    assert_eq!(argv[argv.len() - 4..], ["sh", "env", "A={rank} $HOME 'b'", "p"]);
}

#[test]
fn the_server_is_reached_without_a_proxy_whatever_the_user_sets() {
    let shown = |given: &[(&str, &str)]| {
        let mut run = sample_run(1, "p");
        let owned = given.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        run.spec.environment = Environment::new(owned).unwrap();
        let task_of = |run: &Run| task(run, 0, &sample_settings(), None).unwrap();
        let words: Vec<String> = task_of(&run)
            .env
            .into_iter()
            .skip_while(|(name, _)| name != "MLBENCH_ADDRESSES")
            .skip(1)
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
    let Task { env, argv, .. } = task(&run, 0, &sample_settings(), None).unwrap();
    let script = &argv[argv.iter().position(|word| word == "-c").unwrap() + 1];
    assert!(env.iter().all(|(name, _)| !name.ends_with("RANK") && !name.starts_with("LOCAL")), "{env:?}");
    let shown = |variables: &[(&str, &str)]| {
        let mut shell = Command::new("sh");
        shell.env_clear().env("WORLD_SIZE", "2").envs(variables.iter().copied());
        let place = "echo \"${RANK-none} of $WORLD_SIZE, ${LOCAL_RANK-none} of ${LOCAL_WORLD_SIZE-none}\"";
        shell.args(["-c", script, "sh", "sh", "-c", place]);
        String::from_utf8(shell.output().unwrap().stdout).unwrap()
    };
    let open_mpi = [
        ("OMPI_COMM_WORLD_RANK", "3"),
        ("OMPI_COMM_WORLD_SIZE", "4"),
        ("OMPI_COMM_WORLD_LOCAL_RANK", "1"),
        ("OMPI_COMM_WORLD_LOCAL_SIZE", "2"),
    ];
    assert_eq!(shown(&open_mpi), "3 of 4, 1 of 2\n");
    assert_eq!(shown(&[("PMIX_RANK", "0")]), "0 of 2, none of none\n");
    assert_eq!(shown(&[("PMI_RANK", "3"), ("PMI_SIZE", "8")]), "3 of 8, none of none\n");
    let intel = [("PMI_RANK", "1"), ("MPI_LOCALRANKID", "0"), ("MPI_LOCALNRANKS", "1")];
    assert_eq!(shown(&intel), "1 of 2, 0 of 1\n");
    assert_eq!(shown(&[]), "none of 2, none of none\n");
}
