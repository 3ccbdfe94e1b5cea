//! Metrics: posted, read, downloaded.

mod download;
mod pods;
mod posting;
mod reading;
