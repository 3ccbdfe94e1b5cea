//! A response with points on its way to the client.

use std::sync::{Arc, OnceLock};

use crate::http::response::stream::ByteStream;

/// The chunks of a response with points.
pub(in crate::http) struct PointsStream {
    /// The arrival number up to which the response shows points. Set before the first chunk.
    pub(in crate::http) as_of: Arc<OnceLock<i64>>,
    /// The response.
    pub(in crate::http) chunks: ByteStream,
}
