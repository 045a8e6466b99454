//! A body that cannot grow without end.

use std::io::{self, Write};

/// A body beyond this size is a template that does not end.
pub(super) const LARGEST_BODY: usize = 4 << 20;

/// A body that refuses to grow without end.
#[derive(Default)]
pub(super) struct Bounded(pub Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LARGEST_BODY {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
