//! Starts the runs of a sweep that are missing, waits for all of them, and compares them.

use std::pin::pin;
use std::time::Duration;

use mlbench_client::{
    Change, Client, ErrorCode, EventData, LabelFilter, RetryPolicy, Run, RunSearch, Topic, now,
};
use tokio::time::timeout;

use super::plan::{Plan, SWEEP_TAG};
use super::progress::Progress;
use crate::args::SweepArgs;
use crate::commands::runs::compare::{fetch_runs, print};
use crate::commands::runs::groups::columns;
use crate::commands::runs::list::find;
use crate::commands::runs::report::write_report;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::{List, ListOptions, Live, Printer, eprint_message, live_table};

/// How long to wait for an event before the table shows the time, and a refused start is tried again.
const TICK: Duration = Duration::from_secs(1);
/// How often a run may be deleted and started again within the day for which the server keeps a key.
const MAX_ATTEMPTS: u32 = 100;

/// `mlbench runs sweep --dry-run`
pub(crate) async fn plan_only(args: &SweepArgs) -> Result<(), Failure> {
    let plan = Plan::read(args).await?;
    let rows = plan.runs.iter().filter_map(|run| {
        let combination = plan.combinations.get(run.combination)?;
        let (workers, backend) = (combination.workers.clone(), combination.backend.clone());
        Some([run.request.name.to_string(), workers, backend, run.repeat.to_string()])
    });
    let requests: Vec<_> = plan.runs.iter().map(|run| &run.request).collect();
    let head = ["name", "workers", "backend", "repeat"];
    Ok(Printer::paged(None).print(&requests, head, rows.collect::<Vec<_>>())?)
}

/// `mlbench runs sweep`
pub(crate) async fn sweep(client: &Client, args: &SweepArgs, interrupt: &Interrupt) -> Result<(), Failure> {
    let plan = Plan::read(args).await?;
    // A server that has never responded is reported at once. After that, the sweep waits for it.
    client.health().live().await?;
    let client = &client.with_retry(RetryPolicy::new().timeout(Duration::MAX).reads(true));
    let mut progress = Progress::new(plan);
    let live = Live::open();
    let result = tokio::select! {
        result = follow(client, args.at_once, &mut progress, live.as_ref()) => result,
        _ = interrupt.asked() => {
            if let Some(live) = live {
                live.clear();
            }
            eprint_message(progress.interrupted());
            // The signal decides the exit code.
            return Ok(());
        }
    };
    if let Some(live) = live {
        live.clear();
    }
    result?;
    eprint_message(progress.title());
    let runs = progress.found().map(|run| run.id).collect();
    let comparison = fetch_runs(client, runs, &args.measure, None).await?;
    if let Some(directory) = &args.output {
        write_report(&comparison, directory)?;
    }
    let options = ListOptions::default();
    let printed = print(&mut Printer::stdout(None), &options, &List::new(&options, &columns())?, &comparison);
    progress.check().and(printed)
}

/// Starts what is missing and waits until all runs have ended.
async fn follow(
    client: &Client,
    at_once: u32,
    progress: &mut Progress,
    live: Option<&Live>,
) -> Result<(), Failure> {
    for run in find_runs(client, progress).await? {
        progress.plan.check(&run)?;
        progress.update(&run);
    }
    let found = progress.found().count();
    if found > 0 {
        eprint_message(format_args!("{}; {} to start", progress.title(), progress.total() - found));
    }
    let mut changes = client.changes([Topic::Runs]);
    let mut reported = None;
    loop {
        // It stays the same future, because one that is given up at every tick may never get to reconnect.
        let mut next = pin!(changes.next());
        let change = loop {
            start_or_report(client, at_once, progress, &mut reported).await?;
            if let Some(live) = live {
                let head = ["workers", "backend", "finished", "failed", "active"];
                live.show(live_table(&progress.title(), head, progress.rows(now())))?;
            }
            if progress.ended() == progress.total() {
                return Ok(());
            }
            if let Ok(change) = timeout(TICK, next.as_mut()).await {
                break change?;
            }
        };
        apply(client, progress, change).await?;
    }
}

/// Starts what may start now, and says once why nothing starts.
async fn start_or_report(
    client: &Client,
    at_once: u32,
    progress: &mut Progress,
    reported: &mut Option<String>,
) -> Result<(), Failure> {
    let refusal = start_missing(client, at_once, progress).await?;
    if let Some(why) = &refusal
        && refusal != *reported
        && progress.active().next().is_none()
    {
        eprint_message(format_args!("waiting: {why}"));
        *reported = refusal;
    }
    Ok(())
}

async fn apply(client: &Client, progress: &mut Progress, change: Change) -> Result<(), Failure> {
    match change {
        Change::Look => {
            let runs = find_runs(client, progress).await?;
            progress.retain(|id| runs.iter().any(|run| run.id == id));
            runs.iter().try_for_each(|run| take(progress, run))?;
        }
        Change::Event(event) => {
            if let EventData::Runs(changed) = event.data {
                changed.runs.iter().try_for_each(|run| take(progress, run))?;
                progress.retain(|id| !changed.deleted.contains(&id));
            }
        }
    }
    Ok(())
}

/// Reads all runs of the sweep.
async fn find_runs(client: &Client, progress: &Progress) -> Result<Vec<Run>, Failure> {
    let name = progress.plan.name.to_string();
    let tag = LabelFilter { name: SWEEP_TAG.to_owned(), value: Some(name) };
    find(client, RunSearch { tags: vec![tag], ..RunSearch::default() }).await
}

/// Starts missing runs until as many are active as may be, and returns why the server refuses one for now.
async fn start_missing(
    client: &Client,
    at_once: u32,
    progress: &mut Progress,
) -> Result<Option<String>, Failure> {
    while progress.active().count() < at_once as usize
        && let Some((_, planned)) = progress.missing()
    {
        let mut attempt = 0;
        let run = loop {
            let error = match client.runs().start_once(&planned.request, &planned.key(attempt)?).await {
                Ok(run) => break run,
                Err(error) => error,
            };
            match error.code() {
                Some(ErrorCode::RunActive | ErrorCode::RunDeleting) => return Ok(Some(error.to_string())),
                // The run of this key was deleted.
                Some(ErrorCode::NotFound) if attempt < MAX_ATTEMPTS => attempt += 1,
                _ => {
                    eprint_message(format_args!("cannot start {:?}", planned.request.name.as_str()));
                    return Err(error.into());
                }
            }
        };
        // Its tags may have been changed since it was started.
        progress.plan.check(&run)?;
        take(progress, &run)?;
    }
    Ok(None)
}

/// Takes the state of a run, and reports its change where no table shows it.
///
/// # Errors
/// [`Failure::OtherPlan`] for a run that another sweep of this name has started meanwhile.
fn take(progress: &mut Progress, run: &Run) -> Result<(), Failure> {
    if progress.plan.has(run) {
        progress.plan.check(run)?;
    }
    if !progress.update(run) || Live::is_possible() {
        return Ok(());
    }
    let more = match (run.queue_position, &run.waiting_for, &run.job_metadata.reason) {
        (Some(position), Some(why), _) => format!(", queue position {position}: {why}"),
        (_, _, Some(reason)) if !run.is_active() => format!(": {reason}"),
        _ => String::new(),
    };
    let (ended, total) = (progress.ended(), progress.total());
    let (id, name, state) = (run.id, run.name.as_str(), run.state);
    eprint_message(format_args!("[{ended}/{total}] run {id} ({name:?}) {state}{more}"));
    Ok(())
}
