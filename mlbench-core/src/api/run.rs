//! Runs as the API returns them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::fields::Fields;
use super::run_token::RunToken;
use crate::environment::Environment;
use crate::error::Result;
use crate::labels::{Params, Tags};
use crate::name::{PodName, RunId, RunName};
use crate::needs::RunNeeds;
use crate::origin::ImportedFrom;
use crate::run::RunState;
use crate::time::Timestamp;

/// A run, the response of `GET` and `POST /api/runs/…` and an item of `GET /api/runs/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Run {
    /// Id of the run.
    pub id: RunId,
    /// Name of the run.
    pub name: RunName,
    /// Time when the run was accepted.
    pub created_at: Timestamp,
    /// Time when the run ended, `null` before.
    pub finished_at: Option<Timestamp>,
    /// Lifecycle state.
    pub state: RunState,
    /// Random id of the job.
    #[cfg_attr(test, ts(type = "string"))]
    pub job_id: Uuid,
    /// Details of the execution.
    pub job_metadata: JobMetadata,
    /// Number of workers.
    pub num_workers: u32,
    /// CPU cores per worker, `null` for no limit.
    pub num_cpus: Option<f64>,
    /// Requested bandwidth between workers in megabits per second.
    pub max_bandwidth: Option<f64>,
    /// Container image, `null` on the static workers.
    pub image: Option<String>,
    /// Communication backend, `null` if none was requested.
    pub backend: Option<String>,
    /// Whether the command is started on every worker.
    pub run_all_nodes: bool,
    /// Whether GPUs were requested.
    pub gpu_enabled: bool,
    /// Whether the run trains to the light goal.
    pub light_target: bool,
    /// Whether the run uses Horovod.
    pub use_horovod: bool,
    /// Environment variables of the command. Not secret.
    #[serde(default)]
    #[cfg_attr(test, ts(type = "Record<string, string>"))]
    pub environment: Environment,
    /// What it asked of every worker.
    #[serde(flatten)]
    #[cfg_attr(test, ts(flatten))]
    pub needs: RunNeeds,
    /// What the run was given, by name. Absent without any.
    #[serde(default, skip_serializing_if = "Params::is_empty")]
    #[cfg_attr(test, ts(type = "Record<string, string | number | boolean>", optional))]
    pub params: Params,
    /// What people sort the run by. Absent without any.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    #[cfg_attr(test, ts(type = "Record<string, string>", optional))]
    pub tags: Tags,
    /// Whether the run executes elsewhere and only reports here. Absent if not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    pub external: bool,
    /// Where the run comes from, if it was imported from another server. Absent if not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub imported_from: Option<ImportedFrom>,
    /// Position in the queue, 1 for the next run. Only present while the run waits (`--run-policy queue`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub queue_position: Option<u32>,
    /// Why the run waits, as a sentence fragment. Only present while the run waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub waiting_for: Option<String>,
    /// Token that may only report to this external run, until it has ended.
    ///
    /// Only in the response to the request that creates the run, if the server requires a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(type = "string", optional))]
    pub token: Option<RunToken>,
}

impl Run {
    /// Returns whether the run has not ended, also in a state that this version does not know.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        match self.state {
            RunState::Unknown => self.finished_at.is_none(),
            state => state.is_active(),
        }
    }
}

/// Details of the execution of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct JobMetadata {
    /// Command before placeholders are replaced.
    pub command: String,
    /// Pod of rank 0, empty while unknown.
    pub master_name: String,
    /// Pods in rank order.
    pub pods: Vec<PodName>,
    /// Known exit codes by rank.
    #[cfg_attr(test, ts(type = "Record<string, number>"))]
    pub exit_codes: BTreeMap<u32, i32>,
    /// Why the run failed, or which point reached the goal that ended it.
    pub reason: Option<String>,
    /// Lines of standard output as `[rank] text`. Absent in lists and with `logs=0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub stdout: Option<Vec<String>>,
    /// Lines of standard error as `[rank] text`. Absent in lists and with `logs=0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub stderr: Option<Vec<String>>,
}

impl From<crate::run::Run> for Run {
    fn from(run: crate::run::Run) -> Self {
        let (exit_codes, spec) = (run.exit_codes(), run.spec);
        let run_all_nodes = spec.started_ranks() == spec.num_workers;
        let job_metadata = JobMetadata {
            command: spec.command,
            master_name: run.workers.first().map(|worker| worker.pod.to_string()).unwrap_or_default(),
            pods: run.workers.into_iter().map(|worker| worker.pod).collect(),
            exit_codes,
            reason: run.outcome.and_then(|outcome| outcome.reason),
            stdout: None,
            stderr: None,
        };
        Self {
            id: run.id,
            name: run.name,
            created_at: run.created_at,
            finished_at: run.finished_at,
            state: run.state,
            job_id: run.job_id,
            job_metadata,
            num_workers: spec.num_workers,
            num_cpus: spec.num_cpus,
            max_bandwidth: spec.max_bandwidth,
            image: spec.image,
            backend: spec.backend.as_ref().map(|backend| backend.name().to_owned()),
            run_all_nodes,
            gpu_enabled: spec.gpu_enabled,
            light_target: spec.light_target,
            use_horovod: spec.use_horovod,
            environment: spec.environment,
            needs: spec.needs,
            external: spec.external,
            imported_from: run.imported_from,
            params: run.params,
            tags: run.tags,
            queue_position: None,
            waiting_for: None,
            token: None,
        }
    }
}

/// The query of `GET /api/runs/{id}/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunsQuery {
    /// Number of last lines per output stream, 0 to omit them. Absent for all lines.
    pub logs: Option<u32>,
}

impl RunsQuery {
    /// Parses the query.
    ///
    /// # Errors
    /// [`InvalidField`](crate::error::ErrorCode::InvalidField) or
    /// [`UnknownField`](crate::error::ErrorCode::UnknownField) for the parameter.
    pub fn from_fields(mut fields: Fields) -> Result<Self> {
        let query = Self { logs: fields.count("logs", 0)? };
        fields.finish()?;
        Ok(query)
    }

    /// Returns the pairs of the query string.
    #[must_use]
    pub fn to_pairs(self) -> Vec<(&'static str, String)> {
        self.logs.map(|lines| ("logs", lines.to_string())).into_iter().collect()
    }
}
