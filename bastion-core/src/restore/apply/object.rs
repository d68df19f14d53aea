//! One object: read, prepared, created or compared.

use bytes::Bytes;

use super::{Applier, cluster::backoff};
use crate::{
    canonical,
    failure::{Category, Failure},
    manifest::{Manifest, OwnerReference},
    object::{GroupKind, Kind, ObjectId, Scope},
    record::Extras,
    restore::{
        Outcome, RestoreStep,
        conflict::{Resolution, decide},
        order::Wave,
        planner::bare_namespace,
        prepare::{self, Facts},
        relink::Link,
    },
    sink::{Created, Live, Updated},
};

/// How often an object is compared anew that changes under our hands.
const TRIES: u32 = 5;

/// What was done with an object.
pub(super) struct Done {
    pub(super) outcome: Outcome,
    pub(super) why: Option<String>,
    pub(super) uid: String,
}

impl Done {
    fn new(outcome: Outcome, live: Live) -> Self {
        Self { outcome, why: None, uid: live.uid }
    }
}

/// An object on its way into the cluster.
struct Wanted<'a> {
    step: &'a RestoreStep,
    facts: Facts,
    manifest: Manifest,
    body: Bytes,
}

impl Applier {
    /// Restores one object; an error says why it failed.
    pub(super) async fn restore(&self, step: &RestoreStep, notes: &mut Vec<String>) -> Result<Done, Failure> {
        let (manifest, extras) = self.read(step).await?;
        let links = self.links(step, notes).await?;
        let kind = self.kind(&step.target.group_kind(), &step.from.version).await?;
        let Some(kind) = kind else { return self.unserved(step) };
        if kind.version != step.from.version {
            notes.push(format!("stored as {}, written as {}", step.from.version, kind.version));
        }
        let facts = Facts { kind, links, forget_volume: step.forget_volume && !self.has_volume(&manifest).await? };
        let manifest = prepare::wanted(manifest, &extras, &facts, &self.plan.options)
            .map_err(|error| Failure::new(Category::Invalid, &error))?;
        let body = Bytes::from(canonical::to_bytes(&manifest));
        let wanted = Wanted { step, facts, manifest, body };
        let done = if self.dry_run { self.look(&wanted).await? } else { self.write(&wanted).await? };
        if !self.dry_run && matches!(step.wave, Wave::Definitions | Wave::Namespaces) {
            self.until_ready(&wanted.facts.kind, &step.target).await?;
        }
        Ok(done)
    }

    async fn read(&self, step: &RestoreStep) -> Result<(Manifest, Extras), Failure> {
        if step.from.place.is_none() && step.wave == Wave::Namespaces {
            return Ok((bare_namespace(&step.from.id.name), Extras::default()));
        }
        let (body, extras) = self.plan.bodies.read(&step.from).await.map_err(|error| Failure::from(&error))?;
        let manifest = canonical::from_bytes(&body).map_err(|error| Failure::new(Category::Corrupt, &error))?;
        Ok((manifest, extras))
    }

    /// Nobody serves the kind: in a dry run because its CRD is still to come.
    fn unserved(&self, step: &RestoreStep) -> Result<Done, Failure> {
        if self.dry_run && self.plan.defines.contains(&step.target.group_kind()) {
            return Ok(Done { outcome: Outcome::Created, why: None, uid: String::new() });
        }
        let kind = step.target.group_kind();
        let message = format!("the cluster has no kind {kind}; restore its CustomResourceDefinition first");
        Err(Failure { category: Category::NotFound, message })
    }

    /// Where the owners are now. An owner that failed fails what it owns: it would be without owner for ever.
    async fn links(&self, step: &RestoreStep, notes: &mut Vec<String>) -> Result<Vec<(OwnerReference, Link)>, Failure> {
        let mut links = Vec::with_capacity(step.owners.len());
        for owner in &step.owners {
            let named = || format!("{} {}", owner.reference.group_kind(), owner.reference.name);
            let uid = match owner.step {
                Some(number) => {
                    let uid = self.learn(|learned| learned.uids.get(&number).cloned().flatten());
                    let missing = || format!("its owner {} was not restored", named());
                    Some(uid.ok_or_else(|| Failure { category: Category::NotFound, message: missing() })?)
                }
                None if owner.broken => None,
                None => self.live_owner(&step.target, &owner.reference).await?,
            };
            if uid.is_none() {
                let circle = "they own each other";
                let why = if owner.broken { circle } else { "it is neither restored nor in the cluster" };
                notes.push(format!("owner {} dropped: {why}", named()));
            }
            links.push((owner.reference.clone(), uid.map_or(Link::Drop, Link::To)));
        }
        Ok(links)
    }

    /// An owner lives in the object's namespace or in none.
    async fn live_owner(&self, object: &ObjectId, owner: &OwnerReference) -> Result<Option<String>, Failure> {
        let kind = owner.group_kind();
        let version = owner.api_version.rsplit('/').next().unwrap_or_default();
        let Some(served) = self.kind(&kind, version).await? else { return Ok(None) };
        let namespace = match served.scope {
            Scope::Cluster => "".into(),
            Scope::Namespaced => object.namespace.clone(),
        };
        self.uid_of(&ObjectId::new(&kind, namespace, owner.name.as_str()), version).await
    }

    async fn has_volume(&self, claim: &Manifest) -> Result<bool, Failure> {
        let Some(name) = claim.text(&["spec", "volumeName"]) else { return Ok(false) };
        let volume = GroupKind::new("", "PersistentVolume");
        Ok(self.uid_of(&ObjectId::new(&volume, "", name), "v1").await?.is_some())
    }

    /// Says what writing would do.
    async fn look(&self, wanted: &Wanted<'_>) -> Result<Done, Failure> {
        let live = self.get(&wanted.facts.kind, &wanted.step.target).await?;
        let Some(live) = live else {
            return Ok(Done { outcome: Outcome::Created, why: None, uid: String::new() });
        };
        match self.decide(wanted, &live)? {
            Resolution::Unchanged => Ok(Done::new(Outcome::Unchanged, live)),
            Resolution::Leave(why) => Ok(Done { why: Some(why), ..Done::new(Outcome::Skipped, live) }),
            Resolution::Update(_) => Ok(Done::new(Outcome::Updated, live)),
            Resolution::Fail(message) => Err(Failure { category: Category::Conflict, message }),
        }
    }

    async fn write(&self, wanted: &Wanted<'_>) -> Result<Done, Failure> {
        let (kind, id) = (&wanted.facts.kind, &wanted.step.target);
        for _ in 0..TRIES {
            let created = self.patiently(|| self.sink.create(kind, id, wanted.body.clone())).await?;
            let live = match created {
                Created::Created(live) => return Ok(Done::new(Outcome::Created, live)),
                Created::Exists(live) if is_leaving(&live) => {
                    self.until_gone(kind, id).await?;
                    continue;
                }
                Created::Exists(live) => live,
            };
            match self.decide(wanted, &live)? {
                Resolution::Unchanged => return Ok(Done::new(Outcome::Unchanged, live)),
                Resolution::Leave(why) => return Ok(Done { why: Some(why), ..Done::new(Outcome::Skipped, live) }),
                Resolution::Fail(message) => return Err(Failure { category: Category::Conflict, message }),
                Resolution::Update(mode) => {
                    let body = wanted.body.clone();
                    let update = || self.sink.update(kind, id, body.clone(), &live, mode);
                    if let Updated::Updated(live) = self.patiently(update).await? {
                        return Ok(Done::new(Outcome::Updated, live));
                    }
                }
            }
        }
        Err(Failure { category: Category::Conflict, message: "it keeps changing while it is compared".into() })
    }

    fn decide(&self, wanted: &Wanted<'_>, live: &Live) -> Result<Resolution, Failure> {
        let invalid = |message| Failure { category: Category::Invalid, message };
        let live = canonical::from_bytes(&live.body).map_err(|error| invalid(format!("the live object: {error}")))?;
        let live =
            prepare::comparable(live, &wanted.facts, &self.plan.options).map_err(|error| invalid(error.to_string()))?;
        Ok(decide(&wanted.manifest, &live, self.plan.options.conflict, wanted.step.only_if_missing))
    }

    async fn get(&self, kind: &Kind, id: &ObjectId) -> Result<Option<Live>, Failure> {
        self.patiently(|| self.sink.get(kind, id)).await
    }

    /// Waits until the object that is being deleted under this name is gone.
    async fn until_gone(&self, kind: &Kind, id: &ObjectId) -> Result<(), Failure> {
        let within = self.plan.options.ready_within;
        let deadline = self.runtime.uptime() + within;
        let mut backoff = backoff();
        while self.get(kind, id).await?.is_some_and(|live| is_leaving(&live)) {
            if self.runtime.uptime() >= deadline || self.cancel.is_cancelled() {
                let message = format!("an object with that name is still being deleted after {} s", within.as_secs());
                return Err(Failure { category: Category::Unavailable, message });
            }
            self.pause(&mut backoff).await;
        }
        Ok(())
    }
}

/// Whether the object is being deleted.
fn is_leaving(live: &Live) -> bool {
    canonical::from_bytes(&live.body).is_ok_and(|live| live.get(&["metadata", "deletionTimestamp"]).is_some())
}
