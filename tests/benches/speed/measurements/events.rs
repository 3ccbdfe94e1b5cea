//! How soon a point reaches those who follow the run, and what they cost others.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::interval;

use super::bench::{Bench, TURNS};
use crate::client::request;
use crate::error::Result;
use crate::load::{Samples, closed_loop};
use crate::report::Measurement;
use crate::server::JSON;

const MANY: usize = 50;
/// Posts of which each is timed until it arrives.
const POSTS: usize = 100;
/// Pause between two posts. Some are gathered with others, as those of a training are.
const PAUSE: Duration = Duration::from_millis(37);
/// More requests per second than a server completes on one connection.
const RATE: f64 = 8_000.0;
const KEY: &[u8] = b"\"value\":\"live ";

/// Clients that follow a run.
struct Subscribers(JoinSet<()>);

/// When each post was sent, and how long until each subscriber had it.
#[derive(Default)]
struct Arrivals {
    sent: Vec<Instant>,
    times: Vec<Duration>,
}

impl Subscribers {
    /// Connects clients, and returns when the stream of each has begun.
    async fn connect(bench: &Bench<'_>, count: usize, arrivals: &Arc<Mutex<Arrivals>>) -> Result<Self> {
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let mut stream = TcpStream::connect(bench.server.address()).await?;
            let run = bench.runs.fresh.run;
            let request = format!(
                "GET /api/events/?topics=run:{run} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
            );
            stream.write_all(request.as_bytes()).await?;
            let mut text = Vec::new();
            while !text.windows(5).any(|bytes| bytes == b"open\n") {
                if stream.read_buf(&mut text).await? == 0 {
                    let text = String::from_utf8_lossy(&text);
                    return Err(format!("the stream of events ended: {text}").into());
                }
            }
            tasks.spawn(receive(stream, Arc::clone(arrivals)));
        }
        Ok(Self(tasks))
    }

    async fn leave(mut self) {
        self.0.shutdown().await;
    }
}

/// Times every post that arrives.
async fn receive(mut stream: TcpStream, arrivals: Arc<Mutex<Arrivals>>) {
    let mut text = Vec::new();
    while stream.read_buf(&mut text).await.is_ok_and(|length| length > 0) {
        let now = Instant::now();
        let mut seen = 0;
        while let Some(at) = text[seen..].windows(KEY.len()).position(|bytes| bytes == KEY) {
            let begin = seen + at + KEY.len();
            let Some(end) = text[begin..].iter().position(|byte| *byte == b'"') else { break };
            seen = begin + end;
            let number = std::str::from_utf8(&text[begin..seen]).ok().and_then(|text| text.parse().ok());
            if let (Some(number), Ok(mut arrivals)) = (number, arrivals.lock()) {
                let number: usize = number;
                let sent = arrivals.sent.get(number).copied();
                arrivals.times.extend(sent.map(|sent| now - sent));
            }
        }
        // A value may be cut, but it is shorter than this.
        let rest = text.len().saturating_sub(100).max(seen);
        drop(text.drain(..rest));
    }
}

impl Bench<'_> {
    /// Follows a run by events, alone and with others.
    pub(super) async fn events(&self) -> Result<Vec<Measurement>> {
        Ok(vec![self.arrival(1).await?, self.arrival(MANY).await?, self.cost().await?])
    }

    async fn arrival(&self, count: usize) -> Result<Measurement> {
        let arrivals = Arc::new(Mutex::new(Arrivals::default()));
        let subscribers = Subscribers::connect(self, count, &arrivals).await?;
        let (mut connection, mut ticks) = (self.server.connect().await?, interval(PAUSE));
        for number in 0..POSTS {
            let (run, name) = (self.runs.fresh.run, "live");
            let body = format!(r#"{{"run_id":{run},"name":"{name}","value":"live {number}"}}"#);
            arrivals.lock().map_err(|_| "a subscriber panicked")?.sent.push(Instant::now());
            connection.body(&request("POST", "/api/metrics/", JSON, body.as_bytes())).await?;
            ticks.tick().await;
        }
        let deadline = Instant::now() + Duration::from_secs(5);
        let times = loop {
            let times = arrivals.lock().map_err(|_| "a subscriber panicked")?.times.clone();
            if times.len() >= POSTS * count {
                break Samples::new(times);
            }
            if Instant::now() > deadline {
                return Err(format!("{} of {} events arrived", times.len(), POSTS * count).into());
            }
            ticks.tick().await;
        };
        subscribers.leave().await;
        let what = format!("point posted to event received, {count} subscribers, p95");
        Ok(Measurement::new("events", what, times.percentile(95.0), "ms")
            .note("p50 ms", times.percentile(50.0))
            .at_most(200.0))
    }

    async fn cost(&self) -> Result<Measurement> {
        let time = self.options.time() / TURNS;
        let (mut alone, mut followed) = (Samples::default(), Samples::default());
        for _ in 0..TURNS {
            let many = (RATE * time.as_secs_f64() * 1.25).ceil() as usize;
            alone = alone.merge(closed_loop(self.server.address(), &self.singles(many), 1, time).await?);
            let subscribers = Subscribers::connect(self, MANY, &Arc::default()).await?;
            followed =
                followed.merge(closed_loop(self.server.address(), &self.singles(many), 1, time).await?);
            subscribers.leave().await;
        }
        let what = format!("single POST, 1 connection, while {MANY} subscribers follow the run");
        Ok(Measurement::new("events", what, followed.per_second(), "/s")
            .limit("without subscribers", alone.per_second())
            .percent_at_least(50.0))
    }
}
