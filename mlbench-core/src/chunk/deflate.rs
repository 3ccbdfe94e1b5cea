//! Bytes that are compressed if that makes them smaller.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::error::ChunkError;
use super::wire::{Reader, put_varint};

const RAW: u8 = 0;
const DEFLATED: u8 = 1;

/// Most bytes that one deflated byte becomes.
const MAX_RATIO: usize = 1032;

/// Appends the length of the bytes, and the bytes, compressed if `pack` and if that makes them smaller.
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8], pack: bool) {
    put_varint(out, bytes.len() as u64);
    if pack && let Some(deflated) = deflate(bytes) {
        out.push(DEFLATED);
        out.extend_from_slice(&deflated);
        return;
    }
    out.push(RAW);
    out.extend_from_slice(bytes);
}

/// Reads bytes as [`put_bytes`] writes them, up to the end of the reader.
pub(super) fn take_bytes(mut reader: Reader<'_>) -> Result<Vec<u8>, ChunkError> {
    let length = reader.varint()?;
    let tag = reader.byte()?;
    let bytes = reader.rest();
    let most = match tag {
        RAW => bytes.len(),
        DEFLATED => bytes.len().saturating_mul(MAX_RATIO),
        tag => return Err(reader.error(format!("has the unknown layout {tag}"))),
    };
    let length = usize::try_from(length).ok().filter(|length| *length <= most);
    let length = length.ok_or_else(|| reader.error("has a length above its bytes"))?;
    let bytes = if tag == RAW { Some(bytes.to_vec()) } else { inflate(bytes, length) };
    bytes
        .filter(|bytes| bytes.len() == length)
        .ok_or_else(|| reader.error("does not decompress to its length"))
}

/// Compresses bytes, if that makes them smaller.
fn deflate(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut deflated = Vec::with_capacity(bytes.len());
    let mut compress = Compress::new(Compression::default(), false);
    // The capacity is not enough for bytes that do not get smaller.
    let status = compress.compress_vec(bytes, &mut deflated, FlushCompress::Finish).ok()?;
    (matches!(status, Status::StreamEnd) && deflated.len() < bytes.len()).then_some(deflated)
}

/// Decompresses bytes to at most `length` bytes.
fn inflate(bytes: &[u8], length: usize) -> Option<Vec<u8>> {
    // One byte more shows a stream that goes on.
    let mut inflated = Vec::with_capacity(length + 1);
    let mut decompress = Decompress::new(false);
    let status = decompress.decompress_vec(bytes, &mut inflated, FlushDecompress::Finish).ok()?;
    let whole = decompress.total_in() == bytes.len() as u64;
    (matches!(status, Status::StreamEnd) && whole).then_some(inflated)
}
