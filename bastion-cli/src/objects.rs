//! From arguments to stored objects.

use std::{collections::BTreeSet, sync::Arc};

use bastion_core::{
    manifest::{Manifest, Map, PathSet, Value},
    object::{GroupKind, ObjectId},
    record::{Revision, RevisionState},
    repository::{ObjectFilter, Snapshot},
    select::{KindWord, LabelSelector},
};
use futures::{StreamExt, TryStreamExt};

use crate::{
    args::{Named, ObjectArgs, OneObject},
    error::{CliError, Result},
    kinds::name_prefix,
};

/// Every state: what was deleted has a history, too.
const ANY: [RevisionState; 3] = [RevisionState::Put, RevisionState::Deleted, RevisionState::Released];

/// Which stored objects the arguments mean.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// What the index can tell.
    pub(crate) filter: ObjectFilter,
    /// These only, where objects of several kinds were named one by one.
    pairs: Option<BTreeSet<(GroupKind, String)>>,
    labels: Option<LabelSelector>,
}

impl Wanted {
    /// Reads the arguments; kinds are those of the log.
    pub(crate) async fn new(snapshot: &Snapshot, args: &ObjectArgs) -> Result<Self> {
        let mut wanted = Self { labels: args.selector.clone(), ..Self::default() };
        if let Some(namespace) = &args.namespace {
            wanted.filter.namespaces = Some(vec![namespace.as_str().into()]);
        }
        match args.named()? {
            Named::All => {}
            Named::Kinds(words) => wanted.filter.kinds = Some(kinds(snapshot, &words).await?),
            Named::Objects(objects) => {
                let mut pairs = BTreeSet::new();
                for (word, name) in objects {
                    for kind in kinds(snapshot, std::slice::from_ref(&word)).await? {
                        pairs.insert((kind, name.clone()));
                    }
                }
                let kinds: BTreeSet<_> = pairs.iter().map(|(kind, _)| kind.clone()).collect();
                let names: BTreeSet<Arc<str>> = pairs.iter().map(|(_, name)| name.as_str().into()).collect();
                wanted.filter.kinds = Some(kinds.into_iter().collect());
                wanted.filter.names = Some(names.into_iter().collect());
                wanted.pairs = Some(pairs);
            }
        }
        Ok(wanted)
    }

    fn takes(&self, id: &ObjectId) -> bool {
        self.pairs.as_ref().is_none_or(|pairs| pairs.contains(&(id.group_kind(), id.name.to_string())))
    }

    /// What only the content tells; `None` where the filter says it all.
    pub(crate) fn predicate(self) -> Option<impl Fn(&Manifest) -> bool + Send + Sync + 'static> {
        (self.pairs.is_some() || self.labels.is_some()).then_some(move |manifest: &Manifest| {
            manifest.id().is_some_and(|id| self.takes(&id))
                && self.labels.as_ref().is_none_or(|l| l.matches(&labels_of(manifest)))
        })
    }
}

/// The stored objects that the arguments mean, in the order of their ids.
pub(crate) async fn select(snapshot: &Snapshot, args: &ObjectArgs, gone_too: bool) -> Result<Vec<Revision>> {
    let mut wanted = Wanted::new(snapshot, args).await?;
    if gone_too {
        wanted.filter.states = ANY.to_vec();
    }
    let mut stream = snapshot.objects(wanted.filter.clone());
    let mut found = Vec::new();
    while let Some(revision) = stream.next().await {
        let revision = revision?;
        if wanted.takes(&revision.id) && has_labels(snapshot, &revision, wanted.labels.as_ref()).await? {
            found.push(revision);
        }
    }
    Ok(found)
}

/// The one object that the arguments mean, deleted ones too. Without a namespace it is looked for in all.
pub(crate) async fn one(snapshot: &Snapshot, args: &OneObject) -> Result<ObjectId> {
    let (word, name) = args.named()?;
    let filter = ObjectFilter {
        kinds: Some(kinds(snapshot, std::slice::from_ref(&word)).await?),
        namespaces: args.place.namespace.as_deref().map(|n| vec![n.into()]),
        names: Some(vec![name.as_str().into()]),
        states: ANY.to_vec(),
    };
    let mut found: Vec<Revision> = snapshot.objects(filter).try_collect().await?;
    let alive: Vec<_> = found.iter().filter(|v| v.state == RevisionState::Put).cloned().collect();
    if found.len() > 1 && alive.len() == 1 {
        found = alive;
    }
    match found.as_slice() {
        [revision] => Ok(revision.id.clone()),
        [] => Err(CliError::NothingMatched {
            what: format!(
                "no {word} {name:?} is saved{}",
                args.place.namespace.as_deref().map(|n| format!(" in namespace {n}")).unwrap_or_default()
            ),
            hint: format!("`bastion ls {word} --deleted` lists what is"),
        }),
        many => Err(CliError::Usage(format!(
            "{word} {name:?} means several objects: {}; give -n, or the kind with its group",
            many.iter().map(|v| v.id.to_string()).collect::<Vec<_>>().join(", ")
        ))),
    }
}

/// The kinds of the log that these words mean; a word that means none is an error.
async fn kinds(snapshot: &Snapshot, words: &[KindWord]) -> Result<Vec<GroupKind>> {
    let mut known: BTreeSet<GroupKind> = snapshot.positions().into_iter().map(|p| p.kind).collect();
    let mut found = BTreeSet::new();
    let mut complete = false;
    for word in words {
        let mut hits: Vec<_> = known.iter().filter(|k| word.matches(k)).cloned().collect();
        if hits.is_empty() && !complete {
            // Kinds that were never listed to their end have objects and no position yet.
            let filter = ObjectFilter { states: ANY.to_vec(), ..ObjectFilter::default() };
            let mut objects = snapshot.objects(filter);
            while let Some(revision) = objects.next().await {
                known.insert(revision?.id.group_kind());
            }
            complete = true;
            hits = known.iter().filter(|k| word.matches(k)).cloned().collect();
        }
        if hits.is_empty() {
            hits = by_definition(snapshot, word).await?;
        }
        if hits.is_empty() {
            return Err(CliError::NothingMatched {
                what: format!("no kind {:?} is saved", word.to_string()),
                hint: match near(word, &known) {
                    Some(kind) => format!("did you mean {}? `bastion ls` lists what is saved", name_prefix(&kind)),
                    None => {
                        "`bastion ls` lists what is saved, `bastion status -o yaml` which kinds are followed".to_owned()
                    }
                },
            });
        }
        found.extend(hits);
    }
    Ok(found.into_iter().collect())
}

/// The kind whose name is most like the word, if one is like it at all.
fn near(word: &KindWord, known: &BTreeSet<GroupKind>) -> Option<GroupKind> {
    known.iter().filter_map(|kind| Some((word.distance(kind)?, kind))).min().map(|(_, kind)| kind.clone())
}

/// Short and irregular names of custom resources stand in their saved definitions.
async fn by_definition(snapshot: &Snapshot, word: &KindWord) -> Result<Vec<GroupKind>> {
    let filter = ObjectFilter {
        kinds: Some(vec![GroupKind::new("apiextensions.k8s.io", "CustomResourceDefinition")]),
        ..ObjectFilter::default()
    };
    let mut definitions = snapshot.objects(filter);
    let mut found = Vec::new();
    while let Some(revision) = definitions.next().await {
        let definition = manifest(snapshot, &revision?).await?;
        let names = ["plural", "singular", "kind"].map(|name| definition.text(&["spec", "names", name]));
        let short = match definition.get(&["spec", "names", "shortNames"]) {
            Some(Value::Array(short)) => short.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let (Some(group), Some(kind)) = (definition.text(&["spec", "group"]), names[2]) else { continue };
        if word.matches_names(group, names.into_iter().flatten().chain(short)) {
            found.push(GroupKind::new(group, kind));
        }
    }
    Ok(found)
}

async fn has_labels(snapshot: &Snapshot, revision: &Revision, labels: Option<&LabelSelector>) -> Result<bool> {
    let Some(labels) = labels else { return Ok(true) };
    if revision.state != RevisionState::Put {
        return Ok(false);
    }
    Ok(labels.matches(&labels_of(&manifest(snapshot, revision).await?)))
}

fn labels_of(manifest: &Manifest) -> Option<&Map> {
    manifest.get(&["metadata", "labels"]).and_then(Value::as_object)
}

/// A saved object, its digest checked.
pub(crate) async fn manifest(snapshot: &Snapshot, revision: &Revision) -> Result<Manifest> {
    let body = snapshot.body(revision).await?;
    Manifest::parse(&body, &PathSet::default())
        .map_err(|e| CliError::Render { what: revision.id.to_string(), source: Box::new(e) })
}

/// A revision of an object: by number, or the newest at the snapshot's time.
pub(crate) async fn revision(snapshot: &Snapshot, id: &ObjectId, number: Option<u64>) -> Result<Revision> {
    let history = snapshot.history(id).await?;
    let found = match number {
        Some(n) => history.iter().find(|v| v.number == n),
        None => history.first(),
    };
    found.cloned().ok_or_else(|| {
        let revisions: Vec<_> = history.iter().take(10).map(|v| v.number.to_string()).collect();
        CliError::NothingMatched {
            what: match number {
                Some(n) => format!("{id} has no revision {n}"),
                None => format!("{id} was not saved yet at that time"),
            },
            hint: if revisions.is_empty() {
                "`bastion history` lists its revisions".to_owned()
            } else {
                format!("its newest revisions are {}", revisions.join(", "))
            },
        }
    })
}

/// There is nothing to show of a revision that says that the object is gone.
pub(crate) fn no_content(revision: &Revision) -> CliError {
    let (how, when) = (crate::report::saved::word(revision.state), crate::when::local(revision.at));
    CliError::NothingMatched {
        what: format!("{} was {how} in revision {} ({when})", revision.id, revision.number),
        hint: "give an older one with --at (or --revision, for `show`); `bastion history` lists them".to_owned(),
    }
}

/// A manifest as YAML.
pub(crate) fn yaml(id: &ObjectId, manifest: &Manifest) -> Result<String> {
    bastion_core::yaml::to_yaml(manifest)
        .map_err(|e| CliError::Render { what: format!("{id} as YAML"), source: Box::new(e) })
}
