//! `docs/answers.md`, the manual's table of answers, is made here from what the program does with them.

use std::path::Path;

use postroom::{SendError, ews_answer, graph_error, smtp_reply};

/// Set to write the page anew.
const UPDATE: &str = "POSTROOM_UPDATE_DOCS";

/// Answers of Microsoft Graph: status and code, where there is one.
const GRAPH: &[(u16, &str)] = &[
    (400, "ErrorInvalidRecipients"),
    (400, "another code"),
    (400, ""),
    (401, ""),
    (401, "insufficient_claims"),
    (403, "ErrorAccessDenied"),
    (403, "ErrorSendAsDenied"),
    (403, "ErrorExceededMessageLimit"),
    (403, "ErrorMessageSubmissionBlocked"),
    (403, "ErrorQuotaExceeded"),
    (404, "ErrorItemNotFound"),
    (404, "ErrorInvalidUser"),
    (404, "MailboxNotEnabledForRESTAPI"),
    (408, ""),
    (413, ""),
    (413, "ErrorMessageSizeExceeded"),
    (429, ""),
    (500, ""),
    (502, ""),
    (503, ""),
    (504, ""),
];

/// Response codes of Exchange Web Services, in an answer with the status 200, and answers without one.
const EWS: &[&str] = &[
    "ErrorServerBusy",
    "ErrorExceededConnectionCount",
    "ErrorMailboxStoreUnavailable",
    "ErrorMailboxMoveInProgress",
    "ErrorInternalServerTransientError",
    "ErrorInternalServerError",
    "ErrorTimeoutExpired",
    "ErrorItemNotFound",
    "ErrorIrresolvableConflict",
    "ErrorInvalidRecipients",
    "ErrorMessageSizeExceeded",
    "ErrorMimeContentInvalid",
    "ErrorAccessDenied",
    "ErrorSendAsDenied",
    "ErrorNonExistentMailbox",
    "ErrorQuotaExceeded",
    "ErrorSubmissionQuotaExceeded",
    "ErrorMessageSubmissionBlocked",
    "ErrorAccountDisabled",
    "ErrorPasswordExpired",
    "another code",
];
const EWS_STATUS: &[u16] = &[401, 403, 404, 429, 500, 503];

/// Replies of mail servers.
const SMTP: &[(u16, &str)] = &[
    (421, ""),
    (432, ""),
    (450, ""),
    (451, ""),
    (451, "4.7.0"),
    (452, "4.3.1"),
    (454, ""),
    (530, ""),
    (535, "5.7.8"),
    (550, "5.1.1"),
    (550, "5.7.1"),
    (550, "5.1.8"),
    (552, "5.3.4"),
    (554, ""),
    (554, "5.2.252"),
    (550, "5.7.233"),
    (550, "5.7.705"),
];

/// What happens next, in a few words; the legend has them in full.
fn outcome(error: Option<&SendError>) -> &'static str {
    match error {
        None => "taken",
        Some(SendError::Throttled { .. }) => "wait",
        Some(SendError::Transient { everyone: true, .. }) => "pause",
        Some(SendError::Transient { .. }) => "again",
        Some(SendError::Rejected(_)) => "rejected",
        Some(SendError::InDoubt(_)) => "in doubt",
        Some(SendError::Unauthorised(_)) => "sign in",
        Some(SendError::Unusable(_)) => "stop",
    }
}

fn row(answer: &str, outcomes: &[&str]) -> String {
    format!("| {answer} | {} |\n", outcomes.join(" | "))
}

fn head(columns: &[&str]) -> String {
    let rule = vec!["---"; columns.len()].join("|");
    format!("| {} |\n|{rule}|\n", columns.join(" | "))
}

fn code(text: &str) -> String {
    if text.contains(' ') {
        text.to_owned()
    } else {
        format!("`{text}`")
    }
}

fn graph() -> String {
    let mut table = head(&[
        "answer",
        "making a draft",
        "sending the draft",
        "sending at once",
    ]);
    for (status, name) in GRAPH {
        let body = format!(r#"{{"error":{{"code":"{name}","message":"words"}}}}"#);
        let body = if name.is_empty() { "" } else { &body };
        let meanings = graph_error(*status, body.as_bytes());
        let answer = match *name {
            "" => format!("{status}"),
            name => format!("{status} {}", code(name)),
        };
        table += &row(
            &answer,
            &meanings.each_ref().map(|error| outcome(error.as_ref())),
        );
    }
    table
}

fn ews() -> String {
    let mut table = head(&[
        "answer",
        "making a draft",
        "sending the draft",
        "sending at once",
    ]);
    for name in EWS {
        let body = format!(
            r#"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><s:Body><m:SendItemResponse><m:ResponseMessages><m:SendItemResponseMessage ResponseClass="Error"><m:MessageText>words</m:MessageText><m:ResponseCode>{name}</m:ResponseCode></m:SendItemResponseMessage></m:ResponseMessages></m:SendItemResponse></s:Body></s:Envelope>"#
        );
        let meanings = ews_answer(200, body.as_bytes());
        table += &row(
            &code(name),
            &meanings.each_ref().map(|error| outcome(error.as_ref())),
        );
    }
    for status in EWS_STATUS {
        let meanings = ews_answer(*status, b"");
        table += &row(
            &format!("status {status}, and nothing of Exchange"),
            &meanings.each_ref().map(|error| outcome(error.as_ref())),
        );
    }
    table
}

fn smtp() -> String {
    let mut table = head(&[
        "reply",
        "connecting",
        "MAIL FROM",
        "RCPT TO",
        "DATA",
        "final dot",
    ]);
    for (number, enhanced) in SMTP {
        let meanings = smtp_reply(*number, &format!("{enhanced} words"));
        table += &row(
            format!("{number} {enhanced}").trim_end(),
            &meanings.each_ref().map(|error| outcome(Some(error))),
        );
    }
    table
}

#[test]
fn the_page_of_answers_says_what_the_program_does() {
    let page = format!(
        "{INTRODUCTION}\n## Microsoft Graph\n\n{}\n## Exchange Web Services\n\n{}\n## SMTP\n\n{}\n{END}",
        graph(),
        ews(),
        smtp()
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/answers.md");
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/answers.md is not what the program does: run this test with {UPDATE}=1\n{page}"
    );
}

const INTRODUCTION: &str = "\
# What an answer means

What postroom does with each answer of a server, at each step. The page is made by a test from the program
itself.

- **taken**: nothing is wrong with it.
- **wait**: everyone slows down. The letter stays pending, and the run waits as long as the server asks, or
  a little longer each time.
- **pause**: the server is out of reach or not ready. The run pauses, then tries the letter again.
- **again**: the letter was not taken, and is tried again, as often as `attempts` allows. Others go on.
- **rejected**: refused for good. The letter is not tried again unless you say `--retry-rejected`.
- **in doubt**: it may have gone out. It is never sent again by itself: it is looked up where that can be
  done, else `postroom resolve` asks you.
- **sign in**: the run stops with exit code 6. Sign in, then run the same command again.
- **stop**: the run stops, since every further letter would meet the same. The message says who can fix it.

An answer that never comes: before the whole request, or the final dot, can have reached the server the
letter was not taken and is tried again; after it, the letter is in doubt.
";

const END: &str = "\
At RCPT TO a refusal is about one address: the others get the letter, and the address is in the record. The
letter has the outcome that stands here only where no address is left.
";
