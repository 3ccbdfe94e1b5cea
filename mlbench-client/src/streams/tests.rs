use futures_util::StreamExt;
use mlbench_core::api::{LogsQuery, MetricsQuery, RunSearch};
use mlbench_core::{Owner, RunId};

use crate::testing::{POINTS, RUN, Server, Step};

/// An older server.
const NO_EVENTS: Step = Step::Respond(404, "", String::new());

fn run() -> RunId {
    RunId::new(3).unwrap()
}

fn page(seqs: &[i64]) -> Step {
    let line = |seq| {
        format!(
            r#"{{"seq":{seq},"date":"2018-08-03T09:21:44Z","rank":0,"stream":"stdout","text":"line {seq}"}}"#
        )
    };
    let lines: Vec<String> = seqs.iter().map(line).collect();
    let next = seqs.last().copied().unwrap_or(9);
    Step::ok(&format!(r#"{{"next":{next},"lines":[{}]}}"#, lines.join(",")))
}

#[tokio::test]
async fn lines_come_once_over_cuts_until_the_run_has_ended() {
    let ended = RUN.replace("STARTED", "FINISHED");
    let steps = [
        NO_EVENTS,
        Step::ok(RUN),
        page(&[1, 2]),
        Step::Drop,
        page(&[]),
        Step::ok(&ended),
        page(&[3]),
        Step::status(503),
    ];
    let server = Server::new(steps, page(&[])).await;
    let client = server.client();
    let lines: Vec<_> = client.runs().lines(run(), LogsQuery::default()).collect().await;
    let texts: Vec<String> = lines.into_iter().map(|line| line.unwrap().text).collect();
    assert_eq!(texts, ["line 1", "line 2", "line 3"]);
    let heads: Vec<_> = server.received().into_iter().map(|request| request.head).collect();
    assert_eq!(heads[3], "GET /api/runs/3/logs/?after=2");
    assert_eq!(heads.last().unwrap(), "GET /api/runs/3/logs/?after=3");
}

#[tokio::test]
async fn points_come_until_the_run_has_ended() {
    let ended = RUN.replace("STARTED", "FINISHED");
    let steps = [
        NO_EVENTS,
        Step::ok(RUN),
        Step::Respond(200, "mlbench-cursor: 7\r\n", POINTS.to_owned()),
        Step::ok(RUN),
        Step::Drop,
        Step::Respond(200, "mlbench-cursor: 7\r\n", "{}".to_owned()),
        Step::ok(&ended),
    ];
    let server = Server::new(steps, Step::ok(POINTS)).await;
    let client = server.client();
    let points: Vec<_> = client.metrics().stream(Owner::Run(run()), MetricsQuery::default()).collect().await;
    assert_eq!(points.len(), 2);
    assert!(points.iter().all(|points| points.as_ref().unwrap()["loss"].len() == 1));
    assert!(server.received().last().unwrap().head.contains("cursor=7"));
}

#[tokio::test]
async fn a_stream_of_a_run_that_does_not_exist_ends_with_the_error() {
    let server = Server::new([], Step::status(404)).await;
    let lines: Vec<_> = server.client().runs().lines(run(), LogsQuery::default()).collect().await;
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].as_ref().unwrap_err().status(), Some(404));
}

#[tokio::test]
async fn a_stream_that_has_ended_may_be_polled_again() {
    let server = Server::new([], Step::status(404)).await;
    let client = server.client();
    let mut lines = Box::pin(client.runs().lines(run(), LogsQuery::default()));
    let mut points = Box::pin(client.metrics().stream(Owner::Run(run()), MetricsQuery::default()));
    let mut pages = Box::pin(client.runs().pages(RunSearch::default()));
    assert!(lines.next().await.is_some() && points.next().await.is_some() && pages.next().await.is_some());
    for _ in 0..2 {
        assert!(
            lines.next().await.is_none() && points.next().await.is_none() && pages.next().await.is_none()
        );
    }
}
