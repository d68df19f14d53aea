//! `bastion-controller` as it is deployed: the very manifests are applied to a real API server, and the real
//! program runs with the token of their `ServiceAccount`.
#![allow(clippy::float_cmp, reason = "what is compared in a scrape are whole numbers")]

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use bastion_tests::{
    Bastion, Context as _, Error, Process, Program, Result,
    minio::{self, repo_url},
    ports,
    programs::binary,
    wait,
};
use http::{Method, Request, header::CONTENT_TYPE};
use serde_json::{Value, json};

use crate::stage::{SOON, Stage};

mod configuration;
mod leaders;
mod metrics;
mod rights;

const WIDGET: &str = "Widget.tests.bastion.dev";

/// The grant of a custom resource, as the manifests invite to.
const WIDGETS_MAY_BE_READ: &str = "apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: bastion-widgets
  labels: {bastion.dev/aggregate-to-controller: 'true'}
rules:
  - apiGroups: [tests.bastion.dev]
    resources: ['*']
    verbs: [get, list, watch]
";

/// Where the manifests lie.
fn deploy(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(file)
}

/// Applies every document of a manifest as it stands; a field that the API server does not know is refused.
async fn apply(stage: &Stage, text: &str) -> Result<Vec<Value>> {
    let mut applied = Vec::new();
    for document in text.split("\n---\n") {
        let object: Value = serde_saphyr::from_str(document).context("manifest")?;
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (version, kind) = (word(&object["apiVersion"]), word(&object["kind"]));
        let namespace = object["metadata"]["namespace"].as_str().map(|n| format!("/namespaces/{n}"));
        let path = format!(
            "{}/{version}{}/{}s/{}?fieldManager=kubectl&fieldValidation=Strict",
            if version.contains('/') { "/apis" } else { "/api" },
            namespace.unwrap_or_default(),
            kind.to_lowercase(),
            word(&object["metadata"]["name"]),
        );
        let request = Request::builder().method(Method::PATCH).uri(&path);
        let request = request.header(CONTENT_TYPE, "application/apply-patch+yaml").body(document.into());
        let answer = stage.api.client().request_text(request.context("request")?).await.context(path)?;
        applied.push(serde_json::from_str(&answer).context("answer")?);
    }
    Ok(applied)
}

/// A cluster with the manifests applied, an S3 server, and no repository yet.
struct Deployed {
    stage: Stage,
    kubeconfig: PathBuf,
    config: PathBuf,
    s3: BTreeMap<String, String>,
    started: AtomicU32,
}

impl Deployed {
    async fn new(name: &str) -> Result<Self> {
        let mut stage = Stage::new(name).await?;
        "by-the-controller".clone_into(&mut stage.prefix);
        let repo = repo_url("backups", &stage.prefix, stage.proxy.port());
        stage.bastion = Bastion::new(&repo, &stage.cluster.kubeconfig()?).await?;

        let kustomization: Value =
            serde_saphyr::from_str(&fs::read_to_string(deploy("kustomization.yaml")).context("kustomization")?)
                .context("kustomization")?;
        let mut config = None;
        for file in kustomization["resources"].as_array().unwrap() {
            let text = fs::read_to_string(deploy(file.as_str().unwrap())).context("manifest")?;
            for object in apply(&stage, &text).await? {
                config = object["data"]["config.yaml"].as_str().map(str::to_owned).or(config);
            }
        }
        let template = fs::read_to_string(deploy("secret.template.yaml")).context("template")?;
        let filled = template
            .replace("ACCESS_KEY_ID: CHANGE-ME", &format!("ACCESS_KEY_ID: {}", minio::ACCESS_KEY))
            .replace("ACCESS_KEY: CHANGE-ME", &format!("ACCESS_KEY: {}", minio::SECRET_KEY));
        apply(&stage, &filled).await?;
        let secret: Value = serde_saphyr::from_str(&filled).context("secret")?;
        let s3 = serde_json::from_value(secret["stringData"].clone()).context("secret")?;

        let dir = stage.cluster.dir();
        let path = dir.join("config.yaml");
        fs::write(&path, config.unwrap()).context("config")?;
        let kubeconfig = account(&stage).await?;
        Ok(Self { stage, kubeconfig, config: path, s3, started: AtomicU32::new(0) })
    }

    /// What the pod of that name would run; the environment says what is different here.
    fn program(&self, pod: &str, port: u16) -> Result<Program> {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let binary = binary("bastion-controller", "bastion-controller")?;
        let repo = repo_url("backups", &self.stage.prefix, self.stage.proxy.port());
        let mut program = Program::new(&format!("{pod}-{number}"), binary, self.stage.cluster.dir())
            .args([format!("--config={}", self.config.display())])
            .env("POD_NAME", pod)
            .env("POD_NAMESPACE", "bastion")
            .env("BASTION_REPO", repo)
            .env("BASTION_CLUSTER", self.stage.cluster.name())
            .env("BASTION_LISTEN", format!("127.0.0.1:{port}"))
            .env("BASTION_KUBERNETES_KUBECONFIG", self.kubeconfig.display().to_string())
            .env("AWS_EC2_METADATA_DISABLED", "true");
        program.env.extend(self.s3.clone());
        program.isolated = true;
        Ok(program)
    }

    fn start(&self, pod: &str, env: &[(&str, &str)]) -> Result<Controller> {
        let port = ports::free()?;
        let program = env.iter().fold(self.program(pod, port)?, |program, (name, value)| program.env(name, *value));
        Ok(Controller { process: program.start()?, port })
    }

    /// Whose the Lease is.
    async fn holder(&self) -> Result<String> {
        let path = "/apis/coordination.k8s.io/v1/namespaces/bastion/leases/bastion-controller";
        let lease = self.stage.api.find(path).await.context("lease")?.unwrap_or_default();
        Ok(lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned())
    }
}

/// A kubeconfig with a token of the manifests' `ServiceAccount`.
async fn account(stage: &Stage) -> Result<PathBuf> {
    let path = "/api/v1/namespaces/bastion/serviceaccounts/bastion-controller/token";
    let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    let answer = stage.api.create(path, &request).await.context("token")?;
    let dir = stage.cluster.dir();
    fs::write(dir.join("token"), answer["status"]["token"].as_str().unwrap()).context("token")?;
    let kubeconfig = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "pod",
        "contexts": [{"name": "pod", "context": {"cluster": "pod", "user": "pod"}}],
        "clusters": [{"name": "pod", "cluster": {
            "server": format!("https://127.0.0.1:{}", stage.cluster.apiserver_port()),
            "certificate-authority": dir.join("pki/ca.crt"),
        }}],
        "users": [{"name": "pod", "user": {"tokenFile": dir.join("token")}}],
    });
    let path = dir.join("account.kubeconfig");
    fs::write(&path, kubeconfig.to_string()).context("kubeconfig")?;
    Ok(path)
}

/// A running controller.
struct Controller {
    process: Process,
    port: u16,
}

impl Controller {
    /// Status and body.
    fn get(&self, path: &str) -> Result<(u16, String)> {
        let exchange = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
            stream.set_read_timeout(Some(Duration::from_secs(30)))?;
            write!(stream, "GET {path} HTTP/1.0\r\nHost: pod\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        let answer = exchange().context("HTTP")?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| Error::new("half an answer"))?;
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or_default();
        Ok((status, body.to_owned()))
    }

    /// Waits until `/readyz` answers 200 with that word.
    async fn ready(&mut self, role: &str) -> Result<()> {
        self.until(&format!("{role} in /readyz"), async |c| {
            let (status, body) = c.get("/readyz")?;
            if (status, body.trim()) == (200, role) {
                Ok(Some(()))
            } else {
                Err(Error::new(format!("{status} {body}")))
            }
        })
        .await
    }

    /// Everything at `/metrics`: the number by its name and labels.
    fn metrics(&self) -> Result<Numbers> {
        let (status, text) = self.get("/metrics")?;
        assert_eq!(status, 200, "{text}");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Ok(Numbers(lines.filter_map(|l| l.rsplit_once(' ')).map(|(k, v)| (k.to_owned(), v.parse().unwrap())).collect()))
    }

    /// Waits for something that only a living process can do.
    async fn until<T>(&mut self, what: &str, mut ask: impl AsyncFnMut(&Self) -> Result<Option<T>>) -> Result<T> {
        let done = wait::until(what, SOON, async || match self.process.check() {
            Err(e) => Ok(Some(Err(e))),
            Ok(()) => Ok(ask(self).await?.map(Ok)),
        });
        match done.await {
            Ok(done) => done,
            Err(e) => Err(Error::with(format!("the controller's log ends:\n{}", self.process.log_tail(30)), e)),
        }
    }
}

/// A scrape.
#[derive(Debug)]
struct Numbers(BTreeMap<String, f64>);

impl Numbers {
    /// A number of the whole process. One that is not there is no zero.
    fn all(&self, name: &str) -> f64 {
        let number = self.0.get(&format!("bastion_{name}"));
        *number.unwrap_or_else(|| panic!("there is no metric bastion_{name}: {self:?}"))
    }

    /// A number of one kind; 0 as long as the kind has no numbers at all.
    fn of(&self, name: &str, kind: &str) -> f64 {
        let label = format!("{{kind=\"{kind}\"}}");
        let number = self.0.get(&format!("bastion_{name}{label}"));
        let unknown = !self.0.keys().any(|key| key.ends_with(&label));
        *number.unwrap_or_else(|| if unknown { &0.0 } else { panic!("{kind} has no metric bastion_{name}: {self:?}") })
    }
}
