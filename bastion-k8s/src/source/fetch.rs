//! One object, read on its own.

use std::sync::Arc;

use bastion_core::{
    object::{Kind, ObjectId, ResourceVersion, Scope},
    select::{Mode, Selection},
    source::{Current, Observed},
};
use bytes::Bytes;

use crate::{
    client::Client,
    error::{Error, Result},
    http::{
        fault::{Fault, Right},
        paths,
        rest::Request,
    },
    meta::{Head, Page},
    source::{judge::Judge, namespaces::Namespaces},
};

/// The object's JSON; `None` for the API server's own 404 for it, and for nothing less.
pub(crate) async fn object(client: &Client, kind: &Kind, id: &ObjectId) -> Result<Option<Bytes>> {
    let request = Request::get(paths::object(kind, &id.namespace, &id.name));
    match client.call(&request).await {
        Ok(body) => Ok(Some(body)),
        Err(Fault::Status(status)) if status.says_gone(&id.name) => Ok(None),
        Err(fault) => Err(failed(fault, kind, id)),
    }
}

/// The object as it is, and whether the selection takes it.
pub(crate) async fn current(
    client: &Client,
    selection: &Arc<Selection>,
    known: Option<&Namespaces>,
    kind: &Kind,
    id: &ObjectId,
) -> Result<Option<Current>> {
    let Some(body) = object(client, kind, id).await? else { return Ok(None) };
    let malformed = |why| failed(Fault::Malformed(why), kind, id);
    let annotations = match known.filter(|n| n.ready()) {
        Some(namespaces) => namespaces.clone(),
        None if selection.mode == Mode::Annotated && kind.scope == Scope::Namespaced => {
            annotations_of(client, &id.namespace).await?
        }
        None => Namespaces::new(),
    };
    let judge = Judge::new(kind.clone(), selection.clone(), &annotations);
    let mut selected = judge.selects(&body).map_err(malformed)?;
    if let Some(labels) = selection.labels.as_ref().filter(|_| selected) {
        selected = matches(client, kind, id, labels.as_str()).await?;
    }
    let at = Head::parse(&body).map_err(malformed)?.metadata.resource_version.into_owned();
    let observed = Observed { id: id.clone(), resource_version: ResourceVersion::new(at), body };
    Ok(Some(Current { observed, selected }))
}

async fn annotations_of(client: &Client, namespace: &str) -> Result<Namespaces> {
    let kind = crate::source::namespaces::kind();
    let id = ObjectId::new(&kind.group_kind(), "", namespace);
    let namespaces = Namespaces::new();
    if let Some(body) = object(client, &kind, &id).await? {
        namespaces.learn(&body);
    }
    Ok(namespaces)
}

/// Whether the label selector takes the object: the API server's own answer, not a second implementation.
async fn matches(client: &Client, kind: &Kind, id: &ObjectId, labels: &str) -> Result<bool> {
    let namespace = (!id.namespace.is_empty()).then_some(&*id.namespace);
    let field = format!("metadata.name={}", id.name);
    let query = [("fieldSelector", field.as_str()), ("labelSelector", labels)];
    let path = paths::with_query(&paths::collection(kind, namespace), &query);
    let body = client.call(&Request::get(path)).await.map_err(|f| failed(f, kind, id))?;
    let page = Page::parse(&body, "", "").map_err(|why| failed(Fault::Malformed(why), kind, id))?;
    Ok(!page.items.is_empty())
}

fn failed(fault: Fault, kind: &Kind, id: &ObjectId) -> Error {
    fault.into_error(format!("reading {id}"), Right { verb: "get", plural: &kind.plural, group: &kind.group })
}
