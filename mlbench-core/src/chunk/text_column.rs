//! A column of texts: which rows have one, the different texts, and which row has which.

use std::collections::HashMap;

use super::bits::{put_flags, read_flags};
use super::column::{Layout, put_column, read_column};
use super::constants::MAX_POINTS;
use super::deflate::{put_bytes, take_bytes};
use super::error::ChunkError;
use super::packed::Pack;
use super::texts::Texts;
use super::wire::{Reader, put_section, put_varint};

/// Appends the texts of `points` rows.
pub(super) fn put_texts(out: &mut Vec<u8>, texts: &Texts, points: usize, pack: bool) {
    let present: Vec<bool> = texts.slots().iter().map(|slot| *slot != 0).collect();
    put_section(out, |out| put_flags(out, &present, points, pack));
    if !present.contains(&true) {
        return;
    }
    let mut known = HashMap::new();
    let mut distinct: Vec<&str> = Vec::new();
    let mut rows: Vec<i64> = Vec::new();
    let (mut last, mut number) = (0, 0);
    for slot in texts.slots().iter().filter(|slot| **slot != 0) {
        if *slot != last {
            last = *slot;
            let text = texts.text(*slot as usize - 1);
            number = *known.entry(text).or_insert_with(|| {
                distinct.push(text);
                distinct.len() - 1
            });
        }
        rows.push(i64::try_from(number).unwrap_or(i64::MAX));
    }
    let lengths: Vec<i64> =
        distinct.iter().map(|text| i64::try_from(text.len()).unwrap_or(i64::MAX)).collect();
    let layout = Layout { pack: pack.then_some(Pack::Any), ..Layout::PLAIN };
    put_varint(out, distinct.len() as u64);
    put_section(out, |out| put_column(out, &lengths, layout));
    put_section(out, |out| put_column(out, &rows, layout));
    put_bytes(out, distinct.concat().as_bytes(), pack);
}

/// Reads the texts of `points` rows.
pub(super) fn read_texts(mut reader: Reader<'_>, points: usize) -> Result<Texts, ChunkError> {
    let present = read_flags(reader.section("texts")?, points)?;
    if present.is_empty() {
        return reader.finish().map(|()| Texts::default());
    }
    let distinct = reader.length(MAX_POINTS)?;
    let lengths: Vec<i64> = read_column(reader.section("lengths of texts")?, distinct)?;
    let rows = present.iter().filter(|present| **present).count();
    let rows: Vec<i64> = read_column(reader.section("rows of texts")?, rows)?;
    let bytes = take_bytes(reader)?;
    let Ok(bytes) = String::from_utf8(bytes) else {
        return Err(reader.error("has a text that is not UTF-8"));
    };
    let mut ends = Vec::with_capacity(distinct);
    let mut end = 0_usize;
    for length in lengths {
        end = usize::try_from(length)
            .ok()
            .and_then(|length| end.checked_add(length))
            .filter(|end| bytes.is_char_boundary(*end))
            .ok_or_else(|| reader.error("has a text that ends elsewhere"))?;
        ends.push(end);
    }
    if end != bytes.len() {
        return Err(reader.error("has bytes after its last text"));
    }
    let mut rows = rows.into_iter();
    let mut slots = Vec::with_capacity(points);
    for present in present {
        let slot = if present { rows.next().map_or(0, |row| row.saturating_add(1)) } else { 0 };
        let slot = u32::try_from(slot).ok().filter(|slot| *slot as usize <= distinct);
        slots.push(slot.ok_or_else(|| reader.error("has a row of an unknown text"))?);
    }
    Ok(Texts::new(slots, ends, bytes))
}
