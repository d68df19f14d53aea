//! Digests of canonical bodies.
//!
//! ```
//! use bastion_core::hash::{Algorithm, Digest};
//!
//! let digest = Algorithm::Sha256.hasher().digest(b"{}");
//! assert_eq!(digest.to_string().parse::<Digest>()?, digest);
//! # Ok::<(), String>(())
//! ```

use std::{fmt, str::FromStr};

use sha2::Digest as _;

/// Which function made a digest. Chosen once for a repository, in its `bastion.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Algorithm {
    /// SHA-256 (FIPS 180-4): the default.
    #[default]
    Sha256,
    /// BLAKE3 with 32 bytes of output.
    Blake3,
}

impl Algorithm {
    /// `sha256`, `blake3`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Blake3 => "blake3",
        }
    }

    /// The hasher for this algorithm.
    pub fn hasher(self) -> std::sync::Arc<dyn Hasher> {
        match self {
            Self::Sha256 => std::sync::Arc::new(Sha256),
            Self::Blake3 => std::sync::Arc::new(Blake3),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Algorithm {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        match s {
            "sha256" => Ok(Self::Sha256),
            "blake3" => Ok(Self::Blake3),
            _ => Err(format!("{s:?} is not a digest algorithm; use sha256 or blake3")),
        }
    }
}

/// A digest of 32 bytes, printed as lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Wraps 32 bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Wraps a slice; `None` unless it has 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// SHA-256 of a stored file, whatever the repository's algorithm for contents: it names packs and index
    /// files and chains segments.
    pub fn of_file(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let bad = || format!("{s:?} is not a digest of 64 hex digits");
        if s.len() != 64 || !s.is_ascii() {
            return Err(bad());
        }
        let mut out = [0; 32];
        for (byte, pair) in out.iter_mut().zip(s.as_bytes().chunks(2)) {
            let text = std::str::from_utf8(pair).map_err(|_| bad())?;
            *byte = u8::from_str_radix(text, 16).map_err(|_| bad())?;
        }
        Ok(Self(out))
    }
}

/// Makes digests of canonical bodies. Pure: no I/O, no clock, no state.
pub trait Hasher: fmt::Debug + Send + Sync {
    /// Which function this is.
    fn algorithm(&self) -> Algorithm;
    /// The digest of these bytes.
    fn digest(&self, canonical: &[u8]) -> Digest;
}

/// SHA-256 (FIPS 180-4).
#[derive(Debug, Clone, Copy, Default)]
pub struct Sha256;

impl Hasher for Sha256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::Sha256
    }

    fn digest(&self, canonical: &[u8]) -> Digest {
        Digest(sha2::Sha256::digest(canonical).into())
    }
}

/// BLAKE3, 32 bytes of output, not keyed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Blake3;

impl Hasher for Blake3 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::Blake3
    }

    fn digest(&self, canonical: &[u8]) -> Digest {
        Digest(blake3::hash(canonical).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_digests() {
        // FIPS 180-4's and BLAKE3's own vectors for the empty input.
        assert_eq!(Sha256.digest(b"").to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(Blake3.digest(b"").to_string(), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
    }

    #[test]
    fn text_form_round_trips() {
        let d = Sha256.digest(b"x");
        assert_eq!(d.to_string().parse::<Digest>(), Ok(d));
        assert!("zz".parse::<Digest>().is_err());
        assert!("é".repeat(32).parse::<Digest>().is_err());
    }
}
