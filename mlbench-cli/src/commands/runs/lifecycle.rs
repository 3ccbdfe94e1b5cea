//! Starts, shows, changes, awaits, stops and deletes runs.

use mlbench_client::{Client, Error, Run, RunState};
use tokio::time::Instant;

use super::logs::follow_all;
use super::print::{print_details, print_one};
use super::request::{read_request, run_patch};
use super::wait::{LAST_LOOK, Limit, Watch, is_reached, report_state};
use crate::args::{OneRunArgs, OutputArgs, SetArgs, StartArgs, WaitArgs};
use crate::commands::resolve::{resolve_run, resolve_unambiguous_run};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::{Format, Live, Printer, eprint_message, stdout_is_terminal};
use crate::unknown_name::UnknownName;

/// `mlbench runs start`
pub(crate) async fn start(client: &Client, args: &StartArgs, interrupt: &Interrupt) -> Result<(), Failure> {
    let request = read_request(args).await?;
    // A server that has never responded is reported at once. After that, the start is retried.
    let start = async {
        client.health().live().await?;
        client.runs().start(&request).await
    };
    let run = unless_interrupted(interrupt, async { Ok(start.await?) }).await?;
    if args.follow || args.wait {
        let live = Live::open();
        let watch = Watch { client, interrupt, states: &[], limit: None, live: live.as_ref() };
        if args.follow {
            return follow(watch, run).await;
        }
        let run = watch.wait(run).await?;
        drop(live);
        return print_awaited(args.output, run, &[]);
    }
    if run.queue_position.is_some() {
        report_state(&run);
    }
    print_one(&mut Printer::stdout(args.output.output), &run)
}

/// Prints the output of a run until it ends, and shows the run meanwhile.
async fn follow(watch: Watch<'_>, run: Run) -> Result<(), Failure> {
    let lines = follow_all(watch.client, run.clone());
    let (run, _) = tokio::try_join!(watch.wait(run), lines)?;
    check_state(run, &[])
}

/// Waits for a result, or for a signal.
async fn unless_interrupted<T>(
    interrupt: &Interrupt,
    result: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        result = result => result,
        signal = interrupt.asked() => Err(Failure::interrupted(signal)),
    }
}

/// `mlbench runs start --dry-run`
pub(crate) async fn dry_run(args: &StartArgs) -> Result<(), Failure> {
    let format = match args.output.output {
        None if stdout_is_terminal() => Format::Yaml,
        None => Format::Json,
        Some(format @ (Format::Json | Format::Yaml | Format::Ndjson)) => format,
        Some(other) => return Err(Failure::RequestFormat(other.as_str())),
    };
    let request = read_request(args).await?;
    let mut printer = Printer::stdout(Some(format));
    match format {
        Format::Ndjson => printer.json_line(&request)?,
        _ => printer.value(&request)?,
    }
    Ok(printer.flush()?)
}

/// `mlbench runs show`
pub(crate) async fn show(client: &Client, args: &OneRunArgs) -> Result<(), Failure> {
    let run = resolve_run(client, &args.run.run).await?;
    print_details(&mut Printer::paged(args.output.output), &run)
}

/// `mlbench runs set`
pub(crate) async fn set(client: &Client, args: &SetArgs) -> Result<(), Failure> {
    let patch = run_patch(args)?;
    let run = resolve_unambiguous_run(client, &args.run.run).await?;
    if let Some(name) = args.remove_tag.iter().find(|name| run.tags.get(name).is_none()) {
        let known = run.tags.iter().map(|(name, _)| name.to_owned()).collect();
        return Err(Failure::UnknownName(UnknownName::tag(name, &format!("run {}", run.id), known)));
    }
    let run = client.runs().update(run.id, &patch).await?;
    print_details(&mut Printer::stdout(args.output.output), &run)
}

/// `mlbench runs wait`
pub(crate) async fn wait(client: &Client, args: &WaitArgs, interrupt: &Interrupt) -> Result<(), Failure> {
    let limit = args.timeout.map(|timeout| Limit { begin: Instant::now(), timeout });
    let find = async {
        if limit.is_some() {
            // The user said how long to wait, so that the server may be away at the beginning, too.
            client.with_retries(|| client.health().live()).await?;
        }
        resolve_run(client, &args.run.run).await
    };
    let find = unless_interrupted(interrupt, find);
    let run = match limit {
        // With `--timeout 0`, the server has the time of a last look.
        Some(Limit { timeout, .. }) => {
            let after = timeout.max(LAST_LOOK);
            let no_response = |_| Err(Error::Timeout { url: client.base_url().to_owned(), after }.into());
            tokio::time::timeout(after, find).await.unwrap_or_else(no_response)?
        }
        None => find.await?,
    };
    let live = Live::open();
    let watch = Watch { client, interrupt, states: &args.states, limit, live: live.as_ref() };
    let run = watch.wait(run).await?;
    drop(live);
    print_awaited(args.output, run, &args.states)
}

/// `mlbench runs stop`
pub(crate) async fn stop(client: &Client, args: &OneRunArgs) -> Result<(), Failure> {
    let run = resolve_unambiguous_run(client, &args.run.run).await?;
    let run = client.runs().stop(run.id).await?;
    if run.is_active() {
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
    let run = resolve_unambiguous_run(client, text).await?;
    client.runs().delete(run.id).await?;
    eprint_message(format_args!("deleted run {} ({:?})", run.id, run.name.as_str()));
    Ok(())
}

/// Prints an awaited run. Its state decides the exit code, even without a reader of the output.
fn print_awaited(output: OutputArgs, run: Run, states: &[RunState]) -> Result<(), Failure> {
    let printed = print_one(&mut Printer::stdout(output.output), &run);
    match (check_state(run, states), printed) {
        (Ok(()), printed) => printed,
        (ended, Err(failure)) if !failure.is_broken_pipe() => {
            eprint_message(format_args!("mlbench: {failure}"));
            ended
        }
        (ended, _) => ended,
    }
}

/// Checks that a run is in one of the states, or has finished if there are none.
fn check_state(run: Run, states: &[RunState]) -> Result<(), Failure> {
    let states = if states.is_empty() { &[RunState::Finished] } else { states };
    if is_reached(&run, states) { Ok(()) } else { Err(Failure::NotFinished(Box::new(run))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::testing::failed_run;

    #[test]
    fn a_failed_run_is_reported_with_its_reason() {
        let failure = check_state(failed_run(1, "first"), &[]).unwrap_err();
        assert_eq!(failure.to_string(), "run 1 (\"first\") FAILED: rank 1 ended with exit code 3");
        assert_eq!(failure.exit_code(), 6);
        let finished = || Run { state: RunState::Finished, ..failed_run(1, "first") };
        assert!(check_state(finished(), &[]).is_ok());
        assert!(check_state(finished(), &[RunState::Started]).is_ok());
        assert!(check_state(finished(), &[RunState::Stopped]).is_err());
        assert!(check_state(failed_run(1, "first"), &[RunState::Stopped, RunState::Failed]).is_ok());
        assert!(check_state(failed_run(1, "first"), &[RunState::Started]).is_err());
    }
}
