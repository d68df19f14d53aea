//! A small S3 client of the tests' own, so that they can look into a bucket, and damage it, without Bastion.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

use bastion_test_tools::hex;
use jiff::{Timestamp, tz::TimeZone};
use sha2::{Digest as _, Sha256};

use crate::error::{Context as _, Error, Result};

const REGION: &str = "us-east-1";

/// One bucket of a server on 127.0.0.1.
#[derive(Debug, Clone)]
pub struct Bucket {
    pub(crate) port: u16,
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
    pub(crate) name: String,
}

impl Bucket {
    /// The bucket's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same bucket through a proxy's port.
    #[must_use]
    pub fn at_port(&self, port: u16) -> Self {
        Self { port, ..self.clone() }
    }

    /// Makes the bucket.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn create(&self) -> Result<()> {
        self.send("PUT", "", "", b"").map(drop)
    }

    /// Every key under a prefix, in the server's order.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let mut keys = Vec::new();
        loop {
            let after = keys.last().map(|k: &String| escape(k, true)).unwrap_or_default();
            // The query's parameters stand in the order in which they are signed: sorted.
            let query = format!("list-type=2&prefix={}&start-after={after}", escape(prefix, true));
            let text = String::from_utf8(self.send("GET", "", &query, b"")?).context("list")?;
            let found = text.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
            keys.extend(found.map(|key| key.replace("&amp;", "&")));
            if !text.contains("<IsTruncated>true</IsTruncated>") {
                return Ok(keys);
            }
        }
    }

    /// The bytes of an object.
    ///
    /// # Errors
    /// When there is none, or the server refuses.
    pub fn get(&self, key: &str) -> Result<Vec<u8>> {
        self.send("GET", key, "", b"")
    }

    /// Writes an object, over whatever was there.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn put(&self, key: &str, body: &[u8]) -> Result<()> {
        self.send("PUT", key, "", body).map(drop)
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn delete(&self, key: &str) -> Result<()> {
        self.send("DELETE", key, "", b"").map(drop)
    }

    /// One request, signed with AWS's signature version 4, over a connection of its own.
    fn send(&self, method: &str, key: &str, query: &str, body: &[u8]) -> Result<Vec<u8>> {
        let slash = if key.is_empty() { "" } else { "/" };
        let path = format!("/{}{slash}{}", self.name, escape(key, false));
        let what = || format!("S3 {method} {path}");
        let now = Timestamp::now().to_zoned(TimeZone::UTC);
        let (time, day) = (now.strftime("%Y%m%dT%H%M%SZ").to_string(), now.strftime("%Y%m%d").to_string());
        let (host, digest) = (format!("127.0.0.1:{}", self.port), hex(&Sha256::digest(body)));
        let signed = "host;x-amz-content-sha256;x-amz-date";
        let headers = format!("host:{host}\nx-amz-content-sha256:{digest}\nx-amz-date:{time}\n");
        let canonical = format!("{method}\n{path}\n{query}\n{headers}\n{signed}\n{digest}");
        let scope = format!("{day}/{REGION}/s3/aws4_request");
        let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
        let key = [day.as_str(), REGION, "s3", "aws4_request"]
            .iter()
            .fold(format!("AWS4{}", self.secret_key).into_bytes(), |key, part| hmac(&key, part.as_bytes()).to_vec());
        let signature = hex(&hmac(&key, text.as_bytes()));
        let credential = format!("{}/{scope}", self.access_key);
        let mark = if query.is_empty() { "" } else { "?" };
        let head = format!(
            "{method} {path}{mark}{query} HTTP/1.0\r\nHost: {host}\r\nContent-Length: {}\r\n\
             x-amz-content-sha256: {digest}\r\nx-amz-date: {time}\r\nAuthorization: AWS4-HMAC-SHA256 \
             Credential={credential},SignedHeaders={signed},Signature={signature}\r\n\r\n",
            body.len()
        );
        let exchange = || -> std::io::Result<Vec<u8>> {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
            stream.set_read_timeout(Some(Duration::from_secs(30)))?;
            stream.write_all(head.as_bytes())?;
            stream.write_all(body)?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer)?;
            Ok(answer)
        };
        let answer = exchange().context(what())?;
        let end = answer.windows(4).position(|w| w == b"\r\n\r\n");
        let end = end.ok_or_else(|| Error::new(format!("{}: no answer", what())))?;
        let head = String::from_utf8_lossy(&answer[..end]);
        let status: u16 = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or_default();
        let content = answer[end + 4..].to_vec();
        if (200..300).contains(&status) {
            return Ok(content);
        }
        Err(Error::new(format!("{}: {status} {}", what(), String::from_utf8_lossy(&content))))
    }
}

fn escape(text: &str, slash: bool) -> String {
    text.bytes()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(b).to_string(),
            b'/' if !slash => "/".to_owned(),
            _ => format!("%{b:02X}"),
        })
        .collect()
}

/// HMAC-SHA-256 (RFC 2104).
fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    match block.get_mut(..key.len()) {
        Some(start) => start.copy_from_slice(key),
        None => block[..32].copy_from_slice(&Sha256::digest(key)),
    }
    let inner = Sha256::new().chain_update(block.map(|b| b ^ 0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(block.map(|b| b ^ 0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_is_the_standards() {
        // RFC 4231, test cases 2 and 6.
        let digest = hex(&hmac(b"Jefe", b"what do ya want for nothing?"));
        assert_eq!(digest, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        let long = hex(&hmac(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First"));
        assert_eq!(long, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    }
}
