//! What stands beside the document: the names of its styles, and how its lists are numbered.

use std::collections::{HashMap, HashSet};

use super::package::WordPackage;
use super::xml::XmlNode;

/// The deepest list that is known apart (ECMA-376, part 1, section 17.9.3).
const DEEPEST: usize = 9;

/// Styles and lists of a document. Where they cannot be read, paragraphs are plain.
#[derive(Debug, Default)]
pub(super) struct WordStyles {
    /// The level of the heading that a style makes.
    headings: HashMap<String, usize>,
    /// The list and level that a style makes.
    listed: HashMap<String, (String, usize)>,
    /// Lists and levels that are numbered.
    numbered: HashSet<(String, usize)>,
}

impl WordStyles {
    pub(super) fn of(package: &mut WordPackage<'_>) -> Self {
        let mut beside = Self::default();
        if let Ok(Some(styles)) = package.part("word/styles.xml") {
            styles.children.iter().for_each(|style| beside.style(style));
        }
        if let Ok(Some(numbering)) = package.part("word/numbering.xml") {
            beside.numbering(&numbering);
        }
        beside
    }

    /// The identifiers of styles are translated, the names of the built-in ones are not.
    fn style(&mut self, style: &XmlNode) {
        let (Some(id), Some(name)) = (style.attribute("w:styleId"), style.value("w:name")) else {
            return;
        };
        let name = name.to_lowercase();
        let level = match name.strip_prefix("heading ") {
            Some(level) => level.parse().ok(),
            None => (name == "title").then_some(1),
        };
        if let Some(level @ 1..=6) = level {
            self.headings.insert(id.to_owned(), level);
        }
        let properties = style.child("w:pPr");
        if let Some(list) = properties.and_then(list_of) {
            self.listed.insert(id.to_owned(), list);
        }
    }

    fn numbering(&mut self, numbering: &XmlNode) {
        let mut levels: HashMap<&str, Vec<usize>> = HashMap::new();
        for definition in &numbering.children {
            let Some(id) = definition.attribute("w:abstractNumId") else {
                continue;
            };
            let numbered = definition.children.iter().filter(|level| {
                let format = level.value("w:numFmt");
                format.is_some_and(|format| format != "bullet" && format != "none")
            });
            let numbered = numbered.filter_map(|level| level.attribute("w:ilvl")?.parse().ok());
            levels.insert(id, numbered.collect());
        }
        for list in &numbering.children {
            let (Some(id), Some(definition)) =
                (list.attribute("w:numId"), list.value("w:abstractNumId"))
            else {
                continue;
            };
            let numbered = levels.get(definition).into_iter().flatten();
            let numbered = numbered.map(|level| (id.to_owned(), *level));
            self.numbered.extend(numbered);
        }
    }

    /// The level of the heading that a paragraph is.
    pub(super) fn heading(&self, properties: Option<&XmlNode>) -> Option<usize> {
        let style = properties?.value("w:pStyle")?;
        self.headings.get(style).copied()
    }

    /// The level of the list that a paragraph is an item of, and whether it is numbered.
    pub(super) fn item(&self, properties: Option<&XmlNode>) -> Option<(usize, bool)> {
        let properties = properties?;
        let by_style = || self.listed.get(properties.value("w:pStyle")?).cloned();
        let (list, level) = list_of(properties).or_else(by_style)?;
        // List 0 takes a paragraph out of the list of its style.
        if list == "0" {
            return None;
        }
        let is_numbered = self.numbered.contains(&(list, level));
        Some((level, is_numbered))
    }
}

fn list_of(properties: &XmlNode) -> Option<(String, usize)> {
    let list = properties.child("w:numPr")?;
    let level = list.value("w:ilvl").and_then(|level| level.parse().ok());
    let id = list.value("w:numId")?;
    Some((id.to_owned(), level.unwrap_or(0_usize).min(DEEPEST)))
}
