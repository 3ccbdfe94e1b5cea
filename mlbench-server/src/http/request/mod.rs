//! Reading a request: its path, query, headers and body.

mod body;
mod content;
mod context;
mod extract;
mod fingerprint;
mod gzip;
mod memory;
mod ndjson;
mod pace;
mod run_archive;
mod state;
mod upload;
mod urlencoded;

pub(super) use body::{BodyStream, body_stream};
pub(super) use context::{Peer, RequestContext};
pub(super) use extract::{
    Body, FromBody, FromQuery, NoBody, NoQuery, Path, PathParam, Query, discard_body, query_pairs, whole_body,
};
pub(super) use run_archive::RunUpload;
pub(super) use state::ServerState;
pub(super) use upload::{Array, LineUpload, Upload};
