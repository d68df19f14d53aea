//! The labels, annotations and owner that a selection asks for, picked out of an object's metadata.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use bastion_core::select::{Facts, Needs};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::meta::{Meta, without_content};

/// What a selection needs of an object's metadata. Nothing is parsed that it does not need.
#[derive(Debug, PartialEq, Eq, Default)]
pub(crate) struct Attributes<'a> {
    /// `None` where the server has filtered by them.
    pub(crate) labels: Option<Pairs<'a>>,
    pub(crate) annotations: Pairs<'a>,
    /// The controller that owns it.
    pub(crate) controller: Option<OwnerReference<'a>>,
}

/// Keys and values.
pub(crate) type Pairs<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

impl<'a> Attributes<'a> {
    pub(crate) fn of(meta: &Meta<'a>, needs: &Needs) -> Result<Self, String> {
        Ok(Self {
            labels: (!needs.labels.is_empty()).then(|| pick(meta.labels, &needs.labels)).transpose()?,
            annotations: pick(meta.annotations, &needs.annotations)?,
            controller: meta.owner_references.filter(|_| needs.controller).map(controller).transpose()?.flatten(),
        })
    }

    /// Adds them to what is known of an object.
    pub(crate) fn add_to<'b>(&'b self, facts: Facts<'b>) -> Facts<'b> {
        let facts = facts.annotations(&self.annotations);
        let facts = self.labels.as_ref().map_or(facts, |labels| facts.labels(labels));
        let Some(OwnerReference { api_version, kind, .. }) = &self.controller else { return facts };
        facts.controller(api_version.split_once('/').map_or("", |(group, _)| group), kind)
    }
}

/// The annotations of these keys, for a namespace whose objects inherit them.
pub(crate) fn annotations(meta: &Meta<'_>, keys: &[String]) -> Result<BTreeMap<String, String>, String> {
    let own = |(key, value): (Cow<'_, str>, Cow<'_, str>)| (key.into_owned(), value.into_owned());
    Ok(pick(meta.annotations, keys)?.into_iter().map(own).collect())
}

fn pick<'a>(map: Option<&'a RawValue>, keys: &[String]) -> Result<Pairs<'a>, String> {
    match map {
        Some(map) if !keys.is_empty() => {
            Pick(keys).deserialize(&mut serde_json::Deserializer::from_str(map.get())).map_err(|e| without_content(&e))
        }
        _ => Ok(Pairs::new()),
    }
}

/// Reads the values of these keys out of a map of texts.
struct Pick<'k>(&'k [String]);

/// A string, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> DeserializeSeed<'de> for Pick<'_> {
    type Value = Pairs<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Pairs<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Pick<'_> {
    type Value = Pairs<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("labels or annotations")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
        let mut pairs = Pairs::new();
        while let Some(Text(key)) = map.next_key()? {
            if self.0.iter().any(|wanted| *wanted == key) {
                pairs.extend(map.next_value::<Option<Text<'de>>>()?.map(|Text(value)| (key, value)));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(pairs)
    }
}

/// An entry of `ownerReferences`.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OwnerReference<'a> {
    #[serde(borrow, default)]
    pub(crate) api_version: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) kind: Cow<'a, str>,
    #[serde(default)]
    pub(crate) controller: Option<bool>,
}

fn controller(owners: &RawValue) -> Result<Option<OwnerReference<'_>>, String> {
    let owners: Vec<OwnerReference<'_>> = serde_json::from_str(owners.get()).map_err(|e| without_content(&e))?;
    Ok(owners.into_iter().find(|owner| owner.controller == Some(true)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bastion_core::select::{Match, Reason, Selection};

    use super::*;
    use crate::meta::Head;

    fn value(annotations: &str) -> Option<String> {
        let object = format!(r#"{{"spec":{{"a":[1e400]}},"metadata":{{"annotations":{annotations},"name":"n"}}}}"#);
        let head = Head::parse(object.as_bytes()).unwrap();
        let found = Attributes::of(&head.metadata, &Selection::default().needs()).unwrap().annotations;
        found.into_iter().next().map(|(_, value)| value.into_owned())
    }

    #[test]
    fn the_annotation_is_found_among_others_and_in_any_place() {
        for (annotations, expected) in [
            (r#"{"backup/enabled":"true"}"#, Some("true")),
            (r#"{"a":"b","backup/enabled":"false","c":null}"#, Some("false")),
            (r#"{"backup\/enabled":"tr\u0075e"}"#, Some("true")),
            (r#"{"backup/enabled":"yes"}"#, Some("yes")),
            (r#"{"backup/enabled":null}"#, None),
            (r#"{"a":"backup/enabled"}"#, None),
            ("{}", None),
            ("null", None),
        ] {
            assert_eq!(value(annotations).as_deref(), expected, "{annotations}");
        }
    }

    #[test]
    fn what_a_selection_does_not_need_is_not_parsed() {
        let object = br#"{"metadata":{"name":"n","labels":[1],"annotations":[1],"ownerReferences":1}}"#;
        let head = Head::parse(object).unwrap();
        assert_eq!(Attributes::of(&head.metadata, &Selection::all().needs()), Ok(Attributes::default()));
        let error = Attributes::of(&head.metadata, &Selection::default().needs()).unwrap_err();
        assert!(error.starts_with("not the expected structure"), "{error}");
    }

    #[test]
    fn of_all_owners_the_controller_counts() {
        let object = |flag: &str| {
            format!(
                r#"{{"metadata":{{"name":"web-1","namespace":"shop","ownerReferences":[
                {{"apiVersion":"v1","kind":"Node","name":"n"}},
                {{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web"{flag}}}]}}}}"#
            )
        };
        let selection = Selection::all().exclude_owned_by("rs".parse().unwrap());
        let decide = |object: &str| {
            let head = Head::parse(object.as_bytes()).unwrap();
            let attributes = Attributes::of(&head.metadata, &selection.needs()).unwrap();
            selection.decide(&attributes.add_to(Facts::new("", "Pod", "shop", "web-1")))
        };
        assert_eq!(decide(&object(r#","controller":true"#)), Match::Unselected(Reason::Owner));
        assert_eq!(decide(&object(r#","controller":false"#)), Match::Selected);
        assert_eq!(decide(&object("")), Match::Selected);
    }
}
