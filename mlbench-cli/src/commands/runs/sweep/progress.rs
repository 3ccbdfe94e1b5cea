//! [`Progress`]: which runs of a sweep exist, and how far they are.

use mlbench_client::{Run, RunId, RunState, Timestamp};

use super::plan::{Plan, PlannedRun};
use crate::failure::Failure;

/// The most runs that a message names.
const MAX_NAMED: usize = 10;

/// A plan, and the runs of it that exist.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) plan: Plan,
    runs: Vec<Option<Run>>,
}

impl Progress {
    pub(super) fn new(plan: Plan) -> Self {
        let runs = plan.runs.iter().map(|_| None).collect();
        Self { plan, runs }
    }

    /// Takes the newest state of a run, and returns whether it is a change of this sweep.
    pub(super) fn update(&mut self, run: &Run) -> bool {
        let Some(slot) = self.plan.index_of(run).and_then(|index| self.runs.get_mut(index)) else {
            return false;
        };
        if slot.as_ref().is_some_and(|known| is_older(run, known)) {
            return false;
        }
        let shown = |run: &Run| (run.id, run.state, run.queue_position);
        let is_change = slot.as_ref().map(shown) != Some(shown(run));
        *slot = Some(run.clone());
        is_change
    }

    /// Forgets the runs that the server does not have, which are started anew.
    pub(super) fn retain(&mut self, is_there: impl Fn(RunId) -> bool) {
        for slot in &mut self.runs {
            if slot.as_ref().is_some_and(|run| !is_there(run.id)) {
                *slot = None;
            }
        }
    }

    /// Returns the first run that is missing, with its index.
    pub(super) fn missing(&self) -> Option<(usize, &PlannedRun)> {
        self.runs.iter().zip(&self.plan.runs).enumerate().find_map(|(index, (run, planned))| match run {
            None => Some((index, planned)),
            Some(_) => None,
        })
    }

    /// Returns the runs that exist.
    pub(super) fn found(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().flatten()
    }

    /// Returns the active runs.
    pub(super) fn active(&self) -> impl Iterator<Item = &Run> {
        self.found().filter(|run| run.is_active())
    }

    /// Returns how many runs have ended.
    pub(super) fn ended(&self) -> usize {
        self.found().filter(|run| !run.is_active()).count()
    }

    /// Returns how many runs the plan has.
    pub(super) fn total(&self) -> usize {
        self.runs.len()
    }

    fn unfinished(&self) -> impl Iterator<Item = &Run> {
        self.found().filter(|run| !run.is_active() && run.state != RunState::Finished)
    }

    /// Returns what has happened so far in a line.
    pub(super) fn title(&self) -> String {
        let failed = match self.unfinished().count() {
            0 => String::new(),
            count => format!(", {count} of them failed or stopped"),
        };
        let (name, ended, total) = (self.plan.name.as_str(), self.ended(), self.total());
        format!("sweep {name:?}: {ended} of {total} runs have ended{failed}")
    }

    /// Returns the state of each combination: workers, backend, finished, failed, active.
    pub(super) fn rows(&self, now: Timestamp) -> Vec<[String; 5]> {
        let row = |(index, combination): (usize, &super::plan::Combination)| {
            let all = self.plan.runs.iter().zip(&self.runs);
            let of: Vec<_> = all.filter(|(planned, _)| planned.combination == index).collect();
            let runs = || of.iter().filter_map(|(_, run)| run.as_ref());
            let finished = runs().filter(|run| run.state == RunState::Finished).count();
            let active = runs().filter(|run| run.is_active()).count();
            [
                combination.workers.clone(),
                combination.backend.clone(),
                format!("{finished} of {}", of.len()),
                (runs().count() - finished - active).to_string(),
                runs().find(|run| run.is_active()).map(|run| active_run(run, now)).unwrap_or_default(),
            ]
        };
        self.plan.combinations.iter().enumerate().map(row).collect()
    }

    /// Returns what an interrupted sweep leaves.
    pub(super) fn interrupted(&self) -> String {
        let active: Vec<String> = self.active().map(|run| run.id.to_string()).take(MAX_NAMED).collect();
        let more = match active.as_slice() {
            [] => String::new(),
            active => format!("; the server goes on with run {}", active.join(", ")),
        };
        format!("{}{more}; start the rest with the same command", self.title())
    }

    /// Checks that all runs have finished.
    ///
    /// # Errors
    /// [`Failure::SweepNotFinished`] naming those that have not.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let unfinished: Vec<&Run> = self.unfinished().collect();
        if unfinished.is_empty() {
            return Ok(());
        }
        let named = unfinished.iter().take(MAX_NAMED).map(|run| {
            let reason = run.job_metadata.reason.as_ref().map(|reason| format!(": {reason}"));
            format!("run {} ({:?}) {}{}", run.id, run.name.as_str(), run.state, reason.unwrap_or_default())
        });
        let mut names = named.collect::<Vec<_>>().join("; ");
        if let Some(more @ 1..) = unfinished.len().checked_sub(MAX_NAMED) {
            names.push_str(&format!("; and {more} more"));
        }
        Err(Failure::SweepNotFinished { count: unfinished.len(), total: self.total(), names })
    }
}

/// Returns whether a state of a run comes before the known one. An event may be older than a response.
fn is_older(run: &Run, known: &Run) -> bool {
    let step = |run: &Run| (!run.is_active(), run.state != RunState::Initialized);
    run.id == known.id && step(run) < step(known)
}

fn active_run(run: &Run, now: Timestamp) -> String {
    let seconds = now.since(run.created_at.min(now)).as_secs();
    match run.queue_position {
        Some(position) => format!("run {} queue position {position}", run.id),
        None => format!("run {} {} {}:{:02}", run.id, run.state, seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::testing::failed_run;

    #[test]
    fn an_event_that_is_older_than_a_response_takes_no_run_back() {
        let [initialized, started, failed] = [RunState::Initialized, RunState::Started, RunState::Failed]
            .map(|state| Run { state, ..failed_run(1, "s") });
        for (run, known) in [(&initialized, &started), (&initialized, &failed), (&started, &failed)] {
            assert!(is_older(run, known) && !is_older(known, run) && !is_older(run, run));
        }
        let again = Run { state: RunState::Initialized, ..failed_run(2, "s") };
        assert!(!is_older(&again, &failed), "a run that was started anew");
    }
}
