//! Runs a command until it ends or a signal arrives, even while the command cannot write its output.

use std::io;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};

use crate::failure::Failure;
use crate::output::is_paging;

/// How long an interrupted command may take to remove its temporary files.
const CLEAN_UP: Duration = Duration::from_millis(500);

/// Lets a command wait for a signal.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(watch::Receiver<Option<SignalKind>>);

impl Interrupt {
    /// Waits until a signal arrives, and returns it. The command must end soon then.
    pub(crate) async fn asked(&self) -> SignalKind {
        let mut signal = self.0.clone();
        // An error means that the sender is gone, which it is after the signal only.
        signal
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|signal| *signal)
            .unwrap_or(SignalKind::interrupt())
    }
}

/// Runs `command` on a thread of its own, and returns its result or [`Failure::Interrupted`].
///
/// A command has `grace` to end by itself after a signal; then it is dropped at its current `await`.
/// A write to a full pipe blocks the thread of the command, so that this thread waits for signals.
/// The program must end after this function has returned.
pub(crate) fn until_interrupted<F>(
    grace: Duration,
    command: impl FnOnce(Interrupt) -> F + Send + 'static,
) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let (cancel, cancelled) = oneshot::channel::<()>();
    let (ended, mut result) = oneshot::channel();
    let (asked, interrupt) = watch::channel(None);
    let run = async move || {
        tokio::select! {
            result = command(Interrupt(interrupt)) => result,
            _ = cancelled => Err(Failure::interrupted(SignalKind::interrupt())),
        }
    };
    runtime()?.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::Runtime)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(Failure::Runtime)?;
        thread::spawn(move || {
            // This fails when the program ends because of a signal.
            let result = runtime().and_then(|runtime| {
                let result = runtime.block_on(run());
                // A read of standard input may not have ended.
                runtime.shutdown_background();
                result
            });
            let _ = ended.send(result);
        });
        let signal = loop {
            tokio::select! {
                result = &mut result => return result.unwrap_or_else(|_| Err(panicked())),
                // In a pager, Ctrl-C ends a search, for example.
                _ = interrupt.recv() => if !is_paging() { break SignalKind::interrupt() },
                _ = terminate.recv() => break SignalKind::terminate(),
            }
        };
        asked.send_replace(Some(signal));
        match tokio::time::timeout(grace, &mut result).await {
            Ok(Ok(Err(failure))) => return Err(failure),
            Ok(_) => return Err(Failure::interrupted(signal)),
            Err(_) => {}
        }
        drop(cancel);
        // A command that is blocked in a write does not get to it.
        let _ = tokio::time::timeout(CLEAN_UP, result).await;
        Err(Failure::interrupted(signal))
    })
}

fn runtime() -> Result<Runtime, Failure> {
    Builder::new_current_thread().enable_all().build().map_err(Failure::Runtime)
}

fn panicked() -> Failure {
    Failure::Runtime(io::Error::other("the command panicked"))
}
