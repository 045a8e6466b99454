//! The sign-in by a pasted address, at a terminal.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::support::Ran;
use crate::support::oauth::{OauthAction, OauthEndpoint, browse};
use crate::support::signing_in::Desk;

/// Runs a program at a terminal. What comes in is typed once the terminal shows nothing of it.
const TERMINAL: &str = r"
import os, pty, select, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
typed, inputs, ready = b'', [terminal, 0], False
while True:
    for source in select.select(inputs, [], [], 0.01)[0]:
        try:
            data = os.read(source, 65536)
        except OSError:
            data = b''
        if source == terminal:
            if not data:
                sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            os.write(1, data)
        elif data:
            typed += data
        else:
            inputs.remove(0)
            ready = True
    if ready and typed and not termios.tcgetattr(terminal)[3] & termios.ECHO:
        os.write(terminal, typed)
        typed = b''
";

/// A sign-in at a terminal, waiting to be pasted to.
struct Session<'a> {
    desk: &'a Desk,
    child: Child,
    screen: BufReader<ChildStdout>,
    shown: String,
    url: String,
}

/// None where there is no Python to make a terminal.
fn begin<'a>(desk: &'a Desk, arguments: &[&str]) -> Option<Session<'a>> {
    let python = Command::new("python3")
        .args(["-c", "import pty, termios"])
        .output();
    if !python.is_ok_and(|output| output.status.success()) {
        let must = std::env::var("POSTROOM_REAL_SERVERS").is_ok_and(|value| value == "1");
        assert!(!must, "there is no python3 with pty");
        eprintln!("skipped: there is no python3 with pty");
        return None;
    }
    let login = desk.command("login", arguments);
    let mut command = Command::new("python3");
    command
        .args(["-c", TERMINAL])
        .arg(login.get_program())
        .args(login.get_args())
        .current_dir(desk.batch.folder())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("POSTROOM_") {
            command.env_remove(name);
        }
    }
    let mut child = command.spawn().unwrap();
    let mut screen = BufReader::new(child.stdout.take().unwrap());
    let (mut shown, mut url) = (String::new(), String::new());
    while url.is_empty() {
        let mut line = String::new();
        assert_ne!(
            screen.read_line(&mut line).unwrap(),
            0,
            "no page was named: {shown}"
        );
        if line.starts_with("http") {
            line.trim().clone_into(&mut url);
        }
        shown.push_str(&line);
    }
    Some(Session {
        desk,
        child,
        screen,
        shown,
        url,
    })
}

impl Session<'_> {
    /// Pastes, and waits for the end.
    #[track_caller]
    fn paste(mut self, text: &str) -> Ran {
        let mut stdin = self.child.stdin.take().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        drop(stdin);
        self.screen.read_to_string(&mut self.shown).unwrap();
        let code = self.child.wait().unwrap().code();
        for part in ["nativeclient?", "code=", "session_state="] {
            let after = self.shown.split(&self.url).nth(1).unwrap();
            assert!(!after.contains(part), "{part} was shown: {}", self.shown);
        }
        self.desk.watched(Ran {
            code,
            stdout: String::new(),
            stderr: self.shown,
        })
    }
}

#[test]
fn a_pasted_address_signs_in() {
    let desk = Desk::new();
    let Some(session) = begin(&desk, &["--flow", "paste"]) else {
        return;
    };
    let end = browse(&session.url).url;
    session
        .paste(&format!("{end}\n\n"))
        .expect(0)
        .says("signed in as ann@study.example");
    assert!(!desk.kept().is_empty());
    desk.assert_proper();
}

#[test]
fn an_address_may_be_wrapped() {
    let desk = Desk::new();
    let Some(session) = begin(&desk, &["--flow", "paste"]) else {
        return;
    };
    let end = browse(&session.url).url;
    let (first, rest) = end.split_at(70);
    let (second, third) = rest.split_at(rest.len() / 2);
    session
        .paste(&format!("  {first}\n{second}\n  {third}\n\n"))
        .expect(0);
    assert!(!desk.kept().is_empty());
    desk.assert_proper();
}

#[test]
fn the_part_behind_the_question_mark_is_enough() {
    let desk = Desk::new();
    let Some(session) = begin(&desk, &["--flow", "paste"]) else {
        return;
    };
    let end = browse(&session.url).url;
    let (_, query) = end.split_once('?').unwrap();
    session.paste(&format!("{query}\n\n")).expect(0);
}

#[test]
fn it_is_the_way_without_a_redirect_address_of_this_machine() {
    let desk = Desk::new();
    let Some(session) = begin(&desk, &[]) else {
        return;
    };
    assert!(session.url.contains("nativeclient"), "{}", session.url);
    let end = browse(&session.url).url;
    session.paste(&format!("{end}\n\n")).expect(0);
}

#[test]
fn the_address_of_another_sign_in_is_thrown_away() {
    let desk = Desk::new();
    let Some(session) = begin(&desk, &["--flow", "paste"]) else {
        return;
    };
    let end = browse(&session.url).url;
    let other = end.replace("state=", "state=x");
    session
        .paste(&format!("{other}\n\n"))
        .expect(6)
        .says("its state is another");
    assert!(!desk.store().exists());
}

#[test]
fn something_else_pasted_is_thrown_away() {
    for pasted in ["", "hello", "https://login.example/nativeclient"] {
        let desk = Desk::new();
        let Some(session) = begin(&desk, &["--flow", "paste"]) else {
            return;
        };
        session
            .paste(&format!("{pasted}\n\n"))
            .expect(6)
            .says("does not belong to this sign-in");
        assert!(!desk.store().exists());
    }
}

#[test]
fn a_person_may_decline() {
    let desk = Desk::new();
    desk.server.script(|event| match event.endpoint {
        OauthEndpoint::Authorize => OauthAction::cancelled(),
        _ => OauthAction::Go,
    });
    let Some(session) = begin(&desk, &["--flow", "paste"]) else {
        return;
    };
    let end = browse(&session.url).url;
    session
        .paste(&format!("{end}\n\n"))
        .expect(6)
        .says("the permissions were declined");
}

#[test]
fn another_account_is_refused() {
    let desk = Desk::new();
    desk.server.sign_in_other_account("eve@study.example");
    let Some(session) = begin(&desk, &["--flow", "paste"]) else {
        return;
    };
    let end = browse(&session.url).url;
    session
        .paste(&format!("{end}\n\n"))
        .expect(6)
        .says("not ann@study.example");
    assert!(!desk.store().exists());
}
