use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    path::Path,
};

use serde_json::{Value, json};

use super::{ControlPlane, lock};
use crate::{
    dir::TestDir,
    error::{Context as _, Error, Result},
};

/// etcd's data of one moment.
#[derive(Debug)]
pub struct EtcdBackup {
    dir: TestDir,
}

impl ControlPlane {
    /// `kill -9` of the API server.
    pub fn kill_apiserver(&self) {
        lock(&self.apiserver).kill9();
    }

    /// Starts the API server again with the same arguments, and waits until it is ready. Its watch cache
    /// begins anew: a watch from before then gets 410.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn restart_apiserver(&self) -> Result<()> {
        lock(&self.apiserver).restart()?;
        self.wait_ready().await
    }

    /// `kill -9` of the controller-manager, where there is one; nothing collects garbage any more.
    pub fn kill_controller_manager(&self) {
        if let Some(process) = &self.controller_manager {
            lock(process).kill9();
        }
    }

    /// Starts the controller-manager again.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn restart_controller_manager(&self) -> Result<()> {
        self.controller_manager.as_ref().map_or(Ok(()), |process| lock(process).restart())
    }

    /// Compacts etcd up to now and starts the API server anew, so that every older resourceVersion is gone.
    /// Compaction alone would give no 410: the API server's cache goes on serving.
    ///
    /// # Errors
    /// When etcd does not answer or the API server does not come up.
    pub async fn compact_and_restart(&self) -> Result<()> {
        self.kill_apiserver();
        self.compact_etcd().await?;
        self.restart_apiserver().await
    }

    /// Compacts etcd up to now.
    ///
    /// # Errors
    /// When etcd does not answer.
    pub async fn compact_etcd(&self) -> Result<()> {
        let port = self.etcd_port;
        let compact = move || -> Result<()> {
            let range = post(port, "/v3/kv/range", &json!({"key": "AA==", "limit": 1}))?;
            let revision = &range["header"]["revision"];
            post(port, "/v3/kv/compaction", &json!({"revision": revision, "physical": true})).map(drop)
        };
        tokio::task::spawn_blocking(compact).await.context("compaction")?
    }

    /// Stops the API server and etcd, copies etcd's data, starts both again.
    ///
    /// # Errors
    /// When the data cannot be copied or a server does not come up.
    pub async fn backup_etcd(&self) -> Result<EtcdBackup> {
        let dir = TestDir::new("etcd-backup")?;
        self.stop_storage();
        copy(&self.dir().join("etcd"), &dir.path().join("etcd"))?;
        self.start_storage().await?;
        Ok(EtcdBackup { dir })
    }

    /// Puts etcd's data of an earlier moment back: resourceVersions go backwards, as after a restore from
    /// a snapshot by an administrator.
    ///
    /// # Errors
    /// When the data cannot be copied or a server does not come up.
    pub async fn restore_etcd(&self, backup: &EtcdBackup) -> Result<()> {
        self.stop_storage();
        let data = self.dir().join("etcd");
        fs::remove_dir_all(&data).context("etcd's data")?;
        copy(&backup.dir.path().join("etcd"), &data)?;
        self.start_storage().await?;
        // Its caches hold resourceVersions of a future that is no more.
        self.restart_controller_manager()
    }

    fn stop_storage(&self) {
        lock(&self.apiserver).kill9();
        lock(&self.etcd).kill9();
    }

    async fn start_storage(&self) -> Result<()> {
        lock(&self.etcd).restart()?;
        self.restart_apiserver().await
    }
}

/// A POST to etcd's JSON gateway. HTTP/1.0, so that the answer comes in one piece and the connection ends.
fn post(port: u16, path: &str, body: &Value) -> Result<Value> {
    let body = body.to_string();
    let head = format!("POST {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\r\n", body.len());
    let exchange = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(super::READY))?;
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let answer = exchange().context(format!("etcd's {path}"))?;
    let (head, content) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if !head.lines().next().is_some_and(|line| line.contains(" 200 ")) {
        return Err(Error::new(format!("etcd's {path} answered {answer}")));
    }
    serde_json::from_str(content).context(format!("answer of etcd's {path}"))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let what = || format!("copying {}", from.display());
    fs::create_dir_all(to).context(what())?;
    for entry in fs::read_dir(from).context(what())? {
        let entry = entry.context(what())?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &target)?;
        } else {
            fs::copy(&source, &target).context(what())?;
        }
    }
    Ok(())
}
