use std::{
    collections::VecDeque,
    fmt,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{
    FutureExt,
    stream::{self, BoxStream, StreamExt},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{Key, Meta, Prefix, PutOptions, Store, StoreError, StoreResult};
use crate::runtime::SharedRuntime;

/// The operations of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // the operations of `Store`
pub enum Verb {
    Put,
    Get,
    Head,
    List,
    Delete,
}

/// One call, as a [`FaultyStore`] sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// 1 for the first call.
    pub number: u64,
    /// Which operation.
    pub verb: Verb,
    /// Its key, or the prefix that is listed.
    pub key: String,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {}", self.number, self.verb, self.key)
    }
}

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// [`StoreError::Unavailable`], and nothing is done.
    Unavailable,
    /// [`StoreError::Throttled`], and nothing is done.
    Throttled,
    /// [`StoreError::Full`], and nothing is done.
    Full,
    /// [`StoreError::Denied`], and nothing is done.
    Denied,
    /// The request is lost and nothing is done, but the caller cannot know: [`StoreError::OutcomeUnknown`] for a
    /// put, `Unavailable` otherwise.
    LostRequest,
    /// The answer is lost: it is done, with the error of `LostRequest`. A list ends after some entries.
    LostAnswer,
    /// The error of `LostRequest`, and it is done this much later.
    Late(Duration),
    /// Succeeds after this delay.
    Slow(Duration),
    /// The process dies before it is done: this and every later call never returns.
    DieBefore,
    /// The process dies when it is done, before it gets the answer.
    DieAfter,
    /// One bit of what was read is flipped (get only).
    FlipBit,
}

/// The probability of each fault, between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[allow(missing_docs)] // each is the fault of its name
pub struct FaultRates {
    pub unavailable: f64,
    pub throttled: f64,
    pub lost_request: f64,
    pub lost_answer: f64,
    pub late: f64,
    pub slow: f64,
    /// The longest that `late` and `slow` take.
    pub longest_delay: Duration,
}

impl FaultRates {
    /// One call in ten fails in some way, with delays of up to two seconds.
    pub fn rough() -> Self {
        Self {
            unavailable: 0.02,
            throttled: 0.02,
            lost_request: 0.02,
            lost_answer: 0.02,
            late: 0.01,
            slow: 0.05,
            longest_delay: Duration::from_secs(2),
        }
    }

    fn draw(&self, rng: &mut StdRng) -> Option<Fault> {
        let (mut dice, stretch) = (rng.random::<f64>(), rng.random::<f64>());
        let delay = self.longest_delay.mul_f64(stretch);
        let table = [
            (self.unavailable, Fault::Unavailable),
            (self.throttled, Fault::Throttled),
            (self.lost_request, Fault::LostRequest),
            (self.lost_answer, Fault::LostAnswer),
            (self.late, Fault::Late(delay)),
            (self.slow, Fault::Slow(delay)),
        ];
        for (rate, fault) in table {
            if dice < rate {
                return Some(fault);
            }
            dice -= rate;
        }
        None
    }
}

type Script = Box<dyn FnMut(&Operation) -> Option<Fault> + Send>;

struct State {
    rng: StdRng,
    rates: FaultRates,
    script: Option<Script>,
    next: VecDeque<(Verb, Fault)>,
    death: Option<(u64, Fault)>,
    dead: bool,
    down: bool,
    trace: Vec<(Operation, Option<Fault>)>,
}

/// A store that fails on demand, or at random from a seed. For simulations. Clones share everything, so the engine
/// gets one clone and the test controls it by another.
///
/// The fault of a call is the first of: death, outage, [`fail_next`](Self::fail_next), the script, chance.
#[derive(Clone)]
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    runtime: SharedRuntime,
    state: Arc<Mutex<State>>,
    died: tokio::sync::watch::Sender<bool>,
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyStore").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl FaultyStore {
    /// A store without faults so far; `seed` is that of the random ones.
    pub fn new(inner: Arc<dyn Store>, runtime: SharedRuntime, seed: u64) -> Self {
        let state = State {
            rng: StdRng::seed_from_u64(seed),
            rates: FaultRates::default(),
            script: None,
            next: VecDeque::new(),
            death: None,
            dead: false,
            down: false,
            trace: Vec::new(),
        };
        Self { inner, runtime, state: Arc::new(Mutex::new(state)), died: tokio::sync::watch::Sender::new(false) }
    }

    /// Random faults from now on; `FaultRates::default()` ends them.
    pub fn set_rates(&self, rates: FaultRates) {
        self.state().rates = rates;
    }

    /// Asks `script` for the fault of every call.
    pub fn set_script(&self, script: impl FnMut(&Operation) -> Option<Fault> + Send + 'static) {
        self.state().script = Some(Box::new(script));
    }

    /// The next call of this kind has this fault; several faults queue up.
    pub fn fail_next(&self, verb: Verb, fault: Fault) {
        self.state().next.push_back((verb, fault));
    }

    /// The process dies at call number `number` (1 is the first of all): [`Fault::DieBefore`] or
    /// [`Fault::DieAfter`].
    pub fn die_at(&self, number: u64, how: Fault) {
        self.state().death = Some((number, how));
    }

    /// Begins or ends an outage: every call is `Unavailable`.
    pub fn set_down(&self, down: bool) {
        self.state().down = down;
    }

    /// Resolves when the process has died: the test then drops what it ran and opens the inner store anew.
    pub async fn died(&self) {
        // The sender lives in `self`: waiting cannot fail.
        let _ = self.died.subscribe().wait_for(|dead| *dead).await;
    }

    /// The number of calls so far.
    pub fn operations(&self) -> u64 {
        self.state().trace.len() as u64
    }

    /// Every call and its outcome, one a line; the same for the same seed.
    pub fn trace(&self) -> Vec<String> {
        let line = |(op, fault): &(Operation, Option<Fault>)| match fault {
            Some(fault) => format!("{op}: {fault:?}"),
            None => op.to_string(),
        };
        self.state().trace.iter().map(line).collect()
    }

    /// The keys of all calls of this kind.
    pub fn calls(&self, verb: Verb) -> Vec<String> {
        self.state().trace.iter().filter(|(op, _)| op.verb == verb).map(|(op, _)| op.key.clone()).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the call and says what goes wrong with it.
    fn judge(&self, verb: Verb, key: &str) -> Option<Fault> {
        let mut state = self.state();
        let number = state.trace.len() as u64 + 1;
        let op = Operation { number, verb, key: key.to_owned() };
        let fault = if state.dead {
            Some(Fault::DieBefore)
        } else if let Some((_, how)) = state.death.filter(|(at, _)| *at == number) {
            Some(how)
        } else if state.down {
            Some(Fault::Unavailable)
        } else if let Some(at) = state.next.iter().position(|(v, _)| *v == verb) {
            state.next.remove(at).map(|(_, fault)| fault)
        } else {
            let scripted = state.script.as_mut().and_then(|script| script(&op));
            let state = &mut *state;
            scripted.or_else(|| state.rates.draw(&mut state.rng))
        };
        state.trace.push((op, fault));
        if fault == Some(Fault::DieBefore) {
            state.dead = true;
            self.died.send_replace(true);
        }
        fault
    }

    async fn die<T>(&self) -> T {
        self.state().dead = true;
        self.died.send_replace(true);
        std::future::pending().await
    }

    /// Runs `call` under the fault that it meets. `lost` is what the caller hears when no answer comes.
    async fn meet<T>(
        &self,
        fault: Option<Fault>,
        key: &str,
        call: impl Future<Output = StoreResult<T>> + Send + 'static,
        lost: fn(String) -> StoreError,
    ) -> StoreResult<T>
    where
        T: Send + 'static,
    {
        let key = key.to_owned();
        let source = || "injected".into();
        match fault {
            None | Some(Fault::FlipBit) => call.await,
            Some(Fault::Unavailable) => Err(StoreError::Unavailable { key, source: source() }),
            Some(Fault::Throttled) => Err(StoreError::Throttled { key, source: source() }),
            Some(Fault::Full) => Err(StoreError::Full { key, source: source() }),
            Some(Fault::Denied) => Err(StoreError::Denied { key, source: source() }),
            Some(Fault::LostRequest) => Err(lost(key)),
            Some(Fault::LostAnswer) => {
                let _ = call.await; // nobody hears it
                Err(lost(key))
            }
            Some(Fault::Late(delay)) => {
                let runtime = self.runtime.clone();
                self.runtime.spawn(
                    async move {
                        runtime.sleep(delay).await;
                        // A request that had left the process is carried out even if the process has died.
                        let _ = call.await;
                    }
                    .boxed(),
                );
                Err(lost(key))
            }
            Some(Fault::Slow(delay)) => {
                self.runtime.sleep(delay).await;
                call.await
            }
            Some(Fault::DieBefore) => self.die().await,
            Some(Fault::DieAfter) => {
                let _ = call.await;
                self.die().await
            }
        }
    }
}

fn unknown(key: String) -> StoreError {
    StoreError::OutcomeUnknown { key, source: "injected".into() }
}

fn unavailable(key: String) -> StoreError {
    StoreError::Unavailable { key, source: "injected".into() }
}

#[async_trait]
impl Store for FaultyStore {
    async fn put(&self, key: &Key, body: Bytes, options: &PutOptions) -> StoreResult<Meta> {
        let fault = self.judge(Verb::Put, key.as_str());
        let (inner, at, options) = (self.inner.clone(), key.clone(), options.clone());
        let call = async move { inner.put(&at, body, &options).await };
        self.meet(fault, key.as_str(), call, unknown).await
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> StoreResult<Bytes> {
        let fault = self.judge(Verb::Get, key.as_str());
        let (inner, at) = (self.inner.clone(), key.clone());
        let call = async move { inner.get(&at, range).await };
        let body = self.meet(fault, key.as_str(), call, unavailable).await?;
        if fault != Some(Fault::FlipBit) || body.is_empty() {
            return Ok(body);
        }
        let mut flipped = body.to_vec();
        let bit = self.state().rng.random_range(0..flipped.len() * 8);
        flipped[bit / 8] ^= 1 << (bit % 8);
        Ok(flipped.into())
    }

    async fn head(&self, key: &Key) -> StoreResult<Meta> {
        let fault = self.judge(Verb::Head, key.as_str());
        let (inner, at) = (self.inner.clone(), key.clone());
        self.meet(fault, key.as_str(), async move { inner.head(&at).await }, unavailable).await
    }

    fn list(&self, prefix: &Prefix, after: Option<&Key>) -> BoxStream<'static, StoreResult<Meta>> {
        let fault = self.judge(Verb::List, prefix.as_str());
        let (this, text) = (self.clone(), prefix.as_str().to_owned());
        let entries = self.inner.list(prefix, after);
        if fault == Some(Fault::LostAnswer) {
            let cut = self.state().rng.random_range(0..10);
            let failed = stream::once(async move { Err(unavailable(text)) });
            return entries.take(cut).chain(failed).boxed();
        }
        let start = async move {
            match this.meet(fault, &text, async { Ok(()) }, unavailable).await {
                Ok(()) => entries,
                Err(e) => stream::once(async { Err(e) }).boxed(),
            }
        };
        start.flatten_stream().boxed()
    }

    async fn delete(&self, key: &Key) -> StoreResult<()> {
        let fault = self.judge(Verb::Delete, key.as_str());
        let (inner, at) = (self.inner.clone(), key.clone());
        self.meet(fault, key.as_str(), async move { inner.delete(&at).await }, unavailable).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use futures::TryStreamExt;

    use super::*;
    use crate::{
        runtime::SimRuntime,
        store::{MemoryStore, conformance},
    };

    fn store(seed: u64) -> (MemoryStore, FaultyStore) {
        let memory = MemoryStore::new();
        let faulty = FaultyStore::new(Arc::new(memory.clone()), Arc::new(SimRuntime::new(seed)), seed);
        (memory, faulty)
    }

    fn key(name: &str) -> Key {
        Key::from_segments([name])
    }

    #[tokio::test(start_paused = true)]
    async fn without_faults_it_behaves_like_a_store() {
        conformance::check(Arc::new(store(0).1)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_answer_leaves_the_file_and_a_lost_request_does_not() {
        let (memory, faulty) = store(1);
        let options = PutOptions::create();
        for (name, fault, there) in
            [("a", Fault::LostAnswer, true), ("b", Fault::LostRequest, false), ("c", Fault::Unavailable, false)]
        {
            faulty.fail_next(Verb::Put, fault);
            let error = faulty.put(&key(name), Bytes::from_static(b"x"), &options).await.unwrap_err();
            assert_eq!(matches!(error, StoreError::OutcomeUnknown { .. }), fault != Fault::Unavailable);
            assert_eq!(memory.head(&key(name)).await.is_ok(), there, "{fault:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_write_appears_later() {
        let (memory, faulty) = store(2);
        faulty.fail_next(Verb::Put, Fault::Late(Duration::from_secs(5)));
        let put = faulty.put(&key("a"), Bytes::from_static(b"x"), &PutOptions::create()).await;
        assert!(matches!(put, Err(StoreError::OutcomeUnknown { .. })));
        assert!(memory.head(&key("a")).await.unwrap_err().is_not_found());
        tokio::time::sleep(Duration::from_secs(6)).await;
        assert!(memory.head(&key("a")).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_dead_do_nothing_more() {
        let (memory, faulty) = store(3);
        faulty.die_at(2, Fault::DieAfter);
        let process = async {
            for name in ["a", "b", "c"] {
                faulty.put(&key(name), Bytes::from_static(b"x"), &PutOptions::create()).await.unwrap();
            }
        };
        tokio::select! {
            () = process => panic!("outlived its death"),
            () = faulty.died() => {}
        }
        let names: Vec<_> =
            memory.list(&Prefix::root(), None).map_ok(|m| m.key.to_string()).try_collect().await.unwrap();
        assert_eq!(names, ["a", "b"]);
    }

    #[tokio::test(start_paused = true)]
    async fn equal_seeds_give_equal_traces() {
        let run = async |seed| {
            let (_, faulty) = store(seed);
            faulty.set_rates(FaultRates::rough());
            for n in 0..200 {
                let _ = faulty.put(&key(&n.to_string()), Bytes::new(), &PutOptions::create()).await;
            }
            faulty.trace()
        };
        let first = run(7).await;
        assert_eq!(first, run(7).await);
        assert_ne!(first, run(8).await);
        assert!(first.iter().any(|line| line.contains("LostAnswer")), "{first:#?}");
    }
}
