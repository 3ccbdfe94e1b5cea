use mlbench_client::{OutputStream, RunRequest, RunState};
use mlbench_tests::{TestServer, new_run};

#[tokio::test]
async fn placeholders_are_replaced_without_a_shell() {
    let server = TestServer::start().await;
    let command = "printf '%s\\n' {rank} {run_id} 'in a word:{hosts}' '$HOME; ls' '{unknown}'";
    let new = RunRequest { backend: Some("GLOO".to_owned()), ..new_run("arguments", command) };
    let run = server.client().runs().start(&new).await.unwrap();
    let run = server.wait(run.id).await;
    for rank in 0..2 {
        let expected = [
            rank.to_string(),
            run.id.to_string(),
            "in a word:127.0.0.1,127.0.0.1".to_owned(),
            "$HOME; ls".to_owned(),
            "{unknown}".to_owned(),
        ];
        assert_eq!(server.lines_of(run.id, rank, OutputStream::Stdout).await, expected);
    }
}

#[tokio::test]
async fn every_rank_finds_itself_and_its_peers_in_its_environment() {
    let server = TestServer::start().await;
    let names = "$RANK $WORLD_SIZE $LOCAL_RANK $LOCAL_WORLD_SIZE $NODE_RANK $PET_NODE_RANK of $PET_NNODES \
                 $MASTER_ADDR $MLBENCH_URL $MLBENCH_RUN_ID";
    let run = server.run(&format!("sh -c 'echo {names}; echo $MASTER_PORT $MLBENCH_ADDRESSES'")).await;
    for rank in 0..2 {
        let lines = server.lines_of(run.id, rank, OutputStream::Stdout).await;
        assert_eq!(
            lines[0],
            format!("{rank} 2 0 1 {rank} {rank} of 2 127.0.0.1 {} {}", server.url(), run.id)
        );
        let (port, addresses) = lines[1].split_once(' ').unwrap();
        let ports: Vec<_> =
            addresses.split(',').map(|each| each.strip_prefix("127.0.0.1:").unwrap()).collect();
        assert!(ports.len() == 2 && ports[0] != ports[1], "{addresses}");
        assert!(port.parse::<u16>().is_ok_and(|port| port > 0), "{port}");
    }
}

#[tokio::test]
async fn a_custom_backend_can_start_on_the_first_worker_only() {
    let server = TestServer::start().await;
    for (all, ranks) in [(false, 1), (true, 2)] {
        let new = RunRequest {
            backend: Some("custom_backend".to_owned()),
            custom_backend: Some("ring".to_owned()),
            run_all_nodes: Some(all),
            ..new_run("custom", "echo {backend}")
        };
        let run = server.client().runs().start(&new).await.unwrap();
        let run = server.wait(run.id).await;
        assert_eq!((run.state, run.job_metadata.exit_codes.len()), (RunState::Finished, ranks));
        assert_eq!(server.lines_of(run.id, 0, OutputStream::Stdout).await, ["ring"]);
    }
}

#[tokio::test]
async fn options_reach_a_command_as_variables_and_not_as_flags() {
    let server = TestServer::start().await;
    let command = "sh -c 'echo $# $MLBENCH_GPU$MLBENCH_LIGHT$MLBENCH_HOROVOD' sh";
    let new = RunRequest {
        light_target: true,
        use_horovod: true,
        gpu_enabled: true,
        ..new_run("options", command)
    };
    let run = server.client().runs().start(&new).await.unwrap();
    let run = server.wait(run.id).await;
    assert_eq!(server.lines_of(run.id, 0, OutputStream::Stdout).await, ["0 111"]);
}

#[tokio::test]
async fn a_run_says_where_its_command_begins_and_how_long_it_may_take() {
    let server = TestServer::start().await;
    let directory = server.dir().join("a b");
    std::fs::create_dir(&directory).unwrap();
    let mut new = new_run("needs", "pwd");
    new.needs.working_dir = Some(directory.to_str().unwrap().parse().unwrap());
    new.needs.memory = Some("8Gi".parse().unwrap());
    let run = server.client().runs().start(&new).await.unwrap();
    let run = server.wait(run.id).await;
    assert_eq!(run.state, RunState::Finished, "{:?}", server.output(run.id).await);
    assert_eq!(run.needs, new.needs);
    let lines = server.lines_of(run.id, 1, OutputStream::Stdout).await;
    assert_eq!(lines, [directory.canonicalize().unwrap().to_str().unwrap()]);

    let mut endless = new_run("endless", "sleep 1000");
    endless.needs.time_limit = Some("1.5s".parse().unwrap());
    let run = server.client().runs().start(&endless).await.unwrap();
    let run = server.wait(run.id).await;
    assert_eq!(run.state, RunState::Failed);
    let reason = run.job_metadata.reason.unwrap_or_default();
    assert_eq!(reason, "the run did not end within its time limit of 1500 ms");
}
