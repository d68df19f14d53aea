//! The ways to restore: a time, an object, another namespace, what to do with what is there; and what
//! happens when it is killed or the cluster refuses.

use std::time::Duration;

use bastion_tests::{
    Api, Bastion, Context as _, ControlPlane, Proxy, Result, TestDir,
    compare::{self, Content},
    crds::{self, widget},
    load::Writer,
    proxy::Mode,
    wait,
};
use serde_json::{Value, json};

use crate::restored::Counts;

/// A cluster with the tests' own CRDs, and a repository in a folder.
pub(crate) struct Stage {
    pub(crate) cluster: ControlPlane,
    pub(crate) api: Api,
    bastion: Bastion,
    folder: TestDir,
}

impl Stage {
    pub(crate) async fn new(name: &str) -> Result<Self> {
        let (cluster, folder) = (ControlPlane::start(name).await?, TestDir::new("repository")?);
        let bastion = Bastion::new(&folder.path().display().to_string(), &cluster.kubeconfig()?).await?;
        let api = cluster.api().await?;
        crds::install_own(&api).await?;
        bastion.ok(&["init"]).await?;
        Ok(Self { cluster, api, bastion, folder })
    }

    /// Makes a namespace with so many widgets, and saves everything.
    pub(crate) async fn fill(&self, namespace: &str, count: usize) -> Result<()> {
        self.cluster.namespace(namespace).await?;
        let mut writer = Writer::new(count as u64);
        let objects = writer.objects(&widget(), &[namespace], "w", count);
        self.api.create_all(&widget(), objects).await.context("widgets")?;
        self.save().await
    }

    pub(crate) async fn save(&self) -> Result<()> {
        self.bastion.ok(&["backup", "--all"]).await.map(drop)
    }

    /// Restores; the numbers and what the run said.
    pub(crate) async fn restore(&self, args: &[&str]) -> Result<(Counts, bastion_tests::programs::Output)> {
        let output = self.bastion.run(&[&["restore", "--yes", "-o", "json"], args].concat()).await?;
        Ok((Counts::parse(&output.stdout).context(output.text())?, output))
    }

    pub(crate) async fn widgets(&self, namespace: &str) -> Result<Content> {
        compare::read(&self.api, &[widget()], &[namespace]).await
    }

    async fn widget(&self, namespace: &str, name: &str) -> Result<Option<Value>> {
        self.api.find(&widget().object(Some(namespace), name)).await.context("widget")
    }

    async fn change(&self, namespace: &str, name: &str, change: &Value) -> Result<()> {
        self.api.merge(&widget().object(Some(namespace), name), change).await.context("change").map(drop)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_an_object_another_namespace() -> Result<()> {
    let stage = Stage::new("choices").await?;
    stage.fill("shop", 6).await?;
    let original = stage.widgets("shop").await?;
    let then = jiff::Timestamp::now().to_string();
    stage.change("shop", "w-0002", &json!({"spec": {"replicas": 1_000_000}})).await?;
    stage.api.delete(&widget().object(Some("shop"), "w-0003")).await.context("delete")?;
    stage.save().await?;

    // One object: the newest saved state of it, and nothing else.
    stage.change("shop", "w-0002", &json!({"spec": {"replicas": 7}})).await?;
    let (counts, _) = stage.restore(&["widget/w-0002", "-n", "shop", "--conflict", "replace"]).await?;
    assert_eq!((counts.updated, counts.created, counts.failed), (1, 0, 0), "{counts:?}");
    assert_eq!(stage.widget("shop", "w-0002").await?.unwrap()["spec"]["replicas"], 1_000_000);

    // A time: the deleted one is back, the changed one is as it was.
    let (counts, output) = stage.restore(&["-n", "shop", "--at", &then, "--conflict", "replace"]).await?;
    assert_eq!((counts.created, counts.updated, counts.failed), (1, 1, 0), "{}", output.text());
    assert_eq!(compare::differences(&original, &stage.widgets("shop").await?), [""; 0]);

    // A selector: what carries the label, and the definition and the namespace that it needs.
    let team = &original.values().next().unwrap()["metadata"]["labels"]["team"];
    let of_team = original.values().filter(|w| w["metadata"]["labels"]["team"] == *team).count();
    let label = format!("team={}", team.as_str().unwrap());
    let (_, output) = stage.restore(&["widgets", "-n", "shop", "-l", &label, "--at", &then]).await?;
    let report: Value = serde_json::from_str(&output.stdout).context("JSON")?;
    let targets = report["report"]["objects"].as_array().unwrap().iter().map(|o| o["target"].as_str().unwrap());
    let (widgets, needed): (Vec<_>, Vec<_>) = targets.partition(|target| target.starts_with("Widget."));
    assert_eq!((widgets.len(), needed.len()), (of_team, 2), "{widgets:?} {needed:?}");

    // Another namespace, references to it inside objects included.
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "readers", "namespace": "shop"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "shop"}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}});
    let bindings = |namespace: &str| format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings");
    stage.api.create(&bindings("shop"), &binding).await.context("binding")?;
    stage.save().await?;
    let (counts, output) = stage.restore(&["-n", "shop", "--map-namespace", "shop=copy"]).await?;
    assert_eq!(counts.failed, 0, "{}", output.text());
    let mut should = stage.widgets("shop").await?;
    should = should
        .into_iter()
        .map(|(mut id, mut object)| {
            "copy".clone_into(&mut id.2);
            object["metadata"]["namespace"] = json!("copy");
            (id, object)
        })
        .collect();
    assert_eq!(compare::differences(&should, &stage.widgets("copy").await?), [""; 0]);
    let copy = stage.api.get(&format!("{}/readers", bindings("copy"))).await.context("binding")?;
    assert_eq!(copy["subjects"][0]["namespace"], "copy");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_exists_and_differs_is_treated_as_the_policy_says() -> Result<()> {
    let stage = Stage::new("conflicts").await?;
    stage.fill("shop", 4).await?;
    let saved = stage.widget("shop", "w-0000").await?.unwrap();
    // Somebody else sets a field that the backup has, and adds two that it has not.
    let change = json!({"spec": {"image": "other", "extra": true}, "metadata": {"labels": {"added": "later"}}});
    let one = ["widget/w-0000", "-n", "shop", "--conflict"];

    stage.change("shop", "w-0000", &change).await?;
    let live = stage.widget("shop", "w-0000").await?.unwrap();
    let (counts, output) = stage.restore(&[&one[..], &["skip"]].concat()).await?;
    assert_eq!((counts.skipped, output.code), (1, 0), "{}", output.text());
    assert!(output.stdout.contains(".spec.image"), "where they differ is named: {}", output.stdout);
    assert!(!output.stdout.contains("other"), "what differs is not");
    let (counts, output) = stage.restore(&[&one[..], &["fail"]].concat()).await?;
    assert_eq!((counts.failed, output.code), (1, 4), "{}", output.text());
    assert_eq!(stage.widget("shop", "w-0000").await?.unwrap(), live, "nothing was written");

    let (counts, output) = stage.restore(&[&one[..], &["update"]].concat()).await?;
    assert_eq!((counts.updated, output.code), (1, 0), "{}", output.text());
    let updated = stage.widget("shop", "w-0000").await?.unwrap();
    assert_eq!(updated["spec"]["image"], saved["spec"]["image"]);
    assert_eq!((&updated["metadata"]["labels"]["added"], &updated["spec"]["extra"]), (&json!("later"), &json!(true)));
    assert_eq!(updated["metadata"]["uid"], saved["metadata"]["uid"]);

    let (counts, output) = stage.restore(&[&one[..], &["replace"]].concat()).await?;
    assert_eq!((counts.updated, output.code), (1, 0), "{}", output.text());
    let replaced = stage.widget("shop", "w-0000").await?.unwrap();
    assert_eq!((&replaced["spec"], &replaced["metadata"]["labels"]), (&saved["spec"], &saved["metadata"]["labels"]));
    assert_eq!(replaced["metadata"]["uid"], saved["metadata"]["uid"], "replaced in place, not deleted and made again");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_is_killed_is_completed_by_the_next() -> Result<()> {
    let (stage, target) = tokio::join!(Stage::new("origin"), ControlPlane::start("target"));
    let (stage, target) = (stage?, target?);
    stage.fill("shop", 500).await?;
    let should = stage.widgets("shop").await?;

    // A slow line, so that the kill comes in the middle.
    let proxy = Proxy::start(target.apiserver_port()).await?;
    proxy.set(Mode::Delay(Duration::from_millis(30)));
    let repo = stage.folder.path().display().to_string();
    let slowly = Bastion::new(&repo, &target.kubeconfig_through(proxy.port())?).await?;
    let api = target.api().await?;
    let there = async || match api.list(&widget(), None).await {
        Ok(list) => list.len(),
        Err(_) => 0, // the CRD is still to come
    };
    let mut restore = slowly.start(&["restore", "-A", "--yes"])?;
    wait::until("the first widgets", Duration::from_mins(2), async || Ok((there().await > 40).then_some(()))).await?;
    restore.kill9();
    let left = there().await;
    assert!(left < 500, "it was done before it was killed");

    let straight = Bastion::new(&repo, &target.kubeconfig()?).await?;
    let done = straight.ok(&["restore", "-A", "--yes", "-o", "json"]).await?;
    let counts = Counts::parse(&done.stdout)?;
    assert_eq!((counts.failed, counts.skipped, counts.updated), (0, 0, 0), "{}", done.text());
    assert!(counts.created <= 500 - left as u64 + 20, "{counts:?} after {left}");
    assert_eq!(compare::differences(&should, &compare::read(&api, &[widget()], &[]).await?), [""; 0]);
    Ok(())
}
