//! Parsed single-line values: mail addresses, mailboxes and header text.
//!
//! They are parsed at the gate and cannot hold a line break afterwards, whatever was in the cell,
//! so no later step can let a cell write a header.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::finding::quote;

/// Why a text is not an address or a header value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The text has no `@`, or more than one.
    #[error("`{0}` is not a mail address: it needs exactly one @")]
    At(String),
    /// The part before the `@` is not a dot-atom (RFC 5322 section 3.2.3).
    #[error("`{0}` is not a mail address: the part before the @ is malformed")]
    Local(String),
    /// The part before the `@` begins like an encoded word (RFC 2047), which some programs decode.
    #[error(
        "`{0}` is not a mail address: some programs decode what begins with =? and see another"
    )]
    Encoded(String),
    /// The part after the `@` is not a host name with at least one dot.
    #[error("`{0}` is not a mail address: the part after the @ is not a domain name")]
    Domain(String),
    /// Letters beyond ASCII need SMTPUTF8, which the servers do not promise.
    #[error(
        "`{0}` has letters that a mail address cannot carry everywhere (use the xn-- form of the domain)"
    )]
    NotAscii(String),
    /// An opening `<` without its `>`, or text after it.
    #[error("`{0}` is not a mailbox: write it as Name <name@school.example>")]
    Brackets(String),
    /// A line break or another control character.
    #[error("`{0}` has a line break or control character in it")]
    Control(String),
}

/// A mail address: a dot-atom, an `@` and a domain name, all in ASCII.
///
/// Lengths follow RFC 5321 section 4.5.3.1 (64 octets before the `@`, 254 in all).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address(Box<str>);

impl Address {
    /// Parses one address.
    ///
    /// # Errors
    /// Says which part is malformed.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let shown = || quote(text);
        let (local, domain) = text
            .split_once('@')
            .ok_or_else(|| AddressError::At(shown()))?;
        if domain.contains('@') {
            return Err(AddressError::At(shown()));
        }
        if !text.is_ascii() {
            return Err(AddressError::NotAscii(shown()));
        }
        if !is_dot_atom(local) || local.len() > 64 {
            return Err(AddressError::Local(shown()));
        }
        if local.contains("=?") {
            return Err(AddressError::Encoded(shown()));
        }
        if !is_domain(domain) || text.len() > 254 {
            return Err(AddressError::Domain(shown()));
        }
        Ok(Self(text.into()))
    }

    /// The address as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the `@`.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.split_once('@').map_or("", |(_, domain)| domain)
    }

    /// The form under which two spellings are the same address.
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// The address with its name hidden, for ordinary output: `t…@school.example`.
    #[must_use]
    pub fn masked(&self) -> String {
        let first: String = self.0.chars().take(1).collect();
        format!("{first}…@{}", self.domain())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        Self::parse(&text)
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.0.into()
    }
}

fn is_dot_atom(text: &str) -> bool {
    text.split('.').all(|atom| {
        !atom.is_empty()
            && atom
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
    })
}

fn is_domain(text: &str) -> bool {
    text.contains('.')
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
}

/// Text for a header: one line, no control characters, no blanks around it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct HeaderText(Box<str>);

impl HeaderText {
    /// Parses a header value.
    ///
    /// # Errors
    /// Refuses line breaks and control characters; blanks around the text are dropped.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let trimmed = text.trim();
        if trimmed.chars().any(breaks_a_line) {
            return Err(AddressError::Control(quote(trimmed)));
        }
        Ok(Self(trimmed.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HeaderText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn breaks_a_line(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// An address with an optional display name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mailbox {
    /// The display name, if one was given.
    pub name: Option<HeaderText>,
    /// The address.
    pub address: Address,
}

impl Mailbox {
    /// Parses exactly one mailbox: `a@b.example` or `Name <a@b.example>`.
    ///
    /// # Errors
    /// Says which part is malformed.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let mut mailboxes = parse_list(text)?;
        match (mailboxes.pop(), mailboxes.is_empty()) {
            (Some(mailbox), true) => Ok(mailbox),
            _ => Err(AddressError::Brackets(quote(text))),
        }
    }
}

impl From<Address> for Mailbox {
    fn from(address: Address) -> Self {
        Self {
            name: None,
            address,
        }
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.address),
            None => self.address.fmt(f),
        }
    }
}

/// Parses a cell with any number of mailboxes, parted by commas, semicolons or white space.
///
/// `Name <a@b>` and `"Last, First" <a@b>` are understood, and so is the unquoted
/// `Last, First <a@b>` that mail programs write. An empty cell is an empty list.
///
/// # Errors
/// The first mailbox that cannot be read.
pub fn parse_list(cell: &str) -> Result<Vec<Mailbox>, AddressError> {
    let mut mailboxes = Vec::new();
    let mut name_begun = String::new();
    for piece in split_outside_quotes(cell) {
        let piece = piece.trim();
        if piece.is_empty() {
            continue;
        }
        if let Some((name, rest)) = piece.split_once('<') {
            let name = if name_begun.is_empty() {
                name.to_owned()
            } else {
                format!("{name_begun}, {name}")
            };
            name_begun.clear();
            mailboxes.push(bracketed(&name, rest, piece)?);
        } else if !piece.contains('@') && name_begun.is_empty() && cell.contains('<') {
            piece.clone_into(&mut name_begun);
        } else {
            for word in piece.split_whitespace() {
                mailboxes.push(Address::parse(word)?.into());
            }
        }
    }
    if name_begun.is_empty() {
        Ok(mailboxes)
    } else {
        Err(AddressError::At(quote(&name_begun)))
    }
}

fn bracketed(name: &str, rest: &str, piece: &str) -> Result<Mailbox, AddressError> {
    let address = rest
        .strip_suffix('>')
        .ok_or_else(|| AddressError::Brackets(quote(piece)))?;
    let name = name.trim().trim_matches('"').replace("\\\"", "\"");
    let name = HeaderText::parse(&name)?;
    let address = Address::parse(address.trim())?;
    // `a@b <a@b>` is what some address books write; any other @ in a name hides an address.
    let name_is_address = name.as_str().eq_ignore_ascii_case(address.as_str());
    if name.as_str().contains('@') && !name_is_address {
        return Err(AddressError::Brackets(quote(piece)));
    }
    Ok(Mailbox {
        name: (!name.as_str().is_empty() && !name_is_address).then_some(name),
        address,
    })
}

/// Splits at commas, semicolons and line ends that are not inside double quotes.
fn split_outside_quotes(cell: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    cell.split(move |c| {
        if c == '"' {
            quoted = !quoted;
        }
        !quoted && matches!(c, ',' | ';' | '\n' | '\r')
    })
}

#[cfg(test)]
mod tests;
