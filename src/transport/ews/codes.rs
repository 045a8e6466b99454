//! What a response code of Exchange means for the letter in hand (Microsoft, EWS reference,
//! `ResponseCode`; MS-OXWSCDATA, `ResponseCodeType`). The code decides, never the words.

use std::time::Duration;

use crate::transport::call::{Step, id};
use crate::transport::{Answer, Code, SendError};

/// What Exchange says of one thing that was asked of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct EwsError {
    pub code: String,
    pub text: String,
    /// How long it asks to wait.
    pub back_off: Option<Duration>,
    /// It was not an error but a warning: the rest of the request was not worked on.
    pub is_warning: bool,
}

impl EwsError {
    /// In one line.
    pub(super) fn answer(&self) -> Answer {
        Answer::new(Code::Exchange(id(&self.code)), &self.text)
    }

    /// Whether the item that was asked for is not there, or its name is none that Exchange Web
    /// Services gave: names change when an item moves to another folder.
    pub(super) fn is_item_missing(&self) -> bool {
        self.code == "ErrorItemNotFound" || self.code.starts_with("ErrorInvalidId")
    }

    /// What it means, by what the request does.
    pub(super) fn meaning(&self, step: Step) -> SendError {
        let said = self.answer();
        match self.code.as_str() {
            "ErrorServerBusy" | "ErrorExceededConnectionCount" => SendError::Throttled {
                wait: self.back_off,
                answer: said,
            },
            "ErrorInternalServerTransientError"
            | "ErrorMailboxStoreUnavailable"
            | "ErrorMailboxMoveInProgress" => match self.back_off {
                Some(wait) => SendError::Throttled {
                    wait: Some(wait),
                    answer: said,
                },
                None => transient(said),
            },
            // It gave up, and does not say how far it came.
            "ErrorTimeoutExpired" | "ErrorConnectionFailed" | "ErrorInternalServerError" => {
                match step {
                    Step::Prepare => transient(said),
                    Step::Release | Step::Send => SendError::InDoubt(said),
                }
            }
            // Where the draft went, the mailbox shows.
            _ if self.is_item_missing() && step != Step::Prepare => SendError::InDoubt(said),
            // Somebody changed the draft after us: the next try makes it anew.
            "ErrorIrresolvableConflict" | "ErrorStaleObject" => SendError::Transient {
                answer: said,
                everyone: false,
            },
            "ErrorMessageSizeExceeded" => {
                SendError::Rejected(said.with(
                    "the letter is larger than the mailbox may send: make the report smaller",
                ))
            }
            "ErrorInvalidRecipients"
            | "ErrorMissingRecipients"
            | "ErrorMimeContentInvalid"
            | "ErrorMimeContentInvalidBase64String"
            | "ErrorMimeContentConversionFailed"
            | "ErrorContentConversionFailed" => SendError::Rejected(said),
            "ErrorPasswordExpired" | "ErrorPasswordChangeRequired" => {
                SendError::Unauthorised(said.with("change the password"))
            }
            code => {
                match remedy(code) {
                    Some(remedy) => SendError::Unusable(said.with(remedy)),
                    None if self.is_warning && step != Step::Prepare => SendError::InDoubt(said),
                    None => SendError::Unusable(said.with(
                        "this answer is not one that postroom knows, so nothing more was sent",
                    )),
                }
            }
        }
    }
}

/// What ends the run, and who can mend it.
fn remedy(code: &str) -> Option<&'static str> {
    Some(match code {
        "ErrorSendAsDenied" => {
            "the account may not send as this mailbox: ask for the right Send As (or Send on Behalf) on it; until then the letter lies in Drafts, and the same command sends it"
        }
        "ErrorAccessDenied" | "ErrorCreateItemAccessDenied" => {
            "a right on the mailbox is missing: the account needs Full Access and Send As on it"
        }
        "ErrorFolderNotFound" | "ErrorSavedItemFolderNotFound" => {
            "a folder of the mailbox cannot be opened: the account needs Full Access on the mailbox, for Drafts and Sent Items"
        }
        "ErrorNonExistentMailbox" => {
            "there is no such mailbox: correct send_emails_as in the secrets file"
        }
        "ErrorAccountDisabled" => "the account is disabled: ask whoever runs the mail server",
        "ErrorQuotaExceeded" => "the mailbox is full: make room in it",
        "ErrorSubmissionQuotaExceeded" | "ErrorExceededMessageLimit" => {
            "the mailbox has sent as much as it may in 24 hours: wait until tomorrow"
        }
        "ErrorMessageSubmissionBlocked" => {
            "the account is blocked from sending: an administrator finds it under Restricted entities in the Defender portal"
        }
        "ErrorInvalidServerVersion" | "ErrorSchemaValidation" => {
            "the server does not take requests of Exchange 2013 SP1: use `transport = \"smtp\"` with it"
        }
        "ErrorInvalidSendItemSaveSettings" => {
            "the server does not take what save_in asks for: leave that key out of the secrets file"
        }
        _ => return None,
    })
}

fn transient(answer: Answer) -> SendError {
    SendError::Transient {
        answer,
        everyone: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The word for an outcome.
    fn word(code: &str, step: Step) -> &'static str {
        let said = EwsError {
            code: code.into(),
            text: "Words of the service.".into(),
            ..EwsError::default()
        };
        match said.meaning(step) {
            SendError::Throttled { .. } => "throttled",
            SendError::Transient { everyone: true, .. } => "transient",
            SendError::Transient { .. } => "again",
            SendError::Rejected(_) => "rejected",
            SendError::InDoubt(_) => "in doubt",
            SendError::Unauthorised(_) => "unauthorised",
            SendError::Unusable(_) => "unusable",
        }
    }

    #[test]
    fn each_code_has_its_meaning_by_step() {
        for (code, prepare, release) in [
            ("ErrorServerBusy", "throttled", "throttled"),
            ("ErrorExceededConnectionCount", "throttled", "throttled"),
            (
                "ErrorInternalServerTransientError",
                "transient",
                "transient",
            ),
            ("ErrorMailboxStoreUnavailable", "transient", "transient"),
            ("ErrorMailboxMoveInProgress", "transient", "transient"),
            ("ErrorTimeoutExpired", "transient", "in doubt"),
            ("ErrorConnectionFailed", "transient", "in doubt"),
            ("ErrorInternalServerError", "transient", "in doubt"),
            ("ErrorItemNotFound", "unusable", "in doubt"),
            ("ErrorIrresolvableConflict", "again", "again"),
            ("ErrorStaleObject", "again", "again"),
            ("ErrorInvalidRecipients", "rejected", "rejected"),
            ("ErrorMissingRecipients", "rejected", "rejected"),
            ("ErrorMessageSizeExceeded", "rejected", "rejected"),
            ("ErrorMimeContentInvalid", "rejected", "rejected"),
            (
                "ErrorMimeContentInvalidBase64String",
                "rejected",
                "rejected",
            ),
            ("ErrorContentConversionFailed", "rejected", "rejected"),
            ("ErrorPasswordExpired", "unauthorised", "unauthorised"),
            ("ErrorAccessDenied", "unusable", "unusable"),
            ("ErrorCreateItemAccessDenied", "unusable", "unusable"),
            ("ErrorSendAsDenied", "unusable", "unusable"),
            ("ErrorFolderNotFound", "unusable", "unusable"),
            ("ErrorSavedItemFolderNotFound", "unusable", "unusable"),
            ("ErrorNonExistentMailbox", "unusable", "unusable"),
            ("ErrorAccountDisabled", "unusable", "unusable"),
            ("ErrorQuotaExceeded", "unusable", "unusable"),
            ("ErrorSubmissionQuotaExceeded", "unusable", "unusable"),
            ("ErrorExceededMessageLimit", "unusable", "unusable"),
            ("ErrorMessageSubmissionBlocked", "unusable", "unusable"),
            ("ErrorSchemaValidation", "unusable", "unusable"),
            ("ErrorInvalidServerVersion", "unusable", "unusable"),
            ("ErrorOfTomorrow", "unusable", "unusable"),
        ] {
            let words = (word(code, Step::Prepare), word(code, Step::Release));
            assert_eq!(words, (prepare, release), "{code}");
        }
    }

    #[test]
    fn a_code_that_is_not_known_is_shown_whole() {
        let said = EwsError {
            code: "ErrorOfTomorrow".into(),
            text: "The server <says>\u{1b}[2J this.".into(),
            ..EwsError::default()
        };
        let SendError::Unusable(answer) = said.meaning(Step::Prepare) else {
            panic!("not unusable");
        };
        assert_eq!(answer.code, Code::Exchange("ErrorOfTomorrow".into()));
        assert!(answer.text().starts_with("The server <says>"), "{answer:?}");
        assert!(!answer.text().contains('\u{1b}'));
    }
}
