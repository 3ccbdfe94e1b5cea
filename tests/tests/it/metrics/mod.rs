//! Metrics: posted, read, downloaded.

mod batches;
mod download;
mod pods;
mod posting;
mod prometheus;
mod reading;
