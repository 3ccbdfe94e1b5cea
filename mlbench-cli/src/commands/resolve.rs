//! Finds the run that an argument refers to.

use mlbench_client::{Client, Error, Run, RunId};

use crate::failure::Failure;
use crate::output::eprint_message;
use crate::unknown_name::UnknownName;

/// What the text of an argument may refer to.
#[derive(Debug, PartialEq, Eq)]
enum RunRef<'a> {
    /// `id:7`
    Id(RunId),
    /// `name:7`, or a text that is no id.
    Name(&'a str),
    /// `7`, an id or else a name.
    IdOrName(RunId),
}

impl<'a> RunRef<'a> {
    fn parse(text: &'a str) -> Self {
        if let Some(id) = text.strip_prefix("id:").and_then(parse_id) {
            return Self::Id(id);
        }
        match text.strip_prefix("name:") {
            Some(name) => Self::Name(name),
            None => parse_id(text).map_or(Self::Name(text), Self::IdOrName),
        }
    }
}

/// Parses an id as the server writes it: `007` and numbers that are too large are names.
fn parse_id(text: &str) -> Option<RunId> {
    text.parse().ok().filter(|id: &RunId| id.to_string() == text)
}

/// Returns the run that `text` refers to. A number is the id of a run, or else a name.
pub(super) async fn resolve_run(client: &Client, text: &str) -> Result<Run, Failure> {
    match RunRef::parse(text) {
        RunRef::Name(name) => newest_named(client, name).await,
        _ => with_run_id(client, text, async |id| client.runs().get(id).await).await,
    }
}

/// Calls `operation` with the id of the run that `text` refers to.
///
/// An id is not looked up before: the operation checks it, and a metric can be posted while the server is
/// unreachable.
pub(super) async fn with_run_id<T>(
    client: &Client,
    text: &str,
    operation: impl AsyncFn(RunId) -> Result<T, Error>,
) -> Result<T, Failure> {
    let id = match RunRef::parse(text) {
        RunRef::Id(id) => return Ok(operation(id).await?),
        RunRef::Name(name) => return Ok(operation(newest_named(client, name).await?.id).await?),
        RunRef::IdOrName(id) => id,
    };
    let not_found = match operation(id).await {
        Err(error) if error.status() == Some(404) => error,
        other => return Ok(other?),
    };
    match newest_named(client, text).await {
        Ok(run) => Ok(operation(run.id).await?),
        Err(unknown @ Failure::UnknownName(_)) => Err(unknown),
        Err(_) => Err(not_found.into()),
    }
}

/// Returns the only run that `text` can refer to, for commands that cannot be undone.
///
/// # Errors
/// [`Failure::AmbiguousRun`] when a number is the id of one run and the name of another.
pub(super) async fn resolve_unambiguous_run(client: &Client, text: &str) -> Result<Run, Failure> {
    match RunRef::parse(text) {
        RunRef::IdOrName(id) => unambiguous(client.runs().list().await?, id, text),
        _ => resolve_run(client, text).await,
    }
}

fn unambiguous(runs: Vec<Run>, id: RunId, text: &str) -> Result<Run, Failure> {
    let names = names(&runs);
    let (with_id, others): (Vec<Run>, Vec<Run>) = runs.into_iter().partition(|run| run.id == id);
    match (with_id.into_iter().next(), newest_of(others, text)) {
        (Some(by_id), Some((by_name, _))) => {
            Err(Failure::AmbiguousRun { by_id: by_id.id, by_name: by_name.id })
        }
        (Some(run), None) => Ok(run),
        (None, Some((run, count))) => Ok(report_choice(run, count)),
        (None, None) => Err(unknown(text, names)),
    }
}

/// Returns the newest run.
pub(super) async fn newest_run(client: &Client) -> Result<Run, Failure> {
    let run = client.runs().list().await?.into_iter().max_by_key(|run| run.id).ok_or(Failure::NoRuns)?;
    eprint_message(format_args!("using run {} ({:?}), the newest", run.id, run.name.as_str()));
    Ok(run)
}

async fn newest_named(client: &Client, name: &str) -> Result<Run, Failure> {
    let runs = client.runs().list().await?;
    let names = names(&runs);
    let (run, count) = newest_of(runs, name).ok_or_else(|| unknown(name, names))?;
    Ok(report_choice(run, count))
}

fn names(runs: &[Run]) -> Vec<String> {
    runs.iter().map(|run| run.name.as_str().to_owned()).collect()
}

fn unknown(name: &str, known: Vec<String>) -> Failure {
    Failure::UnknownName(UnknownName::run(name, known))
}

fn report_choice(run: Run, count: usize) -> Run {
    if count > 1 {
        let name = run.name.as_str();
        eprint_message(format_args!("{count} runs are named {name:?}; using run {}, the newest", run.id));
    }
    run
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

    fn id(number: i64) -> RunId {
        RunId::new(number).unwrap()
    }

    #[test]
    fn a_name_refers_to_the_newest_run_of_that_name() {
        let runs = || vec![run(9, "x"), run(10, "x"), run(11, "y")];
        let (found, count) = newest_of(runs(), "x").unwrap();
        assert_eq!(found.id.get(), 10);
        assert_eq!(count, 2);
        assert_eq!(newest_of(runs(), "y").unwrap().1, 1);
        assert!(newest_of(runs(), "X").is_none());
    }

    #[test]
    fn a_prefix_tells_ids_and_names_apart() {
        assert_eq!(RunRef::parse("7"), RunRef::IdOrName(id(7)));
        assert_eq!(RunRef::parse("id:7"), RunRef::Id(id(7)));
        assert_eq!(RunRef::parse("name:7"), RunRef::Name("7"));
        assert_eq!(RunRef::parse("name:id:7"), RunRef::Name("id:7"));
        for name in ["0", "007", "99999999999999999999", "-1", "+7", "id:x", "id:007", "first"] {
            assert_eq!(RunRef::parse(name), RunRef::Name(name));
        }
    }

    #[test]
    fn a_number_that_is_the_id_of_one_run_and_the_name_of_another_is_ambiguous() {
        let resolve = |runs| unambiguous(runs, id(7), "7");
        let failure = resolve(vec![run(7, "x"), run(9, "7")]).unwrap_err();
        assert_eq!(
            failure.to_string(),
            "7: refers to two runs, by id and by name; write id:7 for run 7 or name:7 for run 9"
        );
        assert_eq!(resolve(vec![run(7, "7"), run(8, "x")]).unwrap().id.get(), 7);
        assert_eq!(resolve(vec![run(9, "7")]).unwrap().id.get(), 9);
        assert_eq!(resolve(vec![run(9, "x")]).unwrap_err().exit_code(), 3);
    }
}
