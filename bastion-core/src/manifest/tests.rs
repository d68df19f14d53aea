#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;

/// An object with lists and maps nested this deep.
pub(crate) fn nested(levels: usize) -> String {
    let (opening, closing): (String, String) =
        (1..levels).map(|i| if i % 2 == 0 { (r#"{"a":"#, "}") } else { ("[", "]") }).unzip();
    format!(r#"{{"a":{opening}1{}}}"#, closing.chars().rev().collect::<String>())
}

/// Any text, with those that parsers and writers trip over.
fn any_text() -> impl Strategy<Value = String> {
    const ODD: &[&str] = &[
        "yes", "0123", "1e3", "", " ", "a\nb", "\n\tx", "a\r\nb", "\u{feff}", "🚢", "\u{1}", "a: b #c", "- x", "\"'\\",
    ];
    prop_oneof![3 => any::<String>(), 2 => proptest::sample::select(ODD).prop_map(str::to_owned)]
}

/// Any value as parsing makes it.
pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<u64>().prop_map(|n| i64::try_from(n).map_or(Value::UInt(n), Value::Int)),
        any::<f64>().prop_filter_map("finite", Value::from_f64),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            proptest::collection::btree_map(any_text().prop_map_into(), inner, 0..5).prop_map(Value::Object),
        ]
    })
}

/// Any object.
pub(crate) fn any_map() -> impl Strategy<Value = Map> {
    proptest::collection::btree_map(any_text().prop_map_into(), any_value(), 0..6)
}

fn parse(json: &str) -> Result<Manifest, ManifestError> {
    Manifest::parse(json.as_bytes(), &PathSet::default())
}

#[test]
fn numbers_are_what_the_api_server_makes_of_them() {
    for (json, wanted) in [
        ("9223372036854775807", Value::Int(i64::MAX)),
        ("-9223372036854775808", Value::Int(i64::MIN)),
        ("9007199254740993", Value::Int(9_007_199_254_740_993)),
        ("18446744073709551615", Value::UInt(u64::MAX)),
        ("18446744073709552000", Value::Float(18_446_744_073_709_551_616.0)),
        ("100000000000000000000", Value::Float(1e20)),
        ("-0", Value::Int(0)),
        ("-0.0", Value::Int(0)),
        ("1.0", Value::Int(1)),
        ("1e3", Value::Int(1000)),
        ("1e-400", Value::Int(0)),
        ("1e300", Value::Float(1e300)),
        ("0.1", Value::Float(0.1)),
    ] {
        assert_eq!(parse(&format!(r#"{{"n":{json}}}"#)).unwrap().get(&["n"]), Some(&wanted), "{json}");
    }
    assert!(matches!(parse(r#"{"n":1e400}"#), Err(ManifestError::Json(_))));
}

#[test]
fn the_last_of_duplicate_keys_wins_and_nulls_and_empty_things_stay() {
    let read = parse(r#"{"a":1,"a":{"b":null,"c":[],"d":{}},"\u0000":"\ufeff"}"#).unwrap();
    assert_eq!(read, parse(r#"{"a":{"b":null,"c":[],"d":{}},"\u0000":"\ufeff"}"#).unwrap());
    assert_eq!(read.get(&["a", "b"]), Some(&Value::Null));
}

#[test]
fn what_is_no_object_is_refused_without_its_content() {
    assert_eq!(parse("[1]"), Err(ManifestError::NotAnObject));
    for bad in [r#"{"password":"hunter2""#, r#"{"a":1}{"b":2}"#, "", "nul", "{\"a\":\"\u{1}\"}"] {
        let error = parse(bad).unwrap_err();
        assert!(matches!(error, ManifestError::Json(_)) && !error.to_string().contains("hunter"), "{error}");
    }
}

#[test]
fn the_deepest_object_is_read_copied_compared_and_dropped_on_a_small_stack() {
    assert_eq!(parse(&nested(MAX_DEPTH + 1)), Err(ManifestError::TooDeep));
    // What a worker thread of tokio has.
    let deepest = std::thread::Builder::new().stack_size(2 << 20).spawn(|| {
        let read = parse(&nested(MAX_DEPTH)).unwrap();
        let copy = read.clone();
        assert_eq!(read, copy);
        assert_eq!(crate::canonical::to_bytes(&copy), nested(MAX_DEPTH).into_bytes());
    });
    deepest.unwrap().join().unwrap();
    // What is left out takes no stack, however deep it is.
    let skip = [Path::of(&["a"])].into_iter().collect();
    assert_eq!(Manifest::parse(nested(100 * MAX_DEPTH).as_bytes(), &skip).unwrap(), Manifest::default());
}

#[test]
fn an_object_says_what_it_is_and_who_owns_it() {
    let read = parse(
        r#"{"apiVersion":"x.dev/v1","kind":"Widget","metadata":{"name":"w","namespace":"shop","uid":"u","labels":{"a":"1"},
        "ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment","name":"d","uid":"o","controller":true},{"kind":"Half"}]}}"#,
    )
    .unwrap();
    assert_eq!(read.id().unwrap().to_string(), "Widget.x.dev shop/w");
    assert_eq!(read.labels().collect::<Vec<_>>(), [("a", "1")]);
    let owners = read.owner_references();
    assert_eq!(owners.len(), 1, "an entry that names nothing is none");
    assert_eq!((owners[0].group_kind().to_string().as_str(), owners[0].controller), ("Deployment.apps", true));
    assert_eq!(parse("{}").unwrap().id(), None);
}

#[test]
fn paths_are_read_and_written() {
    let mut manifest = Manifest::default();
    manifest.set(&["spec", "a", "b"], 1.into());
    assert_eq!(manifest.get(&["spec", "a", "b"]), Some(&Value::Int(1)));
    assert_eq!(manifest.remove(&["spec", "a"]), Some(Value::Object([("b".into(), Value::Int(1))].into())));
    assert_eq!(manifest.get(&["spec", "a", "b"]), None);
    assert_eq!(manifest.remove(&["nothing", "there"]), None);
}

/// Bytes of anybody, and a real object with some bytes replaced: an error or an object, and what is an object
/// has a canonical form that stays as it is.
#[test]
fn fuzz_manifest() {
    const GOOD: &str = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","labels":{"x":"y"}},"data":{"k":"\u00e9\n"},"n":[-1,1.5e-7,18446744073709551615,null,{}]}"#;
    bolero::check!().for_each(|input: &[u8]| {
        let mut edited = GOOD.as_bytes().to_vec();
        for edit in input.chunks_exact(2) {
            let at = usize::from(edit[0]) % edited.len();
            edited[at] = edit[1];
        }
        for bytes in [input, &edited] {
            let Ok(manifest) = Manifest::parse(bytes, &PathSet::default()) else { continue };
            let canonical = crate::canonical::to_bytes(&manifest);
            assert_eq!(crate::canonical::to_bytes(&crate::canonical::from_bytes(&canonical).unwrap()), canonical);
        }
    });
}
