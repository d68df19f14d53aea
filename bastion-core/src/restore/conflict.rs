//! What to do with an object that exists. Pure.

use super::options::Conflict;
use crate::{diff, manifest::Manifest, sink::UpdateMode};

/// What to do with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Resolution {
    /// It is what the backup holds.
    Unchanged,
    /// It is left as it is.
    Leave(String),
    /// It is written.
    Update(UpdateMode),
    /// It fails.
    Fail(String),
}

/// How many places of differences are named.
const NAMED: usize = 3;

/// Decides over an object by its restore form and the live one's.
pub(super) fn decide(wanted: &Manifest, live: &Manifest, policy: Conflict, only_if_missing: bool) -> Resolution {
    if wanted == live {
        return Resolution::Unchanged;
    }
    if only_if_missing {
        return Resolution::Leave("it exists, which is enough".into());
    }
    match policy {
        Conflict::Skip => Resolution::Leave(differs(wanted, live)),
        Conflict::Fail => Resolution::Fail(differs(wanted, live)),
        Conflict::Update => Resolution::Update(UpdateMode::Apply),
        Conflict::Replace => Resolution::Update(UpdateMode::Replace),
    }
}

/// Where both differ: places, never contents.
fn differs(wanted: &Manifest, live: &Manifest) -> String {
    let differences = diff::structured(live, wanted);
    let named: Vec<_> = differences.iter().take(NAMED).map(|difference| difference.path.as_str()).collect();
    let more = differences.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("it exists and differs at {}{more}", named.join(", "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::canonical;

    #[test]
    fn policies_decide_over_what_differs_only() {
        let wanted = canonical::from_bytes(br#"{"data":{"a":"1","b":"2","c":"3","d":"4"}}"#).unwrap();
        let live = canonical::from_bytes(br#"{"data":{"password":"hunter2"}}"#).unwrap();
        for policy in [Conflict::Skip, Conflict::Update, Conflict::Replace, Conflict::Fail] {
            assert_eq!(decide(&wanted, &wanted, policy, false), Resolution::Unchanged);
            assert!(matches!(decide(&wanted, &live, policy, true), Resolution::Leave(_)));
        }
        assert_eq!(decide(&wanted, &live, Conflict::Update, false), Resolution::Update(UpdateMode::Apply));
        assert_eq!(decide(&wanted, &live, Conflict::Replace, false), Resolution::Update(UpdateMode::Replace));
        let Resolution::Leave(why) = decide(&wanted, &live, Conflict::Skip, false) else { panic!() };
        insta::assert_snapshot!(why, @"it exists and differs at .data.a, .data.b, .data.c and 2 more");
        assert_eq!(decide(&wanted, &live, Conflict::Fail, false), Resolution::Fail(why));
    }
}
