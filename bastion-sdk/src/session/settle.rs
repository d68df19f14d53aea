//! What a cluster is called in a repository. Pure.

use bastion_core::{Error as CoreError, repository::ClusterInfo};

use crate::error::{Error, Result};

/// The name of the cluster with this uid among those that the repository knows. The uid decides: a cluster that is
/// known keeps its name, and a name that belongs to another cluster is refused.
pub(super) fn settle(
    asked: Option<&str>,
    suggested: Option<&str>,
    uid: &str,
    clusters: &[ClusterInfo],
) -> Result<String> {
    let known = clusters.iter().find(|c| c.uid == uid);
    let name = asked.or(known.map(|c| &*c.name)).or(suggested).ok_or(Error::UnnamedCluster)?;
    if let Some(taken) = clusters.iter().find(|c| c.name == name && c.uid != uid) {
        let (name, logged) = (taken.name.clone(), taken.uid.clone());
        if asked.is_none() {
            return Err(Error::ContextNameTaken { uid: uid.to_owned(), name, logged });
        }
        return Err(CoreError::WrongCluster { name, logged, actual: uid.to_owned() }.into());
    }
    match known {
        Some(known) if known.name != name => {
            Err(Error::OtherName { uid: uid.to_owned(), known: known.name.clone(), asked: name.to_owned() })
        }
        _ => Ok(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use bastion_core::time::Timestamp;

    use super::*;

    fn settled(asked: Option<&str>, suggested: Option<&str>, uid: &str) -> String {
        let known = [("town", "1"), ("city", "2")];
        let known =
            known.map(|(n, u)| ClusterInfo { name: n.into(), uid: u.into(), head: 1, at: Timestamp::default() });
        match settle(asked, suggested, uid, &known) {
            Ok(name) => name,
            Err(Error::Core(CoreError::WrongCluster { name, .. })) => format!("{name} is another cluster"),
            Err(Error::ContextNameTaken { name, .. }) => format!("{name}, its context, is another cluster"),
            Err(Error::OtherName { known, .. }) => format!("it is {known}"),
            Err(Error::UnnamedCluster) => "no name".to_owned(),
            Err(e) => format!("error: {e}"),
        }
    }

    #[test]
    fn the_uid_decides() {
        assert_eq!(settled(None, None, "1"), "town");
        assert_eq!(settled(Some("town"), Some("ctx"), "1"), "town");
        assert_eq!(settled(None, Some("city"), "1"), "town");
        assert_eq!(settled(Some("village"), None, "1"), "it is town");
        assert_eq!(settled(Some("city"), None, "1"), "city is another cluster");
    }

    #[test]
    fn a_new_cluster_takes_a_free_name() {
        assert_eq!(settled(Some("village"), Some("ctx"), "3"), "village");
        assert_eq!(settled(None, Some("ctx"), "3"), "ctx");
        assert_eq!(settled(None, Some("town"), "3"), "town, its context, is another cluster");
        assert_eq!(settled(Some("town"), None, "3"), "town is another cluster");
        assert_eq!(settled(None, None, "3"), "no name");
    }
}
