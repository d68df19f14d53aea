//! Between protobuf messages and the crate's types. What is missing or out of range is an error that names
//! the key.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    KNOWN_FEATURES,
    contents::{BodyAt, Fate, Origin, Record},
    corrupt, proto,
};
use crate::{
    error::Result,
    hash::Digest,
    object::{GroupKind, ObjectId, ResourceVersion},
    record::{Acknowledgement, Extras, Position, Withheld},
    source::Proof,
    store::Key,
    time::Timestamp,
};

/// What wrote the file, for people. Fixed in tests, so that golden bytes outlive a release.
const SOFTWARE: &str = if cfg!(test) { "bastion test" } else { concat!("bastion ", env!("CARGO_PKG_VERSION")) };

/// One allocation for each text of a file: kinds, namespaces and policies repeat in every record.
#[derive(Debug, Default)]
pub(super) struct Interner(BTreeSet<Arc<str>>);

impl Interner {
    pub(super) fn get(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let new: Arc<str> = text.into();
        self.0.insert(new.clone());
        new
    }
}

/// What every header says, and all that a pack's does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Common {
    /// The cluster's name in the repository.
    pub(crate) cluster: Arc<str>,
    /// uid of namespace kube-system.
    pub(crate) cluster_uid: Arc<str>,
    /// Who wrote it: unique for each run of a writer.
    pub(crate) writer: Arc<str>,
    /// Features that a reader must know.
    pub(crate) features: Vec<String>,
    /// Not to be deleted before, where the store locks.
    pub(crate) retain_until: Option<Timestamp>,
}

pub(super) fn common_to(common: &Common) -> proto::Common {
    proto::Common {
        features: common.features.clone(),
        encryption: None,
        retain_until_ms: common.retain_until.map(Timestamp::as_millis),
        cluster: common.cluster.to_string(),
        cluster_uid: common.cluster_uid.to_string(),
        writer: common.writer.to_string(),
        software: SOFTWARE.to_owned(),
    }
}

pub(super) fn common_from(key: &Key, common: Option<proto::Common>) -> Result<Common> {
    let common = common.ok_or_else(|| corrupt(key, "its header is empty"))?;
    if common.encryption.is_some() && !KNOWN_FEATURES.contains(&"encryption") {
        return Err(corrupt(key, "it names a key but lacks the feature for it"));
    }
    Ok(Common {
        features: common.features,
        retain_until: common.retain_until_ms.map(Timestamp::from_millis),
        cluster: common.cluster.into(),
        cluster_uid: common.cluster_uid.into(),
        writer: common.writer.into(),
    })
}

pub(super) fn digest_from(key: &Key, bytes: &[u8]) -> Result<Digest> {
    Digest::from_slice(bytes).ok_or_else(|| corrupt(key, format!("a digest in it has {} bytes", bytes.len())))
}

pub(super) fn position_to(p: &Position) -> proto::Position {
    proto::Position {
        policy: p.policy.to_string(),
        group: p.kind.group.to_string(),
        kind: p.kind.kind.to_string(),
        resource_version: p.resource_version.to_string(),
        fingerprint: p.fingerprint.to_string(),
    }
}

pub(super) fn position_from(p: proto::Position) -> Position {
    Position {
        policy: p.policy.into(),
        kind: GroupKind::new(p.group, p.kind),
        resource_version: ResourceVersion::new(p.resource_version),
        fingerprint: p.fingerprint.into(),
    }
}

pub(super) fn withheld_to(w: &Withheld) -> proto::Withheld {
    proto::Withheld {
        policy: w.policy.to_string(),
        group: w.kind.group.to_string(),
        kind: w.kind.kind.to_string(),
        count: w.count,
        of: w.of,
        since_ms: w.since.as_millis(),
        examples: w.examples.iter().map(ToString::to_string).collect(),
    }
}

pub(super) fn withheld_from(w: proto::Withheld) -> Withheld {
    Withheld {
        policy: w.policy.into(),
        kind: GroupKind::new(w.group, w.kind),
        count: w.count,
        of: w.of,
        since: Timestamp::from_millis(w.since_ms),
        examples: w.examples.into_iter().map(Into::into).collect(),
    }
}

pub(super) fn accepted_to(a: &Acknowledgement) -> proto::Accepted {
    proto::Accepted {
        policy: a.policy.to_string(),
        group: a.kind.group.to_string(),
        kind: a.kind.kind.to_string(),
        since_ms: a.since.as_millis(),
        by: a.by.to_string(),
    }
}

pub(super) fn accepted_from(a: proto::Accepted) -> Acknowledgement {
    Acknowledgement {
        policy: a.policy.into(),
        kind: GroupKind::new(a.group, a.kind),
        since: Timestamp::from_millis(a.since_ms),
        by: a.by.into(),
    }
}

pub(super) fn origin_to(o: &Origin) -> proto::Origin {
    proto::Origin { segment: o.segment, at_ms: o.at.as_millis(), incarnation: o.incarnation }
}

pub(super) fn origin_from(o: proto::Origin) -> Origin {
    Origin { segment: o.segment, at: Timestamp::from_millis(o.at_ms), incarnation: o.incarnation }
}

pub(super) fn record_to(r: &Record) -> proto::Record {
    proto::Record {
        group: r.id.group.to_string(),
        kind: r.id.kind.to_string(),
        namespace: r.id.namespace.to_string(),
        name: r.id.name.to_string(),
        version: r.version.to_string(),
        uid: r.uid.to_string(),
        resource_version: r.resource_version.to_string(),
        policy: r.policy.to_string(),
        fate: Some(fate_to(&r.fate)),
        origin: r.origin.as_ref().map(origin_to),
    }
}

pub(super) fn record_from(key: &Key, r: proto::Record, interner: &mut Interner) -> Result<Record> {
    if r.kind.is_empty() || r.name.is_empty() {
        return Err(corrupt(key, "a record in it names no object"));
    }
    let fate = r.fate.ok_or_else(|| corrupt(key, "a record in it does not say what happened to its object"))?;
    Ok(Record {
        id: ObjectId {
            group: interner.get(&r.group),
            kind: interner.get(&r.kind),
            namespace: interner.get(&r.namespace),
            name: r.name.into(),
        },
        version: interner.get(&r.version),
        uid: r.uid.into(),
        resource_version: ResourceVersion::new(r.resource_version),
        policy: interner.get(&r.policy),
        fate: fate_from(key, fate, interner)?,
        origin: r.origin.map(origin_from),
    })
}

fn fate_to(fate: &Fate) -> proto::Fate {
    match fate {
        Fate::Put { digest, body, extras } => proto::Fate::Put(proto::Put {
            digest: digest.as_bytes().to_vec(),
            block: body.block,
            offset: body.offset,
            len: body.len,
            extras: (**extras != Extras::default()).then(|| extras_to(extras)),
        }),
        Fate::Deleted(proof) => proto::Fate::Deleted(proto::Deleted {
            proof: match proof {
                Proof::Watched => 1,
                Proof::LeftSelection => 2,
                Proof::Absent => 3,
                Proof::NotFound => 4,
            },
        }),
        Fate::Released => proto::Fate::Released(proto::Released {}),
    }
}

fn fate_from(key: &Key, fate: proto::Fate, interner: &mut Interner) -> Result<Fate> {
    Ok(match fate {
        proto::Fate::Put(p) => Fate::Put {
            digest: digest_from(key, &p.digest)?,
            body: BodyAt { block: p.block, offset: p.offset, len: p.len },
            extras: Box::new(p.extras.map(|e| extras_from(e, interner)).unwrap_or_default()),
        },
        proto::Fate::Deleted(d) => Fate::Deleted(match d.proof {
            1 => Proof::Watched,
            2 => Proof::LeftSelection,
            3 => Proof::Absent,
            4 => Proof::NotFound,
            n => return Err(corrupt(key, format!("a deletion in it has the unknown proof {n}"))),
        }),
        proto::Fate::Released(proto::Released {}) => Fate::Released,
    })
}

fn extras_to(e: &Extras) -> proto::Extras {
    let text = |t: &Option<Arc<str>>| t.as_ref().map(ToString::to_string);
    proto::Extras {
        created: text(&e.created),
        manager: text(&e.manager),
        managed_at: text(&e.managed_at),
        unowned: e.unowned.iter().map(ToString::to_string).collect(),
        last_applied: text(&e.last_applied),
        status: e.status.as_ref().map(|s| s.to_vec()),
    }
}

fn extras_from(e: proto::Extras, interner: &mut Interner) -> Extras {
    Extras {
        created: e.created.map(Into::into),
        manager: e.manager.map(|m| interner.get(&m)),
        managed_at: e.managed_at.map(Into::into),
        unowned: e.unowned.iter().map(|u| interner.get(u)).collect(),
        last_applied: e.last_applied.map(Into::into),
        status: e.status.map(Into::into),
    }
}
