//! Clocks that are wrong.

use std::{sync::Arc, time::Duration};

use futures::{future::BoxFuture, stream::TryStreamExt};

use super::support::*;
use crate::{
    runtime::{Runtime, SharedRuntime, Task},
    store::MemoryStore,
    time::Timestamp,
};

const DAY: i64 = 86_400_000;

/// A machine whose clock is wrong by so many milliseconds.
#[derive(Debug)]
struct Off(SharedRuntime, i64);

impl Runtime for Off {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.now().as_millis() + self.1)
    }
    fn uptime(&self) -> Duration {
        self.0.uptime()
    }
    fn sleep(&self, how_long: Duration) -> BoxFuture<'static, ()> {
        self.0.sleep(how_long)
    }
    fn random(&self) -> u64 {
        self.0.random()
    }
    fn spawn(&self, task: BoxFuture<'static, ()>) -> Task {
        self.0.spawn(task)
    }
    fn offload(&self, work: Box<dyn FnOnce() + Send + 'static>) -> BoxFuture<'static, ()> {
        self.0.offload(work)
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_a_day_off_neither_reorders_states_nor_turns_the_log_back() {
    let (store, right) = (MemoryStore::new(), runtime(1));
    init(store.clone(), &right).await;
    // One machine lives in tomorrow, one in yesterday; their writers take turns.
    let tomorrow: SharedRuntime = Arc::new(Off(right.clone(), DAY));
    let yesterday: SharedRuntime = Arc::new(Off(right.clone(), -DAY));
    let open_at = async |rt: &SharedRuntime| open(store.clone(), rt).await.unwrap();
    let repository = open_at(&right).await;
    let mut late = writer(&open_at(&tomorrow).await, "watch").await;
    let mut early = writer(&open_at(&yesterday).await, "backup").await;
    commit(&mut early, [put("a", 1, "one")]).await.unwrap();
    commit(&mut late, [put("a", 2, "two")]).await.unwrap();
    right.sleep(Duration::from_secs(10)).await;
    commit(&mut early, [put("a", 3, "three"), deleted("b", 4)]).await.unwrap();
    late.checkpoint().await.unwrap();
    // An older state that comes with the newest clock stays older.
    commit(&mut late, [put("a", 5, "five"), put("c", 6, "six")]).await.unwrap();
    let done = commit(&mut early, [put("c", 5, "stale")]).await.unwrap();
    assert_eq!((done.records, done.stale), (0, 1));
    early.close().await.unwrap();

    assert_eq!(history(&repository, "a").await, ["5 put", "3 put", "2 put", "1 put"]);
    assert_eq!(history(&repository, "c").await, ["6 put"]);
    let entries: Vec<_> = repository.log(CLUSTER, 0).try_collect().await.unwrap();
    let times: Vec<i64> = entries.iter().map(|e| e.at.as_millis()).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert!(times[2] >= times[1], "what came after tomorrow is not of yesterday: {times:?}");
    let report = repository.verify(&crate::repository::VerifyOptions::default(), |_| {}).await.unwrap();
    assert!(report.is_clean(), "{:?}", report.problems);
}
