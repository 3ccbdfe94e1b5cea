//! The hub: reads what is new once for all subscribers.

use std::sync::Arc;
use std::time::Duration;

use mlbench_core::queue::Queue;
use mlbench_core::storage::{ChangesQuery, Interest, Storage};
use mlbench_core::{Error, ErrorCode, Result};
use tokio::sync::{Mutex, Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use super::batch::Places;
use super::event::Batch;
use super::feed::{Batches, Feed, feed};
use super::places::{Teller, places};
use crate::cluster::Cluster;
use crate::task_group::TaskGroup;

/// The most streams at a time.
const MAX_STREAMS: usize = 256;
/// After how long a client may try again to get a stream.
const STREAMS_RETRY: Duration = Duration::from_secs(5);
/// How long changes are gathered before they are read.
const GATHER: Duration = Duration::from_millis(100);
/// Pause after the store failed.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// How long a subscriber waits for the hub.
const JOIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Passes on what changes in the store. Clones share the hub.
#[derive(Clone)]
pub struct EventHub {
    joins: mpsc::Sender<Join>,
    streams: Arc<Semaphore>,
}

/// A request to get all events after a position of the hub.
struct Join {
    /// The hub may begin when it is there.
    at_least: i64,
    feed: Feed,
    /// Gets the position of the hub, or why the subscriber cannot join now.
    joined: oneshot::Sender<Result<i64>>,
}

/// A subscriber at the position of the hub.
pub(in crate::app) struct Joined {
    /// Events after `position`.
    pub(in crate::app) events: Batches,
    /// The position of the hub.
    pub(in crate::app) position: i64,
}

impl EventHub {
    /// Starts the hub in `group`. It reads the store after a notification of `commits`.
    #[must_use]
    pub fn start(
        group: &TaskGroup,
        storage: Arc<dyn Storage>,
        cluster: Arc<dyn Cluster>,
        commits: Arc<Notify>,
    ) -> Self {
        let (joins, requests) = mpsc::channel(MAX_STREAMS);
        let requests = Arc::new(Mutex::new(requests));
        let stop = group.stop_token();
        group.spawn_part("hub of the events", move || {
            let (storage, cluster) = (Arc::clone(&storage), Arc::clone(&cluster));
            let (commits, requests, stop) = (Arc::clone(&commits), Arc::clone(&requests), stop.clone());
            Some(async move {
                let mut requests = requests.lock().await;
                Hub::new(storage, cluster).run(&commits, &mut requests).await;
                // No subscriber can come any more: the connections stop before the hub.
                stop.cancelled().await;
            })
        });
        Self { joins, streams: Arc::new(Semaphore::new(MAX_STREAMS)) }
    }

    /// Returns the number of open streams.
    #[must_use]
    pub fn streams(&self) -> usize {
        MAX_STREAMS - self.streams.available_permits()
    }

    /// Takes one of the streams until it is dropped.
    ///
    /// # Errors
    /// [`ErrorCode::TooManyStreams`].
    pub(in crate::app) fn open_stream(&self) -> Result<OwnedSemaphorePermit> {
        Arc::clone(&self.streams).try_acquire_owned().map_err(|_| {
            let detail =
                format!("the server has {MAX_STREAMS} streams of events, as many as it serves; try again");
            Error::new(ErrorCode::TooManyStreams, detail).with_retry_after(STREAMS_RETRY)
        })
    }

    /// Joins the hub at its position, which is at least `at_least` unless the store has not come so far.
    ///
    /// # Errors
    /// Any error of the store. [`ErrorCode::Unavailable`] when the hub does not respond, also because the server stops.
    pub(in crate::app) async fn join(&self, interest: Interest, at_least: i64) -> Result<Joined> {
        let (feed, events) = feed(interest);
        let (joined, position) = oneshot::channel();
        let joining = async {
            self.joins.send(Join { at_least, feed, joined }).await.ok()?;
            position.await.ok()
        };
        let position = timeout(JOIN_TIMEOUT, joining).await.ok().flatten().ok_or_else(unavailable)??;
        Ok(Joined { events, position })
    }
}

fn unavailable() -> Error {
    Error::new(ErrorCode::Unavailable, "the server cannot send events now; try again")
        .with_retry_after(RETRY_PAUSE)
}

/// State of the task.
struct Hub {
    storage: Arc<dyn Storage>,
    cluster: Arc<dyn Cluster>,
    /// Subscribers have what they want up to here.
    position: i64,
    subscribers: Vec<Feed>,
    joining: Vec<Join>,
    places: Places,
}

impl Hub {
    fn new(storage: Arc<dyn Storage>, cluster: Arc<dyn Cluster>) -> Self {
        Self {
            storage,
            cluster,
            position: 0,
            subscribers: Vec::new(),
            joining: Vec::new(),
            places: Places::new(),
        }
    }

    /// Works until no [`EventHub`] is left.
    async fn run(&mut self, commits: &Notify, requests: &mut mpsc::Receiver<Join>) {
        let mut is_behind = false;
        let mut earliest = Instant::now();
        loop {
            if !is_behind && !self.wait(commits, requests, earliest).await {
                return;
            }
            while let Ok(join) = requests.try_recv() {
                self.joining.push(join);
            }
            earliest = Instant::now() + GATHER;
            is_behind = match self.pass_on().await {
                Ok(is_behind) => is_behind,
                Err(error) => {
                    let cause = error.internal_text().unwrap_or(error.detail());
                    tracing::warn!(cause, "cannot read changes for the streams of events; trying again");
                    for join in self.joining.drain(..) {
                        // A subscriber that has given up waiting needs no error.
                        let _ = join.joined.send(Err(error.clone()));
                    }
                    sleep_until(Instant::now() + RETRY_PAUSE).await;
                    true
                }
            };
        }
    }

    /// Waits for a commit, but not before `earliest`, or for a subscriber.
    ///
    /// Returns `false` when there can be none.
    async fn wait(
        &mut self,
        commits: &Notify,
        requests: &mut mpsc::Receiver<Join>,
        earliest: Instant,
    ) -> bool {
        let commit = async {
            if self.subscribers.is_empty() && self.joining.is_empty() {
                std::future::pending::<()>().await;
            }
            commits.notified().await;
            sleep_until(earliest).await;
        };
        tokio::select! {
            () = commit => true,
            join = requests.recv() => {
                let more = join.is_some();
                self.joining.extend(join);
                more
            }
        }
    }

    /// Reads one page and passes it on. Then lets new subscribers join.
    ///
    /// Returns whether more is left to read.
    async fn pass_on(&mut self) -> Result<bool> {
        self.subscribers.retain(|subscriber| !subscriber.is_closed());
        self.joining.retain(|join| !join.joined.is_closed());
        let mut interest = Interest::default();
        for subscriber in &self.subscribers {
            interest.add(subscriber.interest());
        }
        let knows_places = self.subscribers.iter().any(Feed::follows_runs);
        // The first one that follows the runs reads them where it joins: it needs only what changes after that.
        interest.queue = !knows_places && self.joining.iter().any(|join| join.feed.follows_runs());
        // Without a subscriber, nothing before the end is of interest.
        let after = if self.subscribers.is_empty() { i64::MAX } else { self.position };
        let query = ChangesQuery { interest, after, upto: None };
        let mut page = self.storage.changes(&query).await?;
        let (upto, last) = (page.upto, page.last);
        let capacity = self.cluster.max_workers();
        if !page.is_known {
            // They notice that their feed has ended, and begin anew.
            self.subscribers.clear();
            self.places.clear();
        }
        if query.interest.queue {
            let entries = page.queue.take().unwrap_or_default();
            // Elsewhere than at the end, it is that of a later position.
            self.places = if upto == last { places(&Queue::of(entries, capacity)) } else { Places::new() };
        }
        let teller = Teller { storage: &*self.storage, interest: &query.interest, capacity };
        let events = teller.page_events(page, &mut self.places).await;
        let events: Batch = events.inspect_err(|_| self.places.clear())?.into();
        self.subscribers.retain(|subscriber| subscriber.offer(&events));
        self.position = upto;
        self.let_join(last);
        Ok(upto < last)
    }

    fn let_join(&mut self, last: i64) {
        for join in std::mem::take(&mut self.joining) {
            // A position beyond the end is unknown, and does not become known by waiting.
            if self.position < join.at_least.min(last) {
                self.joining.push(join);
            } else if join.joined.send(Ok(self.position)).is_ok() {
                self.subscribers.push(join.feed);
            }
        }
    }
}
