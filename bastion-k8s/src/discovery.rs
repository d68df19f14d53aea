//! Which kinds a cluster serves, and which of them a selection follows.

use bastion_core::object::{GroupKind, Kind};

use crate::{
    client::Client,
    error::{Error, Result},
    select::Selection,
};

/// A kind as discovery shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resource {
    /// API group; empty for the core group.
    pub group: String,
    /// Kind, for example `ConfigMap`.
    pub kind: String,
    /// Resource name in URLs, for example `configmaps`.
    pub plural: String,
    /// Name of one, for example `configmap`.
    pub singular: String,
    /// Short names, for example `cm`.
    pub short_names: Vec<String>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Versions that are served, the preferred first, with the verbs of each.
    pub versions: Vec<(String, Vec<String>)>,
}

impl Resource {
    /// `configmaps`, `certificates.cert-manager.io`: what selects it without doubt.
    pub fn full_name(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }
}

/// What a selection comes to on a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preview {
    /// Kinds that are followed.
    pub followed: Vec<Kind>,
    /// Kinds that are not, and why.
    pub skipped: Vec<(GroupKind, String)>,
    /// Parts of discovery that failed, and why.
    pub failed: Vec<(String, String)>,
}

/// What `selection` comes to on this cluster. An unknown kind and a selection that cannot be are errors.
pub async fn preview(client: &Client, selection: &Selection) -> Result<Preview> {
    selection.check()?;
    let doing = format!("discovery at {}", client.server());
    Err(Error::Malformed { doing, why: "not written yet".into() })
}
