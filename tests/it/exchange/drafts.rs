//! Drafts: made, looked at, sent once, deleted.

use reqwest::Method;
use serde_json::json;

use crate::exchange::{Got, Rig, SHARED, TAG, client_request_id, encoded, message, with_json};

#[test]
fn a_draft_is_made_looked_at_and_sent() {
    let rig = Rig::new();
    let (id, path) = rig.draft("one");
    let mailbox = rig.graph.mailbox(SHARED);
    assert_eq!(mailbox.drafts()[0].id, id);
    let expand = encoded(&format!(
        "singleValueExtendedProperties($filter=id eq '{TAG}')"
    ));
    let look = format!("{path}?$select=isDraft,internetMessageId,parentFolderId&$expand={expand}");
    let draft = rig.get(&look).json();
    let property = json!([{"id": TAG, "value": "one"}]);
    let expected = json!({
        "id": id, "isDraft": true, "internetMessageId": "<one@study.example>",
        "parentFolderId": "folder-drafts", "singleValueExtendedProperties": property,
    });
    assert_eq!(draft, expected);
    let send = rig.request(Method::POST, &format!("{path}/send"));
    assert_eq!(Got::of(send).status, 202);
    let sent = rig.get(&look).json();
    assert_eq!((&sent["id"], &sent["isDraft"]), (&json!(id), &json!(false)));
    assert_eq!(sent["parentFolderId"], "folder-sent-items");
    assert_eq!(mailbox.sent().len(), 1);
    rig.graph.assert_proper();
}

#[test]
fn a_draft_is_sent_only_once() {
    let rig = Rig::new();
    let (_, path) = rig.draft("one");
    let send = || Got::of(rig.request(Method::POST, &format!("{path}/send")));
    assert_eq!(send().status, 202);
    send().refuses(400, "ErrorInvalidOperation");
    rig.assert_breach("no draft");
    assert_eq!(rig.graph.mailbox(SHARED).sent().len(), 1);
}

#[test]
fn a_draft_can_be_deleted_and_a_sent_message_not() {
    let rig = Rig::new();
    let (_, path) = rig.draft("one");
    assert_eq!(rig.delete(&path).status, 204);
    assert_eq!(rig.graph.mailbox(SHARED).deleted().len(), 1);
    rig.get(&path).refuses(404, "ErrorItemNotFound");
    let (_, path) = rig.draft("two");
    Got::of(rig.request(Method::POST, &format!("{path}/send")));
    assert_eq!(rig.delete(&path).status, 400);
    assert_eq!(rig.graph.mailbox(SHARED).sent().len(), 1);
}

#[test]
fn a_draft_without_an_immutable_id_is_a_breach() {
    let rig = Rig::new();
    let url = format!("{}/v1.0/users/{SHARED}/messages", rig.graph.url());
    let request = rig.http.post(url).bearer_auth(&rig.token);
    let request = request.header("client-request-id", client_request_id(1));
    assert_eq!(Got::of(with_json(request, &message("one"))).status, 201);
    rig.assert_breach("Prefer");
}

#[test]
fn small_files_are_attached_to_a_draft() {
    let rig = Rig::new();
    let (_, path) = rig.draft("one");
    let file = |bytes: &str| {
        json!({
            "@odata.type": "#microsoft.graph.fileAttachment",
            "name": "notes.txt",
            "contentType": "text/plain",
            "contentBytes": bytes,
        })
    };
    let place = format!("{path}/attachments");
    assert_eq!(rig.post(&place, &file("aGVsbG8=")).status, 201);
    let list = rig.get(&place).json();
    assert_eq!(list["value"][1]["name"], "notes.txt");
    assert_eq!(list["value"][1]["size"], 5);
    rig.graph.set_small_file(5);
    assert_eq!(rig.post(&place, &file("aGVsbG8=")).status, 413);
    rig.assert_breach("without an upload session");
    assert_eq!(rig.graph.mailbox(SHARED).drafts()[0].attachments.len(), 2);
}
