//! Lists that show metadata only (`PartialObjectMetadataList`), as protobuf where the server speaks it: a tenth
//! of the bytes, and the server need not write down what nobody reads.

use std::{borrow::Cow, str};

use bastion_core::select::Needs;
use bytes::Bytes;
use prost::Message;
use serde::Deserialize;

use crate::{
    attributes::{self, Attributes, Pairs},
    meta::{self, Meta, Page},
};

/// What is asked for: metadata as protobuf, or as JSON; whole objects from servers that know neither.
pub(crate) const ACCEPT: &str = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, \
     application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json";

/// What protobuf from an API server begins with; a `runtime.Unknown` follows.
const MAGIC: &[u8] = b"k8s\0";

/// An object of a list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// All of it.
    Whole(Bytes),
    /// Its metadata, as JSON.
    Json(Bytes),
    /// Its metadata, as protobuf.
    Protobuf(ObjectMeta),
}

// The messages of k8s.io/apimachinery that are needed, and of those the fields that are read.

#[derive(Clone, PartialEq, Message)]
struct Unknown {
    #[prost(bytes = "bytes", tag = "2")]
    raw: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct PartialList {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ListMeta>,
    #[prost(message, repeated, tag = "2")]
    items: Vec<PartialObject>,
}

#[derive(Clone, PartialEq, Message)]
struct ListMeta {
    #[prost(string, tag = "2")]
    resource_version: String,
    #[prost(string, tag = "3")]
    next: String,
}

#[derive(Clone, PartialEq, Message)]
struct PartialObject {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ObjectMeta>,
}

/// Metadata; maps and lists are kept as they came, since most selections never look into them.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct ObjectMeta {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "3")]
    namespace: String,
    #[prost(string, tag = "6")]
    resource_version: String,
    #[prost(bytes = "bytes", repeated, tag = "12")]
    annotations: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "13")]
    owner_references: Vec<Bytes>,
}

/// An entry of a map, its strings where they came: one of them may be hundreds of kilobytes.
#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(bytes = "bytes", tag = "1")]
    key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    value: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct OwnerReference {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "5")]
    api_version: String,
    #[prost(bool, tag = "6")]
    controller: bool,
}

/// Takes a list apart, whichever of [`ACCEPT`] it is.
pub(crate) fn parse(list: &Bytes, api_version: &str, kind: &str) -> Result<Page<Item>, String> {
    if list.starts_with(MAGIC) {
        return protobuf(list.slice(MAGIC.len()..));
    }
    let whole = Page::parse(list, api_version, kind)?;
    let is_partial = meta::read::<TypeMeta<'_>>(list)?.kind == "PartialObjectMetadataList";
    let item = if is_partial { Item::Json } else { Item::Whole };
    let items = whole.items.into_iter().map(item).collect();
    Ok(Page { resource_version: whole.resource_version, next: whole.next, items })
}

#[derive(Deserialize)]
struct TypeMeta<'a> {
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
}

fn protobuf(list: Bytes) -> Result<Page<Item>, String> {
    let raw = Unknown::decode(list).map_err(malformed)?.raw;
    let PartialList { metadata, items } = PartialList::decode(raw).map_err(malformed)?;
    let ListMeta { resource_version, next } = metadata.unwrap_or_default();
    let items = items.into_iter().map(|item| Item::Protobuf(item.metadata.unwrap_or_default())).collect();
    Ok(Page { resource_version, next, items })
}

/// prost names fields and wire types, never content.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn malformed(error: prost::DecodeError) -> String {
    format!("not valid protobuf: {error}")
}

impl ObjectMeta {
    /// What names it.
    pub(crate) fn head(&self) -> Meta<'_> {
        Meta {
            name: self.name.as_str().into(),
            namespace: self.namespace.as_str().into(),
            resource_version: self.resource_version.as_str().into(),
            ..Meta::default()
        }
    }

    /// What a selection needs of it; labels are left to the server.
    pub(crate) fn attributes(&self, needs: &Needs) -> Result<Attributes<'static>, String> {
        let mut attributes = Attributes::default();
        if !needs.annotations.is_empty() {
            attributes.annotations = pick(&self.annotations, &needs.annotations)?;
        }
        if needs.controller {
            for owner in &self.owner_references {
                let owner = OwnerReference::decode(owner.clone()).map_err(malformed)?;
                if owner.controller {
                    attributes.controller = Some(attributes::OwnerReference {
                        api_version: owner.api_version.into(),
                        kind: owner.kind.into(),
                        controller: Some(true),
                    });
                }
            }
        }
        Ok(attributes)
    }
}

fn pick(entries: &[Bytes], keys: &[String]) -> Result<Pairs<'static>, String> {
    let mut pairs = Pairs::new();
    for entry in entries {
        let Entry { key, value } = Entry::decode(entry.clone()).map_err(malformed)?;
        if let Some(key) = keys.iter().find(|wanted| wanted.as_bytes() == key) {
            let value = str::from_utf8(&value).map_err(|_| "an annotation is not valid UTF-8")?;
            pairs.push((key.clone().into(), value.to_owned().into()));
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bastion_core::select::Selection;
    use proptest::prelude::*;

    use super::*;
    use crate::meta::Head;

    fn encoded(names: &[(&str, Option<&str>)]) -> Vec<u8> {
        let items = names.iter().map(|(name, enabled)| {
            let entry = |key: &'static str, value: &str| {
                let entry = Entry { key: key.into(), value: Bytes::copy_from_slice(value.as_bytes()) };
                Bytes::from(entry.encode_to_vec())
            };
            let mut annotations = vec![entry("other", "true")];
            annotations.extend(enabled.map(|value| entry("backup/enabled", value)));
            let owner = OwnerReference { kind: "Job".into(), api_version: "batch/v1".into(), controller: true };
            let meta = ObjectMeta {
                name: (*name).into(),
                namespace: "shop".into(),
                resource_version: "7".into(),
                annotations,
                owner_references: vec![owner.encode_to_vec().into()],
            };
            PartialObject { metadata: Some(meta) }
        });
        let metadata = Some(ListMeta { resource_version: "9".into(), next: "c".into() });
        let list = PartialList { metadata, items: items.collect() };
        let raw = list.encode_to_vec().into();
        [MAGIC, &Unknown { raw }.encode_to_vec()].concat()
    }

    /// Name, annotation and controller of an item, if it shows metadata only.
    fn shown(item: &Item) -> String {
        let needs = Selection::default().exclude_owned_by("*".parse().unwrap()).needs();
        let (name, attributes) = match item {
            Item::Json(body) => {
                let meta = Head::parse(body).unwrap().metadata;
                (format!("{}/{}", meta.namespace, meta.name), Attributes::of(&meta, &needs).unwrap())
            }
            Item::Protobuf(meta) => {
                let head = meta.head();
                (format!("{}/{}", head.namespace, head.name), meta.attributes(&needs).unwrap())
            }
            Item::Whole(body) => return format!("{body:?}"),
        };
        let value = attributes.annotations.first().map(|(_, value)| value.to_string());
        let owner = attributes.controller.unwrap();
        format!("{name} {value:?} {} {}", owner.api_version, owner.kind)
    }

    #[test]
    fn protobuf_and_json_say_the_same() {
        let protobuf = encoded(&[("a", None), ("b", Some("true")), ("c", Some("no"))]);
        let json = r#"{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1",
            "metadata":{"resourceVersion":"9","continue":"c"},"items":[
            {"metadata":{"name":"a","namespace":"shop","resourceVersion":"7","ownerReferences":OWNERS}},
            {"metadata":{"name":"b","namespace":"shop","resourceVersion":"7","annotations":{"backup/enabled":"true"},"ownerReferences":OWNERS}},
            {"metadata":{"name":"c","namespace":"shop","resourceVersion":"7","annotations":{"backup/enabled":"no"},"ownerReferences":OWNERS}}]}"#
            .replace("OWNERS", r#"[{"apiVersion":"batch/v1","kind":"Job","name":"j","uid":"u","controller":true}]"#);
        for list in [Bytes::from(protobuf), Bytes::from(json)] {
            let page = parse(&list, "v1", "ConfigMap").unwrap();
            assert_eq!((page.resource_version.as_str(), page.next.as_str()), ("9", "c"));
            let shown: Vec<_> = page.items.iter().map(shown).collect();
            let expected = [("a", "None"), ("b", r#"Some("true")"#), ("c", r#"Some("no")"#)];
            assert_eq!(shown, expected.map(|(name, value)| format!("shop/{name} {value} batch/v1 Job")));
        }
    }

    #[test]
    fn a_server_that_shows_whole_objects_is_believed() {
        let list =
            r#"{"kind":"PodMetricsList","metadata":{"resourceVersion":"9"},"items":[{"metadata":{"name":"a"}}]}"#;
        let page = parse(&list.into(), "x/v1", "PodMetrics").unwrap();
        let whole = r#"{"kind":"PodMetrics","apiVersion":"x/v1","metadata":{"name":"a"}}"#;
        assert_eq!(page.items, [Item::Whole(whole.into())]);
    }

    proptest! {
        #[test]
        fn garbage_is_refused_or_read_but_never_panics(garbage: Vec<u8>, at: prop::sample::Index, bit in 0..8_u8) {
            let read = |list: Vec<u8>| {
                for item in parse(&list.into(), "v1", "ConfigMap").into_iter().flat_map(|page| page.items) {
                    if let Item::Protobuf(meta) = item {
                        let _ = meta.attributes(&Selection::default().exclude_owned_by("*".parse().unwrap()).needs());
                    }
                }
            };
            read([MAGIC, &garbage].concat());
            read(garbage);
            let mut broken = encoded(&[("a", None), ("b", Some("true"))]);
            let at = at.index(broken.len());
            broken[at] ^= 1 << bit;
            read(broken.clone());
            broken.truncate(at);
            read(broken);
        }
    }
}
