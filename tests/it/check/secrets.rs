//! The secrets file.

use crate::support::{Ran, TestBatch, program};

const PASSWORD: &str = "correct-horse-battery";

/// A batch over SMTP with these secrets.
fn with_secrets(text: &str) -> TestBatch {
    let batch = TestBatch::new(1);
    batch.configure("[dispatch]\ntransport = \"smtp\"");
    batch.secrets(text);
    batch
}

/// Everything that every verb says of a batch.
fn all_output(batch: &TestBatch) -> Vec<Ran> {
    [
        ("check", &[][..]),
        ("check", &["--json"]),
        ("send", &["--dry-run", "-v"]),
        ("send", &["--yes", "-v"]),
        ("send", &["--yes", "--json"]),
        ("status", &["-v"]),
        ("status", &["--json"]),
    ]
    .into_iter()
    .map(|(verb, arguments)| batch.run(verb, arguments))
    .collect()
}

#[track_caller]
fn assert_never_shown(batch: &TestBatch) {
    for ran in all_output(batch) {
        let shown = ran.stdout.contains(PASSWORD) || ran.stderr.contains(PASSWORD);
        assert!(!shown, "{ran:?}");
    }
    for entry in std::fs::read_dir(batch.folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && path.file_name().unwrap() != ".secrets.toml" {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes
                .windows(PASSWORD.len())
                .any(|part| part == PASSWORD.as_bytes());
            assert!(!found, "the password is in {}", path.display());
        }
    }
}

#[cfg(unix)]
#[test]
fn a_secrets_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    for mode in [0o604, 0o640, 0o666] {
        let batch = with_secrets("[smtp]\nhost = \"127.0.0.1\"\n");
        let path = batch.path(".secrets.toml");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        batch
            .run("check", &[])
            .expect(2)
            .says("can be read by other users")
            .says("next: chmod 600 ");
    }
}

#[test]
fn a_password_is_never_shown_when_the_server_is_not_there() {
    // A port that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let batch = TestBatch::new(1);
    batch.configure(
        "[dispatch]\ntransport = \"smtp\"\nattempts = 1\nbackoff = \"1ms\"\nstop_after_failures = 1",
    );
    batch.secrets(&format!(
        "[smtp]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\ntimeout = \"1s\"\nusername = \"u\"\npassword = \"{PASSWORD}\"\n"
    ));
    assert_never_shown(&batch);
}

#[test]
fn a_password_is_never_shown_when_the_file_has_a_slip() {
    for text in [
        format!("[smtp]\nhost = \"a.example\"\npassword = \"{PASSWORD}\n"),
        format!("[smtp]\nhost = \"a.example\"\npassword = {PASSWORD}\n"),
        format!("[smtp]\nhost = \"a.example\"\npassword = [\"{PASSWORD}\"]\n"),
        format!("[smtp]\nhost = \"a.example\"\nport = \"{PASSWORD}\"\n"),
        format!(
            "[smtp]\nhost = \"a.example\"\nusername = \"u\"\npassword = \"{PASSWORD}\"\nport = 0\n"
        ),
        format!("smtp = \"{PASSWORD}\"\n"),
        format!("client_secret = \"{PASSWORD}\"\nclient_secret = \"{PASSWORD}\"\n"),
    ] {
        assert_never_shown(&with_secrets(&text));
    }
}

#[test]
fn a_slip_is_reported_with_its_line() {
    with_secrets("[smtp]\nhost = \"a.example\"\npasword = \"x\"\n")
        .run("check", &[])
        .expect(2)
        .says("line 3: unknown field `pasword`");
}

#[test]
fn a_secrets_file_that_is_not_there_is_refused() {
    TestBatch::new(1)
        .run("check", &["--secrets", "elsewhere.toml"])
        .expect(2)
        .says("cannot read secrets file elsewhere.toml")
        .says("next: copy .example-secrets.toml");
}

#[test]
fn smtp_without_a_server_is_refused_before_a_state_file_is_made() {
    let batch = TestBatch::new(1);
    batch.configure("[dispatch]\ntransport = \"smtp\"");
    batch
        .run("send", &["--yes"])
        .expect(2)
        .says("[smtp]")
        .says("next: ");
    crate::check::assert_nothing_written(&batch);
}

#[test]
fn a_secrets_file_that_is_taken_for_a_batch_file_is_not_shown() {
    let text = format!(
        "client_secret = \"{PASSWORD}\"\n[smtp]\nhost = \"mail.study.example\"\npassword = \"{PASSWORD}\"\n"
    );
    let broken = format!("[batch]\nname = \"x\"\n[manifest]\n\"password\" = \"{PASSWORD}\n");
    let batch = TestBatch::new(1);
    batch.secrets(&text);
    batch.write("account.toml", &text);
    batch.write("broken.toml", &broken);
    batch.write("notes.txt", format!("{PASSWORD} is it\n"));
    for name in [".secrets.toml", "account.toml", "broken.toml", "notes.txt"] {
        for verb in ["check", "send", "status", "preview"] {
            let output = program().arg(verb).arg(batch.path(name)).output().unwrap();
            let ran = Ran::of(output)
                .expect(2)
                .says("no line of it is shown")
                .says("line ");
            assert!(!ran.output().contains(PASSWORD), "{ran:?}");
        }
    }
}

#[test]
fn a_secrets_file_is_neither_list_nor_template() {
    for (part, other) in [
        ("path = \"list.csv\"", "path = \".secrets.toml\""),
        ("html = \"letter.html\"", "html = \".secrets.toml\""),
        (
            "html = \"letter.html\"",
            "html = \"letter.html\"\ntext = \".secrets.toml\"",
        ),
    ] {
        let batch = TestBatch::new(1);
        batch.secrets(&format!("[smtp]\nhost = \"{PASSWORD}\"\n"));
        batch.replace("batch.toml", part, other);
        let ran = batch
            .run("check", &[])
            .expect(2)
            .says("names a secrets file");
        assert!(!ran.output().contains(PASSWORD), "{ran:?}");
    }
    for name in [".secrets.toml", "account.toml", ".hidden.html"] {
        let batch = TestBatch::new(1);
        batch.write(name, format!("host = \"{PASSWORD}\"\n"));
        crate::support::private(&batch.path(name));
        batch.write("letter.html", format!("<p>{{% include \"{name}\" %}}</p>"));
        let ran = batch.run("check", &[]);
        assert_ne!(ran.code, Some(0), "{ran:?}");
        assert!(!ran.output().contains(PASSWORD), "{ran:?}");
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_reported_and_not_waited_for() {
    let pipe = |batch: &TestBatch, name: &str| {
        let path = batch.path(name);
        let _ = std::fs::remove_file(&path);
        let made = std::process::Command::new("mkfifo")
            .args(["-m", "600"])
            .arg(&path)
            .status();
        assert!(made.unwrap().success());
    };
    for (name, code) in [
        ("batch.toml", 2),
        (".secrets.toml", 2),
        ("list.csv", 3),
        ("letter.html", 3),
        ("parts.html", 3),
        ("reports/S001.pdf", 3),
    ] {
        let batch = TestBatch::new(1);
        batch.write(
            "letter.html",
            "<p>{% if id == \"x\" %}{% include \"parts.html\" %}{% endif %}</p>",
        );
        batch.write("parts.html", "x");
        pipe(&batch, name);
        let mut run = std::process::Command::new("timeout");
        run.args(["-s", "KILL", "20"])
            .arg(program().get_program())
            .args(["check", batch.folder().to_str().unwrap()])
            .current_dir(batch.folder());
        let ran = Ran::of(run.output().unwrap()).expect(code);
        assert!(ran.stderr.contains("not a regular file"), "{name}: {ran:?}");
    }
    let batch = TestBatch::new(1);
    batch.replace("batch.toml", "[batch]", "[batch]\nallow_outside = true");
    batch.replace("batch.toml", "list.csv", "/dev/zero");
    batch.run("check", &[]).expect(3).says("not a regular file");
}

#[test]
fn a_password_at_office_365_is_warned_about_and_a_token_is_not() {
    let batch = TestBatch::new(1);
    batch.use_smtp(587, "");
    let secrets = |lines: &str| {
        batch.secrets(&format!(
            "send_emails_as = \"reports@study.example\"\nusername = \"ann@study.example\"\n\
             client_id = \"c\"\ntenant_id = \"t\"\n[smtp]\nhost = \"smtp.office365.com\"\n{lines}\n"
        ));
    };
    secrets("username = \"ann@study.example\"\npassword = \"secret\"");
    batch
        .run("check", &[])
        .expect(0)
        .says("accepts passwords until the end of December 2026")
        .says("auth = \"oauth\"");
    secrets("auth = \"oauth\"");
    let ran = batch.run("check", &[]).expect(0);
    assert!(!ran.output().contains("December 2026"), "{ran:?}");
}
