//! On a real cluster: set `MLBENCH_TEST_KUBECONFIG` to its kubeconfig. Without it, each of these tests says that it was
//! skipped. Every test has a namespace of its own.

mod account;
mod faults;
mod harness;
mod output;
mod static_workers;
mod worker_set;
