//! What is drawn, taken down as text: the one file that knows how the library hands over glyphs.

use std::collections::HashMap;

use hayro_interpret::font::{Glyph, GlyphRun};
use hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro_interpret::hayro_syntax::Pdf;
use hayro_interpret::kurbo::{Affine, BezPath, Point, Rect, Shape};
use hayro_interpret::{
    BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, Paint, SoftMask,
};
use skrifa::MetadataProvider;

use super::gaps::{GrowingText, PlacedGlyph, spacing};
use super::{Text, bitmap_fonts, engine};

/// What is drawn in one file: no report has as much.
const MOST_STEPS: usize = 4_000_000;
/// Areas of a page that are kept to know what stands behind a white letter.
const MOST_AREAS: usize = 2_000;
/// From here on a colour is white to the eye, on a scale to 1.
const WHITE: f32 = 0.98;
/// Below this opacity nothing is seen.
const CLEAR: f32 = 0.02;
/// Letters without a width of their own are taken to be half an em wide.
const USUAL_WIDTH: f32 = 500.0;
/// Below this the meaning of a code is looked up once in a run: few fonts have others.
const KNOWN_CODES: usize = 4_096;
/// A picture of these proportions may hold a line of text, in units of a page: wide, and many times
/// wider than high.
const LINE_WIDTH: f64 = 100.0;
const LINE_PROPORTION: f64 = 5.0;
/// Private use: a font's own signs, whose meaning nobody knows.
const PRIVATE: std::ops::RangeInclusive<char> = '\u{e000}'..='\u{f8ff}';

/// Takes down the text of pages.
pub(super) struct TextDevice<'p> {
    pdf: &'p Pdf,
    shown: GrowingText,
    hidden: GrowingText,
    is_partial: bool,
    page: PageInHand,
    steps: usize,
    /// The letters of the glyphs of each font that does not say them, by the library's key.
    letters: HashMap<u128, HashMap<u32, char>>,
    /// Whether fonts of pixels name their glyphs by code, as soon as it matters.
    named_by_code: Option<bool>,
}

/// What matters of the page in hand.
#[derive(Default)]
struct PageInHand {
    /// What a reader shows of it.
    seen: Rect,
    /// The bounds of the clipping paths, each within the one before.
    clips: Vec<Rect>,
    /// Of the groups, how many are transparent altogether, and of each whether it is.
    groups: Vec<bool>,
    /// Where something was painted that is not white.
    areas: Vec<Rect>,
    /// The first glyph of the run before and its length: a run that is filled and stroked comes twice.
    filled: Option<(Point, usize)>,
    has_text: bool,
    has_picture: bool,
}

impl<'p> TextDevice<'p> {
    /// One for the pages of a file.
    pub(super) fn of(pdf: &'p Pdf) -> Self {
        Self {
            pdf,
            shown: GrowingText::default(),
            hidden: GrowingText::default(),
            is_partial: false,
            page: PageInHand::default(),
            steps: 0,
            letters: HashMap::new(),
            named_by_code: None,
        }
    }

    /// Begins with a page, of which this is seen.
    pub(super) fn begin_page(&mut self, seen: Rect) {
        self.end_page();
        self.page = PageInHand {
            seen,
            ..PageInHand::default()
        };
    }

    fn end_page(&mut self) {
        self.is_partial |= self.page.has_picture && !self.page.has_text;
        self.shown.break_off();
        self.hidden.break_off();
    }

    /// What was taken down.
    pub(super) fn into_text(mut self) -> Text {
        self.end_page();
        Text {
            shown: self.shown.into_text(),
            hidden: self.hidden.into_text(),
            is_partial: self.is_partial,
            ..Text::default()
        }
    }

    fn step(&mut self, cost: usize) {
        self.steps += cost;
        if self.steps > MOST_STEPS {
            engine::give_up();
        }
    }

    fn paint_area(&mut self, area: Rect) {
        if area.area() > 0.0 && self.page.areas.len() < MOST_AREAS {
            self.page.areas.push(area);
        }
    }

    /// Whether a glyph of this ink can be seen where it stands.
    fn is_seen(&self, glyph: &PlacedGlyph, is_white: bool) -> bool {
        let end = glyph.end();
        let place = Rect::from_points(glyph.at, end);
        let around = place.inflate(glyph.em, glyph.em);
        let touches = |area: Rect| {
            area.x0 <= around.x1
                && area.x1 >= around.x0
                && area.y0 <= around.y1
                && area.y1 >= around.y0
        };
        let middle = glyph.at.midpoint(end);
        let page = &self.page;
        // A clipping path is known by its bounds only: what lies outside of them is not seen.
        touches(page.seen)
            && page.clips.last().is_none_or(|clip| touches(*clip))
            && (!is_white
                || page.areas.len() >= MOST_AREAS
                || page.areas.iter().any(|area| area.contains(middle)))
    }

    /// What the codes of a run mean, and for each glyph which of them is its. A run has one font, in which the
    /// library looks up the name of a glyph for each letter and each width: once for a code is enough.
    fn codes_of(&mut self, run: &GlyphRun<'_, '_>) -> (Vec<CodeInRun>, Vec<usize>) {
        let mut codes: Vec<CodeInRun> = Vec::new();
        let mut indexes = Vec::with_capacity(run.glyphs().len());
        // Where the meaning of a code stands in `codes`, counted from 1.
        let mut known = [0_u16; KNOWN_CODES];
        for glyph in run.glyphs() {
            let code = usize::try_from(glyph.char_code()).unwrap_or(usize::MAX);
            if let Some(at @ 1..) = known.get(code) {
                indexes.push(usize::from(*at) - 1);
                continue;
            }
            codes.push(CodeInRun {
                width: width_of(glyph),
                letters: self.letters_of(glyph),
            });
            indexes.push(codes.len() - 1);
            if let Some(at) = known.get_mut(code) {
                *at = u16::try_from(codes.len()).unwrap_or(0);
            }
        }
        (codes, indexes)
    }

    fn letters_of(&mut self, glyph: &Glyph<'_>) -> Option<String> {
        match glyph.as_unicode() {
            Some(BfString::Char(letter)) if letter != '\0' => return Some(letter.into()),
            Some(BfString::String(letters)) if !letters.is_empty() => return Some(letters),
            _ => {}
        }
        // The font may know the letters of its glyphs although the PDF does not say them.
        let glyph = match glyph {
            Glyph::Outline(glyph) => glyph,
            Glyph::Type3(glyph) => {
                let pdf = self.pdf;
                let known = self.named_by_code;
                let is_named = known.unwrap_or_else(|| bitmap_fonts::are_named_by_code(pdf));
                self.named_by_code = Some(is_named);
                let letter = bitmap_fonts::letter(glyph.char_code()).filter(|_| is_named);
                return letter.map(Into::into);
            }
        };
        let font = glyph.font_data()?;
        let letters = self.letters.entry(font.cache_key).or_insert_with(|| {
            let bytes: &[u8] = (*font.data).as_ref();
            let mut letters = HashMap::new();
            if let Ok(font) = skrifa::FontRef::new(bytes) {
                for (code, glyph) in font.charmap().mappings() {
                    let letter = char::from_u32(code).filter(|letter| !PRIVATE.contains(letter));
                    if let Some(letter) = letter {
                        letters.entry(glyph.to_u32()).or_insert(letter);
                    }
                }
            }
            letters
        });
        letters
            .get(&glyph.glyph_id().to_u32())
            .map(|letter| (*letter).into())
    }
}

/// The width of a glyph, in em.
fn width_of(glyph: &Glyph<'_>) -> f64 {
    let width = match glyph {
        Glyph::Outline(glyph) => glyph.advance_width(),
        Glyph::Type3(glyph) => glyph.advance_width(),
    };
    f64::from(width.unwrap_or(USUAL_WIDTH)) / 1_000.0
}

/// What a code means in the font of a run.
struct CodeInRun {
    /// The width of its glyph, in em.
    width: f64,
    letters: Option<String>,
}

/// Where the glyphs of a run stand, each with its width. The matrix of a glyph may hold a stretch of its own, which its
/// width has to be taken with or without: whichever fits the places better.
fn placed(
    run: &GlyphRun<'_, '_>,
    transform: Affine,
    widths: impl Iterator<Item = f64>,
) -> Vec<PlacedGlyph> {
    let is_vertical = matches!(run.writing_mode(), WritingMode::Vertical);
    let mut stretches = Vec::with_capacity(run.glyphs().len());
    let mut glyphs: Vec<PlacedGlyph> = run
        .glyphs()
        .iter()
        .zip(widths)
        .map(|(glyph, width)| {
            let matrix = (transform * glyph.transform()).as_coeffs();
            let [right, rise, slant, ascent, left, base] = matrix;
            let (across, up) = (right.hypot(rise), slant.hypot(ascent));
            let em = up * 1_000.0;
            let direction = match is_vertical {
                true if up > 0.0 => (-slant / up, -ascent / up),
                true => (0.0, -1.0),
                false if across > 0.0 => (right / across, rise / across),
                false => (1.0, 0.0),
            };
            stretches.push(if up > 0.0 && !is_vertical {
                across / up
            } else {
                1.0
            });
            PlacedGlyph {
                at: Point::new(left, base),
                direction,
                em,
                advance: if is_vertical { em } else { width * em },
            }
        })
        .collect();
    let misfit = |stretched: bool| -> f64 {
        let pairs = glyphs.windows(2).zip(&stretches);
        pairs
            .map(|(pair, stretch)| {
                let (dx, dy) = (pair[1].at.x - pair[0].at.x, pair[1].at.y - pair[0].at.y);
                let step = dx * pair[0].direction.0 + dy * pair[0].direction.1;
                let advance = pair[0].advance * if stretched { *stretch } else { 1.0 };
                (step - advance).abs()
            })
            .sum()
    };
    if misfit(true) <= misfit(false) {
        for (glyph, stretch) in glyphs.iter_mut().zip(&stretches) {
            glyph.advance *= stretch;
        }
    }
    glyphs
}

/// Whether paint is white, or leaves nothing to be seen; a pattern is neither.
fn ink(paint: &Paint<'_>) -> (bool, bool) {
    match paint {
        Paint::Color(color) => {
            let [red, green, blue, opacity] = color.to_rgba().components();
            let is_white = [red, green, blue].iter().all(|part| *part > WHITE);
            (is_white, opacity < CLEAR)
        }
        Paint::Pattern(_) => (false, false),
    }
}

impl<'a> Device<'a> for TextDevice<'_> {
    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'a>, draw_mode: &DrawMode) {
        self.step(1);
        if matches!(draw_mode, DrawMode::Fill(_) | DrawMode::FillAndStroke(..))
            && ink(&props.paint) == (false, false)
        {
            self.paint_area(props.transform.transform_rect_bbox(path.control_box()));
        }
    }

    fn draw_rect(&mut self, rect: &Rect, props: DrawProps<'a>, draw_mode: &DrawMode) {
        self.step(1);
        if matches!(draw_mode, DrawMode::Fill(_) | DrawMode::FillAndStroke(..))
            && ink(&props.paint) == (false, false)
        {
            self.paint_area(props.transform.transform_rect_bbox(*rect));
        }
    }

    fn push_clip_path(&mut self, clip_path: &ClipPath) {
        self.push_clip_rect(&clip_path.path.bounding_box());
    }

    fn push_clip_rect(&mut self, rect: &Rect) {
        self.step(1);
        let last = self.page.clips.last();
        let clip = last.map_or(*rect, |last| last.intersect(*rect));
        self.page.clips.push(clip);
    }

    fn push_transparency_group(&mut self, opacity: f32, _: Option<SoftMask<'a>>, _: BlendMode) {
        self.step(1);
        self.page.groups.push(opacity < CLEAR);
    }

    fn draw_glyph_run(
        &mut self,
        run: &GlyphRun<'_, 'a>,
        props: DrawProps<'a>,
        draw_mode: &DrawMode,
    ) {
        self.step(1 + run.glyphs().len());
        let (codes, indexes) = self.codes_of(run);
        let widths = indexes.iter().map(|index| codes[*index].width);
        let glyphs = placed(run, props.transform, widths);
        let Some(first) = glyphs.first() else {
            return;
        };
        let key = Some((first.at, glyphs.len()));
        let filled = self.page.filled.take();
        if matches!(draw_mode, DrawMode::Stroke(_)) && filled == key {
            return;
        }
        self.page.filled = key;
        let (is_white, is_clear) = ink(&props.paint);
        let is_drawn = !matches!(draw_mode, DrawMode::Invisible)
            && !is_clear
            && !self.page.groups.contains(&true);
        let spacing = spacing(&glyphs);
        for (index, (code, place)) in indexes.iter().zip(&glyphs).enumerate() {
            let letters = codes[*code].letters.as_deref().unwrap_or("\u{fffd}");
            let is_seen = is_drawn && self.is_seen(place, is_white);
            let spacing = if index > 0 { spacing } else { 0.0 };
            if is_seen {
                self.page.has_text |= letters.chars().any(char::is_alphanumeric);
                self.shown.add(*place, letters, spacing);
            } else {
                self.hidden.add(*place, letters, spacing);
            }
        }
    }

    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        self.step(1);
        self.page.has_picture = true;
        let size = Rect::new(
            0.0,
            0.0,
            f64::from(image.width()),
            f64::from(image.height()),
        );
        let area = props.transform.transform_rect_bbox(size);
        self.is_partial |=
            area.width() > LINE_WIDTH && area.width() > LINE_PROPORTION * area.height();
        self.paint_area(area);
    }

    fn pop_clip(&mut self) {
        self.page.clips.pop();
    }

    fn pop_transparency_group(&mut self) {
        self.page.groups.pop();
    }
}
