//! Parses server-sent events, as HTML defines them.

use std::collections::VecDeque;

/// The longest event. A longer one is none of this API.
const MAX_EVENT: usize = 64 << 20;

/// An event as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// The last id sent so far, if it is a number.
    pub(super) id: Option<i64>,
    pub(super) name: String,
    pub(super) data: Vec<u8>,
}

/// Parses chunks of a stream, which may end anywhere.
#[derive(Debug, Default)]
pub(super) struct Parser {
    line: Vec<u8>,
    id: Option<i64>,
    name: String,
    data: Vec<u8>,
    messages: VecDeque<Message>,
}

impl Parser {
    /// Takes a chunk. Returns `false` if it belongs to no stream of events.
    pub(super) fn feed(&mut self, chunk: &[u8]) -> bool {
        let mut pieces = chunk.split_inclusive(|byte| *byte == b'\n');
        pieces.all(|piece| {
            self.line.extend_from_slice(piece);
            if self.line.last() == Some(&b'\n') {
                let line = std::mem::take(&mut self.line);
                self.end_line(line.trim_ascii_end());
            }
            self.line.len() + self.data.len() <= MAX_EVENT
        })
    }

    /// Returns the next complete event.
    pub(super) fn next(&mut self) -> Option<Message> {
        self.messages.pop_front()
    }

    fn end_line(&mut self, line: &[u8]) {
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"id" => self.id = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()),
            b"event" => self.name = String::from_utf8_lossy(value).into_owned(),
            b"data" => {
                if !self.data.is_empty() {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
            }
            _ if line.is_empty() => {
                let (name, data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
                if !data.is_empty() {
                    self.messages.push_back(Message { id: self.id, name, data });
                }
            }
            // A comment, or a field for browsers.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_found_wherever_chunks_end() {
        let text = "retry: 1000\nid: 7\nevent: open\ndata: {\"a\":1}\n\n:\n\nid: 8\r\nevent: runs\r\ndata:x\r\ndata: y\r\n\r\n\
                    event: lost\n\nid: 9\nevent: cut\ndata: {}\n";
        let message = |id, name: &str, data: &str| Message {
            id: Some(id),
            name: name.to_owned(),
            data: data.as_bytes().to_vec(),
        };
        for length in 1..text.len() {
            let mut parser = Parser::default();
            assert!(text.as_bytes().chunks(length).all(|chunk| parser.feed(chunk)));
            assert_eq!(parser.next(), Some(message(7, "open", "{\"a\":1}")), "{length}");
            assert_eq!(parser.next(), Some(message(8, "runs", "x\ny")), "{length}");
            assert_eq!(parser.next(), None, "an event without data or without its end is none");
        }
    }

    #[test]
    fn an_event_without_an_end_is_refused_whatever_its_lines() {
        for line in [vec![b'x'; 1 << 20], [b"data:".to_vec(), vec![b'x'; 1 << 20], b"\n".to_vec()].concat()] {
            let mut parser = Parser::default();
            let fed = (0..100).take_while(|_| parser.feed(&line)).count();
            assert!((60..65).contains(&fed), "{fed} MiB");
        }
    }
}
