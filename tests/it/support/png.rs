//! Small pictures that a browser can show.

use std::io::Write as _;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

/// A PNG of one colour (PNG specification, sections 5 and 11).
pub fn png(width: u32, height: u32, colour: [u8; 3]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut head = Vec::new();
    head.extend(width.to_be_bytes());
    head.extend(height.to_be_bytes());
    // Eight bits a sample, true colour, the one compression and filter, not interlaced.
    head.extend([8, 2, 0, 0, 0]);
    chunk(&mut file, b"IHDR", &head);
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
    for _ in 0..height {
        packed.write_all(&[0]).unwrap();
        packed.write_all(&colour.repeat(width as usize)).unwrap();
    }
    chunk(&mut file, b"IDAT", &packed.finish().unwrap());
    chunk(&mut file, b"IEND", &[]);
    file
}

fn chunk(file: &mut Vec<u8>, kind: &[u8; 4], contents: &[u8]) {
    file.extend((contents.len() as u32).to_be_bytes());
    let mut crc = Crc::new();
    crc.update(kind);
    crc.update(contents);
    file.extend(kind);
    file.extend(contents);
    file.extend(crc.sum().to_be_bytes());
}
