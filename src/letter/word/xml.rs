//! XML as a tree: no document types, no entities but the five of XML, bounded in depth and number.

use quick_xml::XmlVersion;
use quick_xml::events::Event;
use quick_xml::reader::Reader;

use super::WordError;

/// Elements in each other: what Word writes is some dozens deep.
const DEEPEST: usize = 128;
/// Elements in one part.
const MOST: usize = 400_000;

/// An element with all that it holds.
#[derive(Clone, Debug, Default)]
pub(super) struct XmlNode {
    /// Its name with its prefix, which Word and others always write alike.
    pub name: String,
    attributes: Vec<(String, String)>,
    /// The text directly in it.
    pub text: String,
    /// The elements directly in it.
    pub children: Vec<XmlNode>,
}

impl XmlNode {
    /// The one element of a part.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, WordError> {
        let text = std::str::from_utf8(bytes).map_err(|_| WordError::Damaged)?;
        let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
        reader.config_mut().expand_empty_elements = true;
        let mut open: Vec<Self> = Vec::new();
        let mut count = 0;
        loop {
            match reader.read_event().map_err(|_| WordError::Damaged)? {
                Event::Start(start) => {
                    count += 1;
                    if open.len() == DEEPEST || count > MOST {
                        return Err(WordError::TooMuch);
                    }
                    let mut node = Self {
                        name: start.name().as_ref().to_owned(),
                        ..Self::default()
                    };
                    for attribute in start.attributes().with_checks(false) {
                        let attribute = attribute.map_err(|_| WordError::Damaged)?;
                        let value = attribute.normalized_value(XmlVersion::Implicit1_0);
                        let value = value.map_err(|_| WordError::Damaged)?.into_owned();
                        node.attributes
                            .push((attribute.key.as_ref().to_owned(), value));
                    }
                    open.push(node);
                }
                Event::End(_) => {
                    let ended = open.pop().ok_or(WordError::Damaged)?;
                    match open.last_mut() {
                        Some(around) => around.children.push(ended),
                        None => return Ok(ended),
                    }
                }
                Event::Text(text) => append(&mut open, &text.xml10_content()),
                Event::CData(text) => append(&mut open, &text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let known = match &*reference {
                        "amp" => Some('&'),
                        "lt" => Some('<'),
                        "gt" => Some('>'),
                        "quot" => Some('"'),
                        "apos" => Some('\''),
                        _ => reference
                            .resolve_char_ref()
                            .map_err(|_| WordError::Damaged)?,
                    };
                    let known = known.ok_or(WordError::Damaged)?;
                    append(&mut open, known.encode_utf8(&mut [0; 4]));
                }
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
                Event::DocType(_) | Event::Empty(_) | Event::Eof => {
                    return Err(WordError::Damaged);
                }
            }
        }
    }

    /// The first element of this name directly in it.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The first element of this name anywhere in it.
    pub(super) fn find(&self, name: &str) -> Option<&Self> {
        let mut waiting: Vec<&Self> = vec![self];
        while let Some(node) = waiting.pop() {
            if node.name == name {
                return Some(node);
            }
            waiting.extend(node.children.iter().rev());
        }
        None
    }

    /// An attribute, by its name with its prefix.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let (_, value) = attributes.find(|(other, _)| other == name)?;
        Some(value)
    }

    /// The `w:val` of an element directly in it.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.child(name)?.attribute("w:val")
    }

    /// Whether a property is on: it is there, and does not say that it is off (ECMA-376, part 1,
    /// section 17.17.4).
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.child(name).is_some_and(|property| {
            !matches!(
                property.attribute("w:val"),
                Some("0" | "false" | "off" | "none")
            )
        })
    }
}

fn append(open: &mut [XmlNode], text: &str) {
    if let Some(node) = open.last_mut() {
        node.text.push_str(text);
    }
}
