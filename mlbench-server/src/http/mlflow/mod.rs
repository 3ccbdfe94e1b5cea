//! MLflow's tracking protocol, for its clients.
//!
//! Its paths come after those of the table of endpoints and are not in it: MLflow describes them, its clients call them,
//! and its versions change them. They need the operator's token, or that of a run for what concerns only that run.

mod call;
mod operations;
mod routes;

pub(super) use routes::routes;
