//! The result of a comparison, as the API returns it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::goal::Direction;
use crate::labels::Params;
use crate::metric::MetricValue;
use crate::name::{RunId, RunName};
use crate::needs::{ByteSize, NodeSelector, Volume, WorkingDir};
use crate::run::RunState;
use crate::time::Timestamp;

/// A comparison of runs, the response of `GET /api/comparison/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Comparison {
    /// The metric that the runs are compared by.
    pub metric: String,
    /// Which values of the metric reach the goal.
    pub direction: Direction,
    /// The goal, `null` when neither the request nor the programs of the runs name one.
    pub goal: Option<f64>,
    /// What times to accuracy are measured by, the same for all runs.
    pub clock: Clock,
    /// Cores of the machine that runs all workers, `null` when the server does not know them.
    pub cores: Option<f64>,
    /// Runs with equal parameters, by program, then by workers.
    pub groups: Vec<Group>,
    /// The runs by id.
    pub runs: Vec<ComparedRun>,
    /// What limits this comparison, in sentences.
    pub warnings: Vec<String>,
}

/// What the time to accuracy of a training is measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// The seconds that the program reported for its training steps: no start-up, no evaluation.
    Training,
    /// The time since the run left the queue, or since its previous training ended.
    Wall,
    /// A word of a newer server that this version does not know. Never sent.
    #[cfg_attr(test, ts(skip), schemars(skip))]
    #[serde(other)]
    Unknown,
}

/// Runs with equal parameters, whatever their names are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Group {
    /// The number of workers, and what else differs between the groups.
    pub label: String,
    /// The distinct names of the runs.
    pub names: Vec<RunName>,
    /// The runs by id.
    pub runs: Vec<RunId>,
    /// The parameters that all of the runs have.
    pub parameters: Parameters,
    /// Whether the workers need more cores than the machine has.
    ///
    /// `null` when the server does not know the cores.
    pub oversubscribed: Option<bool>,
    /// Number of trainings that have ended: a run may train several times.
    pub n: u32,
    /// How many of them reached the goal.
    pub reached: u32,
    /// Seconds to the goal.
    ///
    /// A training that did not reach it counts as slower than all others.
    pub time_to_accuracy: Option<Estimate>,
    /// Why [`time_to_accuracy`](Self::time_to_accuracy) is `null`.
    pub no_time_reason: Option<String>,
    /// Index of the group that this one is compared with.
    pub baseline: usize,
    /// Median time to accuracy of the baseline divided by that of this group.
    pub speed_up: Option<Estimate>,
    /// Speed-up divided by the ratio of the numbers of workers.
    pub efficiency: Option<Estimate>,
    /// Why [`speed_up`](Self::speed_up) is `null`.
    pub no_speed_up_reason: Option<String>,
    /// Mean of the phases of its runs, `null` when no run reports any.
    pub phases: Option<Phases>,
    /// Every training by run and number.
    pub trainings: Vec<Training>,
    /// All-reduce times by vector length.
    pub all_reduce: Vec<AllReduceEstimate>,
}

/// The parameters of a run that decide its group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Parameters {
    /// Container image, `null` on the static workers.
    pub image: Option<String>,
    /// Command before placeholders are replaced.
    pub command: String,
    /// Communication backend, `null` if none was requested.
    pub backend: Option<String>,
    /// Whether the command is started on every worker.
    pub run_all_nodes: bool,
    /// Number of workers.
    pub num_workers: u32,
    /// CPU cores per worker, `null` for no limit.
    pub num_cpus: Option<f64>,
    /// Requested bandwidth between workers in megabits per second.
    pub max_bandwidth: Option<f64>,
    /// Whether GPUs were requested.
    pub gpu_enabled: bool,
    /// Whether the runs train to the light goal.
    pub light_target: bool,
    /// Whether the runs use Horovod.
    pub use_horovod: bool,
    /// What the runs were given, by name, without their seeds. Absent without any.
    #[serde(default, skip_serializing_if = "Params::is_empty")]
    #[cfg_attr(test, ts(type = "Record<string, string | number | boolean>", optional))]
    pub params: Params,
    /// Environment variables of the command, without seeds. Absent without any.
    #[serde(default, skip_serializing_if = "Environment::is_empty")]
    #[cfg_attr(test, ts(type = "Record<string, string>", optional))]
    pub environment: Environment,
    /// GPUs per worker. Absent if the runs name no number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub gpus: Option<u32>,
    /// Memory per worker in bytes. Absent if the runs name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "number"))]
    pub memory: Option<ByteSize>,
    /// Directory in which the command starts. Absent if the runs name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "string"))]
    pub working_dir: Option<WorkingDir>,
    /// Volumes of the workers. Absent without any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, ts(as = "Option<Vec<Volume>>", optional))]
    pub volumes: Vec<Volume>,
    /// Labels of the nodes of the workers. Absent if the runs name none.
    #[serde(default, skip_serializing_if = "NodeSelector::is_empty")]
    #[cfg_attr(test, ts(type = "Record<string, string>", optional))]
    pub node_selector: NodeSelector,
    /// Whether the runs execute elsewhere. Absent if not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    pub external: bool,
}

/// A median with an interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Estimate {
    /// Number of trainings. Of a ratio, that of the smaller group.
    pub n: u32,
    /// The median.
    pub median: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval, `null` when trainings that did not reach the goal leave it open.
    pub high: Option<f64>,
    /// What the interval is.
    pub interval: Interval,
}

/// The kind of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub enum Interval {
    /// 95 % interval of the median by percentile bootstrap, from five trainings on.
    #[serde(rename = "bootstrap_95")]
    Bootstrap95,
    /// From the smallest to the largest value.
    #[serde(rename = "min_max")]
    MinMax,
    /// A word of a newer server that this version does not know. Never sent.
    #[cfg_attr(test, ts(skip), schemars(skip))]
    #[serde(other)]
    Unknown,
}

/// One training of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Training {
    /// The run.
    pub run: RunId,
    /// Number of the training within the run, from 1.
    pub number: u32,
    /// Whether it reached the goal.
    pub reached: bool,
    /// Seconds until it did.
    pub seconds: Option<f64>,
    /// Date of the first value that reached the goal.
    pub date: Option<Timestamp>,
    /// Why it did not reach the goal.
    pub reason: Option<String>,
    /// Whether it may still reach the goal, because its run is active. It is not counted in `n`.
    pub pending: bool,
    /// The best value of the metric, `null` when no value was a finite number.
    pub best: Option<f64>,
}

/// How long a run spent in each phase of its training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Phases {
    /// Where the seconds come from.
    pub source: PhaseSource,
    /// Seconds of all steps.
    pub total: f64,
    /// Seconds of each phase.
    pub seconds: PhaseValues,
    /// Share of each phase in the total, from 0 to 1.
    pub shares: PhaseValues,
    /// Seconds of each step as the program reports them, such as `fwd_pass`.
    pub steps: BTreeMap<String, f64>,
}

/// Where the phases of a run come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PhaseSource {
    /// The `global_cum_` metrics, which a program reports when it has reached its goal.
    Totals,
    /// The sums of the step metrics of rank 0 up to now, over all trainings of the run.
    Steps,
    /// A word of a newer server that this version does not know. Never sent.
    #[cfg_attr(test, ts(skip), schemars(skip))]
    #[serde(other)]
    Unknown,
}

/// A value for each phase. Compute, communication and other add up to the total.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct PhaseValues {
    /// Computing: forward pass, loss, backward pass, optimizer, and aggregation where there is one worker.
    pub compute: f64,
    /// Aggregation between several workers, `null` when the program does not report it.
    pub communication: Option<f64>,
    /// The part of communication that transfers data, `null` when the program does not distinguish it.
    pub transfer: Option<f64>,
    /// The part of communication that waits for others, `null` when the program does not distinguish it.
    pub waiting: Option<f64>,
    /// Loading batches, statistics and the rest.
    pub other: f64,
}

/// A run in a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct ComparedRun {
    /// Id of the run.
    pub id: RunId,
    /// Name of the run.
    pub name: RunName,
    /// Lifecycle state.
    pub state: RunState,
    /// Time when the run was accepted.
    pub created_at: Timestamp,
    /// Time when the run ended, `null` before.
    pub finished_at: Option<Timestamp>,
    /// Seconds from leaving the queue to the end, `null` before.
    pub seconds: Option<f64>,
    /// Index of its group.
    pub group: usize,
    /// The result as the program reports it.
    pub result: Option<String>,
    /// Its phases, `null` when the program reports no steps.
    pub phases: Option<Phases>,
    /// Last and best values of its metrics.
    pub end_values: Vec<EndValue>,
    /// All-reduce times by vector length.
    pub all_reduce: Vec<AllReduce>,
}

/// The end of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct EndValue {
    /// Name of the metric.
    pub name: String,
    /// Number of points.
    pub count: u64,
    /// Value of the point that arrived last.
    pub last: MetricValue,
    /// Best finite value, the largest or the smallest by [`direction`](Self::direction).
    pub best: Option<f64>,
    /// Whether larger or smaller values are better.
    pub direction: Direction,
}

/// The time of an all-reduce of one run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct AllReduce {
    /// Bytes of the vector.
    pub bytes: u64,
    /// Bits of an element.
    pub element_bits: u32,
    /// Seconds of one all-reduce.
    pub seconds: f64,
    /// Bytes of the vector per second.
    pub algorithm_bandwidth: f64,
    /// Bytes per second over each link: the algorithm bandwidth times 2 (n - 1) / n for n workers.
    pub bus_bandwidth: f64,
}

/// The times of an all-reduce of all runs of a group.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct AllReduceEstimate {
    /// Bytes of the vector.
    pub bytes: u64,
    /// Bits of an element.
    pub element_bits: u32,
    /// Seconds of one all-reduce.
    pub seconds: Estimate,
    /// Bytes of the vector per second, at the median time.
    pub algorithm_bandwidth: f64,
    /// Bytes per second over each link, at the median time.
    pub bus_bandwidth: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_newer_server_are_unknown() {
        assert_eq!(serde_json::from_str::<Clock>(r#""sidereal""#).unwrap(), Clock::Unknown);
        assert_eq!(serde_json::from_str::<Interval>(r#""bayes""#).unwrap(), Interval::Unknown);
        assert_eq!(serde_json::from_str::<PhaseSource>(r#""trace""#).unwrap(), PhaseSource::Unknown);
        assert_eq!(serde_json::from_str::<Direction>(r#""sideways""#).unwrap(), Direction::Unknown);
    }
}
