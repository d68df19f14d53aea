//! Requests and answers as bytes.
//!
//! kube's client carries them (TLS, credentials, proxies), but never decodes a body: where decoding fails it
//! logs the whole body, and its error types quote what they were given.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt;
use kube::client::Body;
use tokio::time::timeout;

use crate::{
    client::Client,
    http::{
        backoff::{brisk, random},
        fault::{Fault, Status},
    },
};

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) accept: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
}

pub(crate) const JSON: &str = "application/json";

/// How often a call is tried in all.
const TRIES: u32 = 5;

/// Error bodies beyond this are not read: they are texts for people.
const ERROR_BODY: usize = 64 << 10;

impl Request {
    pub(crate) fn new(method: Method, path: String, body: Bytes) -> Self {
        Self { method, path, accept: JSON, content_type: JSON, body }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path.into(), Bytes::new())
    }

    pub(crate) fn accepting(self, accept: &'static str) -> Self {
        Self { accept, ..self }
    }

    fn to_http(&self, watch: bool) -> Result<http::Request<Body>, Fault> {
        let mut request = http::Request::builder()
            .method(self.method.clone())
            .uri(&self.path)
            .header(http::header::ACCEPT, self.accept);
        if !self.body.is_empty() {
            request = request.header(http::header::CONTENT_TYPE, self.content_type);
        }
        if watch {
            // Newer servers compress each event by itself, which the decompression layer cannot follow.
            request = request.header(http::header::ACCEPT_ENCODING, "identity");
        }
        request.body(Body::from(self.body.clone())).map_err(|e| Fault::Malformed(e.to_string()))
    }
}

impl Client {
    /// One call with its retries: what the server turned away (429, 503) is sent again, and reads also after
    /// a broken connection or a server's time-out. A write whose answer was lost is not: the caller looks.
    pub(crate) async fn call(&self, request: &Request) -> Result<Bytes, Fault> {
        self.call_up_to(request, usize::MAX).await
    }

    /// A call whose answer may have so many bytes; beyond it is given up.
    pub(crate) async fn call_up_to(&self, request: &Request, most: usize) -> Result<Bytes, Fault> {
        let mut backoff = brisk();
        loop {
            let fault = match self.attempt(request, most).await {
                Ok(body) => return Ok(body),
                Err(fault) => fault,
            };
            let again = match &fault {
                Fault::Status(status) => match status.code {
                    429 | 503 => true,
                    500 | 502 | 504 => request.method == Method::GET,
                    _ => false,
                },
                Fault::Transport { sent, .. } => !*sent || request.method == Method::GET,
                Fault::TimedOut(_)
                | Fault::Untrusted(_)
                | Fault::Credentials
                | Fault::TooLong(_)
                | Fault::Malformed(_) => false,
            };
            let wait = backoff.next_after(fault.retry_after(), random());
            if !again || backoff.failures() >= TRIES {
                return Err(fault);
            }
            tracing::debug!(path = %request.path, %fault, ?wait, "retrying");
            tokio::time::sleep(wait).await;
        }
    }

    /// One call without retries.
    pub(crate) async fn call_once(&self, request: &Request) -> Result<Bytes, Fault> {
        self.attempt(request, usize::MAX).await
    }

    async fn attempt(&self, request: &Request, most: usize) -> Result<Bytes, Fault> {
        let body = self.open(request, false).await?;
        collect(body, self.options().request_timeout, most).await
    }

    /// Sends the request and hands back the body of a successful answer, unread.
    pub(crate) async fn open(&self, request: &Request, watch: bool) -> Result<Body, Fault> {
        self.turn().await;
        let patience = self.options().request_timeout;
        let answer = timeout(patience, self.inner.send(request.to_http(watch)?))
            .await
            .map_err(|_| Fault::TimedOut(patience))?
            .map_err(Fault::transport)?;
        let (parts, body) = answer.into_parts();
        if parts.status.is_success() {
            return Ok(body);
        }
        let asked = parts.headers.get(http::header::RETRY_AFTER).and_then(|v| v.to_str().ok()?.parse().ok());
        // A longer one is no `Status`: its code says enough.
        let text = collect(body, patience, ERROR_BODY).await.unwrap_or_default();
        Err(Fault::Status(Box::new(Status::parse(parts.status.as_u16(), asked.map(Duration::from_secs), &text))))
    }
}

/// Reads a body of `most` bytes at most; `patience` is for each piece, not for the whole.
async fn collect(mut body: Body, patience: Duration, most: usize) -> Result<Bytes, Fault> {
    let (mut pieces, mut len) = (Vec::new(), 0);
    while let Some(frame) = timeout(patience, body.frame()).await.map_err(|_| Fault::TimedOut(patience))? {
        let Ok(data) = frame.map_err(Fault::transport)?.into_data() else { continue };
        if data.len() > most.saturating_sub(len) {
            return Err(Fault::TooLong(most));
        }
        len += data.len();
        pieces.push(data);
    }
    // Put together once: a buffer that grows would copy a page two more times.
    Ok(pieces.concat().into())
}
