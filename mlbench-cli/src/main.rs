//! mlbench-cli
fn main() {}
