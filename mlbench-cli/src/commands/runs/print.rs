//! Prints runs.

use std::fmt::Display;
use std::io::Write;

use mlbench_client::{Goal, ImportedFrom, ParamValue, Run};
use mlbench_core::metric::plain_number;

use crate::failure::Failure;
use crate::output::{Cell, Column, Columns, Layout, List, ListOptions, Printer, Tone};

/// Returns what can be shown of a run in a list.
pub(crate) fn columns() -> Columns<Run> {
    let all = [
        Column::new("id", |run: &Run| Cell::number(run.id.get() as f64)),
        Column::new("name", |run: &Run| Cell::text(run.name.as_str())),
        Column::new("state", state),
        Column::new("workers", |run: &Run| Cell::count(run.num_workers)),
        Column::new("created_at", |run: &Run| Cell::Date(run.created_at)),
        Column::new("finished_at", |run: &Run| Cell::of(run.finished_at, Cell::Date)),
        Column::wide("duration", |run: &Run| {
            Cell::of(run.finished_at, |end| Cell::Seconds(end.since(run.created_at).as_secs_f64()))
        }),
        Column::wide("backend", |run: &Run| Cell::of(run.backend.clone(), Cell::Text)),
        Column::wide("params", |run: &Run| Cell::text(pairs(run.params.iter()))),
        Column::wide("tags", |run: &Run| Cell::text(pairs(run.tags.iter()))),
        Column::wide("reason", |run: &Run| Cell::of(run.job_metadata.reason.clone(), Cell::Text)),
        Column::named("goal", |run: &Run| {
            Cell::of(run.needs.goal.as_ref().map(ToString::to_string), Cell::Text)
        }),
        Column::named("cpus", |run: &Run| Cell::of(run.num_cpus, Cell::number)),
        Column::named("image", |run: &Run| Cell::of(run.image.clone(), Cell::Text)),
        Column::named("command", |run: &Run| Cell::text(&run.job_metadata.command)),
        Column::named("queue_position", |run: &Run| Cell::of(run.queue_position, Cell::count)),
        Column::named("external", |run: &Run| Cell::text(run.external.to_string())),
        Column::named("job_id", |run: &Run| Cell::text(run.job_id.to_string())),
    ];
    Columns::new(name, all).with_family("params.NAME, tags.NAME", |name| {
        let (kind, label) = name.split_once('.')?;
        let (column, label) = (name.to_owned(), label.to_owned());
        match kind {
            "params" => Some(Column::named(column, move |run: &Run| Cell::of(run.params.get(&label), param))),
            "tags" => {
                Some(Column::named(column, move |run: &Run| Cell::of(run.tags.get(&label), Cell::text)))
            }
            _ => None,
        }
    })
}

/// Returns what names exactly this run in other commands.
fn name(run: &Run) -> String {
    format!("id:{}", run.id)
}

fn param(value: &ParamValue) -> Cell {
    match value {
        ParamValue::Number(number) => {
            Cell::Number { number: number.as_f64().unwrap_or(f64::NAN), text: value.to_string() }
        }
        _ => Cell::text(value.to_string()),
    }
}

fn pairs<N: Display, V: Display>(labels: impl Iterator<Item = (N, V)>) -> String {
    labels.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
}

fn listed(items: &[impl Display]) -> Cell {
    Cell::text(items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}

/// Prints one run as a list does, and in JSON as an object.
pub(crate) fn print_one(printer: &mut Printer<impl Write>, run: &Run) -> Result<(), Failure> {
    let list = List::new(&ListOptions::default(), &columns())?;
    match printer.layout() {
        Layout::Json | Layout::Yaml => printer.value(run)?,
        _ => list.print(printer, vec![run.clone()])?,
    }
    Ok(())
}

/// Names the run on the server that it comes from.
pub(super) fn origin(from: &ImportedFrom) -> String {
    let host = if from.host.is_empty() { String::new() } else { format!(" on {}", from.host) };
    format!("run {} of server {}{host}", from.run_id, from.server)
}

/// Returns the state, for people with the position in the queue.
fn state(run: &Run) -> Cell {
    let more = run.queue_position.map(|position| format!(" (queue: {position})")).unwrap_or_default();
    Cell::State { word: run.state.to_string(), more, tone: Tone::of_run(run.state) }
}

/// Returns a goal as the command line takes it, and whether it ends the run.
fn with_end(goal: &Goal, stops: bool) -> String {
    if stops { format!("{goal} (ends the run)") } else { goal.to_string() }
}

/// Formats a number as the API prints it.
fn number(number: f64) -> String {
    plain_number(number, str::to_owned)
}

/// Prints everything about a run, a field per line.
pub(super) fn print_details(printer: &mut Printer<impl Write>, run: &Run) -> Result<(), Failure> {
    let job = &run.job_metadata;
    let text = |text: Option<String>| Cell::of(text, Cell::text);
    let joined = |texts: Vec<String>| Cell::text(texts.join(", "));
    let codes = job.exit_codes.iter().map(|(rank, code)| format!("{rank}: {code}")).collect();
    let options = [
        (run.gpu_enabled, "gpu"),
        (run.light_target, "light"),
        (run.use_horovod, "horovod"),
        (!run.run_all_nodes, "first worker only"),
        (run.external, "external"),
    ];
    let options = options.into_iter().filter(|(set, _)| *set).map(|(_, name)| name.to_owned()).collect();
    let fields = [
        ("id", Cell::text(run.id.to_string())),
        ("name", Cell::text(run.name.as_str())),
        (
            "state",
            Cell::State { more: String::new(), word: run.state.to_string(), tone: Tone::of_run(run.state) },
        ),
        ("queue", Cell::of(run.queue_position, Cell::count)),
        ("waiting_for", text(run.waiting_for.clone())),
        ("reason", text(job.reason.clone())),
        ("imported_from", text(run.imported_from.as_ref().map(origin))),
        ("imported_at", Cell::of(run.imported_from.as_ref().map(|from| from.imported_at), Cell::DateAndAge)),
        ("created_at", Cell::DateAndAge(run.created_at)),
        ("finished_at", Cell::of(run.finished_at, Cell::DateAndAge)),
        (
            "took",
            text(run.finished_at.map(|end| format!("{:.1} s", end.since(run.created_at).as_secs_f64()))),
        ),
        ("workers", Cell::count(run.num_workers)),
        ("cpus", Cell::of(run.num_cpus, Cell::number)),
        ("gpus", Cell::of(run.needs.gpus, Cell::count)),
        ("memory", text(run.needs.memory.map(|size| size.to_string()))),
        ("shm_size", text(run.needs.shm_size.map(|size| size.to_string()))),
        ("time_limit", text(run.needs.time_limit.map(|limit| format!("{} s", number(limit.seconds()))))),
        ("goal", text(run.needs.goal.as_ref().map(|goal| with_end(goal, run.needs.stop_at_goal)))),
        ("bandwidth", text(run.max_bandwidth.map(|megabits| format!("{} Mbit/s", number(megabits))))),
        ("image", text(run.image.clone())),
        ("command", Cell::text(&job.command)),
        ("working_dir", text(run.needs.working_dir.as_ref().map(ToString::to_string))),
        ("environment", Cell::text(pairs(run.environment.iter()))),
        ("env_from_secrets", Cell::text(pairs(run.needs.env_from_secrets.iter()))),
        ("volumes", listed(&run.needs.volumes)),
        ("node_selector", Cell::text(pairs(run.needs.node_selector.iter()))),
        ("tolerations", listed(&run.needs.tolerations)),
        ("priority_class", text(run.needs.priority_class.as_ref().map(ToString::to_string))),
        ("service_account", text(run.needs.service_account.as_ref().map(ToString::to_string))),
        ("image_pull_secrets", listed(&run.needs.image_pull_secrets)),
        ("params", Cell::text(pairs(run.params.iter()))),
        ("tags", Cell::text(pairs(run.tags.iter()))),
        ("backend", text(run.backend.clone())),
        ("options", joined(options)),
        ("pods", joined(job.pods.iter().map(ToString::to_string).collect())),
        ("exit_codes", joined(codes)),
        ("job_id", Cell::text(run.job_id.to_string())),
    ];
    let known = fields.into_iter().filter(|(_, cell)| *cell != Cell::Nothing);
    Ok(printer.record(run, name(run), known)?)
}

#[cfg(test)]
mod tests {
    use mlbench_client::{RunState, now};

    use super::*;
    use crate::commands::testing::failed_run as run;

    fn printed(
        layout: Layout,
        print: impl FnOnce(&mut Printer<&mut Vec<u8>>) -> Result<(), Failure>,
    ) -> String {
        let mut to = Vec::new();
        print(&mut Printer::new(layout, &mut to)).unwrap();
        String::from_utf8(to).unwrap()
    }

    /// Returns the text with `AGE` in place of each age of this test data, which grows.
    fn without_ages(text: &str) -> String {
        let days = now().since("2018-08-03T09:21:41.847960Z".parse().unwrap()).as_secs() / 86_400;
        text.replace(&format!("{days}d ago"), "AGE")
    }

    fn print_all(printer: &mut Printer<&mut Vec<u8>>, runs: &[Run]) -> Result<(), Failure> {
        Ok(List::new(&ListOptions::default(), &columns())?.print(printer, runs.to_vec())?)
    }

    #[test]
    fn a_list_of_runs_fits_into_80_columns() {
        let runs = [run(1, "first"), run(12, "second try")];
        assert_eq!(
            without_ages(&printed(Layout::Table { fit_to_width: false }, |printer| print_all(
                printer, &runs
            ))),
            "\
id  name        state   workers  created_at  finished_at
────────────────────────────────────────────────────────
1   first       FAILED  2        AGE   AGE
12  second try  FAILED  2        AGE   AGE
"
        );
        let tabs = printed(Layout::Tabs, |printer| print_all(printer, &runs));
        let line = "1\tfirst\tFAILED\t2\t2018-08-03T09:21:29.347960Z\t2018-08-03T09:21:41.847960Z";
        assert_eq!(tabs.lines().nth(1), Some(line));
    }

    #[test]
    fn a_queued_run_shows_its_position_and_the_reason() {
        let waiting_for = Some("run 1 is ahead in the queue".to_owned());
        let queued =
            Run { state: RunState::Initialized, queue_position: Some(2), waiting_for, ..run(3, "third") };
        let runs = [run(1, "first"), queued];
        let table = printed(Layout::Table { fit_to_width: false }, |printer| print_all(printer, &runs));
        assert!(table.contains("  third  INITIALIZED (queue: 2)  2 "), "{table}");
        let tabs = printed(Layout::Tabs, |printer| print_all(printer, &runs));
        assert!(tabs.contains("\tthird\tINITIALIZED\t2\t"), "{tabs}");
        let details = printed(Layout::Tabs, |printer| print_details(printer, &runs[1]));
        assert!(details.contains("\nqueue\t2\nwaiting_for\trun 1 is ahead in the queue\n"), "{details}");
    }

    #[test]
    fn the_json_of_one_run_is_an_object() {
        let runs = [run(1, "first")];
        let object = printed(Layout::Json, |printer| print_one(printer, &runs[0]));
        assert_eq!(serde_json::from_str::<Run>(&object).unwrap(), runs[0]);
        let array = printed(Layout::Json, |printer| print_all(printer, &runs));
        assert_eq!(serde_json::from_str::<Vec<Run>>(&array).unwrap(), runs);
        let line = printed(Layout::Ndjson, |printer| print_one(printer, &runs[0]));
        assert_eq!((serde_json::from_str::<Run>(&line).unwrap(), line.lines().count()), (run(1, "first"), 1));
        let yaml = printed(Layout::Yaml, |printer| print_details(printer, &runs[0]));
        assert_eq!(serde_saphyr::from_str::<Run>(&yaml).unwrap(), runs[0], "{yaml}");
        assert_eq!(printed(Layout::Name, |printer| print_details(printer, &runs[0])), "id:1\n");
    }

    #[test]
    fn labels_are_columns_by_name() {
        let options = ListOptions {
            columns: ["id", "params.lr", "tags.team", "params.none", "duration"].map(str::to_owned).to_vec(),
            ..ListOptions::default()
        };
        let list = List::new(&options, &columns()).unwrap();
        let text =
            printed(Layout::Csv, |printer| Ok(list.print(printer, vec![run(1, "first"), run(2, "second")])?));
        assert_eq!(
            text,
            "id,params.lr,tags.team,params.none,duration\n1,0.1,vision,,12.5\n2,0.1,vision,,12.5\n"
        );
    }

    #[test]
    fn details_leave_out_unknown_fields() {
        let text = printed(Layout::Tabs, |printer| print_details(printer, &run(1, "first")));
        assert_eq!(
            text,
            "field\tvalue\nid\t1\nname\tfirst\nstate\tFAILED\nreason\trank 1 ended with exit code 3\n\
         created_at\t2018-08-03T09:21:29.347960Z\nfinished_at\t2018-08-03T09:21:41.847960Z\ntook\t12.5 s\n\
         workers\t2\ncpus\t0.5\ncommand\ttrain {rank}\nenvironment\tA=1, B=2\nparams\tdeep=true, lr=0.1\ntags\tteam=vision\nbackend\tring\noptions\tlight, first worker only\n\
         pods\tw-0, w-1\nexit_codes\t0: 0, 1: 3\njob_id\t5ec9f286-e12d-41bc-886e-0174ef2bddae\n"
        );
    }
}
