//! Upload sessions.

use reqwest::Method;
use serde_json::{Value, json};

use crate::exchange::{Got, Rig, SHARED};

const MIB: usize = 1024 * 1024;

fn item(size: usize) -> Value {
    json!({"AttachmentItem": {"attachmentType": "file", "name": "large.pdf", "size": size}})
}

/// A new session for a file of this size, and the path of its draft.
fn session(rig: &Rig, size: usize) -> (String, String) {
    let (_, draft) = rig.draft("one");
    let got = rig.post(
        &format!("{draft}/attachments/createUploadSession"),
        &item(size),
    );
    assert_eq!(got.status, 201, "{got:?}");
    let answer = got.json();
    assert_eq!(answer["nextExpectedRanges"], json!(["0-"]));
    (answer["uploadUrl"].as_str().unwrap().to_owned(), draft)
}

fn put(rig: &Rig, url: &str, file: &[u8], first: usize, end: usize) -> Got {
    let range = format!("bytes {first}-{}/{}", end - 1, file.len());
    let request = rig.http.put(url).header("Content-Range", range);
    let request = request.header("Content-Type", "application/octet-stream");
    Got::of(request.body(file[first..end].to_vec()))
}

fn file(size: usize) -> Vec<u8> {
    (0..size).map(|byte| (byte % 251) as u8).collect()
}

#[test]
fn a_large_file_arrives_range_by_range() {
    let rig = Rig::new();
    let file = file(5 * MIB);
    let (url, draft) = session(&rig, file.len());
    let middle = put(&rig, &url, &file, 0, 4 * MIB);
    assert_eq!(middle.status, 200);
    assert_eq!(middle.json()["nextExpectedRanges"], json!(["4194304"]));
    let state = Got::of(rig.http.get(&url));
    assert_eq!(state.json()["nextExpectedRanges"], json!(["4194304"]));
    let last = put(&rig, &url, &file, 4 * MIB, file.len());
    assert_eq!((last.status, last.body.as_str()), (201, ""));
    assert!(last.header("location").contains("/attachments/"));
    assert_eq!(Got::of(rig.http.get(&url)).status, 404);
    Got::of(rig.request(Method::POST, &format!("{draft}/send")));
    let sent = rig.graph.mailbox(SHARED).sent();
    assert_eq!(&*sent[0].attachments[1].bytes, &file[..]);
    assert_eq!(rig.graph.upload_urls(), [url]);
    rig.graph.assert_proper();
}

#[test]
fn ranges_come_in_order_and_are_not_too_large() {
    let rig = Rig::new();
    let file = file(5 * MIB);
    let (url, _) = session(&rig, file.len());
    assert_eq!(put(&rig, &url, &file, MIB, 2 * MIB).status, 416);
    assert_eq!(put(&rig, &url, &file, 0, 4 * MIB + 1).status, 400);
    assert_eq!(rig.graph.violations().len(), 2);
    assert_eq!(put(&rig, &url, &file, 0, MIB).status, 200);
}

#[test]
fn an_upload_address_takes_no_token() {
    let rig = Rig::new();
    let (url, _) = session(&rig, 3 * MIB);
    assert_eq!(
        Got::of(rig.http.get(&url).bearer_auth(&rig.token)).status,
        401
    );
    rig.assert_breach("bearer at an upload address");
}

#[test]
fn a_message_whose_file_is_on_its_way_is_not_to_be_sent() {
    let rig = Rig::new();
    let (url, draft) = session(&rig, 3 * MIB);
    Got::of(rig.request(Method::POST, &format!("{draft}/send")));
    rig.assert_breach("not complete");
    let rig = Rig::new();
    let (cancelled, draft) = session(&rig, 3 * MIB);
    assert_ne!(url, cancelled);
    assert_eq!(Got::of(rig.http.delete(&cancelled)).status, 204);
    Got::of(rig.request(Method::POST, &format!("{draft}/send")));
    rig.graph.assert_proper();
}

#[test]
fn small_files_and_others_mailboxes_get_no_session() {
    let rig = Rig::new();
    let (_, draft) = rig.draft("one");
    let path = format!("{draft}/attachments/createUploadSession");
    let got = rig.post(&path, &item(2_999_999));
    got.refuses(400, "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize");
    rig.graph.set_shared_uploads(false);
    rig.post(&path, &item(3_000_000))
        .refuses(403, "ErrorAccessDenied");
    let mine = rig
        .post("/me/messages", &crate::exchange::message("two"))
        .json();
    let id = mine["id"].as_str().unwrap();
    let path = format!("/me/messages/{id}/attachments/createUploadSession");
    assert_eq!(rig.post(&path, &item(3_000_000)).status, 201);
}
