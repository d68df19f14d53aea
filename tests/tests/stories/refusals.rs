//! A cluster that refuses some of what is restored: each object is named, the others are restored, and once
//! the cluster takes them the same command completes it.

use std::time::Duration;

use bastion_tests::{
    Context as _, Resource, Result, compare,
    crds::{self, widget},
    wait,
};
use serde_json::{Value, json};

use crate::restores::Stage;

const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const WEBHOOKS: &str = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";

/// Nobody listens there.
const NOBODY: &str = "https://127.0.0.1:1/";

/// A kind whose definition the tests change.
fn gadget() -> Resource {
    Resource::new("tests.bastion.dev", "v1", "Gadget", "gadgets", true)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_down_fails_its_objects_and_the_next_restore_completes_it() -> Result<()> {
    let stage = Stage::new("webhooks").await?;
    crds::define(&stage.api, &gadget(), "Namespaced").await?;
    stage.fill("shop", 5).await?;
    let gadgets = gadget().path(Some("shop"));
    stage.api.create(&gadgets, &gadget().head(Some("shop"), "g")).await.context("gadget")?;
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "beside", "namespace": "shop"}});
    stage.api.create("/api/v1/namespaces/shop/configmaps", &map).await.context("map")?;
    stage.save().await?;
    let should = stage.widgets("shop").await?;

    // The definition is gone, and made again with another storage version and a webhook that should convert.
    let path = format!("{CRDS}/gadgets.tests.bastion.dev");
    let old = stage.api.get(&path).await.context("CRD")?;
    stage.api.delete(&path).await.context("delete")?;
    let gone = async || Ok(stage.api.find(&path).await.context("CRD")?.is_none().then_some(()));
    wait::until("the definition to be gone", Duration::from_mins(2), gone).await?;
    let mut new =
        json!({"apiVersion": old["apiVersion"], "kind": old["kind"], "metadata": {"name": old["metadata"]["name"]}});
    new["spec"] = old["spec"].clone();
    let mut second = old["spec"]["versions"][0].clone();
    second["name"] = json!("v2");
    new["spec"]["versions"][0]["storage"] = json!(false);
    new["spec"]["versions"].as_array_mut().unwrap().push(second);
    new["spec"]["conversion"] = json!({"strategy": "Webhook",
        "webhook": {"conversionReviewVersions": ["v1"], "clientConfig": {"url": NOBODY}}});
    stage.api.create(CRDS, &new).await.context("new CRD")?;
    // And one that should admit widgets.
    stage.api.delete(&widget().path(Some("shop"))).await.context("widgets")?;
    let hook = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "down"},
        "webhooks": [{"name": "down.tests.bastion.dev", "clientConfig": {"url": NOBODY}, "timeoutSeconds": 1,
                      "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"],
                      "rules": [{"apiGroups": ["tests.bastion.dev"], "apiVersions": ["*"], "resources": ["widgets"],
                                 "operations": ["CREATE"]}]}]});
    stage.api.create(WEBHOOKS, &hook).await.context("webhook")?;
    refused_by_the_webhook(&stage).await?;

    stage.api.delete("/api/v1/namespaces/shop/configmaps/beside").await.context("map")?;

    let (counts, output) = stage.restore(&["-n", "shop"]).await?;
    assert_eq!((counts.failed, counts.created, output.code), (6, 1, 4), "{}", output.text());
    let failed = failures(&output.stdout)?;
    assert_eq!(failed.iter().filter(|(_, why)| why.contains("failed calling webhook")).count(), 5, "{failed:?}");
    let gadget_failed = failed.iter().find(|(name, _)| name.starts_with("Gadget")).unwrap();
    assert!(gadget_failed.1.contains("conversion webhook"), "{failed:?}");

    // Both are repaired.
    stage.api.delete(&format!("{WEBHOOKS}/down")).await.context("webhook")?;
    stage
        .api
        .merge(&path, &json!({"spec": {"conversion": {"strategy": "None", "webhook": null}}}))
        .await
        .context("CRD")?;
    let repaired = async || {
        let (counts, output) = stage.restore(&["-n", "shop"]).await?;
        // The API server takes a moment to forget the webhooks.
        Ok((output.code == 0 && counts.failed == 0).then_some(()))
    };
    wait::until("the restore to be complete", Duration::from_mins(2), repaired).await?;
    assert_eq!(compare::differences(&should, &stage.widgets("shop").await?), [""; 0]);
    assert!(stage.api.find(&format!("{gadgets}/g")).await.context("gadget")?.is_some());
    Ok(())
}

/// Waits until the API server goes by the webhook.
async fn refused_by_the_webhook(stage: &Stage) -> Result<()> {
    let path = widget().path(Some("shop"));
    wait::until("the webhook to refuse", Duration::from_mins(1), async || {
        let probe = widget().head(Some("shop"), "probe");
        match stage.api.create(&path, &probe).await {
            Ok(_) => {
                stage.api.delete(&format!("{path}/probe")).await.context("probe")?;
                Ok(None)
            }
            Err(_) => Ok(Some(())),
        }
    })
    .await
}

/// The objects that failed, and why.
fn failures(stdout: &str) -> Result<Vec<(String, String)>> {
    let report: Value = serde_json::from_str(stdout).context("JSON")?;
    let objects = report["report"]["objects"].as_array().context(format!("no objects in {stdout:.500}"))?;
    let failed = objects.iter().filter(|object| object["outcome"] == "failed");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(failed.map(|object| (text(&object["target"]), text(&object["why"]))).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_is_being_deleted_is_reported_and_the_others_are_restored() -> Result<()> {
    let stage = Stage::new("terminating").await?;
    stage.fill("gone", 3).await?;
    stage.fill("stays", 3).await?;
    let mut held = widget().head(Some("gone"), "held");
    held["metadata"]["finalizers"] = json!(["tests.bastion.dev/held"]);
    stage.api.create(&widget().path(Some("gone")), &held).await.context("held")?;
    stage.save().await?;
    let mut should = stage.widgets("stays").await?;
    stage.api.delete(&widget().path(Some("stays"))).await.context("delete")?;
    stage.api.delete("/api/v1/namespaces/gone").await.context("delete")?;
    let emptied = async || Ok((stage.widgets("gone").await?.len() == 1).then_some(()));
    wait::until("all but the held one to be gone", Duration::from_mins(2), emptied).await?;

    let (counts, output) = stage.restore(&["-A", "--wait", "1s"]).await?;
    assert_eq!(output.code, 4, "{}", output.text());
    assert_eq!(compare::differences(&should, &stage.widgets("stays").await?), [""; 0], "{counts:?}");
    let failed = failures(&output.stdout)?;
    let ours: Vec<_> = failed.iter().filter(|(name, _)| name.contains("gone")).collect();
    assert!(failed.len() == ours.len() && failed.len() >= 5, "{failed:?}");
    for (name, why) in &failed {
        assert!(why.contains("being deleted") || why.contains("being terminated"), "{name}: {why}");
    }

    // It goes at last, while the restore waits for it.
    let release = json!({"metadata": {"finalizers": null}});
    stage.api.merge(&widget().object(Some("gone"), "held"), &release).await.context("release")?;
    let (_, output) = stage.restore(&["-A"]).await?;
    assert_eq!(output.code, 0, "{}", output.text());
    should = stage.widgets("gone").await?;
    assert_eq!(should.len(), 4, "{:?}", should.keys());
    Ok(())
}
