//! A terminal of its own for a program: a pseudo-terminal, and the screen that it would show.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::thread;

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcgetattr, tcsetwinsize};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;
use vt100::Color;
pub use vt100::Screen;

use crate::cli::clean_environment;
use crate::wait::TIMEOUT;

/// A program on a terminal.
pub struct Terminal {
    controller: File,
    /// The program's side, which keeps the modes when the program has ended.
    user: OwnedFd,
    output: mpsc::UnboundedReceiver<Vec<u8>>,
    screen: vt100::Parser,
    modes_before: String,
    child: Child,
}

impl Terminal {
    /// Starts a program on a terminal of 80 columns and 24 lines, as the leader of a session.
    ///
    /// # Panics
    /// If the system has no terminal.
    #[must_use]
    pub fn start(setsid: &Path, program: &Path, args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::start_with_rows(24, setsid, program, args, env)
    }

    /// Starts a program on a terminal of 80 columns and any number of lines, as the leader of a session.
    ///
    /// # Panics
    /// If the system has no terminal.
    #[must_use]
    pub fn start_with_rows(
        rows: u16,
        setsid: &Path,
        program: &Path,
        args: &[&str],
        env: &[(&str, &str)],
    ) -> Self {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let name = PathBuf::from(ptsname(&controller, Vec::new()).unwrap().into_string().unwrap());
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let user = rustix::fs::open(&name, flags, Mode::empty()).unwrap();
        tcsetwinsize(&controller, size(rows, 80)).unwrap();
        let modes_before = modes(&user);
        let side = || File::from(user.try_clone().unwrap());
        let mut command = Command::new(setsid);
        clean_environment(&mut command);
        command.arg("--ctty").arg(program).args(args).env("TERM", "xterm-256color").env_remove("NO_COLOR");
        command.envs(env.iter().copied()).stdin(side()).stdout(side()).stderr(side()).kill_on_drop(true);
        let child = command.spawn().unwrap();
        let controller = File::from(controller);
        let (sender, output) = mpsc::unbounded_channel();
        let mut reader = controller.try_clone().unwrap();
        // It ends with an error when both sides of the terminal are closed.
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let screen = vt100::Parser::new(lines(rows), lines(80), 0);
        Self { controller, user, output, screen, modes_before, child }
    }

    /// Types on the keyboard.
    ///
    /// # Panics
    /// If the terminal is gone.
    pub fn press(&mut self, keys: &str) {
        self.controller.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until the screen shows all of these texts.
    ///
    /// # Panics
    /// If it does not in time.
    pub async fn shows(&mut self, texts: &[&str]) {
        self.shows_where(&format!("{texts:?}"), |screen| {
            let contents = screen.contents();
            texts.iter().all(|text| contents.contains(text))
        })
        .await;
    }

    /// Waits until the screen satisfies a condition.
    ///
    /// # Panics
    /// If it does not in time.
    pub async fn shows_where(&mut self, what: &str, is_shown: impl Fn(&Screen) -> bool) {
        let read = async {
            while !is_shown(self.screen.screen()) {
                let Some(bytes) = self.output.recv().await else { return };
                self.screen.process(&bytes);
            }
        };
        let result = timeout(TIMEOUT, read).await;
        let screen = self.screen.screen();
        assert!(result.is_ok() && is_shown(screen), "the screen lacks {what}:\n{}", screen.contents());
    }

    /// Changes the size of the terminal.
    ///
    /// # Panics
    /// If the terminal is gone.
    pub fn resize(&mut self, rows: u16, columns: u16) {
        self.screen.screen_mut().set_size(lines(rows), lines(columns));
        tcsetwinsize(&self.controller, size(rows, columns)).unwrap();
    }

    /// Sends a signal to the program.
    ///
    /// # Panics
    /// If the program has ended.
    pub fn signal(&self, signal: Signal) {
        let pid = self.child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).unwrap())).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits until the program has ended, and returns its exit code.
    ///
    /// # Panics
    /// If it does not end in time, or leaves the terminal in other modes than before.
    pub async fn ends(&mut self) -> i32 {
        let status = timeout(TIMEOUT, self.child.wait()).await.unwrap().unwrap();
        self.shows_where("the ordinary screen with a cursor", |screen| {
            !screen.alternate_screen() && !screen.hide_cursor()
        })
        .await;
        assert_eq!(modes(&self.user), self.modes_before);
        status.code().unwrap_or(-1)
    }

    /// Waits until the program has ended, and returns its exit code and all that the screen shows then.
    ///
    /// # Panics
    /// If it does not end in time, or leaves the terminal in other modes than before.
    pub async fn last_screen(mut self) -> (i32, String) {
        let code = self.ends().await;
        let Self { user, mut output, mut screen, .. } = self;
        // Without the program's side, the output has an end.
        drop(user);
        while let Some(bytes) = timeout(TIMEOUT, output.recv()).await.unwrap() {
            screen.process(&bytes);
        }
        (code, screen.screen().contents())
    }

    /// Returns whether something on the screen has a colour.
    #[must_use]
    pub fn has_colours(&self) -> bool {
        let screen = self.screen.screen();
        let (rows, columns) = screen.size();
        let places = (0..rows.get()).flat_map(|row| (0..columns.get()).map(move |column| (row, column)));
        let mut cells = places.filter_map(|(row, column)| screen.cell(row, column));
        cells.any(|cell| cell.fgcolor() != Color::Default || cell.bgcolor() != Color::Default)
    }

    /// Returns the text of the screen.
    #[must_use]
    pub fn contents(&self) -> String {
        self.screen.screen().contents()
    }
}

fn size(ws_row: u16, ws_col: u16) -> Winsize {
    Winsize { ws_row, ws_col, ws_xpixel: 0, ws_ypixel: 0 }
}

/// Returns a number of lines or columns, at least one.
fn lines(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).unwrap_or(NonZeroU16::MIN)
}

fn modes(terminal: &OwnedFd) -> String {
    format!("{:?}", tcgetattr(terminal).unwrap())
}
