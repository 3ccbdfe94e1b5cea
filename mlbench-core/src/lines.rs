//! Splits the output of a program into lines.
//!
//! A line ends at `\n` or `\r\n`. Any other `\r` ends a provisional line, which what follows replaces: only the last
//! state of a progress bar is kept. A line of more than [`MAX_LINE_BYTES`] is split between characters; invalid UTF-8
//! becomes U+FFFD. The lines depend on the bytes alone, never on how they were chunked: a reader that resumes at a stored
//! offset, which is always the end of a line, of a piece or of a provisional line, finds the same lines.

use std::borrow::Cow;

/// Maximum length of a line in bytes, as the program wrote it. A longer line becomes several.
pub const MAX_LINE_BYTES: usize = 16 * 1024;
/// Maximum number of lines in a batch, which is stored in one transaction.
const MAX_BATCH_LINES: usize = 2_000;
/// Size in bytes at which a batch is full. Its last line may exceed it.
const MAX_BATCH_BYTES: usize = 256 * 1024;

/// Splits bytes into lines, and buffers the bytes of the last, incomplete one.
#[derive(Debug, Default)]
pub struct LineSplitter {
    buffer: Vec<u8>,
}

/// Consecutive lines, and the number of bytes they take up in the output.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LineBatch {
    /// The lines without their line ends.
    pub lines: Vec<String>,
    /// Number of bytes of the lines, including their line ends and what they have replaced.
    pub consumed: usize,
}

impl LineSplitter {
    /// Adds bytes to the buffer.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns the number of buffered bytes.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Returns the current state of the last, incomplete line, once all complete lines were taken.
    #[must_use]
    pub fn unfinished(&self) -> Option<String> {
        let length = self.buffer.iter().position(|&byte| byte == b'\r').unwrap_or(self.buffer.len());
        (length > 0).then(|| text(&self.buffer[..length]))
    }

    /// Returns the next complete lines, or `None`. With `at_end` the last line is complete without a `\n`.
    ///
    /// A batch of provisional lines only has no lines.
    pub fn next_batch(&mut self, at_end: bool) -> Option<LineBatch> {
        let mut batch = LineBatch::default();
        while batch.lines.len() < MAX_BATCH_LINES && batch.consumed < MAX_BATCH_BYTES {
            let rest = &self.buffer[batch.consumed..];
            let Some(cut) = Cut::first(rest, at_end) else { break };
            batch.lines.extend(cut.text.map(|end| text(&rest[..end])));
            batch.consumed += cut.consumed;
        }
        self.buffer.drain(..batch.consumed);
        (batch.consumed > 0).then_some(batch)
    }
}

/// The position where a line ends (`text`), and the one where the next begins (`consumed`).
struct Cut {
    /// `None` for a provisional line that was replaced.
    text: Option<usize>,
    consumed: usize,
}

impl Cut {
    fn first(bytes: &[u8], at_end: bool) -> Option<Self> {
        let window = &bytes[..bytes.len().min(MAX_LINE_BYTES + 1)];
        let Some(text) = window.iter().position(|&b| matches!(b, b'\n' | b'\r')) else {
            if window.len() > MAX_LINE_BYTES {
                let length = first_piece_length(window);
                return Some(Self { text: Some(length), consumed: length });
            }
            let is_line = at_end && !window.is_empty();
            return is_line.then_some(Self { text: Some(window.len()), consumed: window.len() });
        };
        if bytes[text] == b'\n' {
            return Some(Self { text: Some(text), consumed: text + 1 });
        }
        // A cursor that returns again and again changes nothing, but must not fill the memory.
        let returns = &bytes[text..bytes.len().min(text + MAX_LINE_BYTES)];
        let visible = (text > 0).then_some(text);
        match returns.iter().position(|&b| b != b'\r') {
            Some(count) if returns[count] == b'\n' => {
                Some(Self { text: Some(text), consumed: text + count + 1 })
            }
            Some(count) => Some(Self { text: None, consumed: text + count }),
            None if at_end || returns.len() == MAX_LINE_BYTES => {
                Some(Self { text: visible, consumed: text + returns.len() })
            }
            None => None,
        }
    }
}

/// Returns the length of the first piece of a line that is too long.
///
/// That is the limit, or up to 3 bytes less so that no character is split.
fn first_piece_length(line: &[u8]) -> usize {
    let starts_character = |at: usize| line[at] & 0b1100_0000 != 0b1000_0000;
    (MAX_LINE_BYTES - 3..=MAX_LINE_BYTES).rev().find(|&at| starts_character(at)).unwrap_or(MAX_LINE_BYTES)
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

    /// Returns every line of `chunks`, and the number of bytes consumed before the output ended.
    fn read(chunks: &[&[u8]]) -> (Vec<String>, usize) {
        let (mut lines, mut all, mut consumed) = (LineSplitter::default(), Vec::new(), 0);
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
        assert_eq!(lines.buffered(), 0);
        (all, consumed)
    }

    fn check(bytes: &[u8], lines: &[&str], consumed: usize) {
        assert_eq!(read(&[bytes]), (lines.iter().map(|&l| l.to_owned()).collect(), consumed));
    }

    #[test]
    fn a_line_ends_at_a_newline_or_at_the_end_of_the_output() {
        check(b"", &[], 0);
        check(b"a\nb\n", &["a", "b"], 4);
        check(b"a\n\n\nb", &["a", "", "", "b"], 4);
    }

    #[test]
    fn a_crlf_ends_a_line_and_a_progress_bar_keeps_its_last_state() {
        check(b"a\r\nb\r\n", &["a", "b"], 6);
        check(b"10%\r20%\r30%\n", &["30%"], 12);
        check(b"\r10%\r20%\r30%\ndone\n", &["30%", "done"], 18);
        check(b"\r\r\n40%\r", &["", "40%"], 3);
        check(b"50%\r\r\n", &["50%"], 6);
        check(b"50%\r   \rdone", &["done"], 8);
        check(b"\r\r", &[], 0);
    }

    #[test]
    fn the_newest_state_of_an_unfinished_line_is_shown() {
        let mut lines = LineSplitter::default();
        let states = [
            ("a\nload", Some("load")),
            ("ing 1%", Some("loading 1%")),
            ("\r", Some("loading 1%")),
            ("2%\r3", Some("3")),
            ("\r\n", None),
        ];
        for (piece, state) in states {
            lines.push(piece.as_bytes());
            while lines.next_batch(false).is_some() {}
            assert_eq!(lines.unfinished().as_deref(), state, "{piece:?}");
        }
    }

    #[test]
    fn endless_carriage_returns_never_buffer_more_than_two_lines() {
        let mut lines = LineSplitter::default();
        lines.push(b"state");
        lines.push(&vec![b'\r'; 10 * MAX_LINE_BYTES]);
        let mut kept = Vec::new();
        while let Some(batch) = lines.next_batch(false) {
            kept.extend(batch.lines);
        }
        assert_eq!(kept, ["state"]);
        assert!(lines.buffered() <= 2 * MAX_LINE_BYTES, "{}", lines.buffered());
    }

    #[test]
    fn invalid_utf8_becomes_the_replacement_character() {
        check(b"a\xffb\n\xc3", &["a\u{fffd}b", "\u{fffd}"], 4);
    }

    #[test]
    fn a_line_over_the_limit_is_split_between_characters() {
        let lengths = |bytes: &[u8]| read(&[bytes]).0.iter().map(String::len).collect::<Vec<_>>();
        let line = |length: usize, end: &str| [vec![b'x'; length], end.as_bytes().to_vec()].concat();
        assert_eq!(lengths(&line(MAX_LINE_BYTES, "\n")), [MAX_LINE_BYTES]);
        assert_eq!(lengths(&line(MAX_LINE_BYTES, "\r\n")), [MAX_LINE_BYTES]);
        assert_eq!(lengths(&line(MAX_LINE_BYTES + 1, "\n")), [MAX_LINE_BYTES, 1]);
        assert_eq!(lengths(&line(2 * MAX_LINE_BYTES, "")), [MAX_LINE_BYTES, MAX_LINE_BYTES]);
        assert_eq!(lengths(&line(MAX_LINE_BYTES - 1, "é\n")), [MAX_LINE_BYTES - 1, 2]);
        assert_eq!(lengths(&line(MAX_LINE_BYTES - 3, "\u{1f980}")), [MAX_LINE_BYTES - 3, 4]);
    }

    #[test]
    fn an_endless_line_never_buffers_more_than_the_limit() {
        let mut lines = LineSplitter::default();
        lines.push(&vec![b'x'; 10 * MAX_LINE_BYTES]);
        while lines.next_batch(false).is_some() {}
        assert!(lines.buffered() <= MAX_LINE_BYTES + 1, "{}", lines.buffered());
    }

    #[test]
    fn a_batch_is_bounded_in_lines_and_in_bytes() {
        let mut lines = LineSplitter::default();
        lines.push(&vec![b'\n'; 5_000]);
        assert_eq!(lines.next_batch(false).unwrap().lines.len(), MAX_BATCH_LINES);
        let mut lines = LineSplitter::default();
        lines.push(&vec![b'x'; 1 << 20]);
        assert!(lines.next_batch(false).unwrap().consumed <= MAX_BATCH_BYTES + MAX_LINE_BYTES);
    }

    /// Generates many line ends, characters of every length, invalid UTF-8 and lines around the limit.
    fn output() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"\n".to_vec()),
            Just(b"\r".to_vec()),
            Just(b"\r\n".to_vec()),
            "\\PC{0,20}".prop_map(String::into_bytes),
            proptest::collection::vec(any::<u8>(), 0..20),
            (MAX_LINE_BYTES - 4..MAX_LINE_BYTES + 4).prop_map(|length| vec![b'x'; length]),
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
        fn a_reader_that_resumes_at_a_stored_offset_finds_the_same_lines(
            bytes in output(),
            read_before in any::<proptest::sample::Index>(),
        ) {
            let mut lines = LineSplitter::default();
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
        fn valid_text_is_kept_completely(text in "(\\PC{0,30}\n){0,6}\\PC{0,30}") {
            let (lines, _) = read(&[text.as_bytes()]);
            prop_assert_eq!(lines.join("\n"), text.strip_suffix('\n').unwrap_or(&text));
        }

        #[test]
        fn splitting_a_long_line_is_lossless_and_respects_the_limit(
            shift in 0..5usize,
            character in prop_oneof![Just("a"), Just("é"), Just("€"), Just("🦀")],
        ) {
            let text = "x".repeat(shift) + &character.repeat(MAX_LINE_BYTES);
            let (lines, _) = read(&[text.as_bytes()]);
            prop_assert!(lines.iter().all(|line| line.len() <= MAX_LINE_BYTES));
            prop_assert_eq!(lines.concat(), text);
        }
    }
}
