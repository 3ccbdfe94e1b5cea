//! On a real cluster: set `MLBENCH_TEST_KUBECONFIG` to its kubeconfig. Without it, each of these tests says that it was
//! skipped. Every test has a namespace of its own.

mod account;
mod faults;
mod output;
mod standing;
mod worker_set;
mod world;
