//! Every console block of the manual, run as it stands: the commands of a page in turn, in a home of their
//! own, each with the answer that the page shows.
//!
//! A block is fenced as `console`. A line that begins with `$ ` is a command, what follows up to the next one
//! is what a terminal shows then, with what the person typed behind a question. `…` stands for any text,
//! alone on a line for any lines. What differs from run to run (digests, times, the home, the address of a
//! server) may be anything of its kind. A comment `<!-- given: NAME -->` before a block sets the scene, as
//! `Scene::set` has it.

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;

use clap::error::ErrorKind;
use regex::{Captures, Regex};
use tempfile::TempDir;

use super::{page, pages};
use crate::support::oauth::{self, OauthServer};
use crate::support::smtp::{Action, SmtpServer, Step};
use crate::support::victim::Victim;
use crate::support::{Ran, pdf, private, program};

/// Wide enough for every line, and high enough for all that one command shows.
const COLUMNS: u16 = 200;
const ROWS: u16 = 400;

/// What the person's home is called in the manual.
const HOME: &str = "/home/ann";

/// The questions that are answered with a line.
const QUESTIONS: [&str; 2] = ["Type yes to go on: ", "press Enter to write it later: "];

/// A command of the manual and what it shows.
#[derive(Debug)]
struct Shown {
    command: String,
    output: String,
}

/// A part of a page that is run.
enum Part {
    Given(String),
    Run(Vec<Shown>),
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = line
            .strip_prefix("<!-- given: ")
            .and_then(|rest| rest.strip_suffix(" -->"))
        {
            parts.push(Part::Given(name.to_owned()));
        } else if line == "```console" {
            let mut run: Vec<Shown> = Vec::new();
            for line in lines.by_ref().take_while(|line| *line != "```") {
                match (line.strip_prefix("$ "), run.last_mut()) {
                    (Some(command), _) => run.push(Shown {
                        command: command.to_owned(),
                        output: String::new(),
                    }),
                    (None, Some(shown)) => shown.output.push_str(&format!("{line}\n")),
                    (None, None) => panic!("a console block begins with a command, not {line:?}"),
                }
            }
            parts.push(Part::Run(run));
        }
    }
    parts
}

/// The words of a command, as a shell takes them apart.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, quoted) in command.split('"').enumerate() {
        if index % 2 == 1 {
            words.push(quoted.to_owned());
        } else {
            words.extend(quoted.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// What a text is to the manual, whenever and wherever it was shown.
fn masked(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, kind) in [
        (r"\b[0-9a-f]{16}\b", "[hash]"),
        (r"\b[0-9a-f]{12}\b", "[plan]"),
        (r"\b\d{4}-\d\d-\d\d\b", "[date]"),
        (r"\b\d\d:\d\d(:\d\d)?\b", "[time]"),
        (r"\b\d+ events\b", "[n] events"),
        (r"\b\d+ kB\b", "[size]"),
        (r"(localhost|smtp\.university\.example):\d+", "[server]"),
        (
            r"https?://(127\.0\.0\.1:\d+|login\.microsoftonline\.com)/\S*",
            "[sign-in]",
        ),
    ] {
        let pattern = Regex::new(pattern).unwrap();
        text = pattern.replace_all(&text, kind).into_owned();
    }
    let trimmed: Vec<_> = text.lines().map(str::trim_end).collect();
    format!("{}\n", trimmed.join("\n").trim_end())
}

/// Whether the manual shows what came out.
fn fits(shown: &str, came: &str) -> bool {
    let pattern: Vec<String> = masked(shown)
        .lines()
        .map(|line| match line {
            "…" => "(?:.*\n)*?".to_owned(),
            line => {
                let pieces: Vec<_> = line.split('…').map(regex::escape).collect();
                format!("{}\n", pieces.join(".*"))
            }
        })
        .collect();
    let pattern = Regex::new(&format!("^{}$", pattern.concat())).unwrap();
    pattern.is_match(&masked(came))
}

/// Where the commands of a page are run.
struct Scene {
    home: TempDir,
    server: Option<SmtpServer>,
    sign_in: Option<OauthServer>,
    plan: String,
}

impl Scene {
    fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            server: None,
            sign_in: None,
            plan: String::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Runs a command of the scene, which must succeed.
    #[track_caller]
    fn postroom(&self, command: &str, code: i32) {
        let output = program()
            .args(words(command))
            .current_dir(self.home.path())
            .output();
        Ran::of(output.unwrap()).expect(code);
    }

    #[track_caller]
    fn replace(&self, name: &str, part: &str, other: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(part), "{part} is not in {name}");
        fs::write(self.path(name), text.replace(part, other)).unwrap();
    }

    fn set(&mut self, scene: &str) {
        match scene {
            "nothing" => *self = Self::new(),
            "the starter" => {
                *self = Self::new();
                self.postroom("init reports-2026 --quiet", 0);
            }
            "a list, reports and a letter" => {
                *self = Self::new();
                self.own_list();
            }
            "a slip in the list" => self.replace(
                "reports-2026/dispatch-list.csv",
                "m.fenwick@st-brides.sch.example",
                "m.fenwick@st-brides",
            ),
            "the slip corrected" => self.replace(
                "reports-2026/dispatch-list.csv",
                "m.fenwick@st-brides,",
                "m.fenwick@st-brides.sch.example,",
            ),
            "a mail server" => self.serve(),
            "a mail server that refuses one address" => {
                self.serve();
                self.answer(|step| match step {
                    Step::Rcpt(address) if address.starts_with("m.fenwick") => {
                        Some(Action::reply(550, "5.1.1 no such user"))
                    }
                    _ => None,
                });
                self.postroom("send reports-2026 --yes", 4);
                self.answer(|_| None);
            }
            "the address corrected" => {
                self.replace("reports-2026/dispatch-list.csv", "m.fenwick@", "info@")
            }
            "a mail server that refuses a letter and loses an answer" => {
                self.serve();
                let server = self.server.as_ref().unwrap();
                server.script(|event| match (&event.step, event.message) {
                    (Step::FinalDot, 2) => Action::reply(550, "5.7.1 not from here"),
                    (Step::FinalDot, 3) => Action::AcceptThenCut,
                    _ => Action::Go,
                });
                self.postroom("send reports-2026 --yes", 4);
            }
            "everything sent, and a folder of bounces" => {
                self.serve();
                self.postroom("send reports-2026 --yes", 0);
                self.bounces();
            }
            "a sign-in page" => self.provide(),
            other => panic!("the tests know no scene {other:?}"),
        }
    }

    /// A list of sixty schools with its column names below a title, their reports and a letter.
    fn own_list(&self) {
        let mut book = rust_xlsxwriter::Workbook::new();
        let sheet = book.add_worksheet().set_name("Schools").unwrap();
        sheet.write(0, 0, "Dispatch list 2026").unwrap();
        for (column, name) in ["URN", "School name", "Head_Teacher", "Email"]
            .iter()
            .enumerate()
        {
            sheet.write(2, column as u16, *name).unwrap();
        }
        fs::create_dir(self.path("pdfs")).unwrap();
        let mut row = 3;
        for school in 0..60_u32 {
            let (id, name) = (
                100_201 + 7 * school,
                format!("{} Primary School", town(school)),
            );
            // Two schools have a second address.
            for number in 0..=u32::from(school % 40 == 3) {
                sheet.write(row, 0, id.to_string()).unwrap();
                sheet.write(row, 1, &name).unwrap();
                sheet
                    .write(row, 2, format!("Dr {}", town(59 - school)))
                    .unwrap();
                let address = format!("head{number}@{}.sch.example", town(school).to_lowercase());
                sheet.write(row, 3, address).unwrap();
                row += 1;
            }
            let report = pdf(&[&["Annual report", &name]], &school.to_be_bytes());
            fs::write(
                self.path(&format!("pdfs/Report - {name} ({id}).pdf")),
                report,
            )
            .unwrap();
        }
        book.save(self.path("dispatch.xlsx")).unwrap();
        let letter = "<p>Dear «Head_Teacher»,</p>\n<p>here is the report for your school.</p>\n";
        fs::write(self.path("letter.html"), letter).unwrap();
    }

    /// A mail server that the batch is sent through.
    fn serve(&mut self) {
        let server = SmtpServer::builder().starttls().start();
        fs::write(self.path("ca.pem"), server.ca_pem()).unwrap();
        let secrets = self.path("reports-2026/.secrets.toml");
        let text = format!(
            "[smtp]\nhost = \"localhost\"\nport = {}\nca_file = '{}'\n",
            server.port(),
            self.path("ca.pem").display()
        );
        fs::write(&secrets, text).unwrap();
        private(&secrets);
        self.replace(
            "reports-2026/batch.toml",
            "transport = \"outbox\"",
            "transport = \"smtp\"\nbackoff = \"10ms\"",
        );
        self.server = Some(server);
    }

    fn answer(&self, script: fn(&Step) -> Option<Action>) {
        let server = self.server.as_ref().unwrap();
        server.script(move |event| script(&event.step).unwrap_or(Action::Go));
    }

    /// Mails that came back: an address that does not exist, one that is late, and an answer of a program.
    fn bounces(&self) {
        let output = program()
            .args(["status", "reports-2026", "--json"])
            .current_dir(self.home.path())
            .output();
        let status = Ran::of(output.unwrap()).expect(0).json();
        let id = |index: usize| {
            status["letters"][index]["message_id"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        fs::create_dir(self.path("came-back")).unwrap();
        let report = |address: &str, id: &str, action: &str, line: &str| {
            let code = line.split(' ').nth(1).unwrap();
            format!(
                "Return-Path: <>\nFrom: MAILER-DAEMON@mx.study.example\nTo: reports@study.example\nSubject: Mail status\n\
                 Message-ID: <{action}@mx.study.example>\nMIME-Version: 1.0\n\
                 Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n--b\n\
                 Content-Type: text/plain\n\nAbout your mail.\n\n--b\nContent-Type: message/delivery-status\n\n\
                 Reporting-MTA: dns; mx.study.example\n\nFinal-Recipient: rfc822; {address}\nAction: {action}\n\
                 Status: {code}\nDiagnostic-Code: smtp; {line}\n\n--b\nContent-Type: text/rfc822-headers\n\n\
                 To: {address}\nMessage-ID: <{id}>\n\n--b--\n"
            )
        };
        let gone = "m.fenwick@st-brides.sch.example";
        let late = "office@appleby-green.sch.example";
        for (name, mail) in [
            (
                "1.eml",
                report(gone, &id(1), "failed", "550 5.1.1 no such user here"),
            ),
            (
                "2.eml",
                report(late, &id(0), "delayed", "451 4.4.1 no answer from the host"),
            ),
            (
                "3.eml",
                format!(
                    "Return-Path: <>\nFrom: leader@south-centre.example\nTo: reports@study.example\nSubject: Away\n\
                     Message-ID: <away@south-centre.example>\nAuto-Submitted: auto-replied\nIn-Reply-To: <{}>\n\nI am away.\n",
                    id(2)
                ),
            ),
        ] {
            fs::write(self.path(&format!("came-back/{name}")), mail).unwrap();
        }
    }

    /// A sign-in page that knows the person.
    fn provide(&mut self) {
        let server = OauthServer::builder().start();
        let secrets = self.path("reports-2026/.secrets.toml");
        let text = format!(
            "send_emails_as = \"reports@study.example\"\nclient_id = \"{}\"\ntenant_id = \"{}\"\n\
             username = \"ann@study.example\"\nauthority = \"{}\"\ntoken_store = 'file:{}'\n",
            server.client(),
            server.tenant(),
            server.authority(),
            self.path("sign-in.json").display()
        );
        fs::write(&secrets, text).unwrap();
        private(&secrets);
        self.sign_in = Some(server);
    }

    /// Runs a command of the manual on a terminal, and gives what that shows.
    fn run(&mut self, shown: &Shown) -> String {
        let mut words = words(&shown.command).into_iter();
        assert_eq!(
            words.next().as_deref(),
            Some("postroom"),
            "{}",
            shown.command
        );
        let mut command = program();
        let plan = Regex::new("^[0-9a-f]{12}$").unwrap();
        for word in words {
            let is_plan = plan.is_match(&word);
            command.arg(if is_plan { self.plan.clone() } else { word });
        }
        // No browser of this machine is opened.
        command.env("PATH", self.home.path());
        if self.sign_in.is_some() {
            // A sign-in service on this machine is believed only by a file that is named.
            command.args(["--secrets", "reports-2026/.secrets.toml"]);
        }
        let mut answers: Vec<&str> = shown
            .output
            .lines()
            .filter_map(|line| {
                QUESTIONS
                    .iter()
                    .find_map(|question| Some(line.split_once(question)?.1))
            })
            .collect();
        answers.reverse();
        let victim = Victim::default();
        let mut terminal =
            fs::File::from(victim.run_in_terminal_of(&command, self.home.path(), (ROWS, COLUMNS)));
        let mut screen = vt100::Parser::new(ROWS, COLUMNS, 0);
        let (mut piece, mut asked, mut opened) = ([0; 4096], 0_usize, false);
        // Reading fails when the program has gone and with it the terminal's other side.
        while let Ok(read @ 1..) = terminal.read(&mut piece) {
            screen.process(&piece[..read]);
            let text = screen.screen().contents();
            let questions: usize = QUESTIONS
                .iter()
                .map(|question| text.matches(question).count())
                .sum();
            while asked < questions {
                asked += 1;
                // A question that the manual does not have is a difference, and ends the command.
                let answer = answers.pop().unwrap_or_default();
                terminal
                    .write_all(format!("{answer}\n").as_bytes())
                    .unwrap();
            }
            let page = text
                .lines()
                .find(|line| line.starts_with("http://") && line.contains("state="));
            if let Some(page) = page.filter(|_| !opened) {
                opened = true;
                let page = page.to_owned();
                std::thread::spawn(move || oauth::browse(&page));
            }
        }
        victim.wait();
        let text = screen.screen().contents();
        let home = self.home.path().canonicalize().unwrap();
        let text = text.replace(&home.display().to_string(), HOME);
        if let Some(plan) = Regex::new("plan +([0-9a-f]{12})").unwrap().captures(&text) {
            self.plan = plan[1].to_owned();
        }
        text
    }
}

/// The name of an invented town, another for each number.
fn town(number: u32) -> String {
    const FIRST: [&str; 10] = [
        "Ash", "Birch", "Cedar", "Elm", "Fern", "Hazel", "Linden", "Maple", "Oak", "Rowan",
    ];
    const SECOND: [&str; 6] = ["bridge", "field", "ford", "mere", "ton", "wick"];
    let number = number as usize;
    format!("{}{}", FIRST[number % 10], SECOND[number / 10])
}

#[test]
fn every_console_block_shows_what_the_program_does() {
    let mut ran = 0;
    let mut wrong = Vec::new();
    for name in pages() {
        let mut scene = Scene::new();
        for part in parts(&page(&name)) {
            match part {
                Part::Given(given) => scene.set(&given),
                Part::Run(commands) => {
                    for shown in commands {
                        let came = scene.run(&shown);
                        ran += 1;
                        if !fits(&shown.output, &came) {
                            wrong.push(format!(
                                "{name}: $ {}\n--- shown\n{}--- came\n{}",
                                shown.command,
                                masked(&shown.output),
                                masked(&came)
                            ));
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(ran > 12, "{ran} commands");
}

#[test]
fn no_command_with_its_answer_is_left_out_of_the_console_blocks() {
    for name in pages() {
        let left: Vec<_> = page(&name)
            .lines()
            .filter(|line| line.starts_with("    $ "))
            .map(str::to_owned)
            .collect();
        assert!(left.is_empty(), "{name}: {left:?} is in no console block");
    }
}

/// The commands of the manual that are shown without an answer, in blocks and in lines.
fn commands(text: &str) -> Vec<String> {
    let fenced = text.split("```").skip(1).step_by(2).map(str::to_owned);
    let indented = text
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .map(str::to_owned);
    let inline = Regex::new("`(postroom [^`]+)`").unwrap();
    let inline = inline
        .captures_iter(text)
        .map(|found: Captures<'_>| found[1].replace('\n', " "));
    let lines: Vec<_> = fenced.chain(indented).chain(inline).collect();
    lines
        .iter()
        .flat_map(|block| block.lines())
        .map(|line| line.trim_start_matches("$ "))
        .filter(|line| line.starts_with("postroom "))
        .map(|line| {
            line.split(" #")
                .next()
                .unwrap()
                .split(" >")
                .next()
                .unwrap()
                .to_owned()
        })
        .collect()
}

#[test]
fn every_command_of_the_manual_is_one_that_the_program_knows() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for name in pages() {
        for command in commands(&page(&name)) {
            // What stands for something of the reader's own.
            let written = command
                .replace("send --plan ID", "send --plan 3cfb59a6b04d")
                .replace("ID…", "ID")
                .replace('…', "x")
                .replace("[BATCH]", "BATCH")
                .replace("--hash HEX", "--hash 3cfb59a6b04d9f10")
                .replace("--plan ID", "--plan 3cfb59a6b04d")
                .replace("ADDRESS", "me@study.example");
            let known = postroom::command().try_get_matches_from(words(&written));
            seen += 1;
            // A command may be named without all that it needs.
            if let Err(error) = known
                && error.use_stderr()
                && error.kind() != ErrorKind::MissingRequiredArgument
            {
                wrong.push(format!(
                    "{name}: {command}: {}",
                    error.to_string().lines().next().unwrap()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 80, "{seen} commands");
}
