use mlbench_client::{Clock, ComparisonQuery, MetricsQuery, Owner, RunId, RunName, RunRequest};
use mlbench_tests::{TestServer, binary};

/// Trains the built-in benchmark three times in one run.
async fn train(server: &TestServer, name: &str, workers: u32) -> RunId {
    let program = binary("mlbench").display().to_string();
    let placeholders = "--run_id {run_id} --rank {rank} --hosts {hosts}";
    let command =
        format!("'{program}' benchmark logistic-regression --breast-cancer --repeats 3 {placeholders}");
    let request = RunRequest {
        num_workers: Some(workers),
        custom_image_command: Some(command),
        ..RunRequest::named(RunName::new(name).unwrap())
    };
    let run = server.client().runs().start(&request).await.unwrap();
    server.wait(run.id).await.id
}

/// Returns whether two numbers are equal but for the last digit, which JSON may change.
fn same(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-12 * one.abs()
}

#[tokio::test]
async fn trainings_of_the_built_in_benchmark_are_compared() {
    let server = TestServer::start().await;
    let runs = [train(&server, "one", 1).await, train(&server, "two", 2).await];
    let client = server.client();
    let comparison = client.runs().compare(&ComparisonQuery::of(runs)).await.unwrap();
    assert_eq!((comparison.metric.as_str(), comparison.goal), ("val_global_Prec@1", Some(95.0)));
    assert_eq!((comparison.clock, comparison.warnings.len()), (Clock::Training, 0), "{comparison:?}");
    assert!(comparison.cores.is_some_and(|cores| cores >= 1.0));
    let [one, two] = &comparison.groups[..] else { panic!("{comparison:?}") };
    assert_eq!((one.label.as_str(), two.label.as_str()), ("1 worker", "2 workers"));
    for (group, run) in [(one, runs[0]), (two, runs[1])] {
        let points = client.metrics().get(&Owner::Run(run), &MetricsQuery::default()).await.unwrap();
        let reported: Vec<_> =
            points["time_to_accuracy @ 0"].iter().filter_map(|point| point.value.as_f64()).collect();
        let compared: Vec<_> = group.trainings.iter().filter_map(|training| training.seconds).collect();
        assert_eq!((compared.len(), reported.len(), group.reached), (3, 3, 3));
        assert!(
            compared.iter().zip(&reported).all(|(one, other)| same(*one, *other)),
            "{compared:?} {reported:?}"
        );
        assert!(group.phases.as_ref().is_some_and(|phases| phases.shares.waiting.is_some()), "{group:?}");
    }
    let ratio = one.time_to_accuracy.unwrap().median / two.time_to_accuracy.unwrap().median;
    assert!(same(two.speed_up.unwrap().median, ratio), "{two:?}");

    // An easier goal is reached earlier; its time is the sum of the steps until then.
    let easier = ComparisonQuery { goal: Some(80.0), ..ComparisonQuery::of(runs) };
    let easier = client.runs().compare(&easier).await.unwrap();
    assert_eq!(easier.clock, Clock::Training);
    for (easier, full) in easier.groups.iter().zip(&comparison.groups) {
        for (easier, full) in easier.trainings.iter().zip(&full.trainings) {
            let (easier, full) = (easier.seconds.unwrap(), full.seconds.unwrap());
            assert!(easier > 0.0 && easier <= full, "{easier} {full}");
        }
    }
    let harder = ComparisonQuery { goal: Some(100.0), ..ComparisonQuery::of(runs) };
    let harder = client.runs().compare(&harder).await.unwrap();
    let reason = harder.groups[0].no_time_reason.as_deref().unwrap();
    assert!(reason.starts_with("val_global_Prec@1 ≥ 100 not reached; the best value is 9"), "{reason}");
}

#[tokio::test]
async fn runs_are_compared_on_the_command_line() {
    let server = TestServer::start().await;
    train(&server, "one", 1).await;
    train(&server, "two", 2).await;
    let cli = server.cli();
    let table = cli.ok(&["runs", "compare", "one", "2", "-o", "table"]).await;
    let first = table.lines().next().unwrap();
    assert_eq!(first, "training time to val_global_Prec@1 ≥ 95");
    assert!(table.contains("\n2 workers") && table.contains(" 3/3 "), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    let csv = cli.ok(&["runs", "compare", "1", "2", "--baseline", "two", "-o", "csv"]).await;
    let row = csv.lines().nth(2).unwrap();
    assert!(row.starts_with("2 workers,two,2,2,3,3,") && row.contains(",2 workers,1,1,1,1,"), "{csv}");
    let missing = cli.run(&["runs", "compare", "1", "nowhere"]).await;
    assert_eq!(missing.code, 3, "{missing:?}");
    let outside = cli.run(&["runs", "compare", "1", "--baseline", "2"]).await;
    assert!(outside.stderr.contains("baseline: run 2 is not compared"), "{outside:?}");
}
