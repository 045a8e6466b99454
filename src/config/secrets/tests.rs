use super::*;

fn typed(text: &str, variables: &[(&str, &str)]) -> Result<Secrets, String> {
    let mut file: SecretsFile = toml::from_str(text).map_err(|error| error.to_string())?;
    file.override_from(&|key| {
        variables
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| (*value).to_owned())
    });
    file.typed(None, Path::new(".secrets.toml"))
        .map_err(|error| error.to_string())
}

#[test]
fn the_shipped_example_is_valid() {
    let example = include_str!("../../../.example-secrets.toml");
    typed(
        example,
        &[
            ("POSTROOM_SMTP_USERNAME", ""),
            ("POSTROOM_SMTP_PASSWORD", ""),
        ],
    )
    .unwrap();
}

#[test]
fn both_spellings_of_the_mailbox_work() {
    for key in ["send_emails_as", "send_email_as"] {
        let secrets = typed(&format!("{key} = \"reports@study.example\""), &[]).unwrap();
        assert_eq!(
            secrets.send_emails_as.unwrap().as_str(),
            "reports@study.example"
        );
    }
}

#[test]
fn the_environment_overrides_the_file() {
    let secrets = typed(
        "[smtp]\nhost = \"a.example\"\nport = 25",
        &[
            ("POSTROOM_SMTP_HOST", "b.example"),
            ("POSTROOM_SMTP_USERNAME", "u"),
            ("POSTROOM_SMTP_PASSWORD", "p"),
        ],
    );
    let secrets = secrets.unwrap();
    let smtp = secrets.smtp.get().unwrap().as_ref().unwrap();
    assert_eq!((smtp.host.as_str(), smtp.port), ("b.example", 25));
    assert!(
        matches!(&smtp.login, Some(crate::config::SmtpLogin::Password(user, _)) if user == "u")
    );
}

/// Why `[smtp]` cannot be used, or all of the file.
fn refusal_of_smtp(text: &str) -> String {
    match typed(text, &[]) {
        Ok(secrets) => secrets.smtp.get().unwrap_err().to_string(),
        Err(refusal) => refusal,
    }
}

#[test]
fn a_preset_gives_what_is_not_written() {
    let smtp = |text: &str| {
        let secrets = typed(&format!("[smtp]\n{text}"), &[]).unwrap();
        secrets.smtp.get().unwrap().clone().unwrap()
    };
    for (text, host, port) in [
        ("preset = \"office365\"", "smtp.office365.com", 587),
        ("preset = \"acs\"", "smtp.azurecomm.net", 587),
        (
            "preset = \"postmark\"\nport = 2525",
            "smtp.postmarkapp.com",
            2525,
        ),
        (
            "preset = \"ses\"\nhost = \"email-smtp.eu-west-2.amazonaws.com\"",
            "email-smtp.eu-west-2.amazonaws.com",
            587,
        ),
        ("preset = \"relay\"\nhost = \"a.example\"", "a.example", 25),
        (
            "preset = \"acs\"\nsecurity = \"tls\"",
            "smtp.azurecomm.net",
            465,
        ),
    ] {
        let smtp = smtp(text);
        assert_eq!((smtp.host.as_str(), smtp.port), (host, port), "{text}");
    }
    for (text, part) in [
        ("preset = \"gmail\"", "smtp.preset"),
        ("preset = \"ses\"", "smtp.host"),
        ("preset = \"relay\"", "smtp.host"),
    ] {
        let refusal = refusal_of_smtp(&format!("[smtp]\n{text}"));
        assert!(refusal.contains(part), "{part}: {refusal}");
    }
}

#[test]
fn a_password_never_goes_out_in_the_clear() {
    let refusal = refusal_of_smtp(
        "[smtp]\nhost = \"relay.example\"\nsecurity = \"none\"\nusername = \"u\"\npassword = \"hunter2\"",
    );
    assert!(
        refusal.contains("in the clear") && !refusal.contains("hunter2"),
        "{refusal}"
    );
}

#[test]
fn values_that_cannot_work_are_refused() {
    for (text, part) in [
        ("send_emails_as = \"nobody\"", "send_emails_as"),
        (
            "[smtp]\nhost = \"a.example\"\nsecurity = \"ssl\"",
            "smtp.security",
        ),
        ("[smtp]\nhost = \"a.example\"\nport = 0", "smtp.port"),
        (
            "[smtp]\nhost = \"a.example\"\nusername = \"u\"",
            "smtp.password",
        ),
        ("pasword = \"x\"", "unknown field"),
    ] {
        let refusal = refusal_of_smtp(text);
        assert!(refusal.contains(part), "{part}: {refusal}");
    }
}

#[test]
fn no_error_of_the_reader_holds_a_value() {
    const SECRET: &str = "hunter2";
    for (text, shown) in [
        ("smtp.password = [\"hunter2\"]", "a text in quotes"),
        ("smtp.port = \"hunter2\"", "a whole number"),
        ("smtp.port = 70000", "a whole number"),
        ("smtp.ca_file = { hunter2 = 1 }", "a text in quotes"),
        ("smtp.host = 2026-11-26", "a text in quotes"),
        ("smtp = \"hunter2\"", "a table with keys"),
        ("smtp = [\"hunter2\"]", "a table with keys"),
        ("client_secret = true", "a text in quotes"),
        ("username = 1.5", "a text in quotes"),
        ("token_command = \"hunter2\"", "a list in square brackets"),
        ("token_command = [\"az\", 1]", "a text in quotes"),
        // Slips of syntax are named as such.
        ("client_secret = \"hunter2", "invalid basic string"),
        ("client_secret = hunter2", "string"),
        (
            "client_secret = \"hunter2\"\nclient_secret = \"hunter2\"",
            "duplicate key",
        ),
    ] {
        let refusal = Secrets::parse(Path::new(".secrets.toml"), text).unwrap_err();
        let refusal = refusal.to_string();
        assert!(refusal.contains(shown), "{text}: {refusal}");
        assert!(
            !refusal.contains(SECRET) && refusal.contains("line "),
            "{refusal}"
        );
    }
}
