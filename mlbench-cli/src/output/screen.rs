//! [`Screen`]: what the user and the terminal say about standard output.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::sync::OnceLock;

use clap::ValueEnum;

/// When states are coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Also in a file or a pipe
    Always,
    /// Not at all
    Never,
}

/// What the user says about standard output.
#[derive(Debug, Clone, Default)]
pub(crate) struct Screen {
    pub(crate) color: ColorChoice,
    /// Whether the environment asks for no colours, or the terminal has none.
    pub(crate) is_plain: bool,
    /// Whether the terminal shows lines only, and cannot replace them.
    pub(crate) is_dumb: bool,
    /// The command of the pager. `None` for the usual one, an empty one for no pager.
    pub(crate) pager: Option<String>,
}

/// The choices of the user. Unset in tests.
static SCREEN: OnceLock<Screen> = OnceLock::new();

impl Screen {
    /// Makes these choices those of all printers.
    pub(crate) fn set(self) {
        // There is one command line in the life of a process.
        let _ = SCREEN.set(self);
    }

    /// Returns the choices of the user.
    pub(super) fn get() -> Self {
        SCREEN.get().cloned().unwrap_or_default()
    }

    /// Returns whether states are coloured.
    pub(crate) const fn has_colour(&self, is_terminal: bool) -> bool {
        match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => is_terminal && !self.is_plain,
        }
    }
}

/// Returns whether standard output is a terminal.
pub(crate) fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Returns whether the user and the terminal of standard output want colours.
pub(crate) fn stdout_has_colour() -> bool {
    Screen::get().has_colour(stdout_is_terminal())
}

/// Returns whether the terminal is known to show lines only.
pub(crate) fn terminal_is_dumb() -> bool {
    Screen::get().is_dumb
}

/// Returns the columns and rows of the terminal of standard output, if it says them.
pub(super) fn size() -> Option<(usize, usize)> {
    size_of(io::stdout())
}

/// Returns the columns and rows of a terminal, if it says them.
pub(super) fn size_of(terminal: impl AsFd) -> Option<(usize, usize)> {
    let size = rustix::termios::tcgetwinsize(terminal).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then(|| (size.ws_col.into(), size.ws_row.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_a_terminal_unless_the_user_says_otherwise() {
        let has = |color, is_plain, is_terminal| {
            Screen { color, is_plain, ..Screen::default() }.has_colour(is_terminal)
        };
        assert!(has(ColorChoice::Auto, false, true));
        assert!(!has(ColorChoice::Auto, false, false) && !has(ColorChoice::Auto, true, true));
        assert!(has(ColorChoice::Always, true, false));
        assert!(!has(ColorChoice::Never, false, true));
    }
}
