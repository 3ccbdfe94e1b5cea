//! mlbench-server
