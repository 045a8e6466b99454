//! Completion in a shell. Its script calls the program again, which alone knows the ids of a batch.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap_complete::engine::{
    ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter,
};
use clap_complete::env::Shells;

use super::command;
use super::console::{Console, Output};
use super::exit::Exit;
use crate::config::Batch;
use crate::manifest::Manifest;

/// The variable by which a script asks; it holds the name of the shell.
const VARIABLE: &str = "POSTROOM_COMPLETE";

/// The script by which a shell completes verbs, options, ids and batch files; none for another shell.
pub(super) fn script(shell: &str) -> Option<Vec<u8>> {
    let mut script = Vec::new();
    let shells = Shells::builtins();
    let shell = shells.completer(shell)?;
    // To write into memory does not fail.
    shell
        .write_registration(VARIABLE, "postroom", "postroom", "postroom", &mut script)
        .ok()?;
    Some(script)
}

/// Answers a shell that asks what may stand where the cursor is; none when none asks.
pub(super) fn answer() -> Option<Exit> {
    let shell = std::env::var(VARIABLE).ok()?;
    let shells = Shells::builtins();
    let shell = shells.completer(&shell)?;
    let mut answer = Vec::new();
    let written = shell.write_complete(&mut command(), words(), None, &mut answer);
    Console::new(Output::default(), None).raw(&answer);
    Some(match written {
        Ok(()) => Exit::Success,
        Err(_) => Exit::Unexpected,
    })
}

/// The words of the command line that is being written: the script gives them behind `--`.
fn words() -> Vec<OsString> {
    let words = std::env::args_os();
    words.skip_while(|word| word != "--").skip(1).collect()
}

/// Completes ids of recipients, with their names, of the batch that the command line names.
pub(super) fn ids() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let current = current.to_str().unwrap_or_default();
        // Several may stand between commas.
        let (before, begun) = current.split_at(current.rfind(',').map_or(0, |comma| comma + 1));
        known_ids(&words())
            .into_iter()
            .filter(|(id, _)| id.starts_with(begun))
            .map(|(id, name)| {
                CompletionCandidate::new(format!("{before}{id}")).help(Some(name.into()))
            })
            .collect()
    })
}

/// Completes batch files, and the folders that may hold one.
pub(super) fn batches() -> ArgValueCompleter {
    ArgValueCompleter::new(BatchCompleter)
}

struct BatchCompleter;

impl ValueCompleter for BatchCompleter {
    fn complete(&self, current: &OsStr) -> Vec<CompletionCandidate> {
        PathCompleter::any()
            .filter(|path| path.is_dir() || path.extension() == Some(OsStr::new("toml")))
            .complete(current)
    }
}

/// The ids of the batch that is named, or of that of the current folder. What cannot be read has none:
/// a shell is no place to say why.
fn known_ids(words: &[OsString]) -> BTreeMap<String, String> {
    let named = words.iter().skip(2).map(Path::new).find(|word| {
        word.join("batch.toml").is_file()
            || (word.extension() == Some(OsStr::new("toml")) && word.is_file())
    });
    let Ok(batch) = Batch::load(named.unwrap_or(Path::new("."))) else {
        return BTreeMap::new();
    };
    let (Some(manifest), _) = Manifest::read(&batch) else {
        return BTreeMap::new();
    };
    (0..manifest.len())
        .map(|index| {
            let recipient = manifest.recipient(index);
            (recipient.id().to_owned(), recipient.name().to_owned())
        })
        .collect()
}
