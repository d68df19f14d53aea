//! Bastion's own programs as child processes.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::Value;

use crate::{
    compare::Id,
    dir::TestDir,
    error::{Context as _, Error, Result},
    minio,
    process::{Process, Program},
};

/// A finished run that takes longer than this is stuck.
const DEADLINE: Duration = Duration::from_mins(3);

/// Exit code of a command that failed for some objects or kinds.
const PARTIAL: i32 = 4;

/// Exit code of a command that found nothing.
const NOTHING_MATCHED: i32 = 3;

/// The binary of a package of this workspace, built if need be. `BASTION_BIN` and `BASTION_CONTROLLER_BIN`
/// name binaries that are built already.
///
/// # Errors
/// When the build fails.
pub fn binary(package: &str, name: &str) -> Result<PathBuf> {
    // One build at a time in this process; cargo itself locks out others.
    static BUILT: Mutex<Vec<(String, PathBuf)>> = Mutex::new(Vec::new());
    let variable = format!("{}_BIN", name.to_uppercase().replace('-', "_"));
    if let Some(given) = env::var_os(&variable).map(PathBuf::from) {
        return Ok(given);
    }
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, path)) = built.iter().find(|(n, _)| n == name) {
        return Ok(path.clone());
    }
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        // Of the whole workspace, so that its dependencies are built with the features that tests have them with.
        .args(["build", "--quiet", "--workspace", "--bin", name])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .stdin(Stdio::null())
        .output()
        .context("cargo build")?;
    if !output.status.success() {
        return Err(Error::new(format!("cargo build -p {package}: {}", String::from_utf8_lossy(&output.stderr))));
    }
    let here = env::current_exe().context("this program")?;
    // A test lies in target/debug/deps, xtask in target/debug.
    let profile = here.ancestors().skip(1).find(|dir| !dir.ends_with("deps")).unwrap_or(&here);
    let path = profile.join(name);
    built.push((name.to_owned(), path.clone()));
    Ok(path)
}

/// What a run of a program said.
#[derive(Debug, Clone)]
pub struct Output {
    /// The exit code; -1 where a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// Both outputs, for a search.
    pub fn text(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }
}

/// A saved object, as `bastion ls -o json` and `bastion history -o json` tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// API group, empty for core.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Namespace, empty for objects of the cluster itself.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// `saved`, `deleted` or `released`.
    pub state: String,
    /// Number of the commit.
    pub revision: u64,
    /// The resourceVersion that was saved.
    pub resource_version: String,
}

impl Saved {
    fn parse(text: &str) -> Result<Vec<Self>> {
        let rows: Vec<Value> = serde_json::from_str(text).context(format!("not a JSON array: {text}"))?;
        rows.iter().map(|row| Self::of(row).context(format!("a field is missing: {row}"))).collect()
    }

    fn of(row: &Value) -> Option<Self> {
        let text = |name: &str| row[name].as_str().map(str::to_owned);
        let api_version = text("apiVersion")?;
        Some(Self {
            group: api_version.split_once('/').map(|(group, _)| group.to_owned()).unwrap_or_default(),
            kind: text("kind")?,
            // Objects of the cluster itself have none.
            namespace: text("namespace").unwrap_or_default(),
            name: text("name")?,
            state: text("state")?,
            revision: row["revision"].as_u64()?,
            resource_version: text("resourceVersion")?,
        })
    }

    /// Group, kind, namespace, name.
    pub fn id(&self) -> Id {
        (self.group.clone(), self.kind.clone(), self.namespace.clone(), self.name.clone())
    }
}

/// `bastion` against one repository and one cluster.
#[derive(Debug)]
pub struct Bastion {
    binary: PathBuf,
    env: Vec<(String, String)>,
    runs: AtomicU64,
    dir: TestDir,
    deadline: Duration,
}

impl Bastion {
    /// The command line program, with `BASTION_REPO` and `KUBECONFIG` set, and the test server's S3 credentials.
    ///
    /// # Errors
    /// When it cannot be built.
    pub async fn new(repo: &str, kubeconfig: &Path) -> Result<Self> {
        let binary = tokio::task::spawn_blocking(|| binary("bastion-cli", "bastion")).await.context("build")??;
        let mut bastion = Self::with_binary(&binary, repo, kubeconfig)?;
        bastion.env.extend(minio::credentials());
        Ok(bastion)
    }

    /// The same with a binary that is there already, and without credentials for S3. An empty kubeconfig leaves the choice to the program.
    ///
    /// # Errors
    /// When no folder can be made for its output.
    pub fn with_binary(binary: &Path, repo: &str, kubeconfig: &Path) -> Result<Self> {
        let mut env = vec![("BASTION_REPO".to_owned(), repo.to_owned())];
        if !kubeconfig.as_os_str().is_empty() {
            env.push(("KUBECONFIG".to_owned(), kubeconfig.display().to_string()));
        }
        env.push(("NO_COLOR".to_owned(), "1".to_owned()));
        Ok(Self {
            binary: binary.to_owned(),
            env,
            runs: AtomicU64::new(0),
            dir: TestDir::new("bastion")?,
            deadline: DEADLINE,
        })
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Lets a run take as long as it takes.
    #[must_use]
    pub fn without_deadline(mut self) -> Self {
        self.deadline = Duration::MAX;
        self
    }

    /// Runs a command to its end.
    ///
    /// # Errors
    /// When it cannot be started or does not end; a failure of the command itself is in the output.
    pub async fn run(&self, args: &[&str]) -> Result<Output> {
        let mut program = self.program(args);
        let stdout = program.log.with_extension("out");
        program.stdout = Some(stdout.clone());
        let mut process = program.start()?;
        let status = process.wait(self.deadline).await?;
        let stdout = fs::read(&stdout).context("output")?;
        Ok(Output {
            code: status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: process.log(),
        })
    }

    /// Runs a command that must succeed.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ok(&self, args: &[&str]) -> Result<Output> {
        self.run(args).await.and_then(|output| Self::expect(args, output, &[0]))
    }

    /// Runs a command that must succeed, or do so in part: each failure is named in what it says.
    ///
    /// # Errors
    /// When it fails as a whole.
    pub async fn ok_in_part(&self, args: &[&str]) -> Result<Output> {
        self.run(args).await.and_then(|output| Self::expect(args, output, &[0, PARTIAL]))
    }

    fn expect(args: &[&str], output: Output, codes: &[i32]) -> Result<Output> {
        if codes.contains(&output.code) {
            return Ok(output);
        }
        Err(Error::new(format!("`bastion {}` ended with {}:\n{}", args.join(" "), output.code, output.text())))
    }

    /// The newest saved state of objects, deleted and released ones too: `bastion ls --deleted -o json …`.
    /// Empty where nothing was saved yet.
    ///
    /// # Errors
    /// When the command fails.
    pub async fn saved(&self, args: &[&str]) -> Result<Vec<Saved>> {
        self.rows(&[&["ls", "--deleted", "-o", "json"], args].concat()).await
    }

    /// Every revision of one object, newest first: `bastion history -o json …`.
    ///
    /// # Errors
    /// When the command fails.
    pub async fn history(&self, args: &[&str]) -> Result<Vec<Saved>> {
        self.rows(&[&["history", "-o", "json"], args].concat()).await
    }

    async fn rows(&self, args: &[&str]) -> Result<Vec<Saved>> {
        let output = self.run(args).await?;
        match output.code {
            0 => Saved::parse(&output.stdout),
            NOTHING_MATCHED => Ok(Vec::new()),
            code => Err(Error::new(format!("`bastion {}` ended with {code}:\n{}", args.join(" "), output.text()))),
        }
    }

    /// Starts a command that goes on, such as `watch`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&self, args: &[&str]) -> Result<Process> {
        self.program(args).start()
    }

    /// The same with its standard output somewhere else, such as in a named pipe.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_into(&self, args: &[&str], stdout: &Path) -> Result<Process> {
        let mut program = self.program(args);
        program.stdout = Some(stdout.to_owned());
        program.start()
    }

    fn program(&self, args: &[&str]) -> Program {
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        let verb = args.first().copied().unwrap_or("bastion");
        let mut program =
            Program::new(&format!("{verb}-{number}"), &self.binary, self.dir.path()).args(args.iter().copied());
        program.env.clone_from(&self.env);
        program
    }
}
