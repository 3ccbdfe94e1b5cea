//! Starts what the command of the first worker asks for on the other workers of its run, and watches it.
//!
//! That is how `mpirun` starts its daemons without ssh. A daemon has the variables of the run, and its output goes to
//! `mpirun` through a connection of its own. What it says itself is shown when it fails.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{BoxFuture, join_all};
use futures_util::stream::FuturesUnordered;
use mlbench_core::run::{Backend, Run, RunKey};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::command::daemon_task;
use crate::cluster::{ClusterError, DaemonReply, DaemonRequest, Offsets, RankRef, Wanted};
use crate::launcher::backoff::Backoff;
use crate::launcher::run_context::RunContext;

/// How long one request to the cluster waits for the end of a daemon.
const FOLLOW_TIMEOUT: Duration = Duration::from_secs(20);
/// How long to try to start a daemon whose worker cannot be reached.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest pause between two attempts to reach the cluster.
const MAX_PAUSE: Duration = Duration::from_secs(10);
/// Time in which the command ends by itself after a daemon has failed.
const FAILURE_GRACE: Duration = Duration::from_secs(10);
/// Time in which the loss of a worker is found after the command has failed because of it.
const LOSS_GRACE: Duration = Duration::from_secs(5);
/// Most characters of the output of a failed daemon that its reason shows.
const MAX_SHOWN_CHARS: usize = 500;

/// The daemons of one command.
pub(super) struct Daemons<'a> {
    context: &'a RunContext<'a>,
    run: Run,
    at: RankRef,
    /// The number of the last request that is served.
    seen: u32,
    work: FuturesUnordered<BoxFuture<'a, Event>>,
    /// Why the run fails, if the command has not ended by then.
    failing: Option<(Instant, String)>,
}

enum Event {
    /// These were started, or are running since an earlier server.
    Started(Vec<RankRef>),
    /// A daemon has failed.
    Failed(String),
    /// A worker is lost.
    Lost(String),
    /// Nothing to do.
    Done,
}

impl<'a> Daemons<'a> {
    /// Returns the daemons of the command at `at`, of which none is known yet.
    pub(super) fn new(context: &'a RunContext<'a>, run: &Run, at: &RankRef) -> Self {
        let work = FuturesUnordered::new();
        Self { context, run: run.clone(), at: at.clone(), seen: 0, work, failing: None }
    }

    /// Takes the number of requests of the command so far.
    pub(super) fn asked(&mut self, requests: u32) {
        if requests > self.seen {
            let after = std::mem::replace(&mut self.seen, requests);
            let (context, run, at) = (self.context, self.run.clone(), self.at.clone());
            self.work.push(Box::pin(async move { serve(context, &run, &at, after, requests).await }));
        }
    }

    /// Returns why the run fails, although its command goes on. Waits without end for that.
    pub(super) async fn failure(&mut self) -> String {
        loop {
            let until = self.failing.as_ref().map(|(until, _)| *until);
            let due = async {
                match until {
                    Some(until) => sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(event) = self.work.next() => {
                    if let Some(why) = self.note(event) {
                        return why;
                    }
                }
                () = due => return self.failing.take().map(|(_, why)| why).unwrap_or_default(),
            }
        }
    }

    /// Returns which worker is lost, if that is why the command failed.
    pub(super) async fn loss(&mut self) -> Option<String> {
        let until = Instant::now() + LOSS_GRACE;
        while let Ok(Some(event)) = timeout_at(until, self.work.next()).await {
            if let Some(why) = self.note(event) {
                return Some(why);
            }
        }
        None
    }

    /// Returns which worker is lost, if the event says that.
    fn note(&mut self, event: Event) -> Option<String> {
        match event {
            Event::Lost(why) => return Some(why),
            // A command of its own may call mpirun again.
            Event::Failed(_) if self.run.spec.backend != Some(Backend::Mpi) => {}
            Event::Failed(why) => {
                self.failing.get_or_insert((Instant::now() + FAILURE_GRACE, why));
            }
            Event::Started(daemons) => {
                for daemon in daemons {
                    let context = self.context;
                    self.work.push(Box::pin(async move { watch(context, &daemon).await }));
                }
            }
            Event::Done => {}
        }
        None
    }
}

/// Serves the requests after `after` up to `last`.
async fn serve(context: &RunContext<'_>, run: &Run, at: &RankRef, mut after: u32, last: u32) -> Event {
    let mut running = Vec::new();
    while after < last {
        let requests = match insist(|| context.deps.cluster.daemon_requests(at, after)).await {
            Ok(requests) if requests.is_empty() => break,
            Ok(requests) => requests,
            // The follower of the command finds out, too, and the agent gives up.
            Err(_) => break,
        };
        after = requests.iter().map(|request| request.number).max().unwrap_or(last);
        let served = join_all(requests.into_iter().map(|request| start(context, run, request))).await;
        let mut replies = Vec::new();
        for (number, outcome) in served {
            match outcome {
                Some(Ok((daemon, is_new))) => {
                    running.push(daemon);
                    if is_new {
                        replies.push(DaemonReply { number, refusal: None });
                    }
                }
                Some(Err(why)) => {
                    tracing::info!(run = %run.id, request = number, why, "a daemon was not started");
                    replies.push(DaemonReply { number, refusal: Some(why) });
                }
                None => {}
            }
        }
        let reply = || context.deps.cluster.reply_to(at, &replies);
        if !replies.is_empty() && insist(reply).await.is_err() {
            break;
        }
    }
    if running.is_empty() { Event::Done } else { Event::Started(running) }
}

/// Starts the daemon of a request, and returns it with whether that was now.
///
/// `None` for one that was refused before.
async fn start(
    context: &RunContext<'_>,
    run: &Run,
    request: DaemonRequest,
) -> (u32, Option<Result<(RankRef, bool), String>>) {
    let number = request.number;
    let outcome = async {
        let wanted = request.wanted?;
        let at = place(run, &wanted, number)?;
        if request.reply == Some(true) {
            return Ok((at, false));
        }
        let token = context.token().await.map_err(|error| error.detail().to_owned())?;
        let task = daemon_task(run, at.clone(), &wanted.command, &context.deps.settings, token.as_ref());
        let launch = || context.deps.cluster.launch(&task);
        insist(launch).await.map_err(|error| format!("{}: {error}", wanted.host))?;
        tracing::info!(run = %run.id, pod = at.pod.as_str(), "started a daemon of the command");
        Ok((at, true))
    };
    let is_open = request.reply != Some(false);
    (number, if is_open { Some(outcome.await) } else { None })
}

/// Returns where a daemon runs: on another worker of the same run, and nowhere else.
fn place(run: &Run, wanted: &Wanted, number: u32) -> Result<RankRef, String> {
    const SHOWN: usize = 100;
    let host = wanted.host.as_str();
    let named = |worker: &mlbench_core::run::Worker| worker.host == host || worker.pod.as_str() == host;
    let Some(position) = run.workers.iter().position(named) else {
        let host: String = host.chars().take(SHOWN).collect();
        return Err(format!("{host:?} is no worker of this run; use the hosts in {{hosts}}"));
    };
    let rank = u32::try_from(position).unwrap_or(u32::MAX);
    if rank == 0 {
        return Err(format!("{host} is the first worker, where the command runs; start it there itself"));
    }
    Ok(RankRef { run: RunKey::from(run), rank, pod: run.workers[position].pod.clone(), daemon: Some(number) })
}

/// Watches a daemon to its end.
async fn watch(context: &RunContext<'_>, at: &RankRef) -> Event {
    let mut backoff = Backoff::up_to(MAX_PAUSE);
    let mut from = Offsets { stdout: Offsets::NO_MORE, stderr: 0 };
    let mut said = String::new();
    loop {
        match context.deps.cluster.follow(at, from, FOLLOW_TIMEOUT).await {
            Ok(output) => {
                backoff.reset();
                from.stderr =
                    from.stderr.saturating_add(u64::try_from(output.stderr.len()).unwrap_or(u64::MAX));
                said.push_str(&String::from_utf8_lossy(&output.stderr));
                said = last_chars(&said).to_owned();
                match output.exit_code {
                    Some(0) => return Event::Done,
                    Some(code) => {
                        let (said, pod) = (said.trim(), &at.pod);
                        let colon = if said.is_empty() { "" } else { ": " };
                        let why = format!(
                            "the daemon of mpirun in worker pod {pod} ended with exit code {code}{colon}{said}"
                        );
                        // The command, which knows nothing of it, may end before that is the reason of the run.
                        if let Err(error) = context.recorder.append_server_message(&why).await {
                            tracing::warn!(%error, why, "cannot store the end of a daemon");
                        }
                        return Event::Failed(why);
                    }
                    None => {}
                }
            }
            Err(ClusterError::Unreachable(_)) => sleep(backoff.pause()).await,
            Err(ClusterError::Lost(why) | ClusterError::Refused(why)) => return Event::Lost(why),
        }
    }
}

/// Returns the last characters of what a daemon has said.
fn last_chars(text: &str) -> &str {
    let start = text.char_indices().rev().nth(MAX_SHOWN_CHARS - 1).map_or(0, |(start, _)| start);
    &text[start..]
}

/// Repeats a call to a cluster that cannot be reached, for a while.
async fn insist<T, F>(call: impl Fn() -> F) -> Result<T, ClusterError>
where
    F: Future<Output = Result<T, ClusterError>>,
{
    let until = Instant::now() + START_TIMEOUT;
    let mut backoff = Backoff::up_to(MAX_PAUSE);
    loop {
        match call().await {
            Err(ClusterError::Unreachable(_)) if Instant::now() < until => sleep(backoff.pause()).await,
            outcome => return outcome,
        }
    }
}
