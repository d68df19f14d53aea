//! What only some machines have.

use std::{
    env,
    io::Write as _,
    process::{Command, Stdio},
};

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

    /// Whether it works here, found by trying.
    pub fn works(self) -> bool {
        let [program, args @ ..] = self.trial() else { return false };
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    /// What is missing, and how to get it.
    pub fn advice(self) -> String {
        let (trial, package) = (self.trial().join(" "), self.package());
        let rights = match self {
            Self::Setpriv => "",
            Self::Strace => "; a container also needs the capability SYS_PTRACE",
            Self::Mounts => "; who is not root also needs unprivileged user namespaces",
        };
        format!("`{trial}` does not work here: `apt-get install {package}`{rights}")
    }

    /// Whether a test that needs this can run. Where it cannot, this says why.
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

    fn trial(self) -> &'static [&'static str] {
        match self {
            Self::Setpriv => &["setpriv", "--pdeathsig", "KILL", "--", "true"],
            Self::Strace => &["strace", "-o", "/dev/null", "-e", "inject=fsync:error=EIO:when=9", "true"],
            Self::Mounts => &["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/tmp"],
        }
    }
}

/// Whether nothing may be skipped: `CI` is set, as `.ci/run` and `cargo xtask test` do.
pub fn strict() -> bool {
    env::var("CI").is_ok_and(|ci| !["", "0", "false"].contains(&ci.as_str()))
}
