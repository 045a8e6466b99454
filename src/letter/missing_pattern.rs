//! Reports that are missing, explained by the files that are there.

use std::path::{Component, Path};

use super::Letters;
use super::attached::AttachmentTemplate;
use super::attachment::{MISSING, PUT_THERE};
use super::naming::{NamedRecipient, assign, is_written_otherwise, propose};
use crate::finding::{Finding, quote};

/// A folder with more files is not looked at.
const MOST_FILES: usize = 20_000;

impl Letters {
    /// Says what may be done about reports that are missing: the pattern by which the folder's files are
    /// named, or the file that shows the recipient.
    pub fn explain_missing(&self, findings: &mut [Finding]) {
        let is_missing = |fault: &Finding| fault.cause.as_deref() == Some(MISSING);
        if !findings.iter().any(is_missing) {
            return;
        }
        let recipients: Vec<NamedRecipient<'_>> = (0..self.len())
            .map(|index| NamedRecipient {
                id: self.id(index),
                name: self.name(index),
            })
            .collect();
        let written = self
            .plan
            .attachments
            .iter()
            .map(AttachmentTemplate::written);
        for folder in written.filter_map(fixed_folder) {
            let inside = Path::new(folder)
                .components()
                .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
            if !inside && !self.plan.place().allow_outside {
                continue;
            }
            let files = files_of(&self.plan.folder.join(folder));
            if files.is_empty() {
                continue;
            }
            let of_folder = |fault: &&mut Finding| {
                is_missing(fault)
                    && fault
                        .file
                        .as_deref()
                        .is_some_and(|file| file.starts_with(folder))
            };
            let missing = findings.iter_mut().filter(of_folder).count();
            let there = recipients.len().saturating_sub(missing);
            let pattern = propose(&files, &recipients)
                .filter(|pattern| missing > 1 && pattern.matched > there);
            if let Some(pattern) = pattern {
                let next = format!(
                    "the folder has {} files: path = \"{folder}{}\" in [[attachment]] gives {} of {} recipients one of their own",
                    files.len(),
                    pattern.template.replace('"', "\\\""),
                    pattern.matched,
                    recipients.len()
                );
                for fault in findings.iter_mut().filter(of_folder) {
                    fault.next_step.clone_from(&next);
                }
                continue;
            }
            let unexplained =
                |fault: &&mut Finding| of_folder(fault) && fault.next_step == PUT_THERE;
            for fault in findings.iter_mut().filter(unexplained).take(100) {
                if let Some(next) = self.hint(fault, folder, &files) {
                    fault.next_step = next;
                }
            }
        }
    }

    /// Where the batch says that a file is a recipient's.
    pub(super) fn named_in(&self, index: usize, path: &str) -> String {
        let mut templates = self.plan.attachments.iter();
        templates
            .find_map(|template| template.named_in(self.id(index), path))
            .unwrap_or_else(|| "[[attachment]] path".to_owned())
    }

    /// What may be done about one file that is missing.
    fn hint(&self, fault: &Finding, folder: &str, files: &[String]) -> Option<String> {
        let wanted = fault.file.as_deref()?.strip_prefix(folder)?;
        let otherwise = files.iter().find(|file| is_written_otherwise(file, wanted));
        if let Some(file) = otherwise {
            return Some(format!(
                "the folder has `{folder}{}`, whose name has the same letters written in another way \
                 (accents or upper and lower case): rename the file as the list writes it",
                quote(file)
            ));
        }
        let index = self.index_of(fault.id.as_deref()?)?;
        let recipient = NamedRecipient {
            id: self.id(index),
            name: self.name(index),
        };
        let assigned = assign(files, &[recipient]).pop()?;
        let file = assigned.file?;
        Some(format!(
            "is it `{folder}{}`? {}: rename the file, or correct {}",
            quote(&file),
            assigned.because,
            self.named_in(index, fault.file.as_deref()?)
        ))
    }
}

/// The folder before the variable part of a path; none of a path without one.
fn fixed_folder(path: &str) -> Option<&str> {
    let variable = path.find(['{', '*'])?;
    let folder = path[..variable].rfind('/').map_or(0, |slash| slash + 1);
    Some(&path[..folder])
}

fn files_of(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<String> = entries
        .filter(|entry| entry.path().is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.') && !name.starts_with("~$"))
        .take(MOST_FILES + 1)
        .collect();
    if files.len() > MOST_FILES {
        return Vec::new();
    }
    files.sort();
    files
}
