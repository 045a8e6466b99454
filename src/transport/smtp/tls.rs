//! Whom to trust: the system's authorities, and a private one if the secrets file names it.

use std::path::Path;
use std::sync::Arc;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::{Certificate, TlsParameters};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::super::{Answer, SendError};
use super::reply::{Failure, Phase};
use crate::config::SmtpSettings;
use crate::fault::Fault;
use crate::regular;

/// What STARTTLS needs: lettre raises the connection itself.
pub(super) fn for_starttls(settings: &SmtpSettings) -> Result<TlsParameters, Fault> {
    let cannot = |error: Error| {
        Fault::new(
            format!("TLS cannot be set up for {}: {error}", settings.host),
            "correct smtp.host or smtp.ca_file in the secrets file",
        )
    };
    let mut builder = TlsParameters::builder(settings.host.clone());
    for certificate in authority(settings)? {
        let certificate = Certificate::from_der(certificate.to_vec()).map_err(cannot)?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(cannot)
}

/// What TLS from the first byte needs.
pub(super) fn from_the_start(
    settings: &SmtpSettings,
) -> Result<(TlsConnector, ServerName<'static>), Fault> {
    let name = ServerName::try_from(settings.host.clone()).map_err(|_| {
        Fault::new(
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
pub(super) fn refused(error: Error) -> SendError {
    match Failure::from(error) {
        Failure::Broken(text) if text.contains("certificate") => {
            SendError::Unusable(Answer::new("TLS", &text))
        }
        other => other.refused_at(Phase::Connect),
    }
}

/// The certificates of `smtp.ca_file`; none when no file is named.
fn authority(settings: &SmtpSettings) -> Result<Vec<CertificateDer<'static>>, Fault> {
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

fn unusable(settings: &SmtpSettings, why: &str) -> Fault {
    let path = settings.ca_file.as_deref().unwrap_or(Path::new(""));
    Fault::new(
        format!("smtp.ca_file {} {why}", path.display()),
        "name a PEM file with the certificate of the authority",
    )
}
