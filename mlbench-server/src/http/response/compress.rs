//! gzip compression of responses (RFC 9110, section 12.5.3).

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use hyper::HeaderMap;
use hyper::header::ACCEPT_ENCODING;
use mlbench_core::{Error, Result};

use super::negotiate::quality;
use super::stream::ByteStream;

/// Shortest response in bytes that is compressed. A shorter one fits into one packet anyway.
pub(super) const MIN_COMPRESS_BYTES: usize = 1_200;

/// Longest response in bytes that is compressed on a thread of the runtime, which takes about a millisecond.
pub(super) const MAX_INLINE_BYTES: usize = 64 << 10;

/// Returns whether the client accepts gzip.
pub(in crate::http) fn accepts_gzip(headers: &HeaderMap) -> bool {
    accepts(headers, &["gzip", "x-gzip"])
}

/// Returns whether the client accepts Brotli. Browsers name it over TLS and, most of them, to localhost.
pub(in crate::http) fn accepts_brotli(headers: &HeaderMap) -> bool {
    accepts(headers, &["br"])
}

/// Returns whether the client names an encoding and does not refuse it.
///
/// `*` is not enough, because clients that cannot decompress send it.
fn accepts(headers: &HeaderMap, names: &[&str]) -> bool {
    let lists = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let named =
            parts.next().is_some_and(|encoding| names.iter().any(|name| encoding.eq_ignore_ascii_case(name)));
        named && quality(parts) != Some(0)
    })
}

/// Compresses a response in memory.
///
/// # Errors
/// None in practice: writing to memory does not fail.
pub(super) fn gzip(body: &[u8]) -> Result<Bytes> {
    let mut encoder = encoder();
    encoder.write_all(body).map_err(Error::internal)?;
    Ok(encoder.finish().map_err(Error::internal)?.into())
}

/// Compresses a response piece by piece, on the threads for blocking work: a piece takes some milliseconds.
pub(super) fn gzip_stream(chunks: ByteStream) -> ByteStream {
    let begin = Some((chunks, encoder()));
    stream::try_unfold(begin, |state| async {
        let Some((mut chunks, mut encoder)) = state else { return Ok(None) };
        loop {
            let Some(chunk) = chunks.try_next().await? else {
                let rest = encoder.finish().map_err(Error::internal)?;
                return Ok(Some((rest.into(), None)));
            };
            let work = tokio::task::spawn_blocking(move || encoder.write_all(&chunk).map(|()| encoder));
            encoder = work.await.map_err(Error::internal)?.map_err(Error::internal)?;
            if !encoder.get_ref().is_empty() {
                let piece = std::mem::take(encoder.get_mut());
                return Ok(Some((Bytes::from(piece), Some((chunks, encoder)))));
            }
        }
    })
    .boxed()
}

/// Uses the fastest level: it compresses points to a seventh, faster than a network sends what it saves.
fn encoder() -> GzEncoder<Vec<u8>> {
    GzEncoder::new(Vec::new(), Compression::fast())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn an_encoding_is_used_when_the_client_names_it() {
        for (accepted, gzip, brotli) in [
            ("gzip", true, false),
            ("deflate, gzip;q=0.5, br", true, true),
            ("GZIP, BR", true, true),
            ("br;q=0, gzip", true, false),
            ("gzip;q=0, br", false, true),
            ("gzip; q=0.0", false, false),
            ("brotli", false, false),
            ("*", false, false),
            ("identity", false, false),
            ("", false, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(accepted));
            assert_eq!((accepts_gzip(&headers), accepts_brotli(&headers)), (gzip, brotli), "{accepted}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()) && !accepts_brotli(&HeaderMap::new()));
    }
}
