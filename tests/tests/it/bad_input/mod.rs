//! Invalid requests: each gets its status and a detail that helps.

mod access;
mod bodies;
mod check;
mod metrics;
mod runs;
