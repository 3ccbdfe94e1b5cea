//! Sends lines and signs of life to the server.

use std::time::Duration;

use mlbench_client::{Client, Error, NewLogLines, RunId, RunPatch};

use super::queue::{LineQueue, Next};

/// Time between two requests while the command runs, so that many short lines make few requests.
const PACE: Duration = Duration::from_millis(200);
/// Time without a line after which a request shows that the command is alive.
const BEAT: Duration = Duration::from_secs(20);

/// Sends what is in the queue until its end. Ends early when the server wants no more of this run.
///
/// # Errors
/// Why the server refuses the lines.
pub(super) async fn send(client: &Client, run: RunId, queue: &LineQueue) -> Result<(), Error> {
    loop {
        match queue.next(BEAT).await {
            Next::Lines(lines) => client.runs().append_logs(run, &NewLogLines { lines }).await?,
            Next::Nothing => drop(client.runs().update(run, &RunPatch::default()).await?),
            Next::End => return Ok(()),
        }
        queue.gather(PACE).await;
    }
}
