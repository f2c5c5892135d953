//! The only place of the mock that reads clocks, waits for time to pass and starts threads.

use std::io;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The wall clock in Unix ms.
#[expect(
    clippy::disallowed_methods,
    reason = "the mock plays the far end of the feed, which has its own clock"
)]
pub(crate) fn wall_ms() -> i64 {
    // A clock before 1970 would only spoil made-up times.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as i64
}

/// The monotonic clock the schedules run on.
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Waits until a moment, or without end for `None`.
pub(crate) async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Gives up on a future after a while.
pub(crate) async fn within<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    tokio::time::timeout(limit, future).await.ok()
}

/// Runs `body` on a named thread with its own single-threaded runtime.
#[expect(clippy::disallowed_methods, reason = "the one thread of a server; joined by its handle")]
pub(crate) fn thread<F, Fut>(name: &str, body: F) -> io::Result<JoinHandle<()>>
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = ()>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    std::thread::Builder::new().name(name.to_owned()).spawn(move || runtime.block_on(body()))
}
