//! `mlbench import`.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use mlbench_tests::{Cli, TIMEOUT, TestServer, eventually};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;
use tokio::time::timeout;

/// Event files that TensorBoard's packages wrote, see their README.
fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/tensorboard")
}

/// The bytes of the committed file with most points.
fn events() -> Vec<u8> {
    fs::read(committed().join("torch/events.out.tfevents.1533288089.host")).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

async fn count(server: &TestServer, run: u32, metric: &str) -> usize {
    let metrics =
        server.get(&format!("/api/metrics/{run}/?metric_type=run&metric_filter={metric}")).await.json();
    metrics[metric].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn directories_with_event_files_become_runs_once() {
    let server = TestServer::start().await;
    let cli = server.cli();
    let logs = committed();
    let contents = Cli::new("http://127.0.0.1:1").json(&["import", text(&logs), "--dry-run"]).await;
    assert_eq!((&contents[1]["name"], &contents[1]["points"]), (&"torch".into(), &41.into()), "{contents}");
    let tag = ["--tag", "team=vision"];
    let first = cli.run(&[&["import", text(&logs), "-o", "csv"], &tag[..]].concat()).await;
    let lines = "run,name,state,files,points,left_out\n\
                 1,tensorboard,FINISHED,1,18,histograms: 1\n\
                 2,torch,FINISHED,1,41,\"histograms: 1, images: 1, text: 1\"\n\
                 3,torch/tuned,FINISHED,1,1,hparams details: 2\n";
    assert_eq!((first.code, first.stdout.as_str(), first.stderr.as_str()), (0, lines, ""));
    let run = server.get("/api/runs/3/").await.json();
    assert_eq!(run["params"], serde_json::json!({"lr": 0.1, "opt": "adam", "deep": true}));
    assert_eq!((&run["tags"]["team"], &run["external"]), (&"vision".into(), &true.into()));
    let stored =
        server.get("/api/metrics/2/?metric_type=run&fields=step,date,value&metric_filter=loss").await.json();
    let second = serde_json::json!({"step": 1, "date": "2018-08-03T09:21:30.500000Z", "value": "0.5"});
    assert_eq!(stored["loss"][1], second);

    let again = cli.json(&["import", text(&logs)]).await;
    let points: Vec<i64> =
        again.as_array().unwrap().iter().map(|run| run["points"].as_i64().unwrap()).collect();
    assert_eq!((points, count(&server, 2, "loss").await), (vec![0, 0, 0], 20));
}

#[tokio::test]
async fn a_file_that_has_grown_gives_its_new_points() {
    let server = TestServer::start().await;
    let (cli, all) = (server.cli(), events());
    let file = server.dir().join("events.out.tfevents.1");
    fs::write(&file, &all[..1_000]).unwrap();
    let first = cli.run(&["import", text(&file), "--name", "grows", "-o", "json"]).await;
    assert_eq!(first.code, 0, "{first:?}");
    assert!(first.stderr.contains("ends within a record, as while it is written"), "{}", first.stderr);
    let early = count(&server, 1, "loss").await;
    fs::write(&file, &all).unwrap();
    let second = cli.json(&["import", text(&file), "--name", "grows"]).await;
    assert_eq!((&second[0]["run"], count(&server, 1, "loss").await), (&1.into(), 20), "{second}");
    assert!((1..20).contains(&early), "{early}");
    fs::write(&file, &all[..1_000]).unwrap();
    let shorter = cli.run(&["import", text(&file), "--name", "grows"]).await;
    assert!(shorter.code == 1 && shorter.stderr.contains("has 1000 bytes, but 72"), "{shorter:?}");
}

#[tokio::test]
async fn a_damaged_file_is_named_with_its_place_and_what_is_imported() {
    let server = TestServer::start().await;
    let (cli, mut bytes) = (server.cli(), events());
    let file = server.dir().join("events.out.tfevents.1");
    bytes[1_500] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let damaged = cli.run(&["import", text(&file), "-o", "json"]).await;
    assert_eq!(damaged.code, 1, "{damaged:?}");
    let run = server.get("/api/runs/1/").await.json();
    assert_eq!(run["state"], "FAILED");
    let reason = run["job_metadata"]["reason"].as_str().unwrap();
    assert!(
        reason.contains("events.out.tfevents.1: byte 14") && reason.ends_with("wrong checksum"),
        "{reason}"
    );
    assert!(
        damaged.stderr.contains("has a wrong checksum; run 1 has what is before it, "),
        "{}",
        damaged.stderr
    );
    assert!(damaged.stderr.contains(r#""message":"1 of the files cannot be read to the end","field":null"#));
    assert!((1..20).contains(&count(&server, 1, "loss").await));
}

#[tokio::test]
async fn csv_is_imported_into_a_run_of_its_own_or_another() {
    let server = TestServer::start().await;
    let cli = server.cli();
    let file = server.dir().join("losses.csv");
    fs::write(&file, "step,loss,acc\n1,0.50,\n2,x,0.5\n").unwrap();
    let partly = cli.run(&["import", text(&file), "--param", "lr=0.1", "-o", "csv"]).await;
    assert_eq!((partly.code, partly.stdout.lines().last()), (1, Some("1,losses,FINISHED,1,2,")));
    let lines: Vec<&str> = partly.stderr.lines().collect();
    assert!(
        lines[0].ends_with(
            "losses.csv: line 3, column 2 (\"loss\"): \"x\": not a number; leave the cell empty \
                                where a metric has no value"
        ),
        "{lines:?}"
    );
    assert_eq!(lines[1], "mlbench: 1 of the rows or cells cannot be read; the others are imported");
    assert_eq!(server.get("/api/runs/1/").await.json()["params"]["lr"], 0.1);
    server.post("/api/runs/", serde_json::json!({"name": "notebook", "external": true})).await;
    for points in [2, 0] {
        let into = cli.run(&["import", text(&file), "--run", "notebook", "-o", "csv"]).await;
        assert_eq!(into.stdout.lines().last().unwrap(), format!("2,notebook,STARTED,1,{points},"));
    }
    assert_eq!(count(&server, 2, "acc").await, 1);
    let two = cli.run(&["import", text(&file), text(&committed()), "--run", "notebook"]).await;
    assert!(two.code == 1 && two.stderr.contains("--run: the files belong to 4 runs (losses, "), "{two:?}");
    let none = cli.run(&["import", text(&server.dir().join("missing"))]).await;
    assert!(none.code == 1 && none.stderr.contains("missing: does not exist"), "{none:?}");
}

#[tokio::test]
async fn an_import_that_was_killed_anywhere_goes_on_where_it_stopped() {
    let server = TestServer::start().await;
    let cli = server.cli();
    let file = server.dir().join("many.csv");
    let rows: String = (0..300_000).map(|step| format!("{step},{}\n", f64::from(step) / 7.0)).collect();
    fs::write(&file, format!("step,loss\n{rows}")).unwrap();
    // When the run is there, and then after each further batch.
    for batches in 0..5 {
        let mut import = cli.spawn(&["import", text(&file)]);
        eventually("a batch is stored", TIMEOUT, async || {
            let run = server.get("/api/runs/1/").await.status == 200;
            (run && (batches == 0 || count(&server, 1, "imported_bytes").await >= batches)).then_some(())
        })
        .await;
        import.kill().await.unwrap();
    }
    cli.json(&["import", text(&file)]).await;
    let series = server.get("/api/runs/1/series/").await.json();
    let loss = series.as_array().unwrap().iter().find(|series| series["name"] == "loss").unwrap();
    assert_eq!(loss["count"], 300_000, "{series}");
    let runs = server.get("/api/runs/").await.json();
    assert_eq!((runs.as_array().unwrap().len(), &runs[0]["state"]), (1, &"FINISHED".into()), "{runs}");
}

#[tokio::test]
async fn a_table_that_grows_is_followed_to_its_last_whole_row() {
    let server = TestServer::start().await;
    let cli = server.cli();
    let file = server.dir().join("grows.csv");
    fs::write(&file, "step,time,loss\n").unwrap();
    let follow = cli.spawn(&["import", text(&file), "--follow", "-o", "csv"]);
    let append = |text: &str| {
        OpenOptions::new().append(true).open(&file).unwrap().write_all(text.as_bytes()).unwrap();
    };
    let has = async |name: &str, least: u64| {
        eventually(&format!("{least} points of {name}"), TIMEOUT, async || {
            let series = server.get("/api/runs/1/series/").await;
            let all = if series.status == 200 { series.json() } else { serde_json::json!([]) };
            let one = all.as_array().unwrap().iter().find(|series| series["name"] == name)?;
            (one["count"].as_u64()? >= least).then_some(())
        })
        .await;
    };
    append("1,0.5,0.7\n");
    has("time", 1).await;
    append(&(2..90_000).map(|step| format!("{step},0.5,0.25\n")).collect::<String>());
    has("loss", 89_999).await;
    // A program that writes the file anew, and has not yet written the last row to its end.
    let whole = fs::read_to_string(&file).unwrap();
    fs::write(&file, &whole[..100]).unwrap();
    fs::write(&file, format!("{whole}90000,0.5,0.2\n90001,0.5,0.12")).unwrap();
    has("loss", 90_000).await;
    let (code, stdout) = interrupt(follow).await;
    assert_eq!((code, stdout.lines().last().unwrap()), (0, "1,grows,FINISHED,1,180000,"), "{stdout}");
    append("5\n");
    cli.json(&["import", text(&file)]).await;
    let last = server.get("/api/metrics/1/?metric_type=run&metric_filter=loss&last_n=1").await.json();
    assert_eq!(
        (&last["loss"][0]["value"], count(&server, 1, "loss").await),
        (&"0.125".into(), 90_001),
        "{last}"
    );
}

#[tokio::test]
async fn other_files_in_the_place_of_imported_ones_are_refused() {
    let server = TestServer::start().await;
    let cli = server.cli();
    let file = server.dir().join("a/losses.csv");
    let other = server.dir().join("b/losses.csv");
    for path in [&file, &other] {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "step,loss\n1,0.5\n").unwrap();
    }
    let both = cli.json(&["import", text(&file), text(&other), "--name", "x"]).await;
    assert_eq!((&both[0]["name"], &both[1]["name"]), (&"x/a/losses.csv".into(), &"x/b/losses.csv".into()));
    cli.json(&["import", text(&file)]).await;
    fs::write(&file, "step,loss\n1,0.9\n2,0.8\n").unwrap();
    let replaced = cli.run(&["import", text(&file)]).await;
    let why = "losses.csv: was replaced: what was imported is not in it; import it under another --name";
    assert!(replaced.code == 1 && replaced.stderr.contains(why), "{replaced:?}");
    assert_eq!(count(&server, 3, "loss").await, 1);
    let anew = cli.json(&["import", text(&file), "--name", "anew"]).await;
    assert_eq!(anew[0]["points"], 2, "{anew}");
}

#[tokio::test]
async fn a_pipe_or_device_is_refused_at_once() {
    let cli = Cli::new("http://127.0.0.1:1");
    for path in ["/dev/zero", "/dev/stdin"] {
        let refused = cli.run(&["import", path]).await;
        assert!(refused.code == 1 && refused.stderr.contains("which cannot be read twice; "), "{refused:?}");
    }
}

async fn interrupt(child: Child) -> (i32, String) {
    let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let output = timeout(TIMEOUT, child.wait_with_output()).await.unwrap().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[tokio::test]
async fn files_are_followed_while_they_grow_and_appear() {
    let server = TestServer::start().await;
    let (cli, all) = (server.cli(), events());
    let logs = server.dir().join("logs");
    fs::create_dir_all(logs.join("late")).unwrap();
    let follow = cli.spawn(&["import", text(&logs), "--follow", "-o", "csv"]);
    let file = logs.join("events.out.tfevents.1");
    fs::write(&file, &all[..1_000]).unwrap();
    let at_least = async |run: u32, least: usize| {
        let found = async || (count(&server, run, "loss").await >= least).then_some(());
        eventually(&format!("run {run} has {least} points"), TIMEOUT, found).await;
    };
    at_least(1, 1).await;
    OpenOptions::new().append(true).open(&file).unwrap().write_all(&all[1_000..]).unwrap();
    at_least(1, 20).await;
    fs::write(logs.join("late/events.out.tfevents.2"), &all).unwrap();
    at_least(2, 20).await;
    assert_eq!(server.get("/api/runs/1/").await.json()["state"], "STARTED");
    let (code, stdout) = interrupt(follow).await;
    assert_eq!(code, 0, "{stdout}");
    let rows = "1,logs,FINISHED,1,41,\"histograms: 1, images: 1, text: 1\"\n\
                2,late,FINISHED,1,41,\"histograms: 1, images: 1, text: 1\"\n";
    assert!(stdout.ends_with(rows), "{stdout}");
    let idle = cli.run(&["import", text(&logs), "--follow", "--idle-timeout", "0"]).await;
    assert_eq!(idle.code, 0, "{idle:?}");
    assert_eq!(count(&server, 1, "loss").await, 20);
}
