//! Makes the next chunk of a response while the client receives the one before.

use std::future::Future;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use mlbench_core::{Error, Result};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::http::response::stream::ByteStream;
use crate::in_place;

/// A response that is made chunk by chunk.
pub(super) trait Chunks: Send + 'static {
    /// Makes the next chunk. `None` at the end.
    fn next(&mut self) -> impl Future<Output = Result<Option<Bytes>>> + Send;

    /// Returns whether the last chunk is made.
    fn is_done(&self) -> bool;
}

/// Who makes the next chunk.
enum Next<C> {
    /// The task that sends it.
    Here(C),
    /// Another thread, which began when the chunk before was complete.
    Elsewhere(JoinHandle<Result<Option<(Bytes, C)>>>),
}

/// Returns the chunks as a stream.
///
/// At most one of them waits, complete or not, for the client to receive the one before.
pub(super) fn ahead<C: Chunks>(chunks: C) -> ByteStream {
    let stream = stream::try_unfold(Next::Here(chunks), |next| async {
        let made = match next {
            Next::Here(chunks) => make(chunks).await?,
            Next::Elsewhere(thread) => thread.await.map_err(Error::internal)??,
        };
        Ok(made.map(|(chunk, chunks)| {
            // Most responses have one chunk, which needs no other thread.
            let next = if chunks.is_done() {
                Next::Here(chunks)
            } else {
                let runtime = Handle::current();
                Next::Elsewhere(spawn_blocking(move || runtime.block_on(in_place::allow(make(chunks)))))
            };
            (chunk, next)
        }))
    });
    stream.boxed()
}

async fn make<C: Chunks>(mut chunks: C) -> Result<Option<(Bytes, C)>> {
    Ok(chunks.next().await?.map(|chunk| (chunk, chunks)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mlbench_core::ErrorCode;
    use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
    use tokio::time::timeout;

    use super::*;

    /// Makes chunks with the numbers below `end`, and reports each as soon as it is made.
    struct Numbers {
        next: u8,
        end: u8,
        fails_at: Option<u8>,
        made: UnboundedSender<u8>,
    }

    impl Chunks for Numbers {
        async fn next(&mut self) -> Result<Option<Bytes>> {
            if self.fails_at == Some(self.next) {
                return Err(Error::not_found("the run"));
            }
            if self.is_done() {
                return Ok(None);
            }
            self.next += 1;
            self.made.send(self.next).unwrap();
            Ok(Some(Bytes::from(vec![self.next])))
        }

        fn is_done(&self) -> bool {
            self.next == self.end
        }
    }

    fn numbers(end: u8, fails_at: Option<u8>) -> (ByteStream, UnboundedReceiver<u8>) {
        let (made, receiver) = unbounded_channel();
        (ahead(Numbers { next: 0, end, fails_at, made }), receiver)
    }

    #[tokio::test]
    async fn one_chunk_is_made_ahead_of_the_client() {
        let (mut stream, mut made) = numbers(3, None);
        assert!(made.try_recv().is_err(), "nothing is made before it is asked for");
        for number in 1..=3_u8 {
            assert_eq!(stream.next().await.unwrap().unwrap(), vec![number]);
            if number == 1 {
                assert_eq!(made.recv().await, Some(1));
            }
            if number < 3 {
                let next = timeout(Duration::from_secs(60), made.recv()).await.unwrap();
                assert_eq!(next, Some(number + 1));
                assert!(made.try_recv().is_err(), "only one is made ahead");
            }
        }
        assert!(stream.next().await.is_none());
        assert_eq!(made.recv().await, None);
    }

    #[tokio::test]
    async fn an_error_follows_the_chunks_before_it() {
        let (mut stream, _made) = numbers(3, Some(2));
        assert_eq!(stream.next().await.unwrap().unwrap(), vec![1]);
        assert_eq!(stream.next().await.unwrap().unwrap(), vec![2]);
        assert_eq!(stream.next().await.unwrap().unwrap_err().code(), ErrorCode::NotFound);
        assert!(stream.next().await.is_none());
    }
}
