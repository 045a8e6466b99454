use super::*;

const LETTER: &str = "letter@study.example";

/// A mailbox that answers what a test says, and notes what is removed.
#[derive(Default)]
struct Fake {
    named: Option<FoundMessage>,
    found: Vec<FoundMessage>,
    with_report: Vec<FoundMessage>,
    removed: Vec<String>,
    cannot_remove: bool,
}

impl Drafts for Fake {
    fn by_name(
        &mut self,
        _: bool,
        name: &str,
        _: &mut Trail<'_>,
    ) -> Result<Option<FoundMessage>, SendError> {
        Ok(self.named.clone().filter(|found| found.id == name))
    }

    fn by_mark(
        &mut self,
        _: bool,
        mark: DraftMark,
        _: &str,
        _: &mut Trail<'_>,
    ) -> Result<Vec<FoundMessage>, SendError> {
        let found = match mark {
            DraftMark::Message => &self.found,
            DraftMark::Report => &self.with_report,
        };
        Ok(found.clone())
    }

    fn by_message_id(
        &mut self,
        _: bool,
        _: &str,
        _: &mut Trail<'_>,
    ) -> Result<Vec<FoundMessage>, SendError> {
        Ok(Vec::new())
    }

    fn remove(&mut self, _: bool, name: &str, _: &mut Trail<'_>) -> Result<bool, SendError> {
        self.removed.push(name.to_owned());
        Ok(!self.cannot_remove)
    }
}

fn draft(id: &str, change_key: &str) -> FoundMessage {
    FoundMessage {
        id: id.into(),
        change_key: Some(change_key.into()),
        is_draft: true,
        ..FoundMessage::default()
    }
}

fn note(draft: Option<&str>) -> DraftNote {
    DraftNote {
        draft: draft.map(str::to_owned),
        change_key: draft.map(|_| "K1".to_owned()),
        ..DraftNote::begun(false)
    }
}

fn ask(fake: &mut Fake, note: Option<DraftNote>) -> Became {
    let mut trail = Trail {
        trace: "",
        request_ids: &mut Vec::new(),
    };
    became(fake, note, LETTER, &mut trail).unwrap()
}

#[test]
fn a_draft_as_we_left_it_is_ready() {
    let mut fake = Fake {
        named: Some(draft("A", "K1")),
        ..Fake::default()
    };
    let note = note(Some("A"));
    assert_eq!(ask(&mut fake, Some(note.clone())), Became::Ready(note));
    assert!(fake.removed.is_empty());
}

#[test]
fn a_draft_that_others_changed_is_removed_and_certain_only_if_it_was_there() {
    for cannot_remove in [false, true] {
        let mut fake = Fake {
            named: Some(draft("A", "K2")),
            cannot_remove,
            ..Fake::default()
        };
        let certain = !cannot_remove;
        assert_eq!(
            ask(&mut fake, Some(note(Some("A")))),
            Became::Nothing { certain }
        );
        assert_eq!(fake.removed, ["A"]);
    }
}

#[test]
fn a_draft_that_waits_for_its_turn_is_sent_and_never_removed() {
    let submitted = FoundMessage {
        is_submitted: true,
        ..draft("A", "K2")
    };
    for (named, found) in [
        (Some(submitted.clone()), Vec::new()),
        (None, vec![draft("B", "K1"), submitted.clone()]),
    ] {
        let mut fake = Fake {
            named,
            found,
            ..Fake::default()
        };
        let became = ask(&mut fake, Some(note(Some("A"))));
        assert_eq!(became, Became::Sent(submitted.clone()));
        assert!(fake.removed.is_empty());
    }
}

#[test]
fn a_letter_that_is_nowhere_is_certain_only_if_its_draft_was_never_complete() {
    for (note, certain) in [(note(None), true), (note(Some("A")), false)] {
        let mut fake = Fake {
            found: vec![draft("B", "K1")],
            ..Fake::default()
        };
        assert_eq!(ask(&mut fake, Some(note)), Became::Nothing { certain });
        assert_eq!(fake.removed, ["B"]);
    }
    assert_eq!(
        ask(&mut Fake::default(), None),
        Became::Nothing { certain: false }
    );
}

#[test]
fn without_a_note_a_draft_is_somebody_elses_to_judge() {
    let mut fake = Fake {
        found: vec![draft("B", "K1")],
        ..Fake::default()
    };
    assert_eq!(ask(&mut fake, None), Became::OnItsWay);
    assert!(fake.removed.is_empty());
}

#[test]
fn notes_of_versions_that_knew_no_change_keys_are_read() {
    let read = DraftNote::read(Some(r#"{"draft":"A","own":true}"#)).unwrap();
    assert_eq!(read.draft.as_deref(), Some("A"));
    assert!(read.own && read.change_key.is_none());
}

#[test]
fn only_a_message_that_was_taken_shows_that_a_report_went_out() {
    let look = |with_report| {
        let mut fake = Fake {
            with_report,
            ..Fake::default()
        };
        find_report(&mut fake, "mark").unwrap()
    };
    assert_eq!(look(Vec::new()), LookUp::NotSeen);
    assert_eq!(look(vec![draft("A", "K1")]), LookUp::Unknown);
    let sent = FoundMessage {
        id: "B".into(),
        sent_date_time: Some("2026-01-02T03:04:05Z".into()),
        ..FoundMessage::default()
    };
    let LookUp::Found(receipt) = look(vec![draft("A", "K1"), sent]) else {
        panic!("not found");
    };
    assert_eq!(
        receipt.text,
        "found in the mailbox, sent 2026-01-02T03:04:05Z"
    );
}
