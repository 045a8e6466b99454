//! A plan's id.

use std::fmt;

use crate::digest::{Sha256Digest, hex, parse_hex};

/// The digest over a plan. People write its first twelve digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanId(pub Sha256Digest);

impl PlanId {
    /// Reads all digits of an id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        parse_hex(text).map(Self)
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
