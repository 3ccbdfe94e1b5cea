//! `Content-Encoding: gzip`: small on the wire, and never larger in memory than is allowed.

use std::io::{self, Read as _, Write as _};

use flate2::bufread;
use flate2::write::MultiGzDecoder;
use hyper::HeaderMap;
use hyper::header::CONTENT_ENCODING;
use mlbench_core::{Error, ErrorCode, Result};

use super::room::Reservation;

/// How much is expanded before the limits are looked at again.
const STEP: u64 = 64 << 10;
/// Compressed bytes that are expanded at once; gzip makes at most some 1,030 times as many of them.
const PIECE: usize = 4 << 10;
/// From so many expanded bytes on a stream must not be denser than [`MAX_RATIO`].
const DENSE_FROM: u64 = 16 << 20;
/// Metrics as text shrink to a tenth or a thirtieth; what shrinks to less than this was made to hurt.
const MAX_RATIO: u64 = 100;

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    Gzip,
}

impl Encoding {
    /// What the header says.
    ///
    /// # Errors
    /// [`ErrorCode::UnsupportedMediaType`] naming what is read.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self> {
        let mut values = headers.get_all(CONTENT_ENCODING).iter();
        let Some(first) = values.next() else { return Ok(Self::Plain) };
        let name = String::from_utf8_lossy(first.as_bytes()).trim().to_ascii_lowercase();
        match name.as_str() {
            _ if values.next().is_some() => {}
            "" | "identity" => return Ok(Self::Plain),
            "gzip" | "x-gzip" => return Ok(Self::Gzip),
            _ => {}
        }
        let detail = format!("Content-Encoding: {name:?} is not read here; send gzip, or leave it out");
        Err(Error::new(ErrorCode::UnsupportedMediaType, detail))
    }
}

/// Expands a whole body, of which `held` tells how much memory it takes.
///
/// # Errors
/// [`ErrorCode::PayloadTooLarge`] when there is more than `limit`, [`ErrorCode::Malformed`] when it is no gzip.
pub(super) fn decompress(wire: &[u8], limit: usize, held: &mut Reservation) -> Result<Vec<u8>> {
    let mut decoder = bufread::MultiGzDecoder::new(wire);
    let mut body = Vec::new();
    while decoder.by_ref().take(STEP).read_to_end(&mut body).map_err(|error| no_gzip(&error))? > 0 {
        if body.len() > limit {
            let detail = format!("the body is larger than {limit} bytes once it is expanded");
            return Err(Error::new(ErrorCode::PayloadTooLarge, detail));
        }
        held.resize(wire.len() + body.len())?;
    }
    Ok(body)
}

/// Expands a body of any length, piece by piece.
pub(super) enum Decompressor {
    Plain,
    Gzip { decoder: Box<MultiGzDecoder<Vec<u8>>>, wire: u64, expanded: u64 },
}

impl Decompressor {
    pub(super) fn new(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Plain => Self::Plain,
            Encoding::Gzip => {
                Self::Gzip { decoder: Box::new(MultiGzDecoder::new(Vec::new())), wire: 0, expanded: 0 }
            }
        }
    }

    /// How much to push at once, so that what comes out is not much.
    pub(super) const fn piece(&self) -> usize {
        match self {
            Self::Plain => STEP as usize,
            Self::Gzip { .. } => PIECE,
        }
    }

    /// Adds what `piece` is expanded to `body`.
    ///
    /// # Errors
    /// [`ErrorCode::Malformed`] when it is no gzip, [`ErrorCode::PayloadTooLarge`] for what expands beyond measure.
    pub(super) fn push(&mut self, piece: &[u8], body: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Plain => body.extend_from_slice(piece),
            Self::Gzip { decoder, wire, expanded } => {
                decoder.write_all(piece).map_err(|error| no_gzip(&error))?;
                *wire += piece.len() as u64;
                *expanded += decoder.get_ref().len() as u64;
                if *expanded > DENSE_FROM && *expanded / *wire > MAX_RATIO {
                    let detail = format!("the body expands to more than {MAX_RATIO} times its size");
                    return Err(Error::new(ErrorCode::PayloadTooLarge, detail));
                }
                body.append(decoder.get_mut());
            }
        }
        Ok(())
    }

    /// Adds what is still in the decoder.
    ///
    /// # Errors
    /// [`ErrorCode::Malformed`] when the end is missing.
    pub(super) fn finish(&mut self, body: &mut Vec<u8>) -> Result<()> {
        if let Self::Gzip { decoder, .. } = self {
            decoder.try_finish().map_err(|error| no_gzip(&error))?;
            body.append(decoder.get_mut());
        }
        Ok(())
    }
}

fn no_gzip(error: &io::Error) -> Error {
    let detail = match error.kind() {
        io::ErrorKind::UnexpectedEof => "the body is gzip without its end",
        _ => "the body is not the gzip that Content-Encoding says it is",
    };
    Error::new(ErrorCode::Malformed, detail).with_internal(error)
}
