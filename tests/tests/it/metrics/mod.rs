//! Metrics: posting, reading and downloading.

mod arrivals;
mod batches;
mod download;
mod pods;
mod posting;
mod prometheus;
mod reading;
mod tables;
