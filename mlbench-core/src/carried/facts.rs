//! The facts of an exported run: everything but its points, its output and the usage of its pods.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::error::{Error, ErrorCode, Result};
use crate::labels::{Params, Tags};
use crate::name::{RunId, RunName};
use crate::origin::{ImportedFrom, Origin};
use crate::quote::quote;
use crate::run::{RankStatus, Run, RunEvent, RunOutcome, RunSpec, RunState, Worker};
use crate::time::Timestamp;

/// Names the format.
pub const FORMAT: &str = "mlbench-run";
/// The version of the format that this server writes, and the only one that it reads.
pub const VERSION: u32 = 1;

/// The facts of an exported run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFacts {
    format: String,
    version: u32,
    /// Where the run was first exported.
    pub origin: Origin,
    name: RunName,
    job_id: Uuid,
    state: RunState,
    reason: Option<String>,
    created_at: Timestamp,
    admitted_at: Option<Timestamp>,
    stop_requested_at: Option<Timestamp>,
    finished_at: Timestamp,
    params: Params,
    tags: Tags,
    spec: RunSpec,
    workers: Vec<Worker>,
    ranks: Vec<RankStatus>,
}

/// What is read first, so that another version is named as such.
#[derive(Deserialize)]
struct Head {
    format: String,
    version: u32,
}

impl RunFacts {
    /// Collects the facts of a run that has ended. `here` is the run on this server.
    ///
    /// # Errors
    /// [`RunActive`](ErrorCode::RunActive) for one that has not.
    pub fn of(run: Run, here: Origin) -> Result<Self> {
        let Some(finished_at) = run.finished_at.filter(|_| !run.state.is_active()) else {
            let detail =
                format!("run {} is active ({}); export it when it has ended, or stop it", run.id, run.state);
            return Err(Error::new(ErrorCode::RunActive, detail));
        };
        Ok(Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            origin: run.imported_from.map_or(here, |from| from.origin()),
            name: run.name,
            job_id: run.job_id,
            state: run.state,
            reason: run.outcome.and_then(|outcome| outcome.reason),
            created_at: run.created_at,
            admitted_at: run.admitted_at,
            stop_requested_at: run.stop_requested_at,
            finished_at,
            params: run.params,
            tags: run.tags,
            spec: run.spec,
            workers: run.workers,
            ranks: run.ranks,
        })
    }

    /// Parses the facts.
    ///
    /// # Errors
    /// [`InvalidField`](ErrorCode::InvalidField) for another format or version, for a wrong value, and for a field that
    /// this server does not know: it would be lost.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let invalid = |error: serde_json::Error| Error::invalid("run.json", error);
        let value: Value = serde_json::from_slice(json).map_err(invalid)?;
        let head = Head::deserialize(&value).map_err(invalid)?;
        if head.format != FORMAT {
            let problem = format_args!("must be {FORMAT}, not {}", quote(&head.format));
            return Err(Error::invalid("run.json: format", problem));
        }
        if head.version != VERSION {
            let problem = format_args!(
                "is {}, and this server reads version {VERSION}; import the run into a server of the version that \
                 exported it",
                head.version
            );
            return Err(Error::invalid("run.json: version", problem));
        }
        let facts: Self = serde_json::from_slice(json).map_err(invalid)?;
        let kept = serde_json::to_value(&facts).map_err(Error::internal)?;
        if let Some(path) = lost(&value, &kept) {
            let field = format!("run.json: {}", quote(&path));
            return Err(Error::invalid(
                &field,
                "this server does not know it, so it would be lost; use a newer server",
            ));
        }
        facts.check()?;
        Ok(facts)
    }

    fn check(&self) -> Result<()> {
        let invalid =
            |field: &str, problem: &str| Err(Error::invalid(&format!("run.json: {field}"), problem));
        if self.event().is_none() {
            return invalid(
                "state",
                "must be FINISHED, FAILED or STOPPED: only runs that have ended are exported",
            );
        }
        if self.spec.num_workers == 0 {
            return invalid("spec.num_workers", "must be at least 1");
        }
        if !self.ranks.is_sorted_by(|a, b| a.rank < b.rank) {
            return invalid("ranks", "must be in order, each rank once");
        }
        if self.ranks.iter().any(|rank| i64::try_from(rank.stdout_offset.max(rank.stderr_offset)).is_err()) {
            return invalid("ranks", "an offset is too large");
        }
        // Both hold what requests may send.
        Params::default().with(&self.params)?;
        Params::new(self.params.iter().map(|(name, value)| (name.to_owned(), value.clone())))?;
        Tags::new(self.tags.iter().map(|(name, text)| (name.to_owned(), text.to_owned()))).map(drop)
    }

    const fn event(&self) -> Option<RunEvent> {
        match self.state {
            RunState::Finished => Some(RunEvent::Finish),
            RunState::Failed => Some(RunEvent::Fail),
            RunState::Stopped => Some(RunEvent::Stop),
            RunState::Initialized | RunState::Started | RunState::Unknown => None,
        }
    }

    /// Returns the name of the run.
    #[must_use]
    pub const fn name(&self) -> &RunName {
        &self.name
    }

    /// Returns the file's text, the same for the same facts.
    ///
    /// # Errors
    /// When the facts are no JSON, which does not happen.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self).map_err(Error::internal)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Returns the run that is imported at this time. The store gives it another id.
    ///
    /// # Errors
    /// For a state in which no run ends.
    pub fn into_run(self, id: RunId, imported_at: Timestamp) -> Result<Run> {
        let event = self.event().ok_or_else(|| Error::internal("an active run was imported"))?;
        let outcome = RunOutcome { event, reason: self.reason, at: self.finished_at };
        Ok(Run {
            id,
            name: self.name,
            created_at: self.created_at,
            admitted_at: self.admitted_at,
            finished_at: Some(self.finished_at),
            state: self.state,
            job_id: self.job_id,
            spec: self.spec,
            params: self.params,
            tags: self.tags,
            workers: self.workers,
            ranks: self.ranks,
            stop_requested_at: self.stop_requested_at,
            outcome: Some(outcome),
            imported_from: Some(ImportedFrom::new(self.origin, imported_at)),
        })
    }
}

/// Finds a field of `read` that is not in `kept`. Returns its path.
fn lost(read: &Value, kept: &Value) -> Option<String> {
    match (read, kept) {
        (Value::Object(read), Value::Object(kept)) => {
            read.iter().find_map(|(name, value)| match kept.get(name) {
                // A field may be left out when it has its default.
                None => has_content(value).then(|| name.clone()),
                Some(kept) => lost(value, kept).map(|path| format!("{name}.{path}")),
            })
        }
        (Value::Array(read), Value::Array(kept)) => {
            let pairs = read.iter().zip(kept).enumerate();
            let mut paths = pairs.filter_map(|(i, (read, kept))| Some(format!("{i}.{}", lost(read, kept)?)));
            paths.next()
        }
        _ => None,
    }
}

fn has_content(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    }
}

#[cfg(test)]
mod tests;
