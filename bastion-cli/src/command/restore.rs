//! `bastion restore`.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use bastion_sdk::{
    PlannedRestore, Reader,
    core::{
        Error as CoreError,
        record::RevisionState,
        restore::{Outcome, RestorePlan},
        time::Timestamp,
    },
    k8s::Client,
    spec::{ConflictSpec, RestoreSpec},
};
use clap::ValueEnum;

use crate::{
    app::App,
    args::{ObjectArgs, ReportFormat},
    error::{CliError, Result, chain},
    exit::Exit,
    output::{self, count},
    progress::Progress,
    report::{restore::RestoreReport, saved},
    signals, when,
};

/// Restore saved objects to a cluster
///
/// Makes a plan first: CRDs and namespaces before what needs them, owners before what they own. --dry-run prints
/// the plan, compares it with the cluster if there is one, and writes nothing. Otherwise the command asks before
/// it writes; -y answers yes and is required without a terminal. Run it again to continue an interrupted restore:
/// objects that already exist stay as they are.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  bastion restore -n shop --dry-run              # show what would happen
  bastion restore -n shop --at 2h -y             # a namespace as it was two hours ago
  bastion restore deploy/web -n shop --conflict replace
  bastion restore -n shop --map-namespace shop=shop-copy
  bastion restore -A --cluster prod --context spare   # everything, into another cluster")]
pub(crate) struct Args {
    #[command(flatten)]
    what: ObjectArgs,
    /// As of this time: 2026-01-31T12:00:00Z, 2026-01-31, or how long ago: 2h, 1d12h
    #[arg(long, value_name = "TIME", value_parser = bastion_sdk::time::parse)]
    at: Option<Timestamp>,
    /// Restore namespace FROM as TO, and rewrite references to it
    #[arg(long, value_name = "FROM=TO", value_delimiter = ',', value_parser = mapping)]
    map_namespace: Vec<(String, String)>,
    /// What to do with objects that exist and differ
    #[arg(long, value_name = "WHAT", default_value = "skip")]
    conflict: OnConflict,
    /// How long to wait for a CRD to be established, or for a namespace or an object that is being deleted
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = bastion_sdk::time::duration)]
    wait: std::time::Duration,
    /// Print the plan and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Format of plan and report
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    output: ReportFormat,
}

/// What to do with objects that exist and differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnConflict {
    /// Leave them as they are
    Skip,
    /// Set the fields in the backup, keep what others own (server-side apply)
    Update,
    /// Replace their content with the backup's
    Replace,
    /// Leave them as they are and count each as failed (exit code 4); all others are restored
    Fail,
}

impl From<OnConflict> for ConflictSpec {
    fn from(flag: OnConflict) -> Self {
        match flag {
            OnConflict::Skip => Self::Skip,
            OnConflict::Update => Self::Update,
            OnConflict::Replace => Self::Replace,
            OnConflict::Fail => Self::Fail,
        }
    }
}

fn mapping(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((from, to)) if !from.is_empty() && !to.is_empty() => Ok((from.to_owned(), to.to_owned())),
        _ => Err("write FROM=TO, for example shop=shop-copy".to_owned()),
    }
}

pub(crate) async fn run(app: &App, args: Args) -> Result<Exit> {
    if !args.dry_run && !args.what.say_something() {
        return Err(CliError::Usage(
            "what should be restored? Name objects (deployment/web), a namespace (-n shop), labels (-l app=web), or \
             say -A for everything"
                .to_owned(),
        ));
    }
    let spec = args.spec()?;
    let reader = app.reader(args.at).await?;
    let plan = reader.restore_plan(&spec).await?;
    if plan.is_empty() {
        return Err(nothing(&reader, &spec).await?);
    }
    if args.dry_run {
        return dry_run(app, &args, plan).await;
    }
    let client = app.client().await?;
    // Before anybody is asked, and before every object fails for the same reason.
    client.reach().await?;
    if !args.yes {
        confirm(&args, &reader, &plan, &client)?;
    }
    let server = client.server().to_owned();
    let report = apply(PlannedRestore::new(plan, Arc::new(client)), &server, false).await?;
    let exit = report.exit();
    app.out.report(args.output, &report)?;
    Ok(exit)
}

impl Args {
    /// What to restore.
    fn spec(&self) -> Result<RestoreSpec> {
        let mut spec = RestoreSpec::objects(self.what.spec()?).conflict(self.conflict.into()).wait(self.wait);
        spec.at = self.at;
        Ok(self.map_namespace.iter().fold(spec, |spec, (from, to)| spec.map_namespace(from, to)))
    }
}

/// Why there is nothing to restore, and what to try.
async fn nothing(reader: &Reader, spec: &RestoreSpec) -> Result<CliError> {
    let gone = reader.objects(&spec.objects, true).await?;
    let gone = gone.iter().find(|v| v.state != RevisionState::Put);
    Ok(match gone {
        Some(revision) => saved::no_content(revision),
        None => CliError::NothingMatched {
            what: format!("nothing of cluster {:?} matches", reader.cluster()),
            hint: "`bastion ls` with the same arguments shows what is saved; use --at for another time".to_owned(),
        },
    })
}

/// Prints the plan, and what it would do to the cluster where that can be reached.
async fn dry_run(app: &App, args: &Args, plan: RestorePlan) -> Result<Exit> {
    let compared = match app.client().await {
        Ok(client) => {
            let server = client.server().to_owned();
            apply(PlannedRestore::new(plan.clone(), Arc::new(client)), &server, true).await
        }
        Err(e) => Err(e),
    };
    let report = match compared {
        Ok(report) => report.with_plan(plan),
        Err(e) => RestoreReport::plan_only(plan, &chain(&e)),
    };
    app.out.report(args.output, &report)?;
    Ok(Exit::Ok)
}

fn confirm(args: &Args, reader: &Reader, plan: &RestorePlan, client: &Client) -> Result<()> {
    if !output::can_ask() {
        return Err(CliError::Usage(
            "there is no terminal to ask on: pass -y, or --dry-run to see the plan".to_owned(),
        ));
    }
    let at = args.at.map_or("as it is saved now".to_owned(), |t| format!("as of {}", when::local(t)));
    let question = format!(
        "Restore {} of {} {at} into {} (context {})?",
        count(plan.steps().len() as u64, "object"),
        reader.cluster(),
        client.server(),
        client.context().unwrap_or("of this pod"),
    );
    if output::ask(&question)? { Ok(()) } else { Err(CoreError::Cancelled.into()) }
}

async fn apply(planned: PlannedRestore, server: &str, dry_run: bool) -> Result<RestoreReport> {
    let total = planned.plan().steps().len() as u64;
    let line = Arc::new(Progress::start(if dry_run { "comparing with the cluster" } else { "restoring" }));
    let (shown, done, failed) = (line.clone(), AtomicUsize::new(0), AtomicUsize::new(0));
    let planned = planned.cancelled_by(signals::cancelled_by_signal()?).progress(move |object| {
        let done = done.fetch_add(1, Relaxed) + 1;
        let failed = failed.fetch_add(usize::from(object.outcome == Outcome::Failed), Relaxed);
        shown.say(|| format!("{done} of {}, {failed} failed: {}", count(total, "object"), object.target));
    });
    let report = if dry_run { planned.dry_run() } else { planned }.apply().await;
    line.clear();
    Ok(RestoreReport::new(report?, server.to_owned()))
}
