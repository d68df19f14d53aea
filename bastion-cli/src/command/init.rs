//! `bastion init`.

use bastion_sdk::{Repo, core::hash::Algorithm};

use crate::{app::App, error::Result, exit::Exit};

/// Create the repository
///
/// Writes `bastion.json` to the place given by --repo. A folder is created; a bucket must exist. If there is a
/// repository already, it stays as it is and the command fails.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  bastion init --repo file:///var/backups/bastion
  bastion init --repo 's3://backups/prod?endpoint=https://minio.example.com'")]
pub(crate) struct Args {
    /// Digest that identifies contents: sha256 or blake3. Cannot be changed later
    #[arg(long, value_name = "ALGORITHM", default_value_t = Algorithm::Sha256)]
    digest: Algorithm,
}

pub(crate) async fn run(app: &App, args: Args) -> Result<Exit> {
    let spec = app.repository()?;
    let repo = Repo::create(&spec, args.digest).await?;
    let info = repo.repository().info();
    app.out.line(format_args!("created repository {} ({}) at {}", info.id, info.algorithm, spec.url))?;
    Ok(Exit::Ok)
}
