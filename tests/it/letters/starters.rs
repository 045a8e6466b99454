//! The letters that `init` writes, each as it is.

use std::fs;
use std::path::Path;

use super::{findings, mail};
use crate::support::TestBatch;

/// A batch with a letter that `init` writes, and all columns that they use.
fn with_starter(key: &str, file: &str, lines: &str) -> TestBatch {
    let batch = TestBatch::new(2);
    let html = "html = \"letter.html\"";
    batch.replace("batch.toml", html, &format!("{key} = \"{file}\"\n{lines}"));
    batch.replace("batch.toml", "[letter]", "[vars]\nyear = 2026\n\n[letter]");
    batch.write(
        "list.csv",
        "ID,School,Email,Language,postroom_message_id\n\
         S001,Elm,a@school.example,en,<a1@study.example>\nS002,Oak,b@school.example,de,\n",
    );
    let starter = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/starter/templates");
    batch.write(file, fs::read(starter.join(file)).unwrap());
    batch
}

#[test]
fn every_starter_is_a_letter_without_a_warning() {
    for (key, file, lines, words) in [
        ("markdown", "letter.md", "", "Kind regards,<br />"),
        ("html", "letter.html", "", "<b>2026</b>"),
        (
            "markdown",
            "reminder.md",
            "in_reply_to = \"{{ postroom_message_id }}\"",
            "In-Reply-To: <a1@study.example>",
        ),
        ("markdown", "two-languages.md", "", "Dear colleagues at Elm"),
    ] {
        let batch = with_starter(key, file, lines);
        let mut found = findings(&batch, 0);
        // The reports of these batches name other schools.
        found.retain(|finding| finding["file"] != "reports/{{ id }}.pdf");
        if file == "reminder.md" {
            // The second school has no first letter to answer to.
            let notice = found.pop().unwrap();
            assert_eq!(notice["severity"], "notice", "{notice}");
            assert_eq!(notice["id"], "S002", "{notice}");
        }
        assert!(found.is_empty(), "{file}: {found:#?}");
        batch.send(&[]).expect(0);
        let text = String::from_utf8(mail(&batch, "S001")).unwrap();
        assert!(text.contains(words), "{file}: {text}");
        assert!(
            !text.contains("{#") && !text.contains("never sent"),
            "{text}"
        );
    }
    let batch = with_starter("markdown", "two-languages.md", "");
    batch.send(&[]).expect(0);
    let text = String::from_utf8(mail(&batch, "S002")).unwrap();
    assert!(text.contains("Liebe Kolleginnen"), "{text}");
}
