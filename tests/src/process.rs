//! Child processes that end with the test, however it dies.

use std::{
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{OnceLock, mpsc},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::{Context as _, Error, Result};

/// What to start: kept, so that the same can be started again.
#[derive(Debug, Clone)]
pub struct Program {
    /// Short name for messages and the log file.
    pub name: String,
    /// The binary.
    pub path: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Environment variables beside the inherited ones.
    pub env: Vec<(String, String)>,
    /// Whether it inherits no environment variables but `PATH`, as in a pod.
    pub isolated: bool,
    /// Where its output goes; a restart appends.
    pub log: PathBuf,
    /// Where its standard output goes, if not into the log.
    pub stdout: Option<PathBuf>,
}

impl Program {
    /// A program whose output goes to `<dir>/<name>.log`.
    pub fn new(name: &str, path: impl Into<PathBuf>, dir: &Path) -> Self {
        let log = dir.join(format!("{name}.log"));
        Self {
            name: name.to_owned(),
            path: path.into(),
            args: Vec::new(),
            env: Vec::new(),
            isolated: false,
            log,
            stdout: None,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// When the binary or `setpriv` cannot be run.
    pub fn start(&self) -> Result<Process> {
        let open = |path: &Path| {
            File::options().create(true).append(true).open(path).context(format!("log file {}", path.display()))
        };
        let (errors, output) = (open(&self.log)?, open(self.stdout.as_ref().unwrap_or(&self.log))?);
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(&self.path).args(&self.args);
        if self.isolated {
            command.env_clear();
            command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        }
        command.envs(self.env.iter().map(|(k, v)| (k, v)));
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let child = spawn(command).context(format!(
            "cannot start {} ({}) through setpriv, which is part of util-linux",
            self.name,
            self.path.display()
        ))?;
        Ok(Process { program: self.clone(), child: Some(child), status: None })
    }
}

/// A running child. Dropping it kills it with SIGKILL; so does the death of this process.
#[derive(Debug)]
pub struct Process {
    program: Program,
    child: Option<Child>,
    status: Option<ExitStatus>,
}

impl Process {
    /// What was started.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Its process id while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.poll();
        self.child.is_some()
    }

    /// How it ended, if it has.
    pub fn status(&mut self) -> Option<ExitStatus> {
        self.poll();
        self.status
    }

    /// An error with the end of the log if it does not run any more.
    ///
    /// # Errors
    /// When it has ended.
    pub fn check(&mut self) -> Result<()> {
        if self.is_running() {
            return Ok(());
        }
        let how = self.status.map_or_else(|| "was stopped".to_owned(), |s| format!("ended by itself ({s})"));
        Err(Error::new(format!("{} {how}; the end of its log:\n{}", self.program.name, self.log_tail(30))))
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            self.status = child.wait().ok();
        }
    }

    /// Sends a signal, for example SIGTERM, SIGSTOP or SIGCONT.
    ///
    /// # Errors
    /// When it does not run.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        self.check()?;
        let pid = self.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let pid = pid.ok_or_else(|| Error::new(format!("{} does not run", self.program.name)))?;
        kill_process(pid, signal).context(format!("signal to {}", self.program.name))
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// When it still runs at the deadline; it goes on running.
    pub async fn wait(&mut self, deadline: Duration) -> Result<ExitStatus> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.status() {
                return Ok(status);
            }
            if started.elapsed() > deadline {
                let tail = self.log_tail(30);
                return Err(Error::new(format!(
                    "{} still runs after {deadline:?}; its log:\n{tail}",
                    self.program.name
                )));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Starts the same again, with the same arguments; kills it first where it still runs.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn restart(&mut self) -> Result<()> {
        self.kill9();
        let mut fresh = self.program.start()?;
        self.child = fresh.child.take();
        self.status = None;
        Ok(())
    }

    /// Another value of an environment variable from the next start on.
    pub fn set_env(&mut self, name: &str, value: &str) {
        self.program.env.push((name.to_owned(), value.to_owned()));
    }

    /// Its output so far.
    pub fn log(&self) -> String {
        fs::read(&self.program.log).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default()
    }

    /// The last lines of its output.
    pub fn log_tail(&self, lines: usize) -> String {
        tail(&self.program.log, lines)
    }

    fn poll(&mut self) {
        if let Some(child) = &mut self.child
            && let Ok(Some(status)) = child.try_wait()
        {
            self.status = Some(status);
            self.child = None;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill9();
    }
}

/// The last lines of a file; empty if it cannot be read.
pub fn tail(path: &Path, lines: usize) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        file.seek(SeekFrom::Start(size.saturating_sub(16 << 10)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

type Request = (Command, mpsc::Sender<std::io::Result<Child>>);

/// Spawns from one thread that lives as long as this process: the kernel sends the parent-death signal
/// at the death of the *thread* that spawned, and test threads come and go.
fn spawn(command: Command) -> std::io::Result<Child> {
    static SPAWNER: OnceLock<mpsc::Sender<Request>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (requests, incoming) = mpsc::channel::<Request>();
        thread::spawn(move || {
            for (mut command, answer) in incoming {
                // Nobody waits for the answer only if its thread has died; the child then dies with it.
                drop(answer.send(command.spawn()));
            }
        });
        requests
    });
    let (answer, answered) = mpsc::channel();
    spawner.send((command, answer)).map_err(std::io::Error::other)?;
    answered.recv().map_err(std::io::Error::other)?
}
