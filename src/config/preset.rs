//! What is known of mail services beforehand: `[smtp] preset`.

use super::SmtpSecurity;

/// A mail service whose place and limits are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpPreset {
    /// A mailbox of Exchange Online.
    Office365,
    /// Azure Communication Services.
    Acs,
    /// Amazon Simple Email Service.
    Ses,
    /// Postmark.
    Postmark,
    /// A relay of one's own, or of the university.
    Relay,
}

/// The limits that hold where the batch file writes none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Letters in any 60 seconds.
    pub messages_per_minute: Option<u32>,
    /// Letters in any hour.
    pub messages_per_hour: Option<u32>,
    /// Addresses in any 24 hours.
    pub recipients_per_day: Option<u32>,
    /// The largest encoded letter in megabytes (10^6 bytes).
    pub max_megabytes: Option<u32>,
}

impl Pace {
    /// That of a mailbox of Exchange Online, less a margin: 30 messages a minute and 10,000 addresses in
    /// any 24 hours (Microsoft, "Exchange Online limits"), 35 MB (Microsoft Graph, `createUploadSession`).
    pub const MAILBOX: Self = Self {
        messages_per_minute: Some(28),
        messages_per_hour: None,
        recipients_per_day: Some(9_500),
        max_megabytes: Some(35),
    };

    /// None: the service is asked, or sets its own for each account.
    const NONE: Self = Self {
        messages_per_minute: None,
        messages_per_hour: None,
        recipients_per_day: None,
        max_megabytes: None,
    };
}

impl Default for Pace {
    fn default() -> Self {
        Self::MAILBOX
    }
}

impl SmtpPreset {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Office365,
        Self::Acs,
        Self::Ses,
        Self::Postmark,
        Self::Relay,
    ];

    /// The word for it in the secrets file.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Office365 => "office365",
            Self::Acs => "acs",
            Self::Ses => "ses",
            Self::Postmark => "postmark",
            Self::Relay => "relay",
        }
    }

    /// The preset with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.word() == word)
    }

    /// Its host, where all its customers have the same.
    #[must_use]
    pub fn host(self) -> Option<&'static str> {
        match self {
            Self::Office365 => Some("smtp.office365.com"),
            // Microsoft, "Email SMTP support in Azure Communication Services".
            Self::Acs => Some("smtp.azurecomm.net"),
            // Postmark, "Sending with SMTP".
            Self::Postmark => Some("smtp.postmarkapp.com"),
            // One in each region, and one at each university.
            Self::Ses | Self::Relay => None,
        }
    }

    /// What to write for the host where it has to be.
    pub(super) fn host_to_write(self) -> &'static str {
        match self {
            Self::Ses => "write the one of your region, such as email-smtp.eu-west-2.amazonaws.com",
            Self::Office365 | Self::Acs | Self::Postmark | Self::Relay => {
                "write the name of the relay"
            }
        }
    }

    /// The port of a relay between servers, or that of submission (RFC 6409).
    #[must_use]
    pub fn port(self, security: SmtpSecurity) -> u16 {
        match (self, security) {
            (_, SmtpSecurity::Tls) => 465,
            (Self::Relay, _) | (_, SmtpSecurity::None) => 25,
            (Self::Office365 | Self::Acs | Self::Ses | Self::Postmark, SmtpSecurity::StartTls) => {
                587
            }
        }
    }

    /// Its limits.
    #[must_use]
    pub fn pace(self) -> Pace {
        match self {
            Self::Office365 => Pace::MAILBOX,
            // 30 a minute and 100 an hour until a support request raises them (Microsoft, "Email client
            // library overview": API throttling), and 10 MB with attachments ("Service limits").
            Self::Acs => Pace {
                messages_per_minute: Some(28),
                messages_per_hour: Some(95),
                max_megabytes: Some(10),
                ..Pace::NONE
            },
            // Rate and daily quota are the account's own; 40 MB after encoding (Amazon, "Service quotas in
            // Amazon SES").
            Self::Ses => Pace {
                max_megabytes: Some(40),
                ..Pace::NONE
            },
            // 10 MB with attachments (Postmark, "Sending with SMTP").
            Self::Postmark => Pace {
                max_megabytes: Some(10),
                ..Pace::NONE
            },
            Self::Relay => Pace::NONE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_again_and_hosts_are_of_the_services() {
        for preset in SmtpPreset::ALL {
            assert_eq!(SmtpPreset::named(preset.word()), Some(preset));
        }
        assert_eq!(SmtpPreset::named("gmail"), None);
        assert_eq!(SmtpPreset::Relay.port(SmtpSecurity::StartTls), 25);
        assert_eq!(SmtpPreset::Acs.port(SmtpSecurity::StartTls), 587);
        assert_eq!(SmtpPreset::Ses.port(SmtpSecurity::Tls), 465);
    }
}
