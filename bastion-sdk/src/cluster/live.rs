//! Reading an object of a cluster as a backup would save it.

use bastion_core::{
    error::Cause,
    manifest::Manifest,
    object::ObjectId,
    sanitize::{Rules, Sanitizer},
};

use super::Cluster;
use crate::error::{Error, Result};

/// The object as it is in the cluster now, cleaned by the rules of a backup; `None` if it does not exist.
///
/// `version` is the API version to read it in: that of the saved revision to compare it with, since the same object looks
/// different in another one. If the cluster no longer serves it, it is read in the one that the cluster prefers.
pub async fn live(cluster: &dyn Cluster, id: &ObjectId, version: &str, rules: &Rules) -> Result<Option<Manifest>> {
    let sink = cluster.sink();
    let Some(kind) = sink.resolve(&id.group_kind(), version).await? else { return Ok(None) };
    let Some(object) = sink.get(&kind, id).await? else { return Ok(None) };
    let unreadable = |source: Cause| Error::Unreadable { object: format!("live {id}"), source };
    let mut manifest = Manifest::parse(&object.body, rules.drops(&kind)).map_err(|e| unreadable(e.into()))?;
    rules.sanitize(&kind, &mut manifest).map_err(|e| unreadable(e.into()))?;
    Ok(Some(manifest))
}
