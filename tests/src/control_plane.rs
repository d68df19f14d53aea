//! A real control plane: etcd, kube-apiserver, kube-controller-manager.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::json;

use crate::{
    api::Api,
    dir::TestDir,
    error::{Context as _, Error, Result},
    pki::Pki,
    ports,
    process::{Process, Program},
    tools::Tool,
    wait,
};

mod audit;
mod audit_log;
mod faults;

pub use audit::Audited;
pub use faults::EtcdBackup;

/// How long a server may take to be ready; seconds when idle, more when tests run side by side.
const READY: Duration = Duration::from_secs(90);

/// What differs between test clusters.
#[derive(Debug, Clone)]
pub struct ControlPlaneOptions {
    /// Name of the cluster and of its context in kubeconfigs.
    pub name: String,
    /// Whether to start the controller-manager (garbage collector, namespace deletion, service accounts).
    pub controller_manager: bool,
    /// More arguments of the API server.
    pub apiserver_args: Vec<String>,
}

impl Default for ControlPlaneOptions {
    fn default() -> Self {
        Self { name: "test".to_owned(), controller_manager: true, apiserver_args: Vec::new() }
    }
}

/// A running control plane. Dropping it ends it.
#[derive(Debug)]
pub struct ControlPlane {
    // In this order: processes end before their folder goes.
    controller_manager: Option<Mutex<Process>>,
    apiserver: Mutex<Process>,
    etcd: Mutex<Process>,
    name: String,
    pki: Pki,
    etcd_port: u16,
    apiserver_port: u16,
    dir: TestDir,
}

impl ControlPlane {
    /// Starts a control plane of that name and waits until it is ready.
    ///
    /// # Errors
    /// When a binary cannot be built or a server does not come up.
    pub async fn start(name: &str) -> Result<Self> {
        Self::start_with(&ControlPlaneOptions { name: name.to_owned(), ..Default::default() }).await
    }

    /// Starts a control plane with options.
    ///
    /// # Errors
    /// When a binary cannot be built or a server does not come up.
    pub async fn start_with(options: &ControlPlaneOptions) -> Result<Self> {
        let mut last = None;
        // Somebody else may take a port between our look and the server's bind: try again with others.
        for _ in 0..3 {
            match Self::try_start(options).await {
                Ok(cluster) => return Ok(cluster),
                Err(e) => last = Some(e),
            }
        }
        Err(last.unwrap_or_else(|| Error::new("no control plane")))
    }

    async fn try_start(options: &ControlPlaneOptions) -> Result<Self> {
        let binaries = tokio::task::spawn_blocking(|| -> Result<_> {
            Ok((Tool::Etcd.path()?, Tool::KubeApiserver.path()?, Tool::KubeControllerManager.path()?))
        });
        let (etcd, apiserver, controller_manager) = binaries.await.context("finding the programs")??;
        let dir = TestDir::new(&options.name)?;
        let pki = Pki::create(&dir.path().join("pki"))?;
        let (etcd_port, peer_port, apiserver_port) = (ports::free()?, ports::free()?, ports::free()?);

        // Together: the API server waits for etcd by itself.
        let etcd = etcd_program(etcd, dir.path(), etcd_port, peer_port).start()?;
        let apiserver = apiserver_program(apiserver, dir.path(), &pki, etcd_port, apiserver_port)
            .args(audit_log::args(dir.path())?)
            .args(options.apiserver_args.clone())
            .start()?;
        let mut cluster = Self {
            controller_manager: None,
            apiserver: Mutex::new(apiserver),
            etcd: Mutex::new(etcd),
            name: options.name.clone(),
            pki,
            etcd_port,
            apiserver_port,
            dir,
        };
        cluster.wait_ready().await?;
        if options.controller_manager {
            let kubeconfig = cluster.kubeconfig_for("system:kube-controller-manager", None)?;
            let program = Program::new("kube-controller-manager", controller_manager, cluster.dir.path()).args([
                format!("--kubeconfig={}", kubeconfig.display()),
                format!("--service-account-private-key-file={}", cluster.pki.file("sa.key").display()),
                // Without it pods and token controllers wait for kube-root-ca.crt for ever.
                format!("--root-ca-file={}", cluster.pki.file("ca.crt").display()),
                "--use-service-account-credentials=true".to_owned(),
                "--leader-elect=false".to_owned(),
                format!("--secure-port={}", ports::free()?),
            ]);
            cluster.controller_manager = Some(Mutex::new(program.start()?));
        }
        Ok(cluster)
    }

    /// The cluster's name; its kubeconfigs have a context of that name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder with logs, certificates and etcd's data.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Port of the API server on 127.0.0.1.
    pub fn apiserver_port(&self) -> u16 {
        self.apiserver_port
    }

    /// Process id of the API server while it runs.
    pub fn apiserver_id(&self) -> Option<u32> {
        lock(&self.apiserver).id()
    }

    /// Kubeconfig of an administrator.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn kubeconfig(&self) -> Result<PathBuf> {
        self.kubeconfig_for("admin", Some("system:masters"))
    }

    /// Kubeconfig of any user, in a group where one is given.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn kubeconfig_for(&self, user: &str, group: Option<&str>) -> Result<PathBuf> {
        self.kubeconfig_at(user, group, self.apiserver_port)
    }

    /// Kubeconfig of an administrator that goes through a proxy's port.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn kubeconfig_through(&self, port: u16) -> Result<PathBuf> {
        self.kubeconfig_at("admin", Some("system:masters"), port)
    }

    /// Kubeconfig of any user at any port of 127.0.0.1, which the server's certificate names.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn kubeconfig_at(&self, user: &str, group: Option<&str>, port: u16) -> Result<PathBuf> {
        let file: String = user.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let path = self.pki.file(&format!("{file}-{port}.kubeconfig"));
        if path.is_file() {
            return Ok(path);
        }
        let identity = self.pki.client(user, group)?;
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": self.name,
            "contexts": [{"name": self.name, "context": {"cluster": self.name, "user": user}}],
            "clusters": [{"name": self.name, "cluster": {
                "server": format!("https://127.0.0.1:{port}"),
                "certificate-authority": self.pki.file("ca.crt"),
            }}],
            "users": [{"name": user, "user": {
                "client-certificate": identity.certificate,
                "client-key": identity.key,
            }}],
        });
        fs::write(&path, config.to_string()).context(format!("{}", path.display()))?;
        Ok(path)
    }

    /// A client of an administrator. Make one per test: a client belongs to the runtime it was made in.
    ///
    /// # Errors
    /// When the kubeconfig cannot be used.
    pub async fn client(&self) -> Result<kube::Client> {
        client_of(&self.kubeconfig()?).await
    }

    /// [`Self::client`], speaking JSON values.
    ///
    /// # Errors
    /// When the kubeconfig cannot be used.
    pub async fn api(&self) -> Result<Api> {
        Ok(Api::new(self.client().await?))
    }

    /// Waits until the API server is ready and has made its own namespaces.
    ///
    /// # Errors
    /// When a server has died, or is not ready in time.
    pub async fn wait_ready(&self) -> Result<()> {
        let api = self.api().await?;
        let what = format!("cluster {} to be ready", self.name);
        let ready = wait::until(&what, READY, async || {
            if let Err(e) = lock(&self.etcd).check().and_then(|()| lock(&self.apiserver).check()) {
                return Ok(Some(Err(e)));
            }
            let request = http::Request::get("/readyz").body(Vec::new()).context("request")?;
            api.client().request_text(request).await.context("/readyz")?;
            let ours = api.find("/api/v1/namespaces/kube-system").await.context("kube-system")?;
            let default = api.find("/api/v1/namespaces/default").await.context("default")?;
            Ok((ours.is_some() && default.is_some()).then_some(Ok(())))
        });
        ready.await?
    }

    /// Makes a namespace and waits for its service account, so that everything can be created in it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn namespace(&self, name: &str) -> Result<()> {
        let api = self.api().await?;
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        api.create("/api/v1/namespaces", &object).await.context(format!("namespace {name}"))?;
        if self.controller_manager.is_none() {
            return Ok(());
        }
        let account = format!("/api/v1/namespaces/{name}/serviceaccounts/default");
        wait::until(&format!("service account of {name}"), READY, async || {
            api.find(&account).await.context("service account")
        })
        .await
        .map(drop)
    }
}

/// A client for a kubeconfig file.
///
/// # Errors
/// When the file cannot be used.
pub async fn client_of(kubeconfig: &Path) -> Result<kube::Client> {
    let config = Kubeconfig::read_from(kubeconfig).context(format!("{}", kubeconfig.display()))?;
    let config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await;
    let mut config = config.context("kubeconfig")?;
    // As Bastion does on the loopback, so that floors are read the same way.
    config.disable_compression = true;
    kube::Client::try_from(config).context("client")
}

fn lock(process: &Mutex<Process>) -> MutexGuard<'_, Process> {
    process.lock().unwrap_or_else(PoisonError::into_inner)
}

fn etcd_program(path: PathBuf, dir: &Path, client: u16, peer: u16) -> Program {
    let (client, peer) = (format!("http://127.0.0.1:{client}"), format!("http://127.0.0.1:{peer}"));
    Program::new("etcd", path, dir).args([
        format!("--data-dir={}", dir.join("etcd").display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        // The peer port too, or two clusters meet on 2380.
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
        "--unsafe-no-fsync".to_owned(),
        "--quota-backend-bytes=8589934592".to_owned(),
    ])
}

fn apiserver_program(path: PathBuf, dir: &Path, pki: &Pki, etcd: u16, port: u16) -> Program {
    let file = |name: &str| pki.file(name).display().to_string();
    Program::new("kube-apiserver", path, dir).args([
        format!("--etcd-servers=http://127.0.0.1:{etcd}"),
        format!("--secure-port={port}"),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--tls-cert-file={}", file("apiserver.crt")),
        format!("--tls-private-key-file={}", file("apiserver.key")),
        format!("--client-ca-file={}", file("ca.crt")),
        format!("--service-account-key-file={}", file("sa.pub")),
        format!("--service-account-signing-key-file={}", file("sa.key")),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
        "--authorization-mode=RBAC".to_owned(),
        "--allow-privileged=true".to_owned(),
        // Loopback is no valid endpoint of the service `kubernetes`.
        "--endpoint-reconciler-type=none".to_owned(),
    ])
}
