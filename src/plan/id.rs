//! A plan's id.

use std::fmt;

use crate::letter::Sha256Digest;

/// The digest over a plan. People write its first twelve digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanId(pub Sha256Digest);

impl PlanId {
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
}
