//! Whom to trust: the system's authorities, and a private one if the secrets file names it.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::super::{Answer, Cause, SendError};
use super::reply::{Phase, SmtpFailure};
use crate::config::SmtpSettings;
use crate::finding::Finding;
use crate::network::{CertificateFlaw, NetworkError, NetworkKind};
use crate::regular;

/// What a protected connection needs.
pub(super) fn connector(
    settings: &SmtpSettings,
) -> Result<(TlsConnector, ServerName<'static>), Finding> {
    let name = ServerName::try_from(settings.host.clone()).map_err(|_| {
        Finding::fault(
            format!("smtp.host `{}` is not a host name", settings.host),
            "correct it in the secrets file",
        )
    })?;
    let mut roots = RootCertStore::empty();
    // Certificates of the system that cannot be read are passed over, as browsers do.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for certificate in authority(settings)? {
        roots.add(certificate).map_err(|error| {
            unusable(
                settings,
                &format!("holds a certificate that cannot be used: {error}"),
            )
        })?;
    }
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok((TlsConnector::from(Arc::new(config)), name))
}

/// A failed handshake: a certificate that is not trusted does not get better by waiting.
pub(super) fn refused(error: NetworkError, server: &str) -> SendError {
    let NetworkKind::Certificate(flaw) = error.kind else {
        return SmtpFailure::Broken(error).refused_at(Phase::Connect);
    };
    let next_step = match flaw {
        CertificateFlaw::Untrusted => {
            "name the file with your authority's certificate as smtp.ca_file, or correct smtp.host"
        }
        CertificateFlaw::WrongName => "write the name as smtp.host that the certificate is for",
        CertificateFlaw::NotYetValid => "look at the clock of this machine",
        CertificateFlaw::Expired | CertificateFlaw::Revoked | CertificateFlaw::Unusable => {
            "ask whoever runs the server for a new certificate"
        }
    };
    let text = format!("{server} {}", flaw.in_words());
    SendError::Unusable(Answer::new(Cause::Tls, &text).with(next_step))
}

/// The certificates of `smtp.ca_file`; none when no file is named.
fn authority(settings: &SmtpSettings) -> Result<Vec<CertificateDer<'static>>, Finding> {
    let Some(path) = &settings.ca_file else {
        return Ok(Vec::new());
    };
    let file = regular::open(path)
        .map_err(|error| unusable(settings, &format!("cannot be read: {error}")))?;
    let certificates = CertificateDer::pem_reader_iter(file)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unusable(settings, &format!("cannot be read: {error}")))?;
    if certificates.is_empty() {
        return Err(unusable(settings, "holds no certificate"));
    }
    Ok(certificates)
}

fn unusable(settings: &SmtpSettings, why: &str) -> Finding {
    let path = settings.ca_file.as_deref().unwrap_or(Path::new(""));
    Finding::fault(
        format!("smtp.ca_file {} {why}", path.display()),
        "name a PEM file with the certificate of the authority",
    )
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpStream;
    use std::time::Duration;

    use super::super::conversation::{Conversation, SmtpWire};
    use super::super::offers::Offers;
    use super::*;
    use crate::config::SmtpSecurity;
    use crate::network::tests::{FLAWED, certified, serve};

    fn settings(port: u16, ca_file: &Path) -> SmtpSettings {
        SmtpSettings {
            preset: None,
            host: "localhost".into(),
            port,
            security: SmtpSecurity::StartTls,
            login: None,
            ca_file: Some(ca_file.to_owned()),
            timeout: Duration::from_secs(20),
        }
    }

    /// Raises a connection to TLS, and gives why that failed.
    fn raise(port: u16, ca_file: &Path) -> NetworkError {
        let (connector, name) = connector(&settings(port, ca_file)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await;
            let mut conversation = Conversation::new(SmtpWire::Plain(stream.unwrap()));
            conversation.reply().await.unwrap();
            let offers = Offers::ask(&mut conversation, "here.example").await;
            assert!(offers.unwrap().starttls);
            conversation.say("STARTTLS\r\n").await.unwrap();
            conversation
                .protect(&connector, name, "mail.example:25")
                .await
                .unwrap_err()
        })
    }

    /// As much of SMTP as leads to TLS.
    fn begin(socket: &mut TcpStream) {
        let mut lines = BufReader::new(socket.try_clone().unwrap());
        for said in ["220 here\r\n", "250-here\r\n250 STARTTLS\r\n", "220 go\r\n"] {
            socket.write_all(said.as_bytes()).unwrap();
            if said != "220 go\r\n" {
                lines.read_line(&mut String::new()).unwrap();
            }
        }
    }

    #[test]
    fn a_certificate_that_must_not_be_taken_stops_the_run_and_is_reported_by_its_flaw() {
        let folder = tempfile::tempdir().unwrap();
        let ca_file = folder.path().join("authority.pem");
        let (_, other_authority) = certified("localhost", (2020, 2090));
        for (name, years, trusted, flaw) in FLAWED {
            let (config, authority) = certified(name, years);
            let authority = if trusted {
                &authority
            } else {
                &other_authority
            };
            std::fs::write(&ca_file, authority).unwrap();
            let (port, served) = serve(config, begin);
            let error = raise(port, &ca_file);
            served.join().unwrap();
            assert_eq!(error.kind, NetworkKind::Certificate(flaw), "{error}");
            let SendError::Unusable(answer) = refused(error, "localhost:25") else {
                panic!("{flaw:?}");
            };
            assert_eq!(answer.code, Cause::Tls.into());
        }
    }

    #[test]
    fn noise_instead_of_tls_may_pass() {
        let folder = tempfile::tempdir().unwrap();
        let ca_file = folder.path().join("authority.pem");
        let (config, authority) = certified("localhost", (2020, 2090));
        std::fs::write(&ca_file, authority).unwrap();
        let (port, served) = serve(config, |socket| {
            begin(socket);
            socket.write_all(b"220 still here\r\n").unwrap();
        });
        let error = raise(port, &ca_file);
        assert!(
            matches!(error.kind, NetworkKind::Tls | NetworkKind::Nonsense),
            "{error}"
        );
        served.join().unwrap();
        assert!(matches!(
            refused(error, "localhost:25"),
            SendError::Transient { everyone: true, .. }
        ));
    }
}
