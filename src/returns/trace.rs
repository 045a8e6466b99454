//! The message trace that the Exchange admin centre exports: what became of each message at each
//! address inside Microsoft's servers.

use std::borrow::Cow;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::status::{Action, ReportedRecipient};
use crate::digest::{Parts, Sha256Digest, hex};
use crate::finding::NextStep;
use crate::lifecycle::MailEvidence;
use crate::regular;

/// The largest trace that is read, in bytes.
const MAX_TRACE: u64 = 64 * 1024 * 1024;

/// A row of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TraceRow {
    /// Where it stands.
    pub place: String,
    /// The Message-ID, without angle brackets.
    pub message_id: String,
    /// What became of it.
    pub recipient: ReportedRecipient,
    /// Names the row, so that the same row of another export is known.
    pub sha256: Sha256Digest,
    /// The word of the trace.
    pub status: String,
}

impl TraceRow {
    /// What a trace says of a message at an address, by the word for it and what else is said; none
    /// for a word that leaves it open.
    #[must_use]
    pub(crate) fn of(
        place: String,
        message_id: &str,
        address: &str,
        word: &str,
        detail: &str,
    ) -> Option<Self> {
        let mut name = Parts::of("postroom trace 1");
        name.add(message_id.as_bytes())
            .add(address.to_lowercase().as_bytes())
            .add(word.to_lowercase().as_bytes());
        Some(Self {
            place,
            message_id: message_id.to_owned(),
            recipient: outcome(address, word, detail)?,
            sha256: name.finish(),
            status: word.to_owned(),
        })
    }

    /// It as evidence.
    #[must_use]
    pub(crate) fn evidence(&self) -> MailEvidence {
        MailEvidence {
            kind: "message_trace".to_owned(),
            sha256: hex(&self.sha256),
            message_id: None,
        }
    }

    /// Whether it says that the message did not come there.
    #[must_use]
    pub(crate) fn is_failure(&self) -> bool {
        self.recipient.action == Action::Failed
    }
}

/// Why a trace cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TraceError {
    /// The file cannot be read.
    #[error("cannot read {}: {detail}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// It has not the columns of a trace.
    #[error("{} has no column `{column}`", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
    },
}

impl NextStep for TraceError {
    fn next_step(&self) -> Cow<'_, str> {
        "export the message trace of the Exchange admin centre as CSV (enhanced summary) and name that file".into()
    }
}

/// Reads a trace. Rows that say nothing of an outcome are left out.
///
/// # Errors
/// When the file cannot be read or has other columns.
pub(crate) fn read_trace(path: &Path) -> Result<Vec<TraceRow>, TraceError> {
    let unreadable = |detail: String| TraceError::Unreadable {
        path: path.to_owned(),
        detail,
    };
    let file = regular::open(path).map_err(|error| unreadable(error.to_string()))?;
    let mut bytes = Vec::new();
    file.take(MAX_TRACE)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(error.to_string()))?;
    rows(path, &text(&bytes))
}

/// The centre exports UTF-16 as well as UTF-8.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    let (text, _, _) = match bytes {
        [0xff, 0xfe, ..] => encoding_rs::UTF_16LE.decode(bytes),
        [0xfe, 0xff, ..] => encoding_rs::UTF_16BE.decode(bytes),
        _ => encoding_rs::UTF_8.decode(bytes),
    };
    text
}

fn rows(path: &Path, text: &str) -> Result<Vec<TraceRow>, TraceError> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(text.as_bytes());
    let headers = reader
        .headers()
        .map_err(|error| TraceError::Unreadable {
            path: path.to_owned(),
            detail: error.to_string(),
        })?
        .clone();
    let column = |names: &[&str]| {
        headers.iter().position(|header| {
            let header = folded(header);
            names.iter().any(|name| *name == header)
        })
    };
    let needed = |names: &[&str], shown: &'static str| {
        column(names).ok_or_else(|| TraceError::Column {
            path: path.to_owned(),
            column: shown,
        })
    };
    let id = needed(&["messageid", "internetmessageid"], "message_id")?;
    let recipient = needed(
        &[
            "recipientaddress",
            "recipientstatus",
            "recipient",
            "recipients",
        ],
        "recipient_address",
    )?;
    let statuses = ["status", "deliverystatus", "recipientstatus"];
    let status = column(&statuses);
    let detail = column(&["detail", "details", "statusdetail"]);
    let mut rows = Vec::new();
    for record in reader.records().flatten() {
        let line = record.position().map_or(0, csv::Position::line);
        let get = |column: usize| record.get(column).unwrap_or_default().trim();
        let message_id = get(id).trim_matches(['<', '>']).to_owned();
        let whole = get(recipient);
        for one in whole.split(';').filter(|one| one.contains('@')) {
            // The enhanced summary writes `address##word`, one after the other.
            let (address, own) = match one.split_once("##") {
                Some((address, word)) => (address.trim(), Some(word.trim())),
                None => (one.trim(), None),
            };
            let word = own
                .or_else(|| status.map(get))
                .unwrap_or_default()
                .to_owned();
            let text = detail.map(get).unwrap_or_default();
            let place = format!("line {line}");
            rows.extend(TraceRow::of(place, &message_id, address, &word, text));
        }
    }
    Ok(rows)
}

/// A header without case and signs: `Message ID`, `message_id` and `MessageId` are the same.
fn folded(header: &str) -> String {
    header
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// What a word of the trace means; none for those that leave it open.
fn outcome(address: &str, word: &str, detail: &str) -> Option<ReportedRecipient> {
    let (action, text) = match folded(word).as_str() {
        "delivered" => (Action::Delivered, ""),
        "expanded" | "resolved" => (Action::Relayed, "passed on to the members of a list"),
        "failed" => (Action::Failed, ""),
        "filteredasspam" | "spam" => (Action::Failed, "filtered as spam by Microsoft's servers"),
        "quarantined" => (Action::Failed, "quarantined as spam by Microsoft's servers"),
        "pending" | "gettingstatus" => (Action::Delayed, ""),
        _ => return None,
    };
    let text = match (text, detail) {
        ("", detail) => detail.to_owned(),
        (text, "") => text.to_owned(),
        (text, detail) => format!("{text}: {detail}"),
    };
    Some(ReportedRecipient {
        original: None,
        last: Some(address.to_owned()),
        action,
        code: super::reason::code_in(&text),
        text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_export_is_read() {
        let enhanced = "origin_timestamp_utc,sender_address,recipient_status,message_subject,message_id\n\
            2026-11-02T10:00:00Z,r@s.example,a@x.example##Delivered;b@x.example##Failed,Report,<i@s.example>\n";
        let rows_of = |text: &str| rows(Path::new("trace.csv"), text).unwrap();
        let found = rows_of(enhanced);
        let words: Vec<_> = found
            .iter()
            .map(|row| (row.recipient.last.clone().unwrap(), row.recipient.action))
            .collect();
        assert_eq!(
            words,
            [
                ("a@x.example".to_owned(), Action::Delivered),
                ("b@x.example".to_owned(), Action::Failed)
            ]
        );
        let plain = "Message ID,Recipient Address,Status\n<i@s.example>,a@x.example,FilteredAsSpam\n<i@s.example>,a@x.example,None\n";
        let found = rows_of(plain);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].message_id, "i@s.example");
        assert!(rows(Path::new("x.csv"), "A,B\n1,2\n").is_err());
    }
}
