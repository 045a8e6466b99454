//! One connection: opened, protected, signed in.
//!
//! The socket is set to send at once: Nagle's algorithm costs some 40 ms a message when the final dot
//! waits for an acknowledgement (RFC 9293 section 3.7.4). A runtime of this thread drives it.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lettre::transport::smtp::commands::{Data, Rset};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::super::call::unauthorised;
use super::super::{Answer, Bearer, Cause, SendError, one_line};
use super::conversation::{Conversation, SmtpWire};
use super::data::Stuffed;
use super::offers::{Offers, SmtpCredential};
use super::reply::{Phase, SmtpFailure};
use super::reply_reader::SmtpReply;
use super::tls;
use crate::config::{SmtpLogin, SmtpSecurity, SmtpSettings};
use crate::finding::Finding;
use crate::network::{NetworkError, NetworkKind};
use crate::secret::Secret;

/// Opens connections to one server.
pub(super) struct Connector {
    settings: SmtpSettings,
    bearer: Arc<dyn Bearer>,
    runtime: Arc<Runtime>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// The name to greet with.
    hello: String,
}

/// An open connection.
pub(super) struct Connection {
    conversation: Conversation,
    runtime: Arc<Runtime>,
    timeout: Duration,
    broken: bool,
    /// The server's name and port.
    server: String,
    /// Whether the server takes what is asked of its delivery reports (RFC 3461).
    takes_dsn: bool,
    /// The largest message that it takes, in bytes, if it says so.
    pub size: Option<u64>,
}

impl Connector {
    pub(super) fn new(settings: &SmtpSettings, bearer: &Arc<dyn Bearer>) -> Result<Self, Finding> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| {
                Finding::fault(
                    format!("no connection can be opened: {error}"),
                    "close other programs, then run the same command again",
                )
            })?;
        let tls = match settings.security {
            SmtpSecurity::None => None,
            SmtpSecurity::StartTls | SmtpSecurity::Tls => Some(tls::connector(settings)?),
        };
        Ok(Self {
            settings: settings.clone(),
            bearer: Arc::clone(bearer),
            runtime: Arc::new(runtime),
            tls,
            hello: hello(),
        })
    }

    /// The server's name and port.
    pub(super) fn server(&self) -> String {
        format!("{}:{}", self.settings.host, self.settings.port)
    }

    /// Opens a connection, protects it and signs in. A token that the server does not take is
    /// renewed once: it may have been revoked before its time.
    pub(super) fn connect(&self) -> Result<Connection, SendError> {
        let account = match &self.settings.login {
            None => return self.open(None),
            Some(SmtpLogin::Password(account, password)) => {
                return self.open(Some((account, &SmtpCredential::Password(password))));
            }
            Some(SmtpLogin::Token(account)) => account,
        };
        let with = |token: &Secret| self.open(Some((account, &SmtpCredential::Token(token))));
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

    fn open(&self, login: Option<(&str, &SmtpCredential<'_>)>) -> Result<Connection, SendError> {
        // Each step has the time that one reply may take.
        let server = self.server();
        let at_connect = |failure: SmtpFailure| failure.at(&server).refused_at(Phase::Connect);
        let mut conversation = Conversation::new(self.within("connect", self.open_wire())?);
        let mut offers = self.within(GREETING, async {
            conversation.reply().await.map_err(at_connect)?;
            let offers = Offers::ask(&mut conversation, &self.hello).await;
            offers.map_err(at_connect)
        })?;
        if self.settings.security == SmtpSecurity::StartTls
            && let Some((connector, name)) = &self.tls
        {
            if !offers.starttls {
                let text = format!(
                    "{} does not offer STARTTLS, so nothing was sent in the clear",
                    self.server()
                );
                return Err(SendError::Unusable(Answer::new(Cause::NoStartTls, &text).with(
                    "set smtp.security to \"tls\" (usually with port 465), or to \"none\" for a relay in a trusted network",
                )));
            }
            (conversation, offers) = self.within("STARTTLS", async {
                conversation.say("STARTTLS\r\n").await.map_err(at_connect)?;
                let protected = conversation.protect(connector, name.clone(), &server).await;
                let refused = |error| tls::refused(error, &self.server());
                let mut conversation = protected.map_err(refused)?;
                let offers = Offers::ask(&mut conversation, &self.hello).await;
                Ok((conversation, offers.map_err(at_connect)?))
            })?;
        }
        if let Some((account, proof)) = login {
            let signed_in = offers.sign_in(&mut conversation, account, &server, proof);
            self.within("AUTH", signed_in)?;
        }
        Ok(Connection {
            conversation,
            runtime: Arc::clone(&self.runtime),
            timeout: self.settings.timeout,
            broken: false,
            server,
            takes_dsn: offers.dsn,
            size: offers.size,
        })
    }

    async fn open_wire(&self) -> Result<SmtpWire, SendError> {
        let words = |error: &io::Error| format!("cannot connect to {}: {error}", self.server());
        let failed = |error: &io::Error| {
            SmtpFailure::Broken(NetworkError::of(error, words(error))).refused_at(Phase::Connect)
        };
        let server = (self.settings.host.as_str(), self.settings.port);
        // A name that is not known is an error like any other to the system, so it is looked up first.
        let addresses: Vec<SocketAddr> = tokio::net::lookup_host(server)
            .await
            .map_err(|error| {
                let text = format!(
                    "no address is known of {}, the server at smtp.host: {error}",
                    self.settings.host
                );
                let unknown = SmtpFailure::Broken(NetworkError::unresolved(text));
                with_step(
                    unknown.refused_at(Phase::Connect),
                    "look at the spelling of smtp.host, and whether this machine is online",
                )
            })?
            .collect();
        let tcp = TcpStream::connect(&*addresses).await.map_err(|error| {
            let next_step = "look at smtp.host and smtp.port, and whether that server is running";
            with_step(failed(&error), next_step)
        })?;
        tcp.set_nodelay(true).map_err(|error| failed(&error))?;
        let Some((connector, name)) = self
            .tls
            .as_ref()
            .filter(|_| self.settings.security == SmtpSecurity::Tls)
        else {
            return Ok(SmtpWire::Plain(tcp));
        };
        match connector.connect(name.clone(), tcp).await {
            Ok(stream) => Ok(SmtpWire::Protected(Box::new(stream))),
            Err(error) => Err(match NetworkKind::of(&error) {
                // Neither a certificate nor a port without TLS gets better by waiting.
                NetworkKind::Certificate(_) => {
                    tls::refused(NetworkError::at(&self.server(), &error), &self.server())
                }
                NetworkKind::Tls => SendError::Unusable(
                    Answer::new(
                        Cause::Tls,
                        &format!("{} does not speak TLS from the first byte", self.server()),
                    )
                    .with("set smtp.security to \"starttls\" (usually with port 587), or correct smtp.port"),
                ),
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
                let silence = SmtpFailure::silence(timeout).refused_at(Phase::Connect);
                let silence = during(&format!("{step}, {}", self.server()), silence);
                if step == GREETING && self.settings.security != SmtpSecurity::Tls {
                    // Such a server waits for the first word of TLS.
                    return Err(with_step(
                        silence,
                        "if this port speaks TLS from the first byte (usually 465), set smtp.security to \"tls\"",
                    ));
                }
                Err(silence)
            })
    }
}

/// The step in which the server speaks first.
const GREETING: &str = "greeting";

/// Adds what can be done about it.
fn with_step(failure: SendError, next_step: &str) -> SendError {
    match failure {
        SendError::Transient { answer, everyone } => SendError::Transient {
            answer: answer.with(next_step),
            everyone,
        },
        other => other,
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
fn hello() -> String {
    let name = gethostname::gethostname().to_string_lossy().into_owned();
    let is_domain = name.contains('.')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    if is_domain {
        name
    } else {
        "[127.0.0.1]".to_owned()
    }
}

impl Connection {
    /// Whether the conversation is still in step.
    pub(super) fn in_order(&self) -> bool {
        !self.broken
    }

    /// Whether all of what was written last is on its way: from then on the server may have taken
    /// it.
    pub(super) fn is_all_on_its_way(&self) -> bool {
        self.conversation.is_all_on_its_way()
    }

    /// Whether the server takes what is asked of its delivery reports.
    pub(super) fn takes_dsn(&self) -> bool {
        self.takes_dsn
    }

    /// Asks nothing of reports any more: the server offers them and does not take the words.
    pub(super) fn without_dsn(&mut self) {
        self.takes_dsn = false;
    }

    /// Gives up the transaction begun, so that the next message can follow.
    pub(super) fn reset(&mut self) -> bool {
        self.command(Rset).is_ok()
    }

    /// Sends one command and waits for its reply.
    pub(super) fn command<C: fmt::Display>(&mut self, command: C) -> Result<(), SmtpFailure> {
        self.exchange(command).map(|_| ())
    }

    /// Asks to send data; only 354 allows it (RFC 5321 section 4.1.1.4).
    pub(super) fn data(&mut self) -> Result<(), SmtpFailure> {
        let reply = self.exchange(Data)?;
        if reply.code == 354 {
            return Ok(());
        }
        self.broken = true;
        Err(
            SmtpFailure::nonsense(format!("the mail server answered DATA with {}", reply.code))
                .at(&self.server),
        )
    }

    /// Sends the data of a message and its final dot, and gives the server's words.
    ///
    /// The final reply may take ten times as long as others: RFC 5321 section 4.5.3.2.6 asks for
    /// ten minutes, since giving up early makes duplicates. The data itself may flow slowly.
    pub(super) fn message(&mut self, data: &Stuffed<'_>) -> Result<String, SmtpFailure> {
        const SLOWEST: u64 = 20_000; // bytes a second
        let patience = self.timeout * 10 + Duration::from_secs(data.bytes() / SLOWEST);
        let pieces = data.pieces();
        let said = self.conversation.say_all(&pieces);
        let reply = self
            .runtime
            .block_on(async { tokio::time::timeout(patience, said).await });
        let reply = self.judge(reply, patience)?;
        if !(200..300).contains(&reply.code) {
            self.broken = true;
            return Err(
                SmtpFailure::nonsense(format!("the mail server answered {}", reply.code))
                    .at(&self.server),
            );
        }
        let text = reply.lines.join(" ");
        Ok(one_line(&format!("{} {text}", reply.code)))
    }

    fn exchange<C: fmt::Display>(&mut self, command: C) -> Result<SmtpReply, SmtpFailure> {
        let timeout = self.timeout;
        let command = command.to_string();
        let said = self.conversation.say(&command);
        let reply = self
            .runtime
            .block_on(async { tokio::time::timeout(timeout, said).await });
        self.judge(reply, timeout)
    }

    fn judge<T>(
        &mut self,
        reply: Result<Result<T, SmtpFailure>, tokio::time::error::Elapsed>,
        waited: Duration,
    ) -> Result<T, SmtpFailure> {
        let result = match reply {
            Ok(reply) => reply,
            Err(_) => Err(SmtpFailure::silence(waited)),
        };
        // After a 421 the server closes (RFC 5321 section 3.8), and after silence nobody knows.
        self.broken |= matches!(
            &result,
            Err(SmtpFailure::Broken(_) | SmtpFailure::Reply { code: 421, .. })
        );
        result.map_err(|failure| failure.at(&self.server))
    }
}

impl Drop for Connection {
    /// Says goodbye where the conversation is in order; the reply is not waited for long.
    fn drop(&mut self) {
        if !self.broken {
            let goodbye = Duration::from_secs(2).min(self.timeout);
            let _ = self.runtime.block_on(async {
                tokio::time::timeout(goodbye, self.conversation.say("QUIT\r\n")).await
            });
        }
    }
}
