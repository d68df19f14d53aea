//! What is known of custom resource definitions: enough to choose the version that is read.

use std::collections::BTreeMap;

use bastion_core::object::{Kind, Scope};
use serde::Deserialize;

use crate::{
    client::Client,
    error::{Error, Result},
    http::pages::Pages,
};

/// The storage versions of custom resources, by name of the CRD.
pub(crate) type Crds = BTreeMap<String, Crd>;

/// What could not be read, for reports.
pub(crate) const UNREADABLE: &str = "storage versions of custom resources (the preferred versions are read)";

/// A custom resource definition, reduced.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Crd {
    /// Group of its objects.
    pub(crate) group: String,
    /// Their plural.
    pub(crate) plural: String,
    /// The version that etcd holds.
    pub(crate) storage: Option<String>,
    /// Versions that are served.
    pub(crate) served: Vec<String>,
    /// Whether its names were accepted and it is served.
    pub(crate) established: bool,
}

/// The kind of CRDs themselves.
pub(crate) fn kind() -> Kind {
    Kind {
        group: "apiextensions.k8s.io".into(),
        version: "v1".into(),
        kind: "CustomResourceDefinition".into(),
        plural: "customresourcedefinitions".into(),
        scope: Scope::Cluster,
    }
}

/// All of them, a page at a time: together their schemas are megabytes.
pub(crate) async fn list(client: &Client) -> Result<Crds> {
    let mut pages = Pages::everywhere(client.clone(), kind(), None);
    let mut crds = Crds::new();
    while let Some(page) = pages.next().await? {
        for item in page {
            if let Ok((name, crd)) = Crd::parse(&item) {
                crds.insert(name, crd);
            }
        }
    }
    Ok(crds)
}

impl Crd {
    /// Name and reduced definition.
    pub(crate) fn parse(object: &[u8]) -> Result<(String, Self)> {
        let raw: Raw = serde_json::from_slice(object).map_err(|e| Error::Malformed {
            doing: "reading a CustomResourceDefinition".into(),
            why: crate::meta::without_content(&e),
        })?;
        let established = raw.condition("Established").is_some_and(|c| c.status == "True");
        let storage = raw.spec.versions.iter().find(|v| v.storage).map(|v| v.name.clone());
        let served = raw.spec.versions.into_iter().filter(|v| v.served).map(|v| v.name).collect();
        let crd = Self { group: raw.spec.group, plural: raw.spec.names.plural, storage, served, established };
        Ok((raw.metadata.name, crd))
    }

    /// Whether it says that this kind is served, in this version.
    pub(crate) fn serves(&self, kind: &Kind) -> bool {
        self.established && self.served.iter().any(|version| **version == *kind.version)
    }

    /// Why its names will never be accepted, where that is so.
    pub(crate) fn rejected(object: &[u8]) -> Option<String> {
        let raw: Raw = serde_json::from_slice(object).ok()?;
        let condition = raw.condition("NamesAccepted")?;
        (condition.status == "False").then(|| condition.message.clone())
    }
}

#[derive(Deserialize)]
struct Raw {
    metadata: RawMeta,
    spec: RawSpec,
    #[serde(default)]
    status: RawState,
}

#[derive(Deserialize)]
struct RawMeta {
    name: String,
}

#[derive(Deserialize)]
struct RawSpec {
    group: String,
    names: RawNames,
    #[serde(default)]
    versions: Vec<RawVersion>,
}

#[derive(Deserialize)]
struct RawNames {
    plural: String,
}

#[derive(Deserialize)]
struct RawVersion {
    name: String,
    #[serde(default)]
    served: bool,
    #[serde(default)]
    storage: bool,
}

#[derive(Deserialize, Default)]
struct RawState {
    #[serde(default)]
    conditions: Option<Vec<RawCondition>>,
}

#[derive(Deserialize)]
struct RawCondition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    #[serde(default)]
    message: String,
}

impl Raw {
    fn condition(&self, kind: &str) -> Option<&RawCondition> {
        self.status.conditions.iter().flatten().find(|c| c.kind == kind)
    }
}
