//! The real programs that tests start: found, or built once from the Go modules beside this crate.

use std::{
    env, fs,
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use sha2::{Digest as _, Sha256};

use crate::{
    error::{Context as _, Error, Result},
    hex, say,
};

/// Without these the servers call themselves v0.0.0-master, and clients that check versions complain.
const KUBERNETES_FLAGS: &str = "-s -w -X k8s.io/component-base/version.gitVersion=v1.34.4 \
     -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=34";
const VELERO_FLAGS: &str = "-s -w -X github.com/vmware-tanzu/velero/pkg/buildinfo.Version=v1.18.3";
const PLAIN_FLAGS: &str = "-s -w";

/// A program that tests start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// The store beneath the API server.
    Etcd,
    /// The API server.
    KubeApiserver,
    /// Garbage collector, namespace controller, service accounts and the rest.
    KubeControllerManager,
    /// For people who try things; no test needs it.
    Kubectl,
    /// The S3 server.
    Minio,
    /// What Bastion is compared with, by benches only.
    Velero,
    /// Its plugin for S3.
    VeleroPluginForAws,
}

impl Tool {
    /// What tests need.
    pub const NEEDED: [Tool; 4] = [Tool::Etcd, Tool::KubeApiserver, Tool::KubeControllerManager, Tool::Minio];

    /// The binary's name.
    pub fn name(self) -> &'static str {
        match self {
            Tool::Etcd => "etcd",
            Tool::KubeApiserver => "kube-apiserver",
            Tool::KubeControllerManager => "kube-controller-manager",
            Tool::Kubectl => "kubectl",
            Tool::Minio => "minio",
            Tool::Velero => "velero",
            Tool::VeleroPluginForAws => "velero-plugin-for-aws",
        }
    }

    /// Where the binary is: given by the environment, built before, or built now (minutes, once).
    ///
    /// Given means `KUBEBUILDER_ASSETS` (a folder, as envtest has it; what it lacks is built) and, for
    /// `MinIO` and `kubectl`, the `PATH`. Built binaries lie in
    /// `${XDG_CACHE_HOME:-~/.cache}/bastion/tools/<hash of go.mod, go.sum and flags>/`.
    ///
    /// # Errors
    /// When Go is missing or the build fails.
    pub fn path(self) -> Result<PathBuf> {
        if let Some(given) = self.given() {
            return Ok(given);
        }
        let module = self.module();
        let folder = cache_root()?.join(self.key(&module)?);
        let binary = folder.join(self.name());
        if binary.is_file() {
            return Ok(binary);
        }
        fs::create_dir_all(&folder).context(format!("cache folder {}", folder.display()))?;
        // A second process waits here and then finds the binary.
        let lock = File::create(folder.join(format!("{}.lock", self.name()))).context("build lock")?;
        lock.lock().context("build lock")?;
        if !binary.is_file() {
            self.build(&module, &binary)?;
        }
        Ok(binary)
    }

    fn given(self) -> Option<PathBuf> {
        let assets = env::var_os("KUBEBUILDER_ASSETS").map(|dir| PathBuf::from(dir).join(self.name()));
        if let Some(path) = assets.filter(|p| self != Tool::Minio && p.is_file()) {
            return Some(path);
        }
        matches!(self, Tool::Minio | Tool::Kubectl).then(|| on_path(self.name())).flatten()
    }

    fn module(self) -> PathBuf {
        let name = match self {
            Tool::Minio => "minio",
            Tool::Velero | Tool::VeleroPluginForAws => "velero",
            _ => "kubernetes",
        };
        Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
    }

    fn package(self) -> String {
        match self {
            Tool::Etcd => "go.etcd.io/etcd/server/v3".into(),
            Tool::Minio => "github.com/minio/minio".into(),
            Tool::Velero => "github.com/vmware-tanzu/velero/cmd/velero".into(),
            Tool::VeleroPluginForAws => "github.com/vmware-tanzu/velero-plugin-for-aws/velero-plugin-for-aws".into(),
            _ => format!("k8s.io/kubernetes/cmd/{}", self.name()),
        }
    }

    fn flags(self) -> &'static str {
        match self {
            Tool::Etcd | Tool::Minio | Tool::VeleroPluginForAws => PLAIN_FLAGS,
            Tool::Velero => VELERO_FLAGS,
            _ => KUBERNETES_FLAGS,
        }
    }

    fn key(self, module: &Path) -> Result<String> {
        let mut hash = Sha256::new();
        for file in ["go.mod", "go.sum"] {
            hash.update(fs::read(module.join(file)).context(format!("{file} of {}", module.display()))?);
        }
        hash.update(self.flags());
        hash.update([env::consts::OS, "/", env::consts::ARCH].concat());
        Ok(hex(&hash.finalize()[..8]))
    }

    fn build(self, module: &Path, binary: &Path) -> Result<()> {
        let started = Instant::now();
        say(&format!("building {} from {} (the first time takes minutes) …", self.name(), self.package()));
        let unfinished = binary.with_extension("unfinished");
        let status = Command::new("go")
            .args(["build", "-buildvcs=false", "-ldflags", self.flags(), "-o"])
            .arg(&unfinished)
            .arg(self.package())
            .current_dir(module)
            .env("CGO_ENABLED", "0")
            .env("GOWORK", "off")
            .stdin(Stdio::null())
            .status()
            .context(format!(
                "cannot run `go`, which builds {}; install Go 1.26 from https://go.dev/dl",
                self.name()
            ))?;
        if !status.success() {
            return Err(Error::new(format!("`go build {}` in {} failed", self.package(), module.display())));
        }
        fs::rename(&unfinished, binary).context(format!("{}", binary.display()))?;
        say(&format!("built {} in {} s", self.name(), started.elapsed().as_secs()));
        Ok(())
    }
}

/// The first executable of that name on the `PATH`.
pub fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|dir| dir.join(name)).find(|p| p.is_file())
}

/// Where built programs are kept: `${XDG_CACHE_HOME:-~/.cache}/bastion/tools`.
///
/// # Errors
/// When neither variable is set.
pub fn cache_root() -> Result<PathBuf> {
    let base = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
    let base = base.or_else(|| env::home_dir().map(|home| home.join(".cache")));
    Ok(base.ok_or_else(|| Error::new("neither XDG_CACHE_HOME nor HOME is set"))?.join("bastion/tools"))
}
