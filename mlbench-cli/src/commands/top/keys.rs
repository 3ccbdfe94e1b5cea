//! Reads keys from the terminal.
//!
//! The bytes are decoded here, because the reader of crossterm forgets keys that are pressed while the terminal changes
//! its size, and never ends when the terminal is gone.

use std::thread;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read as read_bytes};
use tokio::sync::mpsc;

use super::state::Key;

/// Keys that wait for the dashboard.
const WAITING: usize = 64;
/// How long the rest of a key's bytes may take. Without a rest, the first of them is the Escape key.
const REST: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// Returns the keys that the user presses. The channel closes when the terminal is gone.
///
/// A thread waits for them until the process ends.
pub(super) fn read() -> mpsc::Receiver<Key> {
    let (sender, keys) = mpsc::channel(WAITING);
    thread::spawn(move || read_all(&sender));
    keys
}

fn read_all(keys: &mpsc::Sender<Key>) {
    let mut bytes = Vec::new();
    while let Ok(count) = read_more(&mut bytes) {
        // Nothing more within the time for the rest.
        let is_whole = count == 0;
        for key in decode(&mut bytes, is_whole) {
            if keys.blocking_send(key).is_err() {
                return;
            }
        }
    }
}

/// Appends bytes of the terminal, and returns their number, 0 without the rest of a key.
///
/// It waits for the first byte of a key, and for its rest a moment only.
fn read_more(bytes: &mut Vec<u8>) -> rustix::io::Result<usize> {
    let stdin = rustix::stdio::stdin();
    loop {
        let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut ready, (!bytes.is_empty()).then_some(&REST)) {
            Ok(0) => return Ok(0),
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error),
        }
        let mut new = [0; 256];
        match read_bytes(stdin, &mut new) {
            // The terminal is gone.
            Ok(0) => return Err(Errno::IO),
            Ok(count) => {
                bytes.extend_from_slice(&new[..count]);
                return Ok(count);
            }
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => return Err(error),
        }
    }
}

/// What bytes begin with.
enum Begin {
    /// A key of some bytes.
    Key(Key, usize),
    /// Bytes without a meaning here.
    Other(usize),
    /// A part of a key.
    Part,
}

/// Removes the keys from the beginning of bytes. `is_whole` if no more bytes belong to the last one.
fn decode(bytes: &mut Vec<u8>, is_whole: bool) -> Vec<Key> {
    let (mut keys, mut used) = (Vec::new(), 0);
    while used < bytes.len() {
        used += match begin(&bytes[used..]) {
            Begin::Key(key, count) => {
                keys.push(key);
                count
            }
            Begin::Other(count) => count,
            Begin::Part if !is_whole => break,
            Begin::Part => {
                keys.extend((bytes[used] == 0x1b && used + 1 == bytes.len()).then_some(Key::Escape));
                bytes.len() - used
            }
        };
    }
    bytes.drain(..used);
    keys
}

fn begin(bytes: &[u8]) -> Begin {
    match bytes {
        [0x1b, 0x1b, ..] => Begin::Key(Key::Escape, 1),
        [0x1b] | [0x1b, b'O'] => Begin::Part,
        [0x1b, b'O', last, ..] => sequence(&[], *last, 3),
        [0x1b, b'[', rest @ ..] => match rest.iter().position(|byte| (0x40..=0x7e).contains(byte)) {
            Some(at) => sequence(&rest[..at], rest[at], at + 3),
            None => Begin::Part,
        },
        // A key together with Alt.
        [0x1b, ..] => Begin::Other(2),
        [first, ..] if *first < 0x20 || *first == 0x7f => control(*first),
        _ => character(bytes),
    }
}

/// Returns the key of a control sequence. Shift, Alt and Control make no difference.
fn sequence(parameters: &[u8], last: u8, count: usize) -> Begin {
    let key = match (last, parameters.split(|byte| *byte == b';').next().unwrap_or_default()) {
        (b'A', _) => Key::Up,
        (b'B', _) => Key::Down,
        (b'C', _) => Key::Right,
        (b'D', _) => Key::Left,
        (b'H', _) | (b'~', b"1" | b"7") => Key::Home,
        (b'F', _) | (b'~', b"4" | b"8") => Key::End,
        (b'M', []) => Key::Enter,
        (b'~', b"5") => Key::PageUp,
        (b'~', b"6") => Key::PageDown,
        _ => return Begin::Other(count),
    };
    Begin::Key(key, count)
}

fn control(byte: u8) -> Begin {
    let key = match byte {
        0x02 => Key::PageUp,
        0x03 => Key::Interrupt,
        0x04 | 0x06 => Key::PageDown,
        0x08 | 0x7f => Key::Backspace,
        b'\r' | b'\n' => Key::Enter,
        0x0c => Key::Redraw,
        0x15 => Key::Erase,
        0x1a => Key::Suspend,
        _ => return Begin::Other(1),
    };
    Begin::Key(key, 1)
}

fn character(bytes: &[u8]) -> Begin {
    let most = &bytes[..bytes.len().min(4)];
    let text = match std::str::from_utf8(most) {
        Ok(text) => text,
        Err(error) if error.valid_up_to() > 0 => {
            std::str::from_utf8(&most[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(error) if error.error_len().is_none() => return Begin::Part,
        Err(_) => return Begin::Other(1),
    };
    match text.chars().next() {
        Some(c) if !c.is_control() => Begin::Key(Key::Char(c), c.len_utf8()),
        Some(c) => Begin::Other(c.len_utf8()),
        None => Begin::Other(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        decode(&mut bytes.to_vec(), true)
    }

    #[test]
    fn bytes_become_keys() {
        assert_eq!(keys(b"aG?"), [Key::Char('a'), Key::Char('G'), Key::Char('?')]);
        assert_eq!(keys("ü日x".as_bytes()), [Key::Char('ü'), Key::Char('日'), Key::Char('x')]);
        assert_eq!(keys(b"\x1b[A\x1b[B\x1bOC\x1bOD"), [Key::Up, Key::Down, Key::Right, Key::Left]);
        assert_eq!(
            keys(b"\x1b[5~\x1b[6~\x1b[H\x1b[4~\x1b[1;5A"),
            [Key::PageUp, Key::PageDown, Key::Home, Key::End, Key::Up]
        );
        assert_eq!(
            keys(b"\r\x7f\x0c\x15\x1a\x03"),
            [Key::Enter, Key::Backspace, Key::Redraw, Key::Erase, Key::Suspend, Key::Interrupt]
        );
        assert_eq!(keys(b"\x1b"), [Key::Escape]);
        assert_eq!(keys(b"\x1b\x1b[A"), [Key::Escape, Key::Up]);
    }

    #[test]
    fn bytes_without_a_meaning_press_no_key() {
        assert_eq!(keys(b"\x1b[15~\x1b[?1;2c\x1bxa\x19\xff\xc2\x9b\x1b[M"), [Key::Char('a'), Key::Enter]);
        assert_eq!(keys(b"\x1b[1;"), []);
        assert_eq!(keys(b"\xe6\x97"), []);
    }

    #[test]
    fn a_key_that_comes_in_parts_is_one_key() {
        for whole in ["\x1b[1;5A", "\x1bOA", "日", "\x1b[6~"] {
            let expected = keys(whole.as_bytes());
            assert_eq!(expected.len(), 1, "{whole:?}");
            let (mut bytes, mut found) = (Vec::new(), Vec::new());
            for byte in whole.bytes() {
                bytes.push(byte);
                found.extend(decode(&mut bytes, false));
            }
            assert_eq!((found, bytes.len()), (expected, 0), "{whole:?}");
        }
    }

    #[test]
    fn any_bytes_are_decoded_to_their_end() {
        for first in 0..=255 {
            for second in 0..=255 {
                let mut bytes = vec![first, second, b'[', first];
                decode(&mut bytes, true);
                assert!(bytes.is_empty());
            }
        }
    }
}
