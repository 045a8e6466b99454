//! The script of the fake SMTP server, and the sessions that play it.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::super::connections::reset;
use super::super::http::decode_base64;
use super::super::pace::{Pace, Paced};
use super::{Hub, Received, Wire, lock};

const BLOCK: usize = 256 * 1024;
/// Longest command line read; a longer one ends the session.
const COMMAND_LIMIT: u64 = 16 * 1024;
/// Longest line of content, without its line end (RFC 5322).
const LINE_LIMIT: usize = 998;

/// What the client does. A command out of order is answered 503 without asking the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Connect,
    /// EHLO or HELO.
    Ehlo,
    StartTls,
    /// The mechanism, in capitals.
    Auth(String),
    MailFrom(String),
    Rcpt(String),
    Data,
    /// A block of the body has arrived: bytes so far, and whether it is the first block.
    Body {
        bytes: usize,
        first: bool,
    },
    FinalDot,
    Reset,
    Noop,
    Quit,
}

/// A step and where it happens.
#[derive(Clone, Debug)]
pub struct Event {
    pub step: Step,
    /// Which MAIL FROM of the whole server the step belongs to, from 1; 0 outside of mail.
    pub message: u64,
}

/// What the server does at a step. Code 421 also ends the session, as in real life.
pub enum Action {
    /// What a good server does.
    Go,
    /// This reply in place of the normal one. Success codes let the step take effect. At
    /// `Body` it is sent at once, and stands for the reply to the final dot: nothing is kept.
    Reply(u16, String),
    /// These bytes, which mean this code; the step takes effect by it.
    Bytes(u16, Vec<u8>),
    /// Close the connection; nothing is kept.
    Cut,
    /// Reset the connection; nothing is kept.
    Reset,
    /// At `FinalDot`: keep the message, then close the connection without a reply.
    AcceptThenCut,
    /// At `FinalDot`: keep the message, then reset the connection.
    AcceptThenReset,
    /// At `FinalDot`: keep the message, then be silent.
    AcceptThenSilent,
    /// Read on, never answer again.
    Silent,
    /// These bytes in place of the reply; the step takes no effect.
    Garbage(Vec<u8>),
    /// At `Body`: read the rest of the body at this pace.
    ReadSlowly(Pace),
    /// The normal reply, byte by byte.
    ReplySlowly { byte_delay: Duration },
    /// The normal reply, then close the connection, as a server does with an idle one.
    GoThenCut,
    /// The normal reply, then run the hook.
    GoThenCall(Arc<dyn Fn() + Send + Sync>),
    /// Run the hook, then do the action.
    CallThen(Arc<dyn Fn() + Send + Sync>, Box<Action>),
}

impl Action {
    /// See [`Action::Reply`].
    pub fn reply(code: u16, text: &str) -> Self {
        Self::Reply(code, text.into())
    }

    /// See [`Action::CallThen`].
    pub fn call(hook: impl Fn() + Send + Sync + 'static, then: Self) -> Self {
        Self::CallThen(Arc::new(hook), Box::new(then))
    }

    /// See [`Action::GoThenCall`].
    pub fn go_then_call(hook: impl Fn() + Send + Sync + 'static) -> Self {
        Self::GoThenCall(Arc::new(hook))
    }
}

/// Serves one connection until either side ends it.
pub(super) fn serve(hub: &Hub, id: u64, socket: &TcpStream) {
    let wire = || {
        let own = socket.try_clone()?;
        match &hub.tls {
            Some(config) if hub.offer.implicit_tls => Wire::tls(own, config),
            _ => Ok(Wire::Plain(own)),
        }
    };
    match wire() {
        Ok(wire) => {
            let mut session = Session {
                hub,
                id,
                socket,
                reader: BufReader::with_capacity(BLOCK, Paced::new(wire)),
                tls: hub.offer.implicit_tls,
                greeted: false,
                refused: false,
                auth: None,
                mail: None,
                byte_delay: Duration::ZERO,
            };
            let Err(End) = session.run();
        }
        Err(error) => hub.violation(format!("session {id}: cannot start: {error}")),
    }
}

/// The session is over: closed by the server, or by the client.
struct End;

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self
    }
}

type Flow<T = ()> = Result<T, End>;

/// The message being handed over.
struct Mail {
    number: u64,
    from: String,
    rcpt_to: Vec<String>,
    asked: Vec<String>,
    eight_bit: bool,
}

struct Session<'a> {
    hub: &'a Hub,
    id: u64,
    socket: &'a TcpStream,
    reader: BufReader<Paced<Wire>>,
    tls: bool,
    greeted: bool,
    refused: bool,
    auth: Option<String>,
    mail: Option<Mail>,
    byte_delay: Duration,
}

fn is_success(code: u16) -> bool {
    (200..300).contains(&code)
}

impl Session<'_> {
    fn run(&mut self) -> Flow<std::convert::Infallible> {
        let code = self.step(Step::Connect, 220, "fake ESMTP")?;
        self.refused = !is_success(code);
        loop {
            let line = self.line()?;
            self.command(&line)?;
        }
    }

    fn command(&mut self, line: &str) -> Flow {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let verb = verb.to_ascii_uppercase();
        if self.refused && verb != "QUIT" {
            return self.send(503, "5.5.1 No service here");
        }
        match verb.as_str() {
            "EHLO" | "HELO" => self.hello(verb == "EHLO", rest),
            "STARTTLS" => self.start_tls(),
            "AUTH" => self.login(rest),
            "MAIL" => self.mail_from(rest),
            "RCPT" => self.rcpt(rest),
            "DATA" => self.data(),
            "RSET" => {
                if is_success(self.step(Step::Reset, 250, "2.0.0 Ok")?) {
                    self.mail = None;
                }
                Ok(())
            }
            "NOOP" => self.step(Step::Noop, 250, "2.0.0 Ok").map(drop),
            "VRFY" => self.send(252, "2.1.5 Cannot verify"),
            "QUIT" => {
                self.hub.leave(self.id);
                self.step(Step::Quit, 221, "2.0.0 Bye")?;
                self.goodbye()
            }
            _ => self.send(502, "5.5.1 Unknown command"),
        }
    }

    fn hello(&mut self, extended: bool, name: &str) -> Flow {
        if name.trim().is_empty() {
            return self.send(501, "5.5.4 Name yourself");
        }
        let offer = &self.hub.offer;
        let mut lines = vec!["localhost".to_owned()];
        if extended {
            lines.extend(offer.capabilities.iter().cloned());
            lines.push(format!("SIZE {}", offer.size));
            if offer.starttls && !self.tls {
                lines.push("STARTTLS".into());
            }
            let mechanisms = self.mechanisms();
            if !mechanisms.is_empty() {
                lines.push(format!("AUTH {}", mechanisms.join(" ")));
            }
        }
        let code = self.ask(Step::Ehlo, Some((250, lines)), None)?;
        if code.is_some_and(is_success) {
            self.greeted = true;
            self.mail = None;
        }
        Ok(())
    }

    fn start_tls(&mut self) -> Flow {
        let config = self
            .hub
            .tls
            .as_ref()
            .filter(|_| self.hub.offer.starttls && !self.tls);
        let Some(config) = config else {
            return self.send(502, "5.5.1 No STARTTLS here");
        };
        if !self.greeted || self.mail.is_some() {
            return self.out_of_order();
        }
        if is_success(self.step(Step::StartTls, 220, "2.0.0 Go ahead")?) {
            if !self.reader.buffer().is_empty() {
                self.violation("commands sent along with STARTTLS");
            }
            let wire = Wire::tls(self.socket.try_clone()?, config)?;
            self.reader = BufReader::with_capacity(BLOCK, Paced::new(wire));
            self.tls = true;
            self.greeted = false;
        }
        Ok(())
    }

    fn mechanisms(&self) -> Vec<&'static str> {
        let offer = &self.hub.offer;
        let mut names = Vec::new();
        if !offer.starttls || self.tls {
            if offer.password.is_some() {
                names.extend(offer.plain.then_some("PLAIN"));
                names.push("LOGIN");
            }
            names.extend(offer.token.iter().map(|_| "XOAUTH2"));
        }
        names
    }

    fn login(&mut self, rest: &str) -> Flow {
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        let mechanism = mechanism.to_ascii_uppercase();
        if !self.greeted || self.auth.is_some() || self.mail.is_some() {
            return self.out_of_order();
        }
        if !self.mechanisms().contains(&mechanism.as_str()) {
            self.violation("AUTH with a mechanism that is not offered");
            return self.send(504, "5.5.4 Mechanism not offered");
        }
        if let Some(code) = self.ask(Step::Auth(mechanism.clone()), None, None)? {
            self.auth = is_success(code).then(String::new);
            return Ok(());
        }
        let initial = Some(initial).filter(|text| !text.is_empty());
        let Some(first) = self.answer(
            initial,
            if mechanism == "LOGIN" {
                USER_PROMPT
            } else {
                ""
            },
        )?
        else {
            return self.send(501, "5.5.2 Login cancelled or not base64");
        };
        let offer = &self.hub.offer;
        let is_password = |given: &(String, String)| offer.password.as_ref() == Some(given);
        let (given, welcome) = match mechanism.as_str() {
            "LOGIN" => {
                let Some(password) = self.answer(None, PASSWORD_PROMPT)? else {
                    return self.send(501, "5.5.2 Login cancelled or not base64");
                };
                let given = (first, password);
                let welcome = is_password(&given);
                (Some(given), welcome)
            }
            "PLAIN" => {
                let mut parts = first.split('\0').skip(1).map(str::to_owned);
                let given = parts.next().zip(parts.next());
                let welcome = given.as_ref().is_some_and(is_password);
                (given, welcome)
            }
            _ => {
                let bearer = first.strip_prefix("user=").and_then(|text| {
                    let (user, token) = text.split_once("\x01auth=Bearer ")?;
                    Some((user.to_owned(), token.strip_suffix("\x01\x01")?.to_owned()))
                });
                let wanted = offer.token.as_ref();
                let welcome = bearer
                    .as_ref()
                    .zip(wanted)
                    .is_some_and(|((user, token), (wanted, check))| user == wanted && check(token));
                (bearer, welcome)
            }
        };
        if welcome {
            self.auth = given.map(|(user, _)| user);
            return self.send(235, "2.7.0 Welcome");
        }
        if mechanism == "XOAUTH2" {
            self.send(334, BEARER_FAILURE)?;
            if !matches!(self.line()?.as_str(), "" | "*") {
                self.violation("XOAUTH2 failure not answered with an empty line");
            }
        }
        self.send(535, "5.7.8 Credentials refused")
    }

    /// The client's next word in a login, decoded; none when it is cancelled or malformed.
    fn answer(&mut self, initial: Option<&str>, prompt: &str) -> Flow<Option<String>> {
        let line = match initial {
            Some("=") => String::new(),
            Some(text) => text.to_owned(),
            None => {
                self.send(334, prompt)?;
                self.line()?
            }
        };
        Ok(decode_base64(&line).and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    fn mail_from(&mut self, rest: &str) -> Flow {
        if !self.greeted || self.mail.is_some() {
            return self.out_of_order();
        }
        let offer = &self.hub.offer;
        if self.auth.is_none() && (offer.password.is_some() || offer.token.is_some()) {
            return self.send(530, "5.7.0 Log in first");
        }
        let Some((from, parameters)) = path(rest, "FROM:") else {
            return self.send(501, "5.5.4 Syntax: MAIL FROM:<address>");
        };
        let (mut size, mut eight_bit) = (0, false);
        let mut asked = Vec::new();
        let knows_dsn = offer.capabilities.iter().any(|word| word == "DSN");
        for parameter in parameters.split_whitespace() {
            let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match (key.to_ascii_uppercase().as_str(), value.parse::<usize>()) {
                ("SIZE", Ok(bytes)) => size = bytes,
                ("BODY", _) => eight_bit = value.eq_ignore_ascii_case("8BITMIME"),
                ("AUTH", _) => {}
                ("RET" | "ENVID", _) if knows_dsn => asked.push(parameter.to_owned()),
                _ => return self.send(555, "5.5.4 Parameter not known"),
            }
        }
        let number = self.hub.next_message();
        self.mail = Some(Mail {
            number,
            from: from.clone(),
            rcpt_to: Vec::new(),
            asked: vec![asked.join(" ")],
            eight_bit,
        });
        let (code, text) = if size > offer.size {
            TOO_BIG
        } else {
            (250, "2.1.0 Ok")
        };
        if !is_success(self.step(Step::MailFrom(from), code, text)?) {
            self.mail = None;
        }
        Ok(())
    }

    fn rcpt(&mut self, rest: &str) -> Flow {
        if self.mail.is_none() {
            return self.out_of_order();
        }
        let found = path(rest, "TO:").filter(|(to, _)| !to.is_empty());
        let Some((to, parameters)) = found else {
            return self.send(501, "5.5.4 Syntax: RCPT TO:<address>");
        };
        let asked = parameters.trim().to_owned();
        let code = self.step(Step::Rcpt(to.clone()), 250, "2.1.5 Ok")?;
        if let Some(mail) = self.mail.as_mut().filter(|_| is_success(code)) {
            mail.rcpt_to.push(to);
            mail.asked.push(asked);
        }
        Ok(())
    }

    fn data(&mut self) -> Flow {
        if self
            .mail
            .as_ref()
            .is_none_or(|mail| mail.rcpt_to.is_empty())
        {
            return self.out_of_order();
        }
        if self.step(Step::Data, 354, "End data with <CR><LF>.<CR><LF>")? != 354 {
            return Ok(());
        }
        let (data, answered) = self.body()?;
        self.reader.get_mut().keep_to(None);
        if !data.is_ascii() {
            let declared = self.mail.as_ref().is_some_and(|mail| mail.eight_bit);
            let how = if declared { "declared" } else { "undeclared" };
            self.violation(&format!("8-bit bytes in data ({how})"));
        }
        if !answered {
            let (code, text) = match &self.mail {
                Some(mail) if data.len() <= self.hub.offer.size => {
                    (250, format!("2.0.0 Ok: queued as {}", mail.number))
                }
                _ => (TOO_BIG.0, TOO_BIG.1.to_owned()),
            };
            let kept = self.mail.as_ref().map(|mail| Received {
                mail_from: mail.from.clone(),
                rcpt_to: mail.rcpt_to.clone(),
                asked: mail.asked.clone(),
                data: data.into(),
                session: self.id,
                message: mail.number,
                auth: self.auth.clone(),
                tls: self.tls,
            });
            self.ask(Step::FinalDot, Some((code, vec![text])), kept)?;
        }
        self.mail = None;
        Ok(())
    }

    /// The content up to the final dot, and whether the script replied before that.
    fn body(&mut self) -> Flow<(Vec<u8>, bool)> {
        let (mut data, mut start, mut after_crlf) = (Vec::new(), 0, true);
        let (mut bytes, mut answered) = (0, false);
        let mut faults = BTreeSet::new();
        loop {
            let block = self.reader.fill_buf()?.len();
            if block == 0 {
                return Err(End);
            }
            bytes += block;
            if !answered {
                let step = Step::Body {
                    bytes,
                    first: bytes == block,
                };
                answered = self.ask(step, None, None)?.is_some();
            }
            while !self.reader.buffer().is_empty() {
                let mut rest = self.reader.buffer();
                let taken = rest.read_until(b'\n', &mut data)?;
                self.reader.consume(taken);
                if data.last() != Some(&b'\n') {
                    break;
                }
                let line = &data[start..];
                if after_crlf && line == b".\r\n" {
                    data.truncate(start);
                    return Ok((data, answered));
                }
                let undoubled = after_crlf && line[0] == b'.' && line[1] != b'.';
                if after_crlf && line[0] == b'.' {
                    data.remove(start);
                }
                let line = &data[start..];
                after_crlf = line.ends_with(b"\r\n");
                let text = &line[..line.len() - if after_crlf { 2 } else { 1 }];
                let checks = [
                    (undoubled, "line of data with its dot not doubled"),
                    (!after_crlf, "bare LF in data"),
                    (text.contains(&b'\r'), "bare CR in data"),
                    (text.len() > LINE_LIMIT, "line of data over 998 bytes"),
                ];
                for (_, fault) in checks.into_iter().filter(|(found, _)| *found) {
                    if faults.insert(fault) {
                        self.violation(fault);
                    }
                }
                start = data.len();
            }
        }
    }

    /// Lets the script decide on a step with a plain reply; the code that was sent.
    fn step(&mut self, step: Step, code: u16, text: &str) -> Flow<u16> {
        let sent = self.ask(step, Some((code, vec![text.to_owned()])), None)?;
        Ok(sent.unwrap_or_default())
    }

    /// Lets the script decide, keeps the message at stake if so decided, and replies. The code
    /// that was sent, 0 for garbage, none when no reply was due and the script gave none.
    fn ask(
        &mut self,
        step: Step,
        normal: Option<(u16, Vec<String>)>,
        mut stake: Option<Received>,
    ) -> Flow<Option<u16>> {
        self.byte_delay = Duration::ZERO;
        let script = lock(&self.hub.script).clone();
        let event = Event {
            step,
            message: self.mail.as_ref().map_or(0, |mail| mail.number),
        };
        let mut action = script.map_or(Action::Go, |script| script(&event));
        let mut after = Action::Go;
        loop {
            let (code, lines) = match action {
                Action::CallThen(hook, then) => {
                    hook();
                    action = *then;
                    continue;
                }
                Action::ReadSlowly(pace) => {
                    self.reader.get_mut().keep_to(Some(pace));
                    action = Action::Go;
                    continue;
                }
                Action::ReplySlowly { byte_delay } => {
                    self.byte_delay = byte_delay;
                    action = Action::Go;
                    continue;
                }
                Action::AcceptThenCut | Action::AcceptThenReset | Action::AcceptThenSilent => {
                    match stake.take() {
                        Some(mail) => self.hub.accept(mail),
                        None => self.violation(&format!("script accepts at {:?}", event.step)),
                    }
                    action = match action {
                        Action::AcceptThenCut => Action::Cut,
                        Action::AcceptThenReset => Action::Reset,
                        _ => Action::Silent,
                    };
                    continue;
                }
                Action::Cut => {
                    self.hub.leave(self.id);
                    self.socket.shutdown(Shutdown::Both)?;
                    return Err(End);
                }
                Action::Reset => {
                    self.hub.leave(self.id);
                    reset(self.socket);
                    return Err(End);
                }
                Action::Silent => {
                    io::copy(&mut self.reader, &mut io::sink())?;
                    return Err(End);
                }
                Action::Garbage(bytes) => {
                    self.write(&bytes)?;
                    return Ok(Some(0));
                }
                Action::Bytes(code, bytes) => {
                    if let Some(mail) = stake.take().filter(|_| is_success(code)) {
                        self.hub.accept(mail);
                    }
                    self.write(&bytes)?;
                    return Ok(Some(code));
                }
                Action::Reply(code, text) => (code, vec![text]),
                Action::GoThenCut | Action::GoThenCall(_) => {
                    after = std::mem::replace(&mut action, Action::Go);
                    continue;
                }
                Action::Go => match normal {
                    Some(reply) => reply,
                    None => return Ok(None),
                },
            };
            if let Some(mail) = stake.take().filter(|_| is_success(code)) {
                self.hub.accept(mail);
            }
            self.send_lines(code, &lines)?;
            match after {
                Action::GoThenCut => {
                    self.hub.leave(self.id);
                    self.socket.shutdown(Shutdown::Both)?;
                    return Err(End);
                }
                Action::GoThenCall(hook) => hook(),
                _ => {}
            }
            return Ok(Some(code));
        }
    }

    fn out_of_order(&mut self) -> Flow {
        self.send(503, "5.5.1 Bad sequence of commands")
    }

    fn send(&mut self, code: u16, text: &str) -> Flow {
        self.send_lines(code, &[text.to_owned()])
    }

    fn send_lines(&mut self, code: u16, lines: &[String]) -> Flow {
        let last = lines.len().saturating_sub(1);
        let mut reply = String::new();
        for (index, line) in lines.iter().enumerate() {
            let mark = if index < last { '-' } else { ' ' };
            reply.push_str(&format!("{code}{mark}{line}\r\n"));
        }
        if code == 421 {
            self.hub.leave(self.id);
        }
        if self.byte_delay.is_zero() {
            self.write(reply.as_bytes())?;
        } else {
            for byte in reply.as_bytes() {
                self.write(std::slice::from_ref(byte))?;
                if self.hub.pause(self.byte_delay) {
                    return Err(End);
                }
            }
        }
        if code == 421 { self.goodbye() } else { Ok(()) }
    }

    fn write(&mut self, bytes: &[u8]) -> Flow {
        let wire = &mut self.reader.get_mut().wire;
        wire.write_all(bytes)?;
        Ok(wire.flush()?)
    }

    /// Ends the session so that the last reply is sure to arrive.
    fn goodbye(&mut self) -> Flow {
        self.reader.get_mut().wire.finish()?;
        io::copy(&mut self.reader, &mut io::sink())?;
        Err(End)
    }

    /// The next command, without its line end.
    fn line(&mut self) -> Flow<String> {
        let mut line = Vec::new();
        self.reader
            .by_ref()
            .take(COMMAND_LIMIT)
            .read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            if line.len() as u64 + 1 >= COMMAND_LIMIT {
                self.violation("endless command line");
            }
            return Err(End);
        }
        if line.pop_if(|last| *last == b'\r').is_none() {
            self.violation("command with bare LF");
        }
        if !line.is_ascii() || line.iter().any(u8::is_ascii_control) {
            self.violation("command with bytes that are not printable ASCII");
        }
        Ok(String::from_utf8_lossy(&line).into_owned())
    }

    fn violation(&self, what: &str) {
        let message = self
            .mail
            .as_ref()
            .map(|mail| format!(", message {}", mail.number));
        self.hub.violation(format!(
            "session {}{}: {what}",
            self.id,
            message.unwrap_or_default()
        ));
    }
}

const TOO_BIG: (u16, &str) = (552, "5.3.4 Message too big");
/// "Username:" and "Password:".
const USER_PROMPT: &str = "VXNlcm5hbWU6";
const PASSWORD_PROMPT: &str = "UGFzc3dvcmQ6";
/// `{"status":"400","schemes":"Bearer"}`
const BEARER_FAILURE: &str = "eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIn0=";

/// The address of `FROM:<address> parameters`, and the parameters.
fn path(rest: &str, keyword: &str) -> Option<(String, String)> {
    let (head, tail) = rest.split_at_checked(keyword.len())?;
    let (address, parameters) = tail.strip_prefix('<')?.split_once('>')?;
    let parted = parameters.is_empty() || parameters.starts_with(' ');
    let sound = head.eq_ignore_ascii_case(keyword) && parted;
    sound.then(|| (address.to_owned(), parameters.to_owned()))
}
