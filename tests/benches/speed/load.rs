//! Sends prepared requests, in a closed loop or at a given pace, and times each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::client::Connection;
use crate::error::Result;

/// Requests, each of which is sent once and in order.
///
/// Sending points again would make all of them out of order.
pub(crate) type Requests = Arc<Vec<Vec<u8>>>;

/// Response times of a load.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples {
    /// Time of each request, ascending.
    times: Vec<Duration>,
    elapsed: Duration,
}

impl Samples {
    /// Creates samples that were taken one after the other.
    pub(crate) fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let elapsed = times.iter().sum();
        Self { times, elapsed }
    }

    /// Adds the samples of another load.
    pub(crate) fn merge(mut self, others: Self) -> Self {
        self.times.extend(others.times);
        self.times.sort_unstable();
        Self { elapsed: self.elapsed + others.elapsed, ..self }
    }

    /// Returns the number of responses.
    pub(crate) fn count(&self) -> usize {
        self.times.len()
    }

    /// Returns responses per second.
    pub(crate) fn per_second(&self) -> f64 {
        self.times.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// Returns the time in milliseconds that `percent` of the requests did not exceed.
    pub(crate) fn percentile(&self, percent: f64) -> f64 {
        let rank = (self.times.len() as f64 * percent / 100.0).ceil().max(1.0) as usize;
        self.times.get(rank - 1).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    }
}

/// Sends from `connections` connections until the time is up or every request was sent.
///
/// Each connection waits for a response before it sends its next request. The first fifth of the time is a warm-up,
/// whose responses do not count.
///
/// # Errors
/// If a request fails, or the requests do not outlast the warm-up.
pub(crate) async fn closed_loop(
    address: SocketAddr,
    requests: &Requests,
    connections: usize,
    time: Duration,
) -> Result<Samples> {
    let next = Arc::new(AtomicUsize::new(0));
    let warm = time / 5;
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (requests, next) = (Arc::clone(requests), Arc::clone(&next));
        tasks.spawn(async move {
            let mut connection = Connection::open(address).await.map_err(|error| error.to_string())?;
            let mut times = Vec::with_capacity(1 << 16);
            while begin.elapsed() < warm + time {
                let Some(request) = requests.get(next.fetch_add(1, Relaxed)) else { break };
                let sent = Instant::now();
                let status = connection.send(request, None).await.map_err(|error| error.to_string())?;
                if status >= 300 {
                    return Err(format!("a request got status {status}"));
                }
                if begin.elapsed() > warm {
                    times.push(sent.elapsed());
                }
            }
            Ok(times)
        });
    }
    let mut times = Vec::new();
    while let Some(done) = tasks.join_next().await {
        times.extend(done??);
    }
    if times.is_empty() {
        return Err(format!("{} requests are too few: the warm-up used them up", requests.len()).into());
    }
    times.sort_unstable();
    Ok(Samples { times, elapsed: begin.elapsed().saturating_sub(warm) })
}

/// Sends all requests one after the other on one connection, `rounds` times.
pub(crate) async fn sequential(address: SocketAddr, requests: &[Vec<u8>], rounds: usize) -> Result<Samples> {
    let mut connection = Connection::open(address).await?;
    let mut times = Vec::with_capacity(requests.len() * rounds);
    for _ in 0..rounds {
        for request in requests {
            let sent = Instant::now();
            let status = connection.send(request, None).await?;
            times.push(sent.elapsed());
            if status >= 300 {
                let body = String::from_utf8(connection.body(request).await?)?;
                return Err(format!("a request got status {status}: {body}").into());
            }
        }
    }
    Ok(Samples::new(times))
}

/// A load at a given pace, on a separate thread.
pub(crate) struct PacedLoad {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<std::result::Result<usize, String>>,
    begin: Instant,
}

impl PacedLoad {
    /// Starts to send `per_second` requests from this many connections.
    pub(crate) fn start(address: SocketAddr, requests: Requests, connections: u32, per_second: f64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| error.to_string())?;
            let period = Duration::from_secs_f64(f64::from(connections) / per_second);
            runtime.block_on(async {
                let mut tasks = JoinSet::new();
                let next = Arc::new(AtomicUsize::new(0));
                for connection in 0..connections {
                    let first = tokio::time::Instant::now() + period * connection / connections;
                    let ticks = tokio::time::interval_at(first, period);
                    let requests = (Arc::clone(&requests), Arc::clone(&next));
                    tasks.spawn(send_at(ticks, address, requests, Arc::clone(&stopped)));
                }
                let mut sent = 0;
                while let Some(done) = tasks.join_next().await {
                    sent += done.map_err(|error| error.to_string())??;
                }
                Ok(sent)
            })
        });
        Self { stop, thread, begin: Instant::now() }
    }

    /// Stops the load and returns the rate of completed requests per second.
    pub(crate) fn stop(self) -> Result<f64> {
        self.stop.store(true, Relaxed);
        let sent = self.thread.join().map_err(|_| "the paced load panicked")??;
        Ok(sent as f64 / self.begin.elapsed().as_secs_f64())
    }
}

async fn send_at(
    mut ticks: tokio::time::Interval,
    address: SocketAddr,
    (requests, next): (Requests, Arc<AtomicUsize>),
    stopped: Arc<AtomicBool>,
) -> std::result::Result<usize, String> {
    let mut connection = Connection::open(address).await.map_err(|error| error.to_string())?;
    let mut sent = 0;
    while !stopped.load(Relaxed) {
        ticks.tick().await;
        let request = requests.get(next.fetch_add(1, Relaxed)).ok_or("the paced load ran out of requests")?;
        let status = connection.send(request, None).await.map_err(|error| error.to_string())?;
        if status >= 300 {
            return Err(format!("a paced request got status {status}"));
        }
        sent += 1;
    }
    Ok(sent)
}
