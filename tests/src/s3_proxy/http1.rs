//! As much of HTTP/1.1 as S3 clients and servers speak: whole messages, bodies by length or in chunks.

use std::io::{Error, ErrorKind, Result};

use bytes::Bytes;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream},
    net::TcpStream,
};

/// Longer heads are refused.
const MAX_HEAD: usize = 64 << 10;

type Stream = BufStream<TcpStream>;

/// A request or a response, whole.
#[derive(Debug)]
pub(super) struct Message {
    /// The first line, without its end.
    first: String,
    headers: Vec<(String, String)>,
    /// Decoded where it came in chunks.
    pub(super) body: Bytes,
    /// Whether a length may be written: not for answers to HEAD, whose length speaks of another body.
    keep_length: bool,
}

impl Message {
    /// An answer of the proxy's own.
    pub(super) fn status(code: u16) -> Self {
        let body = Bytes::from_static(b"<Error><Code>SlowDown</Code><Message>injected</Message></Error>");
        let headers = vec![("content-type".to_owned(), "application/xml".to_owned())];
        Self { first: format!("HTTP/1.1 {code} Injected"), headers, body, keep_length: false }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    pub(super) fn method_and_target(&self) -> (&str, &str) {
        let mut words = self.first.split(' ');
        (words.next().unwrap_or_default(), words.next().unwrap_or_default())
    }

    pub(super) fn code(&self) -> u16 {
        self.first.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default()
    }

    /// Whether the connection ends with this message: said so, or the old version, which always does.
    pub(super) fn closes(&self) -> bool {
        if self.first.contains("HTTP/1.0") {
            return true;
        }
        self.header("connection").is_some_and(|v| v.eq_ignore_ascii_case("close"))
    }

    fn head(&self) -> String {
        let mut lines = vec![self.first.clone()];
        for (name, value) in &self.headers {
            let framing = name.eq_ignore_ascii_case("transfer-encoding")
                || (name.eq_ignore_ascii_case("content-length") && !self.keep_length)
                || name.eq_ignore_ascii_case("expect");
            if !framing {
                lines.push(format!("{name}: {value}"));
            }
        }
        if !self.keep_length {
            lines.push(format!("content-length: {}", self.body.len()));
        }
        lines.join("\r\n") + "\r\n\r\n"
    }
}

/// The next request; `None` where the client has closed the connection.
pub(super) async fn read_request(client: &mut Stream) -> Result<Option<Message>> {
    let Some((first, headers)) = read_head(client).await? else { return Ok(None) };
    let mut message = Message { first, headers, body: Bytes::new(), keep_length: false };
    if message.header("expect").is_some_and(|v| v.eq_ignore_ascii_case("100-continue")) {
        client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        client.flush().await?;
    }
    message.body = read_body(client, &message, false).await?;
    Ok(Some(message))
}

/// The answer to a request.
pub(super) async fn read_response(server: &mut Stream, to_head: bool) -> Result<Message> {
    loop {
        let head = read_head(server).await?;
        let (first, headers) = head.ok_or_else(|| Error::from(ErrorKind::UnexpectedEof))?;
        let mut message = Message { first, headers, body: Bytes::new(), keep_length: false };
        match message.code() {
            100..200 => continue,
            204 | 304 => message.keep_length = true,
            _ if to_head => message.keep_length = true,
            _ => message.body = read_body(server, &message, true).await?,
        }
        return Ok(message);
    }
}

/// Writes a message whole.
pub(super) async fn write(to: &mut Stream, message: &Message) -> Result<()> {
    to.write_all(message.head().as_bytes()).await?;
    to.write_all(&message.body).await?;
    to.flush().await
}

/// Writes the head and the first half of the body.
pub(super) async fn write_half(to: &mut Stream, message: &Message) -> Result<()> {
    to.write_all(message.head().as_bytes()).await?;
    to.write_all(&message.body[..message.body.len() / 2]).await?;
    to.flush().await
}

async fn read_head(from: &mut Stream) -> Result<Option<(String, Vec<(String, String)>)>> {
    let Some(first) = read_line(from).await? else { return Ok(None) };
    let mut headers = Vec::new();
    let mut size = 0;
    while let Some(line) = read_line(from).await?.filter(|line| !line.is_empty()) {
        size += line.len();
        if size > MAX_HEAD {
            return Err(Error::new(ErrorKind::InvalidData, "head too long"));
        }
        let (name, value) = line.split_once(':').ok_or_else(|| Error::new(ErrorKind::InvalidData, "not a header"))?;
        headers.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    Ok(Some((first, headers)))
}

async fn read_body(from: &mut Stream, message: &Message, until_close: bool) -> Result<Bytes> {
    let mut body = Vec::new();
    if message.header("transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case("chunked")) {
        loop {
            let line = read_line(from).await?.unwrap_or_default();
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(size, 16).map_err(|e| Error::new(ErrorKind::InvalidData, e))?;
            if size == 0 {
                // Trailers, until an empty line.
                while read_line(from).await?.is_some_and(|line| !line.is_empty()) {}
                return Ok(body.into());
            }
            read_exactly(from, &mut body, size).await?;
            read_line(from).await?;
        }
    }
    match message.header("content-length").map(str::parse) {
        Some(Ok(size)) => read_exactly(from, &mut body, size).await?,
        Some(Err(e)) => return Err(Error::new(ErrorKind::InvalidData, e)),
        None if until_close => drop(from.read_to_end(&mut body).await?),
        None => {}
    }
    Ok(body.into())
}

async fn read_exactly(from: &mut Stream, body: &mut Vec<u8>, size: u64) -> Result<()> {
    let read = (&mut *from).take(size).read_to_end(body).await?;
    if read as u64 == size { Ok(()) } else { Err(ErrorKind::UnexpectedEof.into()) }
}

async fn read_line(from: &mut Stream) -> Result<Option<String>> {
    let mut line = Vec::new();
    if (&mut *from).take(MAX_HEAD as u64).read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    let text = String::from_utf8(line).map_err(|e| Error::new(ErrorKind::InvalidData, e))?;
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}
