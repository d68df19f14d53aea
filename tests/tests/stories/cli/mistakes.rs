//! What people get wrong: typos, rights, clusters.

use bastion_tests::{Bastion, Context as _, ControlPlane, ControlPlaneOptions, Result, wait};
use serde_json::json;

use super::{Town, files, says};
use crate::stage::SOON;

/// Typos end with what is there instead, and write nothing.
pub(crate) async fn typos_are_found_and_named(town: &Town) -> Result<()> {
    let (bastion, folder) = town.folder("typos").await?;
    bastion.ok(&["init"]).await?;
    says(&bastion, &["bakcup"], 2, &["a similar subcommand exists: 'backup'"]).await?;
    says(&bastion, &["backup", "-n", "shpo"], 3, &["nothing matched", "no namespace shpo"]).await?;
    let kind = ["no kind \"deploymets\"", "did you mean deployments.apps?", "kubectl api-resources"];
    says(&bastion, &["backup", "-k", "deploymets"], 3, &kind).await?;
    says(&bastion, &["backup", "-l", "app in ("], 2, &["not a label selector", "env in (a,b)"]).await?;
    says(&bastion, &["backup", "-n", "shop", "-l", "app=nope"], 3, &["nothing matched", "kubectl get"]).await?;
    let secrets = ["--plaintext-secrets", "anyone who can read the repository could read them"];
    says(&bastion, &["backup", "-k", "secrets"], 2, &secrets).await?;
    says(&bastion, &["backup", "--all", "-n", "shop"], 2, &["cannot be used with"]).await?;
    assert!(!files(&folder).iter().any(|f| f.contains("/tree/")), "{:?}", files(&folder));

    says(&bastion, &["backup", "-n", "shop"], 0, &["saved"]).await?;
    says(&bastion, &["ls", "configmpas"], 3, &["no kind \"configmpas\"", "did you mean configmap?"]).await?;
    says(&bastion, &["ls", "cm", "-n", "shpo"], 3, &["nothing of cluster \"town\" matches"]).await?;
    says(&bastion, &["ls", "-l", "a b"], 2, &["not a label selector"]).await?;
    says(&bastion, &["show", "cm/price", "-n", "shop"], 3, &["no cm \"price\" is saved in namespace shop"]).await?;
    says(&bastion, &["show", "cm"], 2, &["is not one object", "TYPE/NAME"]).await?;
    says(&bastion, &["show", "cm/prices", "--at", "yesterday"], 2, &["is not a time", "2h"]).await?;
    says(&bastion, &["--cluster", "twon", "ls"], 1, &["no cluster \"twon\"", "\"town\""]).await?;
    says(&bastion, &["restore", "-n", "shpo", "-y"], 3, &["nothing of cluster \"town\" matches"]).await?;

    let with = |repo: &str| Bastion::with_binary(&binary(), repo, std::path::Path::new(""));
    says(&with("s4://x")?, &["ls"], 1, &["s4:// is not supported", "file:// or s3://"]).await?;
    says(&with("s3://x?endpiont=y")?, &["ls"], 1, &["unknown parameter endpiont", "endpoint"]).await?;
    says(&with("")?, &["ls"], 2, &["which repository?", "BASTION_REPO"]).await?;
    says(&with(&town.dir.path().display().to_string())?, &["ls"], 1, &["no bastion.json", "bastion init"]).await?;
    Ok(())
}

/// Without encryption a Secret is left out, and refused when asked for by name; nothing of it is written.
pub(crate) async fn secrets_are_refused_in_the_clear(town: &Town) -> Result<()> {
    let (bastion, folder) = town.folder("secrets").await?;
    bastion.ok(&["init"]).await?;
    let secrets = "/api/v1/namespaces/shop/secrets";
    let secret =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "password"}, "stringData": {"a": "b"}});
    town.api.create(secrets, &secret).await.context("Secret")?;
    let refused = ["--plaintext-secrets", "anyone who can read the repository could read them"];
    says(&bastion, &["backup", "-k", "secrets"], 2, &refused).await?;
    says(&bastion, &["backup", "-n", "shop"], 0, &["saved", "SKIPPED", "--plaintext-secrets"]).await?;
    let is_secret = |saved: &bastion_tests::Saved| saved.kind == "Secret";
    let saved = bastion.saved(&[]).await?;
    assert!(!saved.is_empty() && !saved.iter().any(is_secret), "{saved:?}");
    assert!(!files(&folder).iter().any(|file| file.contains("/Secret/")), "{:?}", files(&folder));

    bastion.ok(&["backup", "-n", "shop", "--plaintext-secrets"]).await?;
    assert!(bastion.saved(&[]).await?.iter().any(is_secret), "who asks for Secrets gets them");
    town.api.delete(&format!("{secrets}/password")).await.context("Secret").map(drop)
}

/// The binary, which other tests have built by now.
fn binary() -> std::path::PathBuf {
    bastion_tests::programs::binary("bastion-cli", "bastion").unwrap()
}

/// One kind is forbidden: it is named with the right to grant, all others are saved, the exit code says "in part".
pub(crate) async fn a_kind_that_may_not_be_listed_is_named_and_the_others_go_on(town: &Town) -> Result<()> {
    let (bastion, _) = town.folder("rights").await?;
    bastion.ok(&["init"]).await?;
    let kubeconfig = town.cluster.kubeconfig_for("joe", None)?;
    let joe = ["--kubeconfig", kubeconfig.to_str().unwrap()];
    let backup = [joe.as_slice(), &["backup", "-n", "shop", "-k", "cm,deploy"]].concat();
    // Without any right, not even to the cluster's identity.
    let nothing = ["namespace kube-system", "forbidden", "grant the verb get on namespaces", "can-i"];
    says(&bastion, &backup, 1, &nothing).await?;

    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    let rules =
        json!([{"apiGroups": [""], "resources": ["configmaps", "namespaces"], "verbs": ["get", "list", "watch"]}]);
    let (head, reference) = ("rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io");
    let role = json!({"apiVersion": head, "kind": "ClusterRole", "metadata": {"name": "joe"}, "rules": rules});
    let binding = json!({"apiVersion": head, "kind": "ClusterRoleBinding", "metadata": {"name": "joe"},
        "roleRef": {"apiGroup": reference, "kind": "ClusterRole", "name": "joe"},
        "subjects": [{"apiGroup": reference, "kind": "User", "name": "joe"}]});
    town.api.create(&format!("{rbac}/clusterroles"), &role).await.context("role")?;
    town.api.create(&format!("{rbac}/clusterrolebindings"), &binding).await.context("binding")?;
    // The API server learns of new roles by a watch of its own.
    wait::until("the role to hold", SOON, async || Ok((bastion.run(&backup).await?.code != 1).then_some(()))).await?;

    let in_part = ["ConfigMap", "NOT READ Deployment.apps", "grant the verb list on deployments.apps"];
    let said = says(&bastion, &backup, 4, &in_part).await?;
    assert_eq!(said.text().matches("NOT READ Deployment.apps").count(), 1, "{}", said.text());
    says(&bastion, &["ls", "cm/prices", "-n", "shop"], 0, &["prices"]).await?;
    // Nor does he get more than he may when he restores.
    let restore =
        [joe.as_slice(), &["restore", "cm/prices", "-n", "shop", "--map-namespace", "shop=zoo", "-y"]].concat();
    says(&bastion, &restore, 4, &["FAILED   Namespace zoo", "grant the verb create on namespaces"]).await.map(drop)
}

/// The kubeconfig points elsewhere than it did: both uids are named, and not a byte is written.
pub(crate) async fn another_cluster_under_a_known_name_writes_nothing(town: &Town) -> Result<()> {
    let (bastion, folder) = town.folder("clusters").await?;
    bastion.ok(&["init"]).await?;
    bastion.ok(&["backup", "-n", "shop"]).await?;
    let before = files(&folder);
    let options = ControlPlaneOptions { name: "town".to_owned(), controller_manager: false, ..Default::default() };
    let other = ControlPlane::start_with(&options).await?;
    let uid = async |cluster: &ControlPlane| -> Result<String> {
        let api = cluster.api().await?;
        let namespace = wait::until("kube-system", SOON, async || {
            api.find("/api/v1/namespaces/kube-system").await.context("kube-system")
        });
        Ok(namespace.await?["metadata"]["uid"].as_str().unwrap().to_owned())
    };
    let (here, there) = (uid(&town.cluster).await?, uid(&other).await?);
    let kubeconfig = other.kubeconfig()?;
    let elsewhere = ["--kubeconfig", kubeconfig.to_str().unwrap()];
    for verb in [["backup", "--all"], ["watch", "--all"]] {
        let args = [elsewhere.as_slice(), &verb].concat();
        says(&bastion, &args, 1, &["\"town\"", &here, &there, "nothing was written", "--cluster"]).await?;
    }
    assert_eq!(files(&folder), before);

    // Where it replaces the known one it takes over its log, once somebody has said so.
    let (adopting, folder) = town.folder("adopted").await?;
    adopting.ok(&["init"]).await?;
    adopting.ok(&["backup", "-n", "shop"]).await?;
    let before = files(&folder);
    let adopt = [elsewhere.as_slice(), &["adopt", "town"]].concat();
    says(&adopting, &adopt, 2, &["no terminal to ask on", "-y"]).await?;
    assert_eq!(files(&folder), before);
    says(&adopting, &[adopt.as_slice(), &["-y"]].concat(), 0, &["adopted", "continues town", "incarnation 2"]).await?;
    let back_up = [elsewhere.as_slice(), &["backup", "--all"]].concat();
    says(&adopting, &back_up, 0, &["town:"]).await?;
    says(&adopting, &["backup", "-n", "shop"], 1, &["\"town\"", &here, &there, "bastion adopt town"]).await?;

    // Under another name it is welcome; the known one keeps its own.
    let args = [elsewhere.as_slice(), &["--cluster", "village", "backup", "--all"]].concat();
    says(&bastion, &args, 0, &["village:"]).await?;
    says(&bastion, &["--cluster", "city", "backup", "-n", "shop"], 2, &[&here, "is \"town\"", "nothing was written"])
        .await?;
    says(&bastion, &["--cluster", "village", "ls", "ns"], 0, &["kube-system"]).await?;
    says(&bastion, &["status", "--no-live"], 0, &["Cluster town", "Cluster village", &there]).await.map(drop)
}
