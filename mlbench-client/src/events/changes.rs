//! [`Changes`]: when to look again, by events where the server has them.

use std::time::Duration;

use mlbench_core::api::{Event, EventData, Topic};
use tokio::time::{Instant, sleep, timeout_at};

use super::stream::EventStream;
use crate::client::Client;
use crate::error::Result;
use crate::retry::Backoff;

/// Shortest and longest pause between two looks at a server without events.
const FIRST_POLL: Duration = Duration::from_millis(50);
const LONGEST_POLL: Duration = Duration::from_secs(1);
/// After so long without an event it is time to look: a proxy may hold events back.
const SILENCE: Duration = Duration::from_secs(10);

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// This event. It is neither `open` nor `resync`.
    Event(Event),
    /// Something may have happened: read the state.
    Look,
}

/// Says when to look again at what it follows. See [`Client::changes`].
#[derive(Debug)]
pub struct Changes {
    /// `None` for a server that has no events.
    events: Option<EventStream>,
    pauses: Backoff,
    /// When it is time to look. A call that is given up does not put it off.
    look_at: Instant,
}

impl Client {
    /// Follows topics by events, and by regular looks where the server is too old to have events.
    ///
    /// What a caller reads at a [`Change::Look`] and the events after it are complete.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::{Change, Topic};
    ///
    /// let mut changes = client.changes([Topic::Pods]);
    /// assert_eq!(changes.next().await?, Change::Look);
    /// println!("{} pods", client.pods().list().await?.len());
    /// # }) }
    /// ```
    #[must_use]
    pub fn changes(&self, topics: impl IntoIterator<Item = Topic>) -> Changes {
        let events = Some(self.events().subscribe(topics, None));
        Changes { events, pauses: Backoff::new(FIRST_POLL, LONGEST_POLL), look_at: Instant::now() + SILENCE }
    }
}

impl Changes {
    /// Returns whether the last attempt to reach the server failed.
    ///
    /// A server without events is asked by the caller alone, which knows by itself.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::Topic;
    ///
    /// assert!(!client.changes([Topic::Runs]).is_away());
    /// # }) }
    /// ```
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.events.as_ref().is_some_and(EventStream::is_away)
    }

    /// Waits for the next change. The first one is a [`Change::Look`].
    ///
    /// A call may be given up at any time without losing an event.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// use mlbench_client::{Change, Topic};
    ///
    /// let mut changes = client.changes([Topic::Runs]);
    /// for _ in 0..2 {
    ///     match changes.next().await? {
    ///         Change::Look => println!("{} runs", client.runs().list().await?.len()),
    ///         Change::Event(event) => println!("{:?}", event.data),
    ///     }
    /// }
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// Those of the [stream](super::stream::Events::subscribe), but for a server that has no events.
    pub async fn next(&mut self) -> Result<Change> {
        loop {
            let Some(events) = &mut self.events else {
                sleep(self.pauses.next()).await;
                return Ok(Change::Look);
            };
            let next = timeout_at(self.look_at, events.next()).await;
            self.look_at = Instant::now() + SILENCE;
            match next {
                Ok(Some(Ok(event))) => {
                    return Ok(match event.data {
                        EventData::Open(_) | EventData::Resync(_) => Change::Look,
                        _ => Change::Event(event),
                    });
                }
                Ok(Some(Err(error))) if error.status() != Some(404) => return Err(error),
                Ok(Some(Err(_)) | None) => self.events = None,
                // While the server is away, looking fails too.
                Err(_) if events.is_away() => {}
                Err(_) => return Ok(Change::Look),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn calls_that_are_given_up_do_not_put_a_look_off() {
        // It accepts connections and never responds.
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let client = Client::builder().base_url(&url).build().unwrap();
        let mut changes = client.changes([Topic::Runs]);
        let mut looks = 0;
        for _ in 0..25 {
            if let Ok(change) = timeout(Duration::from_secs(1), changes.next()).await {
                assert_eq!(change.unwrap(), Change::Look);
                looks += 1;
            }
        }
        assert_eq!(looks, 2);
    }
}
