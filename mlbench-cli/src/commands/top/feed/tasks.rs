//! [`Feed`]: the tasks that follow the server for the dashboard.

use std::collections::BTreeSet;
use std::time::Duration;

use mlbench_client::{Client, Result, RunId};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use super::source::{Source, is_missing};
use crate::commands::top::state::{Update, Wanted};

/// Updates that wait for the dashboard.
const WAITING: usize = 256;
/// How long a request of the user may take.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// Runs whose goal was asked for. More are forgotten and asked for again.
const MAX_TARGETS: usize = 5_000;

/// Follows the server. Ends with this value.
#[derive(Debug)]
pub(in crate::commands::top) struct Feed {
    source: Source,
    tasks: JoinSet<()>,
    /// What the tasks follow now.
    followed: Wanted,
    active: Option<AbortHandle>,
    detail: Option<AbortHandle>,
    targets: BTreeSet<RunId>,
}

impl Feed {
    /// Begins to follow the overview. The updates arrive in the returned channel.
    pub(in crate::commands::top) fn start(client: Client) -> (Self, mpsc::Receiver<Update>) {
        let (updates, received) = mpsc::channel(WAITING);
        let source = Source { client, updates, reports_link: false };
        let mut feed = Self {
            source: source.clone(),
            tasks: JoinSet::new(),
            followed: Wanted::default(),
            active: None,
            detail: None,
            targets: BTreeSet::new(),
        };
        let overview = Source { reports_link: true, ..source };
        feed.spawn(async move |_| overview.follow_overview().await);
        (feed, received)
    }

    /// Follows what the dashboard wants, and nothing else.
    pub(in crate::commands::top) fn follow(&mut self, wanted: Wanted) {
        // Tasks that have ended are no longer needed.
        while self.tasks.try_join_next().is_some() {}
        if wanted == self.followed {
            return;
        }
        let shown = wanted.focus.into_iter().chain(wanted.active.iter().chain(&wanted.listed).copied());
        let new: Vec<RunId> = shown.filter(|id| self.targets.insert(*id)).collect();
        if !new.is_empty() {
            self.spawn(async move |source| source.find_targets(new).await);
        }
        if self.targets.len() > MAX_TARGETS {
            self.targets.clear();
        }
        if wanted.active != self.followed.active {
            self.active.take().inspect(AbortHandle::abort);
            if !wanted.active.is_empty() {
                let runs = wanted.active.clone();
                self.active = Some(self.spawn(async move |source| source.follow_active(runs).await));
            }
        }
        if wanted.focus != self.followed.focus {
            self.detail.take().inspect(AbortHandle::abort);
            if let Some(id) = wanted.focus {
                self.detail = Some(self.spawn(async move |source| source.follow_detail(id).await));
            }
        }
        self.followed = wanted;
    }

    /// Asks the server to stop a run. The outcome is a notice.
    pub(in crate::commands::top) fn stop(&mut self, id: RunId) {
        self.spawn(async move |source| {
            let seconds = STOP_TIMEOUT.as_secs();
            let (text, is_problem) = match timeout(STOP_TIMEOUT, source.client.runs().stop(id)).await {
                Ok(Ok(run)) if run.is_active() => (format!("stopping run {id}"), false),
                Ok(Ok(run)) => (format!("run {id} {}", run.state), false),
                Ok(Err(error)) => (format!("run {id} is not stopped: {error}"), true),
                Err(_) => (format!("run {id} may not be stopped: no response within {seconds} s"), true),
            };
            source.send(Update::Notice { text, is_problem }).await;
            Ok(())
        });
    }

    fn spawn<F>(&mut self, task: impl FnOnce(Source) -> F) -> AbortHandle
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let source = self.source.clone();
        let running = task(source.clone());
        self.tasks.spawn(async move {
            match running.await {
                // A run that was deleted has nothing to follow.
                Err(error) if !is_missing(&error) => source.send(Update::Failed(error.into())).await,
                _ => {}
            }
        })
    }
}
