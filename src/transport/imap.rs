//! A mailbox that is read with IMAP (RFC 3501, RFC 9051). Folders are opened with EXAMINE and messages
//! fetched with BODY.PEEK, so that nothing is marked.

use std::fmt;
use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_imap::error::Error;
use async_imap::types::Fetch;
use async_imap::{Authenticator, Client, Session};
use futures_util::TryStreamExt;
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::call::unauthorised;
use super::incoming::{Incoming, Listed, MOST_LISTED, plain_id};
use super::{Answer, Bearer, Cause, SendError};
use crate::config::{ImapLogin, ImapSettings};
use crate::finding::Finding;
use crate::network::{NetworkError, NetworkKind};
use crate::regular;
use crate::secret::Secret;

/// How many messages are asked about at once.
const AT_ONCE: usize = 500;

/// A connection of either kind.
trait ImapWire: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug> ImapWire for T {}

type Open = Session<Box<dyn ImapWire>>;

struct Imap {
    settings: ImapSettings,
    bearer: Arc<dyn Bearer>,
    runtime: Runtime,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    session: Option<Open>,
    /// The folder that is open.
    folder: Option<String>,
}

pub(super) fn incoming(
    settings: &ImapSettings,
    bearer: &Arc<dyn Bearer>,
) -> Result<Box<dyn Incoming>, Finding> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Finding::fault(
                format!("no connection can be opened: {error}"),
                "close other programs, then run the same command again",
            )
        })?;
    let tls = settings
        .is_protected
        .then(|| connector(settings))
        .transpose()?;
    Ok(Box::new(Imap {
        settings: settings.clone(),
        bearer: Arc::clone(bearer),
        runtime,
        tls,
        session: None,
        folder: None,
    }))
}

impl Incoming for Imap {
    fn describe(&self) -> String {
        let ImapSettings { host, port, .. } = &self.settings;
        let (ImapLogin::Password(account, _) | ImapLogin::Token(account)) = &self.settings.login;
        format!("imap {host}:{port} as {account}")
    }

    fn list(&mut self, since: Timestamp) -> Result<Vec<Listed>, SendError> {
        let mut listed = Vec::new();
        let mut opened = 0;
        for folder in self.settings.folders.clone() {
            if !self.open(&folder)? {
                continue;
            }
            opened += 1;
            // The day alone counts here, in the server's own zone (RFC 3501 section 6.4.4).
            let since = since.strftime("%-d-%b-%Y").to_string();
            let found =
                self.ask(async |session| session.uid_search(format!("SINCE {since}")).await)?;
            let mut uids: Vec<u32> = found.into_iter().collect();
            uids.sort_unstable();
            for uids in uids.chunks(AT_ONCE) {
                let set: Vec<String> = uids.iter().map(u32::to_string).collect();
                let fetched = self.fetch_all(&set.join(","), "(UID ENVELOPE)")?;
                listed.extend(fetched.iter().filter_map(|fetch| {
                    let id = fetch
                        .envelope()
                        .and_then(|envelope| envelope.message_id.as_ref());
                    let id = id.map(|id| String::from_utf8_lossy(id).into_owned());
                    Some(Listed {
                        name: format!("{} of {folder}", fetch.uid?),
                        message_id: id.as_deref().and_then(plain_id),
                    })
                }));
                if listed.len() >= MOST_LISTED {
                    break;
                }
            }
        }
        if opened == 0 {
            return Err(SendError::Unusable(Answer::new(
                Cause::Connection,
                "the mailbox has none of the folders that are named: correct returns.folders in the secrets file",
            )));
        }
        Ok(listed)
    }

    fn fetch(&mut self, name: &str, largest: u64) -> Result<Option<Vec<u8>>, SendError> {
        let Some((uid, folder)) = name.split_once(" of ") else {
            return Ok(None);
        };
        if !self.open(folder)? {
            return Ok(None);
        }
        let part = format!("(UID BODY.PEEK[]<0.{}>)", largest + 1);
        let fetched = self.fetch_all(uid, &part)?;
        Ok(fetched
            .iter()
            .find_map(|fetch| fetch.body().map(<[u8]>::to_vec)))
    }
}

impl Imap {
    /// Opens a folder to read it; says whether it is there.
    fn open(&mut self, folder: &str) -> Result<bool, SendError> {
        if self.session.is_some() && self.folder.as_deref() == Some(folder) {
            return Ok(true);
        }
        self.folder = None;
        let name = folder.to_owned();
        let opened = self.ask(async |session| match session.examine(&name).await {
            Ok(_) => Ok(true),
            Err(Error::No(_)) => Ok(false),
            Err(error) => Err(error),
        })?;
        if opened {
            self.folder = Some(folder.to_owned());
        }
        Ok(opened)
    }

    fn fetch_all(&mut self, set: &str, what: &str) -> Result<Vec<Fetch>, SendError> {
        self.ask(async |session| session.uid_fetch(set, what).await?.try_collect().await)
    }

    /// Asks in the session, which is opened where there is none. One that failed is not used again.
    fn ask<T>(
        &mut self,
        question: impl AsyncFnOnce(&mut Open) -> Result<T, Error>,
    ) -> Result<T, SendError> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self.connect()?,
        };
        // A large message may flow slowly.
        let patience = self.settings.timeout * 10;
        let answer = within(&self.runtime, patience, question(&mut session));
        match answer {
            Ok(answer) => {
                self.session = Some(session);
                Ok(answer)
            }
            Err(error) => {
                self.folder = None;
                Err(self.meaning(&error))
            }
        }
    }

    fn connect(&self) -> Result<Open, SendError> {
        let login = match &self.settings.login {
            ImapLogin::Password(account, password) => {
                return self.sign_in(account, password, false);
            }
            ImapLogin::Token(account) => account,
        };
        let token = |refused: Option<&Secret>| {
            let refused = refused.map(Secret::expose);
            let token = self.bearer.for_outlook(refused);
            token.map_err(|error| unauthorised(&error))
        };
        let first = token(None)?;
        match self.sign_in(login, &first, true) {
            // It may have been revoked before its time.
            Err(SendError::Unauthorised(_)) => self.sign_in(login, &token(Some(&first))?, true),
            other => other,
        }
    }

    fn sign_in(&self, account: &str, secret: &Secret, is_token: bool) -> Result<Open, SendError> {
        let timeout = self.settings.timeout;
        let client =
            within(&self.runtime, timeout, self.greeted()).map_err(|error| self.meaning(&error))?;
        let signed_in = async {
            let done = if is_token {
                let answer = Xoauth2 {
                    answer: format!("user={account}\x01auth=Bearer {}\x01\x01", secret.expose()),
                };
                client.authenticate("XOAUTH2", answer).await
            } else {
                client.login(account, secret.expose()).await
            };
            done.map_err(|(error, _)| error)
        };
        within(&self.runtime, timeout, signed_in).map_err(|error| match error {
            Error::No(_) | Error::Bad(_) => SendError::Unauthorised(Answer::new(
                Cause::Auth,
                &format!(
                    "{}:{} does not take the account and password, or token, of [returns] in the secrets file",
                    self.settings.host, self.settings.port
                ),
            )),
            other => self.meaning(&other),
        })
    }

    fn meaning(&self, error: &Error) -> SendError {
        let ImapSettings { host, port, .. } = &self.settings;
        let server = format!("{host}:{port}");
        let lost = match error {
            Error::Io(error) => Some(NetworkError::at(&server, error).text),
            Error::ConnectionLost => Some(NetworkKind::Cut.said_of(&server)),
            _ => None,
        };
        let text = match &lost {
            Some(lost) => format!("the mailbox cannot be read: {lost}"),
            None => format!("the mailbox at {server} cannot be read: {error}"),
        };
        let answer = Answer::new(Cause::Connection, &text);
        match lost {
            Some(_) => SendError::Transient {
                answer,
                everyone: true,
            },
            None => SendError::Unusable(answer),
        }
    }

    async fn greeted(&self) -> Result<Client<Box<dyn ImapWire>>, Error> {
        let server = (self.settings.host.as_str(), self.settings.port);
        let tcp = TcpStream::connect(server).await?;
        let wire: Box<dyn ImapWire> = match &self.tls {
            Some((connector, name)) => Box::new(connector.connect(name.clone(), tcp).await?),
            None => Box::new(tcp),
        };
        let mut client = Client::new(wire);
        client.read_response().await?.ok_or(Error::ConnectionLost)?;
        Ok(client)
    }
}

/// The one answer of XOAUTH2 (Microsoft, "Authenticate an IMAP, POP or SMTP connection using OAuth").
struct Xoauth2 {
    answer: String,
}

impl Authenticator for Xoauth2 {
    type Response = String;

    fn process(&mut self, _: &[u8]) -> String {
        // A second question tells of an error, and is answered with nothing.
        std::mem::take(&mut self.answer)
    }
}

fn within<T>(
    runtime: &Runtime,
    patience: Duration,
    future: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    runtime
        .block_on(async { tokio::time::timeout(patience, future).await })
        .unwrap_or_else(|_| Err(Error::Io(io::ErrorKind::TimedOut.into())))
}

/// Whom to trust: the system's authorities, and a private one if the secrets file names it.
fn connector(settings: &ImapSettings) -> Result<(TlsConnector, ServerName<'static>), Finding> {
    let name = ServerName::try_from(settings.host.clone()).map_err(|_| {
        Finding::fault(
            format!("returns.host `{}` is not a host name", settings.host),
            "correct it in the secrets file",
        )
    })?;
    let mut roots = RootCertStore::empty();
    // Certificates of the system that cannot be read are passed over, as browsers do.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = &settings.ca_file {
        let unusable = |why: &dyn fmt::Display| unusable(path, why);
        let file = regular::open(path).map_err(|error| unusable(&error))?;
        for certificate in CertificateDer::pem_reader_iter(file) {
            let certificate = certificate.map_err(|error| unusable(&error))?;
            roots.add(certificate).map_err(|error| unusable(&error))?;
        }
    }
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok((TlsConnector::from(Arc::new(config)), name))
}

fn unusable(path: &Path, why: &dyn fmt::Display) -> Finding {
    Finding::fault(
        format!("returns.ca_file {} cannot be used: {why}", path.display()),
        "name a PEM file with the certificate of the authority",
    )
}
