//! What Velero needs in a cluster, and how its server is started.

use std::path::Path;

use bastion_tests::{Context as _, Program, S3Proxy, crds, minio, ports};
use serde_json::{Value, json};
use tokio::process::Command;

use super::objects::{API, NAMESPACE, object};
use crate::{Result, cluster::Stage};

/// Its kinds, namespace and storage: what `velero install` makes, but for the server.
pub(super) async fn install(stage: &Stage, proxy: &S3Proxy, server: &Path) -> Result<()> {
    let args = ["install", "--crds-only", "--dry-run", "--output=json"];
    let printed = Command::new(server).args(args).env("KUBECONFIG", stage.kubeconfig()?).output().await?;
    let list: Value = serde_json::from_slice(&printed.stdout)?;
    let mut names = Vec::new();
    for crd in list["items"].as_array().into_iter().flatten() {
        let name = crd["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}");
        stage.api.apply(&path, crd).await.context("CRD")?;
        names.push(name);
    }
    crds::wait_established(&stage.api, &names).await?;
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
    stage.api.apply(&format!("/api/v1/namespaces/{NAMESPACE}"), &namespace).await.context("namespace")?;
    // A restore asks this one which image its helpers shall have; none is needed here, and no pod runs.
    let labels = json!({"app": "velero"});
    let containers = json!([{"name": "velero", "image": "velero/velero:v1.18.3"}]);
    let template = json!({"metadata": {"labels": labels}, "spec": {"containers": containers}});
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "velero", "namespace": NAMESPACE},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
    });
    let path = format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments/velero");
    stage.api.apply(&path, &deployment).await.context("deployment")?;
    let location = json!({
        "provider": "aws", "default": true, "objectStorage": {"bucket": "bench", "prefix": NAMESPACE},
        "config": {"region": "us-east-1", "s3ForcePathStyle": "true", "s3Url": format!("http://127.0.0.1:{}", proxy.port())},
    });
    let location = object("BackupStorageLocation", "default", &location);
    stage.api.apply(&format!("{API}/backupstoragelocations/default"), &location).await.context("location")?;
    Ok(())
}

/// The server, as it is to be started.
pub(super) fn program(stage: &Stage, server: &Path, dir: &Path, plugins: &Path) -> Result<Program> {
    let mut program = Program::new("velero", server, dir).args([
        "server".to_owned(),
        format!("--namespace={NAMESPACE}"),
        format!("--kubeconfig={}", stage.kubeconfig()?.display()),
        format!("--plugin-dir={}", plugins.display()),
        format!("--metrics-address=127.0.0.1:{}", ports::free()?),
        format!("--profiler-address=127.0.0.1:{}", ports::free()?),
    ]);
    program.env.extend(minio::credentials());
    // It writes each object into a file of its own first.
    program.env.extend(["TMPDIR", "HOME"].map(|name| (name.to_owned(), dir.display().to_string())));
    Ok(program)
}
