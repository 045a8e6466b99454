//! Tokens from another program.
#![cfg(unix)]

use crate::support::Ran;
use crate::support::signing_in::Desk;
use crate::support::smtp::SmtpServer;

const MAILBOX: &str = "reports@study.example";
const TOKEN: &str = "token-of-another-program";

/// A batch of three whose tokens come from a shell script.
fn desk(script: &str) -> (Desk, SmtpServer) {
    let desk = Desk::new();
    desk.keep_secret(TOKEN);
    let server = SmtpServer::builder().oauth(MAILBOX, TOKEN).start();
    let path = desk.write_elsewhere("token.sh", script);
    let command = format!(
        "token_command = [\"sh\", \"{}\", \"{{resource}}\"]\n",
        path.display()
    );
    desk.use_smtp_with(server.port(), &command);
    (desk, server)
}

/// A batch that must stop before its first letter.
#[track_caller]
fn stops(script: &str) -> Ran {
    let (desk, server) = desk(script);
    let ran = desk.send().expect(6).says("token_command gave no token");
    assert!(server.received().is_empty());
    assert_eq!(desk.batch.in_state("pending").len(), 3);
    ran.says("next: ")
}

#[test]
fn another_program_gives_the_token() {
    let (desk, server) = desk(&format!("printf '%s\\n' {TOKEN}\n"));
    desk.send().expect(0);
    assert_eq!(server.received().len(), 3);
    assert!(desk.server.requests().is_empty());
}

#[test]
fn the_token_may_stand_in_quotes() {
    let (desk, server) = desk(&format!("echo '\"{TOKEN}\"'\n"));
    desk.send().expect(0);
    assert_eq!(server.received().len(), 3);
}

#[test]
fn the_program_is_reported_what_the_token_is_for() {
    let (desk, server) = desk(&format!(
        "test \"$1\" = https://outlook.office.com || exit 3\n\
         test \"$POSTROOM_RESOURCE\" = \"$1\" || exit 4\necho {TOKEN}\n"
    ));
    desk.send().expect(0);
    assert_eq!(server.received().len(), 3);
}

#[test]
fn it_is_asked_again_when_the_server_refuses() {
    let (desk, server) = desk(&format!(
        "test -e \"$0.again\" && {{ echo {TOKEN}; exit; }}\n: > \"$0.again\"\necho stale-token\n"
    ));
    desk.keep_secret("stale-token");
    desk.send().expect(0);
    assert_eq!(server.received().len(), 3);
}

#[test]
fn a_program_that_fails_stops_the_batch() {
    let ran = stops(&format!("echo {TOKEN}\nexit 3\n"));
    ran.says("exit status: 3").says("run the command by hand");
}

#[test]
fn a_program_that_prints_something_else_stops_the_batch() {
    for script in [
        "",
        "echo",
        "echo not a token\n",
        "printf 'a\\nb\\n'\n",
        "printf '\\377\\376'\n",
    ] {
        stops(script).says("something that is not a token");
    }
    stops(&format!("echo token: {TOKEN}\n")).says("something that is not a token");
}

#[test]
fn a_program_that_is_not_there_stops_the_batch() {
    let (desk, server) = desk("");
    desk.change("\"sh\"", "\"/nowhere/az\"");
    desk.send()
        .expect(6)
        .says("token_command gave no token")
        .says("/nowhere/az");
    assert!(server.received().is_empty());
}

#[test]
fn whoami_knows_no_scopes_of_such_a_token() {
    let (desk, _server) = desk(&format!("echo {TOKEN}\n"));
    let ran = desk.run("whoami", &[]).expect(0);
    assert_eq!(
        ran.stdout.matches("granted  not known").count(),
        2,
        "{ran:?}"
    );
}
