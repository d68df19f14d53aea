//! A JSON value of our own, so that no Cargo feature of `serde_json` can change what it holds.

use std::collections::BTreeMap;

use super::text::Text;

/// A map of an object, sorted by the UTF-8 bytes of its keys.
pub type Map = BTreeMap<Text, Value>;

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// `null`: kept, since dropping one can bring a default back.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer, exact.
    Int(i64),
    /// An integer beyond i64, exact.
    UInt(u64),
    /// Any other number: finite, and no integer of the two ranges above by its canonical text.
    Float(f64),
    /// Text.
    String(Text),
    /// A list.
    Array(Vec<Value>),
    /// A map.
    Object(Map),
}

impl Value {
    /// The number that a double stands for: an integer where its canonical text is one that fits (`1.0` and
    /// `1e0` are 1, `-0.0` is 0), so that what is written and read back is equal. `None` unless finite.
    pub fn from_f64(number: f64) -> Option<Self> {
        if !number.is_finite() {
            return None;
        }
        // Only integers can have a canonical text without point or exponent; the doubles between the
        // integers, the common ones, need no second look.
        if number.fract() != 0.0 {
            return Some(Self::Float(number));
        }
        let mut buffer = ryu_js::Buffer::new();
        let text = buffer.format_finite(number);
        Some(Self::from_integer_text(text).unwrap_or(Self::Float(number)))
    }

    /// The integer that a text of digits stands for, where it fits.
    pub(crate) fn from_integer_text(text: &str) -> Option<Self> {
        text.parse().map(Self::Int).or_else(|_| text.parse().map(Self::UInt)).ok()
    }

    /// The number that JSON text stands for; `None` if it is beyond the doubles, or no number.
    pub(crate) fn from_number_text(text: &str) -> Option<Self> {
        Self::from_integer_text(text).or_else(|| Self::from_f64(text.parse().ok()?))
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The integer, if it is one of the i64 range.
    pub fn as_i64(&self) -> Option<i64> {
        if let Self::Int(number) = self { Some(*number) } else { None }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(b) = self { Some(*b) } else { None }
    }

    /// The list, if it is one.
    pub fn as_array(&self) -> Option<&Vec<Self>> {
        if let Self::Array(list) = self { Some(list) } else { None }
    }

    /// The list, if it is one, to change it.
    pub fn as_array_mut(&mut self) -> Option<&mut Vec<Self>> {
        if let Self::Array(list) = self { Some(list) } else { None }
    }

    /// The map, if it is one.
    pub fn as_object(&self) -> Option<&Map> {
        if let Self::Object(map) = self { Some(map) } else { None }
    }

    /// The map, if it is one, to change it.
    pub fn as_object_mut(&mut self) -> Option<&mut Map> {
        if let Self::Object(map) = self { Some(map) } else { None }
    }

    /// The map; whatever else stood here becomes an empty one.
    pub(crate) fn make_object(&mut self) -> &mut Map {
        if !matches!(self, Self::Object(_)) {
            *self = Self::Object(Map::new());
        }
        match self {
            Self::Object(map) => map,
            _ => unreachable!("made a map above"),
        }
    }

    /// Whether this is an empty map.
    pub(crate) fn is_empty_map(&self) -> bool {
        self.as_object().is_some_and(Map::is_empty)
    }

    /// The value at a path of map keys.
    pub fn get(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |value, key| value.as_object()?.get(*key))
    }

    /// The value at a path of map keys, to change it.
    pub fn get_mut(&mut self, path: &[&str]) -> Option<&mut Self> {
        path.iter().try_fold(self, |value, key| value.as_object_mut()?.get_mut(*key))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl serde::Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(b) => serializer.serialize_bool(*b),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::UInt(number) => serializer.serialize_u64(*number),
            Self::Float(number) => serializer.serialize_f64(*number),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(list) => list.serialize(serializer),
            Self::Object(map) => map.serialize(serializer),
        }
    }
}
