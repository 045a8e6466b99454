use std::fs;

use tempfile::TempDir;

use super::*;
use crate::config::{Batch, Secrets};
use crate::finding::Finding;
use crate::manifest::Manifest;

const LIST: &str = "ID,School,Email,Leader Email\n\
    1,St Mary's & Co,a@one.example,lead@x.example\n\
    1,St Mary's & Co,b@one.example,LEAD@x.example\n\
    2,École <b>bold</b>,,lead@x.example\n";

/// A batch in a folder, with parts that a test replaces.
struct Case {
    folder: TempDir,
    subject: &'static str,
    html: &'static str,
    list: &'static str,
    attachment: &'static str,
    extra: &'static str,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for id in ["1", "2"] {
            fs::write(
                folder.path().join(format!("r{id}.pdf")),
                format!("%PDF-1.4 {id}"),
            )
            .unwrap();
        }
        Self {
            folder,
            subject: "Report for {{ name }}",
            html: "<body><p>{{ name }}, {{ year }}: {{ email }}</p></body>",
            list: LIST,
            attachment: "path = \"r{{ id }}.pdf\"",
            extra: "",
        }
    }

    fn letters(&self) -> Result<Letters, Vec<Finding>> {
        let path = self.folder.path();
        fs::write(path.join("list.csv"), self.list).unwrap();
        fs::create_dir_all(path.join("t")).unwrap();
        fs::write(path.join("t/letter.html"), self.html).unwrap();
        let batch = format!(
            "[batch]\nname = \"b\"\n[manifest]\npath = \"list.csv\"\nid = \"ID\"\nname = \"School\"\n\
             to = [\"Email\", \"Leader Email\"]\n[vars]\nyear = 2024\n[letter]\nfrom = \"s@study.example\"\n\
             html = \"t/letter.html\"\nsubject = '''{}'''\n[[attachment]]\n{}\n{}",
            self.subject, self.attachment, self.extra
        );
        fs::write(path.join("batch.toml"), batch).unwrap();
        let batch = Batch::load(path).unwrap();
        let (manifest, faults) = Manifest::read(&batch);
        let Some(manifest) = manifest else {
            return Err(faults);
        };
        Letters::new(&batch, &Secrets::default(), manifest, None)
    }

    fn refusal(&self, index: usize) -> Finding {
        match self.letters() {
            Err(faults) => faults[0].clone(),
            Ok(letters) => letters.make(index).unwrap_err()[0].clone(),
        }
    }
}

#[test]
fn a_letter_has_its_own_values_addresses_and_report() {
    let case = Case::new();
    let letters = case.letters().unwrap();
    let first = letters.make(0).unwrap();
    assert_eq!(first.subject.as_str(), "Report for St Mary's & Co");
    let html = first.html.as_deref().unwrap();
    assert!(
        html.contains("St Mary&#x27;s &amp; Co, 2024: a@one.example")
            || html.contains("St Mary&#39;s &amp; Co"),
        "{html}"
    );
    assert!(
        first.text().contains("St Mary's & Co, 2024: a@one.example"),
        "{}",
        first.text()
    );
    let to: Vec<_> = first.to.iter().map(ToString::to_string).collect();
    assert_eq!(to, ["a@one.example", "b@one.example", "lead@x.example"]);
    assert_eq!(first.attachments[0].bytes, 10);
    let (second, contents) = letters.make_with_contents(1).unwrap();
    assert_eq!(contents, [b"%PDF-1.4 2"]);
    let html = second.html.unwrap();
    assert!(html.contains("&lt;b&gt;"), "{html}");
    assert_eq!(second.attachments[0].name.as_ref(), "r2.pdf");
}

#[test]
fn a_value_is_never_parsed_as_a_template() {
    let mut case = Case::new();
    case.list = "ID,School,Email,Leader Email\n1,{{ id }}{% include x %},a@one.example,\n";
    let letter = case.letters().unwrap().make(0).unwrap();
    assert_eq!(
        letter.subject.as_str(),
        "Report for {{ id }}{% include x %}"
    );
}

#[test]
fn rows_and_exact_headers_can_be_used() {
    let mut case = Case::new();
    case.html = "{% for r in rows %}{{ r.email }}/{{ r[\"Leader Email\"] }};{% endfor %}{{ row[\"Leader Email\"] }}\
        {% set x = 1 %}{{ x }}{% if leader_email %}yes{% endif %}";
    let letter = case.letters().unwrap().make(0).unwrap();
    assert_eq!(
        letter.html.unwrap(),
        "a@one.example/lead@x.example;b@one.example/LEAD@x.example;lead@x.example1yes"
    );
}

#[test]
fn templates_extend_and_include_from_their_folder_and_escape_in_every_file() {
    let mut case = Case::new();
    case.html =
        "{% extends \"base.html\" %}{% block b %}{% include \"parts/foot.txt\" %}{% endblock %}";
    let folder = case.folder.path().join("t");
    fs::create_dir_all(folder.join("parts")).unwrap();
    fs::write(
        folder.join("base.html"),
        "<i>{% block b %}{% endblock %}</i>",
    )
    .unwrap();
    fs::write(folder.join("parts/foot.txt"), "{{ name }}").unwrap();
    let letter = case.letters().unwrap().make(1).unwrap();
    let html = letter.html.unwrap();
    assert!(html.starts_with("<i>École &lt;b&gt;"), "{html}");
}

#[test]
fn a_slip_in_a_template_is_reported_with_its_place() {
    for (html, part) in [
        ("<p>\n  {{ nmae }}</p>", "`nmae`"),
        ("<p>{% if nmae %}x{% endif %}</p>", "`nmae`"),
        ("<p>\n{{ name | shuot }}</p>", "line 2, column"),
        ("<p>\n{% for %}</p>", "line 2, column"),
        ("{% include \"gone.html\" %}", "gone.html"),
        ("{% extends \"letter.html\" %}", "letter.html"),
        ("{{ get_env(name=\"HOME\") }}", "get_env"),
    ] {
        let mut case = Case::new();
        case.html = html;
        let fault = case.refusal(0);
        let shown = format!("{:?} {}", fault.file, fault.text);
        assert!(shown.contains(part), "{html}: {shown}");
        assert!(shown.contains("letter.html"), "{html}: {shown}");
    }
}

#[test]
fn a_template_that_fails_for_one_school_names_it() {
    let mut case = Case::new();
    case.html = "{% if id == \"2\" %}{{ name.first.second }}{% endif %}";
    let letters = case.letters().unwrap();
    assert!(letters.make(0).is_ok());
    let fault = &letters.make(1).unwrap_err()[0];
    assert_eq!(fault.id.as_deref(), Some("2"));
    assert!(fault.text.contains("line 1"), "{}", fault.text);
}

#[test]
fn a_template_cannot_fill_the_memory() {
    let mut case = Case::new();
    case.html =
        "{% for i in range(end=90000) %}{% for j in range(end=90000) %}x{% endfor %}{% endfor %}";
    assert!(
        case.refusal(0).text.contains("more than 4 MB"),
        "{}",
        case.refusal(0).text
    );
}

#[test]
fn a_line_break_in_a_cell_cannot_reach_a_header() {
    let mut case = Case::new();
    case.list = "ID,School,Email,Leader Email\n1,\"Good\r\nBcc: x@evil.example\",a@one.example,\n";
    let fault = case.refusal(0);
    assert!(fault.text.contains("line break"), "{}", fault.text);
    assert_eq!(fault.id.as_deref(), Some("1"));
}

#[test]
fn an_attachment_must_be_there_and_be_what_it_is_called() {
    for (attachment, part) in [
        ("path = \"gone.pdf\"", "missing"),
        ("path = \"../{{ id }}.pdf\"", "outside"),
        ("path = \"/etc/hostname\"", "outside"),
        ("path = \"t\"", "not a regular file"),
        ("path = \"empty.pdf\"", "empty"),
        ("path = \"text.pdf\"", "does not begin like a PDF"),
        (
            "path = \"text.txt\"\nname = \"r.pdf\"",
            "does not begin like a PDF",
        ),
        ("path = \"r1.pdf\"\nname = \"a/b.pdf\"", "slash"),
        (
            "path = \"r1.pdf\"\nname = \"{{ rows | length }}\\n.pdf\"",
            "line break",
        ),
    ] {
        let mut case = Case::new();
        case.attachment = attachment;
        for (name, contents) in [
            ("empty.pdf", ""),
            ("text.pdf", "hello"),
            ("text.txt", "hello"),
        ] {
            fs::write(case.folder.path().join(name), contents).unwrap();
        }
        let fault = case.refusal(0);
        assert!(fault.text.contains(part), "{attachment}: {}", fault.text);
        assert!(fault.id.as_deref() == Some("1") && !fault.next_step.is_empty());
    }
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_out_of_the_folder_is_refused() {
    let outside = tempfile::NamedTempFile::new().unwrap();
    fs::write(outside.path(), "%PDF-secret").unwrap();
    let mut case = Case::new();
    std::os::unix::fs::symlink(outside.path(), case.folder.path().join("link.pdf")).unwrap();
    std::os::unix::fs::symlink("r1.pdf", case.folder.path().join("inner.pdf")).unwrap();
    case.attachment = "path = \"link.pdf\"";
    assert!(case.refusal(0).text.contains("outside"));
    case.attachment = "path = \"inner.pdf\"";
    assert!(case.letters().unwrap().make(0).is_ok());
}

#[test]
fn a_letter_beyond_the_size_limit_is_a_fault() {
    let mut case = Case::new();
    fs::write(
        case.folder.path().join("r1.pdf"),
        [b"%PDF-".as_slice(), &vec![0; 800_000]].concat(),
    )
    .unwrap();
    case.extra = "[dispatch]\nmax_megabytes = 1";
    assert!(
        case.refusal(0).text.contains("1.1 MB when encoded"),
        "{}",
        case.refusal(0).text
    );
}

#[test]
fn a_rehearsal_goes_to_one_address_and_shows_the_real_ones() {
    let case = Case::new();
    let batch = {
        case.letters().unwrap();
        Batch::load(case.folder.path()).unwrap()
    };
    let manifest = Manifest::read(&batch).0.unwrap();
    let to = Address::parse("me@study.example").unwrap();
    let letters = Letters::new(&batch, &Secrets::default(), manifest, Some(to)).unwrap();
    let letter = letters.make(0).unwrap();
    let addresses: Vec<_> = letter.addresses().map(Address::as_str).collect();
    assert_eq!(addresses, ["me@study.example"]);
    assert!(letter.subject.as_str().starts_with("[Rehearsal] Report"));
    let html = letter.html.as_deref().unwrap();
    assert!(html.starts_with("<body><div") && html.contains("To: b@one.example"));
    assert!(letter.text().contains("To: lead@x.example"));
}
