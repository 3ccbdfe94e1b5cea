//! The server as a process: signals, crashes, restarts, and what keeps it from starting.

mod copies;
mod first;
mod kill9;
mod refusals;
mod signals;
