//! Templates that cannot be rendered.

use std::time::{Duration, Instant};

use crate::check::{assert_part, faults, one_fault};
use crate::support::TestBatch;

fn with_html(html: &str) -> TestBatch {
    let batch = TestBatch::new(3);
    batch.write("letter.html", html);
    batch
}

#[test]
fn an_undefined_value_is_reported_with_its_place_and_a_near_name() {
    let fault = one_fault(&with_html("<p>Dear\n  {{ nmae }}</p>"));
    assert_part(&fault, "file", "letter.html");
    assert_part(&fault, "text", "line 2, column 6");
    assert_part(&fault, "text", "`nmae`");
    assert_part(&fault, "next_step", "did you mean `name`?");
}

#[test]
fn an_undefined_value_in_a_condition_is_reported_with_its_place() {
    let fault = one_fault(&with_html(
        "<p>{{ name }}</p>\n\n{% if name and shcool %}x{% endif %}",
    ));
    assert_part(&fault, "text", "line 3, column 16");
    assert_part(&fault, "next_step", "did you mean `school`?");
}

#[test]
fn an_undefined_value_in_an_included_file_is_reported_there() {
    let batch = with_html("<p>{{ name }}</p>{% include \"foot.html\" %}");
    batch.write("foot.html", "\n<hr>{{ yaer }}");
    let fault = one_fault(&batch);
    assert_part(&fault, "file", "foot.html");
    assert_part(&fault, "text", "line 2, column 8");
}

#[test]
fn an_undefined_value_without_a_near_name_is_reported_with_all_names() {
    let fault = one_fault(&with_html("{{ principal }}"));
    assert_part(&fault, "next_step", "the values are email, id, name");
}

#[test]
fn a_value_that_differs_in_another_row_of_a_school_is_a_notice() {
    let batch = with_html("<p>Dear {{ head }}, {{ name }}</p>");
    let row = |school: u32, head: &str, part: &str| {
        format!("S00{school},School {school},{part}@school{school}.example,{head}\n")
    };
    let list = [
        "ID,School,Email,Head\n".to_owned(),
        row(1, "Ms Gray", "head"),
        row(1, "Mr Ash", "deputy"),
        row(2, "Mx Oak", "head"),
        row(2, "", "office"),
        row(3, "Ms Elm", "head"),
    ];
    batch.write("list.csv", list.concat());
    let notices = |batch: &TestBatch| {
        let checked = batch.run("check", &["--json"]).expect(0).json();
        let findings = checked["findings"].as_array().unwrap().clone();
        findings
            .into_iter()
            .filter(|finding| finding["column"] == "Head")
            .collect::<Vec<_>>()
    };
    let [notice] = &notices(&batch)[..] else {
        panic!("{:#?}", notices(&batch));
    };
    assert_eq!(notice["severity"], "notice");
    assert_eq!((&notice["id"], &notice["row"]), (&"S001".into(), &3.into()));
    let text = "the letter shows `Ms Gray`, and this row has `Mr Ash`";
    assert_eq!(notice["text"], text);
    // Whoever goes through the rows has seen to it.
    batch.write(
        "letter.html",
        "<p>{{ head }}{% for row in rows %}{{ row.head }}{% endfor %}</p>",
    );
    assert!(notices(&batch).is_empty());
}

#[test]
fn an_undefined_value_in_the_subject_is_reported_there() {
    let batch = TestBatch::new(2);
    let file = std::fs::read_to_string(batch.path("batch.toml")).unwrap();
    batch.write(
        "batch.toml",
        file.replace("for {{ name }}", "for {{ nmae }}"),
    );
    let fault = one_fault(&batch);
    assert_part(&fault, "file", "[letter] subject");
    assert_part(&fault, "text", "`nmae`");
}

#[test]
fn all_undefined_values_are_reported_at_once() {
    let faults = faults(&with_html("{{ nmae }}{{ yaer }}{{ emial }}"));
    assert_eq!(faults.len(), 3, "{faults:#?}");
}

#[test]
fn a_slip_of_syntax_is_reported_with_its_place() {
    let fault = one_fault(&with_html("<p>\n{% if name %}</p>"));
    assert_part(&fault, "file", "letter.html");
    assert_part(&fault, "text", "line 2, column");
}

#[test]
fn an_unknown_filter_is_reported_with_its_place() {
    let fault = one_fault(&with_html("<p>\n{{ name | shout }}</p>"));
    assert_part(&fault, "file", "letter.html");
    assert_part(&fault, "text", "line 2, column");
    assert_part(&fault, "text", "shout");
}

#[test]
fn a_missing_template_is_reported() {
    let batch = TestBatch::new(1);
    std::fs::remove_file(batch.path("letter.html")).unwrap();
    let fault = one_fault(&batch);
    assert_part(&fault, "file", "letter.html");
    assert_part(&fault, "text", "the template cannot be read");
}

#[test]
fn a_template_that_fails_for_one_school_names_it() {
    let fault = one_fault(&with_html(
        "<p>{{ name }}\n{% if id == \"S002\" %}{{ name.first }}{% endif %}</p>",
    ));
    assert_eq!(fault["id"], "S002", "{fault:#}");
    assert_part(&fault, "file", "letter.html");
    assert_part(&fault, "text", "line 2, column");
}

#[test]
fn a_line_break_in_the_subject_is_reported_with_the_school() {
    let batch = TestBatch::new(2);
    batch.write(
        "list.csv",
        "ID,School,Email\nS001,\"School 1\nBcc: x@evil.example\",a@s.example\nS002,School 2,b@s.example\n",
    );
    let mut faults = faults(&batch);
    faults.retain(|finding| finding["severity"] == "fault");
    assert_eq!(faults.len(), 1, "{faults:#?}");
    let fault = faults.remove(0);
    assert_eq!(fault["id"], "S001");
    assert_part(&fault, "text", "line break");
}

#[test]
fn a_template_that_makes_too_much_text_is_refused() {
    let long =
        "{% for a in range(end=50000) %}{% for b in range(end=50000) %}x{% endfor %}{% endfor %}";
    let faults = faults(&with_html(long));
    assert_eq!(faults.len(), 3);
    assert_part(&faults[0], "text", "more than 4 MB of text");
}

#[test]
fn a_template_that_never_ends_is_a_fault_and_the_program_ends_by_itself() {
    // About 10^10 turns that write nothing.
    let batch = with_html(
        "{% if id == \"S002\" %}{% for a in range(end=100000) %}{% for b in range(end=100000) %}\
         {% endfor %}{% endfor %}{% endif %}",
    );
    #[expect(clippy::disallowed_methods, reason = "the program itself is timed")]
    let begun = Instant::now();
    let checked = batch.run("check", &["--json"]).expect(3).json();
    #[expect(clippy::disallowed_methods, reason = "the program itself is timed")]
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(50), "it took {took:?}");
    let fault = &checked["findings"][0];
    assert_part(fault, "file", "letter.html");
    assert_part(fault, "id", "S002");
    assert_part(fault, "text", "in the making for more than");
    assert_part(fault, "next_step", "look for a loop");
}

#[test]
fn no_function_reads_a_file_or_the_environment() {
    for call in [
        "get_env(name=\"HOME\")",
        "load_data(path=\"batch.toml\")",
        "read_file(path=\"/etc/hostname\")",
        "now()",
        "throw(message=\"x\")",
    ] {
        with_html(&format!("<p>{{{{ {call} }}}}</p>"))
            .run("check", &[])
            .expect(3)
            .says("letter.html");
    }
    for name in ["../secret.html", "/etc/hostname"] {
        with_html(&format!("{{% include \"{name}\" %}}"))
            .run("check", &[])
            .expect(3)
            .says("letter.html");
    }
}

#[test]
fn only_what_is_named_extended_or_included_is_a_template() {
    let batch =
        with_html("{% extends \"parts/base.html\" %}{% block body %}{{ name }}{% endblock %}");
    std::fs::create_dir(batch.path("parts")).unwrap();
    batch.write(
        "parts/base.html",
        "<p>{% block body %}{% endblock %}</p>{%- include 'parts/foot.txt' -%}",
    );
    batch.write("parts/foot.txt", "foot of {{ id }}");
    batch.write("notes.html", "{% evil %}");
    batch.write("parts/old.html", [0xff, 0xfe, 0x00]);
    batch.run("send", &[]).expect(0);
    let sent = std::fs::read_to_string(batch.path("outbox/S001.eml")).unwrap();
    assert!(sent.contains("foot of S001"), "{sent}");
    batch.write("parts/foot.txt", "{% evil %}");
    let ran = batch.run("check", &[]).expect(3);
    assert!(ran.stderr.contains("parts/foot.txt"), "{ran:?}");
}

#[test]
fn what_a_letter_loads_from_elsewhere_is_a_warning() {
    for (html, what) in [
        (
            "<img alt=\"\" src=\"https://x.example/logo.png\">",
            "img from x.example",
        ),
        ("<td background=//x.example/b.png>", "td from x.example"),
        (
            "<link rel=stylesheet href=\"http://x.example/s.css\">",
            "link from x.example",
        ),
        (
            "<p style=\"background: url('https://x.example/b')\">",
            "p from x.example",
        ),
        (
            "<style>p { background: url(//x.example/b) }</style>",
            "style from x.example",
        ),
    ] {
        let checked = with_html(html).run("check", &["--json"]).expect(0).json();
        let warnings = checked["findings"].as_array().unwrap();
        assert_eq!(warnings.len(), 3, "{checked:#}");
        assert_eq!(warnings[0]["severity"], "warning");
        assert_part(&warnings[0], "file", "letter.html");
        assert_part(&warnings[0], "text", what);
    }
    let clean = "<a href=\"https://study.example\">here</a>";
    let ran = with_html(clean).run("check", &["--json"]).expect(0);
    assert_eq!(ran.json()["findings"], serde_json::json!([]));
}
