/// How many levels of lists and maps an object may have. The API server accepts more than five hundred;
/// beyond this limit an object is refused with [`ManifestError::TooDeep`], unless what is deeper is left out anyway.
pub const MAX_DEPTH: usize = 1024;

/// Why bytes are not a manifest. Never quotes the content: it may be a Secret's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// More nested levels than [`MAX_DEPTH`].
    #[error("nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// JSON, but not an object.
    #[error("not a JSON object")]
    NotAnObject,
    /// Not JSON, or a number beyond what a double can hold.
    #[error("not valid JSON: {0}")]
    Json(String),
    /// Not YAML that Kubernetes' own reader takes.
    #[error("not valid YAML: {0}")]
    Yaml(String),
}
