#![allow(clippy::unwrap_used)]

use std::{io::Write as _, time::Duration};

use bastion_sdk::{
    process::LogFormat,
    spec::{Mode, WorkersSpec},
};

use super::{environment, error::ConfigError, schema::Config};

fn load(yaml: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(yaml.as_bytes()).unwrap();
    Config::load(Some(file.path()), environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
}

#[test]
fn the_environment_goes_before_the_file() {
    let config = load(
        "repo: file:///a\nselection: {namespaces: [shop]}\nengine: {commitInterval: 10s}\n",
        &[
            ("BASTION_REPO", "s3://b/c"),
            ("BASTION_SELECTION_NAMESPACES", "mail, web"),
            ("BASTION_ENGINE_WORKERS_FLOOR", "1"),
            ("BASTION_ENGINE_WORKERS_CEILING", "4"),
            ("BASTION_LOG_FORMAT", "text"),
            ("PATH", "/bin"),
            // Kubernetes sets these where a Service is called `bastion` or `bastion-metrics`.
            ("BASTION_SERVICE_HOST", "10.0.0.1"),
            ("BASTION_METRICS_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
        ],
    )
    .unwrap();
    assert_eq!(config.repo, "s3://b/c");
    assert!(config.selection.namespaces.iter().eq(["mail", "web"]));
    assert_eq!(config.engine.workers, Some(WorkersSpec::between(1, 4)));
    assert_eq!(config.engine.commit_interval, Some(Duration::from_secs(10)));
    assert_eq!(config.log.format, LogFormat::Text);
    assert!(!config.repository_spec().keeps_tree());
}

#[test]
fn what_is_wrong_is_named() {
    type Variables = &'static [(&'static str, &'static str)];
    let cases: [(&str, Variables, &str); 17] = [
        ("repo: file:///a\nrepos: b\n", &[], "unknown field `repos`"),
        ("repo: file:///a\nselection: {mod: all}\n", &[], "unknown field `mod`"),
        ("repo: file:///a\n", &[("BASTION_REPOS", "b")], "BASTION_REPOS is not a setting"),
        ("{}", &[], "missing field `repo`"),
        ("repo: file:///a\n", &[("BASTION_CREATE_REPOSITORY", "maybe")], "expected a boolean"),
        ("repo: file:///a\nengine: {commitInterval: soon}\n", &[], "is not a duration"),
        ("repo: file:///a\nleader: {duration: 5s}\n", &[], "leader.renewDeadline"),
        ("repo: file:///a\nselection: {kinds: [secrets]}\n", &[], "unencrypted"),
        ("repo: file:///a\nselection: {labels: ''}\n", &[], "selection.labels: the selector is empty"),
        ("repo: file:///a\n", &[("BASTION_SELECTION_LABELS", "")], "selection.labels (BASTION_SELECTION_LABELS): "),
        ("repo: file:///a\nkubernetes: {qps: 0}\n", &[], "kubernetes.qps: "),
        ("repo: file:///a\nrules: [{kind: ConfigMap}, {kind: pod}]\n", &[], "rules[1].kind: "),
        ("- a\n", &[], "not a map"),
        ("repo: ftp://a\n", &[], "repo: "),
        ("repo: file:///a\nengine: {brake: {share: 2, count: 1}}\n", &[], "engine.brake.share: "),
        ("repo: file:///a\nselection: {namespaces: [a], excludeNamespaces: [a]}\n", &[], "selection.excludeNamespaces"),
        ("repo: file:///a\n", &[("BASTION_LOG_FILTER", "bastion=loud")], "log.filter (BASTION_LOG_FILTER): "),
    ];
    for (yaml, environment, want) in cases {
        let error = load(yaml, environment).unwrap_err().to_string();
        assert!(error.contains(want), "{yaml}: {error}");
    }
}

#[test]
fn advice_names_keys_as_they_were_written() {
    let config = load("repo: s3://a\n", &[("BASTION_CLUSTER", "town")]).unwrap();
    let unnamed = bastion_sdk::Error::UnnamedCluster;
    assert_eq!(config.advice(&unnamed).unwrap(), "give it a name with `cluster` (BASTION_CLUSTER)");
    let missing = bastion_sdk::core::Error::NoRepository.into();
    assert!(config.advice(&missing).unwrap().starts_with("check `repo`, or "));
}

#[test]
fn who_names_kinds_namespaces_or_labels_means_all_of_them() {
    let mode = |selection: &str| {
        let config = load(&format!("repo: file:///a\nselection: {selection}\n"), &[]).unwrap();
        config.backup_spec().selection.mode
    };
    for selection in ["{}", "{excludeNamespaces: [a]}"] {
        assert_eq!(mode(selection), Mode::Annotated, "{selection}");
    }
    for selection in ["{mode: all}", "{kinds: [cm]}", "{namespaces: [a]}", "{labels: app=web}"] {
        assert_eq!(mode(selection), Mode::All, "{selection}");
    }
}

#[test]
fn what_is_printed_can_be_read() {
    let config = load("repo: file:///a\nrules: [{kind: Deployment.apps, drop: [spec.replicas]}]\n", &[]).unwrap();
    let printed = serde_saphyr::to_string(&config).unwrap();
    assert_eq!(load(&printed, &[]).unwrap(), config, "{printed}");
    insta::assert_snapshot!(printed);
}

#[test]
fn the_documentation_has_every_key() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let page = std::fs::read_to_string(page).unwrap();
    for (key, variable) in environment::names() {
        for name in [&*key, variable] {
            assert!(page.contains(&format!("`{name}`")), "docs/operations.md does not explain {name}");
        }
    }
}
