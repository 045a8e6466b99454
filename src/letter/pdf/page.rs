//! The text of pages: content streams, and the forms that they draw.

use std::collections::HashMap;
use std::rc::Rc;

use lopdf::content::Content;
use lopdf::{Dictionary, Document, Object, ObjectId};

use super::Why;
use super::bounds::{MOST_NODES, charge_nodes, still_wanted};
use super::font::Font;
use super::pen::{Gap, Matrix, Pen, State, UNMOVED, after};
use super::scan::nodes;

/// Bounds on the work that one PDF may make.
const MOST_CONTENT: usize = 32 << 20;
const MOST_OPERATIONS: u32 = 3_000_000;
const MOST_FONTS: usize = 1_000;
const MOST_TEXT: usize = 4 << 20;
const DEEPEST_FORM: usize = 8;
const DEEPEST_STATE: usize = 256;

/// Reads page after page of one document into one text.
pub(super) struct Pages<'a> {
    document: &'a Document,
    /// By the place of their dictionaries, which stay where they are.
    fonts: HashMap<*const Dictionary, Rc<Font>>,
    content_left: usize,
    operations_left: u32,
    /// What was read; a glyph whose text is lost is U+FFFD.
    pub text: String,
    /// Whether part of what a person sees may be in pictures.
    pub in_pictures: bool,
    page: OnPage,
}

/// What the page in hand shows.
#[derive(Default)]
struct OnPage {
    text: bool,
    picture: bool,
    hidden: bool,
}

impl<'a> Pages<'a> {
    pub fn new(document: &'a Document) -> Self {
        Self {
            document,
            fonts: HashMap::new(),
            content_left: MOST_CONTENT,
            operations_left: MOST_OPERATIONS,
            text: String::new(),
            in_pictures: false,
            page: OnPage::default(),
        }
    }

    /// Reads one page.
    pub fn read(&mut self, page: ObjectId) -> Result<(), Why> {
        self.page = OnPage::default();
        let content = self
            .document
            .get_page_content_with_limit(page, self.content_left)
            .map_err(|error| match error {
                lopdf::Error::Decompress(lopdf::DecompressError::MemoryLimitExceeded {
                    ..
                }) => Why::TooMuch,
                _ => Why::Damaged,
            })?;
        self.charge(content.len())?;
        let resources = self.resources(page);
        self.run(&content, resources, State::new(), 0)?;
        self.text.push('\n');
        self.in_pictures |= self.page.hidden || (self.page.picture && !self.page.text);
        Ok(())
    }

    fn charge(&mut self, bytes: usize) -> Result<(), Why> {
        self.content_left = self.content_left.checked_sub(bytes).ok_or(Why::TooMuch)?;
        Ok(())
    }

    /// The resources of a page: its own, or those of the nearest node above that has some.
    fn resources(&self, page: ObjectId) -> Option<&'a Dictionary> {
        let mut node = self.document.get_dictionary(page).ok()?;
        for _ in 0..64 {
            if let Some(resources) = dictionary(node, b"Resources", self.document) {
                return Some(resources);
            }
            node = dictionary(node, b"Parent", self.document)?;
        }
        None
    }

    fn run(
        &mut self,
        content: &[u8],
        resources: Option<&'a Dictionary>,
        state: State,
        depth: usize,
    ) -> Result<(), Why> {
        let mut stream = Stream {
            resources,
            state,
            stack: Vec::new(),
            pen: Pen::new(),
            font: None,
        };
        // The operands of one operation are all kept at once.
        if nodes(content) > MOST_NODES {
            return Err(Why::TooMuch);
        }
        for operation in Content::decode_iter(content) {
            still_wanted();
            let Ok(operation) = operation else {
                return Err(Why::Damaged);
            };
            self.operations_left = self.operations_left.checked_sub(1).ok_or(Why::TooMuch)?;
            let operands = operation.operands.as_slice();
            match (operation.operator.as_str(), operands) {
                ("Tf", [Object::Name(name), size, ..]) => {
                    stream.font = self.font(resources, name)?;
                    stream.state.size = size.as_float().unwrap_or(0.0);
                }
                ("Tj" | "'", [Object::String(string, _), ..]) => {
                    if operation.operator == "'" {
                        stream.pen.next_line(0.0, -stream.state.leading);
                    }
                    self.show(&mut stream, string)?;
                }
                ("\"", [word, character, Object::String(string, _), ..]) => {
                    stream.state.word_space = word.as_float().unwrap_or(0.0);
                    stream.state.character_space = character.as_float().unwrap_or(0.0);
                    stream.pen.next_line(0.0, -stream.state.leading);
                    self.show(&mut stream, string)?;
                }
                ("TJ", [Object::Array(parts), ..]) => {
                    for part in parts {
                        match part {
                            Object::String(string, _) => self.show(&mut stream, string)?,
                            number => stream.kern(number.as_float().unwrap_or(0.0)),
                        }
                    }
                }
                ("Do", [Object::Name(name), ..]) => self.draw(&stream, name, depth)?,
                ("BI", _) => self.page.picture = true,
                (operator, operands) => stream.set(operator, operands),
            }
        }
        Ok(())
    }

    fn show(&mut self, stream: &mut Stream<'_>, string: &[u8]) -> Result<(), Why> {
        let Some(font) = stream.font.clone() else {
            self.text.push('\u{fffd}');
            return Ok(());
        };
        match stream.pen.gap(&stream.state, font.knows_widths) {
            Gap::None => {}
            Gap::Blank => self.text.push(' '),
            Gap::Line => self.text.push('\n'),
        }
        let state = &stream.state;
        let mut along = 0.0;
        for shown in font.shown(string) {
            self.text.push_str(shown.text.unwrap_or("\u{fffd}"));
            let word = if shown.is_space {
                state.word_space
            } else {
                0.0
            };
            along += (shown.width * state.size + state.character_space + word) * state.stretch;
        }
        stream.pen.advance(along);
        stream.pen.end(&stream.state);
        self.page.text |= !string.is_empty();
        self.page.hidden |= state.hidden && !string.is_empty();
        if self.text.len() > MOST_TEXT {
            return Err(Why::TooMuch);
        }
        Ok(())
    }

    fn font(
        &mut self,
        resources: Option<&'a Dictionary>,
        name: &[u8],
    ) -> Result<Option<Rc<Font>>, Why> {
        let document = self.document;
        let font = resources
            .and_then(|resources| dictionary(resources, b"Font", document))
            .and_then(|fonts| dictionary(fonts, name, document));
        let Some(font) = font else {
            return Ok(None);
        };
        let key = std::ptr::from_ref(font);
        if let Some(font) = self.fonts.get(&key) {
            return Ok(Some(Rc::clone(font)));
        }
        if self.fonts.len() >= MOST_FONTS {
            return Err(Why::TooMuch);
        }
        let font = Rc::new(Font::read(font, document));
        charge_nodes(font.size());
        self.fonts.insert(key, Rc::clone(&font));
        Ok(Some(font))
    }

    /// `Do`: a picture, or a form with content of its own.
    fn draw(&mut self, stream: &Stream<'a>, name: &[u8], depth: usize) -> Result<(), Why> {
        let document = self.document;
        let object = stream
            .resources
            .and_then(|resources| dictionary(resources, b"XObject", document))
            .and_then(|objects| objects.get_deref(name, document).ok())
            .and_then(|object| object.as_stream().ok());
        let Some(object) = object else {
            return Ok(());
        };
        let is_form = object
            .dict
            .get_deref(b"Subtype", document)
            .and_then(Object::as_name)
            .is_ok_and(|subtype| subtype == b"Form");
        if !is_form {
            self.page.picture = true;
            return Ok(());
        }
        if depth >= DEEPEST_FORM {
            return Err(Why::TooMuch);
        }
        let content = object
            .get_plain_content_with_limit(self.content_left)
            .map_err(|_| Why::TooMuch)?;
        // A form that draws nothing still takes time when it is drawn without end.
        self.charge(content.len() + 64)?;
        let resources = dictionary(&object.dict, b"Resources", document).or(stream.resources);
        let mut state = stream.state.clone();
        if let Ok(matrix) = object
            .dict
            .get_deref(b"Matrix", document)
            .and_then(Object::as_array)
        {
            state.transform = after(matrix_of(matrix), state.transform);
        }
        self.run(&content, resources, state, depth + 1)
    }
}

/// One content stream on its way.
struct Stream<'a> {
    resources: Option<&'a Dictionary>,
    state: State,
    stack: Vec<(State, Option<Rc<Font>>)>,
    pen: Pen,
    font: Option<Rc<Font>>,
}

impl Stream<'_> {
    /// A number between the strings of `TJ`, in thousandths of an em, against the direction.
    fn kern(&mut self, thousandths: f32) {
        self.pen
            .advance(-thousandths / 1_000.0 * self.state.size * self.state.stretch);
    }

    /// The operators that only set something.
    fn set(&mut self, operator: &str, operands: &[Object]) {
        let number = |at: usize| {
            operands
                .get(at)
                .and_then(|operand| operand.as_float().ok())
                .unwrap_or(0.0)
        };
        let state = &mut self.state;
        match operator {
            "q" if self.stack.len() < DEEPEST_STATE => {
                self.stack.push((state.clone(), self.font.clone()));
            }
            "Q" => {
                if let Some((state, font)) = self.stack.pop() {
                    (self.state, self.font) = (state, font);
                }
            }
            "cm" => state.transform = after(matrix_of(operands), state.transform),
            "BT" => self.pen.place(UNMOVED),
            "Tm" => self.pen.place(matrix_of(operands)),
            "Td" => self.pen.next_line(number(0), number(1)),
            "TD" => {
                state.leading = -number(1);
                self.pen.next_line(number(0), number(1));
            }
            "T*" => self.pen.next_line(0.0, -state.leading),
            "Tc" => state.character_space = number(0),
            "Tw" => state.word_space = number(0),
            "Tz" => state.stretch = number(0) / 100.0,
            "TL" => state.leading = number(0),
            // ISO 32000-1 section 9.3.6: mode 3 paints nothing.
            "Tr" => state.hidden = matches!(operands, [Object::Integer(3), ..]),
            _ => {}
        }
    }
}

fn matrix_of(operands: &[Object]) -> Matrix {
    let mut matrix = UNMOVED;
    for (slot, operand) in matrix.iter_mut().zip(operands) {
        *slot = operand.as_float().unwrap_or(0.0);
    }
    matrix
}

fn dictionary<'a>(
    holder: &'a Dictionary,
    key: &[u8],
    document: &'a Document,
) -> Option<&'a Dictionary> {
    holder.get_deref(key, document).ok()?.as_dict().ok()
}
