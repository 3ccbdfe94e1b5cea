//! [`EventStream`]: events without a gap over as many connections as it takes.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::{self, Stream, StreamExt};
use mlbench_core::api::{Endpoint, Event, EventData, EventsQuery, PodList, Topic};

use super::parser::{Message, Parser};
use crate::client::Client;
use crate::error::{Error, Result};
use crate::request::Request;
use crate::retry::Backoff;
use crate::transport::StreamedBody;

/// Pauses between attempts to connect. The longest one bounds how late the stream continues.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Events. See [`Client::events`].
#[derive(Debug, Clone, Copy)]
pub struct Events<'a> {
    client: &'a Client,
}

impl Client {
    /// Events: changes of runs, pods, metrics and output as they happen.
    #[must_use]
    pub const fn events(&self) -> Events<'_> {
        Events { client: self }
    }
}

impl Events<'_> {
    /// Subscribes to topics, from now on or after the position `cursor`.
    ///
    /// The stream connects when it is first polled, and again whenever its connection breaks. Without a cursor it
    /// begins there, and misses everything between this call and the first poll. Its first event is
    /// [`EventData::Open`]: what is read or started after it is complete with the events that follow.
    ///
    /// The stream continues where it stopped, so that no event is missing and none comes twice. While the server is away it tries again for as long
    /// as [`Client::with_retries`] does.
    ///
    /// ```
    /// use mlbench_client::{EventData, Topic};
    ///
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// let mut events = client.events().subscribe([Topic::Runs, Topic::Run(run)], None);
    /// while let Some(event) = events.next().await {
    ///     match event?.data {
    ///         EventData::Points(points) => println!("{:?}", points.metrics),
    ///         EventData::Runs(changed) if !changed.deleted.is_empty() => break,
    ///         _ => {}
    ///     }
    /// }
    /// # }) }
    /// ```
    #[must_use]
    pub fn subscribe(self, topics: impl IntoIterator<Item = Topic>, cursor: Option<i64>) -> EventStream {
        let is_away = Arc::new(AtomicBool::new(false));
        let state = State {
            client: self.client.clone(),
            query: EventsQuery { topics: topics.into_iter().collect(), cursor },
            connection: None,
            is_open: false,
            last_pods: None,
            pauses: pauses(),
            is_away: Arc::clone(&is_away),
        };
        let events = stream::unfold(Some(state), async |state| {
            let mut state = state?;
            match state.next().await {
                Ok(event) => Some((Ok(event), Some(state))),
                Err(error) => Some((Err(error), None)),
            }
        });
        EventStream { events: events.fuse().boxed(), is_away }
    }
}

/// A stream of events. See [`Events::subscribe`].
///
/// It ends after its first error.
pub struct EventStream {
    events: Pin<Box<dyn Stream<Item = Result<Event>> + Send>>,
    is_away: Arc<AtomicBool>,
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("is_away", &self.is_away).finish_non_exhaustive()
    }
}

impl EventStream {
    /// Returns the next event. A call may be given up at any time without losing one.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::Topic;
    ///
    /// let mut events = client.events().subscribe([Topic::Runs], None);
    /// if let Some(event) = events.next().await {
    ///     println!("{:?}", event?.data);
    /// }
    /// # }) }
    /// ```
    pub async fn next(&mut self) -> Option<Result<Event>> {
        self.events.next().await
    }

    /// Returns whether the last attempt to connect failed.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::Topic;
    ///
    /// let events = client.events().subscribe([Topic::Runs], None);
    /// assert!(!events.is_away(), "it connects when it is first polled");
    /// # }) }
    /// ```
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.is_away.load(Ordering::Relaxed)
    }
}

impl Stream for EventStream {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_next_unpin(context)
    }
}

fn pauses() -> Backoff {
    Backoff::new(FIRST_PAUSE, LONGEST_PAUSE)
}

struct State {
    client: Client,
    /// Its cursor is the position after which the stream continues.
    query: EventsQuery,
    connection: Option<Connection>,
    /// Whether the first event was returned.
    is_open: bool,
    last_pods: Option<PodList>,
    /// Pauses after connections that brought nothing new.
    pauses: Backoff,
    is_away: Arc<AtomicBool>,
}

struct Connection {
    body: StreamedBody,
    parser: Parser,
    /// The position at which it began. `None` before its first event.
    begin: Option<i64>,
    /// Whether an event had a later position.
    ///
    /// Every connection begins with `open`, and repeats the pods and the queued runs.
    brought_news: bool,
}

impl Connection {
    fn note(&mut self, message: &Message) {
        self.begin = self.begin.or(message.id);
        self.brought_news |= message.id > self.begin;
    }
}

impl State {
    async fn next(&mut self) -> Result<Event> {
        loop {
            let Some(connection) = &mut self.connection else {
                self.connection = Some(self.connect().await?);
                continue;
            };
            if let Some(message) = connection.parser.next() {
                connection.note(&message);
                if let Some(event) = self.event(&message)? {
                    return Ok(event);
                }
                continue;
            }
            match connection.body.chunk().await {
                Ok(Some(chunk)) if connection.parser.feed(&chunk) => {}
                Ok(Some(_)) => return Err(self.invalid("an event is too long")),
                Ok(None) | Err(_) => self.disconnect().await,
            }
        }
    }

    /// Gives up the connection, and waits if it brought nothing new.
    async fn disconnect(&mut self) {
        match self.connection.take() {
            Some(connection) if connection.brought_news => self.pauses = pauses(),
            // A server that fails, or is away, is not called without rest.
            _ => tokio::time::sleep(self.pauses.next()).await,
        }
    }

    async fn connect(&self) -> Result<Connection> {
        let request = self.request();
        let is_away = &self.is_away;
        let open = || async {
            let opened = self.client.transport().stream(&request, "text/event-stream").await;
            is_away.store(opened.is_err(), Ordering::Relaxed);
            opened
        };
        let body = self.client.with_pauses(pauses(), open).await?;
        Ok(Connection { body, parser: Parser::default(), begin: None, brought_news: false })
    }

    fn request(&self) -> Request {
        Request::new(Endpoint::Events, &[]).query(self.query.to_pairs())
    }

    /// Reads an event. `None` for one that is unknown, or that repeats what was returned.
    fn event(&mut self, message: &Message) -> Result<Option<Event>> {
        let data = EventData::from_json(&message.name, &message.data).map_err(|error| self.invalid(error))?;
        self.query.cursor = message.id.or(self.query.cursor);
        // An unknown kind of event may have no id.
        let Some(data) = data else { return Ok(None) };
        let id = message.id.ok_or_else(|| self.invalid("an event has no id"))?;
        let is_new = match &data {
            EventData::Open(_) => !std::mem::replace(&mut self.is_open, true),
            EventData::Pods(pods) => self.last_pods.replace(pods.clone()).as_ref() != Some(pods),
            _ => true,
        };
        Ok(is_new.then_some(Event { id, data }))
    }

    fn invalid(&self, cause: impl fmt::Display) -> Error {
        Error::InvalidResponse { url: self.client.transport().url(&self.request()), cause: cause.to_string() }
    }
}
