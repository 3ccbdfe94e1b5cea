//! Which tasks may block their thread for a short read.
//!
//! A connection may: the runtime moves the other tasks of its thread elsewhere, and no deadline of its own runs meanwhile.
//! The launcher, the monitor and the checks of health may not, since they must go on while a disk does not respond.

use std::future::Future;

tokio::task_local! {
    static ALLOWED: ();
}

/// Returns a future in which short reads block the thread.
pub async fn allow<F: Future>(future: F) -> F::Output {
    ALLOWED.scope((), future).await
}

/// Returns whether the current task may block its thread.
#[must_use]
pub fn is_allowed() -> bool {
    ALLOWED.try_with(|()| ()).is_ok()
}
