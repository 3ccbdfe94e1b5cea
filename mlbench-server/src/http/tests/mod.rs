//! Tests of the API through its real router, on a real store, with a fake cluster.

mod auth;
mod bad_input;
mod batches;
mod bodies;
mod connections;
mod endpoints;
mod fakes;
mod harness;
mod host;
mod long_input;
mod metrics;
mod negotiation;
mod page;
mod problems;
mod prometheus;
mod queue;
mod reading;
mod runs;
mod session;
mod spelling;
mod stalled;
mod tcp;
mod uploads;
mod zip_download;
