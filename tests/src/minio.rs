//! A real S3 server.

use std::{
    net::{Ipv4Addr, TcpStream},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{
    dir::TestDir,
    error::{Context as _, Result},
    ports,
    process::{Process, Program},
    s3::Bucket,
    tools::Tool,
    wait,
};

/// The access key of every test server.
pub const ACCESS_KEY: &str = "bastion-tests";
/// The secret key of every test server.
pub const SECRET_KEY: &str = "bastion-tests-secret";

/// A running `MinIO`. Dropping it ends it.
#[derive(Debug)]
pub struct Minio {
    process: Mutex<Process>,
    port: u16,
    _dir: TestDir,
}

impl Minio {
    /// Starts a server with an empty folder and waits until it answers.
    ///
    /// # Errors
    /// When the binary cannot be built or the server does not come up.
    pub async fn start() -> Result<Self> {
        let binary = tokio::task::spawn_blocking(|| Tool::Minio.path()).await.context("finding MinIO")??;
        let dir = TestDir::new("minio")?;
        let (port, console) = (ports::free()?, ports::free()?);
        let program = Program::new("minio", binary, dir.path())
            .args([
                "server".to_owned(),
                format!("--address=127.0.0.1:{port}"),
                format!("--console-address=127.0.0.1:{console}"),
                "--quiet".to_owned(),
                dir.path().join("data").display().to_string(),
            ])
            .env("MINIO_ROOT_USER", ACCESS_KEY)
            .env("MINIO_ROOT_PASSWORD", SECRET_KEY)
            .env("MINIO_BROWSER", "off")
            .env("MINIO_UPDATE", "off");
        let server = Self { process: Mutex::new(program.start()?), port, _dir: dir };
        server.wait_ready().await?;
        Ok(server)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A new bucket, seen with the tests' own client.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn bucket(&self, name: &str) -> Result<Bucket> {
        let bucket = Bucket {
            port: self.port,
            access_key: ACCESS_KEY.to_owned(),
            secret_key: SECRET_KEY.to_owned(),
            name: name.to_owned(),
        };
        let making = bucket.clone();
        tokio::task::spawn_blocking(move || making.create()).await.context("bucket")??;
        Ok(bucket)
    }

    /// `kill -9`.
    pub fn kill(&self) {
        self.process().kill9();
    }

    /// Starts it again on the same folder and port.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn restart(&self) -> Result<()> {
        self.process().restart()?;
        self.wait_ready().await
    }

    /// Starts it again with another secret key: whoever has the old one is refused.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn change_secret(&self, secret: &str) -> Result<()> {
        self.process().set_env("MINIO_ROOT_PASSWORD", secret);
        self.process().restart()?;
        self.wait_port().await
    }

    async fn wait_port(&self) -> Result<()> {
        wait::until("MinIO's port", Duration::from_mins(1), async || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).context("MinIO's port").map(|_| Some(()))
        })
        .await
    }

    async fn wait_ready(&self) -> Result<()> {
        let probe = Bucket {
            port: self.port,
            access_key: ACCESS_KEY.to_owned(),
            secret_key: SECRET_KEY.to_owned(),
            name: String::new(),
        };
        // GET / lists the buckets: it answers 503 until the server has read its disks.
        let ready = wait::until("MinIO to be ready", Duration::from_mins(1), async || {
            if let Err(e) = self.process().check() {
                return Ok(Some(Err(e)));
            }
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).context("MinIO's port")?;
            let probe = probe.clone();
            tokio::task::spawn_blocking(move || probe.get("")).await.context("probe")??;
            Ok(Some(Ok(())))
        });
        ready.await?
    }

    fn process(&self) -> std::sync::MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `s3://<bucket>/<prefix>?endpoint=http://127.0.0.1:<port>&region=us-east-1`: how Bastion is told where to
/// write; the port is the server's or a proxy's.
pub fn repo_url(bucket: &str, prefix: &str, port: u16) -> String {
    format!("s3://{bucket}/{prefix}?endpoint=http://127.0.0.1:{port}&region=us-east-1")
}

/// The environment that gives Bastion the server's credentials.
pub fn credentials() -> Vec<(String, String)> {
    let set = [
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        // Never ask the address of a cloud's metadata service.
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    set.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}
