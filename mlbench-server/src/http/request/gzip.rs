//! Decompresses uploads under a size and a ratio limit.

use std::io::{self, Read as _, Write as _};

use flate2::bufread;
use flate2::write::MultiGzDecoder;
use mlbench_core::{Error, ErrorCode, Result};

use super::content::ContentEncoding;
use super::memory::Reservation;

/// Decompressed bytes between two checks of the limits.
const STEP: u64 = 64 << 10;
/// Compressed bytes per step. Gzip expands them at most about 1,030 times.
const PIECE: usize = 4 << 10;
/// Decompressed bytes from which on [`MAX_RATIO`] applies.
const RATIO_APPLIES_FROM: u64 = 16 << 20;
/// Largest ratio of decompressed to compressed bytes: metrics as text reach 10 to 30, a gzip bomb 1,000.
const MAX_RATIO: u64 = 100;

/// Decompresses a whole body, and keeps `memory` at the bytes that it takes.
///
/// It runs on a thread for blocking work, because it may wait for memory.
///
/// # Errors
/// [`ErrorCode::PayloadTooLarge`] above `limit` bytes, [`ErrorCode::Malformed`] when it is not gzip.
pub(super) fn decompress(wire: &[u8], limit: usize, memory: &mut Reservation) -> Result<Vec<u8>> {
    let mut decoder = bufread::MultiGzDecoder::new(wire);
    let mut body = Vec::new();
    while decoder.by_ref().take(STEP).read_to_end(&mut body).map_err(|error| not_gzip(&error))? > 0 {
        if body.len() > limit {
            let detail = format!("body: larger than {limit} bytes after decompression");
            return Err(Error::new(ErrorCode::PayloadTooLarge, detail));
        }
        memory.resize_blocking(wire.len() + body.capacity())?;
    }
    Ok(body)
}

/// Decompresses a body of any length, piece by piece.
pub(super) enum Decompressor {
    Identity,
    Gzip { decoder: Box<MultiGzDecoder<Vec<u8>>>, wire: u64, decompressed: u64 },
}

impl Decompressor {
    pub(super) fn new(encoding: ContentEncoding) -> Self {
        match encoding {
            ContentEncoding::Identity => Self::Identity,
            ContentEncoding::Gzip => {
                Self::Gzip { decoder: Box::new(MultiGzDecoder::new(Vec::new())), wire: 0, decompressed: 0 }
            }
        }
    }

    /// Returns how many bytes to push at once, so that the result stays small.
    pub(super) const fn piece(&self) -> usize {
        match self {
            Self::Identity => STEP as usize,
            Self::Gzip { .. } => PIECE,
        }
    }

    /// Appends the decompressed `piece` to `body`.
    ///
    /// # Errors
    /// [`ErrorCode::Malformed`] when it is not gzip, [`ErrorCode::PayloadTooLarge`] above the ratio limit.
    pub(super) fn push(&mut self, piece: &[u8], body: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Identity => body.extend_from_slice(piece),
            Self::Gzip { decoder, wire, decompressed } => {
                decoder.write_all(piece).map_err(|error| not_gzip(&error))?;
                *wire += piece.len() as u64;
                *decompressed += decoder.get_ref().len() as u64;
                if *decompressed > RATIO_APPLIES_FROM && *decompressed / *wire > MAX_RATIO {
                    let detail = format!("body: decompresses to more than {MAX_RATIO} times its size");
                    return Err(Error::new(ErrorCode::PayloadTooLarge, detail));
                }
                body.append(decoder.get_mut());
            }
        }
        Ok(())
    }

    /// Appends the rest, after the last piece.
    ///
    /// # Errors
    /// [`ErrorCode::Malformed`] when the stream ends too early.
    pub(super) fn finish(&mut self, body: &mut Vec<u8>) -> Result<()> {
        if let Self::Gzip { decoder, .. } = self {
            decoder.try_finish().map_err(|error| not_gzip(&error))?;
            body.append(decoder.get_mut());
        }
        Ok(())
    }
}

fn not_gzip(error: &io::Error) -> Error {
    let detail = match error.kind() {
        io::ErrorKind::UnexpectedEof => "body: gzip stream ends too early",
        _ => "body: not gzip, although Content-Encoding says so",
    };
    Error::new(ErrorCode::Malformed, detail).with_internal(error)
}
