use std::path::PathBuf;

use bastion_core::store::{Key, Prefix, StoreError, StoreResult};
use url::Url;

const PARAMETERS: &str = "endpoint, region, path_style, ca";

/// What a URL names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Location {
    Folder(PathBuf),
    Bucket(Bucket),
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(not(feature = "s3"), allow(dead_code))]
pub(super) struct Bucket {
    pub(super) name: String,
    pub(super) prefix: Option<Prefix>,
    pub(super) endpoint: Option<String>,
    pub(super) region: Option<String>,
    pub(super) path_style: Option<bool>,
    pub(super) ca: Option<PathBuf>,
}

/// Reads a storage URL. An error never repeats the URL: somebody may have put a password into it.
pub(super) fn parse(text: &str) -> StoreResult<Location> {
    match text.split_once("://") {
        None if text.is_empty() => bad("it is empty"),
        None => Ok(Location::Folder(text.into())),
        Some(("file", _)) => file(&url(text)?),
        Some(("s3", _)) => bucket(&url(text)?).map(Location::Bucket),
        Some((scheme, _)) => bad(format!("{scheme}:// is not supported; use file:// or s3://")),
    }
}

fn bad<T>(why: impl std::fmt::Display) -> StoreResult<T> {
    Err(StoreError::Unsupported(format!("storage URL: {why}")))
}

fn url(text: &str) -> StoreResult<Url> {
    let Ok(url) = Url::parse(text) else { return bad("it is malformed") };
    if !url.username().is_empty() || url.password().is_some() {
        return bad("it contains credentials; put them in the environment or in a file");
    }
    if url.fragment().is_some() {
        return bad("it has a fragment (#), which has no meaning here");
    }
    Ok(url)
}

fn file(url: &Url) -> StoreResult<Location> {
    if url.query().is_some() {
        return bad("a file:// URL takes no parameters");
    }
    match url.to_file_path() {
        Ok(path) => Ok(Location::Folder(path)),
        Err(()) => bad("a file:// URL needs an absolute path and no host: file:///path"),
    }
}

fn bucket(url: &Url) -> StoreResult<Bucket> {
    let Some(name) = url.host_str().filter(|name| !name.is_empty()) else {
        return bad("it names no bucket: s3://bucket/prefix");
    };
    if url.port().is_some() {
        return bad("a bucket has no port; for a server other than AWS, use ?endpoint=");
    }
    let mut bucket = Bucket { name: name.to_owned(), prefix: prefix(url.path())?, ..Bucket::default() };
    let mut seen = Vec::new();
    for (name, value) in url.query_pairs() {
        if seen.contains(&name) {
            return bad(format!("parameter {name} is given twice"));
        }
        let value = value.into_owned();
        match &*name {
            _ if value.is_empty() => return bad(format!("parameter {name} is empty")),
            "endpoint" => bucket.endpoint = Some(endpoint(value)?),
            "region" => bucket.region = Some(value),
            "ca" => bucket.ca = Some(value.into()),
            "path_style" => match value.parse() {
                Ok(path_style) => bucket.path_style = Some(path_style),
                Err(_) => return bad("path_style must be true or false"),
            },
            other => return bad(format!("unknown parameter {other}; use {PARAMETERS}")),
        }
        seen.push(name);
    }
    Ok(bucket)
}

fn prefix(path: &str) -> StoreResult<Option<Prefix>> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Ok(None);
    }
    // Taken as it stands: what would have to be encoded would stand in the bucket other than in the URL.
    let prefix = Prefix::from_segments(path.split('/'));
    if Key::parse(path).is_none() || prefix.as_str().trim_end_matches('/') != path {
        return bad("a prefix may contain letters, digits and -_.= separated by single slashes");
    }
    Ok(Some(prefix))
}

fn endpoint(value: String) -> StoreResult<String> {
    let Ok(url) = Url::parse(&value) else { return bad("endpoint is not a URL such as https://minio.example:9000") };
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return bad("endpoint must be an http:// or https:// URL");
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return bad("endpoint may have a host, a port and a path, and nothing else");
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn message(url: &str) -> String {
        parse(url).unwrap_err().to_string().strip_prefix("storage URL: ").unwrap().to_owned()
    }

    #[test]
    fn folders() {
        for (url, path) in [
            ("file:///backups/a", "/backups/a"),
            ("file:///with%20space", "/with space"),
            ("file://localhost/x", "/x"),
            ("/plain/path", "/plain/path"),
            ("relative/path", "relative/path"),
            (".", "."),
        ] {
            assert_eq!(parse(url).unwrap(), Location::Folder(path.into()), "{url}");
        }
    }

    #[test]
    fn buckets() {
        let plain = Bucket { name: "my-bucket".into(), ..Bucket::default() };
        for url in ["s3://my-bucket", "s3://my-bucket/"] {
            assert_eq!(parse(url).unwrap(), Location::Bucket(plain.clone()), "{url}");
        }
        let url =
            "s3://my-bucket/team-a/prod.eu/?endpoint=https://minio:9000&region=eu&path_style=false&ca=/etc/ca.pem";
        let full = Bucket {
            prefix: Some(Prefix::from_segments(["team-a", "prod.eu"])),
            endpoint: Some("https://minio:9000".into()),
            region: Some("eu".into()),
            path_style: Some(false),
            ca: Some("/etc/ca.pem".into()),
            ..plain
        };
        assert_eq!(parse(url).unwrap(), Location::Bucket(full));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (url, expected) in [
            ("", "it is empty"),
            ("gs://bucket", "gs:// is not supported; use file:// or s3://"),
            ("file://host/x", "a file:// URL needs an absolute path and no host: file:///path"),
            ("file:///x?region=a", "a file:// URL takes no parameters"),
            ("s3:///x", "it names no bucket: s3://bucket/prefix"),
            ("s3://bucket:9000/x", "a bucket has no port; for a server other than AWS, use ?endpoint="),
            ("s3://b/x?regoin=a", "unknown parameter regoin; use endpoint, region, path_style, ca"),
            ("s3://b/x?region=a&region=b", "parameter region is given twice"),
            ("s3://b/x?region=", "parameter region is empty"),
            ("s3://b/x?path_style=yes", "path_style must be true or false"),
            ("s3://b/x?endpoint=minio:9000", "endpoint must be an http:// or https:// URL"),
            ("s3://b/a//b", "a prefix may contain letters, digits and -_.= separated by single slashes"),
            ("s3://b/a%20b", "a prefix may contain letters, digits and -_.= separated by single slashes"),
            ("s3://b/x#y", "it has a fragment (#), which has no meaning here"),
        ] {
            assert_eq!(message(url), expected, "{url}");
        }
    }

    #[test]
    fn passwords_are_refused_and_not_repeated() {
        for url in [
            "s3://key:hunter2@bucket/x",
            "s3://hunter2@bucket",
            "s3://b?endpoint=https://user:hunter2@minio",
            "s3://b?endpoint=https://minio/?token=hunter2",
            "s3://[hunter2",
        ] {
            assert!(!message(url).contains("hunter2"), "{url}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_parsed_or_refused(text in "(s3://|file://)?[a-z:/@?&=%#. -]{0,40}") {
            if let Ok(Location::Bucket(bucket)) = parse(&text) {
                prop_assert!(!bucket.name.is_empty());
            }
        }
    }
}
