use std::{error::Error, fmt};

use aws_sdk_s3::{
    error::{ProvideErrorMetadata, SdkError},
    operation::RequestId,
};
use bastion_core::{error::Cause, store::StoreError};

/// Where the store is, for error messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) bucket: String,
    pub(super) endpoint: Option<String>,
    pub(super) region: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.endpoint {
            Some(endpoint) => write!(f, "bucket {} at {endpoint}", self.bucket),
            None => write!(f, "bucket {} in region {}", self.bucket, self.region),
        }
    }
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    Reading,
    Listing,
    Creating,
    Overwriting,
    Deleting,
}

impl Doing {
    fn writes(self) -> bool {
        matches!(self, Self::Creating | Self::Overwriting)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Listing => "listing",
            Self::Creating | Self::Overwriting => "writing",
            Self::Deleting => "deleting",
        }
    }
}

/// What the server said. Nothing of the request is in it, so no key either.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Answer {
    status: u16,
    code: Option<String>,
    message: Option<String>,
    request: Option<String>,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server answered HTTP {}", self.status)?;
        for part in [&self.code, &self.message].into_iter().flatten() {
            write!(f, ", {}", part.trim_end_matches('.'))?;
        }
        match self.code.as_deref() {
            Some("SignatureDoesNotMatch") => {
                f.write_str(" (wrong secret key, or not the region of the bucket)")?;
            }
            Some("ExpiredToken" | "TokenRefreshRequired") => f.write_str(" (these are temporary credentials)")?,
            Some("RequestTimeTooSkewed") => f.write_str(" (one of the two clocks is wrong)")?,
            _ => {}
        }
        match &self.request {
            Some(request) => write!(f, " [request {request}]"),
            None => Ok(()),
        }
    }
}

impl Error for Answer {}

/// A 503 without one of these may be a proxy's that has lost its server halfway.
const THROTTLING: [&str; 8] = [
    "SlowDown",
    "SlowDownRead",
    "SlowDownWrite",
    "ServiceUnavailable",
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
];

impl Place {
    /// What a failed request means for a store.
    pub(super) fn failed<E>(&self, doing: Doing, key: impl fmt::Display, error: SdkError<E>) -> StoreError
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let key = key.to_string();
        match error {
            SdkError::ServiceError(e) => {
                let meta = e.err().meta();
                let answer = Answer {
                    status: e.raw().status().as_u16(),
                    code: meta.code().map(str::to_owned),
                    message: meta.message().map(str::to_owned),
                    request: meta.request_id().map(str::to_owned),
                };
                self.answered(doing, key, answer)
            }
            error => {
                let sent = !never_sent(&error);
                let source = without_service(error);
                if let Some(why) = about_credentials(source.as_ref()) {
                    StoreError::Denied { key, source: why.into() }
                } else if sent && doing.writes() {
                    StoreError::OutcomeUnknown { key, source }
                } else {
                    StoreError::Unavailable { key, source }
                }
            }
        }
    }

    fn answered(&self, doing: Doing, key: String, answer: Answer) -> StoreError {
        let (status, code) = (answer.status, answer.code.clone().unwrap_or_default());
        let no_place = |answer| StoreError::NoSuchPlace { place: self.to_string(), source: Some(Box::new(answer)) };
        match (status, code.as_str()) {
            (_, "NoSuchKey") => StoreError::NotFound { key },
            (_, "NoSuchBucket" | "PermanentRedirect" | "AuthorizationHeaderMalformed" | "InvalidBucketName")
            | (301, _) => no_place(answer),
            (412, _) if doing == Doing::Creating => StoreError::AlreadyExists { key },
            (416, _) => StoreError::InvalidRange { key, size: 0, start: 0 },
            // Another write of the key was under way, and this one was not begun.
            (_, "ConditionalRequestConflict" | "OperationAborted") => {
                StoreError::Unavailable { key, source: Box::new(answer) }
            }
            (429, _) => StoreError::Throttled { key, source: Box::new(answer) },
            (_, code) if THROTTLING.contains(&code) => StoreError::Throttled { key, source: Box::new(answer) },
            // The server gave up waiting for the body.
            (_, "RequestTimeout") => StoreError::Unavailable { key, source: Box::new(answer) },
            (507, _) | (_, "XMinioStorageFull" | "XMinioAdminBucketQuotaExceeded" | "QuotaExceeded") => {
                StoreError::Full { key, source: Box::new(answer) }
            }
            (401 | 403, _) | (_, "ExpiredToken" | "TokenRefreshRequired" | "InvalidToken" | "InvalidAccessKeyId") => {
                StoreError::Denied { key, source: Box::new(answer) }
            }
            (501, _) | (_, "NotImplemented") if doing == Doing::Creating => StoreError::Unsupported(format!(
                "{self} does not support conditional creates (If-None-Match); {answer}"
            )),
            // An error in the middle of it, or of a proxy that lost its server: it may have been done.
            (500.., _) if doing.writes() => StoreError::OutcomeUnknown { key, source: Box::new(answer) },
            (500.., _) => StoreError::Unavailable { key, source: Box::new(answer) },
            // Not taken for "does not exist": some proxy or web server may have said it.
            _ => StoreError::Other { what: format!("{} {key}", doing.word()), source: Box::new(answer) },
        }
    }
}

/// Whether the request cannot have reached the server: no connection was made, or none was tried.
fn never_sent<E: Error + 'static>(error: &SdkError<E>) -> bool {
    let connecting = |e: &(dyn Error + 'static)| {
        e.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(hyper_util::client::legacy::Error::is_connect)
    };
    matches!(error, SdkError::ConstructionFailure(_)) || chain(error).any(connecting)
}

/// The SDK says "dispatch failure" of everything; what it wraps says more.
fn without_service<E: Error + Send + Sync + 'static>(error: SdkError<E>) -> Cause {
    match error.into_source() {
        Ok(source) => source,
        Err(error) => Box::new(error),
    }
}

/// What to say where no credentials could be had. None of the places they may come from is in the SDK's words.
fn about_credentials(error: &(dyn Error + 'static)) -> Option<String> {
    let error = chain(error).find(|e| e.is::<aws_credential_types::provider::error::CredentialsError>())?;
    let why = chain(error).map(ToString::to_string).collect::<Vec<_>>().join(": ");
    let why = why.split_whitespace().collect::<Vec<_>>().join(" "); // the SDK breaks lines
    Some(format!("no usable credentials in the environment, in ~/.aws or from the role of this machine ({why})"))
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(doing: Doing, status: u16, code: &str) -> String {
        let place = Place { bucket: "b".into(), endpoint: None, region: "eu-west-1".into() };
        let code = (!code.is_empty()).then(|| code.to_owned());
        let error = place.answered(doing, "some/key".into(), Answer { status, code, ..Answer::default() });
        format!("{error:?}").split([' ', '(']).next().unwrap_or_default().to_owned()
    }

    #[test]
    fn answers_mean() {
        use Doing::{Creating, Deleting, Listing, Overwriting, Reading};
        let table = [
            (Reading, 404, "NoSuchKey", "NotFound"),
            // A 404 that is not S3's own proves nothing.
            (Reading, 404, "", "Other"),
            (Reading, 404, "NoSuchBucket", "NoSuchPlace"),
            (Creating, 404, "NoSuchBucket", "NoSuchPlace"),
            (Listing, 301, "PermanentRedirect", "NoSuchPlace"),
            (Listing, 400, "AuthorizationHeaderMalformed", "NoSuchPlace"),
            (Creating, 412, "PreconditionFailed", "AlreadyExists"),
            (Overwriting, 412, "PreconditionFailed", "Other"),
            (Creating, 409, "ConditionalRequestConflict", "Unavailable"),
            (Reading, 416, "InvalidRange", "InvalidRange"),
            (Creating, 503, "SlowDown", "Throttled"),
            (Creating, 503, "", "OutcomeUnknown"),
            (Reading, 503, "", "Unavailable"),
            (Reading, 429, "", "Throttled"),
            (Creating, 500, "InternalError", "OutcomeUnknown"),
            (Overwriting, 502, "", "OutcomeUnknown"),
            (Deleting, 500, "InternalError", "Unavailable"),
            (Creating, 501, "NotImplemented", "Unsupported"),
            (Creating, 400, "RequestTimeout", "Unavailable"),
            (Creating, 507, "XMinioStorageFull", "Full"),
            (Reading, 403, "AccessDenied", "Denied"),
            (Reading, 403, "InvalidAccessKeyId", "Denied"),
            (Reading, 403, "SignatureDoesNotMatch", "Denied"),
            (Listing, 400, "ExpiredToken", "Denied"),
            (Listing, 400, "InvalidArgument", "Other"),
        ];
        for (doing, status, code, expected) in table {
            assert_eq!(meaning(doing, status, code), expected, "{doing:?} {status} {code}");
        }
    }

    #[test]
    fn an_answer_reads_well() {
        let answer = Answer {
            status: 403,
            code: Some("SignatureDoesNotMatch".into()),
            message: Some("Check your key and signing method.".into()),
            request: Some("17A".into()),
        };
        let expected = "the server answered HTTP 403, SignatureDoesNotMatch, Check your key and signing method \
                        (wrong secret key, or not the region of the bucket) [request 17A]";
        assert_eq!(answer.to_string(), expected);
    }
}
