//! Tests on a real Kubernetes cluster: `cargo xtask test --kube`. Every test has its own namespace.

mod chart;
mod deployed;
mod faults;
mod harness;
mod mpi;
mod names;
mod old_dashboard;
mod queue;
mod training;
mod waiting;
