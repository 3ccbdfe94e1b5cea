use std::time::{Duration, Instant};

use mlbench_core::api::{EventData, Topic};
use mlbench_core::{PodName, RunId};

use crate::error::Error;
use crate::events::Change;
use crate::testing::{RUN, Server, Step};

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

fn raw(events: &str) -> Step {
    Step::Raw(format!("{HEAD}{events}").leak())
}

fn event(id: i64, name: &str, data: &str) -> String {
    format!("id: {id}\nevent: {name}\ndata: {data}\n\n")
}

const OPEN: &str = r#"{"cursor":5,"topics":["runs"]}"#;

fn deleted(id: i64) -> String {
    format!(r#"{{"runs":[],"deleted":[{id}]}}"#)
}

#[tokio::test]
async fn a_broken_stream_continues_after_its_last_event() {
    let pods = r#"{"pods":[]}"#;
    let first = event(5, "open", OPEN)
        + &event(5, "pods", pods)
        + &event(7, "runs", &deleted(1))
        + "id: 8\nevent: ru";
    let second = event(7, "open", OPEN)
        + &event(7, "pods", pods)
        + &event(8, "runs", &deleted(2))
        + &event(9, "new", "{}");
    let steps = [Step::Drop, raw(first.leak()), Step::status(503), raw(second.leak())];
    let server = Server::new(steps, Step::status(403)).await;
    let mut events = server.client().events().subscribe([Topic::Runs, Topic::Pods], None);
    let mut received = Vec::new();
    let error = loop {
        match events.next().await.unwrap() {
            Ok(event) => received.push((event.id, event.data.name())),
            Err(error) => break error,
        }
    };
    assert_eq!(received, [(5, "open"), (5, "pods"), (7, "runs"), (8, "runs")], "nothing twice");
    assert_eq!(error.status(), Some(403));
    for _ in 0..2 {
        assert!(events.next().await.is_none(), "an error ends the stream for good");
    }
    let heads: Vec<String> = server.received().into_iter().map(|request| request.head).collect();
    let head = |cursor: &str| format!("GET /api/events/?topics=runs%2Cpods{cursor}");
    let expected = ["", "", "&cursor=7", "&cursor=7", "&cursor=9"].map(head);
    assert_eq!(heads, expected);
}

#[tokio::test]
async fn connections_that_bring_nothing_new_are_not_reopened_at_once() {
    let open = event(5, "open", OPEN);
    let repeats = open.clone() + &event(5, "pods", r#"{"pods":[]}"#) + &event(5, "runs", &deleted(1));
    let news = open.clone() + &event(6, "runs", &deleted(2));
    let pause = async |texts: [&str; 3]| {
        let steps = texts.map(|text| raw(text.to_owned().leak()));
        let server = Server::new(steps, Step::status(403)).await;
        let mut events = server.client().events().subscribe([Topic::Runs], None);
        let begin = Instant::now();
        while events.next().await.unwrap().is_ok() {}
        assert_eq!(server.received().len(), 4);
        begin.elapsed()
    };
    // The shortest pauses are 50, 100 and 200 ms.
    for text in [&open, &repeats] {
        let paused = pause([text; 3]).await;
        assert!(paused >= Duration::from_millis(350), "{paused:?}");
    }
    let paused = pause([&open, &news, &open]).await;
    assert!(paused >= Duration::from_millis(100), "{paused:?}");
}

#[tokio::test]
async fn what_is_no_stream_of_events_is_an_error() {
    for (body, expected) in [("<html>", "text/event-stream"), (r#"{"a":1}"#, "text/event-stream")] {
        let server = Server::new([], Step::ok(body)).await;
        let error =
            server.client().events().subscribe([Topic::Runs], None).next().await.unwrap().unwrap_err();
        assert!(
            matches!(&error, Error::InvalidResponse { cause, .. } if cause.contains(expected)),
            "{error}"
        );
    }
    let unknown = "event: tick\ndata: {}\n\n".to_owned() + &event(5, "open", OPEN);
    let server = Server::new([], raw(&unknown)).await;
    let first = server.client().events().subscribe([Topic::Runs], None).next().await.unwrap().unwrap();
    assert_eq!(first.id, 5, "what is unknown is skipped, though it has no id");
    let server = Server::new([], raw(event(1, "runs", "{}").leak())).await;
    let error = server.client().events().subscribe([Topic::Runs], None).next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::InvalidResponse { .. }), "{error}");
}

#[tokio::test]
async fn changes_are_events_or_looks() {
    let resync = event(9, "resync", r#"{"reason":"slow"}"#);
    let text = event(5, "open", OPEN) + &event(7, "runs", &deleted(1)) + &resync;
    let server = Server::new([raw(text.leak())], Step::status(404)).await;
    let mut changes = server.client().changes([Topic::Pod(PodName::new("w-0").unwrap())]);
    assert_eq!(changes.next().await.unwrap(), Change::Look);
    match changes.next().await.unwrap() {
        Change::Event(event) => assert!(matches!(event.data, EventData::Runs(_))),
        Change::Look => panic!("an event was sent"),
    }
    assert_eq!(changes.next().await.unwrap(), Change::Look, "resync");
    assert_eq!(changes.next().await.unwrap(), Change::Look, "without events it looks regularly");
    assert_eq!(changes.next().await.unwrap(), Change::Look);
    assert_eq!(server.received().len(), 2, "and asks for events no more");
}

#[tokio::test]
async fn a_run_is_awaited_by_its_events() {
    let run = |state: &str| RUN.replace("STARTED", state).replace('\n', " ");
    let changed = |id, state| event(id, "runs", &format!(r#"{{"runs":[{}],"deleted":[]}}"#, run(state)));
    let text = event(5, "open", OPEN) + &changed(6, "STARTED") + &changed(7, "FINISHED");
    let steps = [Step::ok(RUN), raw(text.leak()), Step::ok(RUN)];
    let server = Server::new(steps, Step::status(500)).await;
    let mut states = Vec::new();
    let id = RunId::new(3).unwrap();
    let ended = server.client().runs().watch(id, |run| states.push(run.state)).await.unwrap();
    assert_eq!((ended.state.as_str(), states.len()), ("FINISHED", 4));
    let heads: Vec<String> = server.received().into_iter().map(|request| request.head).collect();
    assert_eq!(heads, ["GET /api/runs/3/?logs=0", "GET /api/events/?topics=runs", "GET /api/runs/3/?logs=0"]);
}

#[tokio::test]
async fn waiting_for_a_deleted_run_fails() {
    let text = event(5, "open", OPEN) + &event(7, "runs", &deleted(3));
    let steps = [Step::ok(RUN), raw(text.leak()), Step::ok(RUN)];
    let server = Server::new(steps, Step::status(404)).await;
    let error = server.client().runs().wait(RunId::new(3).unwrap()).await.unwrap_err();
    assert_eq!(error.status(), Some(404));
}
