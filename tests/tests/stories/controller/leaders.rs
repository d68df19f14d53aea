//! Two controllers: one works, the other takes over, and who was replaced writes no more.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use bastion_tests::{
    Result,
    expect::Expected,
    s3_proxy::{Action, Moment},
    say, wait,
};
use rustix::process::Signal;

use super::{Controller, Deployed};
use crate::stage::SOON;

/// Only the widgets, so that a term begins fast on a busy machine.
const ENV: [(&str, &str); 1] = [("BASTION_SELECTION_KINDS", "widgets.tests.bastion.dev")];

async fn leads(deployed: &Deployed, controller: &mut Controller, pod: &str) -> Result<()> {
    wait::until(&format!("{pod} on the Lease"), SOON, async || Ok((deployed.holder().await? == pod).then_some(())))
        .await?;
    controller.ready("leading").await?;
    assert_eq!(controller.metrics()?.all("leader"), 1.0);
    Ok(())
}

async fn stands_by(deployed: &Deployed, pod: &str) -> Result<Controller> {
    let mut controller = deployed.start(pod, &ENV)?;
    controller.ready("standby").await?;
    assert_eq!(controller.metrics()?.all("leader"), 0.0);
    Ok(controller)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_leads_another_takes_over_and_the_stale_one_stops() -> Result<()> {
    let deployed = Deployed::new("leaders").await?;
    let stage = &deployed.stage;
    super::apply(stage, super::WIDGETS_MAY_BE_READ).await?;
    let mut all = stage.widgets("w", 60).await?;
    let mut first = deployed.start("first", &ENV)?;
    leads(&deployed, &mut first, "first").await?;
    let mut second = stands_by(&deployed, "second").await?;
    stage.saved(&mut first.process, &all).await?;

    // SIGTERM in the middle of a batch: what it knows of is saved, the Lease is given back, and the other
    // does not wait until it runs out.
    stage.proxy.hook(|moment, e| match moment {
        Moment::BeforeRequest if e.method == "PUT" => Action::Delay(Duration::from_millis(300)),
        _ => Action::Pass,
    });
    let seen = first.metrics()?.of("events_total", super::WIDGET);
    for number in 0..20 {
        all.extend(stage.change("w", number, "in the middle").await?);
    }
    first
        .until("the changes to be seen", async |c| {
            Ok((c.metrics()?.of("events_total", super::WIDGET) >= seen + 20.0).then_some(()))
        })
        .await?;
    first.process.signal(Signal::TERM)?;
    let told = Instant::now();
    let status = first.process.wait(Duration::from_secs(30)).await?;
    let took = told.elapsed();
    assert_eq!(status.code(), Some(0), "{}", first.process.log_tail(30));
    assert_eq!(stage.missing(&all).await?, [""; 0], "flushed before the end");
    stage.proxy.pass();
    let gone = Instant::now();
    leads(&deployed, &mut second, "second").await?;
    say(&format!(
        "SIGTERM: ended after {:.1} s, the other led {:.1} s later",
        took.as_secs_f32(),
        gone.elapsed().as_secs_f32()
    ));
    assert!(first.process.log().contains("lease released"), "{}", first.process.log_tail(30));
    all.extend(stage.change("w", 1, "of the second").await?);
    stage.saved(&mut second.process, &all).await?;

    // kill -9: the other leads once the Lease has run out.
    let mut third = stands_by(&deployed, "third").await?;
    second.process.kill9();
    let killed = Instant::now();
    all.extend(stage.change("w", 2, "while nobody led").await?);
    leads(&deployed, &mut third, "third").await?;
    say(&format!("kill -9: the other led {:.1} s later", killed.elapsed().as_secs_f32()));
    stage.saved(&mut third.process, &all).await?;

    all.extend(stale(&deployed, third).await?);
    let mut fifth = deployed.start("fifth", &ENV)?;
    leads(&deployed, &mut fifth, "fifth").await?;
    stage.saved(&mut fifth.process, &all).await?;
    all.extend(ends_without_storage(&deployed, fifth).await?);
    let mut last = deployed.start("last", &ENV)?;
    stage.saved(&mut last.process, &all).await?;
    stage.sound().await
}

/// A storage that does not answer does not hold up the end; what is left over is said, and found again.
async fn ends_without_storage(deployed: &Deployed, mut controller: Controller) -> Result<Expected> {
    let stage = &deployed.stage;
    let seen = controller.metrics()?.of("events_total", super::WIDGET);
    stage.proxy.hook(|moment, _| match moment {
        Moment::BeforeRequest => Action::Delay(Duration::from_mins(1)),
        _ => Action::Pass,
    });
    let all = stage.change("w", 7, "nowhere to go").await?;
    controller
        .until("the change to be seen", async |c| {
            Ok((c.metrics()?.of("events_total", super::WIDGET) > seen).then_some(()))
        })
        .await?;
    controller.process.signal(Signal::TERM)?;
    let told = Instant::now();
    let status = controller.process.wait(Duration::from_secs(30)).await?;
    say(&format!("SIGTERM without a storage: ended after {:.1} s", told.elapsed().as_secs_f32()));
    assert_eq!(status.code(), Some(4), "{}", controller.process.log_tail(30));
    assert_eq!(deployed.holder().await?, "", "the Lease was given back");
    stage.proxy.pass();
    Ok(all)
}

/// SIGTERM, and nothing is left to be desired.
async fn ends(controller: &mut Controller) -> Result<()> {
    controller.process.signal(Signal::TERM)?;
    let status = controller.process.wait(Duration::from_secs(30)).await?;
    assert_eq!(status.code(), Some(0), "{}", controller.process.log_tail(30));
    Ok(())
}

/// A leader that is stopped in the middle of a commit, and wakes when another leads.
async fn stale(deployed: &Deployed, mut old: Controller) -> Result<Expected> {
    let stage = &deployed.stage;
    let mut new = stands_by(deployed, "fourth").await?;
    // The next commit is held back on its way, until the other has led and written.
    let (held, go, number) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)), AtomicU32::new(0));
    let (is_held, may_go) = (Arc::clone(&held), Arc::clone(&go));
    stage.proxy.hook(move |moment, e| {
        let commit = moment == Moment::BeforeRequest && e.method == "PUT" && e.path.contains("/log/");
        if commit && number.fetch_add(1, Ordering::SeqCst) == 0 {
            is_held.store(true, Ordering::SeqCst);
            while !may_go.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Action::Pass
    });
    let mut all = stage.change("w", 3, "of the stale one").await?;
    wait::until_true("the commit", SOON, || held.load(Ordering::SeqCst)).await?;
    old.process.signal(Signal::STOP)?;
    leads(deployed, &mut new, "fourth").await?;
    all.extend(stage.change("w", 4, "of the new one").await?);
    stage.saved(&mut new.process, &all).await?;

    go.store(true, Ordering::SeqCst);
    old.process.signal(Signal::CONT)?;
    // It finds out, says so, and ends (as a pod it would stand by again) or stands by at once.
    let status = old.process.wait(SOON).await?;
    let log = old.process.log();
    assert_eq!(status.code(), Some(7), "{log}");
    let said = log.lines().any(|l| l.contains("\"ERROR\"") && l.contains("took over"));
    assert!(said, "{log}");
    assert_eq!(deployed.holder().await?, "fourth", "it does not take the Lease with it");
    all.extend(stage.change("w", 5, "afterwards").await?);
    stage.saved(&mut new.process, &all).await?;

    // Frozen between two commits, it has nothing to lose: it sees first that the Lease is gone and stands by,
    // or that the log is another's and ends.
    stage.proxy.pass();
    let mut next = stands_by(deployed, "second-again").await?;
    new.process.signal(Signal::STOP)?;
    leads(deployed, &mut next, "second-again").await?;
    all.extend(stage.change("w", 6, "of the next one").await?);
    stage.saved(&mut next.process, &all).await?;
    new.process.signal(Signal::CONT)?;
    wait::until_true("the loss of the lead", SOON, || match new.process.status() {
        Some(status) => status.code() == Some(7) && new.process.log().contains("took over"),
        None => new.process.log().contains("lost leadership"),
    })
    .await?;
    if new.process.is_running() {
        new.ready("standby").await?;
        let numbers = new.metrics()?.0;
        assert!(!numbers.keys().any(|name| name.contains("oldest_unsaved")), "of a term that is over: {numbers:?}");
        ends(&mut new).await?;
    }
    ends(&mut next).await?;
    Ok(all)
}
