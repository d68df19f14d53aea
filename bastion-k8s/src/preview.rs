//! What a selection comes to on a cluster, before anything is read.

use std::collections::{BTreeMap, BTreeSet};

use bastion_core::{
    object::{GroupKind, Kind, ObjectId},
    select::Selection,
};

use crate::{
    client::Client,
    discovery::{crds, plan::plan},
    error::{Error, Result},
    source::{fetch, namespaces},
};

/// What a selection comes to on a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preview {
    /// Kinds that are followed.
    pub followed: Vec<Kind>,
    /// Kinds that are not, and why.
    pub skipped: Vec<(GroupKind, String)>,
    /// Parts of discovery that failed, and why.
    pub failed: Vec<(String, String)>,
    /// Namespaces that were asked for and do not exist (yet).
    pub missing_namespaces: Vec<String>,
}

/// What `selection` comes to on this cluster. An unknown kind and a selection that cannot be are errors.
pub async fn preview(client: &Client, selection: &Selection) -> Result<Preview> {
    selection.check()?;
    let served = client.discover().await?;
    let (crds, crds_failed) = match crds::list(client).await {
        Ok(crds) => (crds, None),
        Err(error) => (BTreeMap::new(), Some(error)),
    };
    let plan = plan(selection, &served, &crds);
    if let Some((name, near)) = plan.unknown.into_iter().next() {
        return Err(Error::UnknownKind { name, near });
    }
    let mut failed: Vec<_> = served.failed.into_iter().collect();
    if let Some(error) = crds_failed {
        failed.push((crds::UNREADABLE.to_owned(), error.to_string()));
    }
    let missing_namespaces = missing(client, &selection.namespaces).await;
    Ok(Preview { followed: plan.followed, skipped: plan.skipped, failed, missing_namespaces })
}

async fn missing(client: &Client, namespaces: &BTreeSet<String>) -> Vec<String> {
    let kind = namespaces::kind();
    let mut missing = Vec::new();
    for name in namespaces {
        let id = ObjectId::new(&kind.group_kind(), "", name.as_str());
        if matches!(fetch::object(client, &kind, &id).await, Ok(None)) {
            missing.push(name.clone());
        }
    }
    missing
}
