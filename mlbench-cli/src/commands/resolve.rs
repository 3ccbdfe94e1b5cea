//! Finds the run that an argument refers to.

use mlbench_client::{Client, Run, RunId};

use crate::failure::Failure;
use crate::output::eprint_message;

/// Returns the run that `text` refers to: decimal digits are an id, anything else is a name.
pub(super) async fn resolve_run(client: &Client, text: &str) -> Result<Run, Failure> {
    match parse_id(text)? {
        Some(id) => Ok(client.runs().get(id).await?),
        None => newest_named(client, text).await,
    }
}

/// Returns the id of the run that `text` refers to.
///
/// An id is not looked up: the next request checks it, and a metric can be posted while the server is
/// unreachable.
pub(super) async fn resolve_run_id(client: &Client, text: &str) -> Result<RunId, Failure> {
    match parse_id(text)? {
        Some(id) => Ok(id),
        None => Ok(newest_named(client, text).await?.id),
    }
}

/// Returns the newest run.
pub(super) async fn newest_run(client: &Client) -> Result<Run, Failure> {
    let run = client.runs().list().await?.into_iter().max_by_key(|run| run.id).ok_or(Failure::NoRuns)?;
    eprint_message(format_args!("using run {} ({:?}), the newest", run.id, run.name.as_str()));
    Ok(run)
}

fn parse_id(text: &str) -> Result<Option<RunId>, Failure> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| Failure::UnknownRunName(text.to_owned()))
}

async fn newest_named(client: &Client, name: &str) -> Result<Run, Failure> {
    let (run, count) = newest_of(client.runs().list().await?, name)
        .ok_or_else(|| Failure::UnknownRunName(name.to_owned()))?;
    if count > 1 {
        eprint_message(format_args!("{count} runs are named {name:?}; using run {}, the newest", run.id));
    }
    Ok(run)
}

/// Returns the newest of the runs named `name`, and how many runs have that name.
fn newest_of(mut runs: Vec<Run>, name: &str) -> Option<(Run, usize)> {
    runs.retain(|run| run.name.as_str() == name);
    let count = runs.len();
    runs.into_iter().max_by_key(|run| run.id).map(|newest| (newest, count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::testing::failed_run as run;

    #[test]
    fn a_name_refers_to_the_newest_run_of_that_name() {
        let runs = || vec![run(9, "x"), run(10, "x"), run(11, "y")];
        let (found, count) = newest_of(runs(), "x").unwrap();
        assert_eq!(found.id.get(), 10);
        assert_eq!(count, 2);
        assert_eq!(newest_of(runs(), "y").unwrap().1, 1);
        assert!(newest_of(runs(), "X").is_none());
    }
}
