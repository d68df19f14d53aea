//! The first hour: every command once, as `--help` and docs/cli.md say.

use bastion_tests::{Bastion, Context as _, Result, crds, programs};
use serde_json::json;

use super::{Town, config_path, files, says};

/// From an empty folder to a restore.
pub(crate) async fn a_first_hour(town: &Town) -> Result<()> {
    let (bastion, folder) = town.folder("tour").await?;
    says(&bastion, &[], 2, &["Usage: bastion [OPTIONS] <COMMAND>", "Exit codes:"]).await?;
    says(&bastion, &["ls"], 1, &["does not exist", "bastion init"]).await?;
    says(&bastion, &["init"], 0, &["created repository", "sha256"]).await?;
    says(&bastion, &["init"], 1, &["a Bastion repository already exists here", "use it as it is"]).await?;
    says(&bastion, &["ls"], 3, &["no cluster was backed up yet", "bastion backup"]).await?;
    says(&bastion, &["backup"], 3, &["nothing matched", "none is selected", "backup/enabled=true", "--all"]).await?;

    let shop = "/api/v1/namespaces/shop";
    let annotated = json!({"metadata": {"annotations": {"backup/enabled": "true"}}});
    town.api.merge(shop, &annotated).await.context("annotate")?;
    town.config("prices", json!({"apple": "1"})).await?;
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": {"a": "b"}});
    town.api.create(&format!("{shop}/secrets"), &secret).await.context("Secret")?;
    let said = says(&bastion, &["backup"], 0, &["ConfigMap", "saved", "SKIPPED", "--plaintext-secrets"]).await?;
    assert!(!said.stderr.contains("WARN"), "{}", said.stderr);
    says(&bastion, &["backup"], 0, &[" 0 saved"]).await?;
    let first = jiff::Timestamp::now().to_string();
    assert!(files(&folder).contains(&"tree/town/core/v1/ConfigMap/shop/prices/manifest.yaml".to_owned()));

    town.config("prices", json!({"apple": "2", "pear": "3"})).await?;
    let live = ["-  apple: \"1\"", "+  apple: \"2\"", "+  pear: \"3\"", "live"];
    says(&bastion, &["diff", "cm/prices", "-n", "shop"], 0, &live).await?;
    says(&bastion, &["diff", "cm/prices", "-n", "shop", "--exit-code"], 6, &live).await?;
    says(&bastion, &["backup"], 0, &[" 1 saved"]).await?;
    assert_eq!(bastion.ok(&["diff", "cm/prices", "-n", "shop", "--exit-code"]).await?.stdout, "");
    reading(&bastion, &first).await?;
    restoring(town, &bastion, &first).await?;

    says(&bastion, &["verify"], 0, &["everything is as it was written"]).await?;
    says(&bastion, &["status"], 0, &["Cluster town", "head", "policy   annotated", "this is town", "Lease"]).await?;
    says(&bastion, &["status", "--no-live", "-o", "json"], 0, &["\"sha256\"", "\"resourceVersion\""]).await?;
    let expect = head(&bastion).await?;
    says(&bastion, &["verify", "--expect-head", &expect], 0, &["as it was written"]).await?;
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(bastion.ok(&["completions", shell]).await?.stdout.contains("bastion"), "{shell}");
    }
    as_plugin(town, &folder.display().to_string()).await
}

/// The log's end, as `--expect-head` takes it.
pub(crate) async fn head(bastion: &Bastion) -> Result<String> {
    let status = bastion.ok(&["status", "--no-live", "-o", "json"]).await?.stdout;
    let status: serde_json::Value = serde_json::from_str(&status).context("status")?;
    let log = &status["clusters"][0];
    let text = |value: &serde_json::Value| value.to_string().trim_matches('"').to_owned();
    Ok(format!("{}={}@{}", text(&log["name"]), text(&log["head"]["revision"]), text(&log["head"]["sha256"])))
}

/// `ls`, `show`, `history`, `diff` in all their formats, none of which needs a cluster.
async fn reading(bastion: &Bastion, first: &str) -> Result<()> {
    says(bastion, &["ls"], 0, &["KIND", "NAMESPACE", "prices"]).await?;
    says(bastion, &["get", "cm", "-n", "shop", "-o", "wide"], 0, &["DIGEST", "POLICY", "annotated"]).await?;
    says(bastion, &["ls", "cm", "-A", "-l", "app=web", "-o", "name"], 0, &["configmap/prices\n"]).await?;
    says(bastion, &["ls", "cm,ns", "-o", "yaml"], 0, &["- apiVersion: v1", "name: shop", "digest: sha256:"]).await?;
    says(bastion, &["ls", "cm/prices", "-n", "shop", "-o", "json"], 0, &["\"state\": \"saved\""]).await?;
    says(bastion, &["ls", "cm", "--at", "10d"], 3, &["nothing of cluster \"town\" matches", "--at"]).await?;
    let revisions = bastion.history(&["cm/prices", "-n", "shop"]).await?;
    let [new, old] = revisions.as_slice() else { panic!("{revisions:?}") };
    let (new, old) = (new.revision.to_string(), old.revision.to_string());
    says(bastion, &["show", "cm", "prices", "-n", "shop"], 0, &["apple: \"2\"", "kind: ConfigMap"]).await?;
    says(bastion, &["show", "cm/prices", "-n", "shop", "--revision", &old, "-o", "json"], 0, &["\"apple\": \"1\""])
        .await?;
    says(bastion, &["show", "cm/prices", "-n", "shop", "--at", first], 0, &["apple: \"1\""]).await?;
    says(bastion, &["history", "cm/prices", "-n", "shop", "-o", "wide"], 0, &["WRITTEN BY", "tests"]).await?;
    says(bastion, &["history", "cm/prices", "-n", "shop", "--patch"], 0, &["+  pear: \"3\"", "+  apple: \"1\""])
        .await?;
    let two = ["diff", "cm/prices", "-n", "shop", "--from", &old, "--to", &new];
    says(bastion, &two, 0, &["-  apple: \"1\"", "+  apple: \"2\""]).await?;
    says(bastion, &[two.as_slice(), &["-o", "json"]].concat(), 0, &["\".data.apple\"", "\"old\": \"1\""]).await?;
    let wrong = ["diff", "cm/prices", "-n", "shop", "--from", "999", "--to", "latest"];
    says(bastion, &wrong, 3, &["has no revision 999", &new, &old]).await.map(drop)
}

/// `restore`: the plan, one object, a time, a mapping, the conflict policies, and the same once more.
async fn restoring(town: &Town, bastion: &Bastion, first: &str) -> Result<()> {
    let one = ["restore", "cm/prices", "-n", "shop"];
    let with = |more: &[&'static str]| [one.as_slice(), more].concat();
    says(bastion, &["restore"], 2, &["what should be restored?", "-A"]).await?;
    says(bastion, &one, 2, &["no terminal to ask on", "-y"]).await?;
    says(bastion, &with(&["--dry-run"]), 0, &["ConfigMap shop/prices", "0 created", "2 unchanged"]).await?;
    town.api.delete(&config_path("prices")).await.context("delete")?;
    says(bastion, &with(&["--dry-run"]), 0, &["1 created"]).await?;
    assert!(town.api.find(&config_path("prices")).await.unwrap().is_none(), "--dry-run wrote");
    says(bastion, &with(&["-y"]), 0, &["1 created"]).await?;
    says(bastion, &with(&["-y"]), 0, &["0 created", "2 unchanged"]).await?;

    // Back in time: left as it is, refused, made what it was.
    let at = |more: &[&'static str]| [one.as_slice(), &["--at", first, "-y", "--conflict"], more].concat();
    says(bastion, &at(&["skip"]), 0, &["SKIPPED", "1 skipped"]).await?;
    says(bastion, &at(&["fail"]), 4, &["FAILED", "ConfigMap shop/prices"]).await?;
    says(bastion, &at(&["replace"]), 0, &["1 updated"]).await?;
    let live = town.api.get(&config_path("prices")).await.unwrap();
    assert_eq!(live["data"], json!({"apple": "1"}), "{live}");

    let copy = ["restore", "-n", "shop", "--map-namespace", "shop=copy"];
    says(bastion, &[copy.as_slice(), &["--dry-run", "-o", "json"]].concat(), 0, &["\"wave\": \"config\"", "copy"])
        .await?;
    says(bastion, &[copy.as_slice(), &["-y"]].concat(), 0, &["created", "LEFT OUT"]).await?;
    let there = town.api.get("/api/v1/namespaces/copy/configmaps/prices").await.unwrap();
    assert_eq!(there["data"], json!({"apple": "2", "pear": "3"}), "{there}");
    let typo = ["restore", "-n", "shop", "--map-namespace", "shpo=copy", "-y"];
    says(bastion, &typo, 2, &["--map-namespace", "this restore has nothing in \"shpo\""]).await.map(drop)
}

/// Linked as kubectl-bastion it calls itself `kubectl bastion`.
async fn as_plugin(town: &Town, folder: &str) -> Result<()> {
    let binary =
        tokio::task::spawn_blocking(|| programs::binary("bastion-cli", "bastion")).await.context("build")??;
    let link = town.dir.path().join("kubectl-bastion");
    std::os::unix::fs::symlink(binary, &link).context("link")?;
    let plugin = Bastion::with_binary(&link, folder, &town.cluster.kubeconfig()?)?;
    says(&plugin, &["ls", "--help"], 0, &["Usage: kubectl bastion ls [OPTIONS]"]).await?;
    says(&plugin, &["ls", "cm/prices", "-n", "shop"], 0, &["prices"]).await.map(drop)
}

/// The storage version of a kind need not be the preferred one: the live object is compared in the version of the
/// saved one, and by the same rules.
pub(crate) async fn a_live_object_is_read_as_the_saved_one(town: &Town) -> Result<()> {
    let name = "gizmos.town.example";
    let version = |name: &str, storage: bool| {
        json!({"name": name, "served": true, "storage": storage, "schema": {"openAPIV3Schema":
            {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}})
    };
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": {"group": "town.example", "scope": "Namespaced",
            "names": {"plural": "gizmos", "singular": "gizmo", "kind": "Gizmo", "listKind": "GizmoList"},
            "versions": [version("v1", true), version("v2", false)]}});
    town.api.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &definition).await.context("CRD")?;
    crds::wait_established(&town.api, &[name.to_owned()]).await?;
    let gizmos = "/apis/town.example/v2/namespaces/shop/gizmos";
    let gizmo = json!({"apiVersion": "town.example/v2", "kind": "Gizmo", "metadata": {"name": "a"},
        "spec": {"size": 1, "colour": "red"}});
    town.api.create(gizmos, &gizmo).await.context("gizmo")?;

    let (bastion, _) = town.folder("versions").await?;
    bastion.ok(&["init"]).await?;
    let drop = ["--drop", "Gizmo.town.example:spec.size"];
    says(&bastion, &[&["backup", "-n", "shop", "-k", name], &drop[..]].concat(), 0, &["1 saved"]).await?;
    says(&bastion, &["show", "gizmo/a", "-n", "shop"], 0, &["apiVersion: town.example/v1"]).await?;
    let diff = ["diff", "gizmo/a", "-n", "shop", "--exit-code"];
    assert_eq!(bastion.ok(&[&diff[..], &drop].concat()).await?.stdout, "");
    let said = says(&bastion, &diff, 6, &["+  size: 1"]).await?;
    assert!(!said.stdout.contains("apiVersion: town.example/v2"), "{}", said.stdout);
    // What a selection leaves out.
    let left_out = ["backup", "-n", "shop", "--exclude-kinds", name, "-o", "json"];
    assert!(!says(&bastion, &left_out, 0, &["ConfigMap"]).await?.stdout.contains("Gizmo"));
    let elsewhere = ["backup", "--all", "-o", "json", "--exclude-namespaces", "shop"];
    says(&bastion, &elsewhere, 0, &["\"policy\": \"sel-"]).await.map(std::mem::drop)
}
