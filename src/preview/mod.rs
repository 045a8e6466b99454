//! The gallery: every letter of a plan, to look at in a browser before anything is sent.
//!
//! It is a folder that opens from the disk: `index.html` with the list, and for each letter what its
//! recipient will see and the exact message as an .eml file. Letters are shown in frames that run
//! nothing and load nothing, since a letter may hold what a dispatch list holds.

mod folder;
mod frame;
mod row;

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use rayon::prelude::*;
use serde::Serialize;

use self::folder::PreviewFolder;
use self::row::GalleryRow;
use crate::config::Batch;
use crate::finding::{Finding, NextStep};
use crate::letter::Letters;
use crate::message::Message;
use crate::page::Page;
use crate::plan::Plan;

/// What a gallery is made of.
pub struct Preview<'a> {
    /// The batch.
    pub batch: &'a Batch,
    /// Makes the letters.
    pub letters: &'a Letters,
    /// What was checked.
    pub plan: &'a Plan,
    /// What the checks found.
    pub findings: &'a [Finding],
    /// The recipients whose letters are shown; all of them if there are none.
    pub only: Option<&'a HashSet<String>>,
    /// The date that the messages bear.
    pub now: Timestamp,
}

/// A gallery that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// Something else is in its place.
    #[error("{} is there and is not a preview, so it was left as it is", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
    },
    /// It cannot be written.
    #[error("the preview cannot be written: {}: {source}", path.display())]
    Storage {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A letter changed since it was checked.
    #[error("the letter of {0} or its report changed while the preview was made")]
    Changed(String),
}

impl NextStep for PreviewError {
    fn next_step(&self) -> Cow<'_, str> {
        match self {
            Self::Foreign { .. } => "name another folder with --into".into(),
            Self::Storage { .. } => "make room or name another folder with --into".into(),
            Self::Changed(_) => "run the same command again".into(),
        }
    }
}

/// The data of the page.
#[derive(Serialize)]
struct Data<'a> {
    batch: &'a str,
    plan: String,
    from: String,
    addresses: u64,
    bytes: u64,
    notes: Vec<Note<'a>>,
    letters: Vec<GalleryRow>,
}

/// A finding that concerns no single letter.
#[derive(Serialize)]
struct Note<'a> {
    severity: crate::finding::Severity,
    place: String,
    text: Cow<'a, str>,
}

impl Preview<'_> {
    /// Writes the gallery into a folder, in place of an older one. `done` is given how many letters
    /// are ready. Gives the page to open.
    ///
    /// # Errors
    /// When something else is there, the disk is full, or a letter changed meanwhile.
    pub fn write(
        &self,
        into: &Path,
        done: &(dyn Fn(usize) + Sync),
    ) -> Result<PathBuf, PreviewError> {
        let folder = PreviewFolder::prepare(into)?;
        let count = AtomicUsize::new(0);
        let rows: Mutex<Vec<(usize, GalleryRow)>> = Mutex::default();
        self.shown().into_par_iter().try_for_each(|index| {
            let row = self.letter(index, &folder)?;
            if let Ok(mut rows) = rows.lock() {
                rows.push((index, row));
            }
            done(count.fetch_add(1, Ordering::Relaxed) + 1);
            Ok(())
        })?;
        let mut rows = rows.into_inner().unwrap_or_default();
        rows.sort_unstable_by_key(|(index, _)| *index);
        let data = Data {
            batch: &self.batch.name,
            plan: self.plan.id.to_string(),
            from: self.letters.from().to_string(),
            addresses: self.plan.addresses(),
            bytes: self.plan.bytes(),
            notes: self.notes(),
            letters: rows.into_iter().map(|(_, row)| row).collect(),
        };
        let title = format!("Preview: {}", self.batch.name);
        let page = Page {
            title: &title,
            style: include_str!("gallery.css"),
            body: include_str!("gallery.html"),
            script: include_str!("gallery.js"),
            frames: true,
        };
        folder.file("index.html", page.with(&data).as_bytes())?;
        folder.put_in_place()
    }

    /// The places of the letters that are shown.
    #[must_use]
    pub fn shown(&self) -> Vec<usize> {
        let is_shown = |index: &usize| {
            self.only
                .is_none_or(|only| only.contains(self.letters.id(*index)))
        };
        (0..self.letters.len()).filter(is_shown).collect()
    }

    fn letter(&self, index: usize, folder: &PreviewFolder) -> Result<GalleryRow, PreviewError> {
        let changed = || PreviewError::Changed(self.letters.id(index).to_owned());
        let (letter, contents) = self
            .letters
            .make_with_contents(index)
            .map_err(|_| changed())?;
        let planned = &self.plan.letters[index];
        if crate::plan::PlannedLetter::of(&letter, &[]).digest != planned.digest {
            return Err(changed());
        }
        let message =
            Message::first(&self.batch.name, letter, &planned.digest, contents).dated(self.now);
        let name = folder::name(index, &message.id);
        let text = frame::text(&message.letter().text());
        let body = match &message.letter().html {
            Some(html) => frame::html(&frame::with_pictures(html, &message.letter().pictures)),
            None => text.clone(),
        };
        folder.file(&format!("letters/{name}.html"), body.as_bytes())?;
        folder.file(&format!("letters/{name}.text.html"), text.as_bytes())?;
        let mime = message.mime();
        folder.file(&format!("eml/{name}.eml"), &mime)?;
        Ok(GalleryRow::of(
            &message,
            planned,
            &name,
            mime.len(),
            folder,
            self.findings,
        ))
    }

    fn notes(&self) -> Vec<Note<'_>> {
        let general = self.findings.iter().filter(|finding| finding.id.is_none());
        let manifest = self.letters.manifest();
        // The warnings of those without a report are each of an id that has no letter to show them by.
        let without_report = manifest.without_report_in_words().map(|text| Note {
            severity: crate::finding::Severity::Notice,
            place: manifest.file().to_owned(),
            text: text.into(),
        });
        general
            .map(|finding| Note {
                severity: finding.severity,
                place: finding.place(),
                text: finding.text.as_str().into(),
            })
            .chain(without_report)
            .collect()
    }
}
