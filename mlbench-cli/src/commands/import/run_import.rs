//! The import of the files of one run.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use mlbench_client::{Client, Error, ErrorCode, Run, RunPatch, RunState};

use super::batch::{Bad, Batch, Look, Stop};
use super::discover::{Found, Group, shown};
use super::journal::{Mark, Positions, origin, positions};
use super::source::Source;
use super::summary::{Imported, add_counts};
use super::upload::{Stored, add_params, create_run, earlier_run, label, store};
use crate::args::ImportArgs;
use crate::failure::Failure;
use crate::output::eprint_message;

/// How often a long import says how far it is.
const PROGRESS: Duration = Duration::from_secs(5);
/// How often a run without new points shows a sign of life. Shorter than any sensible `--external-timeout`.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// The import of the files of one run.
pub(super) struct RunImport<'a> {
    client: &'a Client,
    args: &'a ImportArgs,
    pub(super) group: Group,
    run: Option<Run>,
    /// Whether the run ends with the import.
    ends: bool,
    earlier: Positions,
    sources: Vec<Source>,
    points: u64,
    bad: u64,
    left_out: BTreeMap<String, u64>,
    last_sign: Instant,
    last_report: Instant,
}

impl<'a> RunImport<'a> {
    /// Begins an import into `run`, into the run of an earlier import of these files, or else into a new one.
    pub(super) async fn begin(
        client: &'a Client,
        args: &'a ImportArgs,
        group: Group,
        run: Option<&Run>,
    ) -> Result<Self, Failure> {
        let ends = run.is_none();
        let run = match run {
            Some(run) => Some(run.clone()),
            None => earlier_run(client, &group).await?,
        };
        let mut earlier = Positions::new();
        if let Some(run) = &run {
            label(client, run, &args.labels).await?;
            earlier = positions(client, run.id).await?;
        }
        let now = Instant::now();
        let mut import = Self {
            client,
            args,
            group: Group { files: Vec::new(), ..group.clone() },
            run,
            ends,
            earlier,
            sources: Vec::new(),
            points: 0,
            bad: 0,
            left_out: BTreeMap::new(),
            last_sign: now,
            last_report: now,
        };
        import.add(&group.files);
        Ok(import)
    }

    /// Adds files that are not known yet.
    pub(super) fn add(&mut self, files: &[Found]) {
        for found in files {
            if !self.group.files.contains(found) {
                let at = self.earlier.get(&origin(&found.path)).copied().unwrap_or_default();
                self.sources.push(Source::new(found, at));
                self.group.files.push(found.clone());
            }
        }
    }

    /// Returns the number of files.
    pub(super) const fn sources(&self) -> usize {
        self.sources.len()
    }

    /// Imports the next batch of a file. Returns whether it had something, `None` if the file has no more.
    pub(super) async fn step(&mut self, index: usize, look: Look) -> Result<Option<bool>, Failure> {
        let source = &mut self.sources[index];
        if !source.has_more(look) {
            return Ok(None);
        }
        let (batch, mark) = source.read(look);
        let has_new = mark.end > source.at.end;
        let is_full = batch.stop == Stop::Full;
        let is_stored = self.store(index, batch, mark).await?;
        // What another import has stored there may be less than this batch.
        Ok((is_full || !is_stored || look == Look::Growing).then_some(has_new))
    }

    /// Stores a batch, and moves the position of its file behind it. Returns whether it is behind it.
    async fn store(&mut self, index: usize, mut batch: Batch, mark: Mark) -> Result<bool, Failure> {
        if self.run.is_none() && (!batch.points.is_empty() || !batch.params.is_empty()) {
            let run = create_run(self.client, &self.group, &self.args.labels).await?;
            if self.args.follow {
                let (id, name, from) = (run.id, run.name.as_str(), shown(&self.group.from));
                eprint_message(format_args!("run {id} ({name:?}) gets the points of {from}"));
            }
            self.run = Some(run);
        }
        // Before the position moves behind them. To add them twice changes nothing.
        if let Some(run) = &self.run {
            for problem in add_params(self.client, run, &mut batch).await? {
                let path = shown(&self.sources[index].path);
                eprint_message(format_args!("mlbench: {path}: a hyperparameter is left out: {problem}"));
            }
        }
        let (begin, added) = (self.sources[index].at, batch.points.len() as u64);
        if let Some(run) = &self.run
            && added > 0
        {
            let file = origin(&self.sources[index].path);
            let stored = store(self.client, run, &file, (begin.end, mark), &mut batch).await?;
            if let Stored::Elsewhere(positions) = stored {
                self.sources[index].resume(positions.get(&file).copied().unwrap_or(begin));
                return Ok(false);
            }
            self.last_sign = Instant::now();
        }
        self.points += added;
        self.sources[index].at = mark;
        add_counts(&mut self.left_out, &batch.left_out);
        self.report(index, &batch.bad);
        Ok(true)
    }

    fn report(&mut self, index: usize, bad: &Bad) {
        let source = &self.sources[index];
        let path = shown(&source.path);
        for report in &bad.reports {
            eprint_message(format_args!("mlbench: {path}: {report}"));
        }
        let more = bad.count.saturating_sub(bad.reports.len() as u64);
        if more > 0 {
            eprint_message(format_args!("mlbench: {path}: {more} more rows or cells cannot be read"));
        }
        self.bad += bad.count;
        if let Some(problem) = &source.damage {
            match &self.run {
                Some(run) => {
                    let (run, points) = (run.id, self.points);
                    eprint_message(format_args!(
                        "mlbench: {path}: {problem}; run {run} has what is before it, {points} points by this import"
                    ));
                }
                None => eprint_message(format_args!("mlbench: {path}: {problem}; nothing of it is imported")),
            }
        }
        if self.last_report.elapsed() >= PROGRESS {
            self.last_report = Instant::now();
            let (name, points, percent) = (&self.group.name, self.points, source.percent());
            eprint_message(format_args!("{name}: {points} points, {percent} % of {path}"));
        }
    }

    /// Shows the server that the run goes on, if nothing else has.
    pub(super) async fn show_life(&mut self) -> Result<(), Failure> {
        if let Some(run) = &self.run
            && self.last_sign.elapsed() >= SIGN_OF_LIFE
        {
            self.client.runs().update(run.id, &RunPatch::default()).await?;
            self.last_sign = Instant::now();
        }
        Ok(())
    }

    /// Ends the run, unless somebody else does, and returns what was imported.
    pub(super) async fn end(mut self) -> Result<Imported, Failure> {
        let damaged: Vec<String> = self
            .sources
            .iter()
            .filter_map(|source| Some(format!("{}: {}", shown(&source.path), source.damage.as_ref()?)))
            .collect();
        for source in self.sources.iter().filter(|source| source.is_torn) {
            eprint_message(format_args!(
                "{}: ends within a {}, as while it is written; repeat the import to get what follows",
                shown(&source.path),
                source.unit()
            ));
        }
        if let Some(run) = self.run.take_if(|run| self.ends && run.is_active()) {
            let state = if damaged.is_empty() { RunState::Finished } else { RunState::Failed };
            let patch = RunPatch { reason: damaged.first().cloned(), ..RunPatch::end(state) };
            self.run = Some(match self.client.runs().update(run.id, &patch).await {
                Err(Error::Problem { problem, .. }) if problem.code == ErrorCode::RunEnded => {
                    self.client.runs().get(run.id).await?
                }
                result => result?,
            });
        }
        Ok(Imported {
            run: self.run.as_ref().map(|run| run.id),
            name: self.run.as_ref().map_or(&self.group.name, |run| &run.name).to_string(),
            state: self.run.as_ref().map(|run| run.state),
            files: self.sources.len(),
            points: self.points,
            left_out: self.left_out,
            bad: self.bad,
            damaged,
        })
    }

    /// Returns the number of points that were imported.
    pub(super) const fn points(&self) -> u64 {
        self.points
    }
}
