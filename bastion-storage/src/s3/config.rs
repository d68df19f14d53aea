use std::{fmt, path::PathBuf, time::Duration};

use aws_config::{
    environment::region::EnvironmentVariableRegionProvider, meta::region::RegionProviderChain,
    profile::region::ProfileFileRegionProvider, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_sdk_s3::{
    Client,
    config::{
        AppName, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation, SharedHttpClient,
        StalledStreamProtectionConfig,
    },
};
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use bastion_core::store::{StoreError, StoreResult};

use super::error::Place;

/// An access key. Its `Debug` shows nothing of it.
#[derive(Clone)]
pub struct S3Credentials {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
}

impl S3Credentials {
    /// A key, and the token that belongs to it if it is a temporary one.
    pub fn new(access_key_id: impl Into<String>, secret_access_key: impl Into<String>, token: Option<String>) -> Self {
        Self { access_key_id: access_key_id.into(), secret_access_key: secret_access_key.into(), session_token: token }
    }
}

impl fmt::Debug for S3Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("S3Credentials(…)")
    }
}

/// Which bucket, and how to reach it.
#[derive(Debug, Clone)]
#[must_use]
pub struct S3Options {
    bucket: String,
    endpoint: Option<String>,
    region: Option<String>,
    path_style: Option<bool>,
    ca: Option<PathBuf>,
    credentials: Option<S3Credentials>,
    connect_timeout: Duration,
    pub(super) request_timeout: Duration,
}

impl S3Options {
    /// This bucket at AWS, with the credentials and the region of the environment (variables, profile, web
    /// identity, instance role).
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            endpoint: None,
            region: None,
            path_style: None,
            ca: None,
            credentials: None,
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_mins(2),
        }
    }

    /// Another server than AWS: `https://minio.example:9000`.
    pub fn endpoint(self, url: impl Into<String>) -> Self {
        Self { endpoint: Some(url.into()), ..self }
    }

    /// The region; otherwise `AWS_REGION` or the profile's, otherwise `us-east-1`.
    pub fn region(self, region: impl Into<String>) -> Self {
        Self { region: Some(region.into()), ..self }
    }

    /// Whether the bucket stands in the path rather than in the host name; otherwise only where an endpoint
    /// is given.
    pub fn path_style(self, path_style: bool) -> Self {
        Self { path_style: Some(path_style), ..self }
    }

    /// A PEM file with the certificates to trust, in place of the system's.
    pub fn ca(self, file: impl Into<PathBuf>) -> Self {
        Self { ca: Some(file.into()), ..self }
    }

    /// This key in place of what the environment has.
    pub fn credentials(self, credentials: S3Credentials) -> Self {
        Self { credentials: Some(credentials), ..self }
    }

    /// How long to wait for a connection (default 10 s) and for a whole request (default 120 s).
    pub fn timeouts(self, connect: Duration, request: Duration) -> Self {
        Self { connect_timeout: connect, request_timeout: request, ..self }
    }

    pub(super) async fn client(&self) -> StoreResult<(Client, Place)> {
        let region = RegionProviderChain::first_try(self.region.clone().map(Region::new))
            .or_else(EnvironmentVariableRegionProvider::new())
            .or_else(ProfileFileRegionProvider::new())
            // Not the instance's: off AWS that takes seconds to say nothing.
            .or_else(Region::new("us-east-1"));
        let region = region.region().await.unwrap_or_else(|| Region::new("us-east-1"));
        let mut loader = aws_config::defaults(aws_config::BehaviorVersion::latest()).region(region.clone());
        if let Some(c) = &self.credentials {
            loader = loader.credentials_provider(Credentials::new(
                &c.access_key_id,
                &c.secret_access_key,
                c.session_token.clone(),
                None,
                "options",
            ));
        }
        if let Ok(name) = AppName::new("bastion") {
            loader = loader.app_name(name);
        }
        let shared = loader.load().await;

        let timeouts = TimeoutConfig::builder()
            .connect_timeout(self.connect_timeout)
            .read_timeout(self.request_timeout)
            .operation_attempt_timeout(self.request_timeout)
            .operation_timeout(self.request_timeout);
        let mut config = aws_sdk_s3::config::Builder::from(&shared)
            .force_path_style(self.path_style.unwrap_or(self.endpoint.is_some()))
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts.build())
            .stalled_stream_protection(
                StalledStreamProtectionConfig::enabled().grace_period(Duration::from_secs(20)).build(),
            )
            // A body in memory gets its checksum as a plain header, which older servers pass over (they stumble
            // over trailers). Buckets with a default retention refuse a PUT without one.
            .request_checksum_calculation(RequestChecksumCalculation::WhenSupported)
            // What is read is compared with its hash anyway.
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        config.set_endpoint_url(self.endpoint.clone().or_else(|| shared.endpoint_url().map(str::to_owned)));
        if let Some(client) = self.https_client().await? {
            config = config.http_client(client);
        }
        let place =
            Place { bucket: self.bucket.clone(), endpoint: self.endpoint.clone(), region: region.as_ref().to_owned() };
        Ok((Client::from_conf(config.build()), place))
    }

    /// A client that trusts the given certificates only. For the bucket alone: the credentials may come
    /// from somewhere else.
    async fn https_client(&self) -> StoreResult<Option<SharedHttpClient>> {
        let Some(path) = &self.ca else { return Ok(None) };
        let bad = |why: String| StoreError::Unsupported(format!("CA file {}: {why}", path.display()));
        let pem = tokio::fs::read(path).await.map_err(|e| bad(e.to_string()))?;
        if !pem.windows(27).any(|w| w == b"-----BEGIN CERTIFICATE-----") {
            return Err(bad("it contains no PEM certificate".into()));
        }
        let trust = TrustStore::empty().with_pem_certificate(pem);
        let tls = TlsContext::builder().with_trust_store(trust).build().map_err(|e| bad(e.to_string()))?;
        let provider = Provider::Rustls(CryptoMode::AwsLc);
        let client = aws_smithy_http_client::Builder::new().tls_provider(provider).tls_context(tls).build_https();
        Ok(Some(client))
    }
}
