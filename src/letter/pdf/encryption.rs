//! PDFs that only a password opens: AES with 256 bits, the form of PDF 2.0 (ISO 32000-2, section 7.6,
//! revision 6 of the standard handler).
//!
//! lopdf reads the file for it and writes it anew: no other library that is kept writes this form. It
//! has no bounds of its own, so it runs where PDFs are read.

use std::collections::BTreeMap;
use std::sync::Arc;

use lopdf::encryption::crypt_filters::{Aes256CryptFilter, CryptFilter};
use lopdf::{
    Document, EncryptionState, EncryptionVersion, LoadOptions, Object, Permissions, StringFormat,
};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use super::engine;
use crate::contain;
use crate::digest::{Parts, hex};
use crate::secret::Secret;

/// What one stream of the file may unpack to while it is read.
const LARGEST_STREAM: usize = 64 << 20;
/// The name of the filter for strings and streams.
const FILTER: &[u8] = b"StdCF";

/// Why a PDF is not locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::letter) enum LockError {
    /// It is locked already.
    Locked,
    /// The machine gives no random numbers.
    Chance,
    /// It cannot be read within the bounds of the proofs.
    Unread,
    /// It is damaged.
    Pdf,
}

/// The PDF, locked.
pub(super) fn locked(bytes: Vec<u8>, password: &Secret) -> Result<Vec<u8>, LockError> {
    let bytes = Arc::new(bytes);
    let pages = engine::count_pages(&bytes).ok_or(LockError::Unread)?;
    contain::panics(|| lock(bytes, password, pages)).unwrap_or(Err(LockError::Pdf))
}

/// Locks a PDF of so many pages.
fn lock(bytes: Arc<Vec<u8>>, password: &Secret, pages: u32) -> Result<Vec<u8>, LockError> {
    let options = LoadOptions {
        max_decompressed_size: Some(LARGEST_STREAM),
        ..LoadOptions::default()
    };
    let mut document =
        Document::load_mem_with_options(&bytes, options).map_err(|_| LockError::Pdf)?;
    // One that opens without a password was opened, and does not say so any more by its trailer.
    if document.is_encrypted() || document.was_encrypted() {
        return Err(LockError::Locked);
    }
    // What the library had to mend may have lost a part.
    let has_all = document.page_iter().count() == pages as usize;
    if document.xref_recovery.is_some() || !has_all {
        return Err(LockError::Pdf);
    }
    document.objects.values_mut().for_each(in_hexadecimal);
    in_hexadecimal_all(document.trailer.iter_mut().map(|(_, object)| object));
    let length = bytes.len();
    if !document.trailer.has(b"ID") {
        let mut id = Parts::of("postroom document 1");
        id.add(&bytes);
        let id = id.finish();
        let id = Object::String(id[..16].to_vec(), StringFormat::Hexadecimal);
        document.trailer.set("ID", vec![id.clone(), id]);
    }
    // The document has all of it, and memory is bounded.
    drop(bytes);
    // The first version that knows this form of encryption.
    if document.version.as_str() < "1.7" {
        "1.7".clone_into(&mut document.version);
    }
    let (mut key, mut owner) = ([0; 32], [0; 16]);
    let chance = SystemRandom::new();
    for random in [&mut key[..], &mut owner[..]] {
        chance.fill(random).map_err(|_| LockError::Chance)?;
    }
    let filter: Arc<dyn CryptFilter> = Arc::new(Aes256CryptFilter);
    let state = EncryptionState::try_from(EncryptionVersion::V5 {
        encrypt_metadata: true,
        crypt_filters: BTreeMap::from([(FILTER.to_vec(), filter)]),
        file_encryption_key: &key,
        stream_filter: FILTER.to_vec(),
        string_filter: FILTER.to_vec(),
        // Nobody has the other password: whoever opens the report may do with it what they like.
        owner_password: &hex(&owner),
        user_password: password.expose(),
        permissions: Permissions::all(),
    })
    .map_err(|_| LockError::Pdf)?;
    document.encrypt(&state).map_err(|_| LockError::Pdf)?;
    if let Ok(Object::Reference(encryption)) = document.trailer.get(b"Encrypt").cloned()
        && let Ok(object) = document.get_object_mut(encryption)
    {
        in_hexadecimal(object);
    }
    let mut locked = Vec::with_capacity(length + length / 8);
    document.save_to(&mut locked).map_err(|_| LockError::Pdf)?;
    Ok(locked)
}

/// Writes strings as digits: what is encrypted would need more or fewer escapes each time, and the
/// size of a letter must not depend on chance.
fn in_hexadecimal(object: &mut Object) {
    match object {
        Object::String(_, format) => *format = StringFormat::Hexadecimal,
        Object::Array(objects) => in_hexadecimal_all(objects.iter_mut()),
        Object::Dictionary(dictionary) => {
            in_hexadecimal_all(dictionary.iter_mut().map(|(_, object)| object));
        }
        Object::Stream(stream) => {
            in_hexadecimal_all(stream.dict.iter_mut().map(|(_, object)| object));
        }
        _ => {}
    }
}

fn in_hexadecimal_all<'a>(objects: impl Iterator<Item = &'a mut Object>) {
    objects.for_each(in_hexadecimal);
}
