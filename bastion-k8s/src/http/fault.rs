//! What went wrong with a request, and how it becomes an [`Error`] that says what to do.

use std::{borrow::Cow, error::Error as StdError, fmt, io, time::Duration};

use serde::Deserialize;

use crate::error::Error;

/// What went wrong with one request.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The server answered with an error.
    Status(Box<Status>),
    /// No answer, or its next piece did not come.
    TimedOut(Duration),
    /// The connection failed.
    Transport {
        /// Whether the request may have reached the server.
        sent: bool,
        /// The innermost cause, as text.
        cause: String,
    },
    /// TLS does not trust the server.
    Untrusted(String),
    /// A credential plugin or token file failed; its own text may hold the credential.
    Credentials,
    /// The answer is longer than this.
    TooLong(usize),
    /// The request or the answer is not what it must be.
    Malformed(String),
}

/// The API server's own account of a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) code: u16,
    pub(crate) reason: String,
    /// For people; values of fields are taken out.
    pub(crate) message: String,
    /// Name of the object that it is about, where the server says so.
    pub(crate) name: String,
    pub(crate) retry_after: Option<Duration>,
}

/// Which right a request needs, for the advice in an error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Right<'a> {
    pub(crate) verb: &'a str,
    pub(crate) plural: &'a str,
    pub(crate) group: &'a str,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct RawStatus<'a> {
    #[serde(borrow)]
    reason: Cow<'a, str>,
    #[serde(borrow)]
    message: Cow<'a, str>,
    code: u16,
    details: Option<RawDetails<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct RawDetails<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    retry_after_seconds: u64,
    causes: Option<Vec<RawCause<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawCause<'a> {
    #[serde(borrow)]
    reason: Cow<'a, str>,
    #[serde(borrow)]
    message: Cow<'a, str>,
    #[serde(borrow)]
    field: Cow<'a, str>,
}

impl Status {
    /// Reads the body of a failed answer. What is no `Status` (a proxy's page) is reduced to its code.
    pub(crate) fn parse(code: u16, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let Ok(raw) = serde_json::from_slice::<RawStatus<'_>>(body) else {
            return Self { code, retry_after, message: format!("HTTP status {code}"), ..Self::default() };
        };
        Self::from_raw(code, retry_after, raw)
    }

    fn from_raw(code: u16, retry_after: Option<Duration>, raw: RawStatus<'_>) -> Self {
        let details = raw.details.unwrap_or_default();
        let causes = details.causes.unwrap_or_default();
        let message = if code == 422 && !causes.is_empty() {
            let fields: Vec<_> = causes.iter().take(10).map(RawCause::without_value).collect();
            fields.join("; ")
        } else {
            shorten(&raw.message, 600)
        };
        let asked = Some(details.retry_after_seconds).filter(|s| *s > 0).map(Duration::from_secs);
        Self {
            code: if code == 200 && raw.code != 0 { raw.code } else { code },
            reason: raw.reason.into_owned(),
            message,
            name: details.name.into_owned(),
            retry_after: retry_after.or(asked),
        }
    }

    /// A `Status` inside a watch, whose HTTP code was 200.
    pub(crate) fn of_event(object: &[u8]) -> Self {
        Self::parse(200, None, object)
    }

    /// The server's own 404 for that object: not one for a path that it does not serve.
    pub(crate) fn says_gone(&self, name: &str) -> bool {
        self.code == 404 && self.reason == "NotFound" && self.name == name
    }
}

impl RawCause<'_> {
    /// `spec.ports[0].nodePort: Invalid value: "…": provided port is already allocated` without the value.
    fn without_value(&self) -> String {
        let message = self.message.as_ref();
        let text = match message.split_once(": ") {
            Some((what @ ("Invalid value" | "Unsupported value" | "Duplicate value" | "Not found"), rest)) => {
                match after_value(rest) {
                    Some(why) if !why.is_empty() => format!("{what}: {}", shorten(why, 200)),
                    _ => what.to_owned(),
                }
            }
            Some((what @ ("Required value" | "Forbidden" | "Too long" | "Too many" | "Internal error"), why)) => {
                format!("{what}: {}", shorten(why, 200))
            }
            _ => self.reason.to_string(),
        };
        if self.field.is_empty() { text } else { format!("{}: {text}", self.field) }
    }
}

/// What follows a value that begins the text: quoted as Go quotes, or a number or word. `None` where it
/// cannot be told where the value ends.
fn after_value(text: &str) -> Option<&str> {
    let rest = if let Some(quoted) = text.strip_prefix('"') {
        let mut escaped = false;
        let end = quoted.char_indices().find_map(|(i, c)| {
            let closes = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            closes.then_some(i)
        })?;
        &quoted[end + 1..]
    } else {
        let end =
            text.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '.' | '+')).unwrap_or(text.len());
        &text[end..]
    };
    if rest.is_empty() { Some("") } else { rest.strip_prefix(": ") }
}

fn shorten(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{} {}: {}", status.code, status.reason, status.message),
            Self::TimedOut(patience) => write!(f, "no answer within {} s", patience.as_secs()),
            Self::Transport { cause, .. } | Self::Untrusted(cause) => f.write_str(cause),
            Self::Credentials => f.write_str("no credentials"),
            Self::TooLong(most) => write!(f, "a response of more than {most} bytes"),
            Self::Malformed(why) => f.write_str(why),
        }
    }
}

impl Fault {
    /// What kube's client said, reduced to the innermost cause: the layers above repeat it.
    #[allow(clippy::needless_pass_by_value)] // for `map_err`
    pub(crate) fn transport(error: kube::Error) -> Self {
        if matches!(error, kube::Error::Auth(_)) {
            return Self::Credentials;
        }
        let mut innermost: &(dyn StdError + 'static) = &error;
        let mut kind = None;
        loop {
            kind = innermost.downcast_ref::<io::Error>().map(io::Error::kind).or(kind);
            match innermost.source() {
                Some(next) => innermost = next,
                None => break,
            }
        }
        let cause = match kind {
            // rustls explains at length, with a link, what a killed server looks like.
            Some(io::ErrorKind::UnexpectedEof) => "the connection was closed too early".to_owned(),
            _ => innermost.to_string(),
        };
        if cause.contains("invalid peer certificate") {
            return Self::Untrusted(cause);
        }
        Self::Transport { sent: kind != Some(io::ErrorKind::ConnectionRefused), cause }
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        if let Self::Status(status) = self { status.retry_after } else { None }
    }

    /// The error for whoever asked. `right` is what the request needs.
    pub(crate) fn into_error(self, doing: impl Into<String>, right: Right<'_>) -> Error {
        let doing = doing.into();
        let status = match self {
            Self::Status(status) => *status,
            Self::TimedOut(_) => return Error::Unavailable { doing, message: self.to_string(), source: None },
            Self::Transport { cause, .. } => {
                let message = "the API server cannot be reached".into();
                return Error::Unavailable { doing, message, source: Some(cause.into()) };
            }
            Self::Untrusted(cause) => {
                return Error::Config {
                    what: format!(
                        "{doing}: the API server's certificate is not trusted; check the context's \
                                   certificate-authority"
                    ),
                    source: Some(cause.into()),
                };
            }
            Self::Credentials => {
                let what = format!(
                    "{doing}: the context's credential plugin or token file failed; \
                                    kubectl with the same context shows why"
                );
                return Error::Config { what, source: None };
            }
            Self::TooLong(_) => return Error::Malformed { doing, why: self.to_string() },
            Self::Malformed(why) => return Error::Malformed { doing, why },
        };
        let message = status.message;
        match status.code {
            401 => Error::Unauthorized { doing },
            403 if message.contains("is being terminated") || message.contains("status unknown for quota") => {
                Error::Unavailable { doing, message, source: None }
            }
            403 if message.contains("User \"") || message.is_empty() => {
                let Right { verb, plural, group } = right;
                let resource = if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") };
                let said = if message.is_empty() { String::new() } else { format!(" ({message})") };
                Error::Forbidden { doing, grant: format!("grant the verb {verb} on {resource}{said}") }
            }
            400 | 403 | 413 | 422 => Error::Refused { doing, message },
            404 => Error::NotFound { doing, message },
            409 | 412 => Error::Conflict { doing, message },
            410 => Error::Expired { doing },
            429 | 500..=599 => Error::Unavailable { doing, message, source: None },
            code => Error::Malformed { doing, why: format!("HTTP status {code}: {message}") },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_fields_and_never_their_values() {
        let body = br#"{"kind":"Status","status":"Failure","message":"Secret \"a\" is invalid: CANARY","reason":"Invalid",
            "code":422,"details":{"name":"a","kind":"Secret","causes":[
            {"reason":"FieldValueInvalid","message":"Invalid value: \"CANARY \\\"x\\\": y\": must be a number","field":"spec.a"},
            {"reason":"FieldValueInvalid","message":"Invalid value: {\"b\":\"CANARY\"}: no","field":"spec.b"},
            {"reason":"FieldValueInvalid","message":"Invalid value: 31000: provided port is already allocated","field":"spec.c"},
            {"reason":"FieldValueRequired","message":"Required value: name or generateName","field":"metadata.name"},
            {"reason":"FieldValueTypeInvalid","message":"CANARY in some new form","field":"spec.d"}]}}"#;
        let status = Status::parse(422, None, body);
        insta::assert_snapshot!(status.message, @"spec.a: Invalid value: must be a number; spec.b: Invalid value; spec.c: Invalid value: provided port is already allocated; metadata.name: Required value: name or generateName; spec.d: FieldValueTypeInvalid");
    }

    #[test]
    fn only_the_server_s_own_404_for_the_object_proves_that_it_is_gone() {
        let gone = br#"{"kind":"Status","reason":"NotFound","message":"configmaps \"a\" not found","details":{"name":"a","kind":"configmaps"},"code":404}"#;
        assert!(Status::parse(404, None, gone).says_gone("a"));
        assert!(!Status::parse(404, None, gone).says_gone("b"));
        let path = br#"{"kind":"Status","reason":"NotFound","message":"the server could not find the requested resource","details":{},"code":404}"#;
        assert!(!Status::parse(404, None, path).says_gone("a"));
        assert!(!Status::parse(404, None, b"404 page not found").says_gone("a"));
    }

    #[test]
    fn what_is_forbidden_says_what_to_grant() {
        let body = br#"{"kind":"Status","reason":"Forbidden","code":403,"message":"secrets is forbidden: User \"jane\" cannot list resource \"secrets\" in API group \"\" at the cluster scope"}"#;
        let fault = Fault::Status(Box::new(Status::parse(403, None, body)));
        let error = fault.into_error("listing Secret", Right { verb: "list", plural: "secrets", group: "" });
        insta::assert_snapshot!(error, @r#"listing Secret: forbidden; grant the verb list on secrets (secrets is forbidden: User "jane" cannot list resource "secrets" in API group "" at the cluster scope)"#);
        assert!(!error.is_retryable());
    }

    #[test]
    fn an_error_inside_a_watch_has_its_own_code() {
        let object = br#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"too old resource version: 1 (2)","reason":"Expired","code":410}"#;
        assert_eq!(Status::of_event(object).code, 410);
    }
}
