use mlbench_client::RunState;
use mlbench_tests::eventually;
use mlbench_tests::kube::SOON;

use super::{ended, image_run, nothing_is_left, start, world};

#[tokio::test]
async fn whatever_runs_are_called_their_objects_have_names_of_their_own() {
    let Some(world) = world().await else { return };
    let server = world.options(4).args(&["--run-policy", "queue"]).start().await;
    let long = "Long".repeat(25);
    let mut runs = Vec::new();
    for name in ["2nd try", &long, "same", "same"] {
        runs.push(start(&server, &image_run(name, 1, "sh -c 'cat /etc/hostname; sleep 5'")).await);
    }
    let names = eventually("four worker sets are there", SOON, async || {
        let names = world.names("statefulset").await;
        (names.len() == 4).then_some(names)
    })
    .await;
    let expected = [
        &format!("{}-2-mlbench-worker-rel", &"long".repeat(25)[..31]),
        "run-2nd-try-mlbench-worker-rel",
        "same-4-mlbench-worker-rel",
        "same-mlbench-worker-rel",
    ];
    assert_eq!(names, expected);
    assert!(names.iter().all(|name| name.len() <= 52), "{names:?}");
    for run in runs {
        let run = ended(&server, run.id).await;
        assert_eq!(run.state, RunState::Finished, "{:?}", run.job_metadata);
        let host = &server.output(run.id).await[0].text;
        assert!(names.iter().any(|name| *host == format!("{name}-0")), "{host}");
    }
    nothing_is_left(&world).await;
}
