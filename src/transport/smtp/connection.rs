//! One connection: opened, protected, signed in.
//!
//! lettre speaks the protocol. Its own sockets leave Nagle's algorithm on, which costs some 40 ms a
//! message when the final dot waits for an acknowledgement (RFC 9293 section 3.7.4), so the socket
//! is opened here, set to send at once, and driven by a runtime of this thread.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Ehlo, Rset};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::super::call::unauthorised;
use super::super::{Answer, Bearer, Cause, SendError, one_line};
use super::data::Stuffed;
use super::reply::{self, Failure, Phase};
use super::stream::{Listening, SmtpStream, Wire};
use super::tls;
use crate::config::{SmtpLogin, SmtpSecurity, SmtpSettings};
use crate::fault::Fault;
use crate::network::{NetworkError, NetworkKind};
use crate::secret::Secret;

/// Opens connections to one server.
pub(super) struct Connector {
    settings: SmtpSettings,
    bearer: Arc<dyn Bearer>,
    runtime: Arc<Runtime>,
    starttls: Option<TlsParameters>,
    implicit: Option<(TlsConnector, ServerName<'static>)>,
    hello: ClientId,
}

/// An open connection.
pub(super) struct Connection {
    smtp: AsyncSmtpConnection,
    listening: Listening,
    runtime: Arc<Runtime>,
    timeout: Duration,
    broken: bool,
    /// Whether the server takes what is asked of its delivery reports (RFC 3461).
    takes_dsn: bool,
}

impl Connector {
    pub fn new(settings: &SmtpSettings, bearer: &Arc<dyn Bearer>) -> Result<Self, Fault> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| {
                Fault::new(
                    format!("no connection can be opened: {error}"),
                    "close other programs, then run the same command again",
                )
            })?;
        let (mut starttls, mut implicit) = (None, None);
        match settings.security {
            SmtpSecurity::None => {}
            SmtpSecurity::StartTls => starttls = Some(tls::for_starttls(settings)?),
            SmtpSecurity::Tls => implicit = Some(tls::from_the_start(settings)?),
        }
        Ok(Self {
            settings: settings.clone(),
            bearer: Arc::clone(bearer),
            runtime: Arc::new(runtime),
            starttls,
            implicit,
            hello: hello(),
        })
    }

    /// The server's name and port.
    pub fn server(&self) -> String {
        format!("{}:{}", self.settings.host, self.settings.port)
    }

    /// Opens a connection, protects it and signs in. A token that the server does not take is
    /// renewed once: it may have been revoked before its time.
    pub fn connect(&self) -> Result<Connection, SendError> {
        let account = match &self.settings.login {
            None => return self.open(None),
            Some(SmtpLogin::Password(account, password)) => {
                let credentials = Credentials::new(account.clone(), password.expose().to_owned());
                return self.open(Some((&[Mechanism::Plain, Mechanism::Login], credentials)));
            }
            Some(SmtpLogin::Token(account)) => account,
        };
        let with = |token: &Secret| {
            let credentials = Credentials::new(account.clone(), token.expose().to_owned());
            self.open(Some((&[Mechanism::Xoauth2], credentials)))
        };
        let token = self.token(None)?;
        match with(&token) {
            Err(SendError::Unauthorised(_)) => with(&self.token(Some(&token))?),
            other => other,
        }
    }

    fn token(&self, refused: Option<&Secret>) -> Result<Secret, SendError> {
        self.bearer
            .for_outlook(refused.map(Secret::expose))
            .map_err(|error| unauthorised(&error))
    }

    fn open(&self, login: Option<(&[Mechanism], Credentials)>) -> Result<Connection, SendError> {
        // Each step has the time that one reply may take.
        let listening = Listening::default();
        let wire = self.within("connect", self.open_wire())?;
        let stream = Box::new(SmtpStream::new(wire, &listening));
        let connected = AsyncSmtpConnection::connect_with_transport(stream, &self.hello);
        let mut smtp = self.within("greeting", async {
            connected
                .await
                .map_err(|error| Failure::from(error).refused_at(Phase::Connect))
        })?;
        if let Some(parameters) = &self.starttls {
            if !smtp.can_starttls() {
                return Err(SendError::Unusable(Answer::new(
                    Cause::NoStartTls,
                    "the server does not offer STARTTLS, so nothing was sent in the clear: set smtp.security to \"tls\", or \"none\" for a relay in a trusted network",
                )));
            }
            self.within("STARTTLS", async {
                smtp.starttls(parameters.clone(), &self.hello)
                    .await
                    .map_err(tls::refused)
            })?;
        }
        if let Some((mechanisms, credentials)) = login {
            // Which way to sign in fits is asked here, so that lettre's own errors need no telling
            // apart.
            let offered = smtp.server_info().get_auth_mechanism(mechanisms);
            let mechanism = offered.ok_or_else(reply::no_way_to_sign_in)?;
            self.within("AUTH", async {
                smtp.auth(&[mechanism], &credentials)
                    .await
                    .map_err(|error| reply::sign_in_refused(error, mechanism))
            })?;
        }
        let takes_dsn = self.within("EHLO", self.takes_dsn(&mut smtp))?;
        Ok(Connection {
            smtp,
            listening,
            runtime: Arc::clone(&self.runtime),
            timeout: self.settings.timeout,
            broken: false,
            takes_dsn,
        })
    }

    /// Whether the server offers delivery reports (RFC 3461 section 4). lettre keeps only what it
    /// knows itself of what a server offers, so it is asked once more.
    async fn takes_dsn(&self, smtp: &mut AsyncSmtpConnection) -> Result<bool, SendError> {
        let is_dsn = |line: &str| {
            let mut words = line.split_ascii_whitespace();
            words
                .next()
                .is_some_and(|word| word.eq_ignore_ascii_case("DSN"))
        };
        match smtp.command(Ehlo::new(self.hello.clone())).await {
            Ok(reply) => Ok(reply.message().any(is_dsn)),
            Err(error) => match Failure::from(error) {
                // A server that speaks HELO alone has none.
                Failure::Reply { code, .. } if code != 421 => Ok(false),
                failure => Err(failure.refused_at(Phase::Connect)),
            },
        }
    }

    async fn open_wire(&self) -> Result<Wire, SendError> {
        let words = |error: &io::Error| format!("cannot connect to {}: {error}", self.server());
        let failed = |error: &io::Error| {
            Failure::Broken(NetworkError::of(error, words(error))).refused_at(Phase::Connect)
        };
        let server = (self.settings.host.as_str(), self.settings.port);
        // A name that is not known is an error like any other to the system, so it is looked up first.
        let addresses: Vec<SocketAddr> = tokio::net::lookup_host(server)
            .await
            .map_err(|error| {
                Failure::Broken(NetworkError::unresolved(words(&error))).refused_at(Phase::Connect)
            })?
            .collect();
        let tcp = TcpStream::connect(&*addresses)
            .await
            .map_err(|error| failed(&error))?;
        tcp.set_nodelay(true).map_err(|error| failed(&error))?;
        if self.starttls.is_some() {
            return Ok(Wire::LineByLine(tcp));
        }
        let Some((connector, name)) = &self.implicit else {
            return Ok(Wire::Plain(tcp));
        };
        match connector.connect(name.clone(), tcp).await {
            Ok(stream) => Ok(Wire::Protected(Box::new(stream))),
            Err(error) => Err(match NetworkKind::of(&error) {
                // Neither a certificate nor a port without TLS gets better by waiting.
                NetworkKind::Certificate(_) | NetworkKind::Tls => {
                    SendError::Unusable(Answer::new(Cause::Tls, &error.to_string()))
                }
                NetworkKind::Unresolved
                | NetworkKind::Refused
                | NetworkKind::Unreachable
                | NetworkKind::TimedOut
                | NetworkKind::Cut
                | NetworkKind::Nonsense
                | NetworkKind::Other => failed(&error),
            }),
        }
    }

    fn within<T>(
        &self,
        step: &str,
        future: impl Future<Output = Result<T, SendError>>,
    ) -> Result<T, SendError> {
        let timeout = self.settings.timeout;
        self.runtime
            .block_on(async { tokio::time::timeout(timeout, future).await })
            .unwrap_or_else(|_| {
                let silence = Failure::silence(timeout).refused_at(Phase::Connect);
                Err(during(step, silence))
            })
    }
}

/// Names the step in which a connection failed.
fn during(step: &str, failure: SendError) -> SendError {
    match failure {
        SendError::Transient { answer, everyone } => SendError::Transient {
            answer: answer.during(step),
            everyone,
        },
        other => other,
    }
}

/// The name to greet with: this machine's where it is a domain name (RFC 5321 section 4.1.1.1).
fn hello() -> ClientId {
    let name = gethostname::gethostname().to_string_lossy().into_owned();
    let is_domain = name.contains('.')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    if is_domain {
        ClientId::Domain(name)
    } else {
        ClientId::Ipv4(std::net::Ipv4Addr::LOCALHOST)
    }
}

impl Connection {
    /// Whether the conversation is still in step.
    pub fn in_order(&self) -> bool {
        !self.broken
    }

    /// Whether all of what was written last is on its way: from then on the server may have taken
    /// it.
    pub fn is_all_on_its_way(&self) -> bool {
        self.listening.has_begun()
    }

    /// Whether the server takes what is asked of its delivery reports.
    pub fn takes_dsn(&self) -> bool {
        self.takes_dsn
    }

    /// Asks nothing of reports any more: the server offers them and does not take the words.
    pub fn without_dsn(&mut self) {
        self.takes_dsn = false;
    }

    /// Gives up the transaction begun, so that the next message can follow.
    pub fn reset(&mut self) -> bool {
        self.command(Rset).is_ok()
    }

    /// Sends one command and waits for its reply.
    pub fn command<C: fmt::Display>(&mut self, command: C) -> Result<(), Failure> {
        self.exchange(command).map(|_| ())
    }

    /// Asks to send data; only 354 allows it (RFC 5321 section 4.1.1.4).
    pub fn data(&mut self) -> Result<(), Failure> {
        let reply = self.exchange(Data)?;
        if u16::from(reply.code()) == 354 {
            return Ok(());
        }
        self.broken = true;
        Err(Failure::nonsense(format!(
            "the mail server answered DATA with {}",
            reply.code()
        )))
    }

    /// Sends the data of a message and its final dot, and gives the server's words.
    ///
    /// The final reply may take ten times as long as others: RFC 5321 section 4.5.3.2.6 asks for
    /// ten minutes, since giving up early makes duplicates. The data itself may flow slowly.
    pub fn message(&mut self, data: &Stuffed<'_>) -> Result<String, Failure> {
        const SLOWEST: u64 = 20_000; // bytes a second
        let patience = self.timeout * 10 + Duration::from_secs(data.bytes() / SLOWEST);
        self.listening.not_yet();
        // lettre's own way for data looks at each byte, which took a third of a run's time, so it
        // goes as a command does.
        let reply = self
            .runtime
            .block_on(async { tokio::time::timeout(patience, self.smtp.command(data)).await });
        let reply = self.judge(reply, patience)?;
        if !(200..300).contains(&u16::from(reply.code())) {
            self.broken = true;
            return Err(Failure::nonsense(format!(
                "the mail server answered {}",
                reply.code()
            )));
        }
        let lines: Vec<_> = reply.message().collect();
        Ok(one_line(&format!("{} {}", reply.code(), lines.join(" "))))
    }

    fn exchange<C: fmt::Display>(&mut self, command: C) -> Result<Response, Failure> {
        let timeout = self.timeout;
        let reply = self
            .runtime
            .block_on(async { tokio::time::timeout(timeout, self.smtp.command(command)).await });
        self.judge(reply, timeout)
    }

    fn judge<T>(
        &mut self,
        reply: Result<Result<T, Error>, tokio::time::error::Elapsed>,
        waited: Duration,
    ) -> Result<T, Failure> {
        let result = match reply {
            Ok(reply) => reply.map_err(Failure::from),
            Err(_) => Err(Failure::silence(waited)),
        };
        // After a 421 the server closes (RFC 5321 section 3.8), and after silence nobody knows.
        self.broken |= matches!(
            &result,
            Err(Failure::Broken(_) | Failure::Reply { code: 421, .. })
        );
        result
    }
}

impl Drop for Connection {
    /// Says goodbye where the conversation is in order; the reply is not waited for long.
    fn drop(&mut self) {
        if !self.broken {
            let goodbye = Duration::from_secs(2).min(self.timeout);
            let _ = self
                .runtime
                .block_on(async { tokio::time::timeout(goodbye, self.smtp.quit()).await });
        }
    }
}
