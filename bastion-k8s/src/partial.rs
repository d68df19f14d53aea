//! Lists that show metadata only (`PartialObjectMetadataList`), as protobuf where the server speaks it: a tenth
//! of the bytes, and the server need not write down what nobody reads.

use std::borrow::Cow;

use bytes::Bytes;
use prost::Message;
use serde::Deserialize;

use crate::meta::{self, ANNOTATION, Enabled, Head, Meta, Page};

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
    /// What is needed to tell whether it is selected, and whether it is known.
    Partial(Meta<'static>),
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

#[derive(Clone, PartialEq, Message)]
struct ObjectMeta {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "3")]
    namespace: String,
    #[prost(string, tag = "6")]
    resource_version: String,
    #[prost(message, repeated, tag = "12")]
    annotations: Vec<Annotation>,
}

/// An entry of a map, its strings where they came: one of them may be hundreds of kilobytes.
#[derive(Clone, PartialEq, Message)]
struct Annotation {
    #[prost(bytes = "bytes", tag = "1")]
    key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    value: Bytes,
}

/// Takes a list apart, whichever of [`ACCEPT`] it is.
pub(crate) fn parse(list: &Bytes, api_version: &str, kind: &str) -> Result<Page<Item>, String> {
    if list.starts_with(MAGIC) {
        return protobuf(list.slice(MAGIC.len()..));
    }
    let whole = Page::parse(list, api_version, kind)?;
    let is_partial = meta::read::<TypeMeta<'_>>(list)?.kind == "PartialObjectMetadataList";
    let items = whole.items.into_iter().map(|item| {
        if !is_partial {
            return Ok(Item::Whole(item));
        }
        Ok(Item::Partial(Head::parse(&item)?.metadata.into_owned()))
    });
    let items = items.collect::<Result<_, String>>()?;
    Ok(Page { resource_version: whole.resource_version, next: whole.next, items })
}

#[derive(Deserialize)]
struct TypeMeta<'a> {
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
}

fn protobuf(list: Bytes) -> Result<Page<Item>, String> {
    // prost names fields and wire types, never content.
    let malformed = |e: prost::DecodeError| format!("no valid protobuf: {e}");
    let raw = Unknown::decode(list).map_err(malformed)?.raw;
    let PartialList { metadata, items } = PartialList::decode(raw).map_err(malformed)?;
    let ListMeta { resource_version, next } = metadata.unwrap_or_default();
    let items = items.into_iter().map(|item| Item::Partial(item.metadata.unwrap_or_default().into())).collect();
    Ok(Page { resource_version, next, items })
}

impl From<ObjectMeta> for Meta<'static> {
    fn from(meta: ObjectMeta) -> Self {
        let enabled = meta.annotations.iter().find(|a| a.key == ANNOTATION).map(|a| a.value == "true");
        Self {
            name: meta.name.into(),
            namespace: meta.namespace.into(),
            // Nobody asks a list for it.
            uid: Cow::default(),
            resource_version: meta.resource_version.into(),
            annotations: Enabled(enabled),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn partial(name: &str, enabled: Option<bool>) -> Item {
        let annotations = Enabled(enabled);
        let meta = ObjectMeta {
            name: name.into(),
            namespace: "shop".into(),
            resource_version: "7".into(),
            ..Default::default()
        };
        Item::Partial(Meta { annotations, ..meta.into() })
    }

    fn encoded(names: &[(&str, Option<&str>)]) -> Vec<u8> {
        let items = names.iter().map(|(name, enabled)| {
            let annotation = |key: &str, value: &str| Annotation {
                key: Bytes::copy_from_slice(key.as_bytes()),
                value: Bytes::copy_from_slice(value.as_bytes()),
            };
            let mut annotations = vec![annotation("other", "true")];
            annotations.extend(enabled.map(|value| annotation(ANNOTATION, value)));
            let meta = ObjectMeta {
                name: (*name).into(),
                namespace: "shop".into(),
                resource_version: "7".into(),
                annotations,
            };
            PartialObject { metadata: Some(meta) }
        });
        let metadata = Some(ListMeta { resource_version: "9".into(), next: "c".into() });
        let list = PartialList { metadata, items: items.collect() };
        let raw = list.encode_to_vec().into();
        [MAGIC, &Unknown { raw }.encode_to_vec()].concat()
    }

    #[test]
    fn protobuf_and_json_say_the_same() {
        let protobuf = encoded(&[("a", None), ("b", Some("true")), ("c", Some("no"))]);
        let json = r#"{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1",
            "metadata":{"resourceVersion":"9","continue":"c"},"items":[
            {"metadata":{"name":"a","namespace":"shop","resourceVersion":"7"}},
            {"metadata":{"name":"b","namespace":"shop","resourceVersion":"7","annotations":{"backup/enabled":"true"}}},
            {"metadata":{"name":"c","namespace":"shop","resourceVersion":"7","annotations":{"backup/enabled":"no"}}}]}"#;
        for list in [Bytes::from(protobuf), Bytes::from(json)] {
            let page = parse(&list, "v1", "ConfigMap").unwrap();
            assert_eq!((page.resource_version.as_str(), page.next.as_str()), ("9", "c"));
            assert_eq!(page.items, [partial("a", None), partial("b", Some(true)), partial("c", Some(false))]);
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
            let _ = parse(&[MAGIC, &garbage].concat().into(), "v1", "ConfigMap");
            let _ = parse(&garbage.into(), "v1", "ConfigMap");
            let mut broken = encoded(&[("a", None), ("b", Some("true"))]);
            let at = at.index(broken.len());
            broken[at] ^= 1 << bit;
            let _ = parse(&broken.clone().into(), "v1", "ConfigMap");
            broken.truncate(at);
            let _ = parse(&broken.into(), "v1", "ConfigMap");
        }
    }
}
