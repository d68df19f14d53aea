//! What API servers answer, as far as it is needed.

use serde::Deserialize;

/// `APIGroupDiscoveryList`, or what older servers send in its place (`APIVersions`, `APIGroupList`).
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Answer {
    pub(super) kind: String,
    pub(super) items: Vec<Group>,
    pub(super) versions: Vec<String>,
    pub(super) groups: Vec<OldGroup>,
}

#[derive(Deserialize)]
pub(super) struct Group {
    #[serde(default)]
    pub(super) metadata: GroupMeta,
    #[serde(default)]
    pub(super) versions: Vec<GroupVersion>,
}

#[derive(Deserialize, Default)]
pub(super) struct GroupMeta {
    #[serde(default)]
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct GroupVersion {
    pub(super) version: String,
    pub(super) freshness: Option<String>,
    #[serde(default)]
    pub(super) resources: Vec<NewResource>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct NewResource {
    pub(super) resource: String,
    pub(super) response_kind: ResponseKind,
    pub(super) scope: String,
    pub(super) singular_resource: String,
    pub(super) verbs: Vec<String>,
    pub(super) short_names: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct ResponseKind {
    pub(super) kind: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct OldGroup {
    pub(super) name: String,
    pub(super) versions: Vec<OldVersion>,
    pub(super) preferred_version: OldVersion,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct OldVersion {
    pub(super) version: String,
}

impl OldGroup {
    /// The preferred version first.
    pub(super) fn in_order(&self) -> Vec<String> {
        let preferred = &self.preferred_version.version;
        let mut all: Vec<_> = self.versions.iter().map(|v| v.version.clone()).collect();
        all.sort_by_key(|v| v != preferred);
        all
    }
}

#[derive(Deserialize)]
pub(super) struct OldResources {
    #[serde(default)]
    pub(super) resources: Vec<OldResource>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct OldResource {
    pub(super) name: String,
    pub(super) singular_name: String,
    pub(super) namespaced: bool,
    pub(super) kind: String,
    pub(super) verbs: Vec<String>,
    pub(super) short_names: Vec<String>,
}
