//! Waiting for a cluster and a storage that are not reachable yet.

use std::time::Duration;

use bastion_core::{backoff::Backoff, error::chain};
use tracing::warn;

use crate::error::Result;

/// Calls `connect` until it succeeds, while the other side is merely unavailable: a process that starts with its node
/// should not end because the network is late. Any other error is returned, since nothing here can mend it.
///
/// ```no_run
/// use bastion_sdk::{Session, replica::retry_while_unavailable, spec::{ClusterSpec, RepositorySpec}};
///
/// # async fn connect() -> bastion_sdk::Result<Session> {
/// let (cluster, repository) = (ClusterSpec::default(), RepositorySpec::new("s3://backups/prod"));
/// retry_while_unavailable(async || Session::connect(&cluster, &repository).await).await
/// # }
/// ```
pub async fn retry_while_unavailable<T>(connect: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    retry(Backoff::new(Duration::from_secs(1), Duration::from_secs(30)).jitter(0.0), connect).await
}

async fn retry<T>(mut backoff: Backoff, mut connect: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    loop {
        match connect().await {
            Err(e) if e.category().is_retryable() => {
                let pause = backoff.next(0);
                warn!("not ready yet, retrying in {pause:?}: {}", chain(&e));
                tokio::time::sleep(pause).await;
            }
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use bastion_core::{Category, source::SourceError};

    use super::*;
    use crate::error::Error;

    fn failure(category: Category) -> Error {
        SourceError::new(category, "cannot reach the cluster").into()
    }

    #[tokio::test]
    async fn what_is_unavailable_is_tried_again_and_everything_else_is_an_error() {
        let backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(1));
        let mut calls = 0;
        let connected = retry(backoff.clone(), async || {
            calls += 1;
            if calls < 3 { Err(failure(Category::Unavailable)) } else { Ok(calls) }
        });
        assert!(matches!(connected.await, Ok(3)));

        let mut calls = 0;
        let denied = retry(backoff, async || {
            calls += 1;
            Err::<(), _>(failure(Category::Denied))
        });
        assert_eq!(denied.await.err().map(|e| e.category()), Some(Category::Denied));
        assert_eq!(calls, 1);
    }
}
