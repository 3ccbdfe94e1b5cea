//! Runs a command until it ends or a signal arrives, even while the command cannot write its output.

use std::io;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::failure::Failure;

/// How long an interrupted command may take to remove its temporary files.
const CLEAN_UP: Duration = Duration::from_millis(500);

/// Runs `command` on a thread of its own, and returns its result or [`Failure::Interrupted`].
///
/// A write to a full pipe blocks the thread of the command, so that this thread waits for signals.
/// The program must end after this function has returned.
pub(crate) fn until_interrupted<F>(command: impl FnOnce() -> F + Send + 'static) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let (cancel, cancelled) = oneshot::channel::<()>();
    let (ended, mut result) = oneshot::channel();
    let run = async move || {
        tokio::select! {
            result = command() => result,
            _ = cancelled => Err(Failure::Interrupted { signal: SignalKind::interrupt() }),
        }
    };
    runtime()?.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::Runtime)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(Failure::Runtime)?;
        thread::spawn(move || {
            // This fails when the program ends because of a signal.
            let _ = ended.send(runtime().and_then(|runtime| runtime.block_on(run())));
        });
        let signal = tokio::select! {
            result = &mut result => return result.unwrap_or_else(|_| Err(panicked())),
            _ = interrupt.recv() => SignalKind::interrupt(),
            _ = terminate.recv() => SignalKind::terminate(),
        };
        drop(cancel);
        // A command that is blocked in a write does not get to it.
        let _ = tokio::time::timeout(CLEAN_UP, result).await;
        Err(Failure::Interrupted { signal })
    })
}

fn runtime() -> Result<Runtime, Failure> {
    Builder::new_current_thread().enable_all().build().map_err(Failure::Runtime)
}

fn panicked() -> Failure {
    Failure::Runtime(io::Error::other("the command panicked"))
}
