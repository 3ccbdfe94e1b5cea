//! Puts the parts together: creates the run, runs the command, and reports how it ended.

use std::io;
use std::time::Duration;

use mlbench_client::{Client, Error, Params, Run, RunPatch, RunRequest, RunState, Tags};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use super::command::{self, Ended};
use super::queue::LineQueue;
use super::sender::send;
use crate::args::{Cli, RecordArgs};
use crate::commands::connect::token;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::eprint_message;

/// How long output and outcome wait for the server when the command has ended.
const LAST_SEND: Duration = Duration::from_secs(120);

/// `mlbench runs record`
///
/// # Errors
/// [`Failure::Recorded`] with the exit code of the command, also for 0; else the command was not started.
pub(crate) async fn record(
    client: &Client,
    cli: &Cli,
    args: &RecordArgs,
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let request = request(args)?;
    // A server that has never responded is reported at once. Then, the command comes first.
    client.health().live().await?;
    let run = tokio::select! {
        run = client.runs().start(&request) => run?,
        signal = interrupt.asked() => return Err(Failure::interrupted(signal)),
    };
    // A server before this version gives its runs no tokens.
    let own = run.token.as_ref().map(|token| token.reveal().to_owned());
    let variables = variables(client, &run, own.map_or_else(|| token(cli), |own| Ok(Some(own)))?);
    let child = match command::start(&args.command, &variables) {
        Ok(child) => child,
        Err(error) => return Err(not_started(client, &run, &args.command[0], &error).await),
    };
    let queue = LineQueue::default();
    let (mut following, mut sending) =
        (std::pin::pin!(command::follow(child, &queue)), std::pin::pin!(send(client, run.id, &queue)));
    let first = tokio::select! {
        ended = &mut following => Ok(ended),
        sent = &mut sending => Err(sent),
    };
    let (ended, sent) = match first {
        Ok(ended) => (ended, in_time(sending).await),
        Err(sent) => (following.await, Some(sent)),
    };
    let ended = ended.map_err(Failure::Runtime)?;
    let reported = match sent {
        Some(Ok(())) => report_end(client, &run, ended).await,
        Some(Err(error)) => Err(Some(error)),
        None => Err(None),
    };
    report(&run, queue.lost(), reported);
    Err(Failure::Recorded { code: ended.code })
}

fn request(args: &RecordArgs) -> mlbench_client::Result<RunRequest> {
    let mut request = RunRequest::named(args.name.clone());
    request.external = true;
    request.num_workers = Some(1);
    request.custom_image_command = Some(shell_words::join(&args.command));
    request.params = Params::new(args.labels.params.iter().cloned())?;
    request.tags = Tags::new(args.labels.tags.iter().cloned())?;
    Ok(request)
}

/// Returns the variables that the command of a rank has.
fn variables(client: &Client, run: &Run, token: Option<String>) -> Vec<(&'static str, String)> {
    let mut variables = vec![
        ("MLBENCH_URL", client.base_url().to_owned()),
        ("MLBENCH_RUN_ID", run.id.to_string()),
        ("RANK", "0".to_owned()),
        ("WORLD_SIZE", "1".to_owned()),
    ];
    variables.extend(token.map(|token| ("MLBENCH_TOKEN", token)));
    variables
}

/// Ends the run of a command that cannot start, with the exit code that a shell has for it.
async fn not_started(client: &Client, run: &Run, program: &str, error: &io::Error) -> Failure {
    let code = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
    eprint_message(format_args!("mlbench: {program}: cannot start: {error}"));
    let patch = RunPatch {
        reason: Some(format!("{program}: cannot start: {error}")),
        exit_codes: [(0, code)].into(),
        ..RunPatch::end(RunState::Failed)
    };
    let reported = in_time(client.runs().update(run.id, &patch)).await;
    report(run, 0, reported.map_or(Err(None), |reported| reported.map(drop).map_err(Some)));
    Failure::Recorded { code: u8::try_from(code).unwrap_or(1) }
}

/// Reports how the command ended. An error without a reason means that the server was away.
async fn report_end(client: &Client, run: &Run, ended: Ended) -> Result<(), Option<Error>> {
    let Ended { code, was_asked } = ended;
    let state = match code {
        0 => RunState::Finished,
        _ if was_asked => RunState::Stopped,
        _ => RunState::Failed,
    };
    let reason = (state == RunState::Failed).then(|| format!("the command exited with code {code}"));
    let exit_codes = [(0, i32::from(code))].into();
    let patch = RunPatch { reason, exit_codes, ..RunPatch::end(state) };
    match in_time(client.runs().update(run.id, &patch)).await {
        Some(reported) => reported.map(drop).map_err(Some),
        None => Err(None),
    }
}

/// Waits for the server until the time is over or another signal comes.
async fn in_time<T>(request: impl Future<Output = T>) -> Option<T> {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return timeout(LAST_SEND, request).await.ok();
    };
    tokio::select! {
        result = timeout(LAST_SEND, request) => result.ok(),
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
    }
}

/// Says what of the command is not stored.
fn report(run: &Run, lost: u64, reported: Result<(), Option<Error>>) {
    let (id, name) = (run.id, run.name.as_str());
    if lost > 0 {
        eprint_message(format_args!("mlbench: run {id} ({name:?}): {lost} lines of output are not stored"));
    }
    match reported {
        Ok(()) => {}
        Err(Some(error)) => {
            eprint_message(format_args!("mlbench: run {id} ({name:?}): its end is not stored: {error}"));
        }
        Err(None) => eprint_message(format_args!(
            "mlbench: run {id} ({name:?}): its end is not stored: the server is away"
        )),
    }
}
