//! The server as a process: signals, crashes, restarts, and what keeps it from starting.

mod full_disk;
mod kill9;
mod log;
mod refusals;
mod signals;
