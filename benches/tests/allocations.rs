//! A guard: how often memory is allocated for one object must not creep up. Counts, not times, so it says the
//! same on every machine.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::alloc::System;

use bastion_benches::micro::Bodies;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// For an object of 2 KiB: what it takes, and a little air for the libraries beneath.
const MOST: [(&str, f64); 6] = [
    ("parse-and-sanitize", 40.0),
    ("canonicalise", 2.0),
    ("hash", 0.0),
    ("encode", 10.0),
    ("decode", 12.0),
    ("look-up", 3.0),
];

#[test]
fn an_object_takes_few_allocations() {
    // One test and one thread: everything that is counted is ours.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let bodies = Bodies::new(2 << 10).await.unwrap();
        for (step, most) in MOST {
            // What is made once is made now.
            bodies.step(step).await.unwrap();
            let region = Region::new(ALLOCATOR);
            let objects = u32::try_from(bodies.step(step).await.unwrap()).unwrap();
            let each = f64::from(u32::try_from(region.change().allocations).unwrap()) / f64::from(objects);
            bastion_benches::say(&format!("{step}: {each:.1} allocations an object"));
            assert!(each <= most, "{step}: {each:.1} allocations an object, and {most} at most are allowed");
        }
    });
}
