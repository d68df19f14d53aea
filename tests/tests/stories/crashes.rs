//! kill -9 at a hundred and more seeded moments: before a PUT, after it, after its answer.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bastion_tests::{
    Process, Result, crds,
    expect::Expected,
    s3_proxy::{Action, Moment, S3Proxy},
    say, seed, wait,
};
use rand::{RngExt as _, SeedableRng as _, distr::Alphanumeric, rngs::StdRng};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::stage::{SOON, Stage, WIDGETS};

const MOMENTS: [Moment; 3] = [Moment::BeforeRequest, Moment::BeforeResponse, Moment::AfterResponse];

/// Lets the proxy kill a process at the n-th PUT from now, at that moment. Says whether it has.
fn arm(proxy: &S3Proxy, process: &Process, nth: usize, moment: Moment) -> Arc<AtomicUsize> {
    let victim = process.id().and_then(|id| Pid::from_raw(id.cast_signed())).expect("it runs");
    let (seen, killed) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let done = Arc::clone(&killed);
    proxy.hook(move |now, exchange| {
        if exchange.method != "PUT" || done.load(Ordering::SeqCst) > 0 {
            return Action::Pass;
        }
        let number = if now == Moment::BeforeRequest {
            seen.fetch_add(1, Ordering::SeqCst) + 1
        } else {
            seen.load(Ordering::SeqCst)
        };
        if number < nth || now != moment {
            return Action::Pass;
        }
        done.store(1, Ordering::SeqCst);
        let _ = kill_process(victim, Signal::KILL); // it may have ended by itself
        // Whatever was not sent stays unsent; an answer of the server's does not reach the dead.
        if now == Moment::AfterResponse { Action::Pass } else { Action::Cut }
    });
    killed
}

/// What the storage acknowledged: path and content of each file.
#[derive(Default)]
struct Oracle(Mutex<BTreeMap<String, String>>);

impl Oracle {
    /// Takes note of the PUTs that were acknowledged since, and forgets the requests.
    fn note(&self, proxy: &S3Proxy) {
        let mut known = self.0.lock().unwrap();
        for exchange in proxy.exchanges().into_iter().filter(|e| e.is_acknowledged_put() && e.create_only) {
            let twin = known.insert(exchange.path.clone(), exchange.sha256.clone());
            assert!(twin.is_none(), "{} was acknowledged twice", exchange.path);
        }
        proxy.forget();
    }

    /// Every acknowledged file is there, with its bytes.
    fn check(&self, stage: &Stage) -> Result<usize> {
        let known = self.0.lock().unwrap();
        for (path, sha256) in known.iter() {
            let key = path.trim_start_matches("/backups/");
            let digest = bastion_core::hash::Digest::of_file(&stage.bucket.get(key)?);
            assert_eq!(digest.to_string(), *sha256, "{path} is not what was acknowledged");
        }
        Ok(known.len())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_fifty_moments_of_a_first_backup() -> Result<()> {
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let mut stage = Stage::new("first").await?;
    // Some small, some that fill packs: noise hardly compresses.
    let mut expected = stage.widgets("w", 100).await?;
    let mut noise = || (0..400_000).map(|_| random.sample(Alphanumeric) as char).collect::<String>();
    let big = (0..24).map(|n| {
        let mut object = crds::widget().head(Some("one"), &format!("big-{n:02}"));
        object["spec"] = json!({"noise": noise()});
        object
    });
    let big: Vec<_> = big.collect();
    expected.extend(stage.create(&crds::widget(), big).await?);

    let backup = [&["backup"], WIDGETS.as_slice()].concat();
    let (mut moments, mut repository) = (0, 0);
    while moments < 50 {
        repository += 1;
        stage.fresh_repository(&format!("first-{repository}")).await?;
        stage.proxy.forget();
        let oracle = Oracle::default();
        // The same repository is backed up again and again, each time killed a little later.
        for nth in 1.. {
            let moment = MOMENTS[random.random_range(0..MOMENTS.len())];
            // Armed long before the process has read its arguments.
            let mut process = stage.bastion.start(&backup)?;
            let killed = arm(&stage.proxy, &process, nth, moment);
            let status = process.wait(Duration::from_mins(2)).await?;
            stage.proxy.pass();
            oracle.note(&stage.proxy);
            oracle.check(&stage)?;
            if killed.load(Ordering::SeqCst) == 0 {
                assert!(status.success(), "{}", process.log());
                break;
            }
            moments += 1;
        }
        assert_eq!(stage.missing(&expected).await?, [""; 0], "repository {repository}");
        stage.sound().await?;
    }
    say(&format!("killed at {moments} moments in {repository} repositories"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_sixty_moments_of_a_running_watch() -> Result<()> {
    let mut random = StdRng::seed_from_u64(seed());
    let stage = Stage::new("running").await?;
    let mut expected = stage.widgets("w", 40).await?;
    let oracle = Oracle::default();
    let mut moments = 0;
    let mut round = 0;
    while moments < 60 {
        round += 1;
        let mut watcher = stage.watch_widgets()?;
        let (nth, moment) = (random.random_range(1..6), MOMENTS[random.random_range(0..MOMENTS.len())]);
        let killed = arm(&stage.proxy, &watcher, nth, moment);
        // Changes, until it is dead.
        let mut change = 0;
        wait::until("the kill", Duration::from_mins(2), async || {
            if killed.load(Ordering::SeqCst) > 0 {
                return Ok(Some(()));
            }
            change += 1;
            let number = random.random_range(0..40);
            expected.extend(stage.change("w", number, &format!("{round}-{change}")).await?);
            Ok(None)
        })
        .await?;
        let status = watcher.wait(Duration::from_secs(30)).await?;
        assert!(!status.success(), "{}", watcher.log());
        stage.proxy.pass();
        oracle.note(&stage.proxy);
        moments += 1;
    }
    let files = oracle.check(&stage)?;
    let mut watcher = stage.watch_widgets()?;
    stage.saved(&mut watcher, &expected).await?;
    // There may have been nothing left to save: it has hardly begun.
    wait::until_true("the last watch", SOON, || watcher.log().contains("watching")).await?;
    watcher.signal(Signal::TERM)?;
    assert!(watcher.wait(Duration::from_secs(30)).await?.success(), "{}", watcher.log());
    say(&format!("killed at {moments} moments; {files} acknowledged files are all there"));
    stage.sound().await
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_in_the_middle_saves_what_was_seen() -> Result<()> {
    let stage = Stage::new("sigterm").await?;
    let mut expected: Expected = stage.widgets("w", 200).await?;
    let mut watcher = stage.watch_widgets()?;
    stage.saved(&mut watcher, &expected).await?;
    for number in 0..20 {
        expected.extend(stage.change("w", number, "just before the end").await?);
    }
    watcher.signal(Signal::TERM)?;
    let status = watcher.wait(Duration::from_secs(30)).await?;
    assert!(status.success(), "{status}: {}", watcher.log());
    // What it had not seen yet, the next run finds.
    stage.bastion.ok(&[&["backup"], WIDGETS.as_slice()].concat()).await?;
    assert_eq!(stage.missing(&expected).await?, [""; 0]);
    stage.sound().await
}
