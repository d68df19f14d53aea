//! Several writers of one log: the stale one of a role stops, backups run beside a watch, and who is stopped in the middle
//! of a PUT stops nobody else for good.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bastion_tests::{
    Bastion, Process, Result, S3Proxy,
    expect::Expected,
    minio::repo_url,
    s3_proxy::{Action, Moment},
    say, wait,
};
use rustix::process::{Pid, Signal, kill_process};

use crate::stage::{SOON, Stage, WIDGETS};

/// How long a stopped writer holds a PUT of which only half has come: longer than `MinIO` waits for the rest.
const STALL: Duration = Duration::from_secs(50);

/// Exit code of a conflict, and who is to blame.
async fn is_told_to_stop(stale: &mut Process) -> Result<()> {
    let status = stale.wait(SOON).await?;
    assert_eq!(status.code(), Some(7), "{}", stale.log());
    assert!(stale.log().contains("took over"), "{}", stale.log());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_watch_stops_and_says_so() -> Result<()> {
    let stage = Stage::new("stale").await?;
    let mut expected = stage.widgets("w", 20).await?;
    let mut first = stage.watch_widgets()?;
    stage.saved(&mut first, &expected).await?;

    // A second one takes over; at the next change the first finds out.
    let mut second = stage.watch_widgets()?;
    wait::until_true("the second watch", SOON, || second.log().contains("watching")).await?;
    expected.extend(stage.change("w", 1, "with two watches").await?);
    is_told_to_stop(&mut first).await?;
    stage.saved(&mut second, &expected).await?;

    // Stopped like a virtual machine that is moved, and going on when it is not the leader any more.
    second.signal(Signal::STOP)?;
    let mut third = stage.watch_widgets()?;
    wait::until_true("the third watch", SOON, || third.log().contains("watching")).await?;
    expected.extend(stage.change("w", 2, "while the second sleeps").await?);
    stage.saved(&mut third, &expected).await?;
    second.signal(Signal::CONT)?;
    expected.extend(stage.change("w", 3, "when it is awake again").await?);
    is_told_to_stop(&mut second).await?;
    stage.saved(&mut third, &expected).await?;
    stage.sound().await
}

#[tokio::test(flavor = "multi_thread")]
async fn five_backups_beside_a_watch_under_a_hundred_changes_a_second() -> Result<()> {
    const OBJECTS: usize = 200;
    const TOGETHER: usize = 8;
    let stage = Stage::new("beside").await?;
    let expected = stage.widgets("w", OBJECTS).await?;
    let mut watcher = stage.watch_widgets()?;
    stage.saved(&mut watcher, &expected).await?;

    // Each task has its own objects, so that it knows which state of each is the last.
    let (over, made) = (AtomicBool::new(false), AtomicUsize::new(0));
    let newest = Mutex::new(expected);
    let (stage, over, made, newest) = (&stage, &over, &made, &newest);
    let load = (0..TOGETHER).map(|task| async move {
        let mut tick = tokio::time::interval(Duration::from_millis(1000 * TOGETHER as u64 / 100));
        for round in 0.. {
            tick.tick().await;
            if over.load(Ordering::SeqCst) {
                break;
            }
            let number = (task + round * TOGETHER) % OBJECTS;
            let changed = stage.change("w", number, &format!("round {round}")).await?;
            newest.lock().unwrap().extend(changed);
            made.fetch_add(1, Ordering::SeqCst);
        }
        Ok::<_, bastion_tests::Error>(())
    });
    let backups = async {
        let started = Instant::now();
        let mut done = Ok(());
        for _ in 0..5 {
            done = stage.bastion.ok(&[&["backup"], WIDGETS.as_slice()].concat()).await.map(drop);
            if done.is_err() {
                break;
            }
        }
        over.store(true, Ordering::SeqCst);
        done.map(|()| started.elapsed())
    };
    let (took, load) = tokio::join!(backups, futures::future::try_join_all(load));
    load?;
    let took = took?;
    let made = made.load(Ordering::SeqCst);
    say(&format!("5 backups beside {made} changes within {took:.1?}"));
    assert!(made > 50, "only {made} changes");
    let newest = newest.lock().unwrap().clone();
    stage.saved(&mut watcher, &newest).await?;
    watcher.signal(Signal::TERM)?;
    assert!(watcher.wait(Duration::from_secs(30)).await?.success(), "{}", watcher.log());
    stage.sound().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_stopped_in_the_middle_of_a_put_stops_nobody_for_good() -> Result<()> {
    let stage = Stage::new("stopped").await?;
    let mut expected: Expected = stage.widgets("w", 50).await?;
    let mut watcher = stage.watch_widgets()?;
    stage.saved(&mut watcher, &expected).await?;
    expected.extend(stage.widgets("more", 50).await?);
    stage.saved(&mut watcher, &expected).await?;

    // A backup by another way: stopped with half of its first commit sent.
    let proxy = S3Proxy::start(stage.minio.port()).await?;
    let url = repo_url("backups", &stage.prefix, proxy.port());
    let other = Bastion::new(&url, &stage.cluster.kubeconfig()?).await?;
    let stopped = Arc::new(AtomicBool::new(false));
    let (done, victim) = (Arc::clone(&stopped), Arc::new(Mutex::new(None)));
    let whom = Arc::clone(&victim);
    proxy.hook(move |moment, exchange| {
        let commit = exchange.method == "PUT" && exchange.path.contains("/log/");
        if moment != Moment::BeforeRequest || !commit || done.load(Ordering::SeqCst) {
            return Action::Pass;
        }
        if let Some(pid) = *whom.lock().unwrap() {
            let _ = kill_process(pid, Signal::STOP); // it may have ended by itself
        }
        done.store(true, Ordering::SeqCst);
        Action::StallHalfway(STALL)
    });
    // `--all`: there is something that the watch does not take, so there is something to commit.
    let mut backup = other.start(&["backup", "--all"])?;
    *victim.lock().unwrap() = backup.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    wait::until_true("half of a commit", SOON, || stopped.load(Ordering::SeqCst)).await?;

    let started = Instant::now();
    let mut changed = Expected::new();
    for number in 0..10 {
        changed.extend(stage.change("w", number, "while the other is stopped").await?);
    }
    stage.saved(&mut watcher, &changed).await?;
    let took = started.elapsed();
    say(&format!("saved within {took:.1?} beside a PUT that hangs for {STALL:?}"));
    assert!(took < STALL, "the others had to wait for the stopped writer");

    backup.signal(Signal::CONT)?;
    let status = backup.wait(Duration::from_mins(4)).await?;
    assert!(status.success(), "{}", backup.log());
    expected.extend(changed);
    assert_eq!(stage.missing(&expected).await?, [""; 0]);
    stage.sound().await
}
