//! mlbench-server
fn main() {}
