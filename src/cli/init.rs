//! `postroom init`: a commented starter batch.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::args::InitArgs;
use super::console::Console;
use super::exit::{Exit, Stop};

/// The starter, as it stands in `templates/starter`.
const FILES: [(&str, &[u8]); 8] = [
    (
        "batch.toml",
        include_bytes!("../../templates/starter/batch.toml"),
    ),
    (
        "dispatch-list.csv",
        include_bytes!("../../templates/starter/dispatch-list.csv"),
    ),
    (
        "templates/letter.html",
        include_bytes!("../../templates/starter/templates/letter.html"),
    ),
    (
        "reports/report_1001.pdf",
        include_bytes!("../../templates/starter/reports/report_1001.pdf"),
    ),
    (
        "reports/report_1002.pdf",
        include_bytes!("../../templates/starter/reports/report_1002.pdf"),
    ),
    (
        "reports/report_1003.pdf",
        include_bytes!("../../templates/starter/reports/report_1003.pdf"),
    ),
    (
        ".example-secrets.toml",
        include_bytes!("../../.example-secrets.toml"),
    ),
    (
        ".gitignore",
        b".secrets.toml\n*.state.db*\n*.outbox.db*\n*.rehearsal.db*\n*.report.*\noutbox/\npreview/\n",
    ),
];

pub(super) fn run(args: &InitArgs, console: &Console) -> Result<Exit, Stop> {
    let folder = &args.folder;
    let there: Vec<_> = FILES
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| folder.join(name).exists())
        .collect();
    if !there.is_empty() {
        return Err(Stop::new(
            Exit::Usage,
            format!(
                "{} has {} already, so nothing was written\n  next: name another folder",
                folder.display(),
                there.join(", ")
            ),
        ));
    }
    for (name, contents) in FILES {
        let path = folder.join(name);
        write_new(&path, contents).map_err(|error| {
            Stop::new(
                Exit::Unexpected,
                format!(
                    "cannot write {}: {error}\n  next: name a folder where you may write",
                    path.display()
                ),
            )
        })?;
        console.note(&format!("wrote {}", path.display()));
    }
    console.result(&format!(
        "A batch of three invented schools is in {0}.\n  next: edit {0}/batch.toml, then `postroom check {0}`",
        folder.display()
    ));
    Ok(Exit::Success)
}

/// Writes a file that must not be there yet, even if it came a moment ago.
fn write_new(path: &Path, contents: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)?
        .write_all(contents)
}
