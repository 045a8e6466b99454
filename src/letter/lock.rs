//! The passwords that PDFs are locked with. A report is proved as it lies on the disk, and locked when
//! its letter is made.

use std::num::NonZeroU32;

use ring::pbkdf2;

use super::pdf::{LockError, PdfReaders};
use crate::digest::{Parts, Sha256Digest};
use crate::finding::Finding;
use crate::secret::Secret;

/// What readers take of a password (ISO 32000-2, section 7.6.4.3.3), in bytes.
const LONGEST: usize = 127;
/// A shorter password is found by trying.
const SHORTEST: usize = 8;
/// Rounds that a guess at a password costs by its mark.
const ROUNDS: NonZeroU32 = match NonZeroU32::new(20_000) {
    Some(rounds) => rounds,
    None => NonZeroU32::MIN,
};

/// What is wrong with a password; none if it can be used. It is not shown.
pub(super) fn refused(password: &Secret) -> Option<Finding> {
    let password = password.expose();
    let why = if password.is_empty() {
        "is empty"
    } else if password.len() > LONGEST {
        "is longer than 127 bytes"
    } else if password.chars().any(char::is_control) {
        "has a line break or control character in it"
    } else {
        return None;
    };
    Some(Finding::fault(
        format!("the password of the attachment {why}"),
        "correct the cell that [[attachment]] password shows",
    ))
}

/// The warning about a password that is soon found.
pub(super) fn guessable(password: &Secret) -> Option<Finding> {
    (password.expose().chars().count() < SHORTEST).then(|| {
        Finding::warning(
            format!("the password of the attachment has fewer than {SHORTEST} characters"),
            "use a longer one: whoever has the file can try all short ones",
        )
    })
}

/// What stands for a password in the plan. Plan, state file and record may be seen by people who may
/// not know the password, and passwords are short. So a guess at it needs the report itself, by its
/// digest, and costs many rounds of hashing.
pub(super) fn mark(password: &Secret, id: &str, report: &Sha256Digest) -> Sha256Digest {
    let mut salt = Parts::of("postroom lock 1");
    salt.add(id.as_bytes()).add(report);
    let mut mark = [0; 32];
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA256,
        ROUNDS,
        &salt.finish(),
        password.expose().as_bytes(),
        &mut mark,
    );
    mark
}

/// The PDF, locked. Its length follows from the file alone.
pub(super) fn locked(
    bytes: &[u8],
    password: &Secret,
    readers: &PdfReaders,
) -> Result<Vec<u8>, Finding> {
    readers.locked(bytes, password).map_err(|why| {
        // What the library says may name parts of the file.
        let why = match why {
            LockError::Locked => "it is locked already",
            LockError::Chance => "this machine gives no random numbers",
            LockError::Unread => "it is damaged, too large, or locked already",
            LockError::Pdf => "it is damaged",
        };
        Finding::fault(
            format!("the PDF cannot be locked: {why}"),
            "make the report again, as an ordinary PDF",
        )
    })
}

#[cfg(test)]
mod tests {
    use lopdf::{Document, LoadOptions, Object, dictionary};

    use super::*;

    /// A page that shows a text, with a title.
    fn report() -> Vec<u8> {
        let mut document = Document::with_version("1.7");
        let pages = document.new_object_id();
        let font = document.add_object(dictionary! {
            "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica",
        });
        let content = document.add_object(lopdf::Stream::new(
            dictionary! {},
            b"BT /F1 24 Tf 50 700 Td (Oak Park School) Tj ET".to_vec(),
        ));
        let page = document.add_object(dictionary! {
            "Type" => "Page", "Parent" => pages, "Contents" => content,
            "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
            "Resources" => dictionary! { "Font" => dictionary! { "F1" => font } },
        });
        document.objects.insert(
            pages,
            dictionary! { "Type" => "Pages", "Kids" => vec![page.into()], "Count" => 1 }.into(),
        );
        let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
        let title = Object::string_literal("Oak (Park)");
        let info = document.add_object(dictionary! { "Title" => title });
        document.trailer.set("Root", catalog);
        document.trailer.set("Info", info);
        let mut bytes = Vec::new();
        document.save_to(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn only_the_password_opens_it_and_its_size_is_no_matter_of_chance() {
        let (report, password) = (report(), Secret::new("Größe 7\u{e9}!".into()));
        let first = locked(&report, &password, &PdfReaders::default()).unwrap();
        let second = locked(&report, &password, &PdfReaders::default()).unwrap();
        assert_ne!(first, second);
        assert_eq!(first.len(), second.len());
        for word in [&b"Oak"[..], b"Park"] {
            assert!(!first.windows(word.len()).any(|part| part == word));
        }
        let open = |password: &str| {
            let options = LoadOptions::with_password(password);
            let document = Document::load_mem_with_options(&first, options).ok()?;
            document.extract_text(&[1]).ok()
        };
        assert!(open("Größe 7\u{e9}!").unwrap().contains("Oak Park School"));
        for other in ["", "größe 7\u{e9}!", "Größe 7\u{e9}"] {
            assert_eq!(open(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_locked_or_no_pdf_is_not_locked() {
        let password = Secret::new("correct horse".into());
        let once = locked(&report(), &password, &PdfReaders::default()).unwrap();
        for bytes in [&once[..], b"%PDF-1.7\n", b""] {
            let fault = locked(bytes, &password, &PdfReaders::default()).unwrap_err();
            assert!(!fault.text.contains("horse"));
        }
    }

    #[test]
    fn a_mark_needs_recipient_report_and_password() {
        let mark =
            |password: &str, id, report| mark(&Secret::new(password.into()), id, &[report; 32]);
        let first = mark("1234", "a", 1);
        assert_eq!(first, mark("1234", "a", 1));
        for other in [
            mark("1235", "a", 1),
            mark("1234", "b", 1),
            mark("1234", "a", 2),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn passwords_that_no_reader_takes_are_refused() {
        for (password, taken) in [("", false), ("a\nb", false), ("a", true)] {
            assert_eq!(refused(&Secret::new(password.into())).is_none(), taken);
        }
        assert!(refused(&Secret::new("x".repeat(128))).is_some());
        assert!(guessable(&Secret::new("1234567".into())).is_some());
        assert!(guessable(&Secret::new("12345678".into())).is_none());
    }
}
