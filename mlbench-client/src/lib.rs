//! mlbench-client
