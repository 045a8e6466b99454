//! Which recipients are meant: ids, names, and files with one of them in each line.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::MailingError;
use crate::letter::Letters;
use crate::manifest::LeftOut;

/// A file that names recipients is no larger than this.
const LARGEST_FILE: u64 = 16 << 20;

/// The ids of the recipients that these words name: each an id, a name, several of them between
/// commas, or `@` and a file with one in each line.
///
/// # Errors
/// When a file cannot be read, or a word names nobody or several.
pub(crate) fn recipients(words: &[String], letters: &Letters) -> Result<Vec<String>, MailingError> {
    let words = read_files(words)?;
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let (mut by_id, mut by_name) = (HashMap::new(), HashMap::<String, Vec<usize>>::new());
    for index in 0..letters.len() {
        by_id.insert(letters.id(index), index);
        by_name
            .entry(folded(letters.name(index)))
            .or_default()
            .push(index);
    }
    let mut chosen: Vec<usize> = Vec::new();
    let mut unknown = Vec::new();
    let mut take = |word: &str| -> Result<bool, MailingError> {
        let named = by_name.get(&folded(word)).map_or(&[][..], Vec::as_slice);
        let found = match (by_id.get(word), named) {
            (Some(index), _) | (None, [index]) => *index,
            (None, []) => return Ok(false),
            (None, several) => {
                return Err(MailingError::SeveralRecipients {
                    name: word.to_owned(),
                    ids: several
                        .iter()
                        .map(|index| letters.id(*index).to_owned())
                        .collect(),
                });
            }
        };
        chosen.push(found);
        Ok(true)
    };
    for word in &words {
        if take(word)? {
            continue;
        }
        for part in word
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            if !take(part)? {
                unknown.push(part.to_owned());
            }
        }
    }
    if !unknown.is_empty() {
        let is_meant = |row: &LeftOut| {
            let mut words = unknown.iter();
            words.any(|word| *word == row.id || folded(word) == folded(&row.name))
        };
        if let Some(row) = letters.manifest().left_out().find(is_meant) {
            return Err(MailingError::LeftOut(row));
        }
        return Err(MailingError::UnknownRecipients(unknown));
    }
    let mut ids: Vec<String> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for index in chosen {
        if seen.insert(index) {
            ids.push(letters.id(index).to_owned());
        }
    }
    Ok(ids)
}

/// The words with those of files in their place.
fn read_files(words: &[String]) -> Result<Vec<String>, MailingError> {
    let mut all = Vec::new();
    for word in words {
        let Some(path) = word.strip_prefix('@') else {
            all.push(word.clone());
            continue;
        };
        let text = read(Path::new(path)).map_err(|source| MailingError::OnlyFile {
            path: PathBuf::from(path),
            source,
        })?;
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
        all.extend(
            lines
                .filter(|line| !line.is_empty() && !line.starts_with('#'))
                .map(str::to_owned),
        );
    }
    Ok(all)
}

fn read(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    crate::regular::open(path)?
        .take(LARGEST_FILE)
        .read_to_string(&mut text)?;
    Ok(text)
}

/// The form in which names are compared.
fn folded(name: &str) -> String {
    name.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}
