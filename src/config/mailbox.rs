//! The mailbox that letters go out of, for the transports that work inside one.

use std::path::Path;
use std::time::Duration;

use super::{ConfigError, parse_duration};
use crate::address::Address;

/// Whose Sent Items folder keeps a copy of each letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SaveIn {
    /// That of the mailbox that letters come from, which needs full access to it.
    #[default]
    Shared,
    /// That of the person who signed in.
    Own,
    /// Nobody's.
    None,
}

impl SaveIn {
    pub(super) fn typed(text: Option<&str>, shown: &Path) -> Result<Self, ConfigError> {
        match text.map(str::trim) {
            None | Some("" | "shared") => Ok(Self::Shared),
            Some("own") => Ok(Self::Own),
            Some("none") => Ok(Self::None),
            Some(other) => Err(ConfigError::value(
                shown,
                "save_in",
                format!("is `{other}`"),
                "write \"shared\" or \"own\": whose Sent Items folder keeps the copies; or \"none\" for no copies (ews)",
            )),
        }
    }

    /// The mailbox to work in, of the sender's and the person's own; none for the person's own.
    pub(super) fn mailbox(self, sender: Option<&Address>, own: Option<&str>) -> Option<Address> {
        let shared = sender.filter(|_| self != Self::Own)?;
        let is_own = own.is_some_and(|own| shared.as_str().eq_ignore_ascii_case(own));
        (!is_own).then(|| shared.clone())
    }
}

/// How long Microsoft's servers may be silent: a little longer than their own front gives a request.
pub(super) fn silence(text: Option<&str>, shown: &Path) -> Result<Duration, ConfigError> {
    match text.map(str::trim).filter(|text| !text.is_empty()) {
        None => Ok(Duration::from_mins(2)),
        Some(text) => parse_duration(text).map_err(|error| {
            ConfigError::value(
                shown,
                "timeout",
                error.to_string(),
                "write it like \"120s\"",
            )
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_go_out_of_the_mailbox_that_keeps_them() {
        let shared = Address::parse("reports@study.example").unwrap();
        let of = |save_in: SaveIn, sender| save_in.mailbox(sender, Some("ann@study.example"));
        assert_eq!(of(SaveIn::Shared, Some(&shared)), Some(shared.clone()));
        assert_eq!(of(SaveIn::None, Some(&shared)), Some(shared.clone()));
        assert_eq!(of(SaveIn::Own, Some(&shared)), None);
        assert_eq!(of(SaveIn::Shared, None), None);
        let own = Address::parse("Ann@Study.example").unwrap();
        assert_eq!(of(SaveIn::Shared, Some(&own)), None);
        assert_eq!(SaveIn::Shared.mailbox(Some(&own), None), Some(own));
    }
}
