use super::read_unbounded as read;
use super::*;
use crate::letter::wording::Wording;

const NAME: &str = "Lycée Françoise Office — St. Mary's Primary";

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("fixtures/proofs/{name}.pdf")).unwrap()
}

#[track_caller]
fn text(bytes: &[u8]) -> String {
    read(bytes, true).text.unwrap().shown
}

#[test]
fn words_of_every_producer_are_whole() {
    for name in [
        "reportlab",
        "reportlab-standard-fonts",
        "hyphenated",
        "typst",
        "fpdf2",
        "weasyprint",
        "chromium",
        "libreoffice",
        "cairo",
        "groff",
        "qpdf-object-streams",
        "owner-password",
        "no-to-unicode",
    ] {
        let text = text(&fixture(name));
        let wording = Wording::of(&text);
        for (wanted, shown) in [
            (NAME, true),
            ("RRS-1042", true),
            ("Annual report 2024", name != "hyphenated"),
            ("RRS-104", false),
            ("Mary's Prim", false),
            ("Oak School", false),
        ] {
            assert_eq!(
                wording.shows(&Wording::of(wanted)),
                shown,
                "{name} {wanted} {text}"
            );
        }
        assert!(!text.contains('\u{fffd}'), "{name} {text}");
    }
}

#[test]
fn what_cannot_be_read_says_why() {
    for (name, pages, why) in [
        ("user-password", None, Why::Encrypted),
        ("no-pages", None, Why::NoPages),
        ("damaged", Some(2), Why::Damaged),
        ("bomb", Some(1), Why::TooMuch),
    ] {
        let contents = read(&fixture(name), true);
        assert_eq!((contents.pages, contents.text), (pages, Err(why)), "{name}");
    }
    assert!(read(&fixture("picture"), true).text.unwrap().is_scan);
}

/// A PDF of these object bodies, numbered from 1, the first of them the catalogue.
fn assembled(bodies: &[String]) -> Vec<u8> {
    let mut file = String::from("%PDF-1.7\n");
    let mut places = Vec::new();
    for (index, body) in bodies.iter().enumerate() {
        places.push(file.len());
        file.push_str(&format!("{} 0 obj\n{body}\nendobj\n", index + 1));
    }
    let start = file.len();
    file.push_str(&format!(
        "xref\n0 {}\n0000000000 65535 f \n",
        bodies.len() + 1
    ));
    for place in places {
        file.push_str(&format!("{place:010} 00000 n \n"));
    }
    file.push_str(&format!(
        "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n",
        bodies.len() + 1
    ));
    file.into_bytes()
}

/// One page with this content and these resources.
fn page(content: &str, resources: &str, more: &[&str]) -> Vec<u8> {
    let mut bodies = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        format!("<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << {resources} >> >>"),
        format!(
            "<< /Length {} >>\nstream\n{content}\nendstream",
            content.len()
        ),
    ];
    bodies.extend(more.iter().map(ToString::to_string));
    assembled(&bodies)
}

const HELVETICA: &str = "/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>";

#[test]
fn texts_in_forms_are_read() {
    let form = "<< /Type /XObject /Subtype /Form /BBox [0 0 99 9] /Length 38 >>\nstream\nBT /F 9 Tf (Oak School) Tj ET          \nendstream";
    let file = page(
        "q /Form Do Q",
        &format!("{HELVETICA} /XObject << /Form 5 0 R >>"),
        &[form],
    );
    assert_eq!(text(&file).trim(), "Oak School");
}

#[test]
fn glyph_names_are_read_where_the_list_has_them() {
    let font = "/Font << /F << /Type /Font /Subtype /Type1 /BaseFont /AAAAAA+Mine /Encoding << /Differences [1 /f_i /eacute /uni00E7 /g12 /emdash] >> >> >>";
    let file = page("BT /F 9 Tf <0102030405> Tj ET", font, &[]);
    assert_eq!(text(&file).trim(), "fiéç\u{fffd}—");
}

#[test]
fn hostile_files_end() {
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let own_parent = assembled(&[
        "<< /Type /Catalog /Pages 2 0 R >>".into(),
        "<< /Type /Pages /Kids [2 0 R 3 0 R 2 0 R] /Count 1 /Parent 2 0 R >>".into(),
        "<< /Type /Page /Parent 3 0 R /Contents 3 0 R >>".into(),
    ]);
    let deep_forms = page(&"q ".repeat(100_000), HELVETICA, &[]);
    for file in [
        b"%PDF-1.7".to_vec(),
        b"%PDF-1.7\nstartxref\n99999999999999999999\n%%EOF".to_vec(),
        assembled(std::slice::from_ref(&deep)),
        page(&deep, HELVETICA, &[]),
        page(&format!("BT /F 9 Tf {deep} TJ ET"), HELVETICA, &[]),
        page("", "", &[&deep]),
        own_parent,
        deep_forms,
    ] {
        assert!(
            !read(&file, true).text.is_ok_and(|text| !text.is_scan),
            "{}",
            String::from_utf8_lossy(&file[..60.min(file.len())])
        );
    }
}

#[test]
fn a_file_cut_anywhere_ends() {
    let whole = fixture("cairo");
    for end in (0..whole.len()).step_by(97) {
        drop(read(&whole[..end], true));
    }
}

#[test]
fn a_file_with_a_byte_changed_anywhere_ends() {
    for name in ["cairo", "qpdf-object-streams"] {
        let whole = fixture(name);
        for at in (0..whole.len()).step_by(101) {
            let mut changed = whole.clone();
            changed[at] ^= 0x15;
            drop(read(&changed, true));
        }
    }
}

#[test]
fn a_wrong_cross_reference_is_mended() {
    let file = String::from_utf8(page("BT /F 9 Tf (Oak School) Tj ET", HELVETICA, &[])).unwrap();
    let moved = file.replace("%PDF-1.7\n", "%PDF-1.7\n%a line more\n");
    assert_eq!(text(moved.as_bytes()).trim(), "Oak School");
}

#[track_caller]
fn shown_and_hidden(content: &str) -> (String, String) {
    let read = read(&page(content, HELVETICA, &[]), true).text.unwrap();
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    (words(&read.shown), words(&read.hidden))
}

#[test]
fn what_nobody_sees_is_kept_apart() {
    for (content, shown, hidden) in [
        (
            "BT /F 9 Tf 50 700 Td (Oak) Tj 3 Tr ( Elm) Tj ET",
            "Oak",
            "Elm",
        ),
        (
            "BT /F 9 Tf 50 700 Td (Oak) Tj 1 g ( Elm) Tj ET",
            "Oak",
            "Elm",
        ),
        (
            "0 g 0 690 600 30 re f BT /F 9 Tf 50 700 Td (Oak) Tj 1 g ( Elm) Tj ET",
            "Oak Elm",
            "",
        ),
        (
            "BT /F 9 Tf 50 700 Td (Oak) Tj 2000 0 Td (Elm) Tj ET",
            "Oak",
            "Elm",
        ),
        (
            "q 40 650 200 100 re W n BT /F 9 Tf 50 700 Td (Oak) Tj 0 -300 Td (Elm) Tj ET Q",
            "Oak",
            "Elm",
        ),
        (
            "BT /F 9 Tf 50 700 Td (Oak) Tj ET BT /F 9 Tf 50.2 700 Td (Oak) Tj ET",
            "Oak Oak",
            "",
        ),
    ] {
        let read = shown_and_hidden(content);
        assert_eq!(
            (read.0.as_str(), read.1.as_str()),
            (shown, hidden),
            "{content}"
        );
    }
}

/// One page whose annotations are these, beside what the catalogue has.
fn beside(annotations: &str, catalogue: &str, more: &[&str]) -> Text {
    let content = "BT /F 9 Tf 50 700 Td (Report) Tj ET";
    let mut bodies = vec![
        format!("<< /Type /Catalog /Pages 2 0 R {catalogue} >>"),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        format!(
            "<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Annots [{annotations}] /Resources << {HELVETICA} >> >>"
        ),
        format!(
            "<< /Length {} >>\nstream\n{content}\nendstream",
            content.len()
        ),
    ];
    bodies.extend(more.iter().map(ToString::to_string));
    read(&assembled(&bodies), true).text.unwrap()
}

#[test]
fn what_readers_show_beside_the_pages_is_read() {
    for (annotations, catalogue, more) in [
        (
            "<< /Subtype /Widget /FT /Tx /Rect [0 0 9 9] /V (Elm Hill) >>",
            "",
            &[][..],
        ),
        (
            "<< /Subtype /Widget /Rect [0 0 9 9] /Parent << /FT /Tx /V (Elm Hill) >> >>",
            "",
            &[],
        ),
        (
            "<< /Subtype /Text /Rect [0 0 9 9] /Contents <FEFF0045006C006D002000480069006C006C> >>",
            "",
            &[],
        ),
        (
            "<< /Subtype /FreeText /Rect [0 0 9 9] /Contents (Elm Hill) >>",
            "",
            &[],
        ),
        (
            "",
            "/Outlines << /First 5 0 R >>",
            &[
                "<< /Title (One) /Next 6 0 R >>",
                "<< /Title (Elm Hill) /Next 5 0 R >>",
            ],
        ),
        (
            "",
            "/Metadata 5 0 R",
            &[
                "<< /Length 106 >>\nstream\n<x><dc:title><rdf:Alt><rdf:li xml:lang=\"x-default\">Elm Hill</rdf:li></rdf:Alt></dc:title></x>             \nendstream",
            ],
        ),
    ] {
        let read = beside(annotations, catalogue, more);
        assert!(
            Wording::of(&read.shown).shows(&Wording::of("Elm Hill")),
            "{annotations} {catalogue} {read:?}"
        );
    }
    let hidden = beside(
        "<< /Subtype /FreeText /F 2 /Rect [0 0 9 9] /Contents (Elm Hill) >>",
        "",
        &[],
    );
    assert!(hidden.hidden.contains("Elm Hill") && !hidden.shown.contains("Elm"));
    let file = beside(
        "",
        "/Names << /EmbeddedFiles << /Names [(a) << /F (list.csv) >>] >> >>",
        &[],
    );
    assert_eq!(file.files, ["list.csv"]);
}

#[test]
fn what_was_there_before_is_read() {
    let first = page("BT /F 9 Tf 50 700 Td (Elm Hill) Tj ET", HELVETICA, &[]);
    let mut changed = String::from_utf8(first.clone()).unwrap();
    let before = changed.rfind("startxref\n").unwrap() + 10;
    let before: usize = changed[before..].lines().next().unwrap().parse().unwrap();
    let at = changed.len();
    let content = "BT /F 9 Tf 50 700 Td (Oak Park) Tj ET";
    changed.push_str(&format!(
        "4 0 obj\n<< /Length {} >>\nstream\n{content}\nendstream\nendobj\n",
        content.len()
    ));
    let start = changed.len();
    changed.push_str(&format!("xref\n4 1\n{at:010} 00000 n \ntrailer\n<< /Size 5 /Root 1 0 R /Prev {before} >>\nstartxref\n{start}\n%%EOF\n"));
    let read = read(changed.as_bytes(), true).text.unwrap();
    assert_eq!(
        (read.shown.trim(), read.earlier.trim()),
        ("Oak Park", "Elm Hill")
    );
    let twice = [
        first,
        page(
            "BT /F 9 Tf 50 700 Td (Oak Park) Tj ET",
            HELVETICA,
            &[&"%filling\n".repeat(200)],
        ),
    ]
    .concat();
    let second = super::read_unbounded(&twice, true).text;
    assert!(second.is_ok_and(|text| text.has_second_pdf || text.earlier.contains("Elm Hill")));
}

#[test]
fn fonts_of_pixels_that_name_each_glyph_after_its_code_are_read() {
    let glyph = "<< /Length 16 >>\nstream\n700 0 d0 0 0 m n \nendstream";
    let each = |end: &str| {
        (32..255)
            .map(|code| format!("/a{code}{end}"))
            .collect::<Vec<_>>()
    };
    let (names, glyphs) = (each("").join(" "), each(" 5 0 R").join(" "));
    let widths = "600 ".repeat(223);
    let font = format!(
        "<< /Type /Font /Subtype /Type3 /FontBBox [0 0 9 9] /FontMatrix [.001 0 0 .001 0 0] \
             /FirstChar 32 /LastChar 254 /Widths [{widths}] /CharProcs << {glyphs} >> \
             /Encoding << /Type /Encoding /Differences [32 {names}] >> >>"
    );
    let shown = text(&page(
        "BT /F 9 Tf 9 99 Td (Mus\\351e) Tj 90 0 Td (1204) Tj ET BT /F 9 Tf 9 9 Td (x\\033) Tj ET",
        "/Font << /F 6 0 R >>",
        &[glyph, &font],
    ));
    assert!(
        shown.contains("Musée 1204") && shown.contains("x\u{fffd}"),
        "{shown}"
    );
}

#[test]
fn fonts_of_pixels_with_other_names_are_not_guessed() {
    let font = "/Font << /F << /Type /Font /Subtype /Type3 /FontBBox [0 0 9 9] /FontMatrix [.001 0 0 .001 0 0] \
                /FirstChar 65 /LastChar 66 /Widths [600 600] /CharProcs << /a65 5 0 R /g66 5 0 R >> \
                /Encoding << /Type /Encoding /Differences [65 /a65 /g66] >> >> >>";
    let glyph = "<< /Length 16 >>\nstream\n700 0 d0 0 0 m n \nendstream";
    let file = page("BT /F 9 Tf 9 99 Td (AB) Tj ET", font, &[glyph]);
    assert_eq!(read(&file, true).text, Err(Why::Fonts));
}
