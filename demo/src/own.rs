//! The person's own cluster, read-only.

use std::path::Path;

use bastion_tests::Saved;
use xtask::{Result, screen};

use crate::{
    progress,
    stage::{Stage, quoted},
};

/// Backs up the cluster of a kubeconfig and shows what was saved. Nothing is written to the cluster: the
/// backup lists and reads.
pub(crate) async fn tell(binary: &Path, kubeconfig: &Path, context: Option<&str>, folder: &Path) -> Result<()> {
    let stage = Stage::new(binary, folder, kubeconfig)?.without_deadline();
    let mut place: Vec<&str> = Vec::new();
    if let Some(context) = context {
        place.extend(["--context", context]);
    }
    screen::chapter(1, "A repository in a folder");
    stage.show(&["init"], 5, 0).await?;
    screen::chapter(2, "Everything that this cluster holds, once; it is only read");
    stage.show_in_part(&[&["backup", "--all"], place.as_slice()].concat(), 20, 20).await?;
    let (segments, bytes) = progress::log(folder);
    screen::good(&format!("    {segments} commits, {} written", progress::bytes(bytes)));

    let rows = stage.bastion.saved(&[]).await?;
    // Something that somebody made, if there is anything of the kind.
    if let Some(row) = rows.iter().find(|row| row.group.contains('.') && !row.namespace.is_empty()).or(rows.first()) {
        screen::chapter(3, "One of the objects, as it was saved");
        let mut object = vec![format!("{}/{}", type_of(row), row.name)];
        if !row.namespace.is_empty() {
            object.extend(["-n".to_owned(), row.namespace.clone()]);
        }
        let object: Vec<&str> = object.iter().map(String::as_str).collect();
        stage.show(&[&["show"], object.as_slice()].concat(), 20, 0).await?;
    }
    screen::chapter(4, "Is every byte of the backup intact?");
    stage.show(&["verify"], 20, 0).await?;

    screen::chapter(5, "What next");
    let program = xtask::workspace::program("bastion");
    let mut follow = place.clone();
    let path = kubeconfig.display().to_string();
    if !path.is_empty() {
        follow.extend(["--kubeconfig", &path]);
    }
    let follow = quoted(&[&["watch", "--all"], follow.as_slice()].concat());
    for line in [
        format!("alias bastion={}", program.display()),
        format!("export BASTION_REPO={}", stage.url),
        format!("bastion {follow}    # save every change as it happens"),
        "bastion ls".to_owned(),
        "bastion history TYPE/NAME -n NAMESPACE    # every revision of an object".to_owned(),
        "bastion restore -A --dry-run    # what a restore would do; writes nothing".to_owned(),
        format!("grep -rl WORD {}/tree    # every object is plain YAML", folder.display()),
    ] {
        screen::line(&format!("    {line}"));
    }
    Ok(())
}

/// `Certificate.cert-manager.io`, `ConfigMap`.
fn type_of(row: &Saved) -> String {
    if row.group.is_empty() { row.kind.clone() } else { format!("{}.{}", row.kind, row.group) }
}
