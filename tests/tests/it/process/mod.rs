//! The server as a process: signals, crashes, restarts and failed starts.

mod copies;
mod first;
mod kill9;
mod refusals;
mod signals;
