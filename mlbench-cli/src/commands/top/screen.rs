//! The terminal: taken over for the dashboard, and always given back as it was.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Stdout, Write as _};
use std::os::fd::AsFd as _;
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use ratatui::{Frame, Terminal};
use rustix::process::{Signal, getpgrp, kill_process_group};

/// Switches to the alternate screen and hides the cursor.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[2J";
/// Ends styles, shows the cursor and switches back.
const LEAVE: &[u8] = b"\x1b[0m\x1b[?25h\x1b[?1049l";

/// Bytes that wait for the terminal: more than a large screen has.
const BUFFER: usize = 1 << 18;

/// Whether the terminal is taken over.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal, which is given back when this is dropped.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
}

/// Returns whether there is a terminal to read keys from and to draw on.
pub(super) fn is_there() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

impl Screen {
    /// Takes over the terminal.
    pub(super) fn open() -> io::Result<Self> {
        restore_on_panic();
        take()?;
        let backend = CrosstermBackend::new(BufWriter::with_capacity(BUFFER, io::stdout()));
        let terminal = Terminal::new(backend).inspect_err(|_| restore())?;
        Ok(Self { terminal })
    }

    /// Draws on the terminal, in its present size.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(draw).map(drop)
    }

    /// Takes the terminal over again after somebody else had it, and forgets what it shows.
    pub(super) fn retake(&mut self) -> io::Result<()> {
        restore();
        take()?;
        let size = self.terminal.size()?;
        // Unlike `clear`, this does not ask the terminal where its cursor is.
        self.terminal.resize(size.into())
    }

    /// Gives the terminal back and asks the system to suspend this process.
    ///
    /// All that the shell started with it is suspended too. Nothing happens without a shell that could resume it.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        restore();
        Ok(kill_process_group(getpgrp(), Signal::TSTP)?)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    IS_TAKEN.store(true, Ordering::SeqCst);
    write(ENTER).inspect_err(|_| restore())
}

/// Gives the terminal back, if it is taken over.
///
/// The modes come first, because a terminal that shows nothing more would hold up the rest.
pub(crate) fn restore() {
    if IS_TAKEN.swap(false, Ordering::SeqCst) {
        // These fail without a terminal, which has no modes then.
        let _ = disable_raw_mode();
        let _ = write(LEAVE);
    }
}

/// Writes to the terminal past the buffer of standard output, which another thread may hold.
fn write(bytes: &[u8]) -> io::Result<()> {
    File::from(io::stdout().as_fd().try_clone_to_owned()?).write_all(bytes)
}

/// Gives the terminal back before a panic is reported.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            restore();
            report(panic);
        }));
    });
}
