//! Pictures of the batch's folder, carried in the letter and named by `cid:` (RFC 2392).

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use percent_encoding::percent_decode_str;

use super::attachment::{self, PICTURE, Place, locate};
use super::markup::{MarkupElement, decoded, elements, place_of};
use crate::address::Address;
use crate::digest::{Sha256Digest, hex};
use crate::finding::{Finding, quote};
use crate::regular::{self, Opened};

/// A picture beyond this size is not meant for a letter.
const LARGEST: u64 = 10 << 20;
/// What all letters share is kept in memory up to this size.
const MOST_KEPT: usize = 16 << 20;
/// More pictures than these no letter has.
const MOST: usize = 100;

/// A picture that goes with a letter and is shown in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The name of its file.
    pub name: Arc<str>,
    /// Its media type, by its contents.
    pub media_type: &'static str,
    /// What the letter calls it, without `cid:`.
    pub content_id: String,
    /// The digest of its contents.
    pub sha256: Sha256Digest,
    /// Its bytes.
    pub contents: Arc<[u8]>,
}

/// Pictures that were read.
#[derive(Debug, Default)]
pub(super) struct PictureAlbum {
    kept: Mutex<KeptPictures>,
}

#[derive(Debug, Default)]
struct KeptPictures {
    files: HashMap<PathBuf, PictureFile>,
    bytes: usize,
}

/// A picture file's contents.
#[derive(Clone, Debug)]
struct PictureFile {
    name: Arc<str>,
    media_type: &'static str,
    sha256: Sha256Digest,
    contents: Arc<[u8]>,
}

/// Where pictures are looked for.
pub(super) struct PictureFrame<'a> {
    pub place: &'a Place<'a>,
    /// The folder of the template, below that of the batch.
    pub folder: &'a Path,
    /// The sender, whose domain makes names unique.
    pub from: &'a Address,
}

/// What became of a letter's HTML.
#[derive(Debug, Default)]
pub(super) struct FramedLetter {
    pub html: String,
    pub pictures: Vec<Picture>,
    pub faults: Vec<Finding>,
    /// What needs a look and keeps nothing from going.
    pub warnings: Vec<Finding>,
}

/// Takes the pictures that a letter shows into it, each once, and names them there.
pub(super) fn take_in(
    html: String,
    frame: &PictureFrame<'_>,
    album: &PictureAlbum,
) -> FramedLetter {
    let mut framed = FramedLetter::default();
    let mut places: Vec<(usize, usize, String)> = Vec::new();
    let mut names: HashMap<String, String> = HashMap::new();
    let mut strangers: Vec<String> = Vec::new();
    for element in elements(&html).filter(|element| !element.is_hidden) {
        if is_picture(&element)
            && element.attribute("alt").is_none()
            && element.name.eq_ignore_ascii_case("img")
        {
            framed.warnings.push(Finding::warning(
                format!(
                    "a picture has no text in its place: `{}`",
                    quote(element.attribute("src").unwrap_or_default())
                ),
                "say in alt=\"…\" what it shows, or write alt=\"\" if it is an ornament",
            ));
        }
        for value in shown_by(&element) {
            let source = decoded(value);
            match PictureSource::of(&source) {
                PictureSource::Elsewhere => {}
                PictureSource::Inline(id) => strangers.push(id.to_owned()),
                PictureSource::Data => framed.warnings.push(data()),
                PictureSource::Machine => framed.faults.push(on_this_machine(&source)),
                PictureSource::File(path) => {
                    let known = names.get(path.as_ref()).cloned();
                    let name = known.map_or_else(|| find(&path, frame, album, &mut framed), Some);
                    let Some(name) = name else { continue };
                    let at = place_of(value, &html);
                    places.push((at, at + value.len(), format!("cid:{name}")));
                    names.insert(path.into_owned(), name);
                }
            }
        }
    }
    strangers.retain(|id| !framed.pictures.iter().any(|one| one.content_id == *id));
    framed
        .warnings
        .extend(strangers.iter().map(|id| stranger(id)));
    framed.html = replaced(html, &places);
    framed
}

/// Whether an element shows what its `src` names.
fn is_picture(element: &MarkupElement<'_>) -> bool {
    ["img", "v:fill", "v:imagedata"]
        .iter()
        .any(|name| element.name.eq_ignore_ascii_case(name))
}

/// The values of an element that name pictures.
fn shown_by<'a>(element: &MarkupElement<'a>) -> impl Iterator<Item = &'a str> {
    let source = is_picture(element).then(|| element.attribute("src").unwrap_or_default());
    source.into_iter().chain(element.attribute("background"))
}

/// What the address of a picture leads to.
enum PictureSource<'a> {
    /// Another server, which other warnings are about.
    Elsewhere,
    /// A part of the letter.
    Inline(&'a str),
    /// The address itself.
    Data,
    /// A place that only this machine has.
    Machine,
    /// A file of the batch.
    File(Cow<'a, str>),
}

impl<'a> PictureSource<'a> {
    fn of(address: &'a str) -> Self {
        let address = address.trim();
        let scheme = address.split_once(':').filter(|(scheme, _)| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        });
        if let Some((scheme, rest)) = scheme {
            return match scheme.to_ascii_lowercase().as_str() {
                "cid" => Self::Inline(rest),
                "data" => Self::Data,
                // A drive of Windows has one letter.
                "file" => Self::Machine,
                one if one.len() == 1 => Self::Machine,
                _ => Self::Elsewhere,
            };
        }
        if address.starts_with("//") || address.starts_with("\\\\") {
            return Self::Elsewhere;
        }
        if address.starts_with('/') {
            return Self::Machine;
        }
        let path = address.split(['?', '#']).next().unwrap_or_default();
        let path = percent_decode_str(path).decode_utf8_lossy();
        Self::File(if path.contains('\\') {
            path.replace('\\', "/").into()
        } else {
            path
        })
    }
}

/// Finds the picture of a path and puts it into the letter, and gives its name there.
fn find(
    path: &str,
    frame: &PictureFrame<'_>,
    album: &PictureAlbum,
    framed: &mut FramedLetter,
) -> Option<String> {
    let shot = match album.get(path, frame) {
        Ok(shot) => shot,
        Err(fault) => {
            framed.faults.push(fault.file(quote(path)));
            return None;
        }
    };
    let content_id = format!(
        "{}.postroom@{}",
        hex(&shot.sha256[..16]),
        frame.from.domain()
    );
    let is_new = !framed
        .pictures
        .iter()
        .any(|one| one.content_id == content_id);
    if is_new && framed.pictures.len() >= MOST {
        framed.faults.push(Finding::fault(
            format!("the letter shows more than {MOST} pictures"),
            "leave some out",
        ));
        return None;
    }
    if is_new {
        framed.pictures.push(Picture {
            name: shot.name,
            media_type: shot.media_type,
            content_id: content_id.clone(),
            sha256: shot.sha256,
            contents: shot.contents,
        });
    }
    Some(content_id)
}

impl PictureAlbum {
    /// A picture by its path: beside the template, else in the batch's folder.
    fn get(&self, path: &str, frame: &PictureFrame<'_>) -> Result<PictureFile, Finding> {
        let beside = without_steps(&frame.folder.join(path));
        let is_beside = frame.place.folder.join(&beside).exists();
        let written = if is_beside {
            beside.to_string_lossy().into_owned()
        } else {
            path.to_owned()
        };
        let key = PathBuf::from(&written);
        if let Some(shot) = self.lock().files.get(&key) {
            return Ok(shot.clone());
        }
        let mut opened = locate(frame.place, "", &written, PICTURE)?;
        let shot = read(&written, &mut opened)?;
        let mut kept = self.lock();
        if kept.bytes + shot.contents.len() <= MOST_KEPT {
            kept.bytes += shot.contents.len();
            kept.files.insert(key, shot.clone());
        }
        Ok(shot)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, KeptPictures> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A path in which `..` takes away the folder before it, as far as there is one.
fn without_steps(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        let goes_up = part == Component::ParentDir
            && matches!(plain.components().next_back(), Some(Component::Normal(_)));
        if goes_up {
            plain.pop();
        } else {
            plain.push(part);
        }
    }
    plain
}

fn read(written: &str, opened: &mut Opened) -> Result<PictureFile, Finding> {
    let unreadable = |error: std::io::Error| {
        Finding::fault(
            format!("the picture cannot be read: {error}"),
            regular::to_read_it(&error, "let this user read the file"),
        )
    };
    if opened.metadata.len() > LARGEST {
        return Err(Finding::fault(
            format!("the picture is larger than {} MB", LARGEST >> 20),
            "make it smaller: every letter carries it",
        ));
    }
    let (read, contents) = attachment::read(&mut opened.file).map_err(unreadable)?;
    let media_type = media_type(&contents).ok_or_else(|| {
        Finding::fault(
            "the file is no picture that mail programs show",
            "save it as PNG, JPEG or GIF",
        )
    })?;
    let name = Path::new(written).file_name().unwrap_or_default();
    let name = name.to_string_lossy();
    Ok(PictureFile {
        name: name.as_ref().into(),
        media_type,
        sha256: read.sha256(),
        contents: contents.into(),
    })
}

/// The media type of a picture, by how it begins.
fn media_type(contents: &[u8]) -> Option<&'static str> {
    const KINDS: [(&[u8], &str); 4] = [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
    ];
    let mut kinds = KINDS.iter();
    let kind = kinds.find(|(start, _)| contents.starts_with(start))?;
    Some(kind.1)
}

/// The ending of a picture's file, by its contents; none if no mail program shows it.
pub(super) fn ending(contents: &[u8]) -> Option<&'static str> {
    let (_, ending) = media_type(contents)?.split_once('/')?;
    Some(if ending == "jpeg" { "jpg" } else { ending })
}

/// A text with parts of it replaced, which are in order.
fn replaced(text: String, places: &[(usize, usize, String)]) -> String {
    if places.is_empty() {
        return text;
    }
    let mut made = String::with_capacity(text.len());
    let mut at = 0;
    for (start, end, other) in places {
        made.push_str(&text[at..*start]);
        made.push_str(other);
        at = *end;
    }
    made.push_str(&text[at..]);
    made
}

fn data() -> Finding {
    Finding::warning(
        "a picture is in the HTML itself (`data:`), which Outlook and Gmail do not show",
        "put it into a file of the batch's folder and name that: it goes with the letter",
    )
}

fn on_this_machine(address: &str) -> Finding {
    Finding::fault(
        format!(
            "a picture is named by its place on this machine: `{}`",
            quote(address)
        ),
        "put it beside the letter and name the file alone, such as logo.png",
    )
}

fn stranger(id: &str) -> Finding {
    Finding::warning(
        format!(
            "the letter shows `cid:{}`, and carries no such picture",
            quote(id)
        ),
        "name the file of the picture instead, such as logo.png: it goes with the letter",
    )
}

#[cfg(test)]
mod tests {
    use super::super::own::OwnFiles;
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\nx";

    fn framed(html: &str, files: &[(&str, &[u8])]) -> FramedLetter {
        let folder = tempfile::tempdir().unwrap();
        for (name, contents) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, contents).unwrap();
        }
        let own = OwnFiles::default();
        let place = Place {
            folder: folder.path(),
            real: &folder.path().canonicalize().unwrap(),
            allow_outside: false,
            own: &own,
        };
        let from = Address::parse("a@study.example").unwrap();
        let frame = PictureFrame {
            place: &place,
            folder: Path::new("letters"),
            from: &from,
        };
        take_in(html.to_owned(), &frame, &PictureAlbum::default())
    }

    #[test]
    fn a_picture_goes_in_once_however_often_it_is_shown() {
        let html = "<img alt='' src=logo.png><td background='a%20b.png'><IMG SRC=\"logo.png\" alt=x>\
            <!-- <img src=gone.png> --><!--[if mso]><v:fill src='logo.png'/><![endif]-->";
        let framed = framed(html, &[("letters/logo.png", PNG), ("a b.png", b"GIF89a")]);
        assert!(framed.faults.is_empty(), "{:?}", framed.faults);
        assert!(framed.warnings.is_empty(), "{:?}", framed.warnings);
        let types: Vec<_> = framed.pictures.iter().map(|one| one.media_type).collect();
        assert_eq!(types, ["image/png", "image/gif"]);
        let (logo, ground) = (
            &framed.pictures[0].content_id,
            &framed.pictures[1].content_id,
        );
        assert_eq!(
            framed.html,
            html.replace("src=logo.png", &format!("src=cid:{logo}"))
                .replace("SRC=\"logo.png\"", &format!("SRC=\"cid:{logo}\""))
                .replace("src='logo.png'", &format!("src='cid:{logo}'"))
                .replace("a%20b.png", &format!("cid:{ground}"))
        );
    }

    #[test]
    fn what_shows_nowhere_is_found() {
        for (html, faults, warnings) in [
            ("<img src=gone.png alt=''>", 1, 0),
            ("<img src='' alt=''>", 1, 0),
            ("<img src=text.png alt=''>", 1, 0),
            ("<img src=../../etc/logo.png alt=''>", 1, 0),
            ("<img src='C:\\logo.png' alt=''>", 1, 0),
            ("<img src=file:///logo.png alt=''>", 1, 0),
            ("<img src=cid:logo@x alt=''>", 0, 1),
            ("<img src='data:image/png;base64,AA' alt=''>", 0, 1),
            ("<img src=https://a.example/x.png alt=''>", 0, 0),
            ("<img src=letters/logo.png>", 0, 1),
            ("<img src=../letters/logo.png alt=''>", 0, 0),
        ] {
            let files: [(&str, &[u8]); 2] = [("letters/logo.png", PNG), ("text.png", b"<svg>")];
            let framed = framed(html, &files);
            let found = (framed.faults.len(), framed.warnings.len());
            assert_eq!(found, (faults, warnings), "{html}: {framed:?}");
        }
    }
}
