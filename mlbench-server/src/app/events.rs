//! Streams of events: what a subscriber missed, then what happens.
//!
//! A subscriber that resumes reads the store itself, page by page, until it is where the hub is, and joins it there.

use mlbench_core::api::{EventData, EventsQuery, PodList, Resync, StreamOpen, Topic};
use mlbench_core::storage::{ChangesQuery, Interest};
use mlbench_core::{Error, ErrorCode, Result};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::context::App;
use super::hub::{Batches, EventHub, FeedEnd, Joined, OutEvent, Places, Subject, Teller, interest};
use super::pods;

/// The most events that a subscriber gets of the past. One that missed more reads the state anew.
const MAX_MISSED: usize = 100_000;

/// One stream of events.
pub struct Subscription {
    app: App,
    interest: Interest,
    /// Everything up to here was sent.
    position: i64,
    phase: Phase,
    /// Events to send first.
    first: Vec<OutEvent>,
    /// Whether the list of pods must still be sent.
    owes_pods: bool,
    /// The secret of the browser's session, with which the stream ends.
    session: Option<String>,
    _stream: OwnedSemaphorePermit,
}

enum Phase {
    /// Reads pages until the end of the store is reached.
    Resuming { sent: usize, places: Places },
    /// Reads pages up to the position of the hub at which it joined.
    Joining { upto: i64, events: Batches, places: Places },
    /// Gets what the hub reads.
    Live(Batches),
}

impl Subscription {
    /// Begins a stream after `last_event_id` or the cursor of the query, or now.
    ///
    /// # Errors
    /// [`TooManyStreams`](mlbench_core::ErrorCode::TooManyStreams), and any error of the store.
    pub async fn begin(app: &App, query: EventsQuery, last_event_id: Option<i64>) -> Result<Self> {
        let (stream, interest) = (app.events.open_stream()?, interest(&query.topics));
        let resumes_after = last_event_id.or(query.cursor);
        let (phase, position) = match resumes_after {
            Some(after) if is_known(app, &interest, after).await? => {
                (Phase::Resuming { sent: 0, places: Places::new() }, after)
            }
            _ => live(&app.events, &interest).await?,
        };
        let is_unknown = resumes_after.is_some() && matches!(phase, Phase::Live(_));
        let (app, owes_pods) = (app.clone(), interest.pods);
        let mut subscription = Self {
            app,
            interest,
            position,
            phase,
            first: Vec::new(),
            owes_pods,
            session: None,
            _stream: stream,
        };
        subscription.open(query.topics)?;
        if is_unknown {
            subscription.resync("the position is not known to this server")?;
        }
        subscription.add_queued_runs().await?;
        subscription.add_pods().await?;
        Ok(subscription)
    }

    /// Ends the stream with the session that this secret names, if any.
    #[must_use]
    pub fn within(self, session: Option<String>) -> Self {
        Self { session, ..self }
    }

    /// Returns the next events, in order. None of them after a while in which nothing happened.
    ///
    /// A call may be given up at any time without losing an event.
    ///
    /// # Errors
    /// [`Unauthorized`](mlbench_core::ErrorCode::Unauthorized) after the end of the session, and any error of the store.
    pub async fn next(&mut self) -> Result<Vec<OutEvent>> {
        let events = self.next_of_all().await?;
        let (sessions, now) = (&self.app.sessions, self.app.clock.now());
        if self.session.as_ref().is_some_and(|secret| !sessions.lasts(secret, now)) {
            return Err(Error::new(ErrorCode::Unauthorized, "the session has ended; sign in again"));
        }
        Ok(events)
    }

    async fn next_of_all(&mut self) -> Result<Vec<OutEvent>> {
        if !self.first.is_empty() {
            return Ok(std::mem::take(&mut self.first));
        }
        match &mut self.phase {
            Phase::Resuming { .. } | Phase::Joining { .. } => self.read_page().await,
            Phase::Live(events) => match timeout(self.app.heartbeat, events.next()).await {
                Ok(Ok(batch)) => {
                    let own = batch.iter().filter(|event| event.subject.is_in(&self.interest));
                    let own: Vec<OutEvent> = own.cloned().collect();
                    self.position = own.last().map_or(self.position, |event| event.id);
                    Ok(own)
                }
                Ok(Err(FeedEnd::Overflow)) => {
                    self.begin_anew("the client is too slow for these topics").await
                }
                Ok(Err(FeedEnd::PositionLost)) => self.begin_anew("the server lost the position").await,
                Err(_) => {
                    self.add_pods().await?;
                    Ok(std::mem::take(&mut self.first))
                }
            },
        }
    }

    /// Reads a page of what the subscriber missed, and joins the hub at the end.
    async fn read_page(&mut self) -> Result<Vec<OutEvent>> {
        let upto = match &self.phase {
            Phase::Joining { upto, .. } => Some(*upto),
            Phase::Resuming { .. } | Phase::Live(_) => None,
        };
        let query = ChangesQuery { interest: self.interest.clone(), after: self.position, upto };
        let page = self.app.storage.changes(&query).await?;
        let (reached, last, found, interest) = (page.upto, page.last, page.changes.len(), &query.interest);
        let teller =
            Teller { storage: &*self.app.storage, interest, capacity: self.app.cluster.max_workers() };
        let (events, missed) = match &mut self.phase {
            _ if !page.is_known => return self.begin_anew("the position was forgotten").await,
            Phase::Resuming { sent, places } => {
                let events = teller.page_events(page, places).await?;
                *sent += found;
                (events, *sent)
            }
            Phase::Joining { places, .. } => (teller.page_events(page, places).await?, 0),
            Phase::Live(_) => return Ok(Vec::new()),
        };
        if missed > MAX_MISSED {
            return self.begin_anew("the client missed too much to send it").await;
        }
        // The events stay here while it joins, in case the caller gives up waiting.
        (self.position, self.first) = (reached, events);
        self.advance(reached >= upto.unwrap_or(last)).await?;
        Ok(std::mem::take(&mut self.first))
    }

    /// Begins the next phase when this one is at its end.
    async fn advance(&mut self, is_at_end: bool) -> Result<()> {
        if !is_at_end {
            return Ok(());
        }
        let resuming = Phase::Resuming { sent: 0, places: Places::new() };
        self.phase = match std::mem::replace(&mut self.phase, resuming) {
            Phase::Resuming { places, .. } => {
                let joined = self.app.events.join(self.interest.clone(), self.position).await?;
                let Joined { events, position } = joined;
                if position == self.position {
                    Phase::Live(events)
                } else {
                    Phase::Joining { upto: position, events, places }
                }
            }
            Phase::Joining { events, .. } | Phase::Live(events) => Phase::Live(events),
        };
        Ok(())
    }

    /// Joins the hub where it is. Returns the event that says so, and what the reader must know then.
    async fn begin_anew(&mut self, reason: &str) -> Result<Vec<OutEvent>> {
        (self.phase, self.position) = live(&self.app.events, &self.interest).await?;
        self.resync(reason)?;
        self.owes_pods = self.interest.pods;
        self.add_pods().await?;
        Ok(std::mem::take(&mut self.first))
    }

    fn resync(&mut self, reason: &str) -> Result<()> {
        let resync = EventData::Resync(Resync { reason: reason.to_owned() });
        self.first.push(OutEvent::new(self.position, Subject::Stream, &resync)?);
        Ok(())
    }

    fn open(&mut self, topics: Vec<Topic>) -> Result<()> {
        let open = EventData::Open(StreamOpen { cursor: self.position, topics });
        self.first.push(OutEvent::new(self.position, Subject::Stream, &open)?);
        Ok(())
    }

    /// Adds the queued runs when the subscriber resumes: it may have missed that others left the queue.
    async fn add_queued_runs(&mut self) -> Result<()> {
        let Phase::Resuming { places, .. } = &mut self.phase else { return Ok(()) };
        if !self.interest.runs && self.interest.of_runs.is_empty() {
            return Ok(());
        }
        let (storage, capacity) = (&*self.app.storage, self.app.cluster.max_workers());
        let queue = storage.queue(capacity).await?;
        let teller = Teller { storage, interest: &self.interest, capacity };
        self.first.extend(teller.queue_events(self.position, &queue, places).await?);
        Ok(())
    }

    /// Adds the list of pods if it must still be sent and is known.
    async fn add_pods(&mut self) -> Result<()> {
        if !self.owes_pods {
            return Ok(());
        }
        match pods::list(&self.app).await {
            Ok(pods) => {
                self.owes_pods = false;
                let pods = EventData::Pods(PodList { pods });
                self.first.push(OutEvent::new(self.position, Subject::Pods, &pods)?);
                Ok(())
            }
            Err(error) if is_temporary(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn is_temporary(error: &Error) -> bool {
    error.code() == ErrorCode::Unavailable
}

/// Returns whether the store remembers all changes since a position.
async fn is_known(app: &App, interest: &Interest, after: i64) -> Result<bool> {
    let none = ChangesQuery { interest: interest.clone(), after, upto: Some(after) };
    Ok(app.storage.changes(&none).await?.is_known)
}

async fn live(hub: &EventHub, interest: &Interest) -> Result<(Phase, i64)> {
    let Joined { events, position } = hub.join(interest.clone(), 0).await?;
    Ok((Phase::Live(events), position))
}
