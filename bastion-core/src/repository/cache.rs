//! The newest states that are kept in memory: some 100 bytes an object.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use quick_cache::{DefaultHashBuilder, Lifecycle, UnitWeighter, sync::Cache};

use crate::{
    hash::Digest,
    object::{ObjectId, ResourceVersion},
    record::{Newest, Order, RevisionState},
};

/// How many newest states there is room for at first.
const AT_FIRST: usize = 1024;

/// Newest states by a hash of the id, the least useful of them dropped beyond the capacity.
#[derive(Debug)]
pub(crate) struct NewestCache {
    slots: Cache<u128, Slot, UnitWeighter, DefaultHashBuilder, Evictions>,
    evicted: Arc<AtomicBool>,
    policies: RwLock<Policies>,
}

#[derive(Debug, Default)]
struct Policies {
    names: Vec<Arc<str>>,
    numbers: BTreeMap<Arc<str>, u32>,
}

/// A [`Newest`], packed.
#[derive(Debug, Clone)]
struct Slot {
    digest: Digest,
    version: SlotVersion,
    incarnation: u32,
    policy: u32,
    state: RevisionState,
}

#[derive(Debug, Clone)]
enum SlotVersion {
    Number(u64),
    // A thin pointer, for what no real API server says.
    Text(Arc<ResourceVersion>),
}

/// Notices that something was dropped: from then on what is not here may be in a file.
#[derive(Debug, Clone)]
struct Evictions(Arc<AtomicBool>);

impl Lifecycle<u128, Slot> for Evictions {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _: u128, _: Slot) {
        self.0.store(true, Relaxed);
    }
}

impl NewestCache {
    pub(crate) fn new(capacity: usize) -> Self {
        let evicted = Arc::new(AtomicBool::new(false));
        let capacity = capacity.max(1);
        // Room for the unevenness of the shards, so that the promised number fits.
        let room = capacity + capacity / 8 + 64;
        Self {
            // Grows with what is kept: room for a million would be touched all over by the first thousand.
            slots: Cache::with(
                AT_FIRST,
                room as u64,
                UnitWeighter,
                DefaultHashBuilder::default(),
                Evictions(evicted.clone()),
            ),
            evicted,
            policies: RwLock::default(),
        }
    }

    /// Whether anything was dropped so far.
    pub(crate) fn has_evicted(&self) -> bool {
        self.evicted.load(Relaxed)
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.slots.clear();
    }

    pub(crate) fn get(&self, id: &ObjectId) -> Option<Newest> {
        let slot = self.slots.get(&hash(id))?;
        let policies = self.policies.read().unwrap_or_else(PoisonError::into_inner);
        Some(Newest {
            order: Order {
                incarnation: slot.incarnation,
                resource_version: match slot.version {
                    SlotVersion::Number(n) => n.into(),
                    SlotVersion::Text(text) => (*text).clone(),
                },
            },
            state: slot.state,
            digest: slot.digest,
            policy: policies.names.get(slot.policy as usize)?.clone(),
        })
    }

    pub(crate) fn insert(&self, id: &ObjectId, newest: &Newest) {
        let rv = &newest.order.resource_version;
        let slot = Slot {
            digest: newest.digest,
            version: match rv.exact_number() {
                Some(n) => SlotVersion::Number(n),
                None => SlotVersion::Text(Arc::new(rv.clone())),
            },
            incarnation: newest.order.incarnation,
            policy: self.policy(&newest.policy),
            state: newest.state,
        };
        self.slots.insert(hash(id), slot);
    }

    fn policy(&self, name: &Arc<str>) -> u32 {
        if let Some(n) = self.policies.read().unwrap_or_else(PoisonError::into_inner).numbers.get(name) {
            return *n;
        }
        let mut policies = self.policies.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(n) = policies.numbers.get(name) {
            return *n;
        }
        // There are as many as a person configures.
        let n = u32::try_from(policies.names.len()).unwrap_or(u32::MAX);
        policies.names.push(name.clone());
        policies.numbers.insert(name.clone(), n);
        n
    }
}

/// 128 bits of a cryptographic hash: nobody can name two objects so that they share a slot.
fn hash(id: &ObjectId) -> u128 {
    let mut hasher = blake3::Hasher::new();
    for part in [&id.group, &id.kind, &id.namespace, &id.name] {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    let mut out = [0; 16];
    hasher.finalize_xof().fill(&mut out);
    u128::from_le_bytes(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::GroupKind;

    fn id(n: usize) -> ObjectId {
        ObjectId::new(&GroupKind::new("", "ConfigMap"), "shop", format!("cm-{n}"))
    }

    #[test]
    fn what_fits_stays_and_what_does_not_is_noticed() {
        let cache = NewestCache::new(10_000);
        let newest = |rv: &str| Newest {
            order: Order { incarnation: 1, resource_version: ResourceVersion::new(rv) },
            state: RevisionState::Put,
            digest: Digest::of_file(rv.as_bytes()),
            policy: "all".into(),
        };
        for n in 0..10_000 {
            cache.insert(&id(n), &newest(&n.to_string()));
        }
        assert!(!cache.has_evicted());
        for n in 0..10_000 {
            assert_eq!(cache.get(&id(n)), Some(newest(&n.to_string())));
        }
        for odd in ["", "x", "007", "+7", "18446744073709551616"] {
            cache.insert(&id(0), &newest(odd));
            assert_eq!(cache.get(&id(0)), Some(newest(odd)));
        }
        for n in 10_000..30_000 {
            cache.insert(&id(n), &newest("1"));
        }
        assert!(cache.has_evicted());
    }
}
