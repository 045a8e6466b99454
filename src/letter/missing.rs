//! The file that may be meant where an attachment is missing and no name of a file says which: one that
//! nobody claims and that shows the recipient.

use std::path::{Path, PathBuf};

use super::Letters;
use super::attached::claim;
use super::evidence::OwnSign;
use super::source;
use super::wording::Wording;
use crate::finding::quote;

/// Missing files for which others are opened.
const MOST_SEARCHED: usize = 50;
/// Files of a folder that are looked at, and that are opened.
const MOST_ENTRIES: usize = 100_000;
const MOST_OPENED: usize = 50;

/// A search for the files of one batch.
pub(super) struct Search<'a> {
    letters: &'a Letters,
    /// The files that recipients claim, sorted.
    claims: &'a [u64],
    searched: usize,
    /// The folder that was gone through last, and its files that nobody claims.
    folder: Option<(PathBuf, Vec<PathBuf>)>,
    /// What the opened ones show, as far as it can be read.
    texts: Vec<(PathBuf, Option<Wording>)>,
}

impl<'a> Search<'a> {
    pub(super) fn new(letters: &'a Letters, claims: &'a [u64]) -> Self {
        Self {
            letters,
            claims,
            searched: 0,
            folder: None,
            texts: Vec::new(),
        }
    }

    /// What to do about a file that a letter lacks, if another file may be meant.
    pub(super) fn file_for(&mut self, index: usize, written: &str) -> Option<String> {
        self.searched += 1;
        if self.searched > MOST_SEARCHED {
            return None;
        }
        let path = self.letters.plan.folder.join(written);
        let files = self.files_beside(&path)?;
        let file = self.by_text(index, &files)?;
        let folder = &self.letters.plan.folder;
        // As the batch file writes it: with slashes, on Windows too.
        let shown = quote(&if file.starts_with(folder) {
            source::name_of(&file, folder)
        } else {
            file.display().to_string()
        });
        Some(format!(
            "is it `{shown}`? It shows this recipient: rename the file, or correct {}",
            self.letters.named_in(index, written)
        ))
    }

    /// The file that shows the recipient of a letter and nobody else.
    fn by_text(&mut self, index: usize, files: &[PathBuf]) -> Option<PathBuf> {
        let letters = self.letters;
        let evidence = letters.evidence.as_ref()?;
        for file in files.iter().take(MOST_OPENED) {
            if !self.texts.iter().any(|(read, _)| read == file) {
                self.texts.push((file.clone(), self.text_of(file)));
            }
        }
        let own = letters.place(index);
        let mut found = self.texts.iter().filter(|(file, text)| {
            let Some(text) = text.as_ref().filter(|_| files.contains(file)) else {
                return false;
            };
            let shown = evidence.shown(text, own, &letters.manifest);
            shown.own >= OwnSign::Short && shown.others.is_empty()
        });
        match (found.next(), found.next()) {
            (Some((file, _)), None) => Some(file.clone()),
            _ => None,
        }
    }

    fn text_of(&self, file: &Path) -> Option<Wording> {
        let is_pdf = file
            .extension()
            .is_some_and(|suffix| suffix.eq_ignore_ascii_case("pdf"));
        let read = is_pdf.then(|| self.letters.readers.read(file, true))?;
        let (_, contents) = read.ok()?;
        Some(Wording::of(&contents.text.ok()?.shown))
    }

    /// The files of a folder that nobody claims.
    fn files_beside(&mut self, path: &Path) -> Option<Vec<PathBuf>> {
        let folder = path.parent()?;
        let known = self.folder.as_ref().filter(|(known, _)| known == folder);
        if let Some((_, files)) = known {
            return Some(files.clone());
        }
        let place = self.letters.plan.place();
        let is_inside = place.allow_outside
            || folder
                .canonicalize()
                .and_then(|real| Ok(real.starts_with(place.folder.canonicalize()?)))
                .unwrap_or(false);
        let entries = std::fs::read_dir(folder).ok().filter(|_| is_inside)?;
        let mut files: Vec<PathBuf> = entries
            .flatten()
            .take(MOST_ENTRIES)
            .map(|entry| entry.path())
            .filter(|file| {
                !name_of(file).starts_with('.')
                    && file.is_file()
                    && self.claims.binary_search(&claim(file)).is_err()
            })
            .collect();
        files.sort();
        self.folder = Some((folder.to_owned(), files.clone()));
        Some(files)
    }
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
