//! A folder of .eml files, one for each recipient.
//!
//! A file that is there is whole, and a repeat cannot make a second one.

use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{
    Answer, Cause, Doubt, LookUp, Receipt, SendError, Survey, Transport, TransportAttempt,
};
use crate::config::Batch;
use crate::message::{Encoded, Message};
use crate::own_folder::{Links, OwnFolder};

pub(super) fn open(batch: &Batch) -> Box<dyn Transport> {
    Box::new(Outbox::of(batch))
}

/// Moves the letters of an outbox into a folder of this name inside it, which no run looks into. Whatever
/// else lies there stays. Gives the folder; none where there are no letters.
///
/// # Errors
/// When something cannot be moved; then the outbox comes with what the system said.
pub(crate) fn set_letters_aside(
    batch: &Batch,
    name: &str,
) -> Result<Option<PathBuf>, (PathBuf, io::Error)> {
    let outbox = Outbox::of(batch);
    let is_letter = |name: &Path| name.extension().is_some_and(|end| end == "eml");
    let moved = outbox.opened().and_then(|folder| {
        folder.map_or(Ok(false), |folder| {
            folder.move_files(is_letter, Path::new(name))
        })
    });
    match moved {
        Ok(any) => Ok(any.then(|| outbox.folder.join(name))),
        Err(error) => Err((outbox.folder, error)),
    }
}

struct Outbox {
    folder: PathBuf,
    /// The batch's folder, and the path from there.
    base: PathBuf,
    path: PathBuf,
    links: Links,
}

impl Outbox {
    fn of(batch: &Batch) -> Self {
        Self {
            folder: batch.resolve(&batch.outbox.path),
            base: batch.resolve(Path::new("")),
            path: batch.outbox.path.clone(),
            links: if batch.allow_outside {
                Links::Anywhere
            } else {
                Links::Beneath
            },
        }
    }

    /// The folder; none where there is none.
    fn opened(&self) -> io::Result<Option<OwnFolder>> {
        OwnFolder::open(&self.base, &self.path, self.links)
    }

    /// The name of a message's file. Where the disk ignores case, as those of Windows and macOS do, the
    /// second of two ids such as `a1` and `A1` has the safe form of a name.
    fn name(&self, id: &str, sending: u32) -> String {
        let name = file_name(id, sending);
        match self.folder.join(&name).canonicalize() {
            Ok(real) if is_in_other_case(&real, &name) => with_number(&safe_stem(id), sending),
            _ => name,
        }
    }

    fn put(&self, name: &str, pieces: &[&[u8]]) -> io::Result<OwnFolder> {
        let folder = OwnFolder::make(&self.base, &self.path, self.links)?;
        folder.put(name, pieces)?;
        Ok(folder)
    }

    /// The Message-ID of a file in the outbox; none when there is no file.
    fn message_id_of(&self, name: &str) -> io::Result<Option<String>> {
        let folder = self.opened()?;
        let file = folder.map(|folder| folder.read(name)).transpose()?;
        file.flatten().map(message_id_in).transpose()
    }
}

impl Transport for Outbox {
    fn describe(&self) -> String {
        let whole = std::path::absolute(&self.folder);
        format!(
            "outbox {}",
            whole.as_ref().unwrap_or(&self.folder).display()
        )
    }

    fn send(
        &mut self,
        message: &Message,
        _: &mut TransportAttempt<'_>,
    ) -> Result<Receipt, SendError> {
        let name = self.name(&message.id, message.sending);
        let path = self.folder.join(&name);
        match self.message_id_of(&name) {
            Ok(None) => {}
            Ok(Some(found)) if found == message.message_id => return Ok(receipt(&path)),
            Ok(Some(_)) => return Err(SendError::Rejected(taken(&path))),
            Err(error) => return Err(unusable(&path, &error)),
        }
        let Encoded { head, body } = message.encoded();
        self.put(&name, &[&head, &body])
            .map_err(|error| unusable(&path, &error))?;
        Ok(receipt(&path))
    }

    fn look_up(&mut self, doubt: &Doubt<'_>) -> Result<LookUp, SendError> {
        let name = self.name(doubt.id, doubt.sending);
        let path = self.folder.join(&name);
        match self.message_id_of(&name) {
            Ok(Some(found)) if found == doubt.message_id => Ok(LookUp::Found(receipt(&path))),
            // Only a whole file is ever put under this name, so no other one can be on its way.
            Ok(_) => Ok(LookUp::Absent),
            Err(error) => Err(unusable(&path, &error)),
        }
    }

    fn survey(&mut self) -> Result<Survey, SendError> {
        const TRIAL: &str = ".postroom-trial";
        self.put(TRIAL, &[])
            .and_then(|folder| folder.remove_file(TRIAL))
            .map_err(|error| unusable(&self.folder, &error))?;
        Ok(Survey {
            facts: vec![("folder", "can be written".into())],
            ..Survey::default()
        })
    }
}

/// Whether what lies under a name is written otherwise there.
fn is_in_other_case(real: &Path, name: &str) -> bool {
    real.file_name()
        .and_then(|real| real.to_str())
        .is_some_and(|real| real != name && real.eq_ignore_ascii_case(name))
}

fn receipt(path: &Path) -> Receipt {
    Receipt {
        text: path.display().to_string(),
        ..Receipt::default()
    }
}

fn taken(path: &Path) -> Answer {
    Answer::new(
        Cause::FileExists,
        &format!(
            "{} holds another letter: move it away, or name another folder in [outbox] path",
            path.display()
        ),
    )
}

fn unusable(path: &Path, error: &io::Error) -> SendError {
    SendError::Unusable(Answer::new(
        Cause::Outbox,
        &format!("cannot write {}: {error}", path.display()),
    ))
}

/// The Message-ID of a letter.
fn message_id_in(letter: impl Read) -> io::Result<String> {
    // Our headers come first; most of them are the addresses, of which there may be many.
    const LONGEST: u64 = 64 << 20;
    let mut lines = BufReader::new(letter.take(LONGEST));
    let (mut value, mut line) = (String::new(), Vec::new());
    let mut inside = false;
    while lines.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\r', '\n']);
        let folded = text.starts_with([' ', '\t']);
        if text.is_empty() || (inside && !folded) {
            break;
        }
        if inside {
            value.push_str(text);
        } else if let Some(begun) = text.strip_prefix("Message-ID:") {
            value.push_str(begun);
            inside = true;
        }
        line.clear();
    }
    let value = value.trim().trim_start_matches('<').trim_end_matches('>');
    Ok(value.to_owned())
}

/// The file name of a recipient: the id itself where every system takes it, else a safe form with a
/// few digits of its digest, so that two ids never share a file. A letter that is sent again has the
/// number of its message in brackets, which no safe form of an id has.
fn file_name(id: &str, sending: u32) -> String {
    with_number(&stem(id), sending)
}

fn with_number(stem: &str, sending: u32) -> String {
    match sending {
        0 | 1 => format!("{stem}.eml"),
        again => format!("{stem}({again}).eml"),
    }
}

/// As much of an id as every system takes.
fn safe(id: &str) -> String {
    const LONGEST: usize = 100;
    id.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '_'
            }
        })
        .take(LONGEST)
        .collect()
}

fn safe_stem(id: &str) -> String {
    let digest = Sha256::digest(id.as_bytes());
    let digits = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    format!("_{}-{digits:08x}", safe(id))
}

fn stem(id: &str) -> String {
    let safe = safe(id);
    let stem = safe.split('.').next().unwrap_or("").to_ascii_uppercase();
    // Names that Windows keeps for devices, in any folder and with any suffix.
    let reserved = ["CON", "PRN", "AUX", "NUL"].contains(&stem.as_str())
        || (stem.len() == 4 && (stem.starts_with("COM") || stem.starts_with("LPT")));
    if safe == id && !safe.is_empty() && !reserved && !safe.starts_with('.') {
        return safe;
    }
    safe_stem(id)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_ordinary_id_is_the_file_name() {
        assert_eq!(file_name("RRS1000057", 1), "RRS1000057.eml");
        assert_eq!(file_name("school-07", 1), "school-07.eml");
        assert_eq!(file_name("school-07", 2), "school-07(2).eml");
    }

    #[test]
    fn an_id_cannot_name_a_device_or_leave_the_folder() {
        for id in [
            "../x", "a/b", "CON", "nul.1", "com1", "", ".", "é", ".hidden",
        ] {
            let name = file_name(id, 1);
            assert!(name.starts_with('_') && !name.contains('/'), "{id}: {name}");
        }
    }

    #[test]
    fn an_id_in_other_case_is_noticed_by_the_name_that_lies_there() {
        let real = Path::new("outbox/A1.eml");
        assert!(is_in_other_case(real, "a1.eml"));
        assert!(!is_in_other_case(real, "A1.eml"));
        assert!(!is_in_other_case(Path::new("outbox/b.eml"), "a1.eml"));
        assert_ne!(safe_stem("A1"), safe_stem("a1"));
    }

    #[test]
    fn the_message_id_of_a_letter_is_read_back() {
        let letter = "From: a
Message-ID:
 <x@y>

Message-ID: <z@y>
";
        assert_eq!(message_id_in(letter.as_bytes()).unwrap(), "x@y");
    }

    proptest! {
        #[test]
        fn two_messages_never_share_a_file(
            a in ("\\PC{0,40}", 1..4_u32),
            b in ("\\PC{0,40}", 1..4_u32),
        ) {
            prop_assume!(a != b);
            prop_assert_ne!(file_name(&a.0, a.1), file_name(&b.0, b.1));
        }
    }
}
