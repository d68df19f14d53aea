//! What one object costs, step by step: prints rows for the results. Its allocator counts.
//!
//! `bastion-micro MILLISECONDS`, or, to be counted from outside, `bastion-micro STEP SIZE TIMES`, which prints how
//! many objects that were.

use std::{alloc::System, time::Duration};

use bastion_benches::{
    Result,
    micro::{Bodies, SIZES, STEPS, repeat},
    results::Row,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    // One thread: what is handed over elsewhere waits for nobody here.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if let [step, size, times] = args.as_slice() {
        let objects = runtime.block_on(do_again(step, size.parse()?, times.parse()?))?;
        return Ok(serde_json::to_writer(std::io::stdout(), &objects)?);
    }
    let millis = args.first().and_then(|arg| arg.parse().ok()).unwrap_or(1000);
    let rows = runtime.block_on(measure(Duration::from_millis(millis)))?;
    Ok(serde_json::to_writer(std::io::stdout(), &rows)?)
}

async fn do_again(step: &str, size: usize, times: u32) -> Result<usize> {
    let bodies = Bodies::new(size).await?;
    let mut objects = 0;
    for _ in 0..times {
        objects += bodies.step(step).await?;
    }
    Ok(objects)
}

#[allow(clippy::cast_precision_loss)]
async fn measure(time: Duration) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for size in SIZES {
        let bodies = Bodies::new(size).await?;
        for step in STEPS {
            let nanos = repeat(&bodies, step, time).await?;
            let name = format!("micro.{step}.{:07}", bodies.size);
            let region = Region::new(ALLOCATOR);
            let objects = bodies.step(step).await?;
            let allocations = region.change().allocations as f64 / objects as f64;
            let micros: Vec<f64> = nanos.iter().map(|nanos| nanos / 1000.0).collect();
            let time = Row::of_runs(name.clone(), &micros, "µs");
            rows.push(Row::new(format!("{name}.rate"), size as f64 / time.value, "MB/s"));
            rows.push(time);
            rows.push(Row::new(format!("{name}.allocations"), allocations, "allocations"));
        }
    }
    Ok(rows)
}
