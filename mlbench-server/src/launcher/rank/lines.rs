//! Bytes of a rank's output to lines.
//!
//! A line ends at `\n`; a `\r` right before it goes too, any other stays, so that a progress bar is one line. A line of
//! more than [`LINE_LIMIT`] bytes is split where no character is cut; invalid UTF-8 becomes U+FFFD. The lines depend on
//! the bytes alone, never on the pieces they arrived in: a reader that begins again at a stored offset, which is always
//! the end of a line or of a piece of one, finds the same ones.

use std::borrow::Cow;

use bytes::{Buf, BytesMut};

/// The most bytes of a line, as they were written; a longer one is stored as several.
pub(super) const LINE_LIMIT: usize = 16 * 1024;
/// The most lines that are stored in one transaction.
const BATCH_LINES: usize = 2_000;
/// A batch is full when its lines have so many bytes.
const BATCH_BYTES: usize = 256 * 1024;

/// Bytes that are not stored yet.
#[derive(Debug, Default)]
pub(super) struct Lines {
    rest: BytesMut,
}

/// Some lines, and the bytes that they are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Batch {
    /// The lines without their ends.
    pub(super) lines: Vec<String>,
    /// How many bytes they and their ends were.
    pub(super) consumed: usize,
}

impl Lines {
    /// Adds what was read.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
    }

    /// How many bytes wait for the end of their line.
    pub(super) fn pending(&self) -> usize {
        self.rest.len()
    }

    /// The next lines, or `None` when there is no whole one. After the last byte (`ended`) a line without `\n` is whole.
    pub(super) fn next_batch(&mut self, ended: bool) -> Option<Batch> {
        let mut batch = Batch::default();
        while batch.lines.len() < BATCH_LINES && batch.consumed < BATCH_BYTES {
            let Some(cut) = Cut::first(&self.rest, ended) else { break };
            batch.lines.push(text(&self.rest[..cut.text]));
            batch.consumed += cut.consumed;
            self.rest.advance(cut.consumed);
        }
        (batch.consumed > 0).then_some(batch)
    }
}

/// Where a line ends, and where the next one begins.
struct Cut {
    text: usize,
    consumed: usize,
}

impl Cut {
    fn first(bytes: &[u8], ended: bool) -> Option<Self> {
        // A `\r` and a `\n` may follow a line of exactly the limit.
        let window = &bytes[..bytes.len().min(LINE_LIMIT + 2)];
        let newline = window.iter().position(|&b| b == b'\n');
        let (text, consumed) = match newline {
            Some(at) => (at - usize::from(window[..at].ends_with(b"\r")), at + 1),
            None if window.len() == LINE_LIMIT + 2 || (ended && !window.is_empty()) => {
                (window.len(), window.len())
            }
            None => return None,
        };
        if text <= LINE_LIMIT {
            return Some(Self { text, consumed });
        }
        let piece = piece(window);
        Some(Self { text: piece, consumed: piece })
    }
}

/// The length of the first piece of a line that is too long: the limit, or up to 3 bytes less for a whole character.
fn piece(line: &[u8]) -> usize {
    let starts_character = |at: usize| line[at] & 0b1100_0000 != 0b1000_0000;
    (LINE_LIMIT - 3..=LINE_LIMIT).rev().find(|&at| starts_character(at)).unwrap_or(LINE_LIMIT)
}

fn text(bytes: &[u8]) -> String {
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => text.to_owned(),
        Cow::Owned(text) => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every line of `chunks`, and the bytes consumed before the output ended.
    fn read(chunks: &[&[u8]]) -> (Vec<String>, usize) {
        let (mut lines, mut all, mut consumed) = (Lines::default(), Vec::new(), 0);
        for chunk in chunks {
            lines.push(chunk);
            while let Some(batch) = lines.next_batch(false) {
                consumed += batch.consumed;
                all.extend(batch.lines);
            }
        }
        while let Some(batch) = lines.next_batch(true) {
            all.extend(batch.lines);
        }
        assert_eq!(lines.pending(), 0);
        (all, consumed)
    }

    fn check(bytes: &[u8], lines: &[&str], before_the_end: usize) {
        assert_eq!(read(&[bytes]), (lines.iter().map(|&l| l.to_owned()).collect(), before_the_end));
    }

    #[test]
    fn a_line_ends_at_its_newline_and_the_last_one_at_the_end() {
        check(b"", &[], 0);
        check(b"a\nb\n", &["a", "b"], 4);
        check(b"a\n\n\nb", &["a", "", "", "b"], 4);
    }

    #[test]
    fn a_windows_line_end_goes_and_a_progress_bar_stays_one_line() {
        check(b"a\r\nb\r\n", &["a", "b"], 6);
        check(b"10%\r20%\r30%\n", &["10%\r20%\r30%"], 12);
        check(b"\r\r\n40%\r", &["\r", "40%\r"], 3);
    }

    #[test]
    fn invalid_utf8_becomes_the_replacement_character() {
        check(b"a\xffb\n\xc3", &["a\u{fffd}b", "\u{fffd}"], 4);
    }

    #[test]
    fn a_line_over_the_limit_is_split_where_no_character_is_cut() {
        let lengths = |bytes: &[u8]| read(&[bytes]).0.iter().map(String::len).collect::<Vec<_>>();
        let line = |length: usize, end: &str| [vec![b'x'; length], end.as_bytes().to_vec()].concat();
        assert_eq!(lengths(&line(LINE_LIMIT, "\n")), [LINE_LIMIT]);
        assert_eq!(lengths(&line(LINE_LIMIT, "\r\n")), [LINE_LIMIT]);
        assert_eq!(lengths(&line(LINE_LIMIT + 1, "\n")), [LINE_LIMIT, 1]);
        assert_eq!(lengths(&line(2 * LINE_LIMIT, "")), [LINE_LIMIT, LINE_LIMIT]);
        assert_eq!(lengths(&line(LINE_LIMIT - 1, "é\n")), [LINE_LIMIT - 1, 2]);
        assert_eq!(lengths(&line(LINE_LIMIT - 3, "\u{1f980}")), [LINE_LIMIT - 3, 4]);
    }

    #[test]
    fn a_line_without_end_never_keeps_more_than_the_limit_in_memory() {
        let mut lines = Lines::default();
        lines.push(&vec![b'x'; 10 * LINE_LIMIT]);
        while lines.next_batch(false).is_some() {}
        assert!(lines.pending() <= LINE_LIMIT + 1, "{}", lines.pending());
    }

    #[test]
    fn a_batch_is_bounded_in_lines_and_in_bytes() {
        let mut lines = Lines::default();
        lines.push(&vec![b'\n'; 5_000]);
        assert_eq!(lines.next_batch(false).unwrap().lines.len(), BATCH_LINES);
        let mut lines = Lines::default();
        lines.push(&vec![b'x'; 1 << 20]);
        assert!(lines.next_batch(false).unwrap().consumed <= BATCH_BYTES + LINE_LIMIT);
    }

    /// Bytes in which line ends, characters of every length, broken ones and lines around the limit are frequent.
    fn output() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"\n".to_vec()),
            Just(b"\r".to_vec()),
            Just(b"\r\n".to_vec()),
            "\\PC{0,20}".prop_map(String::into_bytes),
            proptest::collection::vec(any::<u8>(), 0..20),
            (LINE_LIMIT - 4..LINE_LIMIT + 4).prop_map(|length| vec![b'x'; length]),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn any_chunking_gives_the_same_lines(
            bytes in output(),
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..8),
        ) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
            prop_assert_eq!(read(&chunks), read(&[&bytes]));
        }

        #[test]
        fn a_reader_that_begins_again_at_a_stored_offset_finds_the_same_lines(
            bytes in output(),
            read_before in any::<proptest::sample::Index>(),
        ) {
            let mut lines = Lines::default();
            lines.push(&bytes[..read_before.index(bytes.len() + 1)]);
            let (mut all, mut offset) = (Vec::new(), 0);
            while let Some(batch) = lines.next_batch(false) {
                offset += batch.consumed;
                all.extend(batch.lines);
            }
            all.extend(read(&[&bytes[offset..]]).0);
            prop_assert_eq!(all, read(&[&bytes]).0);
        }

        #[test]
        fn nothing_of_a_valid_text_is_lost(text in "(\\PC{0,30}\n){0,6}\\PC{0,30}") {
            let (lines, _) = read(&[text.as_bytes()]);
            prop_assert_eq!(lines.join("\n"), text.strip_suffix('\n').unwrap_or(&text));
        }

        #[test]
        fn no_line_is_longer_than_the_limit_and_a_split_is_lossless(
            shift in 0..5usize,
            character in prop_oneof![Just("a"), Just("é"), Just("€"), Just("🦀")],
        ) {
            let text = "x".repeat(shift) + &character.repeat(LINE_LIMIT);
            let (lines, _) = read(&[text.as_bytes()]);
            prop_assert!(lines.iter().all(|line| line.len() <= LINE_LIMIT));
            prop_assert_eq!(lines.concat(), text);
        }
    }
}
