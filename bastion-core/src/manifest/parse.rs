//! From JSON to values, leaving out what is not wanted while reading.

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{
    error::{MAX_DEPTH, ManifestError},
    path::{PathSet, Step},
    text::Text,
    value::{Map, Value},
};

/// What `serde_json` calls the only key of the map as which it shows a number, where some crate of the graph
/// turned its feature `arbitrary_precision` on.
const NUMBER: &str = "$serde_json::private::Number";

/// Up to this depth the ordinary stack does; beyond it, it is grown.
const SHALLOW: usize = 96;

pub(super) fn parse(json: &[u8], skip: &PathSet) -> Result<Value, ManifestError> {
    // Most objects are shallow and valid: that shows while they are read, and costs no look of its own.
    let error = match read(json, |json| Seed::new(Some(skip), SHALLOW).deserialize(json)) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let depth = depth(json);
    if depth < SHALLOW {
        Err(error)
    } else if depth <= MAX_DEPTH {
        read(json, |json| Seed::new(Some(skip), usize::MAX).deserialize(serde_stacker::Deserializer::new(json)))
    } else {
        Err(ManifestError::TooDeep)
    }
}

type Json<'a> = serde_json::Deserializer<serde_json::de::StrRead<'a>>;

fn read<'a>(
    json: &'a [u8],
    value: impl FnOnce(&mut Json<'a>) -> serde_json::Result<Value>,
) -> Result<Value, ManifestError> {
    // Once for all: otherwise every single text is checked on its own.
    let json = std::str::from_utf8(json).map_err(|e| ManifestError::Json(e.to_string()))?;
    let mut json = serde_json::Deserializer::from_str(json);
    json.disable_recursion_limit();
    value(&mut json).and_then(|value| json.end().map(|()| value)).map_err(|e| ManifestError::Json(e.to_string()))
}

/// How many levels of lists and maps the text opens at most.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'\\' => _ = bytes.next(),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    deepest
}

/// Reads one value. Also its own visitor.
#[derive(Clone, Copy)]
pub(crate) struct Seed<'a> {
    /// What to leave out beneath.
    skip: Option<&'a PathSet>,
    /// How many levels of lists and maps there may be.
    levels: usize,
    /// Set by a text that arrives as an owned string: `serde_json` gives that of a number only.
    is_number: Option<&'a Cell<bool>>,
}

impl<'a> Seed<'a> {
    pub(crate) fn new(skip: Option<&'a PathSet>, levels: usize) -> Self {
        Self { skip, levels, is_number: None }
    }

    /// For what lies one level further down.
    fn beneath<E: serde::de::Error>(self, step: Step<'a>) -> Result<Self, E> {
        let levels = self.levels.checked_sub(1).ok_or_else(|| E::custom("nested too deep"))?;
        Ok(Self::new(step.beneath(), levels))
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, b: bool) -> Result<Value, E> {
        Ok(Value::Bool(b))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or(Value::UInt(number), Value::Int))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Value, E> {
        Value::from_f64(number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        if let Some(is_number) = self.is_number {
            is_number.set(true);
        }
        Ok(Value::from(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        match self.skip.map_or(Step::Keep, PathSet::item) {
            Step::Skip => while items.next_element::<IgnoredAny>()?.is_some() {},
            step => {
                let seed = self.beneath(step)?;
                while let Some(item) = items.next_element_seed(seed)? {
                    list.push(item);
                }
            }
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<Text>()? {
            let step = self.skip.map_or(Step::Keep, |skip| skip.key(&key));
            if matches!(step, Step::Skip) {
                entries.next_value::<IgnoredAny>()?;
                // The last of duplicate keys wins, also over one that was kept: there is none, the
                // same key is skipped every time.
                continue;
            }
            let is_number = Cell::new(false);
            let seed = Seed { is_number: (key == NUMBER).then_some(&is_number), ..self.beneath(step)? };
            let value = entries.next_value_seed(seed)?;
            if is_number.get() {
                let number = value.as_str().and_then(Value::from_number_text);
                return number.ok_or_else(|| A::Error::custom("number out of range"));
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde::de::{IntoDeserializer, value::MapDeserializer};

    use super::*;

    #[test]
    fn a_number_of_arbitrary_precision_is_the_same_number() {
        for (text, wanted) in [
            ("1", Value::Int(1)),
            ("-0", Value::Int(0)),
            ("-0.0", Value::Int(0)),
            ("18446744073709551615", Value::UInt(u64::MAX)),
            ("18446744073709551616", Value::Float(18_446_744_073_709_551_616.0)),
            ("1.50", Value::Float(1.5)),
            ("1e2", Value::Int(100)),
        ] {
            // As serde_json shows it with that feature: a map of one entry whose value is an owned string.
            let shown = MapDeserializer::new([(NUMBER, text.to_owned())].into_iter());
            let got: Result<_, serde::de::value::Error> = Seed::new(None, 9).deserialize(shown);
            assert_eq!(got.unwrap(), wanted, "{text}");
            assert_eq!(parse(text.as_bytes(), &PathSet::default()).unwrap(), wanted, "{text}");
        }
        let beyond = MapDeserializer::new([(NUMBER, "1e400".to_owned())].into_iter());
        let got: Result<_, serde::de::value::Error> = Seed::new(None, 9).deserialize(beyond);
        assert!(got.is_err());
    }

    #[test]
    fn an_object_that_looks_like_such_a_number_stays_an_object() {
        let json = format!(r#"{{"{NUMBER}":"1"}}"#);
        let wanted = Value::Object(Map::from([(Text::from(NUMBER), Value::from("1"))]));
        assert_eq!(parse(json.as_bytes(), &PathSet::default()).unwrap(), wanted);
        let text: serde::de::value::StrDeserializer<'_, serde::de::value::Error> = "1".into_deserializer();
        assert_eq!(Seed::new(None, 9).deserialize(text).unwrap(), Value::from("1"));
    }

    #[test]
    fn depth_is_counted_outside_strings_only() {
        assert_eq!(depth(br#"{"a":[{"b":"[[[\"{{{"}]}"#), 3);
        assert_eq!(depth(b"1"), 0);
        assert_eq!(depth(b"]]]["), 1);
    }
}
