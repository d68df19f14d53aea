//! What selections decide, and what they are called.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::{collection::btree_map, prelude::*, sample::select};

use super::*;

type Pairs = BTreeMap<&'static str, &'static str>;

fn word(text: &str) -> KindWord {
    text.parse().unwrap()
}

/// Saved positions carry fingerprints, and records the names of policies: those of earlier versions must stay.
#[test]
fn fingerprints_and_policies_of_earlier_versions_stay() {
    assert_eq!(Selection::default().fingerprint(), r#"v1 mode=Annotated namespaces={} not={} labels="""#);
    assert_eq!(Selection::all().fingerprint(), r#"v1 mode=All namespaces={} not={} labels="""#);
    let narrow = Selection::all()
        .kind(word("cm"))
        .kind(word("Secret"))
        .exclude_kind(word("pods"))
        .namespace("shop")
        .namespace("mail")
        .exclude_namespace("kube-system")
        .labels("app in (web)".parse().unwrap());
    assert_eq!(
        narrow.fingerprint(),
        r#"v1 mode=All namespaces={"mail", "shop"} not={"kube-system"} labels="app in (web)""#
    );
    assert_eq!(&*narrow.policy_name(), "sel-d37a8731");
    assert_eq!(&*narrow.policy("mine").policy_name(), "mine");
}

#[test]
fn every_part_of_a_selection_has_its_say_in_fingerprint_and_policy() {
    let parts = [
        Selection::marked("example.org/keep=yes".parse().unwrap()),
        Selection::default().annotations("team=shop".parse().unwrap()),
        Selection::default().exclude_owned_by(word("rs")),
        Selection::default().max_bytes(1 << 20),
        Selection::default().namespace("shop"),
        Selection::default().labels("a=b".parse().unwrap()),
        Selection::default(),
    ];
    let distinct = |texts: Vec<String>| texts.into_iter().collect::<std::collections::BTreeSet<_>>().len();
    assert_eq!(distinct(parts.iter().map(Selection::fingerprint).collect()), parts.len());
    assert_eq!(distinct(parts.iter().map(|s| s.policy_name().to_string()).collect()), parts.len());
    // Without marked mode the marker decides nothing.
    let idle = Selection { marker: "example.org/keep=yes".parse().unwrap(), ..Selection::all() };
    assert_eq!(idle.fingerprint(), Selection::all().fingerprint());
}

#[test]
fn an_object_s_own_annotation_wins_over_its_namespace_s() {
    let (yes, no, other) =
        (Pairs::from([("backup/enabled", "true")]), Pairs::from([("backup/enabled", "maybe")]), Pairs::new());
    for (own, inherited, selected) in [
        (&yes, &other, true),
        (&yes, &no, true),
        (&no, &yes, false),
        (&other, &yes, true),
        (&other, &no, false),
        (&other, &other, false),
    ] {
        let facts = Facts::new("", "ConfigMap", "shop", "prices").annotations(own).inherited(inherited);
        let expected = if selected { Match::Selected } else { Match::Unselected(Reason::Marker) };
        assert_eq!(Selection::default().decide(&facts), expected, "{own:?} {inherited:?}");
    }
}

#[test]
fn namespaces_are_in_themselves_and_the_cluster_s_own_objects_in_none() {
    let shop = Selection::all().namespace("shop").exclude_namespace("mail");
    let decide = |kind, namespace, name| shop.decide(&Facts::new("", kind, namespace, name));
    assert_eq!(decide("ConfigMap", "shop", "a"), Match::Selected);
    assert_eq!(decide("ConfigMap", "other", "a"), Match::Outside);
    assert_eq!(decide("Namespace", "", "shop"), Match::Selected);
    assert_eq!(decide("Namespace", "", "other"), Match::Unselected(Reason::Namespace));
    assert_eq!(decide("Node", "", "shop"), Match::Outside);
    let not_mail = Selection::all().exclude_namespace("mail");
    let decide = |kind, namespace, name| not_mail.decide(&Facts::new("", kind, namespace, name));
    assert_eq!(decide("ConfigMap", "mail", "a"), Match::Unselected(Reason::Namespace));
    assert_eq!(decide("Namespace", "", "mail"), Match::Unselected(Reason::Namespace));
    assert_eq!(decide("Node", "", "mail"), Match::Selected);
}

#[test]
fn owner_and_size_leave_out_what_they_name() {
    let selection = Selection::all().exclude_owned_by(word("replicasets.apps")).max_bytes(100);
    let pod = Facts::new("", "Pod", "shop", "web-1");
    assert_eq!(selection.decide(&pod.controller("apps", "ReplicaSet")), Match::Unselected(Reason::Owner));
    assert_eq!(selection.decide(&pod.controller("apps", "DaemonSet")), Match::Selected);
    let roots = Selection::all().exclude_owned_by(word("*"));
    assert_eq!(roots.decide(&pod.controller("apps", "DaemonSet")), Match::Unselected(Reason::Owner));
    assert_eq!(roots.decide(&pod), Match::Selected);
    assert_eq!(selection.decide(&pod.bytes(100)), Match::Selected);
    assert_eq!(selection.decide(&pod.bytes(101)), Match::Unselected(Reason::Size));
    assert_eq!(selection.decide(&pod), Match::Selected, "its size is not known");
}

#[test]
fn a_selection_is_written_and_read() {
    let text = r#"{"mode":"all","kinds":["cm"],"excludeOwnedBy":["Job.batch"],"labels":"app in (a,b)","annotations":"team=shop","marker":"a/b=c","maxBytes":7}"#;
    let selection: Selection = serde_json::from_str(text).unwrap();
    assert_eq!(selection.labels.as_ref().unwrap().as_str(), "app in (a,b)");
    assert_eq!(serde_json::from_str::<Selection>(&serde_json::to_string(&selection).unwrap()).unwrap(), selection);
    assert_eq!(serde_json::from_str::<Selection>("{}").unwrap(), Selection::default());
    for (wrong, says) in [
        (r#"{"lables":"a=b"}"#, "unknown field `lables`"),
        (r#"{"labels":"a b"}"#, "is not a label selector"),
        (r#"{"kinds":["a b"]}"#, "is not the name of a kind"),
        (r#"{"marker":"yes"}"#, "is not an annotation with a value"),
    ] {
        let error = serde_json::from_str::<Selection>(wrong).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn errors_name_the_key_as_it_was_written() {
    let flag = |key: Key| format!("--{key}");
    for (selection, says) in [
        (
            Selection::all().kind(word("secrets")),
            "--kinds: Secrets would be stored unencrypted; allow that with --plaintextSecrets, or leave them out",
        ),
        (Selection::all().namespace("Shop"), r#"--namespaces: "Shop" is not the name of a namespace"#),
        (Selection::all().exclude_namespace("a/b"), r#"--excludeNamespaces: "a/b" is not the name of a namespace"#),
        (
            Selection::all().namespace("a").exclude_namespace("a"),
            r#"namespace "a" is both included (--namespaces) and excluded (--excludeNamespaces)"#,
        ),
        (Selection::all().policy(""), "--policy: the name of the policy is empty"),
    ] {
        assert_eq!(selection.check().unwrap_err().written(flag), says);
    }
    Selection::all().kind(word("secrets")).plaintext_secrets().check().unwrap();
}

const KEYS: [&str; 4] = ["app", "example.org/tier", "in", "notin"];
const VALUES: [&str; 4] = ["", "a", "B.c", "7"];

fn pairs() -> impl Strategy<Value = Pairs> {
    btree_map(select(&KEYS[..]), select(&VALUES[..]), 0..4)
}

/// What a requirement means, said a second time: of the value of its key and the values that it names.
type Meaning = fn(Option<&str>, &[&str]) -> bool;

/// A requirement as text, its meaning, key and values.
fn requirement() -> impl Strategy<Value = (String, Meaning, &'static str, Vec<&'static str>)> {
    let forms: [(&str, Meaning); 8] = [
        ("KEY", |v, _| v.is_some()),
        ("!KEY", |v, _| v.is_none()),
        ("KEY=ONE", |v, all| v == Some(all[0])),
        ("KEY == ONE", |v, all| v == Some(all[0])),
        ("KEY!=ONE", |v, all| v != Some(all[0])),
        ("KEY in (ALL)", |v, all| v.is_some_and(|v| all.contains(&v))),
        ("KEY notin( ALL )", |v, all| !v.is_some_and(|v| all.contains(&v))),
        ("KEY>6", |v, _| v == Some("7")),
    ];
    (0..forms.len(), select(&KEYS[..]), prop::collection::vec(select(&VALUES[..]), 1..4)).prop_map(
        move |(form, key, values)| {
            let (text, meaning) = forms[form];
            let text = text.replace("ALL", &values.join(",")).replace("ONE", values[0]).replace("KEY", key);
            (text, meaning, key, values)
        },
    )
}

proptest! {
    #[test]
    fn a_selector_means_all_of_its_requirements(
        requirements in prop::collection::vec(requirement(), 1..4),
        labels in pairs(),
    ) {
        let texts: Vec<_> = requirements.iter().map(|(text, ..)| text.as_str()).collect();
        let expected = requirements.iter().all(|(_, meaning, key, values)| meaning(labels.value(key), values));
        let text = texts.join(",");
        let selector: LabelSelector = text.parse().unwrap();
        prop_assert_eq!(selector.matches(&labels), expected, "{}", text);
        // Every label selector is an annotation selector that means the same.
        prop_assert_eq!(text.parse::<AnnotationSelector>().unwrap().matches(&labels), expected);
    }

    #[test]
    fn nothing_that_is_typed_makes_a_parser_panic(text: String) {
        let _ = text.parse::<LabelSelector>();
        let _ = text.parse::<AnnotationSelector>();
        let _ = text.parse::<KindWord>().map(|word| word.distance_to(["configmaps"]));
        let _ = text.parse::<Marker>();
    }

    /// It makes no difference whether a server filters by labels first or all is decided here.
    #[test]
    fn a_server_that_filters_by_labels_changes_nothing(
        (text, ..) in requirement(),
        labels in pairs(),
        annotations in pairs(),
        namespace in select(&["", "shop", "mail"][..]),
    ) {
        let selection = Selection::all()
            .namespace("shop")
            .labels(text.parse().unwrap())
            .annotations("app,in!=7".parse().unwrap());
        let facts = Facts::new("", "ConfigMap", namespace, "a").annotations(&annotations);
        let here = selection.decide(&facts.labels(&labels)) == Match::Selected;
        let passes = selection.labels.as_ref().unwrap().matches(&labels);
        prop_assert_eq!(here, passes && selection.decide(&facts) == Match::Selected);
    }

    /// The marker is an annotation selector like any other.
    #[test]
    fn a_marker_is_an_annotation_selector(own in pairs(), inherited in pairs(), key in select(&KEYS[..]), value in select(&VALUES[..])) {
        let text = format!("{key}={value}");
        let marked = Selection::marked(text.parse().unwrap());
        let selected = Selection::all().annotations(text.parse().unwrap());
        let facts = Facts::new("", "ConfigMap", "shop", "a").annotations(&own).inherited(&inherited);
        prop_assert_eq!(marked.decide(&facts) == Match::Selected, selected.decide(&facts) == Match::Selected);
    }

    /// What a selection says it needs is enough for its decisions.
    #[test]
    fn what_is_not_needed_decides_nothing(
        (text, ..) in requirement(),
        own in pairs(),
        inherited in pairs(),
    ) {
        let selection = Selection::default().annotations(text.parse().unwrap());
        let needs = selection.needs().annotations;
        let needed = |pairs: &Pairs| -> Pairs {
            pairs.iter().filter(|(key, _)| needs.iter().any(|n| n == *key)).map(|(k, v)| (*k, *v)).collect()
        };
        let (few, few_inherited) = (needed(&own), needed(&inherited));
        let facts = Facts::new("", "ConfigMap", "shop", "a");
        prop_assert_eq!(
            selection.decide(&facts.annotations(&few).inherited(&few_inherited)),
            selection.decide(&facts.annotations(&own).inherited(&inherited))
        );
    }
}
