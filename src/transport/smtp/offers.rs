//! What a mail server offers (RFC 5321 section 4.1.1.1), and the ways to sign in (RFC 4954).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::SendError;
use super::conversation::Conversation;
use super::reply::{self, SmtpFailure};
use super::reply_reader::SmtpReply;
use crate::secret::Secret;

/// What a server offers, as far as it is used here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Offers {
    /// It can be raised to TLS (RFC 3207).
    pub starttls: bool,
    /// It takes what is asked of its delivery reports (RFC 3461 section 4).
    pub dsn: bool,
    /// The largest message that it takes, in bytes, if it says so (RFC 1870 section 4).
    pub size: Option<u64>,
    plain: bool,
    login: bool,
    xoauth2: bool,
}

/// What a sign-in proves itself by.
pub(super) enum SmtpCredential<'a> {
    /// A password.
    Password(&'a Secret),
    /// An access token.
    Token(&'a Secret),
}

impl Offers {
    /// Greets the server by this name and reads what it offers. One that does not know EHLO is greeted in
    /// the old way, and offers nothing (RFC 5321 section 3.2).
    pub(super) async fn ask(
        conversation: &mut Conversation,
        name: &str,
    ) -> Result<Self, SmtpFailure> {
        match conversation.say(&format!("EHLO {name}\r\n")).await {
            Ok(reply) => Ok(Self::of(&reply)),
            Err(SmtpFailure::Reply {
                code: 500 | 501 | 502 | 504 | 550,
                ..
            }) => {
                conversation.say(&format!("HELO {name}\r\n")).await?;
                Ok(Self::default())
            }
            Err(other) => Err(other),
        }
    }

    /// Keywords are of any case. `AUTH=` is how servers wrote it before RFC 2554, and some do still.
    fn of(reply: &SmtpReply) -> Self {
        let mut offers = Self::default();
        for line in reply.lines.iter().skip(1) {
            let line = line.to_ascii_uppercase();
            let mut words = line.split(|c: char| c.is_ascii_whitespace() || c == '=');
            match words.next() {
                Some("STARTTLS") => offers.starttls = true,
                Some("DSN") => offers.dsn = true,
                // 0 is no bound, and neither is what is no number.
                Some("SIZE") => {
                    let bytes = words.next().and_then(|bytes| bytes.parse().ok());
                    offers.size = bytes.filter(|bytes| *bytes > 0);
                }
                Some("AUTH") => {
                    for mechanism in words {
                        match mechanism {
                            "PLAIN" => offers.plain = true,
                            "LOGIN" => offers.login = true,
                            "XOAUTH2" => offers.xoauth2 = true,
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        offers
    }

    /// Signs in by a way that the server offers.
    pub(super) async fn sign_in(
        self,
        conversation: &mut Conversation,
        account: &str,
        server: &str,
        proof: &SmtpCredential<'_>,
    ) -> Result<(), SendError> {
        let (first, rest) = match proof {
            SmtpCredential::Password(password) if self.plain => {
                let initial = STANDARD.encode(format!("\0{account}\0{}", password.expose()));
                (format!("AUTH PLAIN {initial}\r\n"), Vec::new())
            }
            SmtpCredential::Password(password) if self.login => {
                let word = |text: &str| format!("{}\r\n", STANDARD.encode(text));
                let rest = vec![word(account), word(password.expose())];
                ("AUTH LOGIN\r\n".to_owned(), rest)
            }
            SmtpCredential::Token(token) if self.xoauth2 => {
                let initial = format!(
                    "user={account}\u{1}auth=Bearer {}\u{1}\u{1}",
                    token.expose()
                );
                let initial = STANDARD.encode(initial);
                // A challenge is a refusal here, whose reason comes after an empty line (Microsoft,
                // "Authenticate an IMAP, POP or SMTP connection using OAuth").
                (
                    format!("AUTH XOAUTH2 {initial}\r\n"),
                    vec!["\r\n".to_owned()],
                )
            }
            SmtpCredential::Password(_) | SmtpCredential::Token(_) => {
                return Err(reply::no_way_to_sign_in());
            }
        };
        let refused = |failure| reply::sign_in_refused(failure, proof, account, server);
        let mut answer = conversation.say(&first).await.map_err(refused)?;
        for words in rest {
            if answer.code != 334 {
                break;
            }
            answer = conversation.say(&words).await.map_err(refused)?;
        }
        if answer.code < 300 {
            Ok(())
        } else {
            Err(reply::not_signed_in(proof))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(lines: &[&str]) -> Offers {
        Offers::of(&SmtpReply {
            code: 250,
            lines: lines.iter().map(ToString::to_string).collect(),
        })
    }

    #[test]
    fn offers_are_read_in_any_case_and_in_the_old_form() {
        let all = offered(&["AUTH", "StartTLS", "dsn", "auth plain Login xoauth2"]);
        assert!(all.starttls && all.dsn && all.plain && all.login && all.xoauth2);
        let old = offered(&["mail.example", "AUTH=LOGIN PLAIN"]);
        assert!(old.plain && old.login && !old.xoauth2 && !old.dsn);
        assert_eq!(
            offered(&["mail.example", "Size 36700160"]).size,
            Some(36_700_160)
        );
        for unbounded in ["SIZE", "SIZE 0", "SIZE much", "SIZE -1"] {
            assert_eq!(offered(&["mail.example", unbounded]).size, None);
        }
        // The first line is the server's name, and others only look alike.
        assert_eq!(offered(&["DSN", "AUTHPLAIN", "XDSN"]), Offers::default());
        assert_eq!(offered(&[]), Offers::default());
    }
}
