//! What is asked of a server's delivery reports (RFC 3461): one when an address fails or is delayed,
//! with the names by which it is matched, and without the report that was attached.

use lettre::transport::smtp::extension::{MailParameter, RcptParameter};

use super::reply::SmtpFailure;
use crate::address::Address;
use crate::config::Receipts;
use crate::message::Message;

/// The longest name that a server must take (RFC 3461 section 4.4).
const LONGEST_ENVELOPE_ID: usize = 100;

/// What is asked with MAIL: headers alone come back, under the message's name.
pub(super) fn of_message(is_offered: bool, message: &Message) -> Vec<MailParameter> {
    if !is_offered {
        return Vec::new();
    }
    let mut asked = vec![mail("RET", "HDRS")];
    if message.message_id.len() <= LONGEST_ENVELOPE_ID {
        asked.push(mail("ENVID", &message.message_id));
    }
    asked
}

/// What is asked with RCPT: reports of trouble, and of delivery where the batch wants them, with the address as it was written.
pub(super) fn of_address(
    is_offered: bool,
    receipts: Receipts,
    address: &Address,
) -> Vec<RcptParameter> {
    if !is_offered {
        return Vec::new();
    }
    let rcpt = |keyword: &str, value: String| RcptParameter::Other {
        keyword: keyword.to_owned(),
        value: Some(value),
    };
    let notify = if receipts.of_delivery() {
        "SUCCESS,FAILURE,DELAY"
    } else {
        "FAILURE,DELAY"
    };
    vec![
        rcpt("NOTIFY", notify.to_owned()),
        rcpt("ORCPT", format!("rfc822;{address}")),
    ]
}

/// Whether a server offers this and then does not understand it.
pub(super) fn is_not_understood(failure: &SmtpFailure) -> bool {
    // RFC 5321 section 4.2.4 for 501 and 504, RFC 1869 for 555.
    matches!(
        failure,
        SmtpFailure::Reply {
            code: 501 | 504 | 555,
            ..
        }
    )
}

/// lettre writes the value as xtext.
fn mail(keyword: &str, value: &str) -> MailParameter {
    MailParameter::Other {
        keyword: keyword.to_owned(),
        value: Some(value.to_owned()),
    }
}
