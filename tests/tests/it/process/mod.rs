//! The server as a process: signals, crashes, restarts, and what keeps it from starting.

mod copies;
mod kill9;
mod refusals;
mod signals;
