//! A real `mpirun`, with two local workers.

use mlbench_client::{OutputStream, Run, RunRequest, RunState};
use mlbench_tests::{TestServer, new_run, tools};

async fn start(server: &TestServer, command: &str) -> Run {
    let new = RunRequest { backend: Some("MPI".to_owned()), ..new_run("mpi", command) };
    server.client().runs().start(&new).await.unwrap()
}

#[tokio::test]
async fn mpirun_starts_one_process_per_worker() {
    let Some(_) = tools::mpirun() else { return };
    let server = TestServer::start().await;
    let run =
        start(&server, "sh -c 'echo $RANK of $WORLD_SIZE is $OMPI_COMM_WORLD_RANK here $LOCAL_RANK'").await;
    let run = server.wait(run.id).await;
    assert_eq!(run.state, RunState::Finished, "{:?} {:?}", run.job_metadata, server.output(run.id).await);
    assert_eq!(run.job_metadata.exit_codes, [(0, 0)].into(), "mpirun runs on the first worker only");
    let mut lines = server.lines_of(run.id, 0, OutputStream::Stdout).await;
    lines.sort_unstable();
    assert_eq!(lines, ["0 of 2 is 0 here 0", "1 of 2 is 1 here 1"]);
}

#[tokio::test]
async fn a_stopped_mpirun_leaves_no_process() {
    let Some(_) = tools::mpirun() else { return };
    let server = TestServer::start().await;
    let run = start(&server, "sh -c 'echo ready; sleep 1000'").await;
    server.wait_for_lines(run.id, 2).await;
    server.client().runs().stop(run.id).await.unwrap();
    assert_eq!(server.wait(run.id).await.state, RunState::Stopped);
    server.wait_until_nothing_runs().await;
}

#[tokio::test]
async fn an_mpirun_whose_program_fails_leaves_no_process() {
    let Some(_) = tools::mpirun() else { return };
    let server = TestServer::start().await;
    let run = start(&server, "sh -c 'if [ $OMPI_COMM_WORLD_RANK = 1 ]; then exit 5; fi; sleep 1000'").await;
    let run = server.wait(run.id).await;
    let output = server.output(run.id).await;
    assert_eq!((run.state, run.job_metadata.exit_codes.get(&0)), (RunState::Failed, Some(&5)), "{output:?}");
    server.wait_until_nothing_runs().await;
}
