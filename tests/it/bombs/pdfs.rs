//! Reports.

use std::fmt::Write;

use crate::bombs::{check, zlib};
use crate::support::TestBatch;

/// Checks a batch of one school with this report: the program ends by itself, and the report is not
/// taken for one that was read.
#[track_caller]
fn unread(name: &str, report: &[u8]) {
    let batch = TestBatch::new(1);
    batch.write("reports/S001.pdf", report);
    let ran = check(&batch);
    let is_reported =
        ran.output().contains("cannot be read") || ran.output().contains("not be read");
    assert!(is_reported, "{name}: {ran:?}");
}

/// A file of objects, and where they are.
struct Pdf {
    bytes: Vec<u8>,
    places: Vec<usize>,
}

impl Pdf {
    /// A catalogue (1), pages (2), a page (3) whose contents are 4 and whose resources are 5.
    fn new() -> Self {
        let mut pdf = Self {
            bytes: b"%PDF-1.7\n".to_vec(),
            places: Vec::new(),
        };
        pdf.object("<< /Type /Catalog /Pages 2 0 R >>");
        pdf.object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>");
        pdf.object("<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources 5 0 R >>");
        pdf
    }

    fn object(&mut self, body: &str) -> &mut Self {
        self.places.push(self.bytes.len());
        let number = self.places.len();
        self.bytes
            .extend(format!("{number} 0 obj\n{body}\nendobj\n").bytes());
        self
    }

    fn stream(&mut self, keys: &str, content: &[u8]) -> &mut Self {
        self.places.push(self.bytes.len());
        let (number, length) = (self.places.len(), content.len());
        self.bytes
            .extend(format!("{number} 0 obj\n<< /Length {length} {keys} >>\nstream\n").bytes());
        self.bytes.extend(content);
        self.bytes.extend(b"\nendstream\nendobj\n");
        self
    }

    /// Ends with a table of these places and further keys of the trailer.
    fn ended(&mut self, places: &[usize], keys: &str) -> Vec<u8> {
        let (start, size) = (self.bytes.len(), places.len() + 1);
        let mut table = format!("xref\n0 {size}\n0000000000 65535 f \n");
        for place in places {
            writeln!(table, "{place:010} 00000 n ").unwrap();
        }
        write!(
            table,
            "trailer\n<< /Size {size} /Root 1 0 R {keys} >>\nstartxref\n{start}\n%%EOF\n"
        )
        .unwrap();
        self.bytes.extend(table.bytes());
        self.bytes.clone()
    }

    fn end(&mut self) -> Vec<u8> {
        let places = self.places.clone();
        self.ended(&places, "")
    }
}

const FLATE: &str = "/Filter /FlateDecode";

#[test]
fn streams_that_unpack_without_end() {
    let blanks = zlib(&vec![b' '; 1 << 20], 100);
    unread(
        "contents",
        &Pdf::new().stream(FLATE, &blanks).object("<< >>").end(),
    );
    let twice = zlib(&blanks, 1);
    let keys = "/Filter [/FlateDecode /FlateDecode]";
    unread(
        "two filters",
        &Pdf::new().stream(keys, &twice).object("<< >>").end(),
    );
    let zeros = zlib(&b"[0 0 0 0 0 0 0 0".repeat(1 << 14), 64);
    unread(
        "operands",
        &Pdf::new().stream(FLATE, &zeros).object("<< >>").end(),
    );
    let keys = format!("/Filter [{}]", "/FlateDecode ".repeat(10_000));
    unread(
        "filters",
        &Pdf::new().stream(&keys, b"x").object("<< >>").end(),
    );
}

#[test]
fn objects_that_parse_to_much_more_than_their_text() {
    let zeros = "0 ".repeat(15 << 20);
    unread("one array", &Pdf::new().object(&format!("[{zeros}]")).end());
    let names = "/a ".repeat(8 << 20);
    unread("names", &Pdf::new().object(&format!("<< {names} >>")).end());
    let deep = format!("{}{}", "[".repeat(1 << 20), "]".repeat(1 << 20));
    unread("nested", &Pdf::new().object(&deep).end());
    let deep = "<</a ".repeat(1 << 20);
    unread("nested dictionaries", &Pdf::new().object(&deep).end());
}

#[test]
fn a_table_that_names_one_object_again_and_again() {
    let mut pdf = Pdf::new();
    pdf.object(&format!("[{}]", "0 ".repeat(100_000)));
    let mut places = pdf.places[..3].to_vec();
    places.extend(vec![pdf.places[3]; 100_000]);
    unread("an array", &pdf.ended(&places, ""));
    let mut pdf = Pdf::new();
    pdf.stream("", &vec![b'x'; 4 << 20]);
    let mut places = pdf.places[..3].to_vec();
    places.extend(vec![pdf.places[3]; 100_000]);
    unread("a stream", &pdf.ended(&places, ""));
}

#[test]
fn objects_that_take_no_memory_and_no_end_of_time() {
    let mut pdf = Pdf::new();
    pdf.object(&format!("%{}\nnull", "x".repeat(8 << 20)));
    let mut places = pdf.places[..3].to_vec();
    places.extend(vec![pdf.places[3]; 200_000]);
    unread("a comment", &pdf.ended(&places, ""));
}

#[test]
fn object_streams_that_hold_objects_in_each_other() {
    let pairs: String = (0..100_000)
        .map(|number| format!("{} 0 ", number + 10))
        .collect();
    let content = format!("{pairs}[{}]", "0 ".repeat(100_000));
    let keys = format!("/Type /ObjStm /N 100000 /First {}", pairs.len());
    unread(
        "one place",
        &Pdf::new().stream(&keys, content.as_bytes()).end(),
    );
    let zeros = zlib(format!("4 0 [{}]", "0 ".repeat(3 << 20)).as_bytes(), 1);
    let keys = format!("/Type /ObjStm /N 1 /First 4 {FLATE}");
    unread("many numbers", &Pdf::new().stream(&keys, &zeros).end());
    let itself = "/Type /ObjStm /N 1 /First 4 /Extends 4 0 R /Length 4 0 R";
    unread("itself", &Pdf::new().stream(itself, b"4 0 4 0 R").end());
}

#[test]
fn many_cross_reference_streams() {
    // 2,700,000 entries each, for objects that are not there.
    let entries = zlib(&[0; 3 << 10], 2_700);
    for (name, kind, counts) in [
        ("typed", "/Type /XRef", &[8, 64, 200][..]),
        ("untyped", "", &[64]),
        ("spelt", "/Type /XRe#66", &[64]),
    ] {
        for count in counts.iter().copied() {
            let mut pdf = Pdf::new();
            let mut start = 0;
            for section in 0..count {
                start = pdf.bytes.len();
                let first = section * 2_700_000;
                let before = pdf.places.last().filter(|_| section > 0);
                let before = before
                    .map(|place| format!("/Prev {place}"))
                    .unwrap_or_default();
                let keys = format!(
                    "{kind} /W [1 1 1] /Index [{first} 2700000] /Size 2700000 /Root 1 0 R {before} {FLATE}"
                );
                pdf.stream(&keys, &entries);
            }
            pdf.bytes
                .extend(format!("startxref\n{start}\n%%EOF\n").bytes());
            unread(name, &pdf.bytes);
        }
    }
}

#[test]
fn encrypted_files() {
    let encryption = |keys: &str| {
        let text = "00".repeat(48);
        format!(
            "<< /Filter /Standard /P -4 /O <{text}> /U <{text}> /OE <{text}> /UE <{text}> /Perms <{text}> {keys} >>"
        )
    };
    for keys in [
        "/V 5 /R 6 /Length 2147483647",
        "/V 4 /R 4 /Length 99999999999 /CF << /A << /CFM /AESV2 /Length 99999999 >> >> /StmF /A",
        "/V 2 /R 3 /Length -8",
        "/V 1 /R 2147483647",
    ] {
        let mut pdf = Pdf::new();
        pdf.stream("", b"x")
            .object("<< >>")
            .object(&encryption(keys));
        let places = pdf.places.clone();
        unread(keys, &pdf.ended(&places, "/Encrypt 6 0 R /ID [<00> <00>]"));
    }
    // Objects that all end where the last one does.
    let mut pdf = Pdf::new();
    pdf.object("<< >>")
        .object("<< >>")
        .object(&encryption("/V 2 /R 3"));
    for number in 7..20_000 {
        pdf.places.push(pdf.bytes.len());
        pdf.bytes
            .extend(format!("{number} 0 obj {}\n", "x".repeat(200)).bytes());
    }
    pdf.bytes.extend(b"endobj\n");
    let places = pdf.places.clone();
    for key in ["/Encrypt", "/Encr#79pt"] {
        unread(
            key,
            &pdf.ended(&places, &format!("{key} 6 0 R /ID [<00> <00>]")),
        );
    }
}

#[test]
fn fonts_with_long_texts_for_all_their_glyphs() {
    let mut map = "1 beginbfrange <0000> <ffff> <".to_owned();
    map.push_str(&"0041".repeat(64));
    map.push_str("> endbfrange");
    let (mut fonts, mut shown) = (String::new(), String::new());
    for font in 0..400 {
        write!(
            fonts,
            "/F{font} << /Type /Font /Subtype /Type0 /ToUnicode 6 0 R >> "
        )
        .unwrap();
        write!(shown, "/F{font} 9 Tf (ab) Tj ").unwrap();
    }
    let mut pdf = Pdf::new();
    pdf.stream("", format!("BT {shown} ET").as_bytes());
    pdf.object(&format!("<< /Font << {fonts} >> >>"));
    pdf.stream("", map.as_bytes());
    unread("fonts", &pdf.end());
}

#[test]
fn pages_that_are_their_own_parents() {
    let mut pdf = Pdf::new();
    let kids = "2 0 R 3 0 R ".repeat(100_000);
    pdf.places.pop();
    pdf.places.pop();
    pdf.object(&format!("<< /Type /Pages /Parent 2 0 R /Kids [{kids}] >>"));
    pdf.object("<< /Type /Pages /Parent 3 0 R /Kids [2 0 R 3 0 R] >>");
    unread("a circle", &pdf.end());
}

#[test]
fn forms_that_draw_each_other_without_end() {
    // Each of thirty forms draws the next one twice.
    let mut pdf = Pdf::new();
    pdf.stream("", b"/F6 Do")
        .object("<< /XObject << /F6 6 0 R >> >>");
    for number in 6..36 {
        let next = number + 1;
        let keys = format!(
            "/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /F {next} 0 R >> >>"
        );
        pdf.stream(&keys, b"/F Do /F Do");
    }
    unread("doubled", &pdf.end());
    let mut pdf = Pdf::new();
    let keys = "/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources 5 0 R";
    pdf.stream("", b"/F Do")
        .object("<< /XObject << /F 6 0 R >> >>")
        .stream(keys, b"/F Do /F Do");
    unread("itself", &pdf.end());
}

#[test]
fn texts_that_are_shown_without_end() {
    const FONT: &str =
        "<< /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>";
    for (name, shown) in [
        ("shown", &b"(a) Tj "[..]),
        ("empty", b"() Tj "),
        ("clipping", b"7 Tr (abcdefgh) Tj "),
        ("saved", b"q "),
        ("set", b"0 Tr /F 9 Tf "),
    ] {
        let content = zlib(&shown.repeat(1 << 14), 400);
        let mut pdf = Pdf::new();
        unread(name, &pdf.stream(FLATE, &content).object(FONT).end());
    }
}

#[test]
fn widths_of_more_glyphs_than_there_are() {
    let mut pdf = Pdf::new();
    pdf.stream("", b"BT /F 9 Tf <0041> Tj ET")
        .object("<< /Font << /F 6 0 R >> >>")
        .object("<< /Type /Font /Subtype /Type0 /BaseFont /A /Encoding /Identity-H /DescendantFonts [7 0 R] >>")
        .object("<< /Type /Font /Subtype /CIDFontType2 /BaseFont /A /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /W [0 4294967294 500] >>");
    unread("widths", &pdf.end());
}

#[test]
fn bookmarks_and_names_that_lead_back_to_themselves() {
    let mut pdf = Pdf::new();
    pdf.places[0] = pdf.bytes.len();
    pdf.bytes.extend(
        b"1 0 obj\n<< /Type /Catalog /Pages 2 0 R /Outlines 4 0 R /Names << /EmbeddedFiles 4 0 R >> >>\nendobj\n",
    );
    pdf.object("<< /First 4 0 R /Next 4 0 R /Kids [4 0 R 4 0 R] >>");
    unread("a circle", &pdf.end());
}

#[test]
fn what_is_to_be_locked_is_parsed_within_the_bounds_too() {
    // The library that locks a PDF parses every object of it, those that no page shows as well.
    let mut pdf = Pdf::new();
    pdf.stream("", b"BT ET").object("<< >>");
    for _ in 0..8 {
        pdf.object(&format!("[{}]", "0 ".repeat(2 << 20)));
    }
    let batch = TestBatch::new(1);
    batch.replace(
        "batch.toml",
        "[[attachment]]",
        "[[attachment]]\npassword = \"correct horse\"",
    );
    batch.write("reports/S001.pdf", pdf.end());
    check(&batch)
        .expect(3)
        .says("the PDF cannot be locked: it is damaged, too large");
}
