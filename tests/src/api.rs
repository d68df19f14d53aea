//! The Kubernetes API in plain JSON: paths in, values out, nothing typed that could drop a field.

use std::collections::BTreeMap;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::{Method, Request};
use kube::Client;
use serde_json::{Value, json};

/// A resource type as the API server lists it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resource {
    /// API group, empty for core.
    pub group: String,
    /// Version.
    pub version: String,
    /// Plural name, as it stands in paths.
    pub plural: String,
    /// Kind.
    pub kind: String,
    /// Whether its objects lie in namespaces.
    pub namespaced: bool,
    /// What can be done with it.
    pub verbs: Vec<String>,
}

impl Resource {
    /// A custom resource that tests know.
    pub fn new(group: &str, version: &str, kind: &str, plural: &str, namespaced: bool) -> Self {
        let text = str::to_owned;
        let verbs = Vec::new();
        Self { group: text(group), version: text(version), plural: text(plural), kind: text(kind), namespaced, verbs }
    }

    /// `v1`, `cert-manager.io/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Path of all its objects, or of those of one namespace.
    pub fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.group.is_empty() { "/api" } else { "/apis" };
        match namespace.filter(|_| self.namespaced) {
            Some(ns) => format!("{root}/{}/namespaces/{ns}/{}", self.api_version(), self.plural),
            None => format!("{root}/{}/{}", self.api_version(), self.plural),
        }
    }

    /// Path of one object. The name goes in as it is: names may hold `:`.
    pub fn object(&self, namespace: Option<&str>, name: &str) -> String {
        format!("{}/{name}", self.path(namespace))
    }

    /// A manifest with nothing but its head.
    pub fn head(&self, namespace: Option<&str>, name: &str) -> Value {
        let mut object = json!({"apiVersion": self.api_version(), "kind": self.kind, "metadata": {"name": name}});
        if let Some(ns) = namespace.filter(|_| self.namespaced) {
            object["metadata"]["namespace"] = json!(ns);
        }
        object
    }
}

/// A client that speaks JSON values.
#[derive(Clone)]
pub struct Api {
    client: Client,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Api")
    }
}

impl Api {
    /// Wraps a client.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// The client beneath.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// GET.
    pub async fn get(&self, path: &str) -> kube::Result<Value> {
        self.send(Method::GET, path, "", None).await
    }

    /// GET; `None` where there is nothing.
    pub async fn find(&self, path: &str) -> kube::Result<Option<Value>> {
        match self.get(path).await {
            Ok(value) => Ok(Some(value)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// POST of one object to the path of its resource.
    pub async fn create(&self, path: &str, object: &Value) -> kube::Result<Value> {
        self.send(Method::POST, path, "application/json", Some(object)).await
    }

    /// POST of one object as YAML, which the API server reads itself, with the library that kubectl has.
    pub async fn create_yaml(&self, path: &str, text: String) -> kube::Result<Value> {
        let request = Request::builder().method(Method::POST).uri(path);
        let request = request.header(http::header::CONTENT_TYPE, "application/yaml").body(text.into_bytes());
        let answer = self.client.request_text(request.map_err(kube::Error::HttpError)?).await?;
        parse(&answer).map_err(kube::Error::SerdeError)
    }

    /// PUT.
    pub async fn replace(&self, path: &str, object: &Value) -> kube::Result<Value> {
        self.send(Method::PUT, path, "application/json", Some(object)).await
    }

    /// PATCH with a merge patch; a path that ends in `/status` changes the status only.
    pub async fn merge(&self, path: &str, change: &Value) -> kube::Result<Value> {
        self.send(Method::PATCH, path, "application/merge-patch+json", Some(change)).await
    }

    /// Server-side apply, forced, by manager `tests`.
    pub async fn apply(&self, path: &str, object: &Value) -> kube::Result<Value> {
        let path = format!("{path}?fieldManager=tests&force=true");
        self.send(Method::PATCH, &path, "application/apply-patch+yaml", Some(object)).await
    }

    /// DELETE of one object, or of all objects of a path.
    pub async fn delete(&self, path: &str) -> kube::Result<Value> {
        self.send(Method::DELETE, path, "", None).await
    }

    /// All objects of a resource, page by page, each with its `apiVersion` and `kind`.
    pub async fn list(&self, resource: &Resource, namespace: Option<&str>) -> kube::Result<Vec<Value>> {
        let mut out = Vec::new();
        let mut token = String::new();
        loop {
            let path = format!("{}?limit=500&continue={token}", resource.path(namespace));
            let mut page = self.get(&path).await?;
            if let Value::Array(items) = page["items"].take() {
                out.extend(items.into_iter().map(|mut item| {
                    item["apiVersion"] = resource.api_version().into();
                    item["kind"] = resource.kind.clone().into();
                    item
                }));
            }
            page["metadata"]["continue"].as_str().unwrap_or_default().clone_into(&mut token);
            if token.is_empty() {
                return Ok(out);
            }
        }
    }

    /// Every resource that can be listed, in the preferred version of its group.
    pub async fn resources(&self) -> kube::Result<Vec<Resource>> {
        let groups = self.get("/apis").await?;
        let mut versions = vec![(String::new(), "v1".to_owned())];
        for group in groups["groups"].as_array().into_iter().flatten() {
            // The preferred version first, so that it wins below; a kind that only an older version
            // serves is found there.
            let preferred = group["preferredVersion"]["version"].as_str().unwrap_or_default();
            let name = group["name"].as_str().unwrap_or_default();
            let all = group["versions"].as_array().into_iter().flatten().filter_map(|v| v["version"].as_str());
            versions.extend(std::iter::once(preferred).chain(all).map(|v| (name.to_owned(), v.to_owned())));
        }
        let mut found = BTreeMap::new();
        for (group, version) in versions {
            let path = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
            let list = self.get(&path).await?;
            for r in list["resources"].as_array().into_iter().flatten() {
                let text = |field: &str| r[field].as_str().unwrap_or_default().to_owned();
                let verbs: Vec<String> =
                    r["verbs"].as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect();
                if text("name").contains('/') || !verbs.iter().any(|v| v == "list") {
                    continue;
                }
                found.entry((group.clone(), text("name"))).or_insert_with(|| Resource {
                    group: group.clone(),
                    version: version.clone(),
                    plural: text("name"),
                    kind: text("kind"),
                    namespaced: r["namespaced"].as_bool().unwrap_or_default(),
                    verbs,
                });
            }
        }
        Ok(found.into_values().collect())
    }

    /// Creates many objects, sixteen at a time; the first error ends it.
    pub async fn create_all(&self, resource: &Resource, objects: impl IntoIterator<Item = Value>) -> kube::Result<()> {
        stream::iter(objects)
            .map(|object| async move {
                let path = resource.path(object["metadata"]["namespace"].as_str());
                self.create(&path, &object).await.map(drop)
            })
            .buffer_unordered(16)
            .try_collect()
            .await
    }

    async fn send(&self, method: Method, path: &str, content: &str, body: Option<&Value>) -> kube::Result<Value> {
        let bytes = match body {
            Some(value) => serde_json::to_vec(value).map_err(kube::Error::SerdeError)?,
            None => Vec::new(),
        };
        let mut request = Request::builder().method(method).uri(path);
        if !content.is_empty() {
            request = request.header(http::header::CONTENT_TYPE, content);
        }
        let request = request.body(bytes).map_err(kube::Error::HttpError)?;
        let text = self.client.request_text(request).await?;
        parse(&text).map_err(kube::Error::SerdeError)
    }
}

/// JSON of any depth: objects may be nested deeper than the 128 levels of `from_str`.
///
/// # Errors
/// When it is no JSON.
pub fn parse(text: &str) -> serde_json::Result<Value> {
    let mut parser = serde_json::Deserializer::from_str(text);
    parser.disable_recursion_limit();
    serde::Deserialize::deserialize(serde_stacker::Deserializer::new(&mut parser))
}
