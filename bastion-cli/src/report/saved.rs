//! Saved objects and their revisions.

use bastion_sdk::core::{
    hash::Algorithm,
    manifest::Manifest,
    object::ObjectId,
    record::{Extras, Revision, RevisionState},
    time::Timestamp,
};
use serde::Serialize;

use crate::{
    args::ListFormat,
    error::{CliError, Result},
    kinds::name_prefix,
    output::{Out, bytes},
    when,
};

/// A saved state of an object. The JSON form is stable: fields are added, never renamed.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Saved {
    api_version: String,
    kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    namespace: String,
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    uid: String,
    state: &'static str,
    /// Number of the commit that holds it.
    revision: u64,
    at: Timestamp,
    resource_version: String,
    incarnation: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u32>,
    policy: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    written_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    written_at: Option<String>,
    #[serde(skip)]
    short_name: String,
    #[serde(skip)]
    kind_and_group: String,
}

impl Saved {
    /// What there is to say of a revision.
    pub(crate) fn new(revision: &Revision, algorithm: Algorithm) -> Self {
        let kind = revision.id.group_kind();
        let put = revision.state == RevisionState::Put;
        Self {
            api_version: if kind.group.is_empty() {
                revision.version.to_string()
            } else {
                format!("{}/{}", kind.group, revision.version)
            },
            kind: kind.kind.to_string(),
            namespace: revision.id.namespace.to_string(),
            name: revision.id.name.to_string(),
            uid: revision.uid.to_string(),
            state: word(revision.state),
            revision: revision.number,
            at: revision.at,
            resource_version: revision.order.resource_version.to_string(),
            incarnation: revision.order.incarnation,
            digest: put.then(|| format!("{algorithm}:{}", revision.digest)),
            size: revision.size(),
            policy: revision.policy.to_string(),
            written_by: None,
            written_at: None,
            short_name: format!("{}/{}", name_prefix(&kind), revision.id.name),
            kind_and_group: kind.to_string(),
        }
    }

    /// With who wrote it.
    pub(crate) fn with(mut self, extras: &Extras) -> Self {
        self.written_by = extras.manager.as_deref().map(str::to_owned);
        self.written_at = extras.managed_at.as_deref().map(str::to_owned);
        self
    }

    /// `deployment.apps/web`.
    pub(crate) fn short_name(&self) -> &str {
        &self.short_name
    }

    /// What stands above the changes of a revision.
    pub(crate) fn headline(&self) -> String {
        let style = anstyle::Style::new().fg_color(Some(anstyle::AnsiColor::Yellow.into()));
        let by = self.written_by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
        format!("{style}revision {} {} {}{by}{style:#}", self.revision, self.state, when::local(self.at))
    }

    fn short_digest(&self) -> String {
        self.digest.as_deref().and_then(|d| d.split(':').nth(1)).map_or(String::new(), |hex| hex[..12].to_owned())
    }

    fn size(&self) -> String {
        self.size.map_or(String::new(), |n| bytes(n.into()))
    }
}

/// `saved`, `deleted`, `released`.
pub(crate) fn word(state: RevisionState) -> &'static str {
    match state {
        RevisionState::Put => "saved",
        RevisionState::Deleted => "deleted",
        RevisionState::Released => "released",
    }
}

/// Objects, one a line.
pub(crate) fn objects(rows: &[Saved], wide: bool, states: bool, now: Timestamp) -> String {
    let mut header = vec!["KIND", "NAMESPACE", "NAME", "REVISION", "AGE"];
    if states {
        header.push("STATE");
    }
    if wide {
        header.extend(["SIZE", "DIGEST", "POLICY"]);
    }
    crate::output::table(
        &header,
        rows.iter().map(|row| {
            let mut cells = vec![
                row.kind_and_group.clone(),
                row.namespace.clone(),
                row.name.clone(),
                row.revision.to_string(),
                when::age(row.at, now),
            ];
            if states {
                cells.push(row.state.to_owned());
            }
            if wide {
                cells.extend([row.size(), row.short_digest(), row.policy.clone()]);
            }
            cells
        }),
    )
}

/// Revisions of one object, one a line.
pub(crate) fn history(rows: &[Saved], wide: bool, now: Timestamp) -> String {
    let mut header = vec!["REVISION", "TIME", "AGE", "STATE", "SIZE", "DIGEST"];
    if wide {
        header.extend(["WRITTEN BY", "WRITTEN AT", "RESOURCEVERSION", "UID", "POLICY"]);
    }
    crate::output::table(
        &header,
        rows.iter().map(|row| {
            let mut cells = vec![
                row.revision.to_string(),
                when::local(row.at),
                when::age(row.at, now),
                row.state.to_owned(),
                row.size(),
                row.short_digest(),
            ];
            if wide {
                cells.extend([
                    row.written_by.clone().unwrap_or_default(),
                    row.written_at.clone().unwrap_or_default(),
                    row.resource_version.clone(),
                    row.uid.clone(),
                    row.policy.clone(),
                ]);
            }
            cells
        }),
    )
}

/// Prints rows in the format that was asked for; `table` makes the wide or the narrow one.
pub(crate) fn print(out: &Out, format: ListFormat, rows: &[Saved], table: impl FnOnce(bool) -> String) -> Result<()> {
    match format {
        ListFormat::Table => out.text(&table(false)),
        ListFormat::Wide => out.text(&table(true)),
        ListFormat::Json => out.json(&rows),
        ListFormat::Yaml => out.yaml(&rows),
        ListFormat::Name => rows.iter().try_for_each(|row| out.line(row.short_name())),
    }
}

/// A manifest as YAML.
pub(crate) fn yaml(id: &ObjectId, manifest: &Manifest) -> Result<String> {
    bastion_sdk::core::yaml::to_yaml(manifest)
        .map_err(|e| CliError::Render { what: format!("{id} as YAML"), source: Box::new(e) })
}

/// There is nothing to show of a revision that says that the object is gone.
pub(crate) fn no_content(revision: &Revision) -> CliError {
    let (how, when) = (word(revision.state), when::local(revision.at));
    CliError::NothingMatched {
        what: format!("{} was {how} in revision {} ({when})", revision.id, revision.number),
        hint: "choose an older one with --at (or --revision, for `show`); `bastion history` lists them".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use bastion_sdk::core::{
        error::Error,
        hash::Digest,
        object::{GroupKind, ObjectId},
        prelude::*,
        record::{Change, What},
        repository::CommitNotes,
        source::Proof,
        store::MemoryStore,
    };

    use super::*;

    fn sample() -> Vec<Saved> {
        let put = Saved {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            namespace: "shop".into(),
            name: "web".into(),
            uid: "0b4e".into(),
            state: word(RevisionState::Put),
            revision: 12,
            at: Timestamp::from_millis(1_000_000),
            resource_version: "4711".into(),
            incarnation: 1,
            digest: Some(format!("sha256:{}", Digest::of_file(b"a"))),
            size: Some(2100),
            policy: "all".into(),
            written_by: Some("kubectl".into()),
            written_at: Some("t".into()),
            short_name: "deployment.apps/web".into(),
            kind_and_group: "Deployment.apps".into(),
        };
        let deleted = Saved {
            api_version: "v1".into(),
            kind: "Namespace".into(),
            namespace: String::new(),
            name: "mail".into(),
            state: word(RevisionState::Deleted),
            revision: 13,
            digest: None,
            size: None,
            written_by: None,
            written_at: None,
            short_name: "ns/mail".into(),
            kind_and_group: "Namespace".into(),
            ..put.clone()
        };
        vec![put, deleted]
    }

    #[tokio::test]
    async fn what_the_log_has_is_shown() -> Result<(), Error> {
        let repository = Repository::init(Arc::new(MemoryStore::new()), InitOptions::default()).await?;
        let mut writer = repository.writer("prod", WriterOptions::new("uid", "backup")).await?;
        let id = ObjectId::new(&GroupKind::new("apps", "Deployment"), "shop", "web");
        let change = |rv: u64, what| Change::new(id.clone(), "v1", rv.into(), what).uid("0b4e").policy("all");
        let mut extras = Box::<Extras>::default();
        (extras.manager, extras.managed_at) = (Some("kubectl".into()), Some("t".into()));
        let body = "x".repeat(2100);
        let put = What::Put { digest: repository.hasher().digest(body.as_bytes()), body: body.into(), extras };
        for change in [change(4711, put), change(4712, What::Deleted(Proof::Absent))] {
            let mut batch = writer.batch();
            batch.push(change).await?;
            writer.commit(&mut batch, &CommitNotes::default()).await?;
        }
        let snapshot = repository.snapshot("prod").await?;
        let history = snapshot.history(&id).await?;
        let [deleted, put] = history.as_slice() else { panic!("{history:?}") };
        let extras = snapshot.extras(put).await?;
        let put = Saved { at: sample()[0].at, ..Saved::new(put, Algorithm::Sha256).with(&extras) };
        let like_the_sample = Saved { revision: 12, digest: sample()[0].digest.clone(), ..put.clone() };
        assert_eq!(format!("{like_the_sample:?}"), format!("{:?}", sample()[0]));
        assert_eq!((put.revision, put.digest.is_some_and(|d| d.starts_with("sha256:"))), (1, true));
        let deleted = Saved::new(deleted, Algorithm::Sha256);
        assert_eq!((deleted.state, deleted.revision, deleted.digest, deleted.size), ("deleted", 2, None, None));
        Ok(())
    }

    #[test]
    fn objects_are_listed_in_columns() {
        let now = Timestamp::from_millis(1_000_000).plus(Duration::from_mins(5));
        insta::assert_snapshot!(objects(&sample(), true, true, now));
        insta::assert_snapshot!(
            history(&sample(), true, now).replace(&when::local(Timestamp::from_millis(1_000_000)), "<time>")
        );
    }

    #[test]
    fn the_json_form_is_stable() -> Result<(), serde_json::Error> {
        insta::assert_snapshot!(serde_json::to_string_pretty(&sample())?);
        Ok(())
    }
}
