//! Making and opening a repository.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    InitOptions, Inner, OpenOptions, Repository, RepositoryInfo,
    format::{self, Config, keys},
    retry::Attempts,
};
use crate::{
    error::{Error, Result},
    runtime::SharedRuntime,
    store::{PutOptions, Store, StoreError},
};

/// How long opening goes on after lost answers.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

impl Repository {
    /// Makes a repository where there is none, and opens it to write.
    pub async fn init(store: Arc<dyn Store>, options: InitOptions) -> Result<Self> {
        let runtime = options.runtime;
        let id = format!("{:016x}{:016x}", runtime.random(), runtime.random());
        let config = Config::new(id, options.algorithm, runtime.now());
        let bytes = Bytes::from(format::encode_config(&config)?);
        if let Written::Exists(stored) = create_config(&store, &runtime, &bytes).await? {
            let there = format::decode_config(&keys::config(), &stored)?;
            // The id is random: the same one there is our own create whose answer was lost.
            if there.id != config.id {
                return Err(Error::RepositoryExists { id: there.id });
            }
        }
        require_create_only(&store, &runtime, &bytes).await?;
        Ok(Self::opened(store, runtime, config, true))
    }

    /// Opens a repository. To write, only where the storage shows that it refuses to overwrite.
    pub async fn open(store: Arc<dyn Store>, options: OpenOptions) -> Result<Self> {
        let bytes = match store.get(&keys::config(), None).await {
            Ok(bytes) => bytes,
            Err(StoreError::NotFound { .. }) => return Err(Error::NoRepository),
            Err(e) => return Err(e.into()),
        };
        // Refuses features that are not known here: before anything is written.
        let config = format::decode_config(&keys::config(), &bytes)?;
        if options.write {
            require_create_only(&store, &options.runtime, &bytes).await?;
        }
        Ok(Self::opened(store, options.runtime, config, options.write))
    }

    fn opened(store: Arc<dyn Store>, runtime: SharedRuntime, config: Config, writable: bool) -> Self {
        let info = RepositoryInfo { id: config.id, algorithm: config.digest, created: config.created };
        Self(Arc::new(Inner { store, runtime, info, writable }))
    }
}

enum Written {
    New,
    Exists(Bytes),
}

/// Creates bastion.json, or reads the one that is there.
async fn create_config(store: &Arc<dyn Store>, runtime: &SharedRuntime, bytes: &Bytes) -> Result<Written> {
    let mut attempts = Attempts::new(runtime, Some(PATIENCE));
    loop {
        let error = match store.put(&keys::config(), bytes.clone(), &PutOptions::create()).await {
            Ok(_) => return Ok(Written::New),
            Err(StoreError::AlreadyExists { .. }) => match store.get(&keys::config(), None).await {
                Ok(stored) => return Ok(Written::Exists(stored)),
                Err(e) => e,
            },
            Err(e) => e,
        };
        if !attempts.again(&error).await {
            return Err(error.into());
        }
    }
}

/// Creates bastion.json again with the bytes that it has, and requires "exists already" for an answer: a
/// server that overwrites silently would let one writer's commits bury another's.
async fn require_create_only(store: &Arc<dyn Store>, runtime: &SharedRuntime, bytes: &Bytes) -> Result<()> {
    match create_config(store, runtime, bytes).await? {
        Written::Exists(_) => Ok(()),
        Written::New => Err(Error::Invalid(
            "the storage overwrites files although it was told to create them only (it ignores `If-None-Match: *`); \
             commits would be lost, so nothing is written there"
                .into(),
        )),
    }
}
