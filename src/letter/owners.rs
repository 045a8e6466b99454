//! Whose reports PDFs are that no file name tells, by what they show.

use std::path::Path;

use super::naming::{NamedFile, NamedRecipient, folded};
use super::pdf::PdfReaders;

/// More files than this are not read: their names should tell.
const MOST_READ: usize = 200;
/// More recipients than this are not looked for.
const MOST_SOUGHT: usize = 1_000;
/// How much of what a report shows is looked at: names stand at its beginning.
const MOST_TEXT: usize = 200 << 10;
/// A shorter id or name may be any word or figure.
const SHORTEST: usize = 4;

/// Finds the files of recipients that have none yet, among the files that nobody has: the one that shows the
/// name or the id of one of them and of no other, if it is the only one that does.
pub(crate) fn assign_by_contents(
    folder: &Path,
    files: &[String],
    recipients: &[NamedRecipient<'_>],
    named: &mut [NamedFile],
) {
    let taken: Vec<&str> = named.iter().filter_map(|one| one.file.as_deref()).collect();
    let free: Vec<String> = files
        .iter()
        .filter(|file| !taken.contains(&file.as_str()))
        .filter(|file| file.to_ascii_lowercase().ends_with(".pdf"))
        .cloned()
        .collect();
    let open: Vec<usize> = (0..named.len().min(recipients.len()))
        .filter(|index| named[*index].file.is_none())
        .collect();
    if free.is_empty() || free.len() > MOST_READ || open.is_empty() || open.len() > MOST_SOUGHT {
        return;
    }
    let sought: Vec<(usize, [String; 2])> = open
        .into_iter()
        .map(|index| {
            let recipient = &recipients[index];
            (index, [folded(recipient.name), folded(recipient.id)])
        })
        .collect();
    let readers = PdfReaders::default();
    // For each recipient the files that show it and no other, and what they show.
    let mut found: Vec<Vec<(&String, &str)>> = vec![Vec::new(); named.len()];
    for file in &free {
        let Some(text) = text_of(&folder.join(file), &readers) else {
            continue;
        };
        let mut showing = sought.iter().filter_map(|(index, words)| {
            let shows = |word: &String| {
                word.chars().count() >= SHORTEST && text.contains(&format!(" {word} "))
            };
            let what = if shows(&words[0]) {
                "the PDF shows the name"
            } else if shows(&words[1]) {
                "the PDF shows the id"
            } else {
                return None;
            };
            Some((*index, what))
        });
        if let (Some((index, what)), None) = (showing.next(), showing.next()) {
            found[index].push((file, what));
        }
    }
    readers.end();
    for (named, found) in named.iter_mut().zip(found) {
        if let [(file, what)] = found[..] {
            *named = NamedFile {
                file: Some(file.clone()),
                because: what.to_owned(),
            };
        }
    }
}

/// What a PDF shows, in the form in which names are compared, with a blank at both ends.
fn text_of(path: &Path, readers: &PdfReaders) -> Option<String> {
    let (_, contents) = readers.read(path, true).ok()?;
    let shown = contents.text.ok()?.shown;
    let end = (0..=MOST_TEXT.min(shown.len()))
        .rev()
        .find(|end| shown.is_char_boundary(*end))?;
    Some(format!(" {} ", folded(&shown[..end])))
}
