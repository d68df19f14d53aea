use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use aws_sdk_s3::Client;
use bastion_storage::{S3Credentials, S3Options, S3Store};
use bastion_test_tools::Tool;
use tempfile::TempDir;

pub(crate) const ACCESS_KEY: &str = "bastion-access-key";
pub(crate) const SECRET_KEY: &str = "bastion-secret-key";

/// A running server, ended with the test however that dies.
pub(crate) struct Minio {
    server: Child,
    binary: PathBuf,
    folder: TempDir,
    pub(crate) port: u16,
    https: bool,
}

impl Minio {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| false).await
    }

    /// As `start`; `certificates` may put some into `certs` and says whether it did.
    pub(crate) async fn start_with(certificates: impl FnOnce(&Path) -> bool) -> Self {
        let binary = Tool::Minio.path().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let certs = folder.path().join("certs");
        std::fs::create_dir(&certs).unwrap();
        let https = certificates(&certs);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = spawn(&binary, folder.path(), port);
        let minio = Self { server, binary, folder, port, https };
        minio.ready().await;
        minio
    }

    pub(crate) fn kill(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    pub(crate) async fn restart(&mut self) {
        self.server = spawn(&self.binary, self.folder.path(), self.port);
        self.ready().await;
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("{}://127.0.0.1:{}", if self.https { "https" } else { "http" }, self.port)
    }

    pub(crate) fn certs(&self) -> PathBuf {
        self.folder.path().join("certs")
    }

    /// Options for a bucket here, with the right key and short time-outs.
    pub(crate) fn options(&self, bucket: &str) -> S3Options {
        S3Options::new(bucket)
            .endpoint(self.endpoint())
            .credentials(credentials())
            .timeouts(Duration::from_secs(2), Duration::from_secs(20))
    }

    /// The tests' own client, to look behind the store's back.
    pub(crate) fn client(&self) -> Client {
        let key = aws_sdk_s3::config::Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "test");
        let config = aws_sdk_s3::Config::builder()
            .behavior_version_latest()
            .endpoint_url(self.endpoint())
            .region(aws_sdk_s3::config::Region::new("us-east-1"))
            .force_path_style(true)
            .credentials_provider(key);
        Client::from_conf(config.build())
    }

    /// A new bucket and a store in it.
    pub(crate) async fn store(&self, bucket: &str) -> S3Store {
        self.client().create_bucket().bucket(bucket).send().await.unwrap();
        S3Store::open(&self.options(bucket)).await.unwrap()
    }

    async fn ready(&self) {
        for _ in 0..300 {
            let done = self.client().list_buckets().send().await;
            // Over https it is up as soon as it objects to our not knowing its certificate.
            if done.is_ok() || (self.https && tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_ok()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("MinIO did not come up on port {}", self.port);
    }
}

impl Drop for Minio {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn spawn(binary: &Path, folder: &Path, port: u16) -> Child {
    // The kernel ends it when the thread that started it is gone.
    Command::new("setpriv")
        .args(["--pdeathsig", "KILL"])
        .arg(binary)
        .args(["server", "--quiet", "--address", &format!("127.0.0.1:{port}"), "--certs-dir"])
        .args([folder.join("certs"), folder.join("data")])
        .envs([("MINIO_ROOT_USER", ACCESS_KEY), ("MINIO_ROOT_PASSWORD", SECRET_KEY)])
        .envs([("MINIO_BROWSER", "off"), ("MINIO_UPDATE", "off")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("starting MinIO with setpriv")
}

pub(crate) fn credentials() -> S3Credentials {
    S3Credentials::new(ACCESS_KEY, SECRET_KEY, None)
}
