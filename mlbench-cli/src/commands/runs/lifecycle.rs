//! Starts, lists, shows, awaits, stops and deletes runs.

use std::io::Write;
use std::time::Duration;

use mlbench_client::{Client, Run, RunState};

use super::print::{JsonShape, print_all, print_details};
use super::request::run_request;
use crate::args::{OneRunArgs, StartArgs, WaitArgs};
use crate::commands::resolve::resolve_run;
use crate::failure::Failure;
use crate::output::{Printer, eprint_message};

/// `mlbench runs start`
pub(crate) async fn start(client: &Client, args: &StartArgs) -> Result<(), Failure> {
    let mut run = client.runs().start(&run_request(args)).await?;
    if args.wait {
        run = wait_until_ended(client, run, None).await?;
    } else if run.queue_position.is_some() {
        report_state(&run);
    }
    print_one(&mut Printer::stdout(args.output.output), &run)?;
    if args.wait { check_finished(run) } else { Ok(()) }
}

/// `mlbench runs list`
pub(crate) async fn list(client: &Client, mut printer: Printer<impl Write>) -> Result<(), Failure> {
    print_all(&mut printer, &client.runs().list().await?, JsonShape::Array)
}

/// `mlbench runs show`
pub(crate) async fn show(client: &Client, args: &OneRunArgs) -> Result<(), Failure> {
    let run = resolve_run(client, &args.run.run).await?;
    print_details(&mut Printer::stdout(args.output.output), &run)
}

/// `mlbench runs wait`
pub(crate) async fn wait(client: &Client, args: &WaitArgs) -> Result<(), Failure> {
    let run = resolve_run(client, &args.run.run).await?;
    let run = wait_until_ended(client, run, args.timeout).await?;
    print_one(&mut Printer::stdout(args.output.output), &run)?;
    check_finished(run)
}

/// `mlbench runs stop`
pub(crate) async fn stop(client: &Client, args: &OneRunArgs) -> Result<(), Failure> {
    let run = resolve_run(client, &args.run.run).await?;
    let run = client.runs().stop(run.id).await?;
    if run.state.is_active() {
        eprint_message(format_args!(
            "stopping run {} ({:?}); wait for it with `mlbench runs wait {}`",
            run.id,
            run.name.as_str(),
            run.id
        ));
    }
    print_one(&mut Printer::stdout(args.output.output), &run)
}

/// `mlbench runs delete`
pub(crate) async fn delete(client: &Client, text: &str) -> Result<(), Failure> {
    let run = resolve_run(client, text).await?;
    client.runs().delete(run.id).await?;
    eprint_message(format_args!("deleted run {} ({:?})", run.id, run.name.as_str()));
    Ok(())
}

fn print_one(printer: &mut Printer<impl Write>, run: &Run) -> Result<(), Failure> {
    print_all(printer, std::slice::from_ref(run), JsonShape::Object)
}

/// Waits until a run ends, reports each change until then, and survives a restart of the server.
async fn wait_until_ended(client: &Client, run: Run, timeout: Option<Duration>) -> Result<Run, Failure> {
    let id = run.id;
    let mut last = run;
    report_state(&last);
    let watched = client.runs().watch(id, |run| {
        if (run.state, run.queue_position) != (last.state, last.queue_position) {
            report_state(run);
        }
        last.clone_from(run);
    });
    let Some(timeout) = timeout else { return Ok(watched.await?) };
    match tokio::time::timeout(timeout, watched).await {
        Ok(run) => Ok(run?),
        Err(_) => Err(Failure::StillActive { run: Box::new(last), seconds: timeout.as_secs() }),
    }
}

/// Reports the state of an active run, with its position in the queue and the reason why it waits.
fn report_state(run: &Run) {
    if run.state.is_active() {
        let queue = match (run.queue_position, &run.waiting_for) {
            (Some(position), Some(reason)) => format!(", queue position {position}: {reason}"),
            _ => String::new(),
        };
        eprint_message(format_args!("run {} ({:?}) {}{queue}", run.id, run.name.as_str(), run.state));
    }
}

fn check_finished(run: Run) -> Result<(), Failure> {
    if run.state == RunState::Finished { Ok(()) } else { Err(Failure::NotFinished(Box::new(run))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::testing::failed_run;

    #[test]
    fn a_failed_run_is_reported_with_its_reason() {
        let failure = check_finished(failed_run(1, "first")).unwrap_err();
        assert_eq!(failure.to_string(), "run 1 (\"first\") FAILED: rank 1 ended with exit code 3");
        assert_eq!(failure.exit_code(), 6);
        assert!(check_finished(Run { state: RunState::Finished, ..failed_run(1, "first") }).is_ok());
    }
}
