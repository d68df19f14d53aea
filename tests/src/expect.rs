//! What a test did to a cluster, and whether Bastion has saved it.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use crate::{
    Bastion, Process, Resource, Saved,
    compare::Id,
    error::{Error, Result},
    wait,
};

/// What must be saved: the resourceVersion of each object, `None` for one that was deleted.
pub type Expected = BTreeMap<Id, Option<String>>;

/// An object as the API server answered, as an entry of [`Expected`].
pub fn note(resource: &Resource, object: &Value) -> (Id, Option<String>) {
    (id(resource, object), Some(text(object, "resourceVersion")))
}

/// The id of an object.
pub fn id(resource: &Resource, object: &Value) -> Id {
    (resource.group.clone(), resource.kind.clone(), text(object, "namespace"), text(object, "name"))
}

/// Waits until every expected state is the newest saved one, as `bastion ls` tells, and stops at once where
/// the process that should save it has ended.
///
/// # Errors
/// When it has ended, or not all is saved at the deadline: which is missing.
pub async fn saved(bastion: &Bastion, watcher: &mut Process, expected: &Expected, deadline: Duration) -> Result<()> {
    let what = format!("{} states to be saved", expected.len());
    let done = wait::until(&what, deadline, async || {
        if let Err(e) = watcher.check() {
            return Ok(Some(Err(e)));
        }
        let missing = missing(&bastion.saved(&[]).await?, expected);
        match missing.first() {
            None => Ok(Some(Ok(()))),
            Some(first) => Err(Error::new(format!("{} are not, for example {first}", missing.len()))),
        }
    });
    done.await?
}

/// Which expected states are not the newest saved ones.
pub fn missing(rows: &[Saved], expected: &Expected) -> Vec<String> {
    let there: BTreeMap<Id, &Saved> = rows.iter().map(|row| (row.id(), row)).collect();
    let wrong = expected.iter().filter_map(|(id, wanted)| match (there.get(id), wanted) {
        (Some(row), Some(version)) if row.state == "saved" && row.resource_version == *version => None,
        (Some(row), None) if row.state == "deleted" => None,
        (Some(row), _) => Some(format!("{id:?}: {} at {}, not {wanted:?}", row.state, row.resource_version)),
        (None, _) => Some(format!("{id:?}: never saved")),
    });
    wrong.collect()
}

fn text(object: &Value, field: &str) -> String {
    object["metadata"][field].as_str().unwrap_or_default().to_owned()
}
