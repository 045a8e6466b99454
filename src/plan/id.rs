//! A plan's id.

use std::fmt;

use crate::letter::Sha256Digest;

/// The digest over a plan. People write its first twelve digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanId(pub Sha256Digest);

impl PlanId {
    /// Reads all digits of an id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut id = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (byte, digits) in id.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Self(id))
    }

    /// Whether `text` is this plan's id or a beginning of it with at least eight digits.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        text.len() >= 8 && hex(&self.0).starts_with(&text.to_ascii_lowercase())
    }
}

impl fmt::Display for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0)[..12])
    }
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_id_is_known_by_its_beginning() {
        let id = PlanId([0xab; 32]);
        assert_eq!(id.to_string(), "abababababab");
        assert!(id.matches("ABABABAB") && id.matches(&hex(&id.0)));
        assert!(!id.matches("abababa") && !id.matches("abababac"));
    }

    #[test]
    fn an_id_is_read_back() {
        let id = PlanId(std::array::from_fn(|index| {
            u8::try_from(index * 7).unwrap_or(0xff)
        }));
        assert_eq!(PlanId::parse(&hex(&id.0)), Some(id));
        for other in [
            "",
            "ab",
            &"ab".repeat(33),
            &"xy".repeat(32),
            &"é".repeat(32),
        ] {
            assert_eq!(PlanId::parse(other), None, "{other}");
        }
    }
}
