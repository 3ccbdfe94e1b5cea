//! The archive of a run that is imported, between the socket and the store, in bounded memory.
//!
//! It is kept in a file without a name, checked as a whole, and then read part by part.

mod check;
mod end_record;
mod parts;
mod spool;

pub(in crate::http) use spool::RunUpload;
