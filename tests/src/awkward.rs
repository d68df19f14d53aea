//! Objects that break naive backups. What a real API server does to them is in its own tests; here they
//! are only made.

use serde_json::{Value, json};

use crate::{
    api::{Api, parse},
    crds::{dome, widget},
    error::{Context as _, Result},
};

/// How deep the deepest object is.
pub const LEVELS: usize = 500;

/// Creates every awkward object; those with a namespace in this one. The tests' own CRDs must be there.
///
/// # Errors
/// When one is refused.
pub async fn create(api: &Api, namespace: &str) -> Result<()> {
    for (path, object) in objects(namespace) {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        api.create(&path, &object).await.context(format!("awkward object {name}"))?;
    }
    Ok(())
}

/// The objects, each with the path it is created at.
pub fn objects(namespace: &str) -> Vec<(String, Value)> {
    let widgets = widget().path(Some(namespace));
    let mut all: Vec<(String, Value)> = [
        ("strings", strings()),
        ("numbers", numbers()),
        ("emptiness", emptiness()),
        ("deep", deep()),
        ("big", json!({"blob": "0123456789abcdef".repeat((1 << 20) / 16)})),
        // etcd takes requests up to 1.5 MiB.
        ("biggest", json!({"blob": "x".repeat(1_570_000)})),
        ("keys", json!({"a.b/c": 1, "": 2, "UPPER": 3, "ünï": 4, "with space": 5, "no": 6, "1e3": 7, "~": 8})),
    ]
    .into_iter()
    .map(|(name, spec)| {
        let mut object = widget().head(Some(namespace), name);
        object["spec"] = spec;
        (widgets.clone(), object)
    })
    .collect();

    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    let rules = json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]);
    all.push((
        format!("{rbac}/clusterroles"),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
               "metadata": {"name": "tests:awkward:Reader#1"}, "rules": rules}),
    ));
    all.push((
        format!("{rbac}/namespaces/{namespace}/roles"),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
               "metadata": {"name": "tests:awkward", "namespace": namespace}, "rules": rules}),
    ));
    let mut cluster_wide = dome().head(None, "cluster-wide");
    cluster_wide["spec"] = json!({"note": "belongs to no namespace"});
    cluster_wide["metadata"]["finalizers"] = json!(["tests.bastion.dev/kept"]);
    all.push((dome().path(None), cluster_wide));

    let maps = format!("/api/v1/namespaces/{namespace}/configmaps");
    let map = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}});
    let mut script = map("script");
    script["data"] =
        json!({"run.sh": "#!/bin/sh\n\n\tset -e\n  echo \"hi\"  \n\n", "crlf.ini": "[a]\r\nb=c\r\n", "tab": "\n\tx"});
    script["binaryData"] = json!({"blob": "AAECAwQF/w=="});
    let mut large = map("large");
    large["data"] = json!({"blob": "x".repeat((1 << 20) - 100)});
    all.extend([(maps.clone(), script), (maps.clone(), large), (maps, map("a".repeat(253).as_str()))]);
    all
}

fn strings() -> Value {
    let words = [
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "true",
        "null",
        "~",
        "0123",
        "0777",
        "1e3",
        "1_000",
        "12:30:45",
        "0x1F",
        "0o17",
        ".inf",
        ".nan",
        "-",
        "=",
        "<<",
        "2001-01-01",
        "",
        " ",
        " leading",
        "trailing ",
        "#no comment",
        "a: b",
        "- item",
        "{}",
        "[]",
        "&anchor",
        "*alias",
        "!tag",
        "|",
        ">",
        "%",
        "@",
        "`",
        "'",
        "\"",
        "\\",
        "\\n",
        "line\nline",
        "line\r\nline",
        "\n",
        "\n\tx",
        "tab\there",
        "nul\u{0}nul",
        "bell\u{7}",
        "del\u{7f}",
        "next line\u{85}",
        "separator\u{2028}\u{2029}",
        "\u{feff}bom",
        "emoji 🚀 👩‍👩‍👧",
        "é",
        "e\u{301}",
        "\u{10ffff}",
    ];
    let as_keys: serde_json::Map<String, Value> = words.iter().map(|w| ((*w).to_owned(), json!(w))).collect();
    json!({"values": words.to_vec(), "keys": as_keys})
}

fn numbers() -> Value {
    // As text: what lies beyond u64 and between doubles must reach the server as it is written here.
    let text = r#"{
        "int64": [-9223372036854775808, 9223372036854775807, 9007199254740993, 0, -1],
        "beyond": [18446744073709551615, 18446744073709551616, 100000000000000000000, -9223372036854775809],
        "floats": [1.0, -0.0, 0.1, 1e300, 1.7976931348623157e308, 5e-324, 1e21, 1e20, 123456789.125, 1e-7],
        "numeric strings": ["1", "1.0", "1e3", "9223372036854775808"]
    }"#;
    parse(text).unwrap_or_default()
}

fn emptiness() -> Value {
    json!({
        "null": null, "empty map": {}, "empty list": [], "empty string": "",
        "nested": {"null": null, "map": {"empty": {}}, "list": [null, {}, [], "", 0, false]},
        "list of empty maps": [{}, {}],
        "false": false, "zero": 0,
    })
}

fn deep() -> Value {
    (0..LEVELS).fold(
        json!("the bottom"),
        |inner, level| {
            if level % 7 == 0 { json!([inner]) } else { json!({"down": inner}) }
        },
    )
}
