//! The server as a process: signals, crashes, restarts and failed starts.

mod kill9;
mod refusals;
mod signals;
