//! What the manifests grant is what is used; what they do not grant is named and stops nothing else.

use std::{
    collections::BTreeSet,
    fs,
    time::{Duration, Instant},
};

use bastion_core::record::RevisionState;
use bastion_tests::{Context as _, Resource, Result, crds, expect::note, minio, say, wait};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::{Deployed, WIDGET, WIDGETS_MAY_BE_READ, apply, deploy};
use crate::stage::{SOON, annotated};

/// In the data of every object; nowhere in a log, an error or a metric.
const CONTENT: &str = "content-that-nobody-may-print";

const USER: &str = "system:serviceaccount:bastion:bastion-controller";

#[tokio::test(flavor = "multi_thread")]
async fn the_manifests_grant_what_is_used_and_no_more() -> Result<()> {
    let deployed = Deployed::new("rights").await?;
    let stage = &deployed.stage;
    // The pods pass the namespace's own, restricted, standard.
    wait::until("two pods", SOON, async || {
        let pods = stage.api.get("/api/v1/namespaces/bastion/pods").await.context("pods")?;
        Ok((pods["items"].as_array().map_or(0, Vec::len) == 2).then_some(()))
    })
    .await?;
    stage.api.merge("/api/v1/namespaces/one", &annotated(Some("true"))).await.unwrap();
    let map =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"key": CONTENT}});
    let map = stage.api.create("/api/v1/namespaces/one/configmaps", &map).await.unwrap();
    let widgets = marked(&deployed, &crds::widget(), "marked").await?;

    let mut controller = deployed.start("pod-a", &[])?;
    controller.ready("leading").await?;
    assert_eq!(controller.get("/healthz")?, (200, "ok\n".to_owned()));
    assert_eq!(controller.get("/nothing")?.0, 404);
    // It made the repository. No right for widgets: the others go on, and what is missing is named.
    let config = Resource::new("", "v1", "ConfigMap", "configmaps", true);
    let expected = [note(&config, &map)].into();
    stage.saved(&mut controller.process, &expected).await?;
    let failing = controller.until("the kind without a right", async |c| {
        Ok((c.metrics()?.of("failing", WIDGET) == 1.0).then_some(c.metrics()?))
    });
    assert_eq!(failing.await?.of("failing", "ConfigMap"), 0.0);
    controller.ready("leading").await?;
    let line = "watching the cluster";
    controller.until(line, async |c| Ok(c.process.log().contains(line).then_some(()))).await?;
    let log = controller.process.log();
    let named = log.lines().find(|l| l.contains(WIDGET) && l.contains("\"WARN\"")).expect("a warning");
    for word in ["list", "widgets", "tests.bastion.dev"] {
        assert!(named.contains(word), "no {word:?} in {named}");
    }
    let denied = refusals(&deployed)?;
    assert!(denied.iter().all(|(_, group, _)| group == "tests.bastion.dev"), "{denied:?}");

    // The grant, as the manifests invite to: it is found without a restart.
    apply(stage, WIDGETS_MAY_BE_READ).await?;
    let started = Instant::now();
    stage.saved(&mut controller.process, &widgets).await?;
    say(&format!("a right that was granted: used after {:.1} s", started.elapsed().as_secs_f32()));
    assert_eq!(controller.metrics()?.of("failing", WIDGET), 0.0);

    // A kind that is new, in a group that may be read.
    let gadget = Resource::new("tests.bastion.dev", "v1", "Gadget", "gadgets", true);
    crds::define(&stage.api, &gadget, "Namespaced").await?;
    let gadgets = marked(&deployed, &gadget, "new").await?;
    let started = Instant::now();
    stage.saved(&mut controller.process, &gadgets).await?;
    let took = started.elapsed();
    say(&format!("a new kind: saved after {:.1} s", took.as_secs_f32()));
    assert!(took < Duration::from_secs(30), "{took:?}");

    controller.process.signal(Signal::TERM)?;
    assert_eq!(controller.process.wait(Duration::from_secs(30)).await?.code(), Some(0));
    used_is_granted(&deployed).await?;
    no_content(&controller.process.log());
    for line in controller.process.log().lines() {
        let line: Value = serde_json::from_str(line).context(line.to_owned())?;
        assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
    }

    // As text, and with all that the libraries beneath would say, too.
    let mut talkative = deployed.start("pod-b", &[("BASTION_LOG_FORMAT", "text"), ("BASTION_LOG_FILTER", "trace")])?;
    let more = marked(&deployed, &gadget, "more").await?;
    stage.saved(&mut talkative.process, &more).await?;
    talkative.process.signal(Signal::TERM)?;
    assert_eq!(talkative.process.wait(Duration::from_secs(30)).await?.code(), Some(0));
    let log = talkative.process.log();
    assert!(log.contains("TRACE") && log.contains("lead: leading"), "{log}");
    no_content(&log);
    denied_is_not_deleted(&deployed).await?;
    stage.sound().await
}

/// The right is taken away: nothing counts as deleted, and the others go on.
async fn denied_is_not_deleted(deployed: &Deployed) -> Result<()> {
    let stage = &deployed.stage;
    let role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/bastion-widgets";
    stage.api.delete(role).await.context("role")?;
    wait::until("the right to be gone", SOON, async || {
        let role = role.replace("bastion-widgets", "bastion-controller");
        let rules = stage.api.get(&role).await.context("role")?["rules"].to_string();
        Ok((!rules.contains("tests.bastion.dev")).then_some(()))
    })
    .await?;
    let mut controller = deployed.start("pod-c", &[])?;
    let map =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "others"}, "data": {"key": CONTENT}});
    let map = stage.api.create("/api/v1/namespaces/one/configmaps", &map).await.context("others")?;
    let expected = [note(&Resource::new("", "v1", "ConfigMap", "configmaps", true), &map)].into();
    stage.saved(&mut controller.process, &expected).await?;
    for kind in [WIDGET, "Gadget.tests.bastion.dev"] {
        controller
            .until("the missing right", async |c| Ok((c.metrics()?.of("failing", kind) == 1.0).then_some(())))
            .await?;
    }
    controller.ready("leading").await?;
    controller.process.signal(Signal::TERM)?;
    assert_eq!(controller.process.wait(Duration::from_secs(30)).await?.code(), Some(0));
    for (id, history) in stage.revisions().await? {
        assert!(
            &*id.group != "tests.bastion.dev" || history.iter().all(|v| v.state == RevisionState::Put),
            "{id}: {history:?}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_component_for_the_prometheus_operator_is_valid() -> Result<()> {
    let deployed = Deployed::new("monitors").await?;
    let files = tokio::task::spawn_blocking(|| crds::Project::PrometheusOperator.files()).await.context("CRDs")??;
    let wanted = |name: &str| name.ends_with("_podmonitors.yaml") || name.ends_with("_prometheusrules.yaml");
    let mut names = Vec::new();
    for file in files.iter().filter(|f| f.to_str().is_some_and(wanted)) {
        let text = fs::read_to_string(file).context("CRD")?;
        let crd = apply(&deployed.stage, text.trim_start_matches("---\n")).await?;
        names.extend(crd[0]["metadata"]["name"].as_str().map(str::to_owned));
    }
    assert_eq!(names.len(), 2, "{files:?}");
    crds::wait_established(&deployed.stage.api, &names).await?;
    for file in ["pod-monitor/pod-monitor.yaml", "pod-monitor/alerts.yaml", "read-everything/cluster-role.yaml"] {
        apply(&deployed.stage, &fs::read_to_string(deploy(file)).context(file)?).await?;
    }
    // What the alerts ask for is what is served.
    let mut controller = deployed.start("pod-a", &[])?;
    controller.ready("leading").await?;
    let (_, served) = controller.get("/metrics")?;
    let alerts = fs::read_to_string(deploy("pod-monitor/alerts.yaml")).context("alerts")?;
    let words = alerts.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let metrics: BTreeSet<&str> = words.filter(|w| w.starts_with("bastion_")).collect();
    assert!(metrics.len() >= 5, "{metrics:?}");
    for metric in metrics {
        assert!(served.lines().any(|l| l.starts_with(metric)), "{metric} is not served:\n{served}");
    }
    // And it may read Secrets now, but has not asked for any.
    assert!(deployed.stage.cluster.audit()?.iter().all(|a| a.user != USER || a.resource != "secrets"));
    Ok(())
}

/// Creates an object whose content must not be printed.
async fn marked(deployed: &Deployed, kind: &Resource, name: &str) -> Result<bastion_tests::expect::Expected> {
    let mut object = kind.head(Some("one"), name);
    object["spec"] = json!({"password": CONTENT, CONTENT: {"nested": [CONTENT]}});
    object["metadata"]["annotations"] = json!({"note": CONTENT});
    deployed.stage.create(kind, vec![object]).await
}

fn no_content(log: &str) {
    for secret in [CONTENT, minio::SECRET_KEY] {
        let line = log.lines().find(|l| l.contains(secret));
        assert!(line.is_none(), "the log says {secret:?}: {line:?}");
    }
}

/// Verb, group and resource of what was refused.
fn refusals(deployed: &Deployed) -> Result<BTreeSet<(String, String, String)>> {
    let all = deployed.stage.cluster.audit()?.into_iter();
    Ok(all.filter(|a| a.user == USER && a.code == 403).map(|a| (a.verb, a.group, a.resource)).collect())
}

/// Every rule of the manifests was needed, and nothing but them was asked for.
async fn used_is_granted(deployed: &Deployed) -> Result<()> {
    let api = &deployed.stage.api;
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    let cluster = api.get(&format!("{rbac}/clusterroles/bastion-controller")).await.context("role")?;
    let lease = api.get(&format!("{rbac}/namespaces/bastion/roles/bastion-controller-lease")).await.context("role")?;
    let words = |list: &Value| -> Vec<String> {
        list.as_array().into_iter().flatten().filter_map(|w| w.as_str().map(str::to_owned)).collect()
    };
    let rules = [&cluster, &lease].into_iter().flat_map(|role| role["rules"].as_array().unwrap());
    let mut granted = BTreeSet::new();
    for rule in rules {
        for group in words(&rule["apiGroups"]) {
            for resource in words(&rule["resources"]) {
                granted.extend(words(&rule["verbs"]).into_iter().map(|v| (v, group.clone(), resource.clone())));
            }
        }
    }
    let all = deployed.stage.cluster.audit()?.into_iter().filter(|a| a.user == USER && a.code < 300);
    let used: BTreeSet<_> = all.filter(|a| !a.resource.is_empty()).map(|a| (a.verb, a.group, a.resource)).collect();
    // Custom resources are granted by group, whether the group is there or not. A single object is read where
    // its body was let go under pressure, or to prove that it is gone: of any kind, but not in every story.
    let idle: Vec<_> =
        granted.difference(&used).filter(|(verb, _, resource)| verb != "get" && resource != "*").collect();
    assert!(idle.is_empty(), "granted and never used: {idle:?}");
    let every = |(verb, group, _): &(String, String, String)| (verb.clone(), group.clone(), "*".to_owned());
    let beyond: Vec<_> = used.iter().filter(|u| !granted.contains(*u) && !granted.contains(&every(u))).collect();
    assert!(beyond.is_empty(), "used by another grant: {beyond:?}");
    let writes: BTreeSet<_> = used.iter().filter(|(v, ..)| !["get", "list", "watch"].contains(&v.as_str())).collect();
    let of_lease = |verb: &str| (verb.to_owned(), "coordination.k8s.io".to_owned(), "leases".to_owned());
    assert_eq!(writes.into_iter().cloned().collect::<Vec<_>>(), [of_lease("create"), of_lease("update")]);
    Ok(())
}
