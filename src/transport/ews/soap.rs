//! XML that we write: every text is escaped, and a character that XML cannot carry is refused.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

/// The version of the schema that we write, which every server since Exchange 2013 takes and
/// Exchange Online too (Microsoft, EWS reference, `RequestServerVersion`).
const VERSION: &str = "Exchange2013_SP1";

pub(super) const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
pub(super) const MESSAGES: &str = "http://schemas.microsoft.com/exchange/services/2006/messages";
pub(super) const TYPES: &str = "http://schemas.microsoft.com/exchange/services/2006/types";

/// An element to write.
pub(super) struct Tag {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    text: String,
    inside: Vec<Tag>,
}

/// A text with a character that no XML document may hold (XML 1.0 section 2.2).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct IllegalCharacter(pub char);

impl Tag {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            attributes: Vec::new(),
            text: String::new(),
            inside: Vec::new(),
        }
    }

    /// The same with an attribute.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    /// The same with a text inside.
    pub(super) fn text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    /// The same with further elements inside, in this order.
    pub(super) fn holding(mut self, inside: impl IntoIterator<Item = Tag>) -> Self {
        self.inside.extend(inside);
        self
    }

    /// The name without its prefix.
    pub(super) fn operation(&self) -> &'static str {
        self.name
            .split_once(':')
            .map_or(self.name, |(_, local)| local)
    }

    fn check(&self) -> Result<(), IllegalCharacter> {
        let attributes = self.attributes.iter().map(|(_, value)| value);
        let texts = attributes.chain([&self.text]);
        match texts
            .flat_map(|text| text.chars())
            .find(|c| !is_allowed(*c))
        {
            Some(illegal) => Err(IllegalCharacter(illegal)),
            None => self.inside.iter().try_for_each(Self::check),
        }
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) -> io::Result<()> {
        let mut start = BytesStart::new(self.name);
        for (name, value) in &self.attributes {
            start.push_attribute((*name, value.as_str()));
        }
        if self.text.is_empty() && self.inside.is_empty() {
            return writer.write_event(Event::Empty(start));
        }
        writer.write_event(Event::Start(start))?;
        if !self.text.is_empty() {
            writer.write_event(Event::Text(BytesText::new(&self.text)))?;
        }
        for tag in &self.inside {
            tag.write(writer)?;
        }
        writer.write_event(Event::End(BytesEnd::new(self.name)))
    }
}

/// A whole request: the operation in its envelope.
pub(super) fn envelope(operation: Tag) -> Result<Vec<u8>, IllegalCharacter> {
    operation.check()?;
    let version = Tag::new("t:RequestServerVersion")
        .with("xmlns:t", TYPES)
        .with("Version", VERSION);
    // The names are declared where they are used, so that the operation stands for itself.
    let operation = operation.with("xmlns:m", MESSAGES).with("xmlns:t", TYPES);
    let envelope = Tag::new("soap:Envelope").with("xmlns:soap", SOAP).holding([
        Tag::new("soap:Header").holding([version]),
        Tag::new("soap:Body").holding([operation]),
    ]);
    let mut writer = Writer::new(Vec::new());
    let declaration = Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None));
    // Memory takes what is written.
    let _ = writer
        .write_event(declaration)
        .and_then(|()| envelope.write(&mut writer));
    Ok(writer.into_inner())
}

fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_wherever_they_stand() {
        let tag = Tag::new("m:FindItem")
            .with("Value", "<a> & \"b\" 'c'")
            .holding([Tag::new("t:Name").text("]]> </t:Name> & é")]);
        let xml = String::from_utf8(envelope(tag).unwrap()).unwrap();
        assert!(
            xml.contains("Value=\"&lt;a&gt; &amp; &quot;b&quot; &apos;c&apos;\""),
            "{xml}"
        );
        assert!(
            xml.contains("]]&gt; &lt;/t:Name&gt; &amp; é</t:Name>"),
            "{xml}"
        );
    }

    #[test]
    fn characters_that_xml_cannot_carry_are_refused() {
        for illegal in ['\0', '\u{1}', '\u{1b}', '\u{fffe}', '\u{ffff}'] {
            let text = format!("a{illegal}b");
            let inside = Tag::new("m:X").holding([Tag::new("t:Y").text(&text)]);
            assert_eq!(envelope(inside), Err(IllegalCharacter(illegal)));
            assert_eq!(
                envelope(Tag::new("m:X").with("Y", text)),
                Err(IllegalCharacter(illegal))
            );
        }
        assert!(envelope(Tag::new("m:X").text("\t\r\n \u{fffd}\u{1f4ee}")).is_ok());
    }
}
