//! From the bytes of a file to its objects, within bounds.

use lopdf::xref::XrefEntry;
use lopdf::{Document, LoadOptions, Object, ObjectId, ObjectStream, Stream};

use super::Why;
use super::bounds::{MOST_NODES, charge_nodes, charge_object, charge_unpacked, unpacked_left};
use super::scan::{Scan, lie_apart, nodes};

/// A PDF beyond this size is not read.
const LARGEST_FILE: usize = 64 << 20;
/// What one object or cross-reference stream may unpack to.
const LARGEST_STREAM: usize = 8 << 20;
/// What all cross-reference streams may: the library keeps what each of their few bytes says.
const MOST_CROSS_REFERENCES: usize = 8 << 20;
/// Every change saved into a file adds a cross-reference; this many are no report.
const MOST_CHANGES: usize = 64;
/// The name of an object stream that is not unpacked yet.
const SEALED: &[u8] = b"ObjStmSealed";
/// What the trailer names its encryption while the file is loaded: as long as `Encrypt`.
const ENCRYPT: &[u8] = b"Encrypx";

/// Loads a file. Its bytes are changed where the library would not keep to the bounds.
pub(super) fn load(bytes: &mut [u8]) -> Result<Document, Why> {
    if bytes.len() > LARGEST_FILE {
        return Err(Why::TooMuch);
    }
    let scan = Scan::of(bytes);
    if scan.nodes > MOST_NODES || scan.cross_references > MOST_CHANGES || scan.is_hidden {
        return Err(Why::TooMuch);
    }
    // Of an encrypted file the library unpacks the object streams by itself and keeps copies of what
    // lies on each other. So it loads it as a plain one, and it is decrypted afterwards.
    if scan.is_encrypted {
        rename_encryption(bytes);
    }
    let most = LARGEST_STREAM.min(MOST_CROSS_REFERENCES / scan.cross_references.max(1));
    let load = |force_reconstruct| {
        let options = LoadOptions {
            filter: Some(within_bounds),
            max_decompressed_size: Some(most),
            force_reconstruct,
            ..LoadOptions::default()
        };
        let mut document =
            Document::load_mem_with_options(bytes, options).map_err(|error| why(&error))?;
        decrypt(&mut document)?;
        unseal(&mut document)?;
        Ok(document)
    };
    let document = load(false)?;
    // A cross-reference that points past the objects is mended as readers do it, by looking for them.
    if document.page_iter().next().is_none()
        && let Ok(mended) = load(true)
        && mended.page_iter().next().is_some()
    {
        return Ok(mended);
    }
    Ok(document)
}

fn why(error: &lopdf::Error) -> Why {
    match error {
        lopdf::Error::Decompress(lopdf::DecompressError::MemoryLimitExceeded { .. }) => {
            Why::TooMuch
        }
        lopdf::Error::InvalidPassword | lopdf::Error::Decryption(_) => Why::Encrypted,
        _ => Why::Damaged,
    }
}

fn rename_encryption(bytes: &mut [u8]) {
    let name = b"/Encrypt";
    let mut from = 0;
    while let Some(found) = bytes[from..]
        .windows(name.len())
        .position(|part| part == name)
    {
        let at = from + found;
        from = at + name.len();
        if !bytes.get(from).is_some_and(u8::is_ascii_alphanumeric) {
            bytes[at + 1..from].copy_from_slice(ENCRYPT);
        }
    }
}

fn decrypt(document: &mut Document) -> Result<(), Why> {
    let Some(encryption) = document.trailer.remove(ENCRYPT) else {
        return Ok(());
    };
    document.trailer.set("Encrypt", encryption);
    // What cannot be decrypted stays as it is, as it does in other readers.
    match document.decrypt("") {
        Err(_) if document.trailer.has(b"Encrypt") => Err(Why::Encrypted),
        _ => Ok(()),
    }
}

/// Sees each object before it is kept.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the library also takes filters that drop objects"
)]
fn within_bounds(id: ObjectId, object: &mut Object) -> Option<(ObjectId, Object)> {
    charge_object(object);
    // Of an object that stands in the file itself the library looks only at whether something came
    // back; one out of an object stream, which is never a stream, it takes.
    let Ok(stream) = object.as_stream_mut() else {
        return Some((id, object.clone()));
    };
    if stream.dict.has_type(b"ObjStm") {
        stream.dict.set("Type", Object::Name(SEALED.to_vec()));
    }
    Some((id, Object::Null))
}

/// Takes the objects out of the object streams, against bounds over all of them; the library has one
/// for each only.
fn unseal(document: &mut Document) -> Result<(), Why> {
    let sealed: Vec<ObjectId> = document
        .objects
        .iter()
        .filter(|(_, object)| {
            object
                .as_stream()
                .is_ok_and(|stream| stream.dict.has_type(SEALED))
        })
        .map(|(id, _)| *id)
        .collect();
    for id in sealed {
        let Some(Object::Stream(mut stream)) = document.objects.remove(&id) else {
            continue;
        };
        for (object, value) in unpack(&mut stream)? {
            // A newer object of the same number may stand elsewhere.
            let is_here = match document.reference_table.get(object.0) {
                Some(XrefEntry::Compressed { container, .. }) => *container == id.0,
                Some(_) => false,
                None => true,
            };
            if is_here {
                document.objects.entry(object).or_insert(value);
            }
        }
    }
    Ok(())
}

fn unpack(stream: &mut Stream) -> Result<Vec<(ObjectId, Object)>, Why> {
    let content = match stream.get_plain_content_with_limit(unpacked_left().min(LARGEST_STREAM)) {
        Ok(content) => content,
        Err(error) => {
            return match why(&error) {
                Why::TooMuch => Err(Why::TooMuch),
                _ => Ok(Vec::new()),
            };
        }
    };
    charge_unpacked(content.len());
    charge_nodes(nodes(&content));
    let first = stream.dict.get(b"First").and_then(Object::as_i64).ok();
    let first = first.and_then(|first| usize::try_from(first).ok());
    let Some((index, objects)) = first.and_then(|first| content.split_at_checked(first)) else {
        return Ok(Vec::new());
    };
    if !lie_apart(index, objects) {
        return Err(Why::TooMuch);
    }
    stream.dict.set("Type", Object::Name(b"ObjStm".to_vec()));
    stream.set_plain_content(content);
    match ObjectStream::new_with_limit(stream, Some(LARGEST_STREAM)) {
        Ok(unpacked) => Ok(unpacked.objects.into_iter().collect()),
        Err(_) => Ok(Vec::new()),
    }
}
