//! Where the letters of a plan are sent to: part of what was looked at.

use std::fmt;

use reqwest::Url;

use crate::config::{Batch, Secrets, SmtpLogin, SmtpSecurity, TransportName};

/// Transport, server, port, security and mailbox, in the words that people read. The ledger keeps them:
/// two destinations are the same when their words are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination(String);

impl Destination {
    /// Where a batch is sent to by its settings. What is missing there, or cannot be used, is a fault
    /// of the transport and follows from it.
    #[must_use]
    pub fn of(batch: &Batch, secrets: &Secrets) -> Self {
        let name = batch.dispatch.transport;
        let (sign_in, sender) = (&secrets.sign_in, secrets.send_emails_as.as_ref());
        let own = || sign_in.username.clone().unwrap_or_else(|| "me".to_owned());
        let place = match name {
            // The folder is on this machine, and the batch's.
            TransportName::Outbox => None,
            TransportName::Smtp => secrets
                .smtp
                .get()
                .ok()
                .and_then(Option::as_ref)
                .map(|smtp| {
                    let account = match &smtp.login {
                        Some(SmtpLogin::Token(account)) => format!(" as {account}"),
                        Some(SmtpLogin::Password(..)) | None => String::new(),
                    };
                    let security = match smtp.security {
                        SmtpSecurity::None => IN_THE_CLEAR,
                        SmtpSecurity::StartTls => "starttls",
                        SmtpSecurity::Tls => TLS,
                    };
                    format!("{}:{}{account}, {security}", smtp.host, smtp.port)
                }),
            TransportName::Graph => secrets
                .graph
                .get()
                .ok()
                .and_then(|graph| graph.place(sign_in, sender).ok())
                .map(|place| {
                    let mailbox = place
                        .mailbox
                        .map_or_else(own, |mailbox| mailbox.to_string());
                    of_url(&place.url, &mailbox)
                }),
            TransportName::Ews => secrets
                .ews
                .get()
                .ok()
                .and_then(|ews| ews.place(sign_in, sender).ok())
                .map(|place| {
                    let mailbox = place.mailbox.map(|mailbox| mailbox.to_string());
                    let mailbox = mailbox.or(place.anchor).unwrap_or_else(own);
                    of_url(&place.url, &mailbox)
                }),
        };
        Self(match place {
            Some(place) => format!("{name} {place}"),
            None => name.to_string(),
        })
    }

    /// Its words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const TLS: &str = "tls";
const IN_THE_CLEAR: &str = "in the clear";

fn of_url(url: &Url, mailbox: &str) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}"));
    let security = if url.scheme() == "https" {
        TLS
    } else {
        IN_THE_CLEAR
    };
    format!(
        "{host}{} as {mailbox}, {security}",
        port.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn of(transport: &str, secrets: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let batch = format!(
            "[batch]\nname = \"b\"\n[manifest]\npath = \"list.csv\"\nid = \"ID\"\nname = \"School\"\n\
             to = [\"Email\"]\n[letter]\nfrom = \"s@study.example\"\nhtml = \"letter.html\"\n\
             subject = \"Report\"\n[dispatch]\ntransport = \"{transport}\"\n"
        );
        std::fs::write(folder.path().join("batch.toml"), batch).unwrap();
        let batch = Batch::load(folder.path()).unwrap();
        let secrets = Secrets::parse(Path::new(".secrets.toml"), secrets).unwrap();
        Destination::of(&batch, &secrets).to_string()
    }

    #[test]
    fn it_tells_server_port_security_and_mailbox() {
        let ann = "send_emails_as = \"reports@study.example\"\nusername = \"ann@study.example\"\n";
        for (transport, secrets, shown) in [
            ("outbox", "smtp.host = \"relay.example\"", "outbox"),
            ("smtp", "", "smtp"),
            (
                "smtp",
                "smtp.host = \"relay.example\"",
                "smtp relay.example:587, starttls",
            ),
            (
                "smtp",
                "smtp.host = \"relay.example\"\nsmtp.security = \"none\"\nsmtp.port = 2525",
                "smtp relay.example:2525, in the clear",
            ),
            (
                "smtp",
                "send_emails_as = \"reports@study.example\"\nsmtp.host = \"smtp.office365.com\"\nsmtp.auth = \"oauth\"\nsmtp.security = \"tls\"",
                "smtp smtp.office365.com:465 as reports@study.example, tls",
            ),
            (
                "graph",
                ann,
                "graph graph.microsoft.com as reports@study.example, tls",
            ),
            (
                "graph",
                &format!("{ann}save_in = \"own\"\ngraph_url = \"http://127.0.0.1:8080\""),
                "graph 127.0.0.1:8080 as ann@study.example, in the clear",
            ),
            ("graph", "graph_url = \"https://evil.example\"", "graph"),
            (
                "ews",
                &format!("{ann}cloud = \"china\""),
                "ews partner.outlook.cn as reports@study.example, tls",
            ),
            (
                "ews",
                &format!(
                    "{ann}server = \"mail.study.example:8443\"\news_auth = \"basic\"\news_password = \"p\"\nsave_in = \"own\""
                ),
                "ews mail.study.example:8443 as ann@study.example, tls",
            ),
        ] {
            assert_eq!(of(transport, secrets), shown);
        }
    }
}
