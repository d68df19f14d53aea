//! Waiting for a condition, with a deadline: tests never sleep for luck.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// How often a condition is looked at.
const PAUSE: Duration = Duration::from_millis(50);

/// Asks until the answer is `Ok(Some(value))`, or the deadline has passed. `Ok(None)` and errors mean
/// "not yet"; the last error is shown when time is up.
///
/// # Errors
/// When the deadline has passed: what was waited for, how long, and the last error seen.
pub async fn until<T>(what: &str, deadline: Duration, mut ask: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let started = Instant::now();
    let mut last = None;
    loop {
        let left = deadline.saturating_sub(started.elapsed());
        match tokio::time::timeout(left.max(PAUSE), ask()).await {
            Ok(Ok(Some(value))) => return Ok(value),
            Ok(Ok(None)) => last = None,
            Ok(Err(e)) => last = Some(e),
            Err(_) => {}
        }
        if started.elapsed() >= deadline {
            let what = format!("waited {:.1} s in vain for {what}", started.elapsed().as_secs_f32());
            return Err(match last {
                Some(e) => Error::with(what, e),
                None => Error::new(what),
            });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// [`until`] for a plain yes or no.
///
/// # Errors
/// When the deadline has passed without a yes.
pub async fn until_true<F>(what: &str, deadline: Duration, mut ask: F) -> Result<()>
where
    F: FnMut() -> bool,
{
    until(what, deadline, async || Ok(ask().then_some(()))).await
}

/// Watches that a condition stays true for a while: for things that must *not* happen.
///
/// # Errors
/// As soon as the condition is false.
pub async fn stays_true<F>(what: &str, lasting: Duration, mut ask: F) -> Result<()>
where
    F: FnMut() -> bool,
{
    let started = Instant::now();
    while started.elapsed() < lasting {
        if !ask() {
            return Err(Error::new(format!("no longer true after {:?}: {what}", started.elapsed())));
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}
