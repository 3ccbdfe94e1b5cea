//! Runs as the user sees them.

use std::io::Write;

use mlbench_client::Run;

use crate::failure::Failure;
use crate::output::Printer;

/// Whether the JSON of a list of runs is an array or the only run.
#[derive(Clone, Copy)]
pub(super) enum Json {
    /// An array.
    Array,
    /// The only run.
    One,
}

pub(super) fn print_all(printer: &mut Printer<impl Write>, runs: &[Run], json: Json) -> Result<(), Failure> {
    let date =
        |printer: &Printer<_>, date: Option<_>| date.map(|date| printer.date(date)).unwrap_or_default();
    let rows: Vec<[String; 6]> = runs
        .iter()
        .map(|run| {
            [
                run.id.to_string(),
                run.name.to_string(),
                state(printer, run),
                run.num_workers.to_string(),
                date(printer, Some(run.created_at)),
                date(printer, run.finished_at),
            ]
        })
        .collect();
    let head = ["id", "name", "state", "workers", "created_at", "finished_at"];
    match (json, runs) {
        (Json::One, [run]) => printer.print(run, head, rows)?,
        _ => printer.print(&runs, head, rows)?,
    }
    Ok(())
}

/// The state; people also see the place in the queue.
fn state(printer: &Printer<impl Write>, run: &Run) -> String {
    match run.queue_position.filter(|_| printer.is_for_people()) {
        Some(position) => format!("{} (queue: {position})", run.state),
        None => run.state.to_string(),
    }
}

pub(super) fn print_details(printer: &mut Printer<impl Write>, run: &Run) -> Result<(), Failure> {
    let job = &run.job_metadata;
    let took = run.finished_at.map(|end| format!("{:.1} s", end.since(run.created_at).as_secs_f64()));
    let pods: Vec<String> = job.pods.iter().map(ToString::to_string).collect();
    let codes: Vec<String> = job.exit_codes.iter().map(|(rank, code)| format!("{rank}: {code}")).collect();
    let options = [
        (run.gpu_enabled, "gpu"),
        (run.light_target, "light"),
        (run.use_horovod, "horovod"),
        (!run.run_all_nodes, "first worker only"),
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
        ("cpus", run.num_cpus.map(|cpus| cpus.to_string())),
        ("bandwidth", run.max_bandwidth.map(|megabits| format!("{megabits} Mbit/s"))),
        ("image", run.image.clone()),
        ("command", Some(job.command.clone())),
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
    use crate::commands::runs::tests::run;
    use crate::output::Form;

    fn printed(form: Form, print: impl FnOnce(&mut Printer<&mut Vec<u8>>) -> Result<(), Failure>) -> String {
        let mut to = Vec::new();
        print(&mut Printer::new(form, &mut to)).unwrap();
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn a_list_of_runs_fits_a_terminal() {
        let runs = [run(1, "first"), run(12, "second try")];
        assert_eq!(
            printed(Form::Table { fit: false }, |printer| print_all(printer, &runs, Json::Array)),
            "\
id  name        state   workers  created_at           finished_at
──────────────────────────────────────────────────────────────────────────
1   first       FAILED  2        2018-08-03 09:21:29  2018-08-03 09:21:41
12  second try  FAILED  2        2018-08-03 09:21:29  2018-08-03 09:21:41
"
        );
        let tabs = printed(Form::Tabs, |printer| print_all(printer, &runs, Json::Array));
        let line = "1\tfirst\tFAILED\t2\t2018-08-03T09:21:29.347960Z\t2018-08-03T09:21:41.847960Z";
        assert_eq!(tabs.lines().nth(1), Some(line));
    }

    #[test]
    fn a_run_that_waits_says_where_and_for_what() {
        let waiting_for = Some("its turn, after run 1".to_owned());
        let waits =
            Run { state: RunState::Initialized, queue_position: Some(2), waiting_for, ..run(3, "third") };
        let runs = [run(1, "first"), waits];
        let table = printed(Form::Table { fit: false }, |printer| print_all(printer, &runs, Json::Array));
        assert!(table.contains("  third  INITIALIZED (queue: 2)  2 "), "{table}");
        let tabs = printed(Form::Tabs, |printer| print_all(printer, &runs, Json::Array));
        assert!(tabs.contains("\tthird\tINITIALIZED\t2\t"), "{tabs}");
        let details = printed(Form::Tabs, |printer| print_details(printer, &runs[1]));
        assert!(details.contains("\nqueue\t2\nwaiting_for\tits turn, after run 1\n"), "{details}");
    }

    #[test]
    fn the_json_of_one_run_is_no_array() {
        let runs = [run(1, "first")];
        let json = |kind| printed(Form::Json, |printer| print_all(printer, &runs, kind));
        assert_eq!(serde_json::from_str::<Run>(&json(Json::One)).unwrap(), runs[0]);
        assert_eq!(serde_json::from_str::<Vec<Run>>(&json(Json::Array)).unwrap(), runs);
    }

    #[test]
    fn details_say_what_is_known_and_nothing_else() {
        let text = printed(Form::Tabs, |printer| print_details(printer, &run(1, "first")));
        assert_eq!(
            text,
            "field\tvalue\nid\t1\nname\tfirst\nstate\tFAILED\nreason\trank 1 ended with exit code 3\n\
         created_at\t2018-08-03T09:21:29.347960Z\nfinished_at\t2018-08-03T09:21:41.847960Z\ntook\t12.5 s\n\
         workers\t2\ncpus\t0.5\ncommand\ttrain {rank}\nbackend\tring\noptions\tlight, first worker only\n\
         pods\tw-0, w-1\nexit_codes\t0: 0, 1: 3\njob_id\t5ec9f286-e12d-41bc-886e-0174ef2bddae\n"
        );
    }
}
