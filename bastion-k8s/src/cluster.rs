//! What a cluster says of itself.

use crate::{
    client::Client,
    error::{Error, Result},
    http::{fault::Right, rest::Request},
    meta::Head,
};

impl Client {
    /// uid of namespace `kube-system`: names the cluster, whatever a kubeconfig calls it.
    pub async fn cluster_uid(&self) -> Result<String> {
        let doing = || format!("reading the uid of namespace kube-system at {}", self.server());
        let right = Right { verb: "get", plural: "namespaces", group: "" };
        let request = Request::get("/api/v1/namespaces/kube-system");
        let body = self.call(&request).await.map_err(|f| f.into_error(doing(), right))?;
        match Head::parse(&body) {
            Ok(head) if !head.metadata.uid.is_empty() => Ok(head.metadata.uid.into_owned()),
            Ok(_) => Err(Error::Malformed { doing: doing(), why: "it has no uid".into() }),
            Err(why) => Err(Error::Malformed { doing: doing(), why }),
        }
    }

    /// Whether the API server answers and knows who we are. What we may do there is not asked.
    pub async fn reach(&self) -> Result<()> {
        let right = Right { verb: "get", plural: "version", group: "" };
        match self.call(&Request::get("/version")).await {
            Ok(_) => Ok(()),
            Err(fault) => match fault.into_error(format!("asking {} for its version", self.server()), right) {
                Error::Forbidden { .. } | Error::NotFound { .. } => Ok(()),
                error => Err(error),
            },
        }
    }
}
