//! Batch files, templates and attachments.

use std::fs::File;

use crate::bombs::check;
use crate::support::TestBatch;

#[test]
fn a_batch_file_without_end_is_refused() {
    let batch = TestBatch::new(1);
    let text = std::fs::read_to_string(batch.path("batch.toml")).unwrap();
    let zeros = "0,".repeat(20_000_000);
    batch.write("batch.toml", format!("{text}\n[vars]\na = [{zeros}]\n"));
    check(&batch).expect(2).says("it is larger than 1 MB");
    // What is just small enough is read, and takes no more than it may.
    let zeros = "0,".repeat(500_000);
    batch.write("batch.toml", format!("{text}\n[vars]\na = [{zeros}]\n"));
    check(&batch).expect(0);
    let brackets = "[".repeat(400_000);
    batch.write("batch.toml", format!("{text}\n[vars]\na = {brackets}\n"));
    check(&batch).expect(2).says("is not a valid batch file");
}

#[test]
fn a_secrets_file_without_end_is_refused() {
    let batch = TestBatch::new(1);
    batch.configure("[dispatch]\ntransport = \"smtp\"\n");
    batch.secrets(&"#".repeat(40 << 20));
    check(&batch).expect(2).says("it is larger than 1 MB");
}

#[test]
fn a_template_without_end_is_refused() {
    let batch = TestBatch::new(1);
    let file = File::create(batch.path("letter.html")).unwrap();
    file.set_len(8 << 30).unwrap();
    check(&batch)
        .expect(3)
        .says("the template is larger than 1 MB");
    batch.write(
        "letter.html",
        "{% for a in range(end=1000) %}{% for b in range(end=1000) %}{% for c in range(end=1000) %}\
         xxxxxxxx{% endfor %}{% endfor %}{% endfor %}",
    );
    check(&batch).expect(3);
}

#[test]
fn an_attachment_that_no_server_takes_is_refused_unread() {
    let batch = TestBatch::new(1);
    let file = File::create(batch.path("reports/S001.pdf")).unwrap();
    file.set_len(1 << 40).unwrap();
    check(&batch)
        .expect(3)
        .says("the attachment is larger than 256 MB");
}

#[test]
fn a_template_that_doubles_a_value_is_refused() {
    for template in [
        "{% set s = \"x\" %}{% for a in range(end=40) %}{% set_global s = s ~ s %}{% endfor %}",
        "{% set s = \"x\" %}{% for a in range(end=40) %}{% set_global s %}{{ s }}{{ s }}{% endset %}{% endfor %}",
        "{% set s = [1] %}{% for a in range(end=40) %}{% set_global s = [...s, ...s] %}{% endfor %}",
    ] {
        let batch = TestBatch::new(1);
        batch.write("letter.html", template);
        // Room for what is taken until it is seen.
        let ran = crate::bombs::run(&batch, &["check"], 3 << 20).expect(3);
        assert!(
            ran.stderr.contains("takes more than 512 MB of memory"),
            "{template}: {ran:?}"
        );
        assert!(ran.stderr.contains("letter.html"), "{ran:?}");
    }
}

#[test]
fn elements_in_one_another_without_end_are_refused() {
    let batch = TestBatch::new(1);
    for (open, times) in [
        ("<div>", 100_000),
        ("<b>", 100_000),
        ("<table><tr><td>", 50_000),
    ] {
        batch.write(
            "letter.html",
            format!("{}Dear {{{{ name }}}}", open.repeat(times)),
        );
        check(&batch).expect(3).says("elements in one another");
        crate::bombs::run(
            &batch,
            &["check", "--redirect-to", "me@study.example"],
            crate::bombs::MOST_KILOBYTES,
        )
        .expect(3);
    }
    // What newsletters have is taken, and what is never closed and need not be.
    let tables = "<table><tr><td>".repeat(60);
    let lines = "<p>a<br>b<li>c".repeat(2_000);
    batch.write("letter.html", format!("{tables}{lines}"));
    check(&batch).expect(0);
}

#[test]
fn the_plain_text_is_made_by_check_too() {
    let batch = TestBatch::new(1);
    let row = format!("<tr>{}</tr>", "<td>x</td>".repeat(300));
    batch.write("letter.html", format!("<table>{}</table>", row.repeat(100)));
    check(&batch).expect(0);
}

#[test]
fn a_name_without_end_is_refused() {
    let batch = TestBatch::new(1);
    batch.replace("list.csv", "School 1", &"x".repeat(4 << 20));
    check(&batch)
        .expect(3)
        .says("the name has 4194304 characters, more than 300");
    batch.replace("list.csv", &"x".repeat(4 << 20), "School 1");
    batch.replace(
        "batch.toml",
        "name = \"report.pdf\"",
        "name = \"report.pdf\"\nmust_contain = [\"{{ email }} {% for a in range(end=2000) %}x{% endfor %}\"]",
    );
    check(&batch).expect(3).says("the text to look for has");
}

#[test]
fn a_path_that_never_ends_is_refused() {
    let batch = TestBatch::new(1);
    batch.replace(
        "batch.toml",
        "path = \"reports/{{ id }}.pdf\"",
        "missing = \"skip\"\npath = '{% set s = \"x\" %}{% for a in range(end=40) %}{% set_global s = s ~ s %}{% endfor %}'",
    );
    crate::bombs::run(&batch, &["check"], 3 << 20)
        .expect(3)
        .says("takes more than 512 MB of memory");
}
