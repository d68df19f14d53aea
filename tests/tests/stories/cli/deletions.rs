//! The deletion brake, as a person meets it.

use bastion_tests::{Context as _, Result};
use futures::{StreamExt as _, stream};
use serde_json::json;

use super::{Town, config_path, says};

/// How many objects vanish: more than the brake lets pass, and most of their kind.
const MANY: usize = 80;

/// Most of a kind vanishes between two backups: held back, shown, and recorded once a person accepts.
pub(crate) async fn many_at_once_wait_for_a_person(town: &Town) -> Result<()> {
    let (bastion, _) = town.folder("brake").await?;
    bastion.ok(&["init"]).await?;
    let names: Vec<_> = (0..MANY).map(|n| format!("many-{n:02}")).collect();
    let made: Vec<_> = stream::iter(&names).map(|n| town.config(n, json!({}))).buffer_unordered(8).collect().await;
    made.into_iter().collect::<Result<Vec<_>>>()?;
    let backup = ["backup", "-n", "shop", "-k", "cm"];
    says(&bastion, &backup, 0, &["saved"]).await?;
    says(&bastion, &["deletions", "ls"], 0, &["No deletions are held back."]).await?;
    says(&bastion, &["deletions", "accept", "cm"], 3, &["no such deletions", "bastion deletions ls"]).await?;

    for name in &names {
        town.api.delete(&config_path(name)).await.context("delete")?;
    }
    says(&bastion, &backup, 0, &["HELD BACK 80 of", "bastion deletions accept ConfigMap", " 0 deleted"]).await?;
    says(&bastion, &["ls", "cm/many-07", "-n", "shop"], 0, &["many-07"]).await?;
    says(&bastion, &["deletions", "ls"], 0, &["ConfigMap", "80 of", "many-"]).await?;
    says(&bastion, &["status", "--no-live"], 0, &["80", "ConfigMap"]).await?;
    says(&bastion, &["deletions", "accept", "deployments"], 3, &["no such deletions"]).await?;
    says(&bastion, &["deletions", "accept", "cm"], 0, &["accepted: 80 of"]).await?;
    says(&bastion, &backup, 0, &[" 80 deleted"]).await?;
    says(&bastion, &["deletions", "ls"], 0, &["No deletions are held back."]).await?;
    says(&bastion, &["ls", "cm/many-07", "-n", "shop"], 3, &["--deleted"]).await?;
    says(&bastion, &["ls", "cm/many-07", "-n", "shop", "--deleted"], 0, &["deleted"]).await?;
    let gone = ["was deleted in revision", "--at", "bastion history"];
    says(&bastion, &["show", "cm/many-07", "-n", "shop"], 3, &gone).await?;
    says(&bastion, &["restore", "cm/many-07", "-n", "shop", "-y"], 3, &gone).await.map(drop)
}
