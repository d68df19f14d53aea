//! Owners' new uids. An object whose owner's uid does not match is deleted by the garbage collector within
//! seconds, so a reference is linked anew or goes; it never stays as it was.

use crate::manifest::{Manifest, Map, OwnerReference, Value};

/// What becomes of a reference to an owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Link {
    /// The owner is there, under this uid.
    To(String),
    /// The owner is not there.
    Drop,
}

/// Links the references anew. One that is not among `links` names nothing, and goes.
pub(super) fn relink(manifest: &mut Manifest, links: &[(OwnerReference, Link)]) {
    let Some(list) = manifest.get_mut(&["metadata", "ownerReferences"]).and_then(Value::as_array_mut) else { return };
    list.retain_mut(|entry| {
        let Some(entry) = entry.as_object_mut() else { return false };
        match links.iter().find(|(reference, _)| is(entry, reference)) {
            Some((_, Link::To(uid))) => {
                entry.insert("uid".into(), uid.as_str().into());
                true
            }
            _ => false,
        }
    });
    if list.is_empty() {
        manifest.remove(&["metadata", "ownerReferences"]);
    }
}

fn is(entry: &Map, reference: &OwnerReference) -> bool {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
    text("apiVersion") == reference.api_version
        && text("kind") == reference.kind
        && text("name") == reference.name
        && text("uid") == reference.uid
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::canonical;

    #[test]
    fn references_are_linked_or_go() {
        let json = br#"{"metadata":{"ownerReferences":[
            {"apiVersion":"v1","kind":"A","name":"kept","uid":"old","controller":true},
            {"apiVersion":"v1","kind":"A","name":"gone","uid":"old2"},{"kind":"half"},7]}}"#;
        let mut manifest = canonical::from_bytes(json).unwrap();
        let owners = manifest.owner_references();
        let links = [(owners[0].clone(), Link::To("new".into())), (owners[1].clone(), Link::Drop)];
        relink(&mut manifest, &links);
        let text = String::from_utf8(canonical::to_bytes(&manifest)).unwrap();
        insta::assert_snapshot!(text, @r#"{"metadata":{"ownerReferences":[{"apiVersion":"v1","controller":true,"kind":"A","name":"kept","uid":"new"}]}}"#);
        relink(&mut manifest, &[]);
        assert_eq!(canonical::to_bytes(&manifest), br#"{"metadata":{}}"#);
    }
}
