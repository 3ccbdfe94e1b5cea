//! Runs until they end.

use mlbench_core::RunId;
use mlbench_core::api::{Event, EventData, Run, Topic};

use crate::error::Result;
use crate::events::Change;
use crate::runs::Runs;

impl Runs<'_> {
    /// Waits until a run has ended in any state.
    ///
    /// Retries while the server is unreachable, as [`Client::with_retries`](crate::Client::with_retries) does.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// let ended = client.runs().wait(run).await?;
    /// println!("{}", ended.state);
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// `not_found` when the run does not exist or was deleted.
    pub async fn wait(self, id: RunId) -> Result<Run> {
        self.watch(id, |_| ()).await
    }

    /// Waits like [`wait`](Self::wait) and passes the run to `on_change`, at first and at each change.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/server.rs"));
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> { example!(client, run, {
    /// client.runs().watch(run, |run| println!("{}", run.state)).await?;
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// `not_found` when the run does not exist or was deleted.
    pub async fn watch(self, id: RunId, mut on_change: impl FnMut(&Run)) -> Result<Run> {
        let client = self.client();
        let mut run = client.with_retries(|| self.get(id)).await?;
        on_change(&run);
        let mut changes = client.changes([Topic::Runs]);
        while run.is_active() {
            let now = match changes.next().await? {
                Change::Event(Event { data: EventData::Runs(changed), .. }) => {
                    // Reading a deleted run returns the error.
                    let is_deleted = changed.deleted.contains(&id);
                    let now = changed.runs.into_iter().find(|run| run.id == id);
                    if is_deleted { Some(client.with_retries(|| self.get(id)).await?) } else { now }
                }
                Change::Event(_) => None,
                Change::Look => Some(client.with_retries(|| self.get(id)).await?),
            };
            if let Some(now) = now {
                on_change(&now);
                run = now;
            }
        }
        Ok(run)
    }
}
