//! The server as a process: signals, crashes, restarts and failed starts.

mod backups;
mod copies;
mod first;
mod full_disk;
mod kill9;
mod locked;
mod log;
mod lost_response;
mod read_only;
mod refusals;
mod signals;
