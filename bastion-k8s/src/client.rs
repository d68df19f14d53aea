//! A connection to an API server: where it is, who we are, and how long we wait.

mod compression;
mod proxy;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kube::{
    Config,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};
use tokio::time::Instant;

use crate::error::{Error, Result};

/// How to reach a cluster.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ConnectOptions {
    /// This kubeconfig file; else `KUBECONFIG`, `~/.kube/config`, or the service account of the pod.
    pub kubeconfig: Option<PathBuf>,
    /// This context of it; else the current one.
    pub context: Option<String>,
    /// The service account of the pod, whatever kubeconfig there is; not together with `kubeconfig` or `context`.
    pub in_cluster: bool,
    /// Act as this user; the account needs the right to impersonate it.
    pub impersonate: Option<String>,
    /// Groups of that user; only together with `impersonate`.
    pub impersonate_groups: Vec<String>,
    /// At most that many requests a second; `None` leaves it to the server's own fairness.
    pub qps: Option<u32>,
    /// How long a connection may take to come up.
    pub connect_timeout: Duration,
    /// How long an answer may take to begin, and how long it may then stop between two pieces.
    pub request_timeout: Duration,
    /// How long a watch may be silent before its connection is held to be dead. Servers send a bookmark
    /// about every minute.
    pub watch_idle_timeout: Duration,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            kubeconfig: None,
            context: None,
            in_cluster: false,
            impersonate: None,
            impersonate_groups: Vec::new(),
            qps: None,
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_mins(1),
            watch_idle_timeout: Duration::from_secs(90),
        }
    }
}

impl ConnectOptions {
    /// This kubeconfig file.
    #[must_use]
    pub fn kubeconfig(mut self, path: impl Into<PathBuf>) -> Self {
        self.kubeconfig = Some(path.into());
        self
    }

    /// This context of the kubeconfig.
    #[must_use]
    pub fn context(mut self, name: impl Into<String>) -> Self {
        self.context = Some(name.into());
        self
    }

    /// Whether to use the service account of the pod, whatever kubeconfig there is.
    #[must_use]
    pub fn in_cluster(mut self, in_cluster: bool) -> Self {
        self.in_cluster = in_cluster;
        self
    }

    /// Act as this user, in these groups.
    #[must_use]
    pub fn impersonate(mut self, user: impl Into<String>, groups: Vec<String>) -> Self {
        (self.impersonate, self.impersonate_groups) = (Some(user.into()), groups);
        self
    }

    /// At most that many requests a second.
    #[must_use]
    pub fn qps(mut self, requests: u32) -> Self {
        self.qps = Some(requests);
        self
    }

    /// How long a connection may take to come up.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long an answer may take to begin, and how long it may then stop between two pieces.
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// How long a watch may be silent before its connection is held to be dead.
    #[must_use]
    pub fn watch_idle_timeout(mut self, timeout: Duration) -> Self {
        self.watch_idle_timeout = timeout;
        self
    }
}

/// A connection to an API server. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: kube::Client,
    shared: Arc<Shared>,
}

struct Shared {
    context: Option<String>,
    server: String,
    options: ConnectOptions,
    /// When the next request may start, where requests are limited.
    next: Mutex<Option<Instant>>,
    /// Lists and discovery at once: more would only queue in the server and hold more pages here.
    lists: tokio::sync::Semaphore,
}

/// Pages that may be on their way at once.
const CONCURRENT_LISTS: usize = 8;

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("server", &self.shared.server).finish_non_exhaustive()
    }
}

/// Prepares a connection; nothing is sent before the first request.
///
/// Options that contradict each other, and credentials that are missing or cannot be used, are [`Error::Config`].
pub async fn connect(options: &ConnectOptions) -> Result<Client> {
    check(options)?;
    let (mut config, context) = load(options).await?;
    if let Some(user) = &options.impersonate {
        config.auth_info.impersonate = Some(user.clone());
        config.auth_info.impersonate_groups =
            (!options.impersonate_groups.is_empty()).then(|| options.impersonate_groups.clone());
    }
    config.connect_timeout = Some(options.connect_timeout);
    config.write_timeout = Some(options.request_timeout);
    // Reads are timed per request: a watch may be silent for longer than an answer.
    config.read_timeout = None;
    // Retries are done in one place (http/rest.rs), where they are counted and reported.
    config.default_retry = false;
    let agent = concat!("bastion/", env!("CARGO_PKG_VERSION"));
    config.headers.push((http::header::USER_AGENT, http::HeaderValue::from_static(agent)));
    config.disable_compression |= compression::is_near(config.cluster_url.host().unwrap_or_default());
    let server = config.cluster_url.to_string();
    if let Some(proxy) = &config.proxy_url {
        return Err(Error::Config {
            what: format!(
                "{server} is configured to be reached through the proxy {}, which Bastion cannot do; if it is reached \
                 directly, name its host in NO_PROXY",
                proxy.host().unwrap_or_default()
            ),
            source: None,
        });
    }
    let inner = kube::Client::try_from(config).map_err(|e| Error::Config {
        what: format!("cannot connect to {server}; check the certificates and credentials of the context"),
        source: Some(e.into()),
    })?;
    let lists = tokio::sync::Semaphore::new(CONCURRENT_LISTS);
    let shared = Shared { context, server, options: options.clone(), next: Mutex::new(None), lists };
    Ok(Client { inner, shared: Arc::new(shared) })
}

fn check(options: &ConnectOptions) -> Result<()> {
    let what = if options.in_cluster && (options.kubeconfig.is_some() || options.context.is_some()) {
        "in-cluster access uses the service account of the pod: it cannot be combined with a kubeconfig or a context"
    } else if options.impersonate.is_none() && !options.impersonate_groups.is_empty() {
        "groups cannot be impersonated without a user; name the user as well"
    } else {
        return Ok(());
    };
    Err(Error::Config { what: what.into(), source: None })
}

async fn load(options: &ConnectOptions) -> Result<(Config, Option<String>)> {
    let from_file = match &options.kubeconfig {
        _ if options.in_cluster => None,
        Some(path) => Some(Kubeconfig::read_from(path).map_err(|e| unreadable(Some(path), e))?),
        None => match Kubeconfig::read() {
            Ok(config) => Some(config),
            Err(KubeconfigError::ReadConfig(e, path)) if e.kind() == std::io::ErrorKind::NotFound => {
                // Named by the person: falling back to another cluster would be a surprise.
                if std::env::var_os("KUBECONFIG").is_some_and(|named| !named.is_empty()) {
                    return Err(unreadable(Some(&path), KubeconfigError::ReadConfig(e, path.clone())));
                }
                None
            }
            Err(KubeconfigError::FindPath) => None,
            Err(e) => return Err(unreadable(None, e)),
        },
    };
    if let Some(kubeconfig) = from_file {
        let context = options.context.clone().or_else(|| kubeconfig.current_context.clone());
        let known: Vec<_> = kubeconfig.contexts.iter().map(|c| c.name.clone()).collect();
        let proxied = kubeconfig.clusters.iter().any(|c| c.cluster.as_ref().is_some_and(|c| c.proxy_url.is_some()));
        let wanted = KubeConfigOptions { context: options.context.clone(), ..KubeConfigOptions::default() };
        return match Config::from_custom_kubeconfig(kubeconfig, &wanted).await {
            Ok(mut config) => {
                // What the environment says of proxies holds for other hosts as well; a kubeconfig's own word
                // is for its cluster.
                let exceptions = std::env::var("NO_PROXY").or_else(|_| std::env::var("no_proxy")).unwrap_or_default();
                if !proxied && proxy::exempt(&exceptions, config.cluster_url.host().unwrap_or_default()) {
                    config.proxy_url = None;
                }
                Ok((config, context))
            }
            Err(KubeconfigError::LoadContext(_) | KubeconfigError::CurrentContextNotSet) => {
                let what = match context {
                    Some(name) => format!("the kubeconfig has no context {name:?}; it has {known:?}"),
                    None => format!("the kubeconfig has no current context; choose one of {known:?}"),
                };
                Err(Error::Config { what, source: None })
            }
            Err(e) => Err(unreadable(options.kubeconfig.as_deref(), e)),
        };
    }
    if let Some(name) = &options.context {
        let what = format!("context {name:?} was requested, but there is no kubeconfig");
        return Err(Error::Config { what, source: None });
    }
    match Config::incluster() {
        Ok(config) => Ok((config, None)),
        Err(e) => Err(Error::Config {
            what: if options.in_cluster {
                "no service account was found; in-cluster access needs a pod that has one"
            } else {
                "no kubeconfig was found (KUBECONFIG, ~/.kube/config), and this is not a pod in a cluster"
            }
            .into(),
            // Outside of a pod it only says that this is not one.
            source: std::env::var_os("KUBERNETES_SERVICE_HOST").map(|_| e.into()),
        }),
    }
}

fn unreadable(path: Option<&Path>, error: KubeconfigError) -> Error {
    let which = path.map_or_else(|| "the kubeconfig".to_owned(), |p| format!("the kubeconfig {}", p.display()));
    match error {
        // The parser's message quotes the lines around the mistake: they may hold a token.
        KubeconfigError::Parse(_) => Error::Config { what: format!("{which} is not a valid kubeconfig"), source: None },
        KubeconfigError::ReadConfig(e, _) => {
            Error::Config { what: format!("{which} cannot be used"), source: Some(e.into()) }
        }
        e => Error::Config { what: format!("{which} cannot be used"), source: Some(e.into()) },
    }
}

impl Client {
    /// The kubeconfig's context; `None` inside a pod.
    pub fn context(&self) -> Option<&str> {
        self.shared.context.as_deref()
    }

    /// The API server's URL.
    pub fn server(&self) -> &str {
        &self.shared.server
    }

    /// The context's namespace, or `default`.
    pub fn default_namespace(&self) -> &str {
        self.inner.default_namespace()
    }

    /// kube's client, for what this crate does not do.
    pub fn kube(&self) -> kube::Client {
        self.inner.clone()
    }

    pub(crate) fn options(&self) -> &ConnectOptions {
        &self.shared.options
    }

    /// Waits for the request's turn, where requests are limited.
    pub(crate) async fn turn(&self) {
        let Some(qps) = self.shared.options.qps.filter(|q| *q > 0) else { return };
        let start = {
            let mut next = self.shared.next.lock().unwrap_or_else(PoisonError::into_inner);
            let start = next.map_or_else(Instant::now, |at| at.max(Instant::now()));
            *next = Some(start + Duration::from_secs(1) / qps);
            start
        };
        tokio::time::sleep_until(start).await;
    }

    /// Waits until a page may be fetched.
    pub(crate) async fn list_permit(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        // Never closed; `None` would mean one page more.
        self.shared.lists.acquire().await.ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn contradicting_options_are_refused() {
        for options in [
            ConnectOptions { impersonate_groups: vec!["devs".into()], ..ConnectOptions::default() },
            ConnectOptions { in_cluster: true, context: Some("a".into()), ..ConnectOptions::default() },
            ConnectOptions { in_cluster: true, kubeconfig: Some("k".into()), ..ConnectOptions::default() },
        ] {
            let error = connect(&options).await.unwrap_err();
            assert!(error.to_string().contains("cannot be"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_missing_or_broken_kubeconfig_is_named_and_not_quoted() {
        let dir = std::env::temp_dir().join(format!("bastion-k8s-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let missing = dir.join("missing");
        let options = ConnectOptions { kubeconfig: Some(missing), ..ConnectOptions::default() };
        let error = connect(&options).await.unwrap_err();
        assert!(error.to_string().contains("missing cannot be used"), "{error}");

        let broken = dir.join("broken");
        std::fs::write(&broken, "users:\n- name: a\n  user: {token: CANARY\n  b").unwrap();
        let options = ConnectOptions { kubeconfig: Some(broken), ..ConnectOptions::default() };
        let error = connect(&options).await.unwrap_err();
        assert!(!format!("{error:?}").contains("CANARY"), "{error:?}");

        let other = dir.join("other");
        std::fs::write(&other, "contexts: [{name: a, context: {cluster: c, user: u}}]\ncurrent-context: b\n").unwrap();
        let options = ConnectOptions { kubeconfig: Some(other), ..ConnectOptions::default() };
        let error = connect(&options).await.unwrap_err();
        assert_eq!(error.to_string(), r#"the kubeconfig has no context "b"; it has ["a"]"#);

        let options = ConnectOptions { in_cluster: true, kubeconfig: Some(dir.join("other")), ..Default::default() };
        let error = connect(&options).await.unwrap_err();
        assert!(error.to_string().contains("cannot be combined with a kubeconfig"), "{error}");

        // Elsewhere than in a pod.
        if std::env::var_os("KUBERNETES_SERVICE_HOST").is_none() {
            let options = ConnectOptions { in_cluster: true, ..ConnectOptions::default() };
            let error = connect(&options).await.unwrap_err();
            assert!(error.to_string().starts_with("no service account was found"), "{error}");
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
