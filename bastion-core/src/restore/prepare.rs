//! From a stored body to what is created, and from a live object to what can be compared with it. Pure.

use super::{options::RestoreOptions, relink, relink::Link, remap};
use crate::{
    manifest::{Manifest, OwnerReference, Value},
    object::Kind,
    record::Extras,
    sanitize::SanitizeError,
};

/// What the cluster says of the step that is prepared.
pub(super) struct Facts {
    /// How the cluster serves the kind.
    pub(super) kind: Kind,
    /// Where the owners are now.
    pub(super) links: Vec<(OwnerReference, Link)>,
    /// The claim's volume is neither restored nor there.
    pub(super) forget_volume: bool,
}

/// The object as it is to be.
pub(super) fn wanted(
    mut manifest: Manifest,
    extras: &Extras,
    facts: &Facts,
    options: &RestoreOptions,
) -> Result<Manifest, SanitizeError> {
    extras.unowned.iter().for_each(|pointer| remove_pointer(&mut manifest, pointer));
    options.sanitizer.sanitize(&facts.kind, &mut manifest)?;
    remap::remap(&mut manifest, &options.namespaces);
    relink::relink(&mut manifest, &facts.links);
    if facts.forget_volume {
        manifest.remove(&["spec", "volumeName"]);
    }
    manifest.set(&["apiVersion"], facts.kind.api_version().into());
    Ok(manifest)
}

/// The live object, in the form in which the wanted one is.
pub(super) fn comparable(
    mut live: Manifest,
    facts: &Facts,
    options: &RestoreOptions,
) -> Result<Manifest, SanitizeError> {
    let extras = options.sanitizer.sanitize(&facts.kind, &mut live)?;
    extras.unowned.iter().for_each(|pointer| remove_pointer(&mut live, pointer));
    if facts.forget_volume {
        live.remove(&["spec", "volumeName"]);
    }
    Ok(live)
}

/// Removes what a JSON pointer (RFC 6901) names. Of a list's item only what is in it: the items keep their
/// numbers for the pointers that follow.
fn remove_pointer(manifest: &mut Manifest, pointer: &str) {
    let mut steps: Vec<String> =
        pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
    let Some(last) = steps.pop() else { return };
    let mut map = manifest.root_mut();
    let mut steps = steps.iter();
    while let Some(step) = steps.next() {
        let Some(mut value) = map.get_mut(step.as_str()) else { return };
        while let Value::Array(list) = value {
            let item = steps.next().and_then(|step| step.parse::<usize>().ok()).and_then(|i| list.get_mut(i));
            let Some(item) = item else { return };
            value = item;
        }
        let Some(inner) = value.as_object_mut() else { return };
        map = inner;
    }
    map.remove(last.as_str());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::canonical;

    #[test]
    fn pointers_reach_into_lists_and_keys_with_slashes() {
        let mut manifest = canonical::from_bytes(br#"{"a":[[{"x/y":1,"z":2}],{"b":1}],"c":{"d~":1}}"#).unwrap();
        for pointer in ["/a/0/0/x~1y", "/c/d~0", "/a/1/b", "/a/9/b", "/nothing/there", "/a/x", "", "/a/0"] {
            remove_pointer(&mut manifest, pointer);
        }
        assert_eq!(canonical::to_bytes(&manifest), br#"{"a":[[{"z":2}],{}],"c":{}}"#);
    }
}
