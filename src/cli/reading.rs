//! The hidden verb by which the program reads PDFs in processes of its own.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::args::READ_PDFS;
use super::console;
use super::exit::Exit;
use crate::letter::{read_pdfs_with, serve_pdfs};

/// Where Linux has the program that runs, also after an update has replaced its file.
const RUNNING: &str = "/proc/self/exe";

/// Has PDFs read by processes of this program. Where the system does not say where it lies, they are
/// read in this one.
pub(super) fn prepare() {
    // Under Wine there is such a file too, and it is Wine's.
    let running = cfg!(target_os = "linux").then(|| PathBuf::from(RUNNING));
    let running = running.filter(|path| Path::exists(path));
    if let Some(program) = running.or_else(|| std::env::current_exe().ok()) {
        read_pdfs_with(program, READ_PDFS);
    }
}

/// Reads PDFs until there are no more.
pub(super) fn serve() -> ExitCode {
    serve_pdfs(std::io::stdin(), console::raw_stdout());
    Exit::Success.into()
}
