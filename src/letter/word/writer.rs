//! The HTML of a Word document.

use std::mem::take;

use super::package::WordPackage;
use super::parts::WordStyles;
use super::xml::XmlNode;
use super::{WordError, WordLetter};
use crate::letter::markdown;

/// A template may have no more than 1 MB.
const LARGEST: usize = 1 << 20;
/// English Metric Units in a pixel of a screen (ECMA-376, part 1, section 20.1.2.1: 914,400 an inch).
const EMU: u64 = 9_525;

/// How a run of text is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct RunStyle {
    bold: bool,
    italic: bool,
    underlined: bool,
    struck: bool,
}

/// What a field of Word stands for.
#[derive(Debug, Default)]
struct WordField {
    instruction: String,
    /// Whether the text that Word last showed for it has begun.
    shows: bool,
    /// Whether something else stands for that text.
    is_replaced: bool,
    is_link: bool,
}

/// Writes HTML.
pub(super) struct WordWriter<'a, 'b> {
    package: &'a mut WordPackage<'b>,
    beside: WordStyles,
    prefix: String,
    html: String,
    /// The paragraph in hand.
    line: String,
    set: RunStyle,
    fields: Vec<WordField>,
    /// The lists that are open, and whether each is numbered.
    lists: Vec<bool>,
    /// Pictures by the reference that named them.
    pictures: Vec<(String, String, Vec<u8>)>,
    left_out: Vec<String>,
    error: Option<WordError>,
}

impl<'a, 'b> WordWriter<'a, 'b> {
    pub(super) fn new(package: &'a mut WordPackage<'b>, prefix: &str) -> Self {
        Self {
            beside: WordStyles::of(package),
            package,
            prefix: prefix.to_owned(),
            html: String::new(),
            line: String::new(),
            set: RunStyle::default(),
            fields: Vec::new(),
            lists: Vec::new(),
            pictures: Vec::new(),
            left_out: Vec::new(),
            error: None,
        }
    }

    /// Paragraphs and tables.
    pub(super) fn blocks(&mut self, around: &XmlNode) {
        for node in &around.children {
            if self.html.len() > LARGEST {
                self.error = Some(WordError::TooMuch);
                return;
            }
            match node.name.as_str() {
                "w:p" => self.paragraph(node),
                "w:tbl" => self.table(node),
                "w:sectPr" => self.section(node),
                "w:sdt" | "w:sdtContent" | "w:ins" | "w:customXml" | "w:smartTag" => {
                    self.blocks(node);
                }
                _ => {}
            }
        }
    }

    fn paragraph(&mut self, node: &XmlNode) {
        let properties = node.child("w:pPr");
        self.inline(node);
        self.set_as(RunStyle::default());
        let line = take(&mut self.line);
        let line = line.trim();
        let item = self.beside.item(properties);
        let is_empty = line.is_empty();
        if let Some((level, is_numbered)) = item.filter(|_| !is_empty) {
            self.item(level, is_numbered);
            self.html.push_str(line);
            return;
        }
        self.close_lists(0);
        if is_empty {
            return;
        }
        let tag = match self.beside.heading(properties) {
            Some(level) => format!("h{level}"),
            None => "p".to_owned(),
        };
        let align = match properties.and_then(|properties| properties.value("w:jc")) {
            Some("center") => " style=\"text-align: center\"",
            Some("right" | "end") => " style=\"text-align: right\"",
            _ => "",
        };
        self.html
            .push_str(&format!("<{tag}{align}>{line}</{tag}>\n"));
    }

    /// Begins an item: lists that are deeper end, and those that it needs begin.
    fn item(&mut self, level: usize, is_numbered: bool) {
        self.close_lists(level + 1);
        if self.lists.len() == level + 1 {
            if self.lists[level] == is_numbered {
                self.html.push_str("</li>\n<li>");
                return;
            }
            self.close_lists(level);
        }
        while self.lists.len() <= level {
            let tag = list_tag(is_numbered);
            self.html.push_str(&format!("<{tag}>\n<li>"));
            self.lists.push(is_numbered);
        }
    }

    fn close_lists(&mut self, to: usize) {
        while self.lists.len() > to {
            if let Some(is_numbered) = self.lists.pop() {
                self.html
                    .push_str(&format!("</li>\n</{}>\n", list_tag(is_numbered)));
            }
        }
    }

    fn table(&mut self, table: &XmlNode) {
        self.close_lists(0);
        self.html.push_str("<table>\n");
        for row in table.children.iter().filter(|row| row.name == "w:tr") {
            self.html.push_str("<tr>\n");
            for cell in row.children.iter().filter(|cell| cell.name == "w:tc") {
                let properties = cell.child("w:tcPr");
                let span = properties.and_then(|properties| properties.value("w:gridSpan"));
                let span: u32 = span.and_then(|span| span.parse().ok()).unwrap_or(1);
                if span > 1 {
                    self.html
                        .push_str(&format!("<td colspan=\"{}\">", span.min(100)));
                } else {
                    self.html.push_str("<td>");
                }
                self.blocks(cell);
                self.close_lists(0);
                self.html.push_str("</td>\n");
            }
            self.html.push_str("</tr>\n");
        }
        self.html.push_str("</table>\n");
    }

    fn section(&mut self, section: &XmlNode) {
        let has = |name| section.child(name).is_some();
        if has("w:headerReference") || has("w:footerReference") {
            self.leave_out("the header and footer of the page");
        }
    }

    fn leave_out(&mut self, what: &str) {
        if !self.left_out.iter().any(|other| other == what) {
            self.left_out.push(what.to_owned());
        }
    }

    /// What stands in a line.
    fn inline(&mut self, around: &XmlNode) {
        for node in &around.children {
            match node.name.as_str() {
                "w:r" => self.run(node),
                "w:hyperlink" => {
                    let id = node.attribute("r:id");
                    let address = id.and_then(|id| self.package.link(id)).map(str::to_owned);
                    self.link(address.as_deref(), |this| this.inline(node));
                }
                "w:fldSimple" => {
                    let mut field = WordField {
                        instruction: node.attribute("w:instr").unwrap_or_default().to_owned(),
                        ..WordField::default()
                    };
                    self.begin_result(&mut field);
                    self.fields.push(field);
                    self.inline(node);
                    self.end_field();
                }
                "w:ins" | "w:smartTag" | "w:sdt" | "w:sdtContent" | "w:moveTo" | "w:customXml" => {
                    self.inline(node);
                }
                _ => {}
            }
        }
    }

    fn link(&mut self, address: Option<&str>, inside: impl FnOnce(&mut Self)) {
        let address = address.filter(|address| is_for_readers(address));
        if let Some(address) = address {
            self.set_as(RunStyle::default());
            self.line
                .push_str(&format!("<a href=\"{}\">", attribute(address)));
        }
        inside(self);
        if address.is_some() {
            self.set_as(RunStyle::default());
            self.line.push_str("</a>");
        }
    }

    fn run(&mut self, run: &XmlNode) {
        let properties = run.child("w:rPr");
        let on = |name| properties.is_some_and(|properties| properties.is_on(name));
        if on("w:vanish") {
            self.leave_out("hidden text");
            return;
        }
        let in_link = self.line.rfind("<a ") > self.line.rfind("</a>");
        let set = RunStyle {
            bold: on("w:b"),
            italic: on("w:i"),
            underlined: on("w:u") && !in_link,
            struck: on("w:strike"),
        };
        for node in &run.children {
            match node.name.as_str() {
                "w:t" => self.text(&node.text, set),
                "w:tab" => self.text("\u{2003}", set),
                "w:noBreakHyphen" => self.text("\u{2011}", set),
                "w:br" | "w:cr" if self.is_shown() && node.attribute("w:type") != Some("page") => {
                    self.line.push_str("<br>\n");
                }
                "w:fldChar" => self.field(node),
                "w:instrText" => {
                    if let Some(field) = self.fields.last_mut() {
                        field.instruction.push_str(&node.text);
                    }
                }
                "w:drawing" | "w:pict" | "w:object" => self.drawing(node),
                "mc:AlternateContent" => {
                    if let Some(choice) = node.child("mc:Choice") {
                        self.drawing(choice);
                    }
                }
                "w:footnoteReference" | "w:endnoteReference" => self.leave_out("footnotes"),
                _ => {}
            }
        }
    }

    /// Whether text that Word shows is wanted here: not while a field says what it is of, nor where
    /// something else stands for it.
    fn is_shown(&self) -> bool {
        let mut fields = self.fields.iter();
        fields.all(|field| field.shows && !field.is_replaced)
    }

    fn text(&mut self, text: &str, set: RunStyle) {
        if text.is_empty() || !self.is_shown() {
            return;
        }
        // A blank needs no marks of its own, and they would cut a word of the template in two.
        if !text.trim().is_empty() {
            self.set_as(set);
        }
        self.line.push_str(&escaped(text));
    }

    /// Changes how what follows is set; runs that are set alike go on in one element, so that a mark
    /// that Word has cut into runs is whole again.
    fn set_as(&mut self, set: RunStyle) {
        if set == self.set {
            return;
        }
        let tags = |set: RunStyle| {
            [
                (set.bold, "b"),
                (set.italic, "i"),
                (set.underlined, "u"),
                (set.struck, "s"),
            ]
        };
        for (on, tag) in tags(self.set).into_iter().rev() {
            if on {
                self.line.push_str(&format!("</{tag}>"));
            }
        }
        for (on, tag) in tags(set) {
            if on {
                self.line.push_str(&format!("<{tag}>"));
            }
        }
        self.set = set;
    }

    fn field(&mut self, node: &XmlNode) {
        match node.attribute("w:fldCharType") {
            Some("begin") => self.fields.push(WordField::default()),
            Some("separate") => {
                if let Some(mut field) = self.fields.pop() {
                    self.begin_result(&mut field);
                    self.fields.push(field);
                }
            }
            Some("end") => self.end_field(),
            _ => {}
        }
    }

    /// What stands for a field: a mark for a merge field, a link for a link, else the text that Word
    /// last showed.
    fn begin_result(&mut self, field: &mut WordField) {
        field.shows = true;
        let mut words = field.instruction.split_whitespace();
        match words.next() {
            Some("MERGEFIELD") => {
                let rest = field.instruction.trim_start();
                let name = rest.strip_prefix("MERGEFIELD").unwrap_or_default();
                let name = name.split('\\').next().unwrap_or_default().trim();
                let mark = format!("«{}»", name.trim_matches('"'));
                field.is_replaced = true;
                let set = self.set;
                self.text(&mark, set);
            }
            Some("HYPERLINK") => {
                let address = words.next().unwrap_or_default().trim_matches('"');
                if is_for_readers(address) && self.is_shown() {
                    self.set_as(RunStyle::default());
                    self.line
                        .push_str(&format!("<a href=\"{}\">", attribute(address)));
                    field.is_link = true;
                }
            }
            _ => {}
        }
    }

    fn end_field(&mut self) {
        let Some(mut field) = self.fields.pop() else {
            return;
        };
        if !field.shows {
            self.begin_result(&mut field);
        }
        if field.is_link {
            self.set_as(RunStyle::default());
            self.line.push_str("</a>");
        }
    }

    fn drawing(&mut self, node: &XmlNode) {
        if node.find("w:txbxContent").is_some() {
            self.leave_out("a text box");
            return;
        }
        let by_blip = node
            .find("a:blip")
            .and_then(|blip| blip.attribute("r:embed"));
        let by_data = || {
            node.find("v:imagedata")
                .and_then(|data| data.attribute("r:id"))
        };
        let Some(id) = by_blip.or_else(by_data) else {
            self.leave_out("a drawing");
            return;
        };
        let known = self.pictures.iter().find(|(other, ..)| other == id);
        let name = match known.map(|(_, name, _)| name.clone()) {
            Some(name) => Some(name),
            None => self.picture(id),
        };
        let Some(name) = name else {
            return;
        };
        let described = node.find("wp:docPr").and_then(|properties| {
            let described = properties.attribute("descr");
            described.or_else(|| properties.attribute("title"))
        });
        self.set_as(RunStyle::default());
        self.line.push_str(&format!(
            "<img src=\"{}\" alt=\"{}\"",
            attribute(&name),
            attribute(described.unwrap_or_default())
        ));
        let extent = node.find("wp:extent");
        let width = extent.and_then(|extent| extent.attribute("cx")?.parse::<u64>().ok());
        if let Some(width @ 1..=2_000) = width.map(|width| width / EMU) {
            self.line.push_str(&format!(" width=\"{width}\""));
        }
        self.line.push('>');
    }

    /// Takes a picture out of the file, and gives its name.
    fn picture(&mut self, id: &str) -> Option<String> {
        let (part, bytes) = match self.package.picture(id) {
            Ok(found) => found?,
            Err(error) => {
                self.error = Some(error);
                return None;
            }
        };
        let Some(ending) = crate::letter::picture::ending(&bytes) else {
            let kind = part.rsplit('.').next().unwrap_or_default();
            let kind: String = kind
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .take(8)
                .collect();
            self.leave_out(&format!(
                "a picture of a kind that mail programs do not show (.{kind})"
            ));
            return None;
        };
        let name = format!("{}{}.{ending}", self.prefix, self.pictures.len() + 1);
        self.pictures.push((id.to_owned(), name.clone(), bytes));
        Some(name)
    }

    /// The letter.
    pub(super) fn finish(mut self) -> Result<WordLetter, WordError> {
        self.close_lists(0);
        if let Some(error) = self.error {
            return Err(error);
        }
        if self.html.len() > LARGEST {
            return Err(WordError::TooMuch);
        }
        Ok(WordLetter {
            html: format!(
                "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n\
                 <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
                 <style>\n{}</style>\n</head>\n<body>\n{}</body>\n</html>\n",
                markdown::STYLE,
                self.html
            ),
            pictures: self
                .pictures
                .into_iter()
                .map(|(_, name, bytes)| (name, bytes))
                .collect(),
            left_out: self.left_out,
        })
    }
}

fn list_tag(is_numbered: bool) -> &'static str {
    if is_numbered { "ol" } else { "ul" }
}

/// Whether a link leads where a reader of a mail can follow it.
fn is_for_readers(address: &str) -> bool {
    ["http://", "https://", "mailto:", "tel:"]
        .iter()
        .any(|scheme| {
            address
                .get(..scheme.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        })
}

/// Text between tags. Quotation marks stay, since they may stand in an expression of the template.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\u{a0}', "&nbsp;")
}

fn attribute(text: &str) -> String {
    crate::page::escape(text)
}
