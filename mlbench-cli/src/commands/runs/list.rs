//! Lists runs, once or at every change.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use mlbench_client::{Change, Client, Event, EventData, Run, RunId, RunSearch, RunsChanged, Topic, now};
use tokio::time::timeout;

use super::print::columns;
use crate::args::{ListArgs, SearchArgs};
use crate::failure::Failure;
use crate::output::{Cell, Layout, List, Printer, Tone};

/// How long further changes are awaited before a terminal shows the table anew.
const SETTLED: Duration = Duration::from_millis(20);

/// `mlbench runs list`
pub(crate) async fn list(client: &Client, args: &ListArgs) -> Result<(), Failure> {
    let (options, columns) = (args.output.options(), columns());
    let list = List::new(&options, &columns)?;
    if args.watch {
        return watch(client, &list, &mut Printer::stdout(options.format)).await;
    }
    let runs = match search(&args.search) {
        query if query.is_empty() => client.runs().list().await?,
        query => find(client, query).await?,
    };
    Ok(list.print(&mut Printer::paged(options.format), runs)?)
}

/// Returns the query of these arguments.
fn search(args: &SearchArgs) -> RunSearch {
    RunSearch {
        states: args.state.clone(),
        name: args.name.clone(),
        tags: args.tag.clone(),
        params: args.param.clone(),
        since: args.since.map(|since| since.resolve(now())),
        order: args.sort,
        limit: args.limit,
        cursor: None,
    }
}

/// Reads all pages of a query, or as many runs as its limit says, which may be more than a page has.
pub(crate) async fn find(client: &Client, query: RunSearch) -> Result<Vec<Run>, Failure> {
    let wanted = query.limit.map_or(usize::MAX, |limit| limit as usize);
    let mut query = RunSearch { limit: Some(RunSearch::MAX_LIMIT), ..query };
    let mut runs = Vec::new();
    while runs.len() < wanted {
        let left = u32::try_from(wanted - runs.len()).unwrap_or(u32::MAX);
        query.limit = Some(left.min(RunSearch::MAX_LIMIT));
        let page = client.runs().search(&query).await?;
        runs.extend(page.runs);
        query.cursor = page.next;
        if query.cursor.is_none() {
            break;
        }
    }
    Ok(runs)
}

/// Shows changes until it is interrupted.
async fn watch(client: &Client, list: &List<Run>, printer: &mut Printer<impl Write>) -> Result<(), Failure> {
    let (mut changes, mut runs) = (client.changes([Topic::Runs]), Runs::default());
    let (is_screen, mut is_shown) = (printer.is_screen(), false);
    if !is_screen {
        list.print_head(printer)?;
    }
    loop {
        let mut changed = runs.apply(client, changes.next().await?).await?;
        while is_screen && let Ok(change) = timeout(SETTLED, changes.next()).await {
            changed.extend(runs.apply(client, change?).await?);
        }
        if !is_screen {
            changed.iter().try_for_each(|change| print_change(list, printer, change))?;
            printer.flush()?;
        } else if !changed.is_empty() || !is_shown {
            is_shown = true;
            printer.clear()?;
            list.print(printer, runs.all())?;
        }
    }
}

/// A run that changed.
#[derive(Debug, PartialEq)]
struct ChangedRun {
    run: Run,
    is_deleted: bool,
}

/// The runs that were shown last.
#[derive(Default)]
struct Runs {
    by_id: BTreeMap<RunId, Run>,
}

impl Runs {
    fn all(&self) -> Vec<Run> {
        self.by_id.values().cloned().collect()
    }

    /// Returns the runs that are not as they were.
    async fn apply(&mut self, client: &Client, change: Change) -> Result<Vec<ChangedRun>, Failure> {
        match change {
            Change::Look => {
                let runs = client.with_retries(|| client.runs().list()).await?;
                let is_left = |id: &RunId| runs.iter().any(|run| run.id == *id);
                let deleted = self.by_id.keys().copied().filter(|id| !is_left(id)).collect();
                Ok(self.update(RunsChanged { runs, deleted }))
            }
            Change::Event(Event { data: EventData::Runs(changed), .. }) => Ok(self.update(changed)),
            Change::Event(_) => Ok(Vec::new()),
        }
    }

    fn update(&mut self, changed: RunsChanged) -> Vec<ChangedRun> {
        let mut differing = Vec::new();
        for run in changed.runs {
            if self.by_id.insert(run.id, run.clone()).as_ref() != Some(&run) {
                differing.push(ChangedRun { run, is_deleted: false });
            }
        }
        let deleted = changed.deleted.iter().filter_map(|id| self.by_id.remove(id));
        differing.extend(deleted.map(|run| ChangedRun { run, is_deleted: true }));
        differing
    }
}

fn print_change(list: &List<Run>, printer: &mut Printer<impl Write>, change: &ChangedRun) -> io::Result<()> {
    let ChangedRun { run, is_deleted } = change;
    let deleted = serde_json::json!({"id": run.id, "deleted": true});
    match (printer.layout(), is_deleted) {
        (Layout::Json | Layout::Ndjson, true) => printer.json_line(&deleted),
        (Layout::Yaml, true) => printer.document(&deleted),
        (_, true) => list.print_one(printer, run, as_deleted),
        (_, false) => list.print_one(printer, run, |_, cell| cell),
    }
}

/// Returns the cell of a column of a deleted run.
fn as_deleted(column: &str, cell: Cell) -> Cell {
    match column {
        "state" => Cell::State { word: "DELETED".to_owned(), more: String::new(), tone: Tone::Ended },
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use mlbench_client::RunState;

    use super::*;
    use crate::args::{Cli, Command, RunsCommand};
    use crate::commands::testing::failed_run;
    use crate::output::ListOptions;

    #[test]
    fn arguments_become_a_query() {
        let line = "mlbench runs list --state failed,STOPPED --name x --tag team --tag a=b --param lr=0.1 --sort=-duration";
        let Command::Runs(RunsCommand::List(args)) = Cli::try_parse_from(line.split(' ')).unwrap().command
        else {
            panic!("not a list")
        };
        let pairs = search(&args.search).to_pairs();
        let query: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let expected = "state=FAILED state=STOPPED name=x tag=team tag=a=b param=lr=0.1 sort=-duration";
        assert_eq!(query.join(" "), expected);
        for wrong in ["--state x", "--sort age", "--tag =1", "--param =", "--limit 0", "--watch --name x"] {
            let line = ["mlbench", "runs", "list"].into_iter().chain(wrong.split(' '));
            assert_eq!(Cli::try_parse_from(line).unwrap_err().exit_code(), 2, "{wrong}");
        }
    }

    #[test]
    fn a_run_is_shown_when_it_differs() {
        let mut list = Runs::default();
        let runs = || RunsChanged { runs: vec![failed_run(1, "a"), failed_run(2, "b")], deleted: Vec::new() };
        assert_eq!(list.update(runs()).len(), 2);
        assert_eq!(list.update(runs()), []);
        let stopped = Run { state: RunState::Stopped, ..failed_run(2, "b") };
        let id = |number| RunId::new(number).unwrap();
        let update = RunsChanged { runs: vec![stopped.clone()], deleted: vec![id(1), id(9)] };
        let expected = [
            ChangedRun { run: stopped, is_deleted: false },
            ChangedRun { run: failed_run(1, "a"), is_deleted: true },
        ];
        assert_eq!(list.update(update), expected);
        assert_eq!(list.all().len(), 1);
    }

    #[test]
    fn a_change_is_a_line_in_every_layout() {
        for (layout, is_deleted, expected) in [
            (Layout::Tabs, false, "1\ta b\tFAILED\t2\t"),
            (Layout::Tabs, true, "1\ta b\tDELETED\t2\t"),
            (Layout::Csv, true, "1,a b,DELETED,2,"),
            (Layout::Json, true, r#"{"deleted":true,"id":1}"#),
            (Layout::Json, false, r#"{"id":1,"name":"a b","#),
        ] {
            let mut to = Vec::new();
            let change = ChangedRun { run: failed_run(1, "a b"), is_deleted };
            let list = List::new(&ListOptions::default(), &columns()).unwrap();
            print_change(&list, &mut Printer::new(layout, &mut to), &change).unwrap();
            let text = String::from_utf8(to).unwrap();
            assert!(text.starts_with(expected) && text.lines().count() == 1, "{layout:?}: {text}");
        }
    }
}
