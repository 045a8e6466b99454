//! Why a connection failed, as a kind that programs can act on, beside words for people.
//!
//! The kind comes from the types that the system, rustls and reqwest give; nobody reads their words.

use std::error::Error;
use std::io;

use tokio_rustls::rustls;
use tokio_rustls::rustls::CertificateError;

/// A connection that could not be made, or that broke.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct NetworkError {
    /// What kind of failure it is.
    pub kind: NetworkKind,
    /// The words of whoever found it, without address or content.
    pub text: String,
}

/// The kinds of a failed connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkKind {
    /// The name of the server could not be resolved: there is no such host, or nobody can be asked
    /// now. Systems do not tell these apart by more than words.
    Unresolved,
    /// There is a machine and nothing listens there.
    Refused,
    /// There is no way to the machine.
    Unreachable,
    /// Nothing came in the time that it may take.
    TimedOut,
    /// The other end closed the connection, or something in between did.
    Cut,
    /// The server proves itself by a certificate that must not be taken.
    Certificate(CertificateFlaw),
    /// TLS did not come about for another reason.
    Tls,
    /// Something came that the protocol does not allow.
    Nonsense,
    /// Anything else, such as a system that has no room for another connection.
    Other,
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateFlaw {
    /// No authority that is trusted here has signed it.
    Untrusted,
    /// It was good once.
    Expired,
    /// It will be good, or the clock of this machine is wrong.
    NotYetValid,
    /// It is for another server.
    WrongName,
    /// Its authority took it back.
    Revoked,
    /// It cannot be judged, or is not made for servers.
    Unusable,
}

impl NetworkError {
    /// A failure whose kind is known.
    pub fn new(kind: NetworkKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
        }
    }

    /// A failure of the kind that an error or its causes tell, with words for people.
    pub fn of(error: &(dyn Error + 'static), text: impl Into<String>) -> Self {
        Self::new(NetworkKind::of(error), text)
    }

    /// A failure whose kind an error or its causes tell, said of a server. What the system alone knows,
    /// such as that no further file can be opened, is in its words.
    #[must_use]
    pub fn at(server: &str, error: &(dyn Error + 'static)) -> Self {
        let kind = NetworkKind::of(error);
        let mut text = kind.said_of(server);
        if kind == NetworkKind::Other
            && let Some(system) = of_system(error)
        {
            text.push_str(&format!(": {system}"));
        }
        Self::new(kind, text)
    }

    /// A name that could not be resolved.
    pub fn unresolved(text: impl Into<String>) -> Self {
        Self::new(NetworkKind::Unresolved, text)
    }

    /// Silence for too long.
    pub fn timed_out(text: impl Into<String>) -> Self {
        Self::new(NetworkKind::TimedOut, text)
    }
}

impl NetworkKind {
    /// What happened, said of a server as `HOST:PORT`.
    #[must_use]
    pub fn said_of(self, server: &str) -> String {
        match self {
            Self::Unresolved => format!("no address is known of {server}"),
            Self::Refused => format!("cannot connect to {server}: nothing listens there"),
            Self::Unreachable => format!("cannot connect to {server}: there is no way to it"),
            Self::TimedOut => format!("{server} was silent for too long"),
            Self::Cut => format!("the connection to {server} was lost"),
            Self::Certificate(flaw) => format!("{server} {}", flaw.in_words()),
            Self::Tls => format!(
                "no protected connection to {server} came about: it does not speak TLS there, or no version that is known here"
            ),
            Self::Nonsense => format!("{server} answered in another language than was spoken"),
            Self::Other => format!("the connection to {server} failed"),
        }
    }

    /// The kind of an error, by its own type or by the types of its causes, the innermost first.
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        let mut kind = Self::Other;
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(tls) = error.downcast_ref::<rustls::Error>() {
                return Self::of_tls(tls);
            }
            next = error.source();
            if let Some(error) = error.downcast_ref::<io::Error>() {
                // What wraps another error has a kind that says less than the inner one.
                kind = Self::of_io(error.kind()).unwrap_or(kind);
                // As a cause an I/O error names that of its inner error, not the error itself.
                next = error.get_ref().map(|inner| inner as _);
            }
        }
        kind
    }

    fn of_io(kind: io::ErrorKind) -> Option<Self> {
        match kind {
            io::ErrorKind::ConnectionRefused => Some(Self::Refused),
            io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::AddrNotAvailable => Some(Self::Unreachable),
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Some(Self::TimedOut),
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected
            | io::ErrorKind::UnexpectedEof => Some(Self::Cut),
            // The list of the system's kinds is open; none of the others is about a connection.
            _ => None,
        }
    }

    fn of_tls(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(error) => {
                Self::Certificate(CertificateFlaw::of(error))
            }
            rustls::Error::NoCertificatesPresented
            | rustls::Error::UnsupportedNameType
            | rustls::Error::InvalidCertRevocationList(_) => {
                Self::Certificate(CertificateFlaw::Unusable)
            }
            // The list is open. What is not about the certificate is about the conversation.
            _ => Self::Tls,
        }
    }

    /// Whether it does not get better by waiting: the server has to be mended, or what is written of
    /// it. A certificate is; whatever else breaks a connection may pass.
    #[must_use]
    pub fn lasts(self) -> bool {
        match self {
            Self::Certificate(_) => true,
            Self::Unresolved
            | Self::Refused
            | Self::Unreachable
            | Self::TimedOut
            | Self::Cut
            | Self::Tls
            | Self::Nonsense
            | Self::Other => false,
        }
    }
}

/// The error of the system among the causes of another.
fn of_system<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        next = error.source();
        if let Some(error) = error.downcast_ref::<io::Error>() {
            if error.raw_os_error().is_some() {
                return Some(error);
            }
            next = error.get_ref().map(|inner| inner as _);
        }
    }
    None
}

impl CertificateFlaw {
    /// What is wrong, said of the server.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Untrusted => "shows a certificate that no authority known here has signed",
            Self::Expired => "shows a certificate that has expired",
            Self::NotYetValid => {
                "shows a certificate that is not valid yet, or the clock of this machine is wrong"
            }
            Self::WrongName => "shows a certificate for another server",
            Self::Revoked => "shows a certificate that was revoked",
            Self::Unusable => "shows a certificate that is not made for servers, or cannot be read",
        }
    }

    fn of(error: &CertificateError) -> Self {
        match error {
            CertificateError::UnknownIssuer => Self::Untrusted,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::NotYetValid
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::WrongName
            }
            CertificateError::Revoked => Self::Revoked,
            // The list is open. Whatever it is, the certificate proves nothing.
            _ => Self::Unusable,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
    use std::sync::Arc;
    use std::thread::{self, JoinHandle};

    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    use rustls::pki_types::PrivateKeyDer;
    use rustls::{ServerConfig, ServerConnection};
    use socket2::{Domain, Socket, Type};

    use super::*;

    /// Certificates of the name `localhost` that a client must not take, but for the authority.
    pub(crate) const FLAWED: [(&str, (i32, i32), bool, CertificateFlaw); 4] = [
        ("localhost", (2020, 2090), false, CertificateFlaw::Untrusted),
        ("localhost", (2020, 2021), true, CertificateFlaw::Expired),
        (
            "localhost",
            (2090, 2091),
            true,
            CertificateFlaw::NotYetValid,
        ),
        (
            "mail.elsewhere.example",
            (2020, 2090),
            true,
            CertificateFlaw::WrongName,
        ),
    ];

    /// A server with a certificate for a name that is good from the beginning of one year to that of
    /// another, and the PEM of the authority that signed it.
    pub(crate) fn certified(name: &str, (from, until): (i32, i32)) -> (Arc<ServerConfig>, String) {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Each has a name of its own, or the signature alone would tell them apart.
        let its_name = format!("authority {}", fastrand::u64(..));
        let its_name_type = rcgen::DnType::CommonName;
        authority.distinguished_name.push(its_name_type, its_name);
        let authority_key = KeyPair::generate().unwrap();
        let pem = authority.self_signed(&authority_key).unwrap().pem();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::new(authority, authority_key);
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            );
        (Arc::new(config.unwrap()), pem)
    }

    /// Serves one connection: says and hears what `before` does in the clear, then shakes hands.
    pub(crate) fn serve(
        config: Arc<ServerConfig>,
        before: impl FnOnce(&mut TcpStream) + Send + 'static,
    ) -> (u16, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let patience = std::time::Duration::from_secs(20);
            socket.set_read_timeout(Some(patience)).unwrap();
            before(&mut socket);
            let mut tls = ServerConnection::new(config).unwrap();
            // The client turns away, which is no matter of the server's.
            let _ = tls.complete_io(&mut socket);
        });
        (port, served)
    }

    /// An address that nobody listens at, nor can while the socket lives.
    pub(crate) fn closed_port() -> (Socket, SocketAddr) {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        socket.bind(&any.into()).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        (socket, address)
    }

    #[test]
    fn the_kind_is_that_of_the_innermost_cause_that_has_one() {
        let tls = |error| io::Error::new(io::ErrorKind::InvalidData, rustls::Error::from(error));
        let expired = tls(CertificateError::Expired);
        let flaw = NetworkKind::Certificate(CertificateFlaw::Expired);
        assert_eq!(NetworkKind::of(&expired), flaw);
        // As hyper's connector wraps it.
        assert_eq!(NetworkKind::of(&io::Error::other(expired)), flaw);
        let reported = io::Error::new(io::ErrorKind::UnexpectedEof, "tls handshake eof");
        assert_eq!(NetworkKind::of(&reported), NetworkKind::Cut);
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        assert_eq!(NetworkKind::of(&io::Error::other(reset)), NetworkKind::Cut);
        // The words are nobody's business.
        let words = io::Error::other("invalid peer certificate: Expired; connection refused");
        assert_eq!(NetworkKind::of(&words), NetworkKind::Other);
    }

    #[test]
    fn each_flaw_of_a_certificate_has_its_kind() {
        for (error, flaw) in [
            (CertificateError::UnknownIssuer, CertificateFlaw::Untrusted),
            (CertificateError::Revoked, CertificateFlaw::Revoked),
            (
                CertificateError::NotValidForName,
                CertificateFlaw::WrongName,
            ),
            (CertificateError::NotValidYet, CertificateFlaw::NotYetValid),
            (CertificateError::BadEncoding, CertificateFlaw::Unusable),
            (CertificateError::BadSignature, CertificateFlaw::Unusable),
        ] {
            let kind = NetworkKind::of(&rustls::Error::InvalidCertificate(error));
            assert_eq!(kind, NetworkKind::Certificate(flaw));
            assert!(kind.lasts());
        }
        let alert = rustls::AlertDescription::CertificateUnknown;
        let alert = NetworkKind::of(&rustls::Error::AlertReceived(alert));
        // The server does not take ours, of which we have none.
        assert_eq!(alert, NetworkKind::Tls);
        assert!(!alert.lasts());
    }

    #[test]
    fn a_port_that_nobody_listens_on_refuses() {
        let (_nobody, address) = closed_port();
        let error = TcpStream::connect(address).unwrap_err();
        assert_eq!(NetworkKind::of(&error), NetworkKind::Refused);
    }

    #[test]
    fn a_silent_server_times_out_and_a_closed_one_cuts() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let patience = std::time::Duration::from_millis(20);
        socket.set_read_timeout(Some(patience)).unwrap();
        let error = socket.read(&mut [0]).unwrap_err();
        assert_eq!(NetworkKind::of(&error), NetworkKind::TimedOut);
        drop(listener.accept());
        let cut = (0..10_000).find_map(|_| socket.write_all(&[0; 1 << 12]).err());
        assert_eq!(NetworkKind::of(&cut.unwrap()), NetworkKind::Cut);
    }
}
