//! Selections that the server does not know of: annotations, owner, size; and labels beside them.

use bastion_core::{select::Selection, source::Source};
use bastion_k8s::{ListSource, WatchSource};

use crate::cluster::{Cluster, config_map_id, config_maps, next, short, until};

impl Cluster {
    /// Whether a source of that selection takes a config map, by a GET.
    async fn takes(&self, selection: &Selection, name: &str) -> bool {
        let source = WatchSource::new(self.client.clone(), selection.clone()).unwrap();
        source.get(&config_maps(), &config_map_id(&self.namespace, name)).await.unwrap().unwrap().selected
    }

    /// What a list, a list of metadata and GETs say of these config maps; they must agree.
    async fn listed(&self, selection: &Selection) -> Vec<String> {
        let source = ListSource::new(self.client.clone(), selection.clone()).unwrap();
        let listed = until(&mut source.observe(&config_maps(), None), "complete").await;
        let source = WatchSource::new(self.client.clone(), selection.clone()).unwrap();
        let compared = until(&mut source.compare(&config_maps()), "complete").await;
        let as_listed: Vec<_> = compared.iter().map(|text| text.replace("unread ", "object ")).collect();
        if selection.max_bytes.is_none() {
            assert_eq!(as_listed, listed, "metadata tells as much as whole objects");
        }
        for text in &listed {
            if let Some(name) = text.strip_prefix("object ") {
                assert!(self.takes(selection, name).await, "{name}");
            } else if let Some(name) = text.strip_prefix("unselected ") {
                assert!(!self.takes(selection, name).await, "{name}");
            }
        }
        listed.into_iter().filter(|text| text != "begin" && text != "complete").collect()
    }
}

#[tokio::test]
async fn any_annotation_can_mark_on_the_object_and_on_its_namespace() {
    let cluster = Cluster::new("marker").await;
    cluster.config_map("inherits", "", "1").await;
    cluster.config_map("never", r#","annotations":{"example.org/keep":"no"}"#, "1").await;
    cluster.config_map("other", r#","annotations":{"backup/enabled":"true"}"#, "1").await;
    cluster.config_map("own", r#","annotations":{"example.org/keep":"yes","example.org/note":"x"}"#, "1").await;
    let selection = Selection::marked("example.org/keep=yes".parse().unwrap()).namespace(&cluster.namespace);
    let without = ["unselected inherits", "unselected never", "unselected other", "object own"];
    let all = ["object inherits", "unselected never", "object other", "object own"];
    assert_eq!(cluster.listed(&selection).await, without);

    let source = WatchSource::new(cluster.client.clone(), selection.clone()).unwrap();
    let mut stream = source.observe(&config_maps(), None);
    until(&mut stream, "complete").await;
    cluster.namespace_with(&cluster.namespace, r#""example.org/keep":"yes""#).await;
    assert_eq!(until(&mut stream, "object own").await, all);
    assert_eq!(cluster.listed(&selection).await, all);
    cluster.namespace_with(&cluster.namespace, r#""example.org/keep":"later""#).await;
    assert_eq!(until(&mut stream, "object own").await, without);

    // An annotation selector beside it works the same way.
    let noted = Selection::all().annotations("example.org/keep,example.org/note notin (y)".parse().unwrap());
    let noted = noted.namespace(&cluster.namespace);
    assert_eq!(cluster.listed(&noted).await, ["object inherits", "object never", "object other", "object own"]);
}

#[tokio::test]
async fn labels_are_left_to_the_server_and_annotations_are_not() {
    let cluster = Cluster::new("both").await;
    let labels = r#","labels":{"app":"shop"}"#;
    let noted = r#","annotations":{"example.org/note":"to be kept"}"#;
    cluster.config_map("both", &format!("{labels}{noted}"), "1").await;
    cluster.config_map("labelled", labels, "1").await;
    cluster.config_map("noted", noted, "1").await;
    let selection = cluster
        .selection()
        .labels("app in (shop)".parse().unwrap())
        .annotations(r#"example.org/note="to be kept""#.parse().unwrap());
    assert_eq!(cluster.listed(&selection).await, ["object both", "unselected labelled"]);
    assert!(!cluster.takes(&selection, "noted").await);

    let source = WatchSource::new(cluster.client.clone(), selection.clone()).unwrap();
    let mut stream = source.observe(&config_maps(), None);
    until(&mut stream, "complete").await;
    cluster.config_map("both", labels, "1").await;
    assert_eq!(short(&next(&mut stream).await), "unselected both", "it lost its annotation, and is not gone");
    cluster.config_map("both", noted, "1").await;
    assert_eq!(short(&next(&mut stream).await), "gone both LeftSelection", "it lost its label: the server's word");
    assert!(!cluster.takes(&selection, "both").await);
}

#[tokio::test]
async fn what_a_controller_owns_can_be_left_out() {
    let cluster = Cluster::new("owned").await;
    let owner = cluster.config_map("owner", "", "1").await;
    let owned_by = |controller: bool| {
        format!(
            r#","ownerReferences":[{{"apiVersion":"v1","kind":"ConfigMap","name":"owner","uid":"{}","controller":{controller}}}]"#,
            owner.uid
        )
    };
    cluster.config_map("controlled", &owned_by(true), "1").await;
    cluster.config_map("referring", &owned_by(false), "1").await;
    let selection = cluster.selection().exclude_owned_by("cm".parse().unwrap());
    assert_eq!(cluster.listed(&selection).await, ["unselected controlled", "object owner", "object referring"]);
    let others = cluster.selection().exclude_owned_by("replicasets.apps".parse().unwrap());
    assert_eq!(cluster.listed(&others).await, ["object controlled", "object owner", "object referring"]);

    let source = WatchSource::new(cluster.client.clone(), selection).unwrap();
    let mut stream = source.observe(&config_maps(), None);
    until(&mut stream, "complete").await;
    cluster.config_map("referring", &owned_by(true), "1").await;
    assert_eq!(short(&next(&mut stream).await), "unselected referring");
    cluster.config_map("controlled", "", "1").await;
    assert_eq!(short(&next(&mut stream).await), "object controlled");
}

#[tokio::test]
async fn what_is_too_large_is_left_out_and_not_called_deleted() {
    let cluster = Cluster::new("size").await;
    let (small, large) = ("x".repeat(100), "x".repeat(5000));
    cluster.config_map("grows", "", &small).await;
    cluster.config_map("large", "", &large).await;
    let selection = cluster.selection().max_bytes(4000);
    assert_eq!(cluster.listed(&selection).await, ["object grows", "unselected large"]);
    let source = WatchSource::new(cluster.client.clone(), selection).unwrap();
    let compared = until(&mut source.compare(&config_maps()), "complete").await;
    assert!(compared.contains(&"unread large".to_owned()), "metadata does not tell a size, a GET does: {compared:?}");
    let mut stream = source.observe(&config_maps(), None);
    until(&mut stream, "complete").await;
    cluster.config_map("grows", "", &large).await;
    assert_eq!(short(&next(&mut stream).await), "unselected grows");
    cluster.config_map("grows", "", &small).await;
    assert_eq!(short(&next(&mut stream).await), "object grows");
}
