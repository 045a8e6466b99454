//! A font's codes: the text that each stands for, and how far it moves the pen.

use std::collections::HashMap;

use lopdf::{Dictionary, Document, Object};

use super::to_unicode;

/// A `ToUnicode` map beyond this size is none.
const LARGEST_MAP: usize = 1 << 20;
const MOST_WIDTHS: usize = 1 << 16;
/// The width of a glyph whose font does not say it, in ems.
const USUAL_WIDTH: f32 = 0.5;

/// What is needed of a font to read a text shown in it.
#[derive(Default)]
pub(super) struct Font {
    /// Whether codes have two bytes.
    wide: bool,
    texts: Texts,
    widths: HashMap<u32, f32>,
    usual_width: f32,
    /// Whether the font says how wide its glyphs are.
    pub knows_widths: bool,
    /// Whether its glyphs are bullets and ticks, which are no loss.
    symbols: bool,
}

#[derive(Default)]
enum Texts {
    /// Nobody can say what the codes stand for.
    #[default]
    Unknown,
    Map(HashMap<u32, String>),
}

/// One code of a shown text.
pub(super) struct Shown<'a> {
    /// Its text; none when it is lost.
    pub text: Option<&'a str>,
    /// How far it moves the pen, in ems.
    pub width: f32,
    /// Whether word spacing applies: the one-byte code 32 (ISO 32000-1 section 9.3.3).
    pub is_space: bool,
}

impl Font {
    /// Reads a font dictionary.
    pub fn read(font: &Dictionary, document: &Document) -> Self {
        let name = name(font, b"Subtype", document);
        let wide = name == b"Type0";
        let base = self::name(font, b"BaseFont", document).to_ascii_lowercase();
        let symbols = [&b"symbol"[..], b"dingbats", b"wingdings", b"webdings"]
            .iter()
            .any(|word| base.windows(word.len()).any(|part| part == *word));
        let mut read = Self {
            wide,
            texts: if wide {
                mapped(font, document).map_or(Texts::Unknown, Texts::Map)
            } else {
                narrow_texts(font, document, symbols)
            },
            usual_width: USUAL_WIDTH,
            symbols,
            ..Self::default()
        };
        if wide {
            read.wide_widths(font, document);
        } else {
            read.narrow_widths(font, document, name == b"Type3");
        }
        read
    }

    /// About how much is kept of it, in parsed things.
    pub fn size(&self) -> usize {
        let texts = match &self.texts {
            Texts::Unknown => 0,
            Texts::Map(map) => map.values().map(|text| 1 + text.len() / 64).sum(),
        };
        texts + self.widths.len() / 4
    }

    /// Goes through the codes of a shown string.
    pub fn shown<'a>(&'a self, string: &'a [u8]) -> impl Iterator<Item = Shown<'a>> {
        string.chunks(if self.wide { 2 } else { 1 }).map(|bytes| {
            let code = bytes
                .iter()
                .fold(0, |code, byte| code << 8 | u32::from(*byte));
            let text = match &self.texts {
                Texts::Unknown => None,
                Texts::Map(map) => map
                    .get(&code)
                    .map(String::as_str)
                    .filter(|text| !text.is_empty()),
            };
            Shown {
                text: text.or(self.symbols.then_some(" ")),
                width: self.widths.get(&code).copied().unwrap_or(self.usual_width),
                is_space: !self.wide && code == 32,
            }
        })
    }

    fn narrow_widths(&mut self, font: &Dictionary, document: &Document, is_type3: bool) {
        let scale = if is_type3 {
            let matrix = numbers(font, b"FontMatrix", document);
            matrix.first().copied().unwrap_or(0.001)
        } else {
            0.001
        };
        let first = number(font, b"FirstChar", document).unwrap_or(0);
        let widths = numbers(font, b"Widths", document);
        self.knows_widths = !widths.is_empty();
        self.widths = (first..)
            .zip(widths.iter().take(256))
            .map(|(code, width)| (code, width * scale))
            .collect();
    }

    fn wide_widths(&mut self, font: &Dictionary, document: &Document) {
        let Some(descendant) = descendant(font, document) else {
            return;
        };
        // ISO 32000-1 section 9.7.4.3: DW is 1000 unless it is written.
        let usual = descendant
            .get_deref(b"DW", document)
            .and_then(Object::as_float);
        self.usual_width = usual.unwrap_or(1_000.0) / 1_000.0;
        self.knows_widths = true;
        let Ok(entries) = descendant
            .get_deref(b"W", document)
            .and_then(Object::as_array)
        else {
            return;
        };
        let mut entries = entries.iter();
        while let (Some(first), Some(second)) = (entries.next(), entries.next()) {
            let Some(first) = code(first) else { return };
            match resolved(second, document) {
                Object::Array(widths) => {
                    for (code, width) in (first..).zip(widths) {
                        self.widths
                            .insert(code, width.as_float().unwrap_or(0.0) / 1_000.0);
                    }
                }
                last => {
                    let (Some(last), Some(Ok(width))) =
                        (code(last), entries.next().map(Object::as_float))
                    else {
                        return;
                    };
                    for code in (first..=last).take(MOST_WIDTHS) {
                        self.widths.insert(code, width / 1_000.0);
                    }
                }
            }
            if self.widths.len() > MOST_WIDTHS {
                return;
            }
        }
    }
}

/// The `ToUnicode` map of a font, if it has one that says anything.
fn mapped(font: &Dictionary, document: &Document) -> Option<HashMap<u32, String>> {
    let stream = font
        .get_deref(b"ToUnicode", document)
        .and_then(Object::as_stream)
        .ok()?;
    let map = to_unicode::parse(&stream.get_plain_content_with_limit(LARGEST_MAP).ok()?);
    (!map.is_empty()).then_some(map)
}

/// `ToUnicode` first; what it leaves out, and a font without it, goes by the encoding (ISO 32000-1
/// section 9.10.2). A font with signs of its own and neither is unknown.
fn narrow_texts(font: &Dictionary, document: &Document, symbols: bool) -> Texts {
    const SYMBOLIC: i64 = 4;
    let map = mapped(font, document);
    let encoding = font.get_deref(b"Encoding", document).ok();
    let flags = font
        .get_deref(b"FontDescriptor", document)
        .and_then(Object::as_dict)
        .and_then(|descriptor| descriptor.get(b"Flags"))
        .and_then(Object::as_i64)
        .unwrap_or(0);
    if encoding.is_none() && (symbols || flags & SYMBOLIC != 0) {
        return map.map_or(Texts::Unknown, Texts::Map);
    }
    let (base, differences) = match encoding {
        Some(Object::Name(name)) => (name.as_slice(), None),
        Some(Object::Dictionary(encoding)) => (
            self::name(encoding, b"BaseEncoding", document),
            encoding
                .get_deref(b"Differences", document)
                .and_then(Object::as_array)
                .ok(),
        ),
        _ => (&b""[..], None),
    };
    let base: &[u8] = match base {
        b"WinAnsiEncoding" | b"MacRomanEncoding" | b"MacExpertEncoding" => base,
        _ => b"StandardEncoding",
    };
    let mut texts = encoded(&Object::Name(base.to_vec()), 0..=255);
    let mut next = 0;
    for entry in differences.into_iter().flatten().take(1_024) {
        match entry {
            Object::Integer(_) => next = code(entry).unwrap_or(0),
            Object::Name(name) => {
                texts.insert(next, named(name));
                next = next.saturating_add(1);
            }
            _ => {}
        }
    }
    texts.extend(
        map.into_iter()
            .flatten()
            .filter(|(_, text)| !text.is_empty()),
    );
    Texts::Map(texts)
}

/// The texts of one-byte codes in an encoding that the library knows.
fn encoded(encoding: &Object, codes: std::ops::RangeInclusive<u8>) -> HashMap<u32, String> {
    let mut font = Dictionary::new();
    font.set("Type", Object::Name(b"Font".to_vec()));
    font.set("Encoding", encoding.clone());
    let nothing = Document::new();
    let Ok(encoding) = font.get_font_encoding_with_limit(&nothing, LARGEST_MAP) else {
        return HashMap::new();
    };
    codes
        .filter_map(|code| Some((u32::from(code), encoding.bytes_to_string(&[code]).ok()?)))
        .collect()
}

/// The text of a glyph by its name in the Adobe Glyph List; empty for a name of the font's own.
fn named(glyph: &[u8]) -> String {
    // A variant such as `f_i.alt` has the text of the name before the dot.
    let glyph = glyph.split(|byte| *byte == b'.').next().unwrap_or(glyph);
    let utf8 = String::from_utf8_lossy(glyph);
    let digits = utf8
        .strip_prefix("uni")
        .filter(|digits| digits.len() == 4)
        .or_else(|| {
            utf8.strip_prefix('u')
                .filter(|digits| (4..=6).contains(&digits.len()))
        });
    if let Some(character) = digits
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .and_then(char::from_u32)
    {
        return character.to_string();
    }
    if utf8.contains('_') && !utf8.starts_with('_') {
        return glyph.split(|byte| *byte == b'_').map(one_named).collect();
    }
    one_named(glyph)
}

fn one_named(glyph: &[u8]) -> String {
    // Code 0 has no text in the base encoding, so a name that is not known leaves it without one.
    let mut encoding = Dictionary::new();
    let differences = vec![Object::Integer(0), Object::Name(glyph.to_vec())];
    encoding.set("Differences", Object::Array(differences));
    encoded(&Object::Dictionary(encoding), 0..=0)
        .remove(&0)
        .unwrap_or_default()
}

fn descendant<'a>(font: &'a Dictionary, document: &'a Document) -> Option<&'a Dictionary> {
    let list = font
        .get_deref(b"DescendantFonts", document)
        .and_then(Object::as_array)
        .ok()?;
    resolved(list.first()?, document).as_dict().ok()
}

fn resolved<'a>(object: &'a Object, document: &'a Document) -> &'a Object {
    document
        .dereference(object)
        .map_or(object, |(_, object)| object)
}

fn name<'a>(dictionary: &'a Dictionary, key: &[u8], document: &'a Document) -> &'a [u8] {
    dictionary
        .get_deref(key, document)
        .and_then(Object::as_name)
        .unwrap_or_default()
}

fn number(dictionary: &Dictionary, key: &[u8], document: &Document) -> Option<u32> {
    dictionary.get_deref(key, document).ok().and_then(code)
}

fn numbers(dictionary: &Dictionary, key: &[u8], document: &Document) -> Vec<f32> {
    let list = dictionary
        .get_deref(key, document)
        .and_then(Object::as_array);
    list.into_iter()
        .flatten()
        .take(1_024)
        .map(|number| resolved(number, document).as_float().unwrap_or(0.0))
        .collect()
}

fn code(object: &Object) -> Option<u32> {
    object
        .as_i64()
        .ok()
        .and_then(|number| u32::try_from(number).ok())
}
