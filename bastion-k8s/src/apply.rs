//! The sink: writes objects into a cluster.

mod ready;
mod rewrite;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bastion_core::{
    object::{GroupKind, Kind, ObjectId, ResourceVersion},
    sink::{Created, Live, Readiness, Sink, SinkError, UpdateMode, Updated},
};
use bytes::Bytes;
use http::Method;
use tokio::{sync::Mutex, time::Instant};

use self::ready::Phase;
use crate::{
    client::Client,
    discovery::{
        Served,
        crds::{self, Crd},
    },
    error::{Error, Result},
    http::{
        fault::{Fault, Right},
        paths,
        rest::Request,
    },
    meta::Head,
    source::{fetch, namespaces},
};

/// The field manager of everything that Bastion writes.
pub const FIELD_MANAGER: &str = "bastion";

const APPLY: &str = "application/apply-patch+yaml";

/// A kind that was not found is looked for again, but not more often than this.
const FRESH: Duration = Duration::from_millis(500);

/// Writes objects into a cluster. Cheap to clone; clones share what they discovered.
///
/// Nothing here is retried but what the server turned away before it looked (429, 503): a write whose answer
/// was lost comes back as an error that may be retried, and the retry finds what the first one did.
#[derive(Debug, Clone)]
pub struct ApplySink {
    client: Client,
    served: Arc<Mutex<Cached>>,
}

/// What discovery said, and when.
type Cached = Option<(Instant, Arc<Served>)>;

impl ApplySink {
    /// A sink into this cluster.
    pub fn new(client: Client) -> Self {
        Self { client, served: Arc::default() }
    }

    /// What is served, not older than `than`.
    async fn served(&self, than: Duration) -> Result<Arc<Served>> {
        let mut cached = self.served.lock().await;
        if let Some((at, served)) = &*cached
            && at.elapsed() <= than
        {
            return Ok(served.clone());
        }
        let served = Arc::new(self.client.discover().await?);
        *cached = Some((Instant::now(), served.clone()));
        Ok(served)
    }

    async fn write(
        &self,
        method: Method,
        path: String,
        content_type: &'static str,
        body: Bytes,
    ) -> Result<Live, Fault> {
        let request = Request { content_type, ..Request::new(method, path, body) };
        live(self.client.call(&request).await?)
    }

    async fn live(&self, kind: &Kind, id: &ObjectId) -> Result<Option<Live>> {
        let Some(body) = fetch::object(&self.client, kind, id).await? else { return Ok(None) };
        live(body).map(Some).map_err(|f| failed(f, "get", "reading", kind, id))
    }

    async fn try_create(&self, kind: &Kind, id: &ObjectId, body: Bytes) -> Result<Created> {
        let namespace = (!id.namespace.is_empty()).then_some(&*id.namespace);
        let query = [("fieldManager", FIELD_MANAGER)];
        let path = paths::with_query(&paths::collection(kind, namespace), &query);
        let fault = match self.write(Method::POST, path, "application/json", body).await {
            Ok(live) => return Ok(Created::Created(live)),
            Err(fault) => fault,
        };
        // "Already exists" is 409, 422 where an IP or a port is taken, by itself for example, and 403 under
        // a quota: only a look tells.
        if matches!(&fault, Fault::Status(status) if matches!(status.code, 403 | 409 | 422))
            && let Some(live) = self.live(kind, id).await?
        {
            return Ok(Created::Exists(live));
        }
        Err(failed(fault, "create", "creating", kind, id))
    }

    async fn try_update(
        &self,
        kind: &Kind,
        id: &ObjectId,
        body: &[u8],
        seen: &Live,
        mode: UpdateMode,
    ) -> Result<Updated> {
        let set = [("resourceVersion", Some(seen.resource_version.as_str())), ("uid", Some(seen.uid.as_str()))];
        let body = rewrite::with_metadata(body, &set)
            .map_err(|why| failed(Fault::Malformed(why), "update", "updating", kind, id))?;
        let path = paths::object(kind, &id.namespace, &id.name);
        let (method, query, content_type, verb) = match mode {
            UpdateMode::Apply => {
                (Method::PATCH, &[("fieldManager", FIELD_MANAGER), ("force", "true")][..], APPLY, "patch")
            }
            UpdateMode::Replace => (Method::PUT, &[("fieldManager", FIELD_MANAGER)][..], "application/json", "update"),
        };
        match self.write(method, paths::with_query(&path, query), content_type, body).await {
            Ok(live) => Ok(Updated::Updated(live)),
            // With `force` there are no conflicts between field managers: it moved on, or is gone.
            Err(Fault::Status(status)) if status.code == 409 || status.says_gone(&id.name) => Ok(Updated::Changed),
            Err(fault) => Err(failed(fault, verb, "updating", kind, id)),
        }
    }

    async fn try_remove(&self, kind: &Kind, id: &ObjectId, seen: &Live) -> Result<()> {
        let options = serde_json::json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": { "uid": seen.uid, "resourceVersion": seen.resource_version.as_str() },
        });
        let path = paths::object(kind, &id.namespace, &id.name);
        let request = Request::new(Method::DELETE, path, options.to_string().into());
        match self.client.call(&request).await {
            Ok(_) => Ok(()),
            Err(Fault::Status(status)) if status.says_gone(&id.name) => Ok(()),
            Err(fault) => Err(failed(fault, "delete", "removing", kind, id)),
        }
    }

    async fn try_resolve(&self, kind: &GroupKind, version: &str) -> Result<Option<Kind>> {
        if let Some(found) = find(&*self.served(Duration::MAX).await?, kind, version) {
            return Ok(Some(found));
        }
        let served = self.served(FRESH).await?;
        match (find(&served, kind, version), served.failed.get(kind.group.as_ref())) {
            (None, Some(why)) => {
                let doing = format!("looking up kind {kind}");
                Err(Error::Unavailable { doing, message: why.clone(), source: None })
            }
            (found, _) => Ok(found),
        }
    }

    async fn check_ready(&self, kind: &Kind, id: &ObjectId) -> Result<Readiness> {
        let Some(body) = fetch::object(&self.client, kind, id).await? else {
            return Ok(Readiness::NotYet(format!("{id} does not exist")));
        };
        let malformed = |why| failed(Fault::Malformed(why), "get", "reading", kind, id);
        if *kind == namespaces::kind() {
            return Ok(match ready::namespace(&body).map_err(malformed)? {
                Phase::Active => Readiness::Ready,
                Phase::Terminating => Readiness::NotYet(format!("namespace {} is being deleted", id.name)),
            });
        }
        if kind.group_kind() != crds::kind().group_kind() {
            return Ok(Readiness::Ready);
        }
        if let Some(why) = Crd::rejected(&body) {
            return Ok(Readiness::Never(format!("the names of {} were not accepted: {why}", id.name)));
        }
        let (_, crd) = Crd::parse(&body)?;
        if !crd.established {
            return Ok(Readiness::NotYet(format!("{} is not established", id.name)));
        }
        // Established comes before the kind is really served.
        let served = self.served(FRESH).await?;
        let resource = served.resources.iter().find(|r| r.group == crd.group && r.plural == crd.plural);
        let missing = crd.served.iter().find(|v| !resource.is_some_and(|r| r.versions.iter().any(|(s, _)| s == *v)));
        Ok(match missing {
            None => Readiness::Ready,
            Some(version) => Readiness::NotYet(format!("version {version} of {} is not served", id.name)),
        })
    }
}

/// `version` where it is served, else the preferred one.
fn find(served: &Served, kind: &GroupKind, version: &str) -> Option<Kind> {
    let resource = served.resources.iter().find(|r| r.group_kind() == *kind)?;
    let wanted = resource.versions_with(&["create"]).find(|v| *v == version);
    let version = wanted.or_else(|| resource.versions_with(&["create"]).next())?;
    Some(resource.kind_in(version))
}

fn live(body: Bytes) -> Result<Live, Fault> {
    let head = Head::parse(&body).map_err(Fault::Malformed)?;
    let uid = head.metadata.uid.into_owned();
    let resource_version = ResourceVersion::new(head.metadata.resource_version.as_ref());
    Ok(Live { uid, resource_version, body })
}

fn failed(fault: Fault, verb: &str, doing: &str, kind: &Kind, id: &ObjectId) -> Error {
    fault.into_error(format!("{doing} {id}"), Right { verb, plural: &kind.plural, group: &kind.group })
}

#[async_trait]
impl Sink for ApplySink {
    async fn resolve(&self, kind: &GroupKind, version: &str) -> Result<Option<Kind>, SinkError> {
        Ok(self.try_resolve(kind, version).await?)
    }

    async fn get(&self, kind: &Kind, id: &ObjectId) -> Result<Option<Live>, SinkError> {
        Ok(self.live(kind, id).await?)
    }

    async fn create(&self, kind: &Kind, id: &ObjectId, body: Bytes) -> Result<Created, SinkError> {
        Ok(self.try_create(kind, id, body).await?)
    }

    async fn update(
        &self,
        kind: &Kind,
        id: &ObjectId,
        body: Bytes,
        seen: &Live,
        mode: UpdateMode,
    ) -> Result<Updated, SinkError> {
        Ok(self.try_update(kind, id, &body, seen, mode).await?)
    }

    async fn remove(&self, kind: &Kind, id: &ObjectId, seen: &Live) -> Result<(), SinkError> {
        Ok(self.try_remove(kind, id, seen).await?)
    }

    async fn ready(&self, kind: &Kind, id: &ObjectId) -> Result<Readiness, SinkError> {
        Ok(self.check_ready(kind, id).await?)
    }
}
