//! What must hold of each kind of hostile input, whatever is in it. The fuzz targets look for inputs
//! of which it does not, and an ordinary test tries those that were found before.

use std::collections::HashSet;
use std::path::Path;

use postroom::{
    Address, Batch, Finding, HeaderText, MAX_RECIPIENTS, Mailbox, Manifest, Meanings, Secrets,
    SendError, ews_answer, graph_error, parse_list, read, read_pdf, render_template, smtp_bytes,
    smtp_reply,
};

/// A mail is read as something, within bounds, and in the same way each time.
pub fn returned_mail(bytes: &[u8]) {
    let mail = read(bytes);
    assert!(mail.recipients.len() <= MAX_RECIPIENTS);
    for recipient in &mail.recipients {
        let addresses = [&recipient.original, &recipient.last];
        assert!(addresses.into_iter().flatten().all(|it| it.contains('@')));
    }
    assert_eq!(read(bytes), mail);
}

/// What an address, a header or a cell of addresses is taken for, it is taken for again.
pub fn address(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Address::parse(text) {
        Ok(address) => {
            assert_eq!(address.as_str(), text);
            assert_address(&address);
        }
        Err(error) => assert_tame(&error.to_string()),
    }
    match HeaderText::parse(text) {
        Ok(header) => assert_header(&header),
        Err(error) => assert_tame(&error.to_string()),
    }
    match parse_list(text) {
        Ok(mailboxes) => mailboxes.iter().for_each(assert_mailbox),
        Err(error) => assert_tame(&error.to_string()),
    }
}

fn assert_address(address: &Address) {
    let text = address.as_str();
    assert_eq!(Address::parse(text).as_ref(), Ok(address));
    assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text:?}");
    assert!(!text.contains(['<', '>', ',', ';', '"']), "{text:?}");
    assert!(text.ends_with(address.domain()) && address.domain().contains('.'));
    assert_eq!(parse_list(text).map(|list| list.len()), Ok(1));
    assert_tame(&address.masked());
}

fn assert_header(header: &HeaderText) {
    let text = header.as_str();
    assert_eq!(text.trim(), text);
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    assert!(!text.contains(breaks), "{text:?}");
    assert_eq!(HeaderText::parse(text).as_ref(), Ok(header));
}

fn assert_mailbox(mailbox: &Mailbox) {
    assert_address(&mailbox.address);
    let Some(name) = &mailbox.name else {
        assert_eq!(Mailbox::parse(&mailbox.to_string()).as_ref(), Ok(mailbox));
        return;
    };
    assert_header(name);
    assert!(!name.as_str().is_empty());
    // A name with the signs of a list in it is quoted where a message is written, not here.
    if !name.as_str().contains(['"', ',', ';', '<', '>', '\\']) {
        assert_eq!(Mailbox::parse(&mailbox.to_string()).as_ref(), Ok(mailbox));
    }
}

/// A batch file that is taken holds what the program relies on, and so does a secrets file.
pub fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Batch::parse(Path::new("batch.toml"), text) {
        Ok(batch) => {
            assert!(!batch.name.is_empty() && !batch.manifest.to.is_empty());
            assert!(batch.dispatch.connections.get() <= 64);
            for path in [
                Some(&batch.manifest.path),
                batch.letter.markdown.as_ref(),
                batch.letter.html.as_ref(),
                batch.letter.text.as_ref(),
            ] {
                let leaves = path.is_some_and(|path| {
                    path.is_absolute() || path.components().any(|part| part.as_os_str() == "..")
                });
                assert!(batch.allow_outside || !leaves, "{path:?}");
            }
        }
        // The console makes it safe to show: it quotes the line at fault.
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    match Secrets::parse(Path::new(".secrets.toml"), text) {
        Ok(secrets) => secrets.send_emails_as.iter().for_each(assert_address),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A list in CSV.
pub fn manifest_csv(bytes: &[u8]) {
    manifest("list.csv", bytes);
}

/// A list in XLSX.
pub fn manifest_xlsx(bytes: &[u8]) {
    manifest("list.xlsx", bytes);
}

/// A list gives faults that a terminal may show, or recipients: each with an id of its own and an
/// address, and each row that is not blank with one of them.
fn manifest(name: &str, bytes: &[u8]) {
    let batch = format!(
        "[batch]\nname = \"x\"\n[manifest]\npath = \"{name}\"\nid = \"ID\"\nname = \"School\"\n\
         to = [\"Email\"]\n[letter]\nsubject = \"x\"\nhtml = \"x.html\"\n"
    );
    let batch = Batch::parse(Path::new("batch.toml"), &batch).expect("it is one of ours");
    let (manifest, findings) = Manifest::of_bytes(bytes, &batch.manifest);
    assert_eq!(manifest.is_none(), findings.iter().any(Finding::is_fault));
    for finding in &findings {
        for text in [&finding.text, &finding.next_step, &finding.place()] {
            assert_tame(text);
        }
    }
    let Some(manifest) = manifest else {
        return;
    };
    assert!(!manifest.is_empty());
    let (mut ids, mut rows) = (HashSet::new(), HashSet::new());
    for index in 0..manifest.len() {
        let recipient = manifest.recipient(index);
        let id = recipient.id();
        assert!(ids.insert(id) && !id.is_empty() && id.trim() == id && id.len() <= 200);
        assert!(!id.contains(char::is_control) && !recipient.name().is_empty());
        assert!(recipient.rows.iter().all(|row| rows.insert(*row)));
        let addressees = recipient.addressees();
        assert!(!addressees.to.is_empty());
        addressees.to.iter().for_each(assert_mailbox);
    }
    let table = manifest.table();
    let blank = (0..table.len()).filter(|&row| {
        (0..table.headers().len()).all(|column| table.cell(row, column).trim().is_empty())
    });
    assert_eq!(rows.len() + blank.count(), table.len());
}

/// An answer of Exchange Web Services.
pub fn ews(bytes: &[u8]) {
    let Some((status, body)) = answer(bytes) else {
        return;
    };
    let meanings = ews_answer(status, body);
    meanings.iter().flatten().for_each(assert_error_is_tame);
    let says = |words: &str| {
        body.windows(words.len())
            .any(|part| part == words.as_bytes())
    };
    if status == 200 && !says("Fault") && !says("ResponseMessages") {
        assert_in_doubt(&meanings);
    }
}

/// An answer of Microsoft Graph.
pub fn graph(bytes: &[u8]) {
    let Some((status, body)) = answer(bytes) else {
        return;
    };
    let meanings = graph_error(status, body);
    meanings.iter().flatten().for_each(assert_error_is_tame);
    if (500..600).contains(&status) && status != 503 && !body.contains(&b'{') {
        assert_in_doubt(&meanings);
    }
}

/// An answer whose first byte chooses the status.
fn answer(bytes: &[u8]) -> Option<(u16, &[u8])> {
    const STATUS: [u16; 16] = [
        200, 500, 400, 429, 401, 403, 404, 503, 302, 408, 409, 412, 413, 422, 502, 599,
    ];
    let (first, body) = bytes.split_first()?;
    Some((STATUS[usize::from(first % 16)], body))
}

/// A letter that may have gone out is not sent again by itself.
fn assert_in_doubt(meanings: &Meanings) {
    for meaning in &meanings[1..] {
        assert!(
            matches!(meaning, Some(SendError::InDoubt(_))),
            "{meaning:?}"
        );
    }
}

fn assert_error_is_tame(error: &SendError) {
    let (SendError::Throttled { answer, .. }
    | SendError::Transient { answer, .. }
    | SendError::Rejected(answer)
    | SendError::InDoubt(answer)
    | SendError::Unauthorised(answer)
    | SendError::Unusable(answer)) = error;
    let code = answer.code.to_string();
    assert_tame(&code);
    assert_tame(&answer.line());
    assert!(
        code.len() < 400 && answer.text().chars().count() <= 500,
        "{answer:?}"
    );
}

/// Bytes of a mail server: they are the same replies however they are cut, each with the code that
/// stands in it, and no more of them is held than a line.
pub fn smtp(bytes: &[u8]) {
    const LONGEST_LINE: usize = 64 << 10;
    let Some((first, bytes)) = bytes.split_first() else {
        return;
    };
    let piece = 1 + usize::from(*first) * 8;
    let read = smtp_bytes(bytes, piece);
    assert!(read.most_held <= LONGEST_LINE + piece, "{}", read.most_held);
    let whole = smtp_bytes(bytes, bytes.len());
    assert_eq!((&read.replies, &read.error), (&whole.replies, &whole.error));
    let mut rest = bytes;
    for (code, text) in &read.replies {
        assert!(rest.starts_with(code.to_string().as_bytes()), "{code}");
        // A reply ends with its first line that does not go on.
        let is_last = |line: &[u8]| line.get(3) != Some(&b'-');
        loop {
            let end = rest
                .iter()
                .position(|byte| *byte == b'\n')
                .expect("a whole line");
            let (line, next) = rest.split_at(end + 1);
            rest = next;
            if is_last(line) {
                break;
            }
        }
        if *code >= 400 {
            smtp_reply(*code, text)
                .iter()
                .for_each(assert_error_is_tame);
        }
    }
}

/// A template that repeats texts and values writes what it should, or is refused once that is more than
/// a letter may have. What it holds and does not write is watched while a run makes it.
pub fn template(bytes: &[u8]) {
    const LARGEST_BODY: usize = 4 << 20;
    const LARGEST_VALUE: usize = 8 << 20;
    let Some((first, bytes)) = bytes.split_first() else {
        return;
    };
    let (program, value) = bytes.split_at(bytes.len().min(usize::from(*first) % 64));
    let Ok(value) = std::str::from_utf8(value) else {
        return;
    };
    let mut source = String::from("{% set s = 'ab' %}");
    let (mut held, mut written) = (2, 0);
    for step in program {
        let count = 1 + usize::from(step / 5);
        match step % 5 {
            0 => {
                source += "{{ v }}";
                written += value.len();
            }
            1 if held < LARGEST_VALUE => {
                source += "{% set s = s ~ s %}";
                held *= 2;
            }
            2 if held < LARGEST_VALUE => {
                source += "{% set s = s ~ v %}";
                held += value.len();
            }
            3 => {
                source +=
                    &format!("{{% for turn in range(end={count}) %}}{{{{ s }}}}{{% endfor %}}");
                written += count * held;
            }
            _ => {
                source += &format!("{{% if {count} > 20 %}}xyz{{% else %}}x{{% endif %}}");
                written += if count > 20 { 3 } else { 1 };
            }
        }
        if written > LARGEST_BODY {
            break;
        }
    }
    match render_template(&source, value, false) {
        Ok(text) => {
            assert!(
                written <= LARGEST_BODY,
                "{written} bytes were to be refused"
            );
            assert_eq!(text.len(), written, "{source}");
        }
        Err(finding) => {
            assert!(written > LARGEST_BODY, "{written} bytes: {finding:?}");
            assert_tame(&finding.text);
        }
    }
    if let Ok(html) = render_template("<p>{{ v }}</p>", value, true) {
        let inner = html
            .strip_prefix("<p>")
            .and_then(|rest| rest.strip_suffix("</p>"));
        assert!(
            inner.is_some_and(|inner| !inner.contains(['<', '>', '"'])),
            "{html}"
        );
    }
}

/// The text of a PDF is bounded, and stands on pages.
pub fn pdf(bytes: &[u8]) {
    let (pages, text) = read_pdf(bytes);
    if let Some(text) = text {
        assert!(text.len() <= 5 << 20, "{} bytes", text.len());
        assert!(pages.is_some_and(|pages| (1..=5_000).contains(&pages)));
    }
}

/// One line that a terminal may show as it is.
fn assert_tame(text: &str) {
    let wild = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    assert!(!text.contains(wild), "{text:?}");
}
