//! Metrics: posted, read, downloaded.

mod download;
mod pods;
mod posting;
mod prometheus;
mod reading;
