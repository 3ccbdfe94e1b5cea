//! `Accept-Encoding`: answers packed with gzip (RFC 9110, section 12.5.3).

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use hyper::HeaderMap;
use hyper::header::ACCEPT_ENCODING;
use mlbench_core::{Error, Result};

use super::reply::ByteStream;

/// A shorter answer fits into one packet anyway.
pub(super) const MIN_COMPRESS_BYTES: usize = 1_200;

/// Whether a client takes gzip: it names it, and does not refuse it. `*` is not enough: who sends that may not unpack.
pub(super) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let named = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip"));
        let refused = parts
            .filter_map(|part| part.split_once('='))
            .any(|(key, value)| key.trim().eq_ignore_ascii_case("q") && value.trim().parse() == Ok(0.0_f32));
        named && !refused
    })
}

/// Packs an answer that is in memory.
///
/// # Errors
/// None in practice: memory takes whatever is written to it.
pub(super) fn gzip(body: &[u8]) -> Result<Bytes> {
    let mut packer = packer();
    packer.write_all(body).map_err(Error::internal)?;
    Ok(packer.finish().map_err(Error::internal)?.into())
}

/// Packs an answer piece by piece. A piece takes some milliseconds, which the threads for blocking work have.
pub(super) fn gzip_stream(chunks: ByteStream) -> ByteStream {
    let begin = Some((chunks, packer()));
    stream::try_unfold(begin, |packing| async {
        let Some((mut chunks, mut packer)) = packing else { return Ok(None) };
        loop {
            let Some(chunk) = chunks.try_next().await? else {
                let rest = packer.finish().map_err(Error::internal)?;
                return Ok(Some((rest.into(), None)));
            };
            let work = tokio::task::spawn_blocking(move || packer.write_all(&chunk).map(|()| packer));
            packer = work.await.map_err(Error::internal)?.map_err(Error::internal)?;
            if !packer.get_ref().is_empty() {
                let piece = std::mem::take(packer.get_mut());
                return Ok(Some((Bytes::from(piece), Some((chunks, packer)))));
            }
        }
    })
    .boxed()
}

/// The fastest level: it is_compressible points to a seventh, and faster than most networks carry what it saves.
fn packer() -> GzEncoder<Vec<u8>> {
    GzEncoder::new(Vec::new(), Compression::fast())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn gzip_is_for_those_who_name_it() {
        for (accepted, expected) in [
            ("gzip", true),
            ("deflate, gzip;q=0.5, br", true),
            ("GZIP", true),
            ("gzip;q=0", false),
            ("gzip; q=0.0", false),
            ("*", false),
            ("identity", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(accepted));
            assert_eq!(accepts_gzip(&headers), expected, "{accepted}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
