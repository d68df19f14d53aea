//! What a fresh Debian or Ubuntu with Rust and Go may lack.

use std::process::{Command, Stdio};

use bastion_test_tools::Need;

use crate::{Result, screen};

/// The oldest Go that the modules of the servers accept.
const GO: (u32, u32) = (1, 26);

/// Checks, installs what it can, and says of the rest how to get it.
pub(crate) fn check(servers: bool) -> Result<()> {
    if !cfg!(target_os = "linux") {
        return Err("the tests need Linux: they tie servers to the test that started them with setpriv".into());
    }
    for component in ["rustfmt", "clippy"] {
        // rustup puts a program of that name on the PATH even where the component is not installed.
        let program = if component == "rustfmt" { "rustfmt" } else { "cargo-clippy" };
        if !runs(program) {
            install(&format!("{component} is missing"), "rustup", &["component", "add", component])?;
        }
    }
    if !servers {
        return Ok(());
    }
    let missing: Vec<Need> = Need::ALL.into_iter().filter(|need| !need.works()).collect();
    for need in missing {
        // One package may bring several.
        if !need.works() {
            packages(&need.advice(), need.package())?;
        }
        if !need.works() {
            return Err(need.advice().into());
        }
    }
    go()
}

fn runs(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn go() -> Result<()> {
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
        screen::line(&format!("{version}, setpriv, strace, unshare, rustfmt and clippy are here"));
        return Ok(());
    }
    // Go fetches newer ones since 1.21.
    if found >= (1, 21) && toolchain != "local" {
        screen::line(&format!("{version} is here; it fetches Go {}.{} by itself", GO.0, GO.1));
        return Ok(());
    }
    Err(format!("{version} is too old: {advice}").into())
}

/// Installs a package of Debian; its lists are fetched where they are too old to know it.
fn packages(missing: &str, package: &str) -> Result<()> {
    let args = ["install", "--yes", "--no-install-recommends", package];
    install(missing, "apt-get", &args).or_else(|_| {
        install("the lists of packages may be old", "apt-get", &["update"])?;
        install(missing, "apt-get", &args)
    })
}

/// Installs what is missing, or says how.
fn install(missing: &str, program: &str, args: &[&str]) -> Result<()> {
    let line = format!("{program} {}", args.join(" "));
    screen::line(&format!("{missing}; running `{line}`"));
    match Command::new(program).args(args).stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        _ => Err(format!("{missing}, and `{line}` did not work; run it as a user who may").into()),
    }
}
