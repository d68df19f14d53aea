//! The one thing of `status` that is content: that something ran to its end.

use super::fields::is;
use crate::{
    manifest::{Map, Value},
    object::GroupKind,
};

/// Whether objects of this kind run to an end.
pub(crate) fn ends(kind: &GroupKind) -> bool {
    is(kind, "", "Pod") || is(kind, "batch", "Job")
}

/// What stays in the body of a Pod or Job that is completed: without it a restore would run it again. It is
/// said once in the object's life, so it makes one revision.
pub(crate) fn completion(kind: &GroupKind, status: &Value) -> Option<Value> {
    if is(kind, "", "Pod") {
        let phase = status.get(&["phase"])?.as_str()?;
        return matches!(phase, "Succeeded" | "Failed").then(|| object([("phase", phase.into())]));
    }
    if !is(kind, "batch", "Job") {
        return None;
    }
    let conditions = status.get(&["conditions"])?.as_array()?;
    let ended = conditions.iter().find_map(|condition| {
        let kind = condition.get(&["type"])?.as_str()?;
        let holds = condition.get(&["status"])?.as_str()? == "True";
        (holds && matches!(kind, "Complete" | "Failed")).then_some(kind)
    })?;
    let condition = object([("status", "True".into()), ("type", ended.into())]);
    Some(object([("conditions", Value::Array(vec![condition]))]))
}

fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Object(entries.into_iter().map(|(key, value)| (key.into(), value)).collect::<Map>())
}
