//! Daemons that the command of the first worker starts on the others, as `mpirun` does.

use mlbench_core::run::{Backend, Run, RunState};

use super::harness::{World, spec};
use super::process::{Exit, script};
use crate::cluster::{DaemonReply, DaemonRequest, Wanted};

fn request(number: u32, host: &str) -> DaemonRequest {
    let wanted = Wanted { host: host.to_owned(), command: "orted --x 'a b'".to_owned() };
    DaemonRequest { number, wanted: Ok(wanted), reply: None }
}

/// Starts a run whose first worker executes the first script, and its daemons the others.
async fn started(exits: &[Exit], requests: Vec<DaemonRequest>) -> (World, mlbench_core::RunId) {
    let world = World::new(exits.iter().map(|&exit| script(exit)).collect());
    world.cluster.ask(requests);
    let mut spec = spec(u32::try_from(exits.len()).unwrap(), "p");
    spec.backend = Some(Backend::Mpi);
    let id = world.try_start_run(spec).await.unwrap().id;
    (world, id)
}

async fn replies(world: &World, count: usize) -> Vec<DaemonReply> {
    world.when(async |world| world.cluster.replies().len() >= count).await;
    world.cluster.replies()
}

fn reason(run: &Run) -> &str {
    run.reason().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_daemon_starts_on_a_worker_of_its_run_and_nowhere_else() {
    let unreadable = DaemonRequest { wanted: Err("it is no UTF-8".to_owned()), ..request(4, "") };
    let hosts = ["worker-1", "worker-0", "worker-2"];
    let mut requests: Vec<_> = (1..).zip(hosts).map(|(number, host)| request(number, host)).collect();
    requests.push(unreadable);
    let (world, id) = started(&[Exit::OnTerm, Exit::WithCode(0)], requests).await;
    let replies = replies(&world, 4).await;
    world.cluster.exit(0, 0);
    assert_eq!(world.until_ended(id).await.state, RunState::Finished);
    let refusal = |number: usize| replies[number - 1].refusal.as_deref();
    assert_eq!(refusal(1), None);
    assert!(refusal(2).unwrap().starts_with("worker-0 is the first worker"), "{replies:?}");
    let other = "\"worker-2\" is no worker of this run; use the hosts in {hosts}";
    assert_eq!((refusal(3), refusal(4)), (Some(other), Some("it is no UTF-8")));
    let tasks = world.cluster.tasks();
    let [_, daemon] = &tasks[..] else { panic!("{tasks:?}") };
    assert_eq!((daemon.at.rank, daemon.at.daemon), (1, Some(1)));
    assert_eq!(daemon.argv, ["sh", "-c", "orted --x 'a b'"]);
    let has = |wanted: &str| daemon.env.iter().any(|(name, _)| name == wanted);
    assert!(has("MLBENCH_URL") && has("WORLD_SIZE") && !has("RANK") && !has("LOCAL_RANK"), "{tasks:?}");
}

#[tokio::test(start_paused = true)]
async fn requests_that_an_earlier_server_has_answered_are_not_answered_again() {
    let answered = |number, host, reply| DaemonRequest { reply: Some(reply), ..request(number, host) };
    let requests =
        vec![answered(1, "worker-1", false), answered(2, "worker-1", true), request(3, "worker-2")];
    let (world, id) = started(&[Exit::OnTerm, Exit::PodLost, Exit::WithCode(0)], requests).await;
    // The second one is watched.
    let run = world.until_ended(id).await;
    assert_eq!(reason(&run), "the pod of rank 1 is gone");
    assert_eq!(world.cluster.replies(), [DaemonReply { number: 3, refusal: None }]);
    assert_eq!(world.cluster.tasks().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_fails_fails_a_command_that_waits_for_it() {
    let (world, id) = started(&[Exit::OnKill, Exit::WithCode(127)], vec![request(1, "worker-1")]).await;
    let run = world.until_ended(id).await;
    let expected = "the daemon of mpirun in worker pod worker-1 ended with exit code 127: err";
    assert_eq!((run.state, reason(&run)), (RunState::Failed, expected));
    assert!(world.cluster.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_lost_worker_is_the_reason_also_when_the_command_fails_first() {
    for exits in [[Exit::OnKill, Exit::PodLost], [Exit::WithCode(1), Exit::PodLost]] {
        let (world, id) = started(&exits, vec![request(1, "worker-1")]).await;
        let run = world.until_ended(id).await;
        assert_eq!((run.state, reason(&run)), (RunState::Failed, "the pod of rank 1 is gone"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_starts_nothing_is_named() {
    let (world, id) = started(&[Exit::OnTerm, Exit::LaunchRefused], vec![request(1, "worker-1")]).await;
    let replies = replies(&world, 1).await;
    assert_eq!(replies[0].refusal.as_deref(), Some("worker-1: rank 1 cannot start: no such program"));
    world.cluster.exit(0, 1);
    assert_eq!(reason(&world.until_ended(id).await), "rank 0 exited with code 1");
}
