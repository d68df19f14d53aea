//! A process that dies at any moment, and the next one.

use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::*;
use crate::store::{Fault, FaultRates};

impl World {
    async fn disk_is_empty(&self) -> bool {
        let options = OpenOptions::default().runtime(self.runtime.clone());
        let repository = Repository::open(Arc::new(self.disk.clone()), options).await.unwrap();
        repository.clusters().await.unwrap().is_empty()
    }
}

/// What an acknowledged segment must not lose: every state that was in the log when a run ended stays.
async fn all_states(world: &World) -> BTreeMap<String, Vec<(u64, RevisionState)>> {
    // One that died before its first commit has left no log.
    if world.disk_is_empty().await {
        return BTreeMap::new();
    }
    let histories = world.histories(&config_maps()).await;
    histories.into_iter().map(|(n, all)| (n, all.iter().map(|v| (v.number, v.state)).collect())).collect()
}

async fn assert_nothing_doubled(world: &World, seed: u64) {
    for (name, revisions) in world.histories(&config_maps()).await {
        for pair in revisions.windows(2) {
            let same = pair[0].state == pair[1].state && pair[0].digest == pair[1].digest;
            assert!(!same, "seed {seed}: {name} has one state twice: {pair:#?}");
        }
    }
}

fn change_something(world: &World, rng: &mut StdRng) {
    let name = format!("c{}", rng.random_range(0..40));
    match rng.random_range(0..10) {
        0..=5 => world.put(&name, &rng.random_range(0..4).to_string()),
        6 => _ = world.cluster.delete(&id(&name)),
        7 => world.put(&format!("long{name}"), &"y".repeat(30_000)),
        8 => _ = world.cluster.put_status(&id(&name), crate::manifest::Value::Int(rng.random_range(0..9))),
        _ => world.cluster.compact(),
    }
}

/// One life: some changes, an engine that dies at a seeded call of the storage, and again.
async fn live(seed: u64) -> Vec<String> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut world = World::new(seed).await;
    let mut trace = Vec::new();
    for n in 0..60 {
        world.put(&format!("c{n}"), "first");
    }
    let mut known: BTreeMap<String, Vec<(u64, RevisionState)>> = BTreeMap::new();
    for _ in 0..4 {
        if rng.random_bool(0.3) {
            world.store.set_rates(FaultRates::rough());
        }
        let how = if rng.random() { Fault::DieBefore } else { Fault::DieAfter };
        world.store.die_at(rng.random_range(1..40), how);
        let continuous: bool = rng.random();
        let running = async {
            let source = if continuous { world.cluster.watch() } else { world.cluster.list() };
            world.engine(source).await?.run(CancellationToken::new()).await
        };
        let changing = async {
            for _ in 0..rng.random_range(20..120) {
                change_something(&world, &mut rng);
                world.runtime.sleep(Duration::from_millis(rng.random_range(0..900))).await;
            }
        };
        tokio::select! {
            biased;
            () = world.store.died() => {}
            (result, ()) = async { tokio::join!(running, changing) } => assert!(!continuous, "it ended: {result:?}"),
            () = world.pass(3600) => {}
        }
        trace.append(&mut world.store.trace());
        let now = all_states(&world).await;
        for (name, states) in &known {
            let later: &Vec<_> = now.get(name).unwrap_or_else(|| panic!("seed {seed}: {name} is lost"));
            assert!(later.starts_with(states), "seed {seed}: {name} was {states:?} and is {later:?}");
        }
        known = now;
        world.revive(seed);
    }
    let watching = world.watch().await;
    world.pass(30).await;
    world.until("all to be idle", async || watching.is_idle()).await;
    if watching.kind().withheld == 0 {
        assert!(watching.stop().await.flushed);
        world.assert_same_as_cluster().await;
    }
    assert_nothing_doubled(&world, seed).await;
    trace.append(&mut world.store.trace());
    trace
}

#[tokio::test(start_paused = true)]
async fn nothing_acknowledged_is_lost_and_nothing_doubled_wherever_it_dies() {
    for seed in 0..60 {
        live(seed).await;
    }
}

#[test]
fn one_seed_gives_one_trace() {
    let run = |seed| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(live(seed))
    };
    for seed in [1, 7, 23, 42] {
        let (first, second) = (run(seed), run(seed));
        assert!(first.len() > 20);
        assert_eq!(first, second, "seed {seed}");
    }
}
