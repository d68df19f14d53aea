//! Which crate may depend on which.

use std::collections::BTreeSet;

use xtask::workspace::{cargo_output, packages};

use crate::files::{read, short, sources};

/// Names of the packages that `cargo tree` prints.
fn tree(args: &[&str]) -> BTreeSet<String> {
    let text = cargo_output(&[&["tree", "--locked", "--prefix", "none", "--format", "{p}"], args].concat()).unwrap();
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn the_core_knows_no_cluster_no_http_and_no_command_line() {
    let tree = tree(&["--package", "bastion-core", "--edges", "normal,build", "--all-features"]);
    assert!(tree.contains("bastion-core"));
    let forbidden = |name: &str| {
        ["kube", "k8s-openapi", "hyper", "reqwest", "http", "clap", "axum", "tower", "rustls"].contains(&name)
            || ["kube-", "hyper-", "http-", "clap_", "aws-", "bastion-"].iter().any(|p| name.starts_with(p))
                && name != "bastion-core"
    };
    let found: Vec<_> = tree.iter().filter(|name| forbidden(name)).collect();
    assert!(found.is_empty(), "bastion-core depends on {found:?}");
}

#[test]
fn storage_and_kubernetes_never_meet() {
    let storage = tree(&["--package", "bastion-storage", "--edges", "normal,build", "--all-features"]);
    assert!(storage.contains("bastion-core"));
    assert!(!storage.contains("bastion-k8s") && !storage.contains("kube-client"), "{storage:?}");
    let k8s = tree(&["--package", "bastion-k8s", "--edges", "normal,build", "--all-features"]);
    assert!(k8s.contains("bastion-core"));
    assert!(!k8s.contains("bastion-storage") && !k8s.contains("aws-sdk-s3"), "{k8s:?}");
}

#[test]
fn the_sdk_brings_what_its_features_say() {
    let all = tree(&["--package", "bastion-sdk", "--edges", "normal,build", "--all-features"]);
    for crate_ in ["bastion-core", "bastion-storage", "bastion-k8s"] {
        assert!(all.contains(crate_), "bastion-sdk does not bring {crate_}");
    }
    assert!(!all.contains("clap"), "bastion-sdk knows the command line");
    let least = tree(&["--package", "bastion-sdk", "--edges", "normal,build", "--no-default-features"]);
    for heavy in ["bastion-k8s", "kube-client", "aws-sdk-s3", "axum"] {
        assert!(!least.contains(heavy), "bastion-sdk brings {heavy} without being asked");
    }
}

#[test]
fn one_tls_provider_and_plain_serde_json() {
    let all = tree(&["--workspace", "--edges", "normal,build", "--all-features"]);
    // Two TLS providers in one program make every client panic at its start.
    assert!(!all.contains("ring") && !all.contains("openssl-sys"), "a second TLS provider is in the tree");
    let features = cargo_output(&[
        "tree",
        "--locked",
        "--workspace",
        "--edges",
        "features",
        "--invert",
        "serde_json",
        "--prefix",
        "none",
    ])
    .unwrap();
    for feature in ["arbitrary_precision", "preserve_order"] {
        assert!(!features.contains(&format!("\"{feature}\"")), "serde_json's {feature} is on");
    }
}

#[test]
fn a_packed_crate_includes_nothing_from_outside() {
    for package in packages().unwrap().into_iter().filter(|package| package.published) {
        let code = sources(&package.folder.join("src"));
        for file in code.iter().filter(|file| !file.components().any(|part| part.as_os_str() == "tests")) {
            let text = read(file);
            let starts = ["include_str!(\"", "include_bytes!(\"", "#[path = \""];
            for path in
                starts.iter().flat_map(|start| text.split(start).skip(1)).filter_map(|rest| rest.split('"').next())
            {
                let target = file.parent().unwrap().join(path).canonicalize();
                let inside = target.is_ok_and(|target| target.starts_with(&package.folder));
                assert!(inside, "{} includes {path}, which is not packed with {}", short(file), package.name);
            }
        }
    }
}
