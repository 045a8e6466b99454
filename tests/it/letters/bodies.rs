//! Markdown, HTML and text.

use mail_parser::{MessageParser, MimeHeaders};

use super::{assert_finds, findings, in_markdown, mail, with_lines};
use crate::support::TestBatch;

#[test]
fn markdown_becomes_html_and_text_and_values_stay_values() {
    let batch = in_markdown(
        1,
        "Dear **{{ name }}**,\n\n- one\n- two\n\n| a | b |\n|---|---|\n| {{ id }} | [more](https://study.example) |\n\n{{ row['Note'] }}\n",
    );
    batch.write(
        "list.csv",
        "ID,School,Email,Note\nS001,Elm *Park* <School>,a@school.example,\"# *x*\n\n- y\"\n",
    );
    batch.send(&[]).expect(0);
    let bytes = mail(&batch, "S001");
    let mail = MessageParser::new().parse(&bytes).unwrap();
    let html = mail.body_html(0).unwrap();
    for part in [
        "<strong>Elm *Park* &lt;School&gt;</strong>",
        "<li>one</li>",
        "<td>S001</td>",
        "<a href=\"https://study.example\">more</a>",
        "<p># *x*",
        "<style>",
    ] {
        assert!(html.contains(part), "{part:?} is not in {html}");
    }
    let text = mail.body_text(0).unwrap();
    for part in [
        "Dear",
        "Elm *Park* <School>",
        "* one",
        "https://study.example",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(!text.contains("font-family"), "{text}");
}

#[test]
fn a_style_sheet_of_ones_own_takes_the_place_of_ours() {
    let batch = in_markdown(1, "Dear {{ name }}\n");
    let line = "markdown = \"letter.md\"";
    batch.replace(
        "batch.toml",
        line,
        &format!("{line}\nstylesheet = \"own.css\""),
    );
    batch.write("own.css", "p { color: navy }\n");
    batch.send(&[]).expect(0);
    let html = String::from_utf8(mail(&batch, "S001")).unwrap();
    assert!(
        html.contains("p { color: navy }") && !html.contains("Calibri"),
        "{html}"
    );

    batch.write("own.css", "p { }</style><script>");
    assert_finds(&batch, 3, "has a `<` in it");
}

#[test]
fn a_letter_may_be_plain_text_alone() {
    let batch = TestBatch::new(1);
    batch.replace(
        "batch.toml",
        "html = \"letter.html\"",
        "text = \"letter.txt\"",
    );
    batch.write("letter.txt", "Dear {{ name }},\n\nR&D <x>\n");
    batch.run("preview", &[]).expect(0);
    batch.send(&[]).expect(0);
    let bytes = mail(&batch, "S001");
    let mail = MessageParser::new().parse(&bytes).unwrap();
    let kinds: Vec<_> = mail
        .parts
        .iter()
        .filter_map(|part| part.content_type()?.subtype())
        .collect();
    assert_eq!(kinds, ["mixed", "plain", "pdf"]);
    assert_eq!(
        mail.body_text(0).unwrap(),
        "Dear School 1,\r\n\r\nR&D <x>\r\n"
    );
}

#[test]
fn a_rehearsal_of_plain_text_shows_the_real_addresses() {
    let batch = TestBatch::new(1);
    batch.replace(
        "batch.toml",
        "html = \"letter.html\"",
        "text = \"letter.txt\"",
    );
    batch.write("letter.txt", "Dear {{ name }}\n");
    batch.send(&["--redirect-to", "me@study.example"]).expect(0);
    let text = String::from_utf8(mail(&batch, "S001")).unwrap();
    assert!(
        text.contains("To: teacher1@school1.example") && text.contains("Dear School 1"),
        "{text}"
    );
}

#[test]
fn the_language_of_each_school_names_its_letter() {
    let batch = TestBatch::new(2);
    batch.replace(
        "batch.toml",
        "html = \"letter.html\"",
        "markdown = \"letters/{{ language }}.md\"",
    );
    batch.write(
        "list.csv",
        "ID,School,Email,Language\nS001,Elm,a@school.example,en\nS002,Oak,b@school.example,cy\n",
    );
    std::fs::create_dir(batch.path("letters")).unwrap();
    batch.write("letters/en.md", "Dear {{ name }}\n");
    batch.write("letters/cy.md", "Annwyl {{ name }}\n");
    batch.write("letters/notes.csv", "{{ no template }}\n");
    batch.send(&[]).expect(0);
    for (id, words) in [("S001", "Dear Elm"), ("S002", "Annwyl Oak")] {
        let text = String::from_utf8(mail(&batch, id)).unwrap();
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_letter_that_is_not_there_is_a_fault_that_names_those_there_are() {
    let batch = TestBatch::new(1);
    batch.replace(
        "batch.toml",
        "html = \"letter.html\"",
        "markdown = \"letter-{{ email }}.md\"",
    );
    batch.write("letter-en.md", "Dear {{ name }}\n");
    let found = findings(&batch, 3);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0]["text"]
            .as_str()
            .unwrap()
            .contains("there is no letter")
    );
    assert!(
        found[0]["next_step"]
            .as_str()
            .unwrap()
            .contains("letter-en.md")
    );
}

#[test]
fn an_unknown_value_in_a_letter_by_value_is_found() {
    let batch = TestBatch::new(1);
    batch.replace(
        "batch.toml",
        "html = \"letter.html\"",
        "markdown = \"letter{{ id | replace(from='S001', to='') }}.md\"",
    );
    batch.write("letter.md", "Dear {{ nmae }}\n");
    assert_finds(&batch, 3, "`nmae`");
}

#[test]
fn markdown_and_html_at_once_are_refused() {
    with_lines(1, "markdown = \"letter.md\"")
        .run("check", &[])
        .expect(2)
        .says("names both markdown and html");
    let batch = TestBatch::new(1);
    batch.replace("batch.toml", "html = \"letter.html\"", "");
    batch
        .run("check", &[])
        .expect(2)
        .says("names no file with the letter");
}

#[test]
fn a_change_to_the_letter_changes_the_plan() {
    let batch = in_markdown(1, "Dear {{ name }}\n");
    let plan = || {
        let checked = batch.run("check", &["--json"]).expect(0).json();
        checked["plan"].as_str().unwrap().to_owned()
    };
    let first = plan();
    batch.write("letter.md", "Dear {{ name }},\n");
    assert_ne!(plan(), first);
}
