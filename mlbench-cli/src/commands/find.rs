//! Which run is meant.

use mlbench_client::{Client, Run, RunId};

use crate::failure::Failure;
use crate::output::say;

/// The run that `text` names: decimal digits are an id, anything else is a name.
pub(crate) async fn find(client: &Client, text: &str) -> Result<Run, Failure> {
    if let Some(id) = as_id(text)? {
        return Ok(client.runs().get(id).await?);
    }
    called(client, text).await
}

/// The id of the run that `text` names. An id is taken as it is: what asks with it next learns whether there is such
/// a run, and a metric can be posted while the server is away.
pub(crate) async fn find_id(client: &Client, text: &str) -> Result<RunId, Failure> {
    match as_id(text)? {
        Some(id) => Ok(id),
        None => Ok(called(client, text).await?.id),
    }
}

fn as_id(text: &str) -> Result<Option<RunId>, Failure> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| Failure::NoSuchName(text.to_owned()))
}

async fn called(client: &Client, text: &str) -> Result<Run, Failure> {
    let runs = client.runs().list().await?;
    let (run, others) = newest_called(runs, text).ok_or_else(|| Failure::NoSuchName(text.to_owned()))?;
    if others > 0 {
        say(format_args!("{} runs are called {text:?}; taking the newest, run {}", others + 1, run.id));
    }
    Ok(run)
}

/// The newest run there is.
pub(crate) async fn newest(client: &Client) -> Result<Run, Failure> {
    let run = client.runs().list().await?.into_iter().max_by_key(|run| run.id).ok_or(Failure::NoRuns)?;
    say(format_args!("taking the newest run, {} ({:?})", run.id, run.name.as_str()));
    Ok(run)
}

/// The newest of the runs called `name`, and how many others are.
fn newest_called(runs: Vec<Run>, name: &str) -> Option<(Run, usize)> {
    let mut called: Vec<Run> = runs.into_iter().filter(|run| run.name.as_str() == name).collect();
    called.sort_by_key(|run| run.id);
    let newest = called.pop()?;
    Some((newest, called.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::runs::tests::run;

    #[test]
    fn of_several_runs_of_a_name_the_newest_is_meant() {
        let runs = || vec![run(9, "x"), run(10, "x"), run(11, "y")];
        let (found, others) = newest_called(runs(), "x").unwrap();
        assert_eq!((found.id.get(), others), (10, 1));
        assert_eq!(newest_called(runs(), "y").unwrap().1, 0);
        assert!(newest_called(runs(), "X").is_none());
    }
}
