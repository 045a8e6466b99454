//! `postroom completions` and `postroom man`: what is installed beside the program.

use std::fs;
use std::io;

use super::args::{CompletionsArgs, ManArgs};
use super::command;
use super::completing;
use super::console::Console;
use super::exit::{Exit, Stop};

/// Writes the script by which a shell completes verbs, options, ids and batch files.
pub(super) fn completions(args: &CompletionsArgs, console: &Console) -> Exit {
    let shell = args.shell.to_string();
    match completing::script(&shell) {
        Some(script) => {
            console.raw(&script);
            Exit::Success
        }
        None => Exit::Unexpected,
    }
}

/// Writes a manual page for the program and one for each verb.
pub(super) fn man(args: &ManArgs, console: &Console) -> Result<Exit, Stop> {
    let folder = &args.folder;
    let written: io::Result<usize> = fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(command(), folder))
        .map(|()| 1 + command().get_subcommands().count());
    match written {
        Ok(pages) => {
            console.result(&format!("{pages} manual pages are in {}", folder.display()));
            Ok(Exit::Success)
        }
        Err(error) => Err(Stop::new(
            Exit::Unexpected,
            format!(
                "cannot write manual pages into {}: {error}\n  next: name a folder where you may write",
                folder.display()
            ),
        )),
    }
}
