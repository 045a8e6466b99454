//! The fake Exchange Web Services see what breaks the rules: else the tests would prove nothing.

use crate::support::ews::EwsKind;
use crate::support::ews::xml::Node;
use crate::support::ews_desk::EwsDesk;
use crate::support::exchange::NewMessage;
use crate::support::graph_desk::SHARED;
use crate::support::http;

const MESSAGES: &str = "http://schemas.microsoft.com/exchange/services/2006/messages";
const TYPES: &str = "http://schemas.microsoft.com/exchange/services/2006/types";

/// A desk with an unsent draft, and what is needed to ask by hand.
struct Rig {
    desk: EwsDesk,
    token: String,
}

impl Rig {
    fn new() -> Self {
        let desk = EwsDesk::new(1);
        let token = desk.desk.server.hand_out_access("outlook");
        Self { desk, token }
    }

    fn draft(&self) {
        let new = NewMessage {
            from: Some(SHARED.into()),
            to: vec!["head@school1.example".into()],
            properties: vec![("String {0} Name x".into(), "letter".into())],
            ..NewMessage::default()
        };
        self.desk.exchange.lock().create(SHARED, new);
    }

    /// The response code, or the HTTP status.
    fn ask(&self, kind: EwsKind, attributes: &str, inside: &str) -> String {
        let name = kind.name();
        let body = format!(
            "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:t=\"{TYPES}\" xmlns:m=\"{MESSAGES}\">\
             <soap:Header><t:RequestServerVersion Version=\"Exchange2013_SP1\"/></soap:Header>\
             <soap:Body><m:{name} {attributes}>{inside}</m:{name}></soap:Body></soap:Envelope>"
        );
        let answer = http::client()
            .build()
            .unwrap()
            .post(self.desk.ews.url())
            .bearer_auth(&self.token)
            .header("Content-Type", "text/xml; charset=utf-8")
            .header("User-Agent", "postroom/test")
            .header("X-AnchorMailbox", SHARED)
            .header("client-request-id", "00000000-9999-4aaa-8bbb-000000000001")
            .header("SOAPAction", format!("\"{MESSAGES}/{name}\""))
            .body(body)
            .send()
            .unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().unwrap();
        let Some(root) = Node::read(&text) else {
            return status.to_string();
        };
        let item = root.within("ItemId").map(|id| {
            let part = |name| id.attribute(name).unwrap();
            format!(
                "<t:ItemId Id=\"{}\" ChangeKey=\"{}\"/>",
                part("Id"),
                part("ChangeKey")
            )
        });
        item.unwrap_or_else(|| root.within("ResponseCode").unwrap().text.clone())
    }

    /// The draft's name and state.
    fn item(&self) -> String {
        let find = "<m:Restriction><t:IsEqualTo><t:ExtendedFieldURI PropertySetId=\"0\" PropertyName=\"x\" PropertyType=\"String\"/>\
                    <t:FieldURIOrConstant><t:Constant Value=\"letter\"/></t:FieldURIOrConstant></t:IsEqualTo></m:Restriction>\
                    <m:ParentFolderIds>DRAFTS</m:ParentFolderIds>";
        self.ask(
            EwsKind::FindItem,
            "",
            &find.replace("DRAFTS", &folder("drafts")),
        )
    }

    fn send(&self, save: &str, item: &str, folder: &str) -> String {
        let inside = format!("<m:ItemIds>{item}</m:ItemIds>{folder}");
        self.ask(
            EwsKind::SendItem,
            &format!("SaveItemToFolder=\"{save}\""),
            &inside,
        )
    }

    #[track_caller]
    fn assert_breach(&self, part: &str) {
        let violations = self.desk.ews.violations();
        assert!(
            violations.iter().any(|it| it.contains(part)),
            "{part:?}: {violations:#?}"
        );
    }
}

fn folder(id: &str) -> String {
    format!(
        "<t:DistinguishedFolderId Id=\"{id}\"><t:Mailbox><t:EmailAddress>{SHARED}</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>"
    )
}

fn saved_in(folder: &str) -> String {
    format!("<m:SavedItemFolderId>{folder}</m:SavedItemFolderId>")
}

#[test]
fn a_copy_without_its_mailbox_stays_in_drafts() {
    let rig = Rig::new();
    rig.draft();
    let nobodys = saved_in("<t:DistinguishedFolderId Id=\"sentitems\"/>");
    assert_eq!(rig.send("true", &rig.item(), &nobodys), "NoError");
    let mailbox = rig.desk.exchange.mailbox(SHARED);
    let counts = (
        mailbox.outgoing().len(),
        mailbox.sent().len(),
        mailbox.drafts().len(),
    );
    assert_eq!(counts, (1, 0, 1));
    rig.assert_breach("names no mailbox");
}

#[test]
fn a_folder_without_a_copy_is_refused() {
    let rig = Rig::new();
    rig.draft();
    let sent_items = saved_in(&folder("sentitems"));
    let code = rig.send("false", &rig.item(), &sent_items);
    assert_eq!(code, "ErrorInvalidSendItemSaveSettings");
    assert!(rig.desk.exchange.mailbox(SHARED).outgoing().is_empty());
    assert_eq!(rig.send("true", &rig.item(), &sent_items), "NoError");
    assert_eq!(rig.desk.exchange.mailbox(SHARED).sent().len(), 1);
    rig.desk.ews.assert_proper();
}

#[test]
fn the_state_of_a_draft_must_be_named_and_current() {
    let rig = Rig::new();
    rig.draft();
    let item = rig.item();
    let (name, _) = item.split_once(" ChangeKey").unwrap();
    let code = rig.send("false", &format!("{name}/>"), "");
    assert_eq!(code, "ErrorChangeKeyRequiredForWriteOperations");
    rig.desk.ews.change_drafts();
    assert_eq!(rig.send("false", &item, ""), "ErrorIrresolvableConflict");
    assert_eq!(rig.send("false", &rig.item(), ""), "NoError");
    // The name is gone with the draft: it cannot be sent twice.
    assert_eq!(rig.send("false", &item, ""), "ErrorItemNotFound");
}

#[test]
fn a_delegate_sends_in_no_single_step() {
    let rig = Rig::new();
    let code = rig.ask(EwsKind::CreateItem, "MessageDisposition=\"SendOnly\"", "");
    assert_eq!(code, "ErrorInvalidOperation");
    rig.assert_breach("SendOnly");
}

#[test]
fn elements_out_of_order_are_noted() {
    let rig = Rig::new();
    let inside = format!(
        "{}<m:Items><t:Message><t:From/><t:MimeContent>eA==</t:MimeContent></t:Message></m:Items>",
        saved_in(&folder("drafts"))
    );
    rig.ask(
        EwsKind::CreateItem,
        "MessageDisposition=\"SaveOnly\"",
        &inside,
    );
    rig.assert_breach("MimeContent comes too late");
}

#[test]
fn strangers_and_tokens_without_the_scope_are_kept_out() {
    let mut rig = Rig::new();
    rig.desk.desk.server.set_grant("outlook", &["SMTP.Send"]);
    rig.token = rig.desk.desk.server.hand_out_access("outlook");
    assert_eq!(rig.item(), "403");
    rig.token = rig.desk.desk.server.hand_out_access("graph");
    assert_eq!(rig.item(), "401");
}
