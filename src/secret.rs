//! Values that must not be seen: passwords and tokens.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// A secret value. It has no `Display` and no `Serialize`, its `Debug` says nothing, and its memory
/// is overwritten when it is dropped.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a value into keeping.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(value.into())
    }

    /// The value itself, for the moment it goes onto the wire.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether nothing was given, as in a secrets file with the key left empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_value() {
        let secret = Secret::new("correct horse".into());
        assert!(!format!("{secret:?}").contains("horse"));
        assert_eq!(secret.expose(), "correct horse");
    }
}
