//! Tests with real processes, in temporary work directories.

mod harness;
mod lifecycle;
mod limits;
mod orphans;
mod restart;
mod script;
mod stop;
mod supervisor;
mod usage;
