//! The stream of a response, and the wrapper that makes it `Sync` for warp.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::{BoxStream, Stream, StreamExt};
use mlbench_core::Result;

/// A response in chunks. An error ends it in a way that the client notices.
pub(in crate::http) type ByteStream = BoxStream<'static, Result<Bytes>>;

/// Makes a stream `Sync`, as warp requires of bodies. Only one thread at a time polls it.
pub(super) struct SyncStream(Mutex<ByteStream>);

impl SyncStream {
    pub(super) fn new(stream: ByteStream) -> Self {
        Self(Mutex::new(stream))
    }
}

impl Stream for SyncStream {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let stream = self.get_mut().0.get_mut().unwrap_or_else(PoisonError::into_inner);
        stream.poll_next_unpin(context)
    }
}
