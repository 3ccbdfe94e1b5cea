//! Tests with real processes, in temporary work directories.

mod harness;
mod lifecycle;
mod limits;
mod orphans;
mod pod_rank;
mod restart;
mod script;
mod script_end;
mod stop;
mod supervisor;
mod usage;
