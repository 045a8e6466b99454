//! What an XLSX file unpacks to, found out by unpacking it into nothing.
//!
//! The library that reads the cells trusts the file: it keeps all shared strings, makes room for as
//! many as the file says there are, and keeps each cell's text whole. So the archive is gone through
//! once before, and what its own directory says of sizes is not asked.

use std::io::{BufRead, BufReader, Cursor, Read};

use quick_xml::Reader;
use quick_xml::events::Event;
use zip::ZipArchive;

/// Parts of the archive; a workbook has a few for each sheet.
const MOST_PARTS: usize = 10_000;
/// What all parts unpack to, pictures too: which part is XML is for the file to say.
const MOST_UNPACKED: u64 = 64 << 20;
/// The shared strings, each of which costs several times its own size.
const MOST_SHARED: u64 = 32 << 20;
/// Bytes between two angle brackets: Excel's cells have 32,767 letters at most.
const LONGEST_RUN: usize = 4 << 20;
/// Bytes that a shared string takes in its part, and few take so little.
const SHORT_SHARED: u64 = 8;

/// A bound that an archive does not keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Excess {
    /// It has too many parts.
    #[error("it has more than {MOST_PARTS} parts")]
    Parts,
    /// Its shared strings are too long together.
    #[error("it unpacks to more than {} MB of texts", MOST_SHARED >> 20)]
    Shared,
    /// All its parts are too long together.
    #[error("it unpacks to more than {} MB", MOST_UNPACKED >> 20)]
    Unpacked,
    /// It says that it has more shared strings than it can have.
    #[error("it promises more texts than are in it")]
    Promised,
    /// One text is too long.
    #[error("it holds a text of more than {} MB", LONGEST_RUN >> 20)]
    Run,
}

/// Fails unless the archive stays within the bounds.
pub(super) fn check(bytes: &[u8]) -> Result<(), Excess> {
    // What is no archive at all the reader of workbooks finds out.
    let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else {
        return Ok(());
    };
    if archive.len() > MOST_PARTS {
        return Err(Excess::Parts);
    }
    let mut left = MOST_UNPACKED;
    for index in 0..archive.len() {
        // A part that cannot be opened is refused by the reader too, if it is one that matters.
        let Ok(part) = archive.by_index(index) else {
            continue;
        };
        let is_shared = part
            .name()
            .is_ok_and(|name| name.to_ascii_lowercase().ends_with("sharedstrings.xml"));
        let most = if is_shared {
            left.min(MOST_SHARED)
        } else {
            left
        };
        let mut part = BufReader::with_capacity(64 << 10, part.take(most + 1));
        let promised = if is_shared { promised(&mut part) } else { 0 };
        run_through(&mut part)?;
        let unpacked = most + 1 - part.into_inner().limit();
        if unpacked > most {
            return Err(if is_shared && left > MOST_SHARED {
                Excess::Shared
            } else {
                Excess::Unpacked
            });
        }
        if promised > unpacked / SHORT_SHARED + 1 {
            return Err(Excess::Promised);
        }
        left -= unpacked;
    }
    Ok(())
}

/// How many shared strings the part says it has; none where it does not say.
fn promised(part: &mut impl BufRead) -> u64 {
    let mut reader = Reader::from_reader(part);
    reader.config_mut().check_end_names = false;
    let mut event = Vec::new();
    loop {
        event.clear();
        match reader.read_event_into(&mut event) {
            Ok(Event::Start(start) | Event::Empty(start))
                if start.local_name().as_ref() == "sst" =>
            {
                let mut attributes = start.attributes();
                let mut attributes = attributes.with_checks(false).flatten();
                let count = attributes.find(|attribute| attribute.key.as_ref() == "uniqueCount");
                return count.map_or(0, |count| count.value.trim().parse().unwrap_or(u64::MAX));
            }
            Ok(Event::Eof) | Err(_) => return 0,
            Ok(_) => {}
        }
    }
}

/// Reads a part to its end, or to where it cannot be unpacked any further.
fn run_through(part: &mut impl BufRead) -> Result<(), Excess> {
    let mut run = 0;
    while let Ok(piece) = part.fill_buf() {
        if piece.is_empty() {
            break;
        }
        for byte in piece {
            run = if matches!(byte, b'<' | b'>') {
                0
            } else {
                run + 1
            };
            if run > LONGEST_RUN {
                return Err(Excess::Run);
            }
        }
        let length = piece.len();
        part.consume(length);
    }
    Ok(())
}
