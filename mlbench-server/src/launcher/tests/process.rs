//! The process of a rank, which follows a script.

use bytes::Bytes;

use crate::cluster::{Offsets, Output};

/// Maximum number of bytes per read of a stream: small, so that lines arrive in pieces.
const PIECE: usize = 5;

/// What a rank writes, and how it exits.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) exit: Exit,
}

/// How the process of a rank ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Exits by itself, with this code.
    WithCode(i32),
    /// Exits at SIGTERM, with code 143 and a last line.
    OnTerm,
    /// Exits only at SIGKILL.
    OnKill,
    /// Survives SIGKILL.
    Never,
    /// Exits at SIGKILL, but its exit code cannot be stored.
    Unstored,
    /// Never exits: its pod is gone.
    PodLost,
    /// Cannot be launched.
    LaunchRefused,
}

/// Returns a script that writes some lines to both streams.
pub(crate) fn script(exit: Exit) -> Script {
    Script { stdout: b"one\ntwo\r\nlast".to_vec(), stderr: b"err\n".to_vec(), exit }
}

/// The process of a launched rank.
pub(super) struct Process {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    pub(super) exit: Exit,
    pub(super) exit_code: Option<i32>,
}

impl Process {
    pub(super) fn launched(script: &Script) -> Self {
        let exit_code = match script.exit {
            Exit::WithCode(code) => Some(code),
            _ => None,
        };
        Self { stdout: script.stdout.clone(), stderr: script.stderr.clone(), exit: script.exit, exit_code }
    }

    pub(super) fn output(&self, from: Offsets) -> Output {
        let rest = |bytes: &[u8], from: u64| {
            // Nothing, when a reader wants no more.
            let rest = bytes.get(usize::try_from(from).unwrap()..).unwrap_or_default();
            (Bytes::copy_from_slice(&rest[..rest.len().min(PIECE)]), rest.len() <= PIECE)
        };
        let ((stdout, all_stdout), (stderr, all_stderr)) =
            (rest(&self.stdout, from.stdout), rest(&self.stderr, from.stderr));
        let exit_code = self.exit_code.filter(|_| all_stdout && all_stderr);
        Output { stdout, stderr, exit_code, ..Output::default() }
    }
}
