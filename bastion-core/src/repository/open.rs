//! Making and opening a repository.

use std::sync::Arc;

use super::{InitOptions, OpenOptions, Repository};
use crate::{
    error::{Error, Result},
    store::Store,
};

impl Repository {
    /// Makes a repository where there is none, and opens it to write.
    pub async fn init(_store: Arc<dyn Store>, _options: InitOptions) -> Result<Self> {
        Err(Error::Invalid("not built yet".into()))
    }

    /// Opens a repository.
    pub async fn open(_store: Arc<dyn Store>, _options: OpenOptions) -> Result<Self> {
        Err(Error::NoRepository)
    }
}
