//! The file around a Word document: a ZIP archive with parts that name each other.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{Cursor, Read as _};

use zip::ZipArchive;

use super::xml::XmlNode;
use crate::finding::NextStep;

/// Parts in an archive.
const MOST_PARTS: usize = 5_000;
/// What a part of text may unpack to.
const LARGEST_TEXT: u64 = 16 << 20;
/// What a picture may unpack to, and all together.
const LARGEST_PICTURE: u64 = 10 << 20;
const MOST_PICTURES: u64 = 30 << 20;

/// Why a Word document is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WordError {
    /// It is something else.
    #[error("it is no Word document (.docx)")]
    NoLetter,
    /// A part of it cannot be read.
    #[error("the Word document is damaged")]
    Damaged,
    /// It is larger than a letter.
    #[error("the Word document is larger than any letter")]
    TooMuch,
}

impl NextStep for WordError {
    fn next_step(&self) -> Cow<'_, str> {
        match self {
            Self::NoLetter => "save the letter in Word as .docx",
            Self::Damaged => "open the letter in Word and save it again as .docx",
            Self::TooMuch => "save the letter alone as .docx, with smaller pictures",
        }
        .into()
    }
}

/// An open file.
pub(super) struct WordPackage<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// What the document's references mean: the target, and whether it lies outside.
    relations: HashMap<String, (String, bool)>,
    pictures_left: u64,
}

impl<'a> WordPackage<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, WordError> {
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| WordError::NoLetter)?;
        if archive.len() > MOST_PARTS {
            return Err(WordError::TooMuch);
        }
        let mut package = Self {
            archive,
            relations: HashMap::new(),
            pictures_left: MOST_PICTURES,
        };
        if let Some(relations) = package.part("word/_rels/document.xml.rels")? {
            for relation in &relations.children {
                if let (Some(id), Some(target)) =
                    (relation.attribute("Id"), relation.attribute("Target"))
                {
                    let is_outside = relation.attribute("TargetMode") == Some("External");
                    let target = (target.to_owned(), is_outside);
                    package.relations.insert(id.to_owned(), target);
                }
            }
        }
        Ok(package)
    }

    /// The document itself.
    pub(super) fn document(&mut self) -> Result<XmlNode, WordError> {
        self.part("word/document.xml")?.ok_or(WordError::NoLetter)
    }

    /// A part of XML; none if the file has no such part.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<XmlNode>, WordError> {
        match self.bytes(name, LARGEST_TEXT)? {
            Some(bytes) => XmlNode::read(&bytes).map(Some),
            None => Ok(None),
        }
    }

    /// The address that a reference leads to outside of the file.
    pub(super) fn link(&self, id: &str) -> Option<&str> {
        let (target, is_outside) = self.relations.get(id)?;
        is_outside.then_some(target)
    }

    /// The bytes of a picture in the file, with the name of its part.
    pub(super) fn picture(&mut self, id: &str) -> Result<Option<(String, Vec<u8>)>, WordError> {
        let Some((target, false)) = self.relations.get(id).cloned() else {
            return Ok(None);
        };
        let name = match target.strip_prefix('/') {
            Some(whole) => whole.to_owned(),
            None => format!("word/{target}"),
        };
        let bytes = self.bytes(&name, LARGEST_PICTURE.min(self.pictures_left))?;
        Ok(bytes.map(|bytes| {
            self.pictures_left -= bytes.len() as u64;
            (name, bytes)
        }))
    }

    fn bytes(&mut self, name: &str, most: u64) -> Result<Option<Vec<u8>>, WordError> {
        let Ok(part) = self.archive.by_name(name) else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        part.take(most + 1)
            .read_to_end(&mut bytes)
            .map_err(|_| WordError::Damaged)?;
        if bytes.len() as u64 > most {
            return Err(WordError::TooMuch);
        }
        Ok(Some(bytes))
    }
}
