//! Which fields of an object are its content, and which are bookkeeping of one cluster.
//!
//! There are two profiles. [`Rules::backup`] decides what is hashed and stored: an object of which only status,
//! counters or bookkeeping change is unchanged. [`Rules::restore`] makes of a stored or live object what can be
//! created in another cluster; two objects are equal if their restore forms are.
//!
//! ```
//! use bastion_core::{canonical, memory::kind, object::Scope, sanitize::{Rules, Sanitizer}};
//!
//! let rules = Rules::backup();
//! let config_map = kind("", "v1", "ConfigMap", "configmaps", Scope::Namespaced);
//! let mut object = canonical::from_bytes(br#"{"kind":"ConfigMap","metadata":{"name":"a","uid":"0b4e"}}"#)?;
//! rules.sanitize(&config_map, &mut object)?;
//! assert_eq!(canonical::to_bytes(&object), br#"{"kind":"ConfigMap","metadata":{"name":"a"}}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | | backup | restore |
//! |---|---|---|
//! | uid, resourceVersion, generation, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, selfLink | out | out |
//! | managedFields | out; last manager and its time are kept beside the body | out |
//! | last-applied annotation | out; kept beside the body | out |
//! | status | out; kept beside the body where a rule says so; that a Pod or Job is completed stays | out |
//! | finalizers, ownerReferences with their uids, labels, annotations, spec, everything else | kept | kept |
//! | what a cluster writes into built-in kinds (addresses, bindings, tokens) | kept | out |
//!
//! Empty `labels` and `annotations` are removed, as the API server never shows them: an object that lost its only
//! annotation to a rule equals one that never had any. Every other empty map or list stays, even one that a dropped
//! path left behind: `emptyDir: {}` has a meaning.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    sync::Arc,
};

use crate::{
    canonical,
    hash::Digest,
    manifest::{Manifest, Path, PathError, PathSegment, PathSet, Value},
    object::{GroupKind, Kind},
    record::Extras,
};

mod extras;
pub(crate) mod rules;

pub use rules::LAST_APPLIED;

/// Identifies a set of rules. It is saved with positions: other rules list everything anew.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fingerprint(Arc<str>);

impl Fingerprint {
    /// Wraps a short text.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why an object cannot be sanitized. Only this object fails, never the run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot be sanitized for {purpose}: {why}")]
pub struct SanitizeError {
    /// What it was to be cleaned for: `backup` or `restore`.
    pub purpose: &'static str,
    /// What is wrong with it; never any of its content.
    pub why: String,
}

/// Removes from objects what is not their content. Pure: no I/O, no clock.
pub trait Sanitizer: fmt::Debug + Send + Sync + 'static {
    /// Differs for any two sanitizers that may treat an object differently.
    fn fingerprint(&self) -> Fingerprint;
    /// The paths that can be skipped while parsing: neither content nor needed for the extras.
    fn drops(&self, kind: &Kind) -> &PathSet;
    /// Sanitizes an object and returns what is kept beside it. Idempotent: sanitizing again changes nothing.
    fn sanitize(&self, kind: &Kind, manifest: &mut Manifest) -> Result<Extras, SanitizeError>;
}

/// What objects are cleaned for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Profile {
    Backup,
    Restore,
}

/// Counts changes of the rules that change what comes out.
const GENERATION: u32 = 1;

/// What a person configured for a kind.
#[derive(Debug, Clone, Default)]
struct OfKind {
    drop: Vec<Path>,
    keep_status: bool,
    /// What of it can be left out while parsing.
    skip: PathSet,
    /// What is taken out of a parsed object.
    remove: PathSet,
}

/// Bastion's own rules, with what a person adds for kinds.
#[derive(Debug, Clone)]
pub struct Rules {
    profile: Profile,
    kinds: BTreeMap<GroupKind, OfKind>,
    skip: PathSet,
    skip_service: PathSet,
    skip_ending: PathSet,
}

impl Rules {
    /// The rules for what is hashed and stored.
    pub fn backup() -> Self {
        Self::new(Profile::Backup)
    }

    /// The rules for what is created in a cluster, and for telling whether a live object equals it.
    pub fn restore() -> Self {
        Self::new(Profile::Restore)
    }

    fn new(profile: Profile) -> Self {
        let kinds = BTreeMap::new();
        let (skip, skip_service, skip_ending) = (skip(false, false), skip(true, false), skip(false, true));
        Self { profile, kinds, skip, skip_service, skip_ending }
    }

    /// Leaves this path out of objects of this kind. What names an object cannot be left out.
    pub fn drop_path(self, kind: GroupKind, path: Path) -> Result<Self, PathError> {
        if NAMES.iter().any(|name| covers(&path, name)) {
            return Err(path.refuse("it holds what names the object"));
        }
        Ok(self.configure(kind, |rules| rules.drop.push(path)))
    }

    /// Keeps `status` of objects of this kind: beside the body, so that it never makes a revision.
    #[must_use]
    pub fn keep_status(self, kind: GroupKind) -> Self {
        self.configure(kind, |rules| rules.keep_status = true)
    }

    fn configure(mut self, kind: GroupKind, change: impl FnOnce(&mut OfKind)) -> Self {
        let (service, ends) = (rules::is(&kind, "", "Service"), rules::ends(&kind));
        let of_kind = self.kinds.entry(kind).or_default();
        change(of_kind);
        of_kind.drop.sort();
        of_kind.drop.dedup();
        of_kind.remove = of_kind.drop.iter().cloned().collect();
        of_kind.skip = skip(service, of_kind.keep_status || ends);
        // The body that is hashed loses these; what the extras are read from must still be parsed.
        of_kind.drop.iter().filter(|path| !feeds_extras(path)).for_each(|path| of_kind.skip.insert(path));
        self
    }
}

/// What names an object.
const NAMES: [&[&str]; 4] = [&["apiVersion"], &["kind"], &["metadata", "name"], &["metadata", "namespace"]];

/// Whether what lies at `keys` lies at or beneath the path.
fn covers(path: &Path, keys: &[&str]) -> bool {
    let matches = |(segment, key): (&PathSegment, &&str)| matches!(segment, PathSegment::Key(k) if k != key);
    path.segments().len() <= keys.len() && !path.segments().iter().zip(keys).any(matches)
}

/// What every kind loses while parsing. Of managedFields the entries' managers and times are needed, and what
/// fields they own only for Services.
fn skip(service: bool, keep_status: bool) -> PathSet {
    let mut set = PathSet::default();
    if !service {
        set.insert(&Path::any_of(&["metadata", "managedFields"], &["fieldsV1"]));
    }
    if !keep_status {
        set.insert(&Path::of(&["status"]));
    }
    set
}

/// Whether the path lies on the way to something that the extras are read from.
fn feeds_extras(path: &Path) -> bool {
    let [first, ..] = path.segments() else { return true };
    !matches!(first, PathSegment::Key(key) if key != "metadata" && key != "status")
}

impl Sanitizer for Rules {
    fn fingerprint(&self) -> Fingerprint {
        let mut text = format!("{:?}/{GENERATION}", self.profile);
        for (kind, rules) in &self.kinds {
            _ = write!(text, "\n{kind} status={}", rules.keep_status);
            rules.drop.iter().for_each(|path| _ = write!(text, " {path}"));
        }
        let digest = Digest::of_file(text.as_bytes()).to_string();
        Fingerprint::new(format!("rules{GENERATION}-{}", &digest[..12]))
    }

    fn drops(&self, kind: &Kind) -> &PathSet {
        match self.kinds.get(&kind.group_kind()) {
            Some(rules) => &rules.skip,
            None if rules::is(&kind.group_kind(), "", "Service") => &self.skip_service,
            None if rules::ends(&kind.group_kind()) => &self.skip_ending,
            None => &self.skip,
        }
    }

    fn sanitize(&self, kind: &Kind, manifest: &mut Manifest) -> Result<Extras, SanitizeError> {
        let of_kind = self.kinds.get(&kind.group_kind());
        let keep_status = of_kind.is_some_and(|rules| rules.keep_status);
        if manifest.root().get("metadata").and_then(Value::as_object).is_none() {
            let purpose = if self.profile == Profile::Backup { "backup" } else { "restore" };
            return Err(SanitizeError { purpose, why: "it has no metadata".into() });
        }
        let mut extras = extras::take(&kind.group_kind(), manifest);
        for rule in rules::EVERY_KIND {
            rule(manifest);
        }
        let status = manifest.remove(&["status"]);
        if self.profile == Profile::Backup
            && let Some(completion) = status.as_ref().and_then(|status| rules::completion(&kind.group_kind(), status))
        {
            manifest.set(&["status"], completion);
        }
        extras.status = status.filter(|_| keep_status).map(|status| canonical::value_to_bytes(&status).into());
        if let Some(rules) = of_kind {
            rules.remove.remove_from(manifest);
        }
        if self.profile == Profile::Restore {
            rules::for_restore(&kind.group_kind(), manifest);
        }
        rules::empty_metadata_maps(manifest);
        Ok(extras)
    }
}

#[cfg(test)]
mod tests;
