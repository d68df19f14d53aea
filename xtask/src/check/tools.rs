//! The servers that tests start.

use bastion_test_tools::Tool;

use crate::{Result, screen};

/// Builds what is not there yet; minutes the first time.
pub(crate) fn build() -> Result<()> {
    for tool in Tool::NEEDED {
        screen::line(&format!("{}: {}", tool.name(), tool.path()?.display()));
    }
    Ok(())
}

/// Builds what a control plane needs.
pub(crate) fn control_plane() -> Result<()> {
    for tool in [Tool::Etcd, Tool::KubeApiserver, Tool::KubeControllerManager] {
        screen::line(&format!("{}: {}", tool.name(), tool.path()?.display()));
    }
    Ok(())
}

/// Builds all, kubectl too, for a person who wants to try things.
pub(crate) fn print() -> Result<()> {
    build()?;
    screen::line(&format!("kubectl: {}", Tool::Kubectl.path()?.display()));
    Ok(())
}
