//! Custom resource definitions: those of real projects, taken at run time from their Go modules, and two
//! of the tests' own that accept anything.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::{Method, Request};
use serde_json::{Value, json};

use crate::{
    api::{Api, Resource, parse},
    error::{Context as _, Error, Result},
    wait,
};

const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/// A project whose CRDs are used. Nothing of theirs is in this repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Project {
    /// cert-manager: 6 kinds.
    CertManager,
    /// The Prometheus operator: 10 kinds, the biggest schemas.
    PrometheusOperator,
    /// Argo CD: 3 kinds.
    ArgoCd,
    /// The CSI snapshotter: 6 kinds, some of them cluster-scoped.
    Snapshots,
}

impl Project {
    /// All of them.
    pub const ALL: [Project; 4] =
        [Project::CertManager, Project::PrometheusOperator, Project::ArgoCd, Project::Snapshots];

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Project::CertManager => "cert-manager",
            Project::PrometheusOperator => "the Prometheus operator",
            Project::ArgoCd => "Argo CD",
            Project::Snapshots => "the CSI snapshotter",
        }
    }

    /// Go module, version, and the folder with the CRDs.
    fn module(self) -> (&'static str, &'static str) {
        match self {
            Project::CertManager => ("github.com/cert-manager/cert-manager@v1.21.2", "deploy/crds"),
            Project::PrometheusOperator => {
                ("github.com/prometheus-operator/prometheus-operator@v0.85.0", "example/prometheus-operator-crd")
            }
            Project::ArgoCd => ("github.com/argoproj/argo-cd/v3@v3.5.7", "manifests/crds"),
            Project::Snapshots => ("github.com/kubernetes-csi/external-snapshotter/client/v8@v8.6.0", "config/crd"),
        }
    }

    /// The files of its CRDs, downloaded where they are not in Go's module cache yet.
    ///
    /// # Errors
    /// When the module cannot be downloaded.
    pub fn files(self) -> Result<Vec<PathBuf>> {
        let (module, folder) = self.module();
        let output = Command::new("go")
            .args(["mod", "download", "-json", module])
            // Outside of any module, so that nothing here is changed.
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::null())
            .output()
            .context("cannot run `go`, which fetches the CRDs")?;
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let dir = answer["Dir"].as_str().ok_or_else(|| {
            Error::new(format!(
                "go mod download {module}: {} {}",
                answer["Error"],
                String::from_utf8_lossy(&output.stderr)
            ))
        })?;
        let dir = Path::new(dir).join(folder);
        let entries = fs::read_dir(&dir).context(format!("{}", dir.display()))?;
        let mut files: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
        files.retain(|p| p.extension().is_some_and(|e| e == "yaml") && !p.ends_with("kustomization.yaml"));
        files.sort();
        Ok(files)
    }

    /// Applies its CRDs and waits until all are served. Returns their names.
    ///
    /// # Errors
    /// When one is refused or not established in time.
    pub async fn install(self, api: &Api) -> Result<Vec<String>> {
        let files = tokio::task::spawn_blocking(move || self.files()).await.context("CRDs")??;
        let mut names = Vec::new();
        for file in files {
            let text = fs::read_to_string(&file).context(format!("{}", file.display()))?;
            let name = name_of(&text).ok_or_else(|| Error::new(format!("no name in {}", file.display())))?;
            apply_yaml(api, &name, text).await.context(format!("CRD {name}"))?;
            names.push(name);
        }
        wait_established(api, &names).await?;
        Ok(names)
    }
}

/// Kind `Widget` (namespaced, with a status subresource) and kind `Dome` (cluster-scoped), both of group
/// `tests.bastion.dev`, which keep every field they are given.
///
/// # Errors
/// When they are refused or not established in time.
pub async fn install_own(api: &Api) -> Result<()> {
    for (resource, scope) in [(widget(), "Namespaced"), (dome(), "Cluster")] {
        define(api, &resource, scope).await?;
    }
    Ok(())
}

/// Defines a kind that keeps every field it is given, and waits until it is served.
///
/// # Errors
/// When it is refused or not established in time.
pub async fn define(api: &Api, resource: &Resource, scope: &str) -> Result<()> {
    let name = format!("{}.{}", resource.plural, resource.group);
    let anything = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let crd = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": {
            "group": resource.group,
            "names": {"kind": resource.kind, "plural": resource.plural, "singular": resource.kind.to_lowercase(),
                      "listKind": format!("{}List", resource.kind)},
            "scope": scope,
            "versions": [{
                "name": resource.version, "served": true, "storage": true,
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": anything, "status": anything}}},
            }],
        },
    });
    api.apply(&format!("{CRDS}/{name}"), &crd).await.context(format!("CRD {name}"))?;
    wait_established(api, &[name]).await
}

/// The tests' own namespaced kind.
pub fn widget() -> Resource {
    Resource::new("tests.bastion.dev", "v1", "Widget", "widgets", true)
}

/// The tests' own cluster-scoped kind.
pub fn dome() -> Resource {
    Resource::new("tests.bastion.dev", "v1", "Dome", "domes", false)
}

/// Waits until the API server serves these CRDs: the condition first, then the resource itself, which
/// follows a little later.
///
/// # Errors
/// When one is not served in time.
pub async fn wait_established(api: &Api, names: &[String]) -> Result<()> {
    let waits = stream::iter(names).map(|name| async move {
        let path = format!("{CRDS}/{name}");
        wait::until(&format!("CRD {name} to be served"), Duration::from_mins(2), async || {
            let crd = api.get(&path).await.context("CRD")?;
            let conditions = crd["status"]["conditions"].as_array().cloned().unwrap_or_default();
            if !conditions.iter().any(|c| c["type"] == "Established" && c["status"] == "True") {
                return Ok(None);
            }
            let served = crd["spec"]["versions"].as_array().cloned().unwrap_or_default();
            let version = served.iter().find(|v| v["served"] == true).map(|v| v["name"].clone()).unwrap_or_default();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let spec = &crd["spec"];
            let (group, plural) = (text(&spec["group"]), text(&spec["names"]["plural"]));
            api.get(&format!("/apis/{group}/{}/{plural}?limit=1", text(&version))).await.context("first list")?;
            Ok(Some(()))
        })
        .await
    });
    waits.buffer_unordered(4).try_collect().await
}

/// Server-side apply of the file as it is: the API server reads YAML itself, and client-side apply would
/// fail at the size of its annotation.
async fn apply_yaml(api: &Api, name: &str, text: String) -> kube::Result<Value> {
    let request = Request::builder()
        .method(Method::PATCH)
        .uri(format!("{CRDS}/{name}?fieldManager=tests&force=true"))
        .header(http::header::CONTENT_TYPE, "application/apply-patch+yaml")
        .body(text.into_bytes())
        .map_err(kube::Error::HttpError)?;
    let answer = api.client().request_text(request).await?;
    parse(&answer).map_err(kube::Error::SerdeError)
}

/// `metadata.name` of a manifest as code generators write it.
fn name_of(yaml: &str) -> Option<String> {
    let metadata = yaml.lines().skip_while(|line| *line != "metadata:").skip(1);
    let mut inside = metadata.take_while(|line| line.starts_with(' '));
    inside.find_map(|line| line.strip_prefix("  name: ")).map(|name| name.trim_matches('"').to_owned())
}
