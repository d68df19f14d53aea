//! One object, read on its own.

use std::sync::Arc;

use bastion_core::{
    object::{Kind, ObjectId, ResourceVersion, Scope},
    select::Selection,
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
    meta::Head,
    source::{
        namespaces::Namespaces,
        observer::{Observer, TooLarge},
    },
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
    too_large: TooLarge,
    kind: &Kind,
    id: &ObjectId,
) -> Result<Option<Current>> {
    let Some(body) = object(client, kind, id).await? else { return Ok(None) };
    let malformed = |why| failed(Fault::Malformed(why), kind, id);
    let needs = selection.needs();
    let namespaces = match known.filter(|n| n.ready()) {
        Some(namespaces) => namespaces.clone(),
        None if !needs.annotations.is_empty() && kind.scope == Scope::Namespaced => {
            namespace_of(client, id, needs.annotations.clone()).await?
        }
        None => Namespaces::new(Vec::new()),
    };
    let judge = Observer::reading(needs, kind.clone(), selection.clone(), &namespaces).remembering(too_large);
    let selected = judge.selects(&body).map_err(malformed)?;
    let at = Head::parse(&body).map_err(malformed)?.metadata.resource_version.into_owned();
    let observed = Observed { id: id.clone(), resource_version: ResourceVersion::new(at), body };
    Ok(Some(Current { observed, selected }))
}

/// Knows the one namespace that the object is in.
async fn namespace_of(client: &Client, id: &ObjectId, keys: Vec<String>) -> Result<Namespaces> {
    let kind = crate::source::namespaces::kind();
    let id = ObjectId::new(&kind.group_kind(), "", id.namespace.clone());
    let namespaces = Namespaces::new(keys);
    if let Some(body) = object(client, &kind, &id).await? {
        namespaces.add(&body);
    }
    Ok(namespaces)
}

fn failed(fault: Fault, kind: &Kind, id: &ObjectId) -> Error {
    fault.into_error(format!("reading {id}"), Right { verb: "get", plural: &kind.plural, group: &kind.group })
}
