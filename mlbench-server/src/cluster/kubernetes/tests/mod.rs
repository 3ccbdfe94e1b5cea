//! Tests on a real cluster: set `MLBENCH_TEST_KUBECONFIG` to its kubeconfig.
//!
//! Without the variable each test reports that it is skipped. Every test has its own namespace.

mod account;
mod fake_api;
mod faults;
mod harness;
mod lease;
mod needs;
mod object;
mod output;
mod rates;
mod static_workers;
mod worker_set;
