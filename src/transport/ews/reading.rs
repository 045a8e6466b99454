//! XML from the server, read as data: no document types and no entities but the five that XML
//! itself has, bounded in depth, and any prefix for a namespace.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

use super::soap::{MESSAGES, SOAP, TYPES};

const ERRORS: &str = "http://schemas.microsoft.com/exchange/services/2006/errors";
/// Elements in each other: what Exchange sends is a dozen deep.
const DEEPEST: usize = 64;
/// Attributes of one element.
const MOST_ATTRIBUTES: usize = 64;

/// The namespaces that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    Soap,
    Messages,
    Types,
    Errors,
    /// None, as the parts of a fault have it.
    Unnamed,
    Other,
}

/// An element with all that it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Element {
    space: Space,
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Element>,
}

/// It is not XML that we read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MalformedXml;

impl Element {
    /// The one element of a document.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, MalformedXml> {
        let text = std::str::from_utf8(bytes).map_err(|_| MalformedXml)?;
        let mut reader = NsReader::from_str(text.trim_start_matches('\u{feff}'));
        reader.config_mut().expand_empty_elements = true;
        let mut open: Vec<Self> = Vec::new();
        loop {
            let (space, event) = reader.read_resolved_event().map_err(|_| MalformedXml)?;
            match event {
                Event::Start(start) => {
                    if open.len() == DEEPEST {
                        return Err(MalformedXml);
                    }
                    open.push(Self::begun(Space::of(&space), &start)?);
                }
                Event::End(_) => {
                    let ended = open.pop().ok_or(MalformedXml)?;
                    match open.last_mut() {
                        Some(around) => around.children.push(ended),
                        None => return Ok(ended),
                    }
                }
                Event::Text(text) => append(&mut open, &text.xml10_content()),
                Event::CData(text) => append(&mut open, &text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let character = match reference.resolve_char_ref() {
                        Ok(Some(character)) => character,
                        Ok(None) => predefined(&reference).ok_or(MalformedXml)?,
                        Err(_) => return Err(MalformedXml),
                    };
                    append(&mut open, character.encode_utf8(&mut [0; 4]));
                }
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
                Event::DocType(_) | Event::Empty(_) | Event::Eof => return Err(MalformedXml),
            }
        }
    }

    fn begun(space: Space, start: &BytesStart<'_>) -> Result<Self, MalformedXml> {
        let mut attributes = Vec::new();
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|_| MalformedXml)?;
            if attributes.len() == MOST_ATTRIBUTES {
                return Err(MalformedXml);
            }
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|_| MalformedXml)?;
            attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
        }
        Ok(Self {
            space,
            name: start.local_name().as_ref().to_owned(),
            attributes,
            text: String::new(),
            children: Vec::new(),
        })
    }

    pub(super) fn is(&self, space: Space, name: &str) -> bool {
        self.space == space && self.name == name
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let (_, value) = attributes.find(|(other, _)| other == name)?;
        Some(value)
    }

    /// The text, less the blanks around it.
    pub(super) fn text(&self) -> &str {
        self.text.trim()
    }

    pub(super) fn children(&self) -> &[Element] {
        &self.children
    }

    pub(super) fn child(&self, space: Space, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.is(space, name))
    }

    /// The first such element anywhere inside.
    pub(super) fn within(&self, space: Space, name: &str) -> Option<&Element> {
        self.children.iter().find_map(|child| {
            if child.is(space, name) {
                Some(child)
            } else {
                child.within(space, name)
            }
        })
    }
}

impl Space {
    fn of(result: &ResolveResult<'_>) -> Self {
        match result {
            ResolveResult::Bound(Namespace(SOAP)) => Self::Soap,
            ResolveResult::Bound(Namespace(MESSAGES)) => Self::Messages,
            ResolveResult::Bound(Namespace(TYPES)) => Self::Types,
            ResolveResult::Bound(Namespace(ERRORS)) => Self::Errors,
            ResolveResult::Unbound => Self::Unnamed,
            ResolveResult::Bound(_) | ResolveResult::Unknown(_) => Self::Other,
        }
    }
}

fn append(open: &mut [Element], text: &str) {
    // Blanks around the document's one element belong to nobody.
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn predefined(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Element, MalformedXml> {
        Element::read(text.as_bytes())
    }

    #[test]
    fn any_prefix_names_a_namespace() {
        for xml in [
            format!("<m:A xmlns:m='{MESSAGES}'><t:B xmlns:t='{TYPES}' Id='1'>x</t:B></m:A>"),
            format!("<A xmlns='{MESSAGES}'><z:B xmlns:z='{TYPES}' Id=\"1\">x</z:B></A>"),
            format!(
                "\u{feff}<?xml version='1.0'?><q:A xmlns:q='{MESSAGES}' xmlns:w='{TYPES}'> <w:B Id='1'>\n<![CDATA[x]]>\n</w:B></q:A>"
            ),
        ] {
            let root = read(&xml).unwrap();
            assert!(root.is(Space::Messages, "A"));
            let inner = root.within(Space::Types, "B").unwrap();
            assert_eq!((inner.text(), inner.attribute("Id")), ("x", Some("1")));
        }
        let foreign = read("<m:A xmlns:m='urn:other'/>").unwrap();
        assert!(!foreign.is(Space::Messages, "A"));
    }

    #[test]
    fn only_the_five_entities_and_characters_are_known() {
        let root = read("<a b='&amp;&#65;'>&lt;&gt;&amp;&quot;&apos;&#x42;</a>").unwrap();
        assert_eq!(root.text(), "<>&\"'B");
        assert_eq!(root.attribute("b"), Some("&A"));
        for xml in [
            "<a>&nbsp;</a>",
            "<a b='&x;'/>",
            "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
            "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        ] {
            assert_eq!(read(xml), Err(MalformedXml), "{xml}");
        }
    }

    #[test]
    fn what_is_broken_deep_or_endless_is_not_read() {
        for xml in ["", "<a>", "<a></b>", "<html><br></html>", "plain", "<a"] {
            assert_eq!(read(xml), Err(MalformedXml), "{xml}");
        }
        assert_eq!(Element::read(b"<a>\xff</a>"), Err(MalformedXml));
        let deep = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
        assert!(read(&deep(DEEPEST)).is_ok());
        assert_eq!(read(&deep(100_000)), Err(MalformedXml));
        let wide = " a=''".repeat(MOST_ATTRIBUTES + 1);
        assert_eq!(read(&format!("<a{wide}/>")), Err(MalformedXml));
    }
}
