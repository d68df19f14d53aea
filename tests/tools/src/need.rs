//! What only some machines have.

use std::{
    env,
    io::Write as _,
    process::{Command, Stdio},
};

use crate::tools::on_path;

/// Something of the machine that a test cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// `setpriv`, which ends a child when its parent dies.
    Setpriv,
    /// `strace` and the right to trace: it shows a program's system calls and makes them fail.
    Strace,
    /// `unshare` and the right to mount: full and read-only disks that nobody else sees.
    Mounts,
}

impl Need {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Setpriv, Self::Strace, Self::Mounts];

    /// The Debian package it comes in.
    pub fn package(self) -> &'static str {
        match self {
            Self::Setpriv | Self::Mounts => "util-linux",
            Self::Strace => "strace",
        }
    }

    /// Whether its program is here, be it allowed to do its work or not.
    pub fn is_installed(self) -> bool {
        on_path(self.program()).is_some()
    }

    /// Whether it works here, found by trying.
    pub fn works(self) -> bool {
        let [program, args @ ..] = self.trial() else { return false };
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    /// What is missing, and how to get it.
    pub fn advice(self) -> String {
        if !self.is_installed() {
            return format!("there is no `{}` here: it is in the package {}", self.program(), self.package());
        }
        let lacks = match self {
            Self::Setpriv => "it has to be the one of util-linux",
            Self::Strace => "a container needs the capability SYS_PTRACE",
            Self::Mounts => "it takes unprivileged user namespaces, or root with the capability SYS_ADMIN",
        };
        format!("`{}` does not work here: {lacks}", self.trial().join(" "))
    }

    /// Whether a test that needs this can run. Where it cannot, this says why, and the test is left out.
    ///
    /// # Panics
    /// Where it cannot and `CI` is set: there, nothing is skipped.
    #[must_use]
    pub fn is_met(self) -> bool {
        let works = self.works();
        if !works {
            assert!(!strict(), "{}", self.advice());
            // Not by `eprintln`, which is not shown of tests that pass.
            drop(std::io::stderr().write_all(format!("skipped: {}\n", self.advice()).as_bytes()));
        }
        works
    }

    fn program(self) -> &'static str {
        match self {
            Self::Setpriv => "setpriv",
            Self::Strace => "strace",
            Self::Mounts => "unshare",
        }
    }

    fn trial(self) -> &'static [&'static str] {
        match self {
            Self::Setpriv => &["setpriv", "--pdeathsig", "KILL", "--", "true"],
            Self::Strace => &["strace", "-o", "/dev/null", "-e", "inject=fsync:error=EIO:when=9", "true"],
            Self::Mounts => &["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/tmp"],
        }
    }
}

/// Whether nothing may be skipped: `CI` is set, as `.ci/run` does.
pub fn strict() -> bool {
    env::var("CI").is_ok_and(|ci| !["", "0", "false"].contains(&ci.as_str()))
}
