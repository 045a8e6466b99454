//! The requests as they go over the wire, kept whole.

use insta::assert_snapshot;

use crate::support::ews::{EwsAction, EwsKind};
use crate::support::ews_desk::EwsDesk;
use crate::support::ews_schema::assert_valid;
use crate::support::http::Response;

/// An answer to FindItem in two folders, with other prefixes than usual.
pub(crate) fn nothing_found() -> Response {
    let one = "<FindItemResponseMessage ResponseClass='Success'><ResponseCode>NoError</ResponseCode>\
               <RootFolder TotalItemsInView='0'><q:Items xmlns:q='http://schemas.microsoft.com/exchange/services/2006/types'/>\
               </RootFolder></FindItemResponseMessage>";
    let body = format!(
        "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body><FindItemResponse \
         xmlns='http://schemas.microsoft.com/exchange/services/2006/messages'><ResponseMessages>{one}{one}\
         </ResponseMessages></FindItemResponse></e:Body></e:Envelope>"
    );
    Response::new(200, "text/xml", body)
}

/// One element a line, without what differs from run to run.
fn form(operation: &str) -> String {
    let mut lines = Vec::new();
    for line in operation.replace("><", ">\n<").lines() {
        let is_mime = line.starts_with("<t:MimeContent");
        let tag = line.split_inclusive('>').next().unwrap_or_default();
        lines.push(match line {
            _ if is_mime => format!("{tag}[base64]</t:MimeContent>"),
            _ if line.starts_with("<t:ItemId") => {
                let key = if line.contains(" ChangeKey=") {
                    " ChangeKey=\"[key]\""
                } else {
                    ""
                };
                format!("<t:ItemId Id=\"[id]\"{key}/>")
            }
            // It follows from the report.
            _ if is_report_mark(line) => "<t:Value>[report]</t:Value>".to_owned(),
            // It follows from the letter's digest.
            _ => match line.find(".postroom@") {
                Some(end) => format!("{}[digest]{}", &line[..end - 32], &line[end..]),
                None => line.to_owned(),
            },
        });
    }
    lines.join("\n")
}

fn is_report_mark(line: &str) -> bool {
    let value = line.strip_prefix("<t:Value>");
    let value = value.and_then(|rest| rest.strip_suffix("</t:Value>"));
    value.is_some_and(|value| value.len() == 32 && value.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[test]
fn every_operation_has_its_form() {
    let desk = EwsDesk::new(1);
    let batch = &desk.desk.batch;
    batch.replace(
        "batch.toml",
        "to = [\"Email\"]",
        "to = [\"Email\"]\nbcc = [\"Watch\"]",
    );
    batch.write(
        "list.csv",
        "ID,School,Email,Watch\nS001,School 1,teacher1@school1.example,Team A & B <team@study.example>\n",
    );
    desk.desk.run("check", &["--online"]).expect(0);
    // A draft that is made without an answer is looked for and removed; one that is sent without an answer is
    // looked at.
    desk.ews.script(|event| match (event.kind, event.turn) {
        (EwsKind::CreateItem | EwsKind::SendItem, 1) => EwsAction::CutAfter,
        _ => EwsAction::Proceed,
    });
    desk.desk.send().expect(0);
    let requests = desk.ews.requests();
    let mut forms = Vec::new();
    let mut kinds = Vec::new();
    for request in &requests {
        if !kinds.contains(&request.kind) {
            kinds.push(request.kind);
            forms.push(form(&request.operation));
        }
    }
    assert_eq!(kinds.len(), 6, "{kinds:?}");
    assert_snapshot!(forms.join("\n\n"));
    desk.assert_proper();
}

#[test]
fn a_send_without_a_copy_names_no_folder() {
    let desk = EwsDesk::new(1);
    desk.secrets("save_in = \"none\"\n");
    desk.desk.send().expect(0);
    let requests = desk.ews.requests();
    let send = requests.iter().find(|it| it.kind == EwsKind::SendItem);
    assert_snapshot!(form(&send.unwrap().operation));
}

/// The check itself must be able to fail.
#[test]
fn the_schema_refuses_what_is_out_of_order() {
    if std::env::var_os("POSTROOM_EWS_SCHEMA").is_none() {
        return;
    }
    let wrong = "<m:SendItem xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\" \
                 SaveItemToFolder=\"perhaps\"/>";
    let refused = std::panic::catch_unwind(|| assert_valid([wrong]));
    assert!(!matches!(refused, Ok(true)), "the schema took it");
}
