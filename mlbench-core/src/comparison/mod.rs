//! Comparison of runs: time to accuracy, speed-up, phase times and bus bandwidth. Pure arithmetic.
//!
//! The caller passes the points of a run through [`GoalScan`], [`StepScan`] and [`AllReduceScan`], which need constant
//! memory per training, and what they found to [`compare`]. `docs/comparison.md` has the definitions and their sources.

mod all_reduce;
mod choice;
mod clock;
mod compare;
mod estimate;
mod group;
mod label;
mod measured;
mod phases;
mod random;
mod result;
mod scan;
mod times;
mod training;

#[cfg(test)]
mod tests;

pub use all_reduce::AllReduceScan;
pub use choice::{Choice, choose};
pub use clock::StepScan;
pub use compare::compare;
pub use measured::{MeasuredRun, Settings};
pub use phases::{STEPS, total_metric};
pub use result::{
    AllReduce, AllReduceEstimate, Clock, ComparedRun, Comparison, EndValue, Estimate, Group, Interval,
    Parameters, PhaseSource, PhaseValues, Phases, Training,
};
pub use scan::GoalScan;
