//! `postroom init`: a commented starter batch, or one that fits a list.

use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::args::InitArgs;
use super::console::Console;
use super::exit::{Exit, Stop};
use super::{findings, words};
use crate::config::{Batch, Secrets};
use crate::dispatch::Interrupt;
use crate::letter::Letters;
use crate::manifest::Manifest;
use crate::proposal::{Answers, OpenQuestion, Proposal, ProposalRequest};

/// The starter, as it stands in `templates/starter`.
const FILES: [(&str, &[u8]); 11] = [
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
        "templates/letter.md",
        include_bytes!("../../templates/starter/templates/letter.md"),
    ),
    (
        "templates/reminder.md",
        include_bytes!("../../templates/starter/templates/reminder.md"),
    ),
    (
        "templates/two-languages.md",
        include_bytes!("../../templates/starter/templates/two-languages.md"),
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
    if let Some(list) = &args.from {
        return propose(args, list, console);
    }
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
    write_all(folder, FILES, console)?;
    console.result(&format!(
        "A batch of three invented schools is in {0}.\n  next: edit {0}/batch.toml, then `postroom check {0}`",
        folder.display()
    ));
    Ok(Exit::Success)
}

/// Proposes the batch file for a list that is there.
fn propose(args: &InitArgs, list: &Path, console: &Console) -> Result<Exit, Stop> {
    let folder = &args.folder;
    let mut request = ProposalRequest {
        folder: folder.clone(),
        list: list.to_owned(),
        reports: args.reports.clone(),
        letter: args.letter.clone(),
        answers: Answers::default(),
    };
    let mut proposal = proposed(&request, console)?;
    if args.json {
        let json = serde_json::to_string(&proposal).unwrap_or_default();
        console.json(&json);
        console.json("\n");
        console.end_json();
    } else {
        show_proposal(&proposal, console);
    }
    if args.json && !args.yes {
        return Ok(Exit::Success);
    }
    let pictures = proposal.pictures.iter().map(|(name, _)| name.as_str());
    let there: Vec<&str> = proposal
        .files
        .iter()
        .map(|(name, _)| name.as_str())
        .chain(pictures)
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
    if !args.yes {
        if !Console::is_terminal() {
            return Err(Stop::new(
                Exit::Usage,
                "there is nobody to ask, so nothing was written\n  next: add --yes to take the proposal",
            ));
        }
        proposal = ask(&mut request, proposal, console)?;
        if !Console::confirm(
            &format!("Write it to {}?", folder.display()),
            &Interrupt::default(),
        ) {
            return Err(Stop::new(Exit::Interrupted, "nothing was written"));
        }
    }
    let proposed = proposal.files.iter();
    let proposed = proposed.map(|(name, text)| (name.as_str(), text.as_bytes()));
    let beside = FILES
        .into_iter()
        .filter(|(name, _)| name.starts_with('.') && !folder.join(name).exists());
    let pictures = proposal.pictures.iter();
    let pictures = pictures.map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    write_all(folder, proposed.chain(pictures).chain(beside), console)?;
    if !args.json {
        show_letters(folder, console);
        console.result(&format!(
            "The batch is in {0}.\n  next: look at {0}/batch.toml, then `postroom check {0}`",
            folder.display()
        ));
    }
    Ok(Exit::Success)
}

/// The proposal for a request.
fn proposed(request: &ProposalRequest, console: &Console) -> Result<Proposal, Stop> {
    Proposal::of(request).map_err(|findings| {
        findings::show(&findings, console);
        Stop::new(Exit::Usage, "no batch could be proposed")
    })
}

/// Asks about each doubt, and proposes anew by what is said: one answer may settle other doubts, or show
/// new ones. Who does not answer writes it into the batch file later.
fn ask(
    request: &mut ProposalRequest,
    mut proposal: Proposal,
    console: &Console,
) -> Result<Proposal, Stop> {
    let mut asked: HashSet<OpenQuestion> = HashSet::new();
    let before = proposal.reasons.clone();
    while let Some(question) = proposal.open.iter().find(|one| !asked.contains(one)) {
        let answer = Console::ask(&words::one_line(&question.text()));
        if answer.is_empty() {
            asked.insert(question.clone());
        } else if request.answers.take(question, &answer) {
            // An answer that leaves the question open is one all the same.
            asked.insert(question.clone());
            proposal = proposed(request, console)?;
        } else {
            console.note(&format!(
                "`{}` does not answer this: {}",
                words::one_line(&answer),
                question.expects()
            ));
        }
    }
    for reason in proposal
        .reasons
        .iter()
        .filter(|reason| !before.contains(reason))
    {
        console.result(&words::one_line(reason));
    }
    Ok(proposal)
}

/// Shows the first letters as they would be, as far as they can be made.
fn show_letters(folder: &Path, console: &Console) {
    const SHOWN: usize = 3;
    let Ok(mut batch) = Batch::load(folder) else {
        return;
    };
    // Nobody has said yet who sends, and no letter leaves here.
    let sender = "sender@not-set.example".to_owned();
    batch.letter.from.get_or_insert(sender);
    let Ok(secrets) = Secrets::load(folder, None, &|_| None) else {
        return;
    };
    let (Some(manifest), _) = Manifest::read(&batch) else {
        return;
    };
    let Ok(letters) = Letters::new(&batch, &secrets, manifest, None) else {
        return;
    };
    for index in 0..letters.len().min(SHOWN) {
        let Ok(letter) = letters.make(index) else {
            continue;
        };
        let to: Vec<String> = letter.to.iter().map(ToString::to_string).collect();
        let mut text = format!("\nTo: {}\nSubject: {}", to.join(", "), letter.subject);
        for attachment in &letter.attachments {
            text.push_str(&format!("\nattached: {}", attachment.name));
        }
        console.result(&format!("{text}\n\n{}", letter.text().trim()));
    }
}

fn show_proposal(proposal: &Proposal, console: &Console) {
    for reason in &proposal.reasons {
        console.result(&words::one_line(reason));
    }
    for doubt in &proposal.doubts {
        console.note(&format!("look at: {}", words::one_line(doubt)));
    }
}

/// Writes files that are not there yet into a folder, and names each.
fn write_all<'a>(
    folder: &Path,
    files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    console: &Console,
) -> Result<(), Stop> {
    for (name, contents) in files {
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
    Ok(())
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
