//! The person's own cluster, read-only.

use std::path::Path;

use crate::{
    cli::Result,
    demo::{
        progress,
        stage::{Stage, quoted},
    },
    screen,
};

/// Backs up the cluster of a kubeconfig and shows what was saved. Nothing is written to the cluster: the
/// backup lists and reads.
pub(crate) async fn tell(binary: &Path, kubeconfig: &Path, context: Option<&str>, folder: &Path) -> Result<()> {
    let stage = Stage::new(binary, folder, kubeconfig)?;
    let mut place: Vec<&str> = Vec::new();
    if let Some(context) = context {
        place.extend(["--context", context]);
    }
    screen::chapter(1, "A repository in a folder");
    stage.show(&["init"], 5, 0).await?;
    screen::chapter(2, "Everything that this cluster holds, once; it is only read");
    stage.show(&[&["backup", "--all"], place.as_slice()].concat(), 20, 20).await?;
    screen::chapter(3, "What was saved");
    let rows = stage.bastion.saved(&[]).await?;
    let mut kinds = std::collections::BTreeMap::<_, usize>::new();
    for row in &rows {
        *kinds.entry((row.group.as_str(), row.kind.as_str())).or_default() += 1;
    }
    for ((group, kind), count) in &kinds {
        screen::line(&format!("    {count:>7}  {kind}{}{group}", if group.is_empty() { "" } else { "." }));
    }
    let (segments, bytes) = progress::log(folder);
    screen::line(&format!(
        "    {} objects of {} kinds in {segments} commits, {}",
        rows.len(),
        kinds.len(),
        progress::bytes(bytes)
    ));
    screen::chapter(4, "Is every byte of it intact?");
    stage.show(&["verify"], 20, 0).await?;
    screen::chapter(5, "What next");
    screen::line(&format!("    export BASTION_REPO={}", stage.url));
    let follow = match quoted(&place) {
        given if given.is_empty() => String::new(),
        given => format!(" {given}"),
    };
    for line in [
        format!("bastion watch --all{follow}     # save every change as it happens"),
        "bastion ls                       # what is saved".to_owned(),
        "bastion history TYPE/NAME -n NS  # every version of an object".to_owned(),
        "bastion restore --dry-run        # what a restore would do".to_owned(),
        format!("less {}/tree        # plain YAML files, to read and to grep", folder.display()),
    ] {
        screen::line(&format!("    {line}"));
    }
    Ok(())
}
