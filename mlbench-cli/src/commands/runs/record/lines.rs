//! Splits what a command writes into lines.

/// Most bytes of a line. A longer one becomes several.
const MAX_LINE_BYTES: usize = 16 * 1024;

/// The bytes of a line that has no end yet.
#[derive(Debug, Default)]
pub(super) struct Lines {
    open: Vec<u8>,
}

impl Lines {
    /// Takes bytes and returns the lines that end in them.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut ended = Vec::new();
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.open.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.open.pop();
                ended.extend(self.take_line());
            } else {
                self.cut(&mut ended);
            }
        }
        ended
    }

    /// Returns the last line, which has no end.
    pub(super) fn finish(&mut self) -> Option<String> {
        if self.open.is_empty() { None } else { self.take_line() }
    }

    /// Takes the open line, of a progress bar its last state.
    fn take_line(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.open);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        let from = line.iter().rposition(|&byte| byte == b'\r').map_or(0, |at| at + 1);
        Some(String::from_utf8_lossy(&line[from..]).into_owned())
    }

    /// Bounds the open line: forgets what a progress bar has replaced, and ends a line that is too long.
    fn cut(&mut self, ended: &mut Vec<String>) {
        while self.open.len() > MAX_LINE_BYTES {
            let last = self.open.len() - 1;
            if let Some(at) = self.open[..last].iter().rposition(|&byte| byte == b'\r') {
                self.open.drain(..=at);
                continue;
            }
            let starts_character = |at: &usize| self.open[*at] & 0b1100_0000 != 0b1000_0000;
            let end = (MAX_LINE_BYTES - 3..=MAX_LINE_BYTES).rev().find(starts_character);
            let piece: Vec<u8> = self.open.drain(..end.unwrap_or(MAX_LINE_BYTES)).collect();
            ended.push(String::from_utf8_lossy(&piece).into_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_wherever_the_bytes_were_cut() {
        let text = "a\r\n\n10 %\r50 %\r100 %\né\nrest".as_bytes();
        for cut in 0..text.len() {
            let mut lines = Lines::default();
            let mut all = lines.push(&text[..cut]);
            all.extend(lines.push(&text[cut..]));
            all.extend(lines.finish());
            assert_eq!(all, ["a", "", "100 %", "é", "rest"], "cut at {cut}");
            assert_eq!(lines.finish(), None);
        }
    }

    #[test]
    fn a_line_without_an_end_takes_bounded_memory() {
        let mut lines = Lines::default();
        let long = "é".repeat(MAX_LINE_BYTES);
        let pieces = lines.push(long.as_bytes());
        assert!(pieces.iter().all(|piece| piece.len() <= MAX_LINE_BYTES && !piece.contains('\u{fffd}')));
        assert_eq!(pieces.concat() + &lines.finish().unwrap(), long);
        for _ in 0..10_000 {
            assert_eq!(lines.push(b"\r 10 %"), [""; 0]);
        }
        assert!(lines.open.len() <= MAX_LINE_BYTES);
        assert_eq!(lines.finish().as_deref(), Some(" 10 %"));
    }
}
