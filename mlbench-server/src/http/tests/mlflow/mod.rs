//! MLflow's protocol.

mod client;
mod finding;
mod logging;
mod paging;
mod refusals;
