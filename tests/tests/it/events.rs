//! Streams of events from the real server, also across its crash.

use std::collections::BTreeMap;
use std::process::Stdio;

use mlbench_client::{EventData, RunId, RunState, Topic};
use mlbench_tests::{TIMEOUT, TestServer, binary, eventually};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

const STEPS: usize = 30;

/// What a client has seen: lines of each rank, values of each metric.
#[derive(Default)]
struct Seen {
    lines: BTreeMap<Option<u32>, Vec<String>>,
    values: BTreeMap<String, Vec<String>>,
    ended: Option<RunState>,
}

impl Seen {
    fn add(&mut self, data: EventData) {
        match data {
            EventData::Logs(new) => {
                for line in new.lines.into_iter().filter(|line| line.text.starts_with("step ")) {
                    self.lines.entry(line.rank).or_default().push(line.text);
                }
            }
            EventData::Points(new) => {
                for (name, points) in new.metrics {
                    let values = points.into_iter().map(|point| point.value.as_str().to_owned());
                    self.values.entry(name.to_string()).or_default().extend(values);
                }
            }
            EventData::Runs(changed) => {
                self.ended = changed.runs.first().filter(|run| !run.is_active()).map(|run| run.state);
            }
            EventData::Open(_) | EventData::Pods(_) => {}
            EventData::Resync(resync) => panic!("{resync:?}"),
        }
    }
}

#[tokio::test]
async fn a_client_misses_nothing_when_the_server_is_killed() {
    let mut server = TestServer::start().await;
    let mlbench = binary("mlbench");
    let command = server.script(&format!(
        "for i in $(seq 1 {STEPS}); do echo step $i\n\
         '{}' metrics post --run $MLBENCH_RUN_ID --name \"step @ $RANK\" --value $i >&2 || exit 9\ndone\n",
        mlbench.display()
    ));
    let run = server.start_run(&command).await.id;
    let client = server.client();
    // From the first position on, which is before the run.
    let mut events = client.events().subscribe([Topic::Run(run)], Some(0));
    let (mut seen, mut kills, mut last_id) = (Seen::default(), 0, 0);
    while seen.ended.is_none() {
        let event = tokio::time::timeout(TIMEOUT, events.next()).await.expect("an event").unwrap().unwrap();
        assert!(event.id >= last_id, "{event:?} after {last_id}");
        last_id = event.id;
        seen.add(event.data);
        let lines: usize = seen.lines.values().map(Vec::len).sum();
        if kills < 2 && lines > (kills + 1) * STEPS / 2 {
            kills += 1;
            server.kill9().await;
            server.restart().await;
        }
    }
    assert_eq!((seen.ended, kills), (Some(RunState::Finished), 2));
    for rank in 0..2 {
        let lines: Vec<String> = (1..=STEPS).map(|i| format!("step {i}")).collect();
        assert_eq!(seen.lines[&Some(rank)], lines);
        let values: Vec<String> = (1..=STEPS).map(|i| i.to_string()).collect();
        assert_eq!(seen.values[&format!("step @ {rank}")], values);
    }
    let resumed = server
        .request("GET", &format!("/api/events/?topics=run:{run}&cursor=0"))
        .header("Last-Event-ID", &last_id.to_string())
        .send()
        .await;
    assert!(resumed.text().contains(&format!("data: {{\"cursor\":{last_id},")), "{}", resumed.text());
}

#[tokio::test]
async fn changes_by_the_launcher_are_announced() {
    let server = TestServer::start().await;
    let mut events = server.client().events().subscribe([Topic::Runs, Topic::Usage], None);
    let mut next =
        async || tokio::time::timeout(TIMEOUT, events.next()).await.unwrap().unwrap().unwrap().data;
    assert!(matches!(next().await, EventData::Open(_)));
    let run = server.start_run("true").await.id;
    let (mut states, mut has_usage) = (Vec::new(), false);
    while states.last() != Some(&RunState::Finished) || !has_usage {
        match next().await {
            EventData::Runs(changed) => states.extend(changed.runs.iter().map(|run| run.state)),
            EventData::Points(new) => has_usage |= new.pod_name.is_some(),
            other => panic!("{other:?}"),
        }
    }
    server.client().runs().delete(run).await.unwrap();
    loop {
        if let EventData::Runs(changed) = next().await
            && changed.deleted == [run]
        {
            break;
        }
    }
}

#[tokio::test]
async fn an_open_stream_does_not_delay_the_end_of_the_server() {
    let mut server = TestServer::start().await;
    let mut events = server.client().events().subscribe([Topic::Runs], None);
    tokio::time::timeout(TIMEOUT, events.next()).await.unwrap().unwrap().unwrap();
    assert!(server.terminate().await.success());
    let log = server.log();
    assert!(!log.contains("tasks did not stop in time"), "the stream was cut off: {log}");
}

#[tokio::test]
async fn a_watched_list_prints_a_line_for_each_change() {
    let mut server = TestServer::start().await;
    let mut command = Command::new(binary("mlbench"));
    command.args(["runs", "list", "--watch"]).env("MLBENCH_URL", server.url()).stdin(Stdio::null());
    let mut watch = command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut line = async || tokio::time::timeout(TIMEOUT, lines.next_line()).await.unwrap().unwrap().unwrap();
    assert_eq!(line().await, "id\tname\tstate\tworkers\tcreated_at\tfinished_at");
    let run: RunId = server.run("true").await.id;
    let mut until = async |text: &str| while !line().await.contains(text) {};
    until(&format!("{run}\t")).await;
    until("\tFINISHED\t").await;
    server.kill9().await;
    server.restart().await;
    server.client().runs().delete(run).await.unwrap();
    until("\tDELETED\t").await;
    watch.start_kill().unwrap();
    eventually("the command has ended", TIMEOUT, async || watch.try_wait().unwrap()).await;
}
