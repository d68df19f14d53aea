#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;
use crate::{
    canonical,
    manifest::{PathSet, tests::nested},
};

fn manifest(json: &str) -> Manifest {
    Manifest::parse(json.as_bytes(), &PathSet::default()).unwrap()
}

#[test]
fn it_looks_like_kubectls_and_quotes_what_others_would_misread() {
    let shown = manifest(
        r##"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"x","annotations":{}},"data":{
            "yes":"no","a":"0123","b":"1e3","c":"12:30:45","d":"2026-01-01","e":"","f":"null","g":"~","h":"=",
            "script":"#!/bin/sh\nset -e\n\techo hi\n","indented":"  x\ny","crlf":"a\r\nb","emoji":"🚢","tab":"\n\tx"},
            "n":[1,-1,1.5,1e300,18446744073709552000,null,true,[],{}]}"##,
    );
    insta::assert_snapshot!(to_yaml(&shown).unwrap(), @r##"
    apiVersion: v1
    data:
      a: "0123"
      b: "1e3"
      c: "12:30:45"
      crlf: "a\r\nb"
      d: "2026-01-01"
      e: ""
      emoji: 🚢
      f: "null"
      g: "~"
      h: "="
      indented: "  x\ny"
      script: |
        #!/bin/sh
        set -e
        	echo hi
      tab: "\n\tx"
      "yes": "no"
    kind: ConfigMap
    metadata:
      annotations: {}
      name: x
    "n":
    - 1
    - -1
    - 1.5
    - 1.0e+300
    - 1.8446744073709552e+19
    - null
    - true
    - []
    - {}
    "##);
    assert_eq!(from_yaml(&to_yaml(&shown).unwrap()).unwrap(), shown);
}

#[test]
fn peoples_files_are_read_as_kubectl_reads_them() {
    let read = from_yaml("mode: 0777\nbase: &b {x: 1}\nmerged:\n  <<: *b\n  y: 2\n").unwrap();
    assert_eq!(read, manifest(r#"{"mode":511,"base":{"x":1},"merged":{"x":1,"y":2}}"#));
    for bad in ["a: 1\na: 2\n", "a: .inf\n", "a: [", "- 1\n", "a: 1\n---\nb: 2\n"] {
        assert!(from_yaml(bad).is_err(), "{bad}");
    }
    let error = from_yaml("password: hunter2\npassword: hunter3\n").unwrap_err().to_string();
    assert!(!error.contains("hunter"), "{error}");
}

#[test]
fn five_hundred_levels_come_back_and_more_than_the_limit_are_refused() {
    for depth in [500, MAX_DEPTH - 1] {
        let deep = manifest(&nested(depth));
        assert_eq!(from_yaml(&to_yaml(&deep).unwrap()).unwrap(), deep, "{depth}");
    }
    let too_deep = format!("a: {}{}", "[".repeat(MAX_DEPTH + 1), "]".repeat(MAX_DEPTH + 1));
    assert!(matches!(from_yaml(&too_deep), Err(ManifestError::Yaml(_))));
}

proptest! {
    #[test]
    fn any_object_comes_back(value in crate::manifest::tests::any_map()) {
        let manifest = Manifest::from(value);
        let back = from_yaml(&to_yaml(&manifest).unwrap()).unwrap();
        prop_assert_eq!(canonical::to_bytes(&back), canonical::to_bytes(&manifest));
    }
}
