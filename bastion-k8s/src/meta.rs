//! A light look at an object's JSON: the metadata that selection and positions need, and nothing else. The
//! bytes stay as the server sent them.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What is read of an object.
#[derive(Debug, Deserialize)]
pub(crate) struct Head<'a> {
    #[serde(borrow)]
    pub(crate) metadata: Meta<'a>,
}

/// What is read of its metadata. Maps and lists are kept as they came: most selections never look into them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Meta<'a> {
    #[serde(borrow)]
    pub(crate) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) namespace: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) uid: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) resource_version: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) labels: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) annotations: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) owner_references: Option<&'a RawValue>,
}

impl<'a> Head<'a> {
    pub(crate) fn parse(object: &'a [u8]) -> Result<Self, String> {
        read(object)
    }
}

/// Reads JSON. That it is text is looked at once: otherwise the parser looks at every string on its own.
pub(crate) fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, String> {
    let json = std::str::from_utf8(json).map_err(|e| format!("invalid UTF-8 at byte {}", e.valid_up_to()))?;
    serde_json::from_str(json).map_err(|e| without_content(&e))
}

/// Where a parser stopped. Its own text may quote the input.
pub(crate) fn without_content(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Io => "reading failed",
        serde_json::error::Category::Syntax => "invalid JSON",
        serde_json::error::Category::Data => "not the expected structure",
        serde_json::error::Category::Eof => "cut off",
    };
    format!("{what} at line {}, column {}", error.line(), error.column())
}

/// A page of a list.
#[derive(Debug)]
pub(crate) struct Page<T = Bytes> {
    pub(crate) resource_version: String,
    /// Where the next page begins; empty on the last.
    pub(crate) next: String,
    /// The objects, each complete with apiVersion and kind.
    pub(crate) items: Vec<T>,
}

#[derive(Deserialize)]
struct RawPage<'a> {
    metadata: RawListMeta<'a>,
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawListMeta<'a> {
    #[serde(borrow, default)]
    resource_version: Cow<'a, str>,
    #[serde(borrow, default, rename = "continue")]
    next: Cow<'a, str>,
}

impl Page {
    /// Takes a list apart. Items are copied out of it, so that one that is kept does not keep the page.
    pub(crate) fn parse(list: &[u8], api_version: &str, kind: &str) -> Result<Self, String> {
        let raw: RawPage<'_> = read(list)?;
        let items = raw.items.unwrap_or_default();
        let begin = format!(r#"{{"apiVersion":"{api_version}","kind":"{kind}","#);
        let complete = |item: &RawValue| match item.get() {
            // Those of custom resources begin with both, and need no second look.
            item if item.starts_with(&begin) => Ok(Bytes::copy_from_slice(item.as_bytes())),
            item => complete(item, api_version, kind),
        };
        Ok(Self {
            resource_version: raw.metadata.resource_version.into_owned(),
            next: raw.metadata.next.into_owned(),
            items: items.into_iter().map(complete).collect::<Result<_, _>>()?,
        })
    }
}

/// What items of a list may lack.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TypeMeta<'a> {
    #[serde(borrow, default)]
    api_version: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    kind: Option<Cow<'a, str>>,
}

/// Items of lists of built-in kinds lack apiVersion and kind; a watch and a GET give them.
fn complete(item: &str, api_version: &str, kind: &str) -> Result<Bytes, String> {
    let head: TypeMeta<'_> = serde_json::from_str(item).map_err(|e| without_content(&e))?;
    let inside = item.strip_prefix('{').ok_or("an item is not an object")?;
    let mut out = String::with_capacity(item.len() + api_version.len() + kind.len() + 32);
    out.push('{');
    for (key, value, there) in
        [("kind", kind, head.kind.is_some()), ("apiVersion", api_version, head.api_version.is_some())]
    {
        if !there {
            // Neither needs escapes: both are names by Kubernetes' own rules.
            out.extend(["\"", key, "\":\"", value, "\","]);
        }
    }
    out.push_str(inside);
    Ok(out.into())
}

/// An event of a watch: its type, and its object as the server sent it.
#[derive(Debug, Deserialize)]
pub(crate) struct Event<'a> {
    #[serde(rename = "type", borrow)]
    pub(crate) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) object: &'a RawValue,
}

impl<'a> Event<'a> {
    pub(crate) fn parse(line: &'a [u8]) -> Result<Self, String> {
        read(line)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn items_of_a_page_get_what_lists_leave_out_and_keep_every_other_byte() {
        let list = r#"{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"7","continue":"c"},"items":[
            {"metadata":{"name":"a"},"data":{"n": 1.0, "n": 18446744073709552000, "é":"\u00e9"}},
            {"apiVersion":"x/v1","kind":"X","metadata":{"name":"b"}}]}"#;
        let page = Page::parse(list.as_bytes(), "v1", "ConfigMap").unwrap();
        assert_eq!((page.resource_version.as_str(), page.next.as_str()), ("7", "c"));
        assert_eq!(
            page.items[0],
            r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"},"data":{"n": 1.0, "n": 18446744073709552000, "é":"\u00e9"}}"#
        );
        assert_eq!(page.items[1], r#"{"apiVersion":"x/v1","kind":"X","metadata":{"name":"b"}}"#);
        let empty = br#"{"metadata":{"resourceVersion":"7"},"items":null}"#;
        assert!(Page::parse(empty, "v1", "ConfigMap").unwrap().items.is_empty());
    }

    #[test]
    fn deep_nesting_costs_no_stack() {
        let deep = 100_000;
        let object = format!(r#"{{"metadata":{{"name":"a"}},"x":{}{}}}"#, "[".repeat(deep), "]".repeat(deep));
        assert_eq!(Head::parse(object.as_bytes()).unwrap().metadata.name, "a");
    }

    #[test]
    fn errors_quote_nothing() {
        let error = Head::parse(br#"{"metadata":{"name":["CANARY"]}}"#).unwrap_err();
        assert!(!error.contains("CANARY"), "{error}");
    }

    #[test]
    fn an_event_keeps_its_object_as_it_came() {
        let line = r#"{"object": {"a" : 1e21 } ,"type":"ADDED"}"#;
        let event = Event::parse(line.as_bytes()).unwrap();
        assert_eq!((event.kind.as_ref(), event.object.get()), ("ADDED", r#"{"a" : 1e21 }"#));
    }
}
