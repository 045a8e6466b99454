//! XML as the fake Exchange Web Services read it.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// An element, by its name without prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub text: String,
    pub children: Vec<Node>,
}

impl Node {
    /// The one element of a document.
    pub fn read(text: &str) -> Option<Self> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        let mut open: Vec<Self> = Vec::new();
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) => open.push(Self::begun(&start)?),
                Event::End(_) => {
                    let ended = open.pop()?;
                    match open.last_mut() {
                        Some(around) => around.children.push(ended),
                        None => return Some(ended),
                    }
                }
                Event::Text(text) => open.last_mut()?.text.push_str(&text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let text = match &*reference {
                        "lt" => "<".into(),
                        "gt" => ">".into(),
                        "amp" => "&".into(),
                        "quot" => "\"".into(),
                        "apos" => "'".into(),
                        _ => reference.resolve_char_ref().ok()??.to_string(),
                    };
                    open.last_mut()?.text.push_str(&text);
                }
                Event::Decl(_) => {}
                _ => return None,
            }
        }
    }

    fn begun(start: &BytesStart<'_>) -> Option<Self> {
        let mut node = Self {
            name: start.local_name().as_ref().to_owned(),
            ..Self::default()
        };
        for attribute in start.attributes() {
            let attribute = attribute.ok()?;
            let value = attribute.normalized_value(Default::default()).ok()?;
            let key = attribute.key.as_ref().to_owned();
            node.attributes.push((key, value.into_owned()));
        }
        Some(node)
    }

    pub fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let (_, value) = attributes.find(|(other, _)| other == name)?;
        Some(value)
    }

    pub fn child(&self, name: &str) -> Option<&Node> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The first such element anywhere inside.
    pub fn within(&self, name: &str) -> Option<&Node> {
        self.children.iter().find_map(|child| {
            if child.name == name {
                Some(child)
            } else {
                child.within(name)
            }
        })
    }

    pub fn names(&self) -> Vec<&str> {
        self.children.iter().map(|child| &*child.name).collect()
    }
}

/// Text as it may stand in XML.
pub fn escaped(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}
