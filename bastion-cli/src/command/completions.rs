//! `bastion completions`.

use std::ffi::OsStr;

use clap::ValueEnum;
use clap_complete::env::Shells;

use crate::{app::App, error::Result, exit::Exit};

/// Print the completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  source <(bastion completions bash)
  bastion completions zsh > \"${fpath[1]}/_bastion\"
  bastion completions fish > ~/.config/fish/completions/bastion.fish")]
pub(crate) struct Args {
    /// Which shell
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

impl Shell {
    fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Elvish => "elvish",
            Self::Fish => "fish",
            Self::Powershell => "powershell",
            Self::Zsh => "zsh",
        }
    }
}

pub(crate) fn run(app: &App, args: &Args) -> Result<Exit> {
    let shells = Shells::builtins();
    // The names above are those of the built-in ones, which a test holds.
    if let Some(shell) = shells.completer(args.shell.name()) {
        let program = std::env::args_os().next();
        let program = program.as_deref().unwrap_or(OsStr::new("bastion")).to_string_lossy().into_owned();
        let mut script = Vec::new();
        shell.write_registration("COMPLETE", "bastion", "bastion", &program, &mut script)?;
        app.out.text(&String::from_utf8_lossy(&script))?;
    }
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_has_its_script() {
        for shell in Shell::value_variants() {
            assert!(Shells::builtins().completer(shell.name()).is_some(), "{shell:?}");
        }
    }
}
