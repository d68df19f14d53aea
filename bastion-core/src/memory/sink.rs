//! The memory cluster as a [`Sink`].

use async_trait::async_trait;
use bytes::Bytes;

use super::{cluster::MemoryCluster, error::MemoryError, state::is};
use crate::{
    error::Category,
    manifest::{Manifest, PathSet, Value},
    object::{GroupKind, Kind, ObjectId},
    sink::{Created, Live, Readiness, Sink, SinkError, UpdateMode, Updated},
};

#[async_trait]
impl Sink for MemoryCluster {
    async fn resolve(&self, kind: &GroupKind, _version: &str) -> Result<Option<Kind>, SinkError> {
        // It serves one version of each kind.
        Ok(self.lock().kinds.get(kind).cloned())
    }

    async fn get(&self, _kind: &Kind, id: &ObjectId) -> Result<Option<Live>, SinkError> {
        Ok(self.object(id))
    }

    async fn create(&self, _kind: &Kind, id: &ObjectId, body: Bytes) -> Result<Created, SinkError> {
        let manifest = parse(id, "create", &body)?;
        self.change(|state| {
            state.check(&manifest)?;
            if manifest.resource_version().is_some() {
                return Err(MemoryError::ResourceVersionSet);
            }
            match state.live(id) {
                Some(live) => Ok(Created::Exists(live)),
                None => state.put(manifest).map(Created::Created),
            }
        })
        .map_err(|error| refused(id, "create", error))
    }

    async fn update(
        &self,
        _kind: &Kind,
        id: &ObjectId,
        body: Bytes,
        seen: &Live,
        mode: UpdateMode,
    ) -> Result<Updated, SinkError> {
        let wanted = parse(id, "update", &body)?;
        self.change(|state| {
            let now = state.live(id).filter(|now| now.uid == seen.uid && now.resource_version == seen.resource_version);
            if now.is_none() {
                return Ok(Updated::Changed);
            }
            let manifest = match (mode, state.manifest(id)) {
                (UpdateMode::Apply, Some(live)) => {
                    let mut merged = Value::from(live);
                    merge(&mut merged, wanted.into());
                    Manifest::from(merged.as_object_mut().map(std::mem::take).unwrap_or_default())
                }
                _ => wanted,
            };
            state.put(manifest).map(Updated::Updated)
        })
        .map_err(|error| refused(id, "update", error))
    }

    async fn remove(&self, _kind: &Kind, id: &ObjectId, seen: &Live) -> Result<(), SinkError> {
        self.change(|state| match state.live(id) {
            Some(now) if now.uid != seen.uid || now.resource_version != seen.resource_version => {
                Err(SinkError::new(Category::Conflict, format!("remove {id}: it changed since it was seen")))
            }
            _ => {
                state.delete(id);
                Ok(())
            }
        })
    }

    async fn ready(&self, _kind: &Kind, id: &ObjectId) -> Result<Readiness, SinkError> {
        Ok(self.change(|state| {
            if !state.objects.contains_key(id) {
                Readiness::NotYet("it does not exist".into())
            } else if is(id, "apiextensions.k8s.io", "CustomResourceDefinition") && !state.established(id) {
                Readiness::NotYet("it is not established".into())
            } else {
                Readiness::Ready
            }
        }))
    }
}

/// What is named wins; lists are taken whole.
fn merge(live: &mut Value, wanted: Value) {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => {
            for (key, value) in wanted {
                merge(live.entry(key).or_default(), value);
            }
        }
        (live, wanted) => *live = wanted,
    }
}

fn parse(id: &ObjectId, verb: &str, body: &[u8]) -> Result<Manifest, SinkError> {
    Manifest::parse(body, &PathSet::default()).map_err(|error| refused(id, verb, error.into()))
}

fn refused(id: &ObjectId, verb: &str, error: MemoryError) -> SinkError {
    let category = match error {
        MemoryError::NoNamespace(_) | MemoryError::UnknownKind(_) => Category::NotFound,
        _ => Category::Invalid,
    };
    SinkError::new(category, format!("{verb} {id}")).caused_by(Some(error.into()))
}
