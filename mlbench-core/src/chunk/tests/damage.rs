//! Tests that a damaged chunk is an error, and never a panic.

use proptest::prelude::*;

use super::row::{Row, columns, sorted_rows};
use crate::chunk::header::write_header;
use crate::chunk::{ChunkError, Columns, Encoded, Encoding, Fields, Header, PageReader, decode, encode};

const ALL: Fields = Fields { seqs: true, details: true };

/// Creates points with something in every column.
fn points(count: i64) -> Columns {
    let values = ["0.25", "NaN", "1.50", "7", "0.1", "-3.75"];
    let row = |at: i64| Row {
        cumulative: at % 3 == 0,
        metadata: if at % 4 == 0 { format!("note {}", at % 16) } else { String::new() },
        step: (at % 5 != 0).then_some(at * at),
        epoch: (at % 2 == 0).then_some(at as f64 / 7.0),
        ..Row::new(1_000_000 + at * 999 + at % 7, at * 3 % 1_000, values[at as usize % values.len()])
    };
    let mut columns = columns(&(0..count).map(row).collect::<Vec<_>>());
    columns.sort();
    columns
}

/// Creates small chunks of every kind: of one point, and of a page and more.
fn chunks() -> impl Iterator<Item = (Columns, Encoded)> {
    let kinds = [(1, Encoding::Plain), (40, Encoding::Plain), (1, Encoding::Packed), (258, Encoding::Packed)];
    kinds.into_iter().map(|(count, encoding)| (points(count), encode(&points(count), encoding)))
}

fn read(header: &[u8], body: &[u8]) -> Result<Columns, ChunkError> {
    let header = Header::parse(header)?;
    let mut pages = PageReader::new(&header, body, ALL)?;
    for page in 0..header.pages().len() {
        pages.page(page)?;
    }
    decode(&header, body, ALL)
}

/// Calls `use_damaged` with every byte replaced.
fn damage(bytes: &[u8], mut use_damaged: impl FnMut(usize, &[u8])) {
    let mut damaged = bytes.to_vec();
    for at in 0..bytes.len() {
        for byte in [bytes[at] ^ 1, !bytes[at], 0xff] {
            damaged[at] = byte;
            if byte != bytes[at] {
                use_damaged(at, &damaged);
            }
        }
        damaged[at] = bytes[at];
    }
}

#[test]
fn damage_of_every_byte_is_an_error() {
    for (points, Encoded { header, body }) in chunks() {
        assert_eq!(read(&header, &body).unwrap(), points);
        damage(&header, |at, damaged| assert!(Header::parse(damaged).is_err(), "byte {at}"));
        let parsed = Header::parse(&header).unwrap();
        damage(&body, |at, damaged| {
            assert!(decode(&parsed, damaged, ALL).is_err(), "byte {at}");
            assert!(PageReader::new(&parsed, damaged, ALL).is_err(), "byte {at}");
        });
    }
}

#[test]
fn truncation_at_every_length_is_an_error() {
    for (_, Encoded { header, body }) in chunks() {
        for length in 0..header.len() {
            assert!(Header::parse(&header[..length]).is_err(), "{length} bytes");
        }
        let parsed = Header::parse(&header).unwrap();
        for length in 0..body.len() {
            assert!(decode(&parsed, &body[..length], ALL).is_err(), "{length} bytes");
        }
        let longer = [&body[..], &[0]].concat();
        assert!(decode(&parsed, &longer, ALL).is_err());
    }
}

#[test]
fn a_body_of_another_chunk_is_an_error() {
    let (a, b) = (encode(&points(300), Encoding::Packed), encode(&points(299), Encoding::Packed));
    let header = Header::parse(&a.header).unwrap();
    let problem = decode(&header, &b.body, ALL).unwrap_err().to_string();
    assert!(problem.starts_with("body: has "), "{problem}");
}

#[test]
fn a_later_version_is_named() {
    let mut header = encode(&points(1), Encoding::Plain).header;
    header[0] = 3;
    let problem = Header::parse(&with_checksum(&header)).unwrap_err().to_string();
    assert_eq!(problem, "header: has version 3, this program reads 1 to 2");
}

/// Replaces the checksum at the end of a header by the right one.
fn with_checksum(header: &[u8]) -> Vec<u8> {
    let content = &header[..header.len() - 4];
    [content, &crc32fast::hash(content).to_le_bytes()].concat()
}

#[test]
fn a_wrong_body_with_the_right_checksum_does_not_panic() {
    for (points, Encoded { body, .. }) in chunks() {
        damage(&body, |_, damaged| drop(read(&write_header(&points, damaged), damaged)));
        for length in 0..body.len() {
            let cut = &body[..length];
            assert!(read(&write_header(&points, cut), cut).is_err(), "{length} bytes");
        }
    }
}

#[test]
fn a_wrong_header_with_the_right_checksum_does_not_panic() {
    for (_, Encoded { header, body }) in chunks() {
        damage(&header, |_, damaged| drop(read(&with_checksum(damaged), &body)));
    }
}

proptest! {
    #[test]
    fn random_bytes_are_an_error(header in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Header::parse(&header).is_err());
        let checked = [&[1][..], &header, &[0; 4]].concat();
        drop(Header::parse(&with_checksum(&checked)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_damage_with_the_right_checksum_does_not_panic(
        all in sorted_rows(400),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let points = columns(&all);
        for encoding in [Encoding::Plain, Encoding::Packed] {
            let Encoded { mut body, .. } = encode(&points, encoding);
            for (at, byte) in &changes {
                let at = at.index(body.len());
                body[at] = *byte;
            }
            drop(read(&write_header(&points, &body), &body));
        }
    }
}
