//! Values that must not be seen: passwords and tokens.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
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

/// As many bytes of a secret in a row are hidden wherever they stand.
const WINDOW: usize = 12;
/// What is shorter than this is part of too many words to be hidden.
const SHORTEST: usize = 6;
/// What stands in place of a secret.
const HIDDEN: &str = "[secret]";

/// Secrets that other programs know, and may repeat in what they answer: they are taken out of it before
/// anybody sees it or writes it down.
#[derive(Clone, Debug, Default)]
pub(crate) struct Redaction {
    /// Digests of all pieces of [`WINDOW`] bytes: what is kept to compare with is no secret itself.
    pieces: HashSet<u64>,
    hasher: RandomState,
    short: Vec<Secret>,
}

impl Redaction {
    /// Takes a secret in, as it is and as base64.
    pub(crate) fn add(&mut self, secret: &str) {
        // The same token comes with each letter.
        if !self.pieces.insert(self.hasher.hash_one(secret)) {
            return;
        }
        for text in [secret, &STANDARD.encode(secret)] {
            if text.len() > WINDOW {
                let pieces = text.as_bytes().windows(WINDOW);
                self.pieces
                    .extend(pieces.map(|piece| self.hasher.hash_one(piece)));
            } else if text.len() >= SHORTEST {
                self.short.push(Secret::new(text.to_owned()));
            }
        }
    }

    /// The text without any of the secrets.
    #[must_use]
    pub(crate) fn hide<'text>(&self, text: &'text str) -> Cow<'text, str> {
        let mut hidden: Vec<Range<usize>> = Vec::new();
        for (at, piece) in text.as_bytes().windows(WINDOW).enumerate() {
            if self.pieces.contains(&self.hasher.hash_one(piece)) {
                hidden.push(at..at + WINDOW);
            }
        }
        for secret in &self.short {
            let found = text.match_indices(secret.expose());
            hidden.extend(found.map(|(at, found)| at..at + found.len()));
        }
        if hidden.is_empty() {
            return Cow::Borrowed(text);
        }
        hidden.sort_by_key(|range| range.start);
        let mut shown = String::new();
        let mut end = 0;
        for range in hidden {
            if range.start > end || shown.is_empty() {
                shown.push_str(text.get(end..range.start).unwrap_or_default());
                shown.push_str(HIDDEN);
            }
            end = end.max(range.end);
        }
        shown.push_str(text.get(end..).unwrap_or_default());
        Cow::Owned(shown)
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

    #[test]
    fn a_secret_is_hidden_whole_in_part_and_encoded() {
        let token = "eyJhbGciOiJub25lIn0.abcdefghijklmnopqrstuvwxyz.signature";
        let mut redaction = Redaction::default();
        redaction.add(token);
        redaction.add("hunter2");
        let encoded = STANDARD.encode("hunter2");
        for (text, shown) in [
            (token.to_owned(), "[secret]".to_owned()),
            (format!("535 {token} is bad"), "535 [secret] is bad".into()),
            (format!("cut {}", &token[..30]), "cut [secret]".into()),
            (format!("tail {} ü", &token[20..]), "tail [secret] ü".into()),
            (
                format!("hunter2, {encoded} and hunter2"),
                "[secret], [secret] and [secret]".into(),
            ),
            (
                "ü 250 2.0.0 Ok: queued as 12".into(),
                "ü 250 2.0.0 Ok: queued as 12".into(),
            ),
        ] {
            assert_eq!(redaction.hide(&text), shown, "{text}");
        }
        assert!(!format!("{redaction:?}").contains("hunter2"));
    }

    #[test]
    fn what_is_too_short_to_be_more_than_a_word_is_left_alone() {
        let mut redaction = Redaction::default();
        redaction.add("pass");
        assert_eq!(redaction.hide("the password"), "the password");
    }
}
