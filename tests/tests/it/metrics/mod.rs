//! Metrics: posted, read, downloaded.

mod arrivals;
mod batches;
mod download;
mod pods;
mod posting;
mod prometheus;
mod reading;
