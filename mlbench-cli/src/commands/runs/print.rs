//! Prints runs.

use std::io::{self, Write};

use mlbench_client::Run;
use mlbench_core::metric::plain_number;

use crate::failure::Failure;
use crate::output::{Layout, Printer};

/// The columns of a list of runs.
const HEAD: [&str; 6] = ["id", "name", "state", "workers", "created_at", "finished_at"];

/// Shape of the JSON for a list of runs.
#[derive(Clone, Copy)]
pub(super) enum JsonShape {
    /// An array of runs.
    Array,
    /// The only run, as an object.
    Object,
}

pub(super) fn print_all(
    printer: &mut Printer<impl Write>,
    runs: &[Run],
    json: JsonShape,
) -> Result<(), Failure> {
    let rows: Vec<[String; 6]> = runs.iter().map(|run| row(printer, run)).collect();
    match (json, runs) {
        (JsonShape::Object, [run]) => printer.print(run, HEAD, rows)?,
        _ => printer.print(&runs, HEAD, rows)?,
    }
    Ok(())
}

/// Prints the names of the columns, for [`print_row`].
pub(super) fn print_head(printer: &mut Printer<impl Write>) -> io::Result<()> {
    match printer.layout() {
        Layout::Json => Ok(()),
        _ => printer.row(HEAD.map(str::to_owned)),
    }
}

/// Prints a run in a line, with another word for its state if given.
pub(super) fn print_row(printer: &mut Printer<impl Write>, run: &Run, state: Option<&str>) -> io::Result<()> {
    let mut row = row(printer, run);
    if let Some(state) = state {
        state.clone_into(&mut row[2]);
    }
    printer.row(row)
}

fn row(printer: &Printer<impl Write>, run: &Run) -> [String; 6] {
    [
        run.id.to_string(),
        run.name.to_string(),
        state(printer, run),
        run.num_workers.to_string(),
        printer.date(run.created_at),
        run.finished_at.map(|date| printer.date(date)).unwrap_or_default(),
    ]
}

/// Formats the state, in a table with the position in the queue.
fn state(printer: &Printer<impl Write>, run: &Run) -> String {
    match run.queue_position.filter(|_| printer.is_human_readable()) {
        Some(position) => format!("{} (queue: {position})", run.state),
        None => run.state.to_string(),
    }
}

/// Formats a number as the API prints it.
fn number(number: f64) -> String {
    plain_number(number, str::to_owned)
}

pub(super) fn print_details(printer: &mut Printer<impl Write>, run: &Run) -> Result<(), Failure> {
    let job = &run.job_metadata;
    let took = run.finished_at.map(|end| format!("{:.1} s", end.since(run.created_at).as_secs_f64()));
    let pods: Vec<String> = job.pods.iter().map(ToString::to_string).collect();
    let codes: Vec<String> = job.exit_codes.iter().map(|(rank, code)| format!("{rank}: {code}")).collect();
    let environment: Vec<String> =
        run.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let params: Vec<String> = run.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let tags: Vec<String> = run.tags.iter().map(|(name, text)| format!("{name}={text}")).collect();
    let options = [
        (run.gpu_enabled, "gpu"),
        (run.light_target, "light"),
        (run.use_horovod, "horovod"),
        (!run.run_all_nodes, "first worker only"),
        (run.external, "external"),
    ];
    let options: Vec<&str> = options.into_iter().filter_map(|(set, name)| set.then_some(name)).collect();
    let fields = [
        ("id", Some(run.id.to_string())),
        ("name", Some(run.name.to_string())),
        ("state", Some(run.state.to_string())),
        ("queue", run.queue_position.map(|position| position.to_string())),
        ("waiting_for", run.waiting_for.clone()),
        ("reason", job.reason.clone()),
        ("created_at", Some(run.created_at.to_string())),
        ("finished_at", run.finished_at.map(|date| date.to_string())),
        ("took", took),
        ("workers", Some(run.num_workers.to_string())),
        ("cpus", run.num_cpus.map(number)),
        ("gpus", run.needs.gpus.map(|gpus| gpus.to_string())),
        ("memory", run.needs.memory.map(|size| size.to_string())),
        ("shm_size", run.needs.shm_size.map(|size| size.to_string())),
        ("time_limit", run.needs.time_limit.map(|limit| format!("{} s", number(limit.seconds())))),
        ("bandwidth", run.max_bandwidth.map(|megabits| format!("{} Mbit/s", number(megabits)))),
        ("image", run.image.clone()),
        ("command", Some(job.command.clone())),
        ("working_dir", run.needs.working_dir.as_ref().map(ToString::to_string)),
        ("environment", Some(environment.join(", ")).filter(|text| !text.is_empty())),
        ("params", Some(params.join(", ")).filter(|text| !text.is_empty())),
        ("tags", Some(tags.join(", ")).filter(|text| !text.is_empty())),
        ("backend", run.backend.clone()),
        ("options", Some(options.join(", ")).filter(|text| !text.is_empty())),
        ("pods", Some(pods.join(", ")).filter(|text| !text.is_empty())),
        ("exit_codes", Some(codes.join(", ")).filter(|text| !text.is_empty())),
        ("job_id", Some(run.job_id.to_string())),
    ];
    let rows = fields.into_iter().filter_map(|(name, value)| Some([name.to_owned(), value?]));
    Ok(printer.print(run, ["field", "value"], rows)?)
}

#[cfg(test)]
mod tests {
    use mlbench_client::RunState;

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

    #[test]
    fn a_list_of_runs_fits_into_80_columns() {
        let runs = [run(1, "first"), run(12, "second try")];
        assert_eq!(
            printed(Layout::Table { fit_to_width: false }, |printer| print_all(
                printer,
                &runs,
                JsonShape::Array
            )),
            "\
id  name        state   workers  created_at           finished_at
──────────────────────────────────────────────────────────────────────────
1   first       FAILED  2        2018-08-03 09:21:29  2018-08-03 09:21:41
12  second try  FAILED  2        2018-08-03 09:21:29  2018-08-03 09:21:41
"
        );
        let tabs = printed(Layout::Tabs, |printer| print_all(printer, &runs, JsonShape::Array));
        let line = "1\tfirst\tFAILED\t2\t2018-08-03T09:21:29.347960Z\t2018-08-03T09:21:41.847960Z";
        assert_eq!(tabs.lines().nth(1), Some(line));
    }

    #[test]
    fn a_queued_run_shows_its_position_and_the_reason() {
        let waiting_for = Some("run 1 is ahead in the queue".to_owned());
        let queued =
            Run { state: RunState::Initialized, queue_position: Some(2), waiting_for, ..run(3, "third") };
        let runs = [run(1, "first"), queued];
        let table = printed(Layout::Table { fit_to_width: false }, |printer| {
            print_all(printer, &runs, JsonShape::Array)
        });
        assert!(table.contains("  third  INITIALIZED (queue: 2)  2 "), "{table}");
        let tabs = printed(Layout::Tabs, |printer| print_all(printer, &runs, JsonShape::Array));
        assert!(tabs.contains("\tthird\tINITIALIZED\t2\t"), "{tabs}");
        let details = printed(Layout::Tabs, |printer| print_details(printer, &runs[1]));
        assert!(details.contains("\nqueue\t2\nwaiting_for\trun 1 is ahead in the queue\n"), "{details}");
    }

    #[test]
    fn the_json_of_one_run_is_an_object() {
        let runs = [run(1, "first")];
        let json = |kind| printed(Layout::Json, |printer| print_all(printer, &runs, kind));
        assert_eq!(serde_json::from_str::<Run>(&json(JsonShape::Object)).unwrap(), runs[0]);
        assert_eq!(serde_json::from_str::<Vec<Run>>(&json(JsonShape::Array)).unwrap(), runs);
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
