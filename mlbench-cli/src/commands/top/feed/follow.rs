//! Follows the overview, the active runs and the run in view.

use std::time::Duration;

use mlbench_client::{Change, EventData, Result, Run, RunId, Topic};
use tokio::time::{Instant, sleep, timeout_at};

use super::source::{Source, is_missing};
use crate::commands::top::state::Update;

/// How long a run must be in view before it is read, so that moving through a list reads nothing.
const SETTLE: Duration = Duration::from_millis(120);
/// How often the newest state of unfinished lines is read, about which the server sends no events.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Source {
    /// Follows runs, pods and what these use.
    pub(super) async fn follow_overview(&self) -> Result<()> {
        let mut changes = self.client.changes([Topic::Runs, Topic::Pods, Topic::Usage]);
        loop {
            let update = match self.next(&mut changes).await? {
                Change::Look => Update::Overview(Box::new(self.overview().await?)),
                Change::Event(event) => match event.data {
                    EventData::Runs(changed) => Update::Runs(changed),
                    EventData::Pods(list) => Update::Pods(list.pods),
                    EventData::Points(points) => Update::Points(points),
                    _ => continue,
                },
            };
            self.send(update).await;
        }
    }

    /// Follows the newest values of active runs.
    pub(super) async fn follow_active(&self, runs: Vec<RunId>) -> Result<()> {
        let mut changes = self.client.changes(runs.iter().copied().map(Topic::Run));
        loop {
            match self.next(&mut changes).await? {
                Change::Look => {
                    for id in &runs {
                        match self.newest_values(*id).await {
                            Ok(points) => self.send(Update::Newest { id: *id, points }).await,
                            Err(error) if is_missing(&error) => {}
                            Err(error) => return Err(error),
                        }
                    }
                }
                Change::Event(event) => {
                    if let EventData::Points(points) = event.data {
                        self.send(Update::Points(points)).await;
                    }
                }
            }
        }
    }

    /// Reads what runs train to, one after another.
    pub(super) async fn find_targets(&self, runs: Vec<RunId>) -> Result<()> {
        sleep(SETTLE).await;
        for id in runs {
            // The dashboard also works without goals.
            let target = self.target(id).await.ok().flatten();
            self.send(Update::Target { id, target }).await;
        }
        Ok(())
    }

    /// Follows the curves and the lines of the run in view.
    pub(super) async fn follow_detail(&self, id: RunId) -> Result<()> {
        sleep(SETTLE).await;
        let mut changes = self.client.changes([Topic::Run(id)]);
        let (mut is_active, mut last_line) = (false, 0);
        let mut look_at = Instant::now() + LOOK_EVERY;
        loop {
            let change = match timeout_at(look_at, changes.next()).await {
                Ok(change) => change?,
                Err(_) => {
                    if is_active && !changes.is_away() {
                        let lines = self.unfinished(id, last_line).await?;
                        self.send(Update::Unfinished { id, lines }).await;
                    }
                    look_at = Instant::now() + LOOK_EVERY;
                    continue;
                }
            };
            let update = match change {
                Change::Look => {
                    let detail = self.detail(id).await?;
                    (is_active, last_line) = (detail.run.is_active(), detail.logs.next);
                    Update::Detail(Box::new(detail))
                }
                Change::Event(event) => match event.data {
                    EventData::Points(points) => Update::DetailPoints(points),
                    EventData::Logs(new) => {
                        last_line = new.lines.last().map_or(last_line, |line| line.seq);
                        Update::DetailLines(new)
                    }
                    EventData::Runs(changed) => {
                        let now = changed.runs.iter().find(|run| run.id == id);
                        is_active = now.map_or(is_active, Run::is_active);
                        Update::Runs(changed)
                    }
                    _ => continue,
                },
            };
            self.send(update).await;
        }
    }
}
