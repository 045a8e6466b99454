use std::io::{Cursor, Write as _};

use proptest::prelude::*;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nx";

/// A document with this body, as Word would write it, and some parts beside.
fn word(body: &str) -> Vec<u8> {
    let document = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\
         <w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\" \
         xmlns:r=\"r\" xmlns:a=\"a\" xmlns:wp=\"wp\" xmlns:mc=\"mc\"><w:body>{body}<w:sectPr/></w:body></w:document>"
    );
    let relations = "<Relationships>\
        <Relationship Id=\"rId1\" Target=\"media/image1.png\"/>\
        <Relationship Id=\"rId2\" Target=\"https://study.example/?a=1&amp;b=2\" TargetMode=\"External\"/>\
        <Relationship Id=\"rId3\" Target=\"media/image2.emf\"/>\
        <Relationship Id=\"rId4\" Target=\"javascript:alert(1)\" TargetMode=\"External\"/>\
        </Relationships>";
    let styles = "<w:styles xmlns:w=\"w\"><w:style w:styleId=\"berschrift1\"><w:name w:val=\"heading 1\"/></w:style></w:styles>";
    let numbering = "<w:numbering xmlns:w=\"w\">\
        <w:abstractNum w:abstractNumId=\"0\"><w:lvl w:ilvl=\"0\"><w:numFmt w:val=\"bullet\"/></w:lvl></w:abstractNum>\
        <w:abstractNum w:abstractNumId=\"1\"><w:lvl w:ilvl=\"0\"><w:numFmt w:val=\"decimal\"/></w:lvl></w:abstractNum>\
        <w:num w:numId=\"1\"><w:abstractNumId w:val=\"0\"/></w:num>\
        <w:num w:numId=\"2\"><w:abstractNumId w:val=\"1\"/></w:num></w:numbering>";
    packed(&[
        ("word/document.xml", document.as_bytes()),
        ("word/_rels/document.xml.rels", relations.as_bytes()),
        ("word/styles.xml", styles.as_bytes()),
        ("word/numbering.xml", numbering.as_bytes()),
        ("word/media/image1.png", PNG),
        ("word/media/image2.emf", b"emf"),
    ])
}

fn packed(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, contents) in parts {
        archive
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        archive.write_all(contents).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn letter(body: &str) -> WordLetter {
    from_word(&word(body), "letter-").unwrap()
}

/// What stands between the tags of the body.
fn html(body: &str) -> String {
    let html = letter(body).html;
    let (_, body) = html.split_once("<body>\n").unwrap();
    body.split_once("</body>").unwrap().0.to_owned()
}

fn run(properties: &str, text: &str) -> String {
    format!("<w:r><w:rPr>{properties}</w:rPr><w:t xml:space=\"preserve\">{text}</w:t></w:r>")
}

#[test]
fn paragraphs_keep_how_they_are_set() {
    let body = format!(
        "<w:p><w:pPr><w:pStyle w:val=\"berschrift1\"/></w:pPr>{}</w:p>\
         <w:p><w:pPr><w:jc w:val=\"center\"/></w:pPr>{}{}{}<w:r><w:br/></w:r>{}</w:p><w:p/>",
        run("", "A &amp; B"),
        run("", "Dear "),
        run("<w:b/>", "all"),
        run("<w:b w:val=\"0\"/><w:i/><w:u w:val=\"single\"/>", ", yes"),
        run("", "end\u{a0}"),
    );
    assert_eq!(
        html(&body),
        "<h1>A &amp; B</h1>\n<p style=\"text-align: center\">Dear <b>all</b>\
         <i><u>, yes<br>\n</u></i>end&nbsp;</p>\n"
    );
}

#[test]
fn a_mark_that_word_cut_into_runs_is_whole_again() {
    let body = format!(
        "<w:p>{}{}<w:proofErr w:type=\"spellStart\"/>{}</w:p>",
        run("<w:b/>", "Dear {{ sch"),
        run("<w:b/><w:lang w:val=\"en\"/>", "ool"),
        run("<w:b/>", "['x'] }}"),
    );
    assert_eq!(html(&body), "<p><b>Dear {{ school['x'] }}</b></p>\n");
}

#[test]
fn merge_fields_become_marks_and_links_links() {
    let character = |kind: &str| format!("<w:r><w:fldChar w:fldCharType=\"{kind}\"/></w:r>");
    let instruction = |text: &str| format!("<w:r><w:instrText>{text}</w:instrText></w:r>");
    let complex = |text: &str, shown: &str| {
        [
            character("begin"),
            instruction(text),
            character("separate"),
            run("", shown),
            character("end"),
        ]
        .concat()
    };
    let body = format!(
        "<w:p>{}, {}<w:fldSimple w:instr=\" MERGEFIELD &quot;School Name&quot; \\* MERGEFORMAT \">{}</w:fldSimple>{}\
         <w:hyperlink r:id=\"rId2\">{}</w:hyperlink><w:hyperlink r:id=\"rId4\">{}</w:hyperlink></w:p>",
        complex(" MERGEFIELD School ", "Elm"),
        complex(" DATE ", "1 May"),
        run("", "Oak"),
        complex(" HYPERLINK \"https://a.example\" ", "here"),
        run("<w:u w:val=\"single\"/>", "more"),
        run("", "plain"),
    );
    assert_eq!(
        html(&body),
        "<p>«School»1 May«School Name»<a href=\"https://a.example\">here</a>\
         <a href=\"https://study.example/?a=1&amp;b=2\">more</a>plain</p>\n"
    );
}

#[test]
fn lists_nest_and_tables_hold_their_cells() {
    let item = |list: u32, level: u32, text: &str| {
        format!(
            "<w:p><w:pPr><w:numPr><w:ilvl w:val=\"{level}\"/><w:numId w:val=\"{list}\"/></w:numPr></w:pPr>{}</w:p>",
            run("", text)
        )
    };
    let cell = |properties: &str, text: &str| {
        format!(
            "<w:tc><w:tcPr>{properties}</w:tcPr><w:p>{}</w:p></w:tc>",
            run("", text)
        )
    };
    let body = [
        item(1, 0, "a"),
        item(1, 1, "b"),
        item(1, 0, "c"),
        item(2, 0, "d"),
        format!(
            "<w:tbl><w:tr>{}</w:tr><w:tr>{}{}</w:tr></w:tbl>",
            cell("<w:gridSpan w:val=\"2\"/>", "x"),
            cell("", "y"),
            cell("", "z")
        ),
    ]
    .concat();
    assert_eq!(
        html(&body).replace('\n', ""),
        "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul><ol><li>d</li></ol>\
         <table><tr><td colspan=\"2\"><p>x</p></td></tr><tr><td><p>y</p></td><td><p>z</p></td></tr></table>"
    );
}

#[test]
fn pictures_come_along_and_what_cannot_is_named() {
    let drawing = |id: &str| {
        format!(
            "<w:p><w:r><w:drawing><wp:inline><wp:extent cx=\"952500\" cy=\"1\"/>\
             <wp:docPr descr=\"The &quot;logo&quot;\"/><a:blip r:embed=\"{id}\"/></wp:inline></w:drawing></w:r></w:p>"
        )
    };
    let body = [drawing("rId1"), drawing("rId1"), drawing("rId3")].concat()
        + "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:r><w:footnoteReference/></w:r></w:p>";
    let found = letter(&body);
    assert_eq!(found.pictures, [("letter-1.png".to_owned(), PNG.to_vec())]);
    let image = "<img src=\"letter-1.png\" alt=\"The &quot;logo&quot;\" width=\"100\">";
    assert_eq!(found.html.matches(image).count(), 2, "{}", found.html);
    assert!(!found.html.contains("gone"));
    assert_eq!(
        found.left_out,
        [
            "a picture of a kind that mail programs do not show (.emf)",
            "footnotes"
        ]
    );
}

#[test]
fn what_is_no_letter_or_too_much_is_refused() {
    assert_eq!(from_word(b"text", "x"), Err(WordError::NoLetter));
    assert_eq!(from_word(&packed(&[]), "x"), Err(WordError::NoLetter));
    let damaged = packed(&[("word/document.xml", b"<w:document><w:body>")]);
    assert_eq!(from_word(&damaged, "x"), Err(WordError::Damaged));
    let entities = b"<!DOCTYPE a [<!ENTITY b \"c\">]><w:document><w:body>&b;</w:body></w:document>";
    let entities = packed(&[("word/document.xml", entities)]);
    assert_eq!(from_word(&entities, "x"), Err(WordError::Damaged));
    let deep = "<w:p>".repeat(1_000);
    let deep = packed(&[("word/document.xml", deep.as_bytes())]);
    assert_eq!(from_word(&deep, "x"), Err(WordError::TooMuch));
    let paragraph = format!("<w:p>{}</w:p>", run("", &"x".repeat(1_000)));
    assert_eq!(
        from_word(&word(&paragraph.repeat(2_000)), "x"),
        Err(WordError::TooMuch)
    );
}

proptest! {
    #[test]
    fn any_document_is_read_or_refused(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "<w:p>", "</w:p>", "<w:r>", "</w:r>", "<w:t>a &lt; b</w:t>", "<w:tbl><w:tr><w:tc>",
                "</w:tc></w:tr></w:tbl>", "<w:fldChar w:fldCharType=\"begin\"/>",
                "<w:fldChar w:fldCharType=\"separate\"/>", "<w:fldChar w:fldCharType=\"end\"/>",
                "<w:instrText>HYPERLINK \"https://a.example\"</w:instrText>",
                "<w:instrText> MERGEFIELD </w:instrText>", "<w:rPr><w:b/></w:rPr>",
                "<w:pPr><w:numPr><w:ilvl w:val=\"7\"/><w:numId w:val=\"2\"/></w:numPr></w:pPr>",
                "<w:hyperlink r:id=\"rId2\">", "</w:hyperlink>", "<w:br/>", "&amp;", "<!-- -->",
            ]),
            0..24,
        ),
        bytes in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        if let Ok(letter) = from_word(&word(&parts.concat()), "x") {
            for tag in ["p", "a", "b", "ul", "ol", "li", "table", "td"] {
                let opened = letter.html.matches(&format!("<{tag}>")).count()
                    + letter.html.matches(&format!("<{tag} ")).count();
                prop_assert_eq!(opened, letter.html.matches(&format!("</{tag}>")).count());
            }
        }
        let _ = from_word(&bytes, "x");
    }
}
