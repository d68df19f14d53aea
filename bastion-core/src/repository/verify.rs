//! Verification: reads every byte of a repository and names every file that is damaged or missing.

use std::{collections::BTreeMap, fmt, sync::Arc};

use futures::{StreamExt, stream::BoxStream};
use serde::Serialize;

use super::{
    Repository,
    clusters::cluster_folders,
    format::{self, keys, keys::ClusterKeys},
};
use crate::{
    error::{Error, Result},
    hash::{Digest, Hasher},
    runtime::{RuntimeExt, SharedRuntime},
    store::{Key, Prefix, Store, StoreError},
};

mod cluster;
mod files;
#[cfg(test)]
mod tests;

/// No report lists more problems than this; the rest is counted.
const MAX_LISTED: usize = 10_000;
/// Files that are read at a time: with bodies of up to 16 MiB this bounds the memory.
const PARALLEL: usize = 8;

/// What else to verify a repository against.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    heads: BTreeMap<String, (u64, Digest)>,
}

impl VerifyOptions {
    /// The end of a cluster's log as it is known from elsewhere (a Lease, an earlier `status`). Without it nobody can
    /// tell if the newest segments are missing.
    #[must_use]
    pub fn expect_head(mut self, cluster: impl Into<String>, number: u64, digest: Digest) -> Self {
        self.heads.insert(cluster.into(), (number, digest));
        self
    }
}

/// How far a verification has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct VerifyProgress {
    /// Files that were read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Problems that were found.
    pub problems: u64,
}

/// A file that is damaged or missing. Serializes as `{"file":"…","why":"…"}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// Which file.
    #[serde(rename = "file")]
    pub key: Key,
    /// What is wrong with it.
    pub why: String,
}

impl Problem {
    /// A problem with this file.
    pub fn new(key: Key, why: impl Into<String>) -> Self {
        Self { key, why: why.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.why)
    }
}

/// What a verification found.
///
/// ```json
/// {"files":9,"bytes":4711,"revisions":120,"clusters":1,"unreferenced":0,"unknown":0,
///  "problems":[{"file":"clusters/prod/log/…","why":"it is missing"}],"unlistedProblems":0}
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct VerifyReport {
    /// Files that were read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Revisions in the logs whose content was compared with its digest, or that have none.
    pub revisions: u64,
    /// Clusters that the repository has logs of.
    pub clusters: u64,
    /// Packs and index files that nothing refers to: left by writers that died before they committed. Harmless.
    pub unreferenced: u64,
    /// Files whose names mean nothing to this program. They were not read.
    pub unknown: u64,
    /// What is wrong, in the order in which it was found.
    pub problems: Vec<Problem>,
    /// Problems beyond the first ten thousand.
    pub unlisted_problems: u64,
}

impl VerifyReport {
    /// Whether there are no problems.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }
}

impl Repository {
    /// Reads every file of the repository (but not its views) and checks each checksum, the chain of each
    /// log, each body against its digest, and that nothing is missing that another file needs.
    ///
    /// Damage is part of the report; an error means that the storage could not be read.
    pub async fn verify(
        &self,
        options: &VerifyOptions,
        progress: impl Fn(VerifyProgress) + Send + Sync,
    ) -> Result<VerifyReport> {
        let verifier = Verifier {
            store: self.store().clone(),
            runtime: self.runtime().clone(),
            hasher: self.hasher(),
            progress: &progress,
        };
        verifier.run(options).await
    }
}

/// What verifying needs.
struct Verifier<'a> {
    store: Arc<dyn Store>,
    runtime: SharedRuntime,
    hasher: Arc<dyn Hasher>,
    progress: &'a (dyn Fn(VerifyProgress) + Send + Sync),
}

/// A listed file, read and checked.
struct Checked<T> {
    key: Key,
    bytes: u64,
    /// What the check found; or why the file cannot be read.
    outcome: Result<T, String>,
}

impl Verifier<'_> {
    async fn run(&self, options: &VerifyOptions) -> Result<VerifyReport> {
        let mut report = VerifyReport::default();
        let config = keys::config();
        let read = self.read(config.clone(), format::decode_config).await?;
        self.count(&mut report, &read);

        let mut expected = options.heads.clone();
        for keys in cluster_folders(&*self.store).await? {
            report.clusters += 1;
            let head = expected.keys().find(|name| ClusterKeys::new(name) == keys).cloned();
            let head = head.and_then(|name| expected.remove(&name));
            cluster::Walk::new(self, &mut report, keys).run(head).await?;
        }
        for (cluster, (number, _)) in expected {
            let key = ClusterKeys::new(&cluster).segment(number);
            self.add(&mut report, key, "it is missing, along with the whole log it belongs to");
        }
        Ok(report)
    }

    /// Reads all files of a folder in order, some at a time, each check where blocking disturbs nobody.
    fn scan<'s, T: Send + 'static>(
        &'s self,
        prefix: &Prefix,
        check: impl Fn(&Key, &[u8]) -> Result<T> + Clone + Send + Sync + 'static,
    ) -> BoxStream<'s, Result<Checked<T>>> {
        let listed = self.store.list(prefix, None);
        let read = listed.map(move |meta| {
            let check = check.clone();
            async move { self.read(meta?.key, check).await }
        });
        read.buffered(PARALLEL).boxed()
    }

    async fn read<T: Send + 'static>(
        &self,
        key: Key,
        check: impl FnOnce(&Key, &[u8]) -> Result<T> + Send + 'static,
    ) -> Result<Checked<T>> {
        let bytes = match self.store.get(&key, None).await {
            Ok(bytes) => bytes,
            Err(StoreError::NotFound { .. }) => {
                return Ok(Checked { key, bytes: 0, outcome: Err("it is missing".into()) });
            }
            Err(StoreError::Corrupt { why, .. }) => return Ok(Checked { key, bytes: 0, outcome: Err(why) }),
            Err(error) => return Err(error.into()),
        };
        let len = bytes.len() as u64;
        let work_key = key.clone();
        let outcome = self.runtime.offloaded(move || check(&work_key, &bytes).map_err(|e| reason(&e))).await;
        Ok(Checked { key, bytes: len, outcome })
    }

    /// Counts a file that was read, and its damage.
    fn count<T>(&self, report: &mut VerifyReport, file: &Checked<T>) {
        report.files += 1;
        report.bytes += file.bytes;
        match &file.outcome {
            Err(why) => self.add(report, file.key.clone(), why.clone()),
            Ok(_) => self.tell(report),
        }
    }

    fn add(&self, report: &mut VerifyReport, key: Key, why: impl Into<String>) {
        if report.problems.len() < MAX_LISTED {
            report.problems.push(Problem::new(key, why));
        } else {
            report.unlisted_problems += 1;
        }
        self.tell(report);
    }

    fn tell(&self, report: &VerifyReport) {
        let problems = report.problems.len() as u64 + report.unlisted_problems;
        (self.progress)(VerifyProgress { files: report.files, bytes: report.bytes, problems });
    }
}

/// What is wrong, without the key: the problem has that beside.
fn reason(error: &Error) -> String {
    match error {
        Error::Corrupt { why, .. } => why.clone(),
        Error::UnknownFeature { features, .. } => format!("it needs a newer Bastion: it uses {features:?}"),
        other => other.to_string(),
    }
}
