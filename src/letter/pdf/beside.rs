//! What a reader shows of a PDF beside its pages: form fields and annotations that have no appearance,
//! the title, bookmarks; and the files that are inside it.

use hayro_interpret::hayro_syntax::Pdf;
use hayro_interpret::hayro_syntax::object::{
    Array, Dict, MaybeRef, Name, Object, Stream, String as PdfString,
};
use hayro_interpret::hayro_syntax::page::Page;
use hayro_interpret::hayro_syntax::xref::XRef;
use memchr::memmem;
use quick_xml::escape::unescape;

use super::engine::{self, catalogue};
use super::gaps::MOST_BYTES;
use super::{Text, strings};

/// Flags of an annotation that is not shown (ISO 32000-2 table 167).
const HIDDEN: u32 = 1 << 1 | 1 << 5;
/// How far up a field's parents go, and a tree of names down.
const DEEPEST: usize = 16;
const MOST_ANNOTATIONS: usize = 20_000;
const MOST_BOOKMARKS: usize = 20_000;
const MOST_FILES: usize = 20;
/// Metadata beyond this size are not a title.
const LONGEST_METADATA: usize = 1 << 20;

/// Adds all of it to a text.
pub(super) fn add(pdf: &Pdf, text: &mut Text) {
    let mut left = MOST_ANNOTATIONS;
    for page in pdf.pages().iter() {
        annotations(page, &mut left, text);
    }
    if let Some(title) = &pdf.metadata().title {
        line(&mut text.shown, &strings::decode(title));
    }
    let Some(catalogue) = catalogue(pdf) else {
        return;
    };
    if let Some(title) = metadata_title(&catalogue) {
        line(&mut text.shown, &title);
    }
    if let Some(outlines) = catalogue.get::<Dict<'_>>("Outlines") {
        bookmarks(&outlines, &mut text.shown);
    }
    if let Some(files) = catalogue
        .get::<Dict<'_>>("Names")
        .and_then(|names| names.get::<Dict<'_>>("EmbeddedFiles"))
    {
        embedded(&files, pdf.xref(), 0, &mut text.files);
    }
}

fn line(to: &mut String, text: &str) {
    if to.len() + text.len() > MOST_BYTES + (1 << 20) {
        engine::give_up();
    }
    if !text.trim().is_empty() {
        to.push('\n');
        to.push_str(text);
        to.push('\n');
    }
}

/// The dictionaries of an array; what else is in it is passed over.
fn dicts<'a>(array: &Array<'a>, xref: &'a XRef) -> impl Iterator<Item = Dict<'a>> {
    array.raw_iter().filter_map(|item| match item {
        MaybeRef::Ref(reference) => xref.get::<Dict<'a>>(reference.into()),
        MaybeRef::NotRef(object) => object.into_dict(),
    })
}

fn string(dict: &Dict<'_>, key: &str) -> Option<String> {
    let value = dict.get::<PdfString<'_>>(key)?;
    Some(strings::decode(value.as_bytes()))
}

fn name(dict: &Dict<'_>, key: &str) -> Option<String> {
    let name = dict.get::<Name<'_>>(key)?;
    Some(name.as_str().to_owned())
}

/// What the annotations of a page say, as far as no appearance draws it.
fn annotations(page: &Page<'_>, left: &mut usize, text: &mut Text) {
    let Some(annotations) = page.raw().get::<Array<'_>>("Annots") else {
        return;
    };
    for annotation in dicts(&annotations, page.xref()) {
        let Some(rest) = left.checked_sub(1) else {
            text.is_partial = true;
            return;
        };
        *left = rest;
        let kind = name(&annotation, "Subtype").unwrap_or_default();
        let is_shown = annotation.get::<u32>("F").unwrap_or(0) & HIDDEN == 0;
        let to = if is_shown {
            &mut text.shown
        } else {
            &mut text.hidden
        };
        match kind.as_str() {
            "Widget" => {
                let is_drawn = annotation
                    .get::<Dict<'_>>("AP")
                    .is_some_and(|appearance| appearance.contains_key("N"));
                if !is_drawn {
                    field_value(&annotation, to);
                }
            }
            // What a link says of itself is for those who hear a page, and a pop-up shows another's text.
            "Link" | "Popup" => {}
            _ => {
                if let Some(contents) = string(&annotation, "Contents") {
                    line(to, &contents);
                }
                if kind == "FileAttachment" {
                    let file = annotation.get::<Dict<'_>>("FS");
                    text.files.extend(file.and_then(|file| file_name(&file)));
                    text.files.truncate(MOST_FILES);
                }
            }
        }
    }
}

/// The value of a field, which it may have from those above it.
fn field_value(field: &Dict<'_>, to: &mut String) {
    let mut node = field.clone();
    for _ in 0..DEEPEST {
        match node.get::<Object<'_>>("V") {
            Some(Object::String(value)) => return line(to, &strings::decode(value.as_bytes())),
            Some(Object::Array(values)) => {
                for value in values.iter::<PdfString<'_>>() {
                    line(to, &strings::decode(value.as_bytes()));
                }
                return;
            }
            Some(_) => return,
            None => {}
        }
        match node.get::<Dict<'_>>("Parent") {
            Some(parent) => node = parent,
            None => return,
        }
    }
}

/// The title of the XMP metadata, which readers put before the older one.
fn metadata_title(catalogue: &Dict<'_>) -> Option<String> {
    let stream = catalogue.get::<Stream<'_>>("Metadata")?;
    if stream.raw_data().len() > LONGEST_METADATA {
        return None;
    }
    let data = stream.decoded_data().ok()?;
    let start = memmem::find(&data, b"<dc:title")?;
    let length = memmem::find(&data[start..], b"</dc:title>")?;
    let marked = String::from_utf8_lossy(&data[start..start + length]);
    // What stands between tags.
    let texts = marked.split('<').filter_map(|part| part.split_once('>'));
    let title: Vec<_> = texts.map(|(_, text)| text.trim()).collect();
    let title = title.join(" ");
    unescape(&title).ok().map(std::borrow::Cow::into_owned)
}

/// The bookmarks, in any order.
fn bookmarks(outlines: &Dict<'_>, to: &mut String) {
    let mut ahead: Vec<Dict<'_>> = outlines.get::<Dict<'_>>("First").into_iter().collect();
    let mut count = 0;
    while let Some(bookmark) = ahead.pop() {
        count += 1;
        if count > MOST_BOOKMARKS {
            return;
        }
        if let Some(title) = string(&bookmark, "Title") {
            line(to, &title);
        }
        ahead.extend(bookmark.get::<Dict<'_>>("Next"));
        ahead.extend(bookmark.get::<Dict<'_>>("First"));
    }
}

/// The names of embedded files, from a tree of names.
fn embedded<'a>(node: &Dict<'a>, xref: &'a XRef, depth: usize, files: &mut Vec<String>) {
    if let Some(names) = node.get::<Array<'_>>("Names") {
        for file in dicts(&names, xref) {
            if files.len() >= MOST_FILES {
                return;
            }
            files.push(file_name(&file).unwrap_or_default());
        }
    }
    if let (Some(kids), true) = (node.get::<Array<'_>>("Kids"), depth < DEEPEST) {
        for kid in dicts(&kids, xref) {
            if files.len() >= MOST_FILES {
                return;
            }
            embedded(&kid, xref, depth + 1, files);
        }
    }
}

fn file_name(file: &Dict<'_>) -> Option<String> {
    string(file, "UF").or_else(|| string(file, "F"))
}
