//! What a server said, or what happened instead: a code that programs compare, words that they do
//! not, and what can be done about it.

use std::fmt;

use crate::finding::escape;

/// What the server said, or what happened instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What kind of answer it is.
    pub code: Code,
    pub(super) text: String,
    next_step: Option<String>,
}

/// What kind of answer it is. Its `Display` is what people see and the ledger keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// An answer over HTTP.
    Http {
        /// Its status (RFC 9110 section 15).
        status: u16,
        /// The service's name for the error, where its answer has one (Microsoft Graph, "Error
        /// responses and resource types").
        name: Option<String>,
    },
    /// The response code of Exchange (MS-OXWSCDATA, `ResponseCodeType`), or the fault code of SOAP.
    Exchange(String),
    /// The reply code of a mail server (RFC 5321 section 4.2).
    Smtp(u16),
    /// No server said it: we did.
    Own(Cause),
}

/// What kept a letter from being accepted when no server said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A look-up did not find the letter.
    Absent,
    /// The address is none that the client takes.
    Address,
    /// Signing in to a mail server failed without a reply of it.
    Auth,
    /// The connection to a mail server failed or broke.
    Connection,
    /// There is no draft to send.
    Draft,
    /// Another letter has the file of this one.
    FileExists,
    /// The letter lies in the mailbox and has not been sent.
    InDrafts,
    /// The letter cannot be written as JSON.
    Json,
    /// The server got the request, or may have, and did not answer.
    NoAnswer,
    /// The server cannot have got the whole request.
    NoConnection,
    /// The mail server does not offer STARTTLS.
    NoStartTls,
    /// The mailbox takes no large attachments.
    NoUploads,
    /// The letter is not made of 7-bit characters.
    NotSevenBit,
    /// The folder of the outbox cannot be used.
    Outbox,
    /// The token does not allow what is asked for.
    Scopes,
    /// The sign-in gave nothing to get in with.
    SignIn,
    /// The state file could not be written.
    StateFile,
    /// The server does not prove who it is.
    Tls,
    /// The letter is larger than a request may be.
    TooLarge,
    /// A large attachment could not be uploaded whole.
    Upload,
    /// The service named an address for an upload that is not protected.
    UploadAddress,
    /// The mailbox gives no session to upload a large attachment in.
    UploadSession,
    /// The letter cannot be written as XML.
    Xml,
}

impl Answer {
    /// An answer in one line, whatever the server wrote.
    #[must_use]
    pub fn new(code: impl Into<Code>, text: &str) -> Self {
        Self {
            code: code.into(),
            text: one_line(text),
            next_step: None,
        }
    }

    /// The same with what can be done about it.
    #[must_use]
    pub fn with(self, next_step: &str) -> Self {
        Self {
            next_step: Some(one_line(next_step)),
            ..self
        }
    }

    /// The same with the step in front in which it came.
    #[must_use]
    pub(super) fn during(self, step: &str) -> Self {
        Self {
            text: one_line(&format!("{step}: {}", self.text)),
            ..self
        }
    }

    /// The words, in one line.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What can be done about it, where that is known.
    #[must_use]
    pub fn next_step(&self) -> Option<&str> {
        self.next_step.as_deref()
    }

    /// What was said, for people: a server's words with its code, and ours as they are.
    #[must_use]
    pub fn said(&self) -> String {
        self.coded(&self.text)
    }

    /// The same with what can be done about it.
    #[must_use]
    pub fn in_full(&self) -> String {
        self.coded(&self.line())
    }

    fn coded(&self, text: &str) -> String {
        match &self.code {
            Code::Own(_) => text.to_owned(),
            code if text.is_empty() => code.to_string(),
            Code::Smtp(code) => format!("{code} {text}"),
            code @ (Code::Http { .. } | Code::Exchange(_)) => format!("{code}: {text}"),
        }
    }

    /// The words and what can be done about it, in one line for people and for the record.
    #[must_use]
    pub fn line(&self) -> String {
        match &self.next_step {
            Some(next_step) => format!("{}; {next_step}", self.text.trim_end_matches('.')),
            None => self.text.clone(),
        }
    }
}

impl Code {
    /// Whether it is this status of HTTP.
    #[must_use]
    pub fn is_status(&self, wanted: u16) -> bool {
        match self {
            Self::Http { status, .. } => *status == wanted,
            Self::Exchange(_) | Self::Smtp(_) | Self::Own(_) => false,
        }
    }

    /// Whether a service over HTTP gave its error this name.
    #[must_use]
    pub fn is_named(&self, wanted: &str) -> bool {
        match self {
            Self::Http { name, .. } => name.as_deref() == Some(wanted),
            Self::Exchange(_) | Self::Smtp(_) | Self::Own(_) => false,
        }
    }

    /// A status of HTTP, without a name for the error.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Http { status, name: None }
    }
}

impl From<Cause> for Code {
    fn from(cause: Cause) -> Self {
        Self::Own(cause)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http { status, name: None } => write!(f, "{status}"),
            Self::Http {
                status,
                name: Some(name),
            } => write!(f, "{status} {name}"),
            Self::Exchange(code) => f.write_str(code),
            Self::Smtp(code) => write!(f, "{code}"),
            Self::Own(cause) => f.write_str(cause.word()),
        }
    }
}

impl Cause {
    /// The word for it, which ledgers keep.
    fn word(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Address => "address",
            Self::Auth => "AUTH",
            Self::Connection => "connection",
            Self::Draft => "draft",
            Self::FileExists => "file exists",
            Self::InDrafts => "in Drafts",
            Self::Json => "json",
            Self::NoAnswer => "no answer",
            Self::NoConnection => "no connection",
            Self::NoStartTls => "no STARTTLS",
            Self::NoUploads => "no uploads",
            Self::NotSevenBit => "not 7-bit",
            Self::Outbox => "outbox",
            Self::Scopes => "scopes",
            Self::SignIn => "sign-in",
            Self::StateFile => "state file",
            Self::Tls => "TLS",
            Self::TooLarge => "too large",
            Self::Upload => "upload",
            Self::UploadAddress => "upload address",
            Self::UploadSession => "upload session",
            Self::Xml => "xml",
        }
    }
}

/// What the server wrote, as it may stand in a line of ours.
pub(super) fn one_line(text: &str) -> String {
    const LONGEST: usize = 500;
    let words: Vec<_> = text.split_whitespace().collect();
    let line = words.join(" ");
    line.chars().flat_map(escape).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_compared_as_what_it_is_and_shown_as_it_always_was() {
        let named = Code::Http {
            status: 403,
            name: Some("ErrorAccessDenied".into()),
        };
        assert_eq!(named.to_string(), "403 ErrorAccessDenied");
        assert!(named.is_status(403) && named.is_named("ErrorAccessDenied"));
        assert!(!named.is_status(40) && !named.is_named("AccessDenied"));
        assert_eq!(Code::status(502).to_string(), "502");
        // A mail server's code of three digits is no status of HTTP.
        assert!(!Code::Smtp(403).is_status(403));
        assert_eq!(Code::from(Cause::SignIn).to_string(), "sign-in");
    }

    #[test]
    fn the_next_step_stands_beside_the_words_until_they_are_shown() {
        let answer = Answer::new(Code::status(401), "Not\r\n you.").with("sign in");
        assert_eq!(answer.text(), "Not you.");
        assert_eq!(answer.next_step(), Some("sign in"));
        assert_eq!(answer.line(), "Not you; sign in");
        assert_eq!(answer.said(), "401: Not you.");
        assert_eq!(answer.in_full(), "401: Not you; sign in");
        assert_eq!(Answer::new(Cause::Tls, "No.").line(), "No.");
        assert_eq!(Answer::new(Cause::Tls, "No.").said(), "No.");
        assert_eq!(
            Answer::new(Code::Smtp(550), "5.1.1 No.").said(),
            "550 5.1.1 No."
        );
        assert_eq!(Answer::new(Code::Smtp(550), "").in_full(), "550");
    }

    #[test]
    fn long_words_of_a_server_leave_the_next_step_whole() {
        let answer = Answer::new(Code::Smtp(550), &"x".repeat(5_000)).with("write less");
        assert!(answer.line().ends_with("x; write less"), "{answer:?}");
    }
}
