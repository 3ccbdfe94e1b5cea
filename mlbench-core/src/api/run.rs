//! Runs on the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::api::Fields;
use crate::error::Result;
use crate::name::{PodName, RunId, RunName};
use crate::run::RunState;
use crate::time::Timestamp;

/// A run: the answer of `GET` and `POST /api/runs/…`, an item of `GET /api/runs/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// Its name.
    pub name: RunName,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it ended, `null` before.
    pub finished_at: Option<Timestamp>,
    /// Where it is in its life.
    pub state: RunState,
    /// Its job.
    pub job_id: Uuid,
    /// What is known of its execution.
    pub job_metadata: JobMetadata,
    /// Number of workers.
    pub num_workers: u32,
    /// Cores per worker, `null` when unlimited.
    pub num_cpus: Option<f64>,
    /// Megabits per second between workers, as asked for.
    pub max_bandwidth: Option<f64>,
    /// The container image, `null` on the standing workers.
    pub image: Option<String>,
    /// The backend, `null` when none was named.
    pub backend: Option<String>,
    /// Whether the command is started on every worker.
    pub run_all_nodes: bool,
    /// Whether GPUs were asked for.
    pub gpu_enabled: bool,
    /// Whether it trains to the light goal.
    pub light_target: bool,
    /// Whether Horovod is used.
    pub use_horovod: bool,
    /// Its place in the queue, 1 for the next; only there while it waits (`--run-policy queue`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_position: Option<u32>,
    /// What it waits for, in words; only there while it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<String>,
}

/// What is known of a run's execution.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct JobMetadata {
    /// The command, before placeholders are replaced.
    pub command: String,
    /// The pod of rank 0, empty while unknown.
    pub master_name: String,
    /// The pods in the order of their ranks.
    pub pods: Vec<PodName>,
    /// Exit codes by rank, as far as known.
    pub exit_codes: BTreeMap<u32, i32>,
    /// Why it failed, in words.
    pub reason: Option<String>,
    /// Lines `[rank] text`; left out in lists and with `logs=0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout: Option<Vec<String>>,
    /// Lines `[rank] text`; left out in lists and with `logs=0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
            reason: run.ending.and_then(|ending| ending.reason),
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
            queue_position: None,
            waiting_for: None,
        }
    }
}

/// The query of `GET /api/runs/{id}/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunsQuery {
    /// Lines of each output stream: `0` leaves them out, `N` gives the last N, absent gives all.
    pub logs: Option<u32>,
}

impl RunsQuery {
    /// Reads the query.
    ///
    /// # Errors
    /// Naming the parameter.
    pub fn from_fields(mut fields: Fields) -> Result<Self> {
        let query = Self { logs: fields.integer("logs", 0, u32::MAX)? };
        fields.finish()?;
        Ok(query)
    }

    /// The pairs of the query string.
    #[must_use]
    pub fn to_pairs(self) -> Vec<(&'static str, String)> {
        self.logs.map(|lines| ("logs", lines.to_string())).into_iter().collect()
    }
}
