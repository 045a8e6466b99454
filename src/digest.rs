//! SHA-256 digests: made of parts, written as hexadecimal digits.

use std::fmt::Write;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A SHA-256 digest.
pub(crate) type Sha256Digest = [u8; 32];

/// A digest over parts. Each part goes in with its length, so that no two lists of parts differ only
/// by where a part ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts(Sha256);

impl Parts {
    /// A digest whose first part says what it is of.
    #[must_use]
    pub(crate) fn of(what: &str) -> Self {
        let mut parts = Self::default();
        parts.add(what.as_bytes());
        parts
    }

    /// Adds a part.
    pub(crate) fn add(&mut self, part: &[u8]) -> &mut Self {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
        self
    }

    /// The digest over all parts.
    #[must_use]
    pub(crate) fn finish(self) -> Sha256Digest {
        self.0.finalize().into()
    }

    /// The beginning of that digest.
    #[must_use]
    pub(crate) fn short(self) -> ShortDigest {
        let digest = self.finish();
        let bytes = digest.first_chunk().copied();
        ShortDigest::from(u64::from_be_bytes(bytes.unwrap_or_default()))
    }
}

/// The first eight bytes of a SHA-256 digest: enough to see that something is another, where nothing
/// depends on it that somebody would forge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ShortDigest(
    // That there may be none takes no memory: a large batch has many. All zeros count as one.
    NonZeroU64,
);

impl From<u64> for ShortDigest {
    fn from(beginning: u64) -> Self {
        Self(NonZeroU64::new(beginning).unwrap_or(NonZeroU64::MIN))
    }
}

impl From<ShortDigest> for String {
    fn from(digest: ShortDigest) -> Self {
        format!("{:016x}", digest.0)
    }
}

impl TryFrom<String> for ShortDigest {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u64::from_str_radix(&text, 16).map(Self::from)
    }
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing into a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// A digest written as 64 hexadecimal digits.
#[must_use]
pub(crate) fn parse_hex(text: &str) -> Option<Sha256Digest> {
    let mut digest = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, digits) in digest.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(digest)
}

/// For serde: a digest as hexadecimal digits.
pub(crate) mod as_hex {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Sha256Digest;

    /// Writes it.
    ///
    /// # Errors
    /// Those of the serializer.
    pub(crate) fn serialize<S: Serializer>(
        digest: &Sha256Digest,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::hex(digest))
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is not 64 hexadecimal digits.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Sha256Digest, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::parse_hex(&text).ok_or_else(|| D::Error::custom("not 64 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_back() {
        let digest = Parts::of("a test").finish();
        assert_eq!(parse_hex(&hex(&digest)), Some(digest));
        for not in ["", "ab", &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(parse_hex(not), None, "{not}");
        }
    }

    #[test]
    fn a_short_digest_is_read_back() {
        let digest = Parts::of("a test").short();
        let text = String::from(digest);
        assert!(hex(&Parts::of("a test").finish()).starts_with(&text));
        assert_eq!(ShortDigest::try_from(text), Ok(digest));
        assert!(ShortDigest::try_from("none".to_owned()).is_err());
    }

    #[test]
    fn where_a_part_ends_matters() {
        let of = |parts: [&[u8]; 2]| {
            let mut digest = Parts::default();
            for part in parts {
                digest.add(part);
            }
            digest.finish()
        };
        assert_ne!(of([b"ab", b"c"]), of([b"a", b"bc"]));
    }
}
