//! The commands of the `mlbench` Python CLI.

use mlbench_tests::{Cli, TestServer, binary};

#[tokio::test]
async fn scripts_of_the_python_cli_find_their_commands() {
    let server = TestServer::start().await;
    let url = server.url();
    let address = url.strip_prefix("http://").unwrap();
    // The option of the Python CLI counts, whatever the environment says.
    let cli = Cli::new("http://127.0.0.1:1");
    let program = binary("mlbench").display().to_string();
    let command = format!(
        "'{program}' benchmark logistic-regression --breast-cancer --run_id {{run_id}} --rank {{rank}} --hosts {{hosts}}"
    );
    for workers in ["1", "2"] {
        let run = ["run", "cancer", workers, "-l", "-c", "2", "--command", &command, "-u", address];
        let started = cli.run(&run).await;
        assert_eq!((started.code, started.stderr.as_str()), (0, ""), "{started:?}");
        assert_eq!(started.stdout, format!("Run started with name cancer-{workers}\n"));
        server.cli().ok(&["runs", "wait", &format!("cancer-{workers}")]).await;
    }
    let run = server.get("/api/runs/1/").await.json();
    assert_eq!((&run["num_cpus"], &run["light_target"]), (&1.0.into(), &true.into()), "{run}");

    let all = cli.ok(&["status", "--dashboard-url", &url]).await;
    let lines: Vec<&str> = all.lines().collect();
    assert!(
        lines[0].starts_with("id\tname\tstate\t") && lines[2].starts_with("2\tcancer-2\tFINISHED\t2\t"),
        "{all}"
    );
    let one = cli.ok(&["status", "cancer-2", "-u", address]).await;
    let line = |begin: &str| one.lines().find_map(|line| line.strip_prefix(begin)).unwrap_or("").to_owned();
    for begin in ["Current Global Loss: 0.", "Current Global Prec@1: "] {
        assert!(line(begin).ends_with("Z)") && line(begin).contains(" (20"), "{begin} {one}");
    }
    let none = cli.ok(&["status", "cancer-2", "-u", address, "-m", "Perplexity"]).await;
    assert!(none.ends_with("\nNo Validation Precision Data yet\n"), "{none}");

    let folder = server.dir().join("charts");
    let folder = folder.to_str().unwrap();
    let few = cli.run(&["charts", folder, "-f", "cancer-2", "-u", address]).await;
    assert_eq!((few.code, few.stdout.as_str()), (1, ""), "{few:?}");
    assert!(few.stderr.contains("needs 2 to 1000 finished runs, not 1"), "{few:?}");
    let charts = cli.ok(&["charts", folder, "--filter", "cancer", "-u", address]).await;
    assert_eq!(charts, format!("Summary created in {folder}\n"));
    assert!(std::fs::exists(format!("{folder}/speed-up.png")).unwrap());

    let archive = server.dir().join("results.zip");
    cli.ok(&["download", "cancer-1", "-o", archive.to_str().unwrap(), "-u", address]).await;
    assert!(std::fs::read(archive).unwrap().starts_with(b"PK"));
    let deleted = cli.run(&["delete", "cancer-1", "-u", address]).await;
    assert_eq!((deleted.code, deleted.stdout.as_str()), (0, ""), "{deleted:?}");
    for command in ["delete", "download", "status"] {
        let gone = cli.run(&[command, "cancer-1", "-u", address]).await;
        assert_eq!((gone.code, gone.stdout.as_str()), (3, ""), "{gone:?}");
        assert!(gone.stderr.starts_with("mlbench: run \"cancer-1\": not found"), "{gone:?}");
    }
    assert_eq!(server.cli().ok(&["get-dashboard-url"]).await, format!("{url}/\n"));
}

#[tokio::test]
async fn several_runs_need_a_queue() {
    let server = TestServer::start().await;
    let started = server.cli().run(&["run", "long", "1", "2", "--command", "sleep 1000"]).await;
    assert_eq!((started.code, started.stdout.as_str()), (5, "Run started with name long-1\n"), "{started:?}");
    assert!(started.stderr.contains("use `mlbench runs sweep` for several"), "{started:?}");
}

#[tokio::test]
async fn what_the_python_cli_could_do_elsewhere_is_refused_with_the_way() {
    let cli = Cli::new("http://127.0.0.1:1");
    for (line, problem) in [
        (
            "create-cluster gcloud 3 release -k 1.19 --num-gpus 2",
            "create-cluster: mlbench creates no clusters",
        ),
        ("delete-cluster kind test", "delete-cluster: mlbench deletes no clusters"),
        ("set-cluster aws test", "use `mlbench context use NAME`"),
        ("list-clusters", "use `mlbench context list`"),
        ("run first", "<NUM_WORKERS>..."),
        ("run first 2 -c 1", "must be a whole number of at least 2"),
        ("status -u 127.0.0.1:1 --url http://127.0.0.1:2", "--dashboard-url: no effect with --url"),
        ("get-dashboard-url --kube", "--kube: no effect on get-dashboard-url"),
    ] {
        let refused = cli.run(&line.split(' ').collect::<Vec<_>>()).await;
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{refused:?}");
        assert!(refused.stderr.contains(problem), "{line}: {refused:?}");
    }
    let help = cli.ok(&["help", "run"]).await;
    assert!(
        help.contains("Usage: mlbench run [OPTIONS] <NAME> <NUM_WORKERS>...")
            && help.contains("-u, --dashboard-url")
    );
    let main = cli.ok(&["--help"]).await;
    assert!(!main.contains("\n  run ") && !main.contains("get-dashboard-url"), "{main}");
}
