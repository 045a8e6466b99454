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
