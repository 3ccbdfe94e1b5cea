//! Streams of events that break anywhere and are resumed have everything once, in order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mlbench_core::api::{EventData, EventsQuery, NewLines, NewPoints, Topic};
use mlbench_core::run::OutputStream;
use mlbench_core::storage::{Changed, ChangesQuery, Interest, OutputChunk};
use mlbench_core::{Owner, PodName, RunId};
use tokio::time::timeout;

use super::fakes::PODS;
use super::harness::{Api, in_real_time, run_metric};
use super::tcp::DEADLINE;
use crate::app::App;
use crate::app::events::Subscription;
use crate::app::hub::{OutEvent, interest};

/// How often a reader of an idle stream looks whether it has everything.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// What a reader has: the values of each series, the lines of each run.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    points: BTreeMap<(String, String), Vec<String>>,
    lines: BTreeMap<RunId, Vec<String>>,
    count: usize,
}

impl Seen {
    fn point(&mut self, owner: String, name: &str, value: &str) {
        self.points.entry((owner, name.to_owned())).or_default().push(value.to_owned());
        self.count += 1;
    }

    fn line(&mut self, run: RunId, text: &str) {
        self.lines.entry(run).or_default().push(text.to_owned());
        self.count += 1;
    }

    fn event(&mut self, event: &OutEvent) {
        match EventData::from_json(event.name, &event.data).unwrap().unwrap() {
            EventData::Points(NewPoints { run_id, pod_name, metrics, .. }) => {
                let owner = run_id.map(|id| id.to_string()).or(pod_name.map(|pod| pod.to_string())).unwrap();
                for (name, points) in metrics {
                    points
                        .iter()
                        .for_each(|point| self.point(owner.clone(), name.as_str(), point.value.as_str()));
                }
            }
            EventData::Logs(NewLines { run_id, lines }) => {
                lines.iter().for_each(|line| self.line(run_id, &line.text));
            }
            EventData::Open(_) | EventData::Runs(_) | EventData::Pods(_) => {}
            EventData::Resync(resync) => panic!("{resync:?}"),
        }
    }
}

/// Everything after a position, read from the store.
async fn stored(app: &App, interest: &Interest, mut after: i64) -> Seen {
    let mut seen = Seen::default();
    loop {
        let query = ChangesQuery { interest: interest.clone(), after, upto: None };
        let page = app.storage.changes(&query).await.unwrap();
        for change in &page.changes {
            match &change.what {
                Changed::Point(point) => {
                    let (owner, name) = &page.series[point.series];
                    seen.point(owner.label(), name.as_str(), point.value.as_str());
                }
                Changed::Line(run, line) => seen.line(*run, &line.text),
                Changed::Run(_) | Changed::Deleted(_) | Changed::Pods(_) => {}
            }
        }
        after = page.upto;
        if after == page.last {
            return seen;
        }
    }
}

/// Numbers that look random, the same in every run of the test.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Writes single points, batches in and out of order, and lines of two runs and a pod.
async fn write(app: App, runs: [RunId; 2], writer: u64, rounds: u64) {
    let (mut numbers, mut offset) = (Numbers(writer + 1), 0);
    for round in 0..rounds {
        let run = runs[numbers.below(2) as usize];
        let value = |i: u64| format!("{writer}.{round}.{i}");
        let now = app.clock.now();
        match numbers.below(4) {
            0 => {
                let metric = run_metric(run, "loss", round as i64, value(0));
                drop(app.storage.record_metric(metric, None, now).await.unwrap());
            }
            1 => {
                let date = |i: u64| (round * 10 + (i * 7) % 10) as i64;
                let points = (0..numbers.below(40)).map(|i| run_metric(run, "acc", date(i), value(i)));
                app.storage.record_metrics(points.collect()).await.unwrap();
            }
            2 => {
                let mut metric = run_metric(run, "cpu", round as i64, value(0));
                metric.owner = Owner::Pod(PodName::new(PODS[0]).unwrap());
                app.storage.record_metrics(vec![metric]).await.unwrap();
            }
            _ => {
                let lines: Vec<String> = (0..=numbers.below(5)).map(value).collect();
                let to = offset + lines.iter().map(|line| line.len() as u64 + 1).sum::<u64>();
                let (rank, stream) = (writer as u32, OutputStream::Stdout);
                let chunk = OutputChunk { rank, stream, from: offset, to, lines, date: now };
                app.storage.append_output(runs[0], vec![chunk]).await.unwrap();
                offset = to;
            }
        }
    }
}

/// Reads a stream that breaks after any event, until `count` points and lines have come.
async fn read(app: App, topics: Vec<Topic>, begin: i64, seed: u64, count: Arc<AtomicUsize>) -> (Seen, usize) {
    let (mut numbers, mut seen, mut last, mut breaks) = (Numbers(seed), Seen::default(), begin, 0);
    loop {
        let query = EventsQuery { topics: topics.clone(), cursor: Some(begin) };
        let mut stream = Subscription::begin(&app, query, Some(last)).await.unwrap();
        let mut left = numbers.below(30);
        while left > 0 {
            if seen.count >= count.load(Ordering::Relaxed) {
                return (seen, breaks);
            }
            // Only an idle stream takes longer, and it is asked again.
            let Ok(events) = timeout(LOOK_INTERVAL, stream.next()).await else { continue };
            for event in events.unwrap().iter().take(left as usize) {
                assert!(event.id >= last, "{event:?} after {last}");
                last = event.id;
                seen.event(event);
                left -= 1;
            }
        }
        breaks += 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_streams_have_every_point_and_line_once() {
    let api = Api::without_launcher().await;
    let (first, second) = (api.ended_run("first").await.id, api.stored_run("second").await.id);
    api.app.storage.run_started(second, 4, api.app.clock.now()).await.unwrap();
    let none = ChangesQuery { interest: Interest::default(), after: 0, upto: None };
    let begin = api.app.storage.changes(&none).await.unwrap().last;
    let topics = [
        vec![Topic::Run(first), Topic::Run(second), Topic::Usage, Topic::Runs],
        vec![Topic::Run(second)],
        vec![Topic::Pod(PodName::new(PODS[0]).unwrap()), Topic::Pods],
        vec![Topic::Run(first), Topic::Run(second)],
    ];
    let readers = topics.iter().zip(1..).map(|(topics, seed)| {
        let count = Arc::new(AtomicUsize::new(usize::MAX));
        (tokio::spawn(read(api.app.clone(), topics.clone(), begin, seed, Arc::clone(&count))), count)
    });
    let readers: Vec<_> = readers.collect();
    let writers = (0..4).map(|writer| tokio::spawn(write(api.app.clone(), [second, first], writer, 150)));
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let mut total = 0;
    for ((reader, count), topics) in readers.into_iter().zip(topics) {
        let expected = stored(&api.app, &interest(&topics), begin).await;
        count.store(expected.count, Ordering::Relaxed);
        let (seen, breaks) = timeout(DEADLINE * 2, reader).await.expect("everything comes").unwrap();
        assert!(seen == expected, "{topics:?}: {} of {}", seen.count, expected.count);
        total += breaks;
    }
    assert!(total > 20, "{total} streams broke");
}

/// Waits for the next events.
async fn some(stream: &mut Subscription) -> Vec<OutEvent> {
    loop {
        let events = stream.next().await.unwrap();
        if !events.is_empty() {
            return events;
        }
    }
}

async fn store_point(api: &Api, run: RunId, number: i64) {
    let metric = run_metric(run, "loss", number, number.to_string());
    in_real_time(api.app.storage.record_metric(metric, None, api.app.clock.now())).await.unwrap();
}

/// Begins streams of a run, and reads their first event.
async fn watch<const N: usize>(api: &Api, run: RunId) -> [Subscription; N] {
    let mut streams = Vec::new();
    for _ in 0..N {
        let query = EventsQuery { topics: vec![Topic::Run(run), Topic::Pods], cursor: None };
        let mut stream = Subscription::begin(&api.app, query, None).await.unwrap();
        let names: Vec<_> = some(&mut stream).await.iter().map(|event| event.name).collect();
        assert_eq!(names, ["open", "pods"]);
        streams.push(stream);
    }
    streams.try_into().unwrap_or_else(|_| panic!("{N} streams"))
}

/// The reason of the first event.
fn resync_reason(events: &[OutEvent]) -> Option<String> {
    match EventData::from_json(events[0].name, &events[0].data).unwrap().unwrap() {
        EventData::Resync(resync) => Some(resync.reason),
        _ => None,
    }
}

/// The clock only moves on where the server pauses.
#[tokio::test(start_paused = true)]
async fn a_slow_subscriber_is_told_to_read_anew() {
    let api = Api::without_launcher().await;
    let run = api.stored_run("watched").await.id;
    let [mut slow, mut fast] = watch(&api, run).await;
    let mut last = 0;
    for i in 0..70 {
        store_point(&api, run, i).await;
        let events = some(&mut fast).await;
        assert_eq!((events.len(), events[0].name), (1, "points"));
        last = events[0].id;
    }
    let mut received = 0;
    let anew = loop {
        let events = some(&mut slow).await;
        if resync_reason(&events).is_some() {
            break events;
        }
        received += events.len();
    };
    assert_eq!(received, 64, "what the buffer takes");
    assert_eq!(resync_reason(&anew).as_deref(), Some("the client is too slow for these topics"));
    let rest: Vec<_> = anew.iter().map(|event| (event.name, event.id)).collect();
    assert_eq!(rest, [("resync", last), ("pods", last)]);
    store_point(&api, run, 70).await;
    let events = some(&mut slow).await;
    assert_eq!((events[0].name, events[0].id), ("points", last + 1), "it goes on");
}

#[tokio::test]
async fn a_subscriber_outlives_a_failure_of_the_hub() {
    let api = Api::without_launcher().await;
    let run = api.stored_run("watched").await.id;
    let [mut stream] = watch(&api, run).await;
    api.cluster.panic_once();
    store_point(&api, run, 0).await;
    let events = timeout(DEADLINE, some(&mut stream)).await.unwrap();
    assert_eq!(resync_reason(&events).as_deref(), Some("the server lost the position"));
    let names: Vec<_> = events.iter().map(|event| event.name).collect();
    assert_eq!(names, ["resync", "pods"]);
    store_point(&api, run, 1).await;
    let events = timeout(DEADLINE, some(&mut stream)).await.unwrap();
    assert_eq!(events[0].name, "points");
}
