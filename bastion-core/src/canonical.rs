//! The canonical form: the bytes that are hashed and stored. Specified in `docs/format.md`; golden vectors
//! in `tests/canonical.json` keep it from changing silently.
//!
//! - Compact JSON: no white space, no byte order mark, UTF-8.
//! - The keys of a map in the order of their UTF-8 bytes, each once.
//! - An integer of the i64 or u64 range: its decimal digits, exactly. Zero is `0`, also for `-0`.
//! - Any other number is a double, by ECMAScript's `Number::toString` (ECMA-262), which the API server's own
//!   text follows: `1.5`, `1e+21`, `1e-7`. A double whose text has digits only and fits the integers *is*
//!   that integer (`1.0` is `1`).
//! - `null`, empty lists and empty maps stay.
//! - In text only what must be escaped is: `"` as `\"`, `\` as `\\`, and the control characters below U+0020:
//!   `\b`, `\f`, `\n`, `\r`, `\t`, the others as `\u00xx` with lower-case hex. Nothing else: not `/`, `<`, `>`,
//!   `&`, U+007F, U+2028 or U+2029; no Unicode normalisation.
//!
//! ```
//! use bastion_core::canonical;
//!
//! let manifest = canonical::from_bytes(br#"{ "kind": "ConfigMap", "data": {"b": 1.0, "a": "x"} }"#)?;
//! assert_eq!(canonical::to_bytes(&manifest), br#"{"data":{"a":"x","b":1},"kind":"ConfigMap"}"#);
//! # Ok::<(), bastion_core::manifest::ManifestError>(())
//! ```

use crate::manifest::{Manifest, ManifestError, Map, PathSet, Value};

/// The canonical bytes of an object.
pub fn to_bytes(manifest: &Manifest) -> Vec<u8> {
    let mut out = Vec::with_capacity(2048);
    write_map(manifest.root(), &mut out);
    out
}

/// The canonical bytes of a value (what is kept of `status`).
pub fn value_to_bytes(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

/// Reads canonical bytes back, or any other JSON of an object.
pub fn from_bytes(bytes: &[u8]) -> Result<Manifest, ManifestError> {
    Manifest::parse(bytes, &PathSet::default())
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(number) => out.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes()),
        Value::UInt(number) => out.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes()),
        Value::Float(number) => write_float(*number, out),
        Value::String(text) => write_text(text, out),
        Value::Array(list) => write_list(list, out),
        Value::Object(map) => write_map(map, out),
    }
}

fn write_float(number: f64, out: &mut Vec<u8>) {
    // JSON has no other; a `Value` that was parsed holds finite numbers only.
    if number.is_finite() {
        out.extend_from_slice(ryu_js::Buffer::new().format_finite(number).as_bytes());
    } else {
        out.extend_from_slice(b"null");
    }
}

fn write_list(list: &[Value], out: &mut Vec<u8>) {
    out.push(b'[');
    for (i, item) in list.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}

fn write_map(map: &Map, out: &mut Vec<u8>) {
    out.push(b'{');
    for (i, (key, value)) in map.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write_text(key, out);
        out.push(b':');
        write(value, out);
    }
    out.push(b'}');
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let must_escape = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    // Nearly all need none. Looking at every byte, without an end on the way, is done many at a time.
    if !text.bytes().fold(false, |any, byte| any | must_escape(byte)) {
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        return;
    }
    let mut plain = 0;
    for (i, byte) in text.bytes().enumerate() {
        let short = match byte {
            b'"' | b'\\' => byte,
            0x08 => b'b',
            0x09 => b't',
            0x0a => b'n',
            0x0c => b'f',
            0x0d => b'r',
            0x00..=0x1f => 0,
            _ => continue,
        };
        out.extend_from_slice(&text.as_bytes()[plain..i]);
        plain = i + 1;
        if short == 0 {
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        } else {
            out.extend_from_slice(&[b'\\', short]);
        }
    }
    out.extend_from_slice(&text.as_bytes()[plain..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests;
