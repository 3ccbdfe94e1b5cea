//! Logistic regression with synchronous data-parallel SGD: measures the time to a goal and where it goes.
//!
//! Each rank holds its part of every global batch. In each step it computes the gradient over its rows, the
//! ring sums the gradients, and all ranks take the same step. The global batch does not depend on the world
//! size, so that one and many workers take the same steps apart from rounding, and their times to accuracy
//! can be compared.

mod command;
mod model;
mod report;
mod steps;
mod train;

pub(super) use command::{Args, run};
