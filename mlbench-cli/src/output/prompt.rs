//! Reads a secret, which a terminal does not show.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::task::spawn_blocking;

/// Longest secret, in bytes.
const MAX_SECRET: u64 = 1 << 16;

/// The terminal as it was before the secret is read.
struct Shown(Termios);

impl Drop for Shown {
    fn drop(&mut self) {
        // A terminal that has gone needs no settings.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// Reads a line from standard input, after a prompt and without echo on a terminal.
///
/// When it is dropped, the terminal shows again what is typed.
///
/// # Errors
/// If nothing can be read, or with [`Interrupted`](io::ErrorKind::Interrupted) if the user presses Ctrl-C.
pub(crate) async fn read_secret(prompt: &str) -> io::Result<String> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        let line = spawn_blocking(move || {
            let mut line = String::new();
            stdin.lock().take(MAX_SECRET).read_line(&mut line).map(|_| line)
        });
        return Ok(line.await??.trim().to_owned());
    }
    let earlier = tcgetattr(&stdin)?;
    let mut hidden = earlier.clone();
    // Without signals of the terminal, Ctrl-C cannot end the program before the echo is back.
    hidden.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
    let shown = Shown(earlier);
    tcsetattr(&stdin, OptionalActions::Now, &hidden)?;
    // What is typed after the prompt is not shown.
    write!(io::stderr(), "{prompt}")?;
    let secret = spawn_blocking(move || edited(stdin.lock().bytes())).await;
    drop(shown);
    writeln!(io::stderr())?;
    secret?
}

/// Returns what the keys of a line leave: Backspace and Ctrl-U work, Ctrl-C and Ctrl-D end it.
fn edited(keys: impl Iterator<Item = io::Result<u8>>) -> io::Result<String> {
    let mut line = Vec::new();
    for key in keys.take(MAX_SECRET as usize) {
        match key? {
            b'\r' | b'\n' | 0x04 => break,
            0x03 => return Err(io::Error::new(io::ErrorKind::Interrupted, "cancelled")),
            0x08 | 0x7f => drop(line.pop()),
            0x15 => line.clear(),
            key => line.push(key),
        }
    }
    Ok(String::from_utf8_lossy(&line).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_edit_the_secret() {
        let secret = |keys: &str| edited(keys.bytes().map(Ok)).ok();
        assert_eq!(secret("secret\rmore").as_deref(), Some("secret"));
        assert_eq!(secret("x\u{15}sek\u{7f}cret \n").as_deref(), Some("secret"));
        assert_eq!(secret("sec\u{3}"), None);
        assert_eq!(secret("\u{7f}\u{4}").as_deref(), Some(""));
    }
}
