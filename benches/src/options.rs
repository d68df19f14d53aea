use std::path::PathBuf;

/// What to run.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Which benches; all unless said otherwise
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Small sizes, to see that the benches work: written to target/bench/quick.json, and not to the page
    #[arg(long)]
    pub quick: bool,
    /// Also with 100,000 objects in a real cluster, which takes minutes to fill
    #[arg(long, conflicts_with = "quick")]
    pub full: bool,
    /// Where results are kept
    #[arg(long, value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
    /// The page to write
    #[arg(long, value_name = "FILE")]
    pub(crate) page: PathBuf,
}
