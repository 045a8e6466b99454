//! The secrets file: the user's own, or it is not used; and what one that lies with a batch cannot say.

use std::fs;
use std::process::Command;

use crate::support::smtp::SmtpServer;
use crate::support::{Ran, TestBatch, private};
use crate::trust::given_away;

const PASSWORD: &str = "correct-horse-battery";

fn ran(command: &mut Command) -> Ran {
    Ran::of(command.output().unwrap())
}

#[test]
fn a_colleagues_secrets_file_gets_no_password_and_no_letter() {
    let server = SmtpServer::builder().start();
    let batch = TestBatch::new(1);
    batch.use_smtp(server.port(), "");
    if !given_away(&batch.path(".secrets.toml")) {
        return;
    }
    for (verb, arguments) in [
        ("check", &[][..]),
        ("send", &["--yes"]),
        ("send", &["--yes", "--secrets", ".secrets.toml"]),
        ("preview", &[]),
        ("whoami", &[]),
    ] {
        let shown = ran(batch
            .command(verb, arguments)
            .env("POSTROOM_SMTP_USERNAME", "ann")
            .env("POSTROOM_SMTP_PASSWORD", PASSWORD))
        .expect(2)
        .says(".secrets.toml belongs to another user of this machine, so it was not used")
        .says("next: write one of your own from .example-secrets.toml");
        assert!(!shown.output().contains(PASSWORD), "{shown:?}");
    }
    assert!(server.received().is_empty());
    assert!(server.connections() == 0, "the server was asked");
}

#[test]
fn a_secrets_file_that_lies_with_a_batch_runs_no_program_and_names_no_service() {
    for (key, value) in [
        ("token_command", "[\"sh\", \"-c\", \"touch taken\"]"),
        ("on_end", "[\"sh\", \"-c\", \"touch taken\"]"),
        ("authority", "\"http://127.0.0.1:9\""),
        ("graph_url", "\"http://127.0.0.1:9\""),
        ("ews_url", "\"http://127.0.0.1:9/EWS/Exchange.asmx\""),
    ] {
        let batch = TestBatch::new(1);
        batch.configure("[dispatch]\ntransport = \"graph\"");
        // Not one that the tests name: one that is found.
        batch.secrets(&format!(
            "  {key} = {value}\nclient_id = \"c\"\ntenant_id = \"t\"\nusername = \"ann@study.example\"\n"
        ));
        for (verb, arguments) in [
            ("check", &[][..]),
            ("send", &["--yes"]),
            ("whoami", &[]),
            ("login", &[]),
        ] {
            batch
                .run(verb, arguments)
                .expect(2)
                .says(&format!(
                    "`{key}` is taken from no file that is found with a batch"
                ))
                .says("next: if you wrote it, name the file with --secrets")
                .says(&format!("or set POSTROOM_{}", key.to_uppercase()));
        }
        assert!(!batch.path("taken").exists());
        // Whoever names the file has looked at it.
        let named = batch.run("check", &["--secrets", ".secrets.toml"]);
        assert!(!named.stderr.contains("is found with a batch"), "{named:?}");
    }
}

#[test]
fn what_a_study_writes_into_its_batchs_folder_works() {
    let batch = TestBatch::new(1);
    batch.configure("[dispatch]\ntransport = \"ews\"");
    batch.secrets(
        "send_emails_as = \"reports@study.example\"\nclient_id = \"c\"\nclient_secret = \"\"\n\
         tenant_id = \"t\"\nusername = \"ann@study.example\"\nscope = \"\"\nauthority = \"\"\n\
         server = \"outlook.office365.com\"\n",
    );
    batch.run("check", &[]).expect(0);
}

#[test]
fn the_users_own_file_may_say_everything_and_stands_behind_that_of_a_batch() {
    let settings = tempfile::tempdir().unwrap();
    let own = settings.path().join("postroom/secrets.toml");
    fs::create_dir(own.parent().unwrap()).unwrap();
    let write = |url: &str| {
        fs::write(
            &own,
            format!("client_id = \"c\"\ntenant_id = \"t\"\nusername = \"ann@study.example\"\ngraph_url = \"{url}\"\n"),
        )
        .unwrap();
        private(&own);
    };
    write("http://127.0.0.1:9");
    let batch = TestBatch::new(1);
    batch.configure("[dispatch]\ntransport = \"graph\"");
    let (name, folder) = if cfg!(target_os = "macos") {
        fs::create_dir_all(settings.path().join("Library")).unwrap();
        std::os::unix::fs::symlink(
            settings.path(),
            settings.path().join("Library/Application Support"),
        )
        .unwrap();
        ("HOME", settings.path())
    } else {
        ("XDG_CONFIG_HOME", settings.path())
    };
    let check = || ran(batch.command("check", &[]).env(name, folder));
    let shown = check().expect(0);
    assert!(shown.stdout.contains("graph 127.0.0.1"), "{shown:?}");
    // It is the file that is read, and a slip in it is named as such.
    write("https://graph.study.example");
    check().expect(3).says("`graph_url`");
    batch.secrets("client_id = \"c\"\ntenant_id = \"t\"\nusername = \"ann@study.example\"\n");
    let shown = check().expect(0);
    assert!(
        shown.stdout.contains("graph graph.microsoft.com"),
        "{shown:?}"
    );
}

/// Runs the program of `on_end` of a file that is named, and gives what it read.
#[cfg(unix)]
#[test]
fn the_program_of_on_end_reads_how_a_run_ended() {
    let batch = TestBatch::new(2);
    let secrets = |words: &str| batch.secrets(&format!("on_end = {words}\n"));
    secrets("[\"sh\", \"-c\", \"cat > ended.json; echo noise\"]");
    let named = ["--yes", "--secrets", ".secrets.toml"];
    let ran = batch.run("send", &named).expect(0);
    assert!(!ran.stdout.contains("noise"), "{ran:?}");
    let text = fs::read_to_string(batch.path("ended.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(summary["ending"], "complete");
    assert_eq!(
        (&summary["accepted"], &summary["exit"]),
        (&2.into(), &0.into())
    );
    assert_eq!(summary["reason"], serde_json::Value::Null);
    // What becomes of the program changes nothing.
    for words in ["[\"sh\", \"-c\", \"exit 3\"]", "[\"no-such-program-here\"]"] {
        secrets(words);
        batch.run("send", &named).expect(0).says("on_end");
    }
    // A folder that came from somebody else runs nothing.
    fs::remove_file(batch.path("ended.json")).unwrap();
    secrets("[\"sh\", \"-c\", \"cat > ended.json\"]");
    let ran = batch.run("send", &["--yes"]).expect(2);
    assert!(
        ran.stderr.contains("`on_end` is taken from no file"),
        "{ran:?}"
    );
    assert!(!batch.path("ended.json").exists());
}
