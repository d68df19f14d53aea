//! What a fresh Debian or Ubuntu with Rust and Go may lack. Each task checks what it needs itself.

use std::process::{Command, Stdio};

use bastion_test_tools::{Need, need};

use crate::{Result, screen};

/// The oldest Go that the modules of the servers accept.
const GO: (u32, u32) = (1, 26);

/// Checks that rustfmt and clippy are here, and installs them where rustup can.
pub(crate) fn components() -> Result<()> {
    // rustup puts a program of that name on the PATH even where the component is not installed.
    for (component, program) in [("rustfmt", "rustfmt"), ("clippy", "cargo-clippy")] {
        if !runs(program, &["--version"]) {
            install(&format!("{component} is missing"), "rustup", &["component", "add", component])?;
        }
    }
    Ok(())
}

/// Checks that these are here; root gets what Debian has. The right to trace or to mount is something that a
/// container may not give: the tests that need it are left out, except in CI.
pub(crate) fn needs(needs: &[Need]) -> Result<()> {
    if !cfg!(target_os = "linux") {
        return Err("this needs Linux: servers are tied with setpriv to what started them".into());
    }
    for need in needs {
        if !need.is_installed() {
            package(*need)?;
        }
        if need.works() {
            continue;
        }
        if need::strict() || *need == Need::Setpriv {
            return Err(need.advice().into());
        }
        screen::line(&format!("    {}; the tests that need it are left out", need.advice()));
    }
    Ok(())
}

/// Checks that Go is here.
pub(crate) fn go() -> Result<()> {
    let advice = format!(
        "install Go {}.{} or newer from https://go.dev/dl and put its bin folder on the PATH; \
         it builds etcd, kube-apiserver, kube-controller-manager and MinIO from source",
        GO.0, GO.1
    );
    let output = Command::new("go").args(["env", "GOVERSION", "GOTOOLCHAIN"]).stdin(Stdio::null()).output();
    let text = match output {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
        _ => return Err(format!("there is no `go` here: {advice}").into()),
    };
    let mut lines = text.lines();
    let version = lines.next().unwrap_or_default();
    let toolchain = lines.next().unwrap_or_default();
    let mut numbers = version.trim_start_matches("go").split('.').map_while(|n| n.parse::<u32>().ok());
    let found = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    if found >= GO {
        screen::line(&format!("    {version} is here"));
        return Ok(());
    }
    // Go fetches newer ones since 1.21.
    if found >= (1, 21) && toolchain != "local" {
        screen::line(&format!("    {version} is here; it fetches Go {}.{} by itself", GO.0, GO.1));
        return Ok(());
    }
    Err(format!("{version} is too old: {advice}").into())
}

fn runs(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Installs the package of Debian that has it, as root; says what to run to anybody else. The lists of packages are
/// fetched where they are too old to know it.
fn package(need: Need) -> Result<()> {
    let missing = need.advice();
    let args = ["install", "--yes", "--no-install-recommends", need.package()];
    if !is_root() {
        return Err(format!("{missing}; run `sudo apt-get {}`", args.join(" ")).into());
    }
    install(&missing, "apt-get", &args).or_else(|_| {
        install("the lists of packages may be old", "apt-get", &["update"])?;
        install(&missing, "apt-get", &args)
    })
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").stdin(Stdio::null()).output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Installs what is missing, or says how.
fn install(missing: &str, program: &str, args: &[&str]) -> Result<()> {
    let line = format!("{program} {}", args.join(" "));
    screen::line(&format!("    {missing}; running `{line}`"));
    match Command::new(program).args(args).stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        _ => Err(format!("{missing}, and `{line}` did not work").into()),
    }
}
