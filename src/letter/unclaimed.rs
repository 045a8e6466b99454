//! Files that lie where attachments are looked for, and that no recipient claims.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::attached::claim;
use super::attachment::Place;
use crate::finding::{Finding, quote};

/// A folder with more entries is not gone through to its end.
const MOST_ENTRIES: usize = 100_000;
const MOST_NAMED: usize = 5;

/// Where a path template leads.
#[derive(Debug, Default, PartialEq, Eq)]
struct Reach {
    /// How many folders deep its variable part goes.
    depth: usize,
    /// The suffixes of its files; any if there are none.
    suffixes: Vec<String>,
}

/// One notice for each folder of the path templates in which files lie that nobody claims. The
/// claims are sorted.
pub(super) fn unclaimed<'a>(
    place: &Place<'_>,
    templates: impl Iterator<Item = &'a str>,
    claims: &[u64],
) -> Vec<Finding> {
    let mut folders: BTreeMap<&str, Reach> = BTreeMap::new();
    for (folder, depth, suffix) in templates.filter_map(reach) {
        let inside = Path::new(folder)
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        // The batch's own folder has other files too.
        if (!inside && !place.allow_outside) || (folder.is_empty() && suffix.is_none()) {
            continue;
        }
        let reach = folders.entry(folder).or_default();
        reach.depth = reach.depth.max(depth);
        if folder.is_empty() {
            reach.suffixes.extend(suffix.map(str::to_lowercase));
        }
    }
    folders
        .into_iter()
        .filter_map(|(folder, reach)| {
            let root = place.folder.join(folder);
            let mut found = FolderFiles::default();
            found.gather(&root, reach.depth, &reach.suffixes, claims);
            found.notice(folder, &root)
        })
        .collect()
}

/// The fixed folder of a path template, how many folders its variable part goes through, and the
/// suffix of its files. A path without a variable part is one file, and has none.
fn reach(template: &str) -> Option<(&str, usize, Option<&str>)> {
    let open = template
        .find("{{")
        .into_iter()
        .chain(template.find("{%"))
        .min()?;
    let folder = template[..open].rfind('/').map_or(0, |slash| slash + 1);
    let end = template.rfind(['}', '/']).map_or(0, |end| end + 1);
    let suffix = template[end..]
        .rsplit_once('.')
        .map(|(_, suffix)| suffix.trim());
    let depth = template[folder..].matches('/').count();
    Some((&template[..folder], depth, suffix))
}

#[derive(Default)]
struct FolderFiles {
    files: Vec<PathBuf>,
    seen: usize,
}

impl FolderFiles {
    fn gather(&mut self, folder: &Path, depth: usize, suffixes: &[String], claims: &[u64]) {
        // A folder that is not there has no files; that the attachments are missing is reported elsewhere.
        let Ok(entries) = std::fs::read_dir(folder) else {
            return;
        };
        for entry in entries.flatten() {
            self.seen += 1;
            if self.seen > MOST_ENTRIES {
                return;
            }
            let path = entry.path();
            if is_of_the_system(&entry.file_name().to_string_lossy()) {
                continue;
            }
            if path.is_dir() {
                if depth > 0 {
                    self.gather(&path, depth - 1, suffixes, claims);
                }
                continue;
            }
            let has_suffix = path.extension().is_some_and(|suffix| {
                let suffix = suffix.to_string_lossy().to_lowercase();
                suffixes.contains(&suffix)
            });
            if (suffixes.is_empty() || has_suffix) && claims.binary_search(&claim(&path)).is_err() {
                self.files.push(path);
            }
        }
    }

    fn notice(mut self, folder: &str, root: &Path) -> Option<Finding> {
        if self.files.is_empty() {
            return None;
        }
        self.files.sort();
        let names: Vec<_> = self
            .files
            .iter()
            .take(MOST_NAMED)
            .map(|path| {
                quote(
                    &path
                        .strip_prefix(root)
                        .unwrap_or(path)
                        .display()
                        .to_string(),
                )
            })
            .collect();
        let mut text = match self.files.len() {
            1 => "a file that no recipient claims: ".to_owned(),
            more => format!("{more} files that no recipient claims: "),
        };
        text.push_str(&names.join(", "));
        if self.files.len() > MOST_NAMED {
            text.push_str(&format!(" and {} more", self.files.len() - MOST_NAMED));
        }
        if self.seen > MOST_ENTRIES {
            text.push_str(&format!(" (of the first {MOST_ENTRIES} entries)"));
        }
        let folder = if folder.is_empty() { "." } else { folder };
        Some(
            Finding::notice(
                text,
                "see whether a recipient is missing from the list; take out what does not belong",
            )
            .file(quote(folder)),
        )
    }
}

/// Files that systems and programs leave in any folder.
fn is_of_the_system(name: &str) -> bool {
    name.starts_with('.') || name.starts_with("~$") || matches!(name, "Thumbs.db" | "desktop.ini")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_template_leads_to_its_fixed_folder() {
        for (template, expected) in [
            (
                "reports/report_{{ id }}.pdf",
                Some(("reports/", 0, Some("pdf"))),
            ),
            (
                "a/b/{{ region }}/{{ id }}.pdf",
                Some(("a/b/", 1, Some("pdf"))),
            ),
            ("{{ id }}.PDF", Some(("", 0, Some("PDF")))),
            ("{% if a %}x{% endif %}", Some(("", 0, None))),
            ("{{ id }}/report.docx", Some(("", 1, Some("docx")))),
            ("guide.pdf", None),
        ] {
            assert_eq!(reach(template), expected, "{template}");
        }
    }

    #[test]
    fn only_what_nobody_claims_is_listed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(path("reports/old")).unwrap();
        for name in ["1.pdf", "2.pdf", "old.txt", ".hidden", "old/3.pdf"] {
            std::fs::write(path("reports").join(name), "x").unwrap();
        }
        let claims = [claim(&path("reports/./1.pdf"))];
        let place = Place {
            folder: folder.path(),
            real: &folder.path().canonicalize().unwrap(),
            allow_outside: false,
            own: &super::super::own::OwnFiles::default(),
        };
        let listed = |template: &str| unclaimed(&place, [template].into_iter(), &claims);
        let notices = listed("reports/{{ id }}.pdf");
        assert_eq!(notices.len(), 1);
        assert_eq!(notices[0].file.as_deref(), Some("reports/"));
        assert_eq!(
            notices[0].text,
            "2 files that no recipient claims: 2.pdf, old.txt"
        );
        assert!(
            listed("reports/{{ year }}/{{ id }}.pdf")[0]
                .text
                .starts_with("3 files")
        );
        assert_eq!(listed("{{ id }}.pdf"), []);
        assert_eq!(listed("reports/../{{ id }}.pdf"), []);
        assert_eq!(listed("elsewhere/{{ id }}.pdf"), []);
    }
}
