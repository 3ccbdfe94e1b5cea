//! A column of flags.

use super::deflate::{put_bytes, take_bytes};
use super::error::ChunkError;
use super::wire::Reader;

/// No row has the flag.
const NONE: u8 = 0;
/// All rows have the flag.
const ALL: u8 = 1;
/// A bit per row, lowest first.
const SOME: u8 = 2;

/// Appends flags of `points` rows, which are empty if no row has the flag.
pub(super) fn put_flags(out: &mut Vec<u8>, flags: &[bool], points: usize, pack: bool) {
    if !flags.contains(&true) {
        return out.push(NONE);
    }
    if flags.len() == points && !flags.contains(&false) {
        return out.push(ALL);
    }
    out.push(SOME);
    let mut bytes = vec![0; points.div_ceil(8)];
    for (row, _) in flags.iter().enumerate().filter(|(_, flag)| **flag) {
        bytes[row / 8] |= 1 << (row % 8);
    }
    put_bytes(out, &bytes, pack);
}

/// Reads flags, which are empty if no row has the flag.
pub(super) fn read_flags(mut reader: Reader<'_>, points: usize) -> Result<Vec<bool>, ChunkError> {
    match reader.byte()? {
        NONE => reader.finish().map(|()| Vec::new()),
        ALL => reader.finish().map(|()| vec![true; points]),
        SOME => {
            let bytes = take_bytes(reader)?;
            if bytes.len() != points.div_ceil(8) {
                return Err(reader.error("has another number of flags"));
            }
            Ok((0..points).map(|row| bytes[row / 8] >> (row % 8) & 1 == 1).collect())
        }
        tag => Err(reader.error(format!("has the unknown layout {tag}"))),
    }
}
