//! Streams of what a run or a pod brings, which go on after a restart of the server.

mod lines;
mod points;
#[cfg(test)]
mod tests;
mod watch;
