//! What comes before what, what is left out, and who owns what afterwards.

use super::*;

/// A shop: a CRD, a custom resource that owns a Secret and another custom resource, and plain objects.
fn shop() -> MemoryCluster {
    let cluster = MemoryCluster::new("old");
    cluster.put(crd("x.dev", "Widget", "widgets")).unwrap();
    cluster.put(r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop","labels":{"team":"a"}}}"#).unwrap();
    cluster.put(config_map("shop", "prices", "", "1")).unwrap();
    let owner = cluster.put(widget("owner", "")).unwrap();
    let link = owned_by(&[("x.dev/v1", "Widget", "owner", &owner.uid)]);
    cluster.put(widget("a-child", &link)).unwrap();
    cluster
        .put(format!(r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"tls","namespace":"shop"{link}}},"data":{{"k":"eA=="}}}}"#))
        .unwrap();
    cluster
}

fn widget(name: &str, metadata: &str) -> String {
    format!(
        r#"{{"apiVersion":"x.dev/v1","kind":"Widget","metadata":{{"name":"{name}","namespace":"shop"{metadata}}},"spec":{{"n":1}}}}"#
    )
}

fn in_shop(id: &ObjectId) -> bool {
    &*id.namespace == "shop"
}

#[tokio::test(start_paused = true)]
async fn a_namespace_goes_to_an_empty_cluster_with_all_that_it_needs_and_twice_changes_nothing() {
    let plan = || Backup::of(&shop()).plan(&RestoreOptions::new(), in_shop);
    insta::assert_snapshot!(plan(), @r#"
    Definitions:
      CustomResourceDefinition.apiextensions.k8s.io widgets.x.dev (if missing)
    Namespaces:
      Namespace shop (if missing)
    Config:
      ConfigMap shop/prices
    Custom:
      Widget.x.dev shop/owner
      Secret shop/tls
      Widget.x.dev shop/a-child
    "#);
    let new = MemoryCluster::new("new");
    new.establish_after(3);
    insta::assert_snapshot!(restored(plan(), &new).await, @r#"
    Created CustomResourceDefinition.apiextensions.k8s.io widgets.x.dev
    Created Namespace shop
    Created ConfigMap shop/prices
    Created Widget.x.dev shop/owner
    Created Secret shop/tls
    Created Widget.x.dev shop/a-child
    "#);
    assert_eq!(new.collect_garbage(), [].into(), "every owner is linked to its new uid");
    let before = new.resource_version();
    insta::assert_snapshot!(restored(plan(), &new).await, @r#"
    Unchanged CustomResourceDefinition.apiextensions.k8s.io widgets.x.dev
    Unchanged Namespace shop
    Unchanged ConfigMap shop/prices
    Unchanged Widget.x.dev shop/owner
    Unchanged Secret shop/tls
    Unchanged Widget.x.dev shop/a-child
    "#);
    assert_eq!(new.resource_version(), before);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_says_the_same_and_writes_nothing() {
    let new = MemoryCluster::new("new");
    let before = new.resource_version();
    let plan = Backup::of(&shop()).plan(&RestoreOptions::new(), in_shop);
    let applier = Applier::new(plan, Arc::new(new.clone()));
    let dry = applier.clone().dry_run().run().await;
    assert_eq!((dry.count(Outcome::Created), dry.objects.len(), new.resource_version()), (6, 6, before));

    // That a kind was not there yet says nothing of the run that defines it.
    let wet = applier.run().await;
    assert_eq!((wet.count(Outcome::Created), wet.objects.len()), (6, 6));
}

#[tokio::test(start_paused = true)]
async fn owners_that_are_not_restored_are_found_or_dropped() {
    let mut backup = Backup::default();
    let owners = owned_by(&[("v1", "ConfigMap", "there", "old"), ("v1", "ConfigMap", "gone", "old2")]);
    backup.add(&config_map("shop", "child", &owners, "1"));
    let new = MemoryCluster::new("new");
    let there = new.put(config_map("shop", "there", "", "1")).unwrap();
    insta::assert_snapshot!(restored(backup.plan(&RestoreOptions::new(), |_| true), &new).await, @r#"
    Unchanged Namespace shop
    Created ConfigMap shop/child: owner ConfigMap gone dropped: it is neither restored nor in the cluster
    "#);
    let child = new.manifest(&id("", "ConfigMap", "shop", "child")).unwrap();
    assert_eq!(child.owner_references().iter().map(|owner| owner.uid.as_str()).collect::<Vec<_>>(), [there.uid]);
}

#[tokio::test(start_paused = true)]
async fn circles_are_broken_and_named() {
    let mut backup = Backup::default();
    backup.add(&config_map("shop", "a", &format!(r#","uid":"a"{}"#, owned_by(&[("v1", "ConfigMap", "b", "b")])), "1"));
    backup.add(&config_map("shop", "b", &format!(r#","uid":"b"{}"#, owned_by(&[("v1", "ConfigMap", "a", "a")])), "1"));
    let plan = backup.plan(&RestoreOptions::new(), |_| true);
    insta::assert_snapshot!(plan.notes().join("\n"), @r#"
    namespace shop is not in the backup; if it is missing, it is created without labels
    ConfigMap shop/a and its owner ConfigMap shop/b own each other: this reference is dropped
    "#);
    let new = MemoryCluster::new("new");
    insta::assert_snapshot!(restored(plan, &new).await, @r#"
    Created Namespace shop
    Created ConfigMap shop/a: owner ConfigMap b dropped: they own each other
    Created ConfigMap shop/b
    "#);
    assert_eq!(new.collect_garbage(), [].into());
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_owner_owns_fails_too_and_the_rest_goes_on() {
    let mut backup = Backup::of(&shop());
    backup.revisions.retain(|revision| &*revision.id.kind != "CustomResourceDefinition");
    let new = MemoryCluster::new("new");
    insta::assert_snapshot!(restored(backup.plan(&RestoreOptions::new(), in_shop), &new).await, @r#"
    Created Namespace shop
    Created ConfigMap shop/prices
    Failed Widget.x.dev shop/owner: the cluster has no kind Widget.x.dev; restore its CustomResourceDefinition first
    Failed Secret shop/tls: its owner Widget.x.dev owner was not restored
    Failed Widget.x.dev shop/a-child: its owner Widget.x.dev owner was not restored
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_crd_that_is_never_established_fails_by_its_deadline() {
    let new = MemoryCluster::new("new");
    new.establish_after(u32::MAX);
    let plan = Backup::of(&shop()).plan(&RestoreOptions::new().ready_within(Duration::from_secs(5)), in_shop);
    let said = restored(plan, &new).await;
    insta::assert_snapshot!(said.lines().next().unwrap(), @r#"Failed CustomResourceDefinition.apiextensions.k8s.io widgets.x.dev: not ready within 5 s: it is not established"#);
    assert!(said.contains("Created ConfigMap shop/prices"), "{said}");
}

#[test]
fn what_the_cluster_makes_itself_is_left_out() {
    let mut backup = Backup::default();
    let child = |kind: &str, name: &str, owner: (&str, &str, &str, &str), rest: &str| {
        let api = if kind == "Pod" { "v1" } else { "apps/v1" };
        format!(
            r#"{{"apiVersion":"{api}","kind":"{kind}","metadata":{{"name":"{name}","namespace":"shop","uid":"u-{name}"{}}}{rest}}}"#,
            owned_by(&[owner])
        )
    };
    backup
        .add(r#"{"apiVersion":"v1","kind":"Node","metadata":{"name":"n1"}}"#)
        .add(r#"{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"l","namespace":"shop"}}"#)
        .add(r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"mirror","namespace":"shop","annotations":{"kubernetes.io/config.mirror":"x"}}}"#)
        .add(r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"done","namespace":"shop"},"status":{"phase":"Succeeded"}}"#)
        .add(r#"{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"done","namespace":"shop","uid":"u-job"},"status":{"conditions":[{"type":"Complete","status":"True"}]}}"#)
        .add(&child("Pod", "of-job", ("batch/v1", "Job", "done", "u-job"), ""))
        .add(&config_map("shop", "kube-root-ca.crt", "", "x"))
        .add(r#"{"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"pv","annotations":{"pv.kubernetes.io/provisioned-by":"csi"}},"spec":{"persistentVolumeReclaimPolicy":"Delete"}}"#)
        .add(r#"{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"claim","namespace":"shop"},"spec":{"volumeName":"pv"}}"#)
        .add(r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop","uid":"u-web"}}"#)
        .add(&child("ReplicaSet", "web-1", ("apps/v1", "Deployment", "web", "u-web"), ""))
        .add(&child("Pod", "web-1-x", ("apps/v1", "ReplicaSet", "web-1", "u-web-1"), ""))
        .add(r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"bare","namespace":"shop"}}"#)
        .add(r#"{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingWebhookConfiguration","metadata":{"name":"hook"}}"#)
        .add(r#"{"apiVersion":"v1","kind":"ResourceQuota","metadata":{"name":"q","namespace":"shop"}}"#)
        .add(r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"r","namespace":"shop"}}"#)
        .add(r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"r","namespace":"shop"}}"#)
        .add(r#"{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"s","namespace":"shop"}}"#);
    insta::assert_snapshot!(backup.plan(&RestoreOptions::new(), |_| true), @r#"
    Namespaces:
      Namespace shop (if missing)
    Access:
      ServiceAccount shop/s
      Role.rbac.authorization.k8s.io shop/r
      RoleBinding.rbac.authorization.k8s.io shop/r
    Volumes:
      PersistentVolumeClaim shop/claim (gets a new volume)
    Workloads:
      Pod shop/bare
      Deployment.apps shop/web
    Admission:
      ResourceQuota shop/q
      ValidatingWebhookConfiguration.admissionregistration.k8s.io hook
    Skipped:
      ConfigMap shop/kube-root-ca.crt (a controller creates it in every namespace)
      Node n1 (nodes register themselves)
      PersistentVolume pv (dynamically provisioned: its claim gets a new volume)
      Pod shop/done (it is completed and would run again)
      Pod shop/mirror (the kubelet creates it from a file on its node)
      Pod shop/of-job (the controller of Job.batch shop/done recreates it)
      Pod shop/web-1-x (the controller of ReplicaSet.apps shop/web-1 recreates it)
      ReplicaSet.apps shop/web-1 (the controller of Deployment.apps shop/web recreates it)
      Job.batch shop/done (it is completed and would run again)
      Lease.coordination.k8s.io shop/l (leases belong to running processes)
    Note: namespace shop is not in the backup; if it is missing, it is created without labels
    "#);
}
