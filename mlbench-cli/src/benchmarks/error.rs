//! [`Error`]: why a benchmark failed.

use super::{data, ring};

/// Why a benchmark failed. Every variant is exit code 1, and its text includes the cause.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// An argument is out of range or contradicts another.
    #[error("{0}")]
    Arguments(String),
    /// The data cannot be read or used.
    #[error(transparent)]
    Data(#[from] data::Error),
    /// The workers could not connect, or lost each other.
    #[error(transparent)]
    Ring(#[from] ring::Error),
    /// Training ended without reaching the goal.
    #[error(
        "--goal: {goal}% validation accuracy not reached in {epochs} epochs, best {best:.2}%; raise --max-epochs, \
         change --learning-rate or lower --goal"
    )]
    GoalNotReached {
        /// The goal, in percent.
        goal: f64,
        /// Number of epochs trained.
        epochs: usize,
        /// Best accuracy, in percent.
        best: f64,
    },
    /// The loss is infinite or not a number.
    #[error("training diverged in epoch {epoch}: the loss is not finite; lower --learning-rate")]
    Diverged {
        /// Epoch of the first such loss, from 1.
        epoch: usize,
    },
    /// The result of the all-reduce is not the sum.
    #[error("all-reduce of {count} numbers: wrong sum, element {index} is {found} instead of {expected}")]
    WrongSum {
        /// Length of the vector.
        count: usize,
        /// Index of the first wrong element.
        index: usize,
        /// Value of that element.
        found: f32,
        /// Correct value of that element.
        expected: f32,
    },
    /// The metrics could not be posted.
    #[error(transparent)]
    Metrics(mlbench_client::Error),
    /// The benchmark failed, and some of its metrics could not be posted either.
    #[error("{failure}; {lost}")]
    AndMetrics {
        /// Why the benchmark failed.
        failure: Box<Error>,
        /// The metrics that are lost.
        lost: mlbench_client::Error,
    },
    /// The tokio runtime that posts the metrics cannot start.
    #[error("cannot start the tokio runtime: {0}")]
    Runtime(std::io::Error),
    /// Standard output cannot be written.
    #[error("cannot write to standard output: {0}")]
    Console(#[from] std::io::Error),
}
