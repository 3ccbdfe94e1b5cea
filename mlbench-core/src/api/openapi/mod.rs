//! The description of the API in OpenAPI 3.1, and the page made of it: `mlbench-server/openapi/`.
//!
//! Paths, statuses and summaries come from the table of endpoints, schemas of responses from the wire types. What a
//! request may hold is in `requests.rs` and `parameters.rs`, because requests have readers of their own.
//!
//! After a change, `MLBENCH_WRITE_TYPES=1 cargo test -p mlbench-core openapi` writes the files again.

mod coverage;
mod document;
mod errors;
mod examples;
mod field;
mod files;
mod links;
mod need_fields;
mod newtypes;
mod operations;
mod page;
mod page_parts;
mod parameters;
mod requests;
mod responses;
mod schemas;
