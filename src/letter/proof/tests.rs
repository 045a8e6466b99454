//! Lists of recipients and the texts of their reports, weighed without any PDF.

use proptest::prelude::*;

use super::*;
use crate::config::Batch;

/// A manifest of recipients by id and name.
fn manifest(recipients: &[(String, String)]) -> Manifest {
    let folder = tempfile::tempdir().unwrap();
    let mut list = "ID\tSchool\tEmail\n".to_owned();
    for (id, name) in recipients {
        list.push_str(&format!("{id}\t{name}\ta@school.example\n"));
    }
    std::fs::write(folder.path().join("list.tsv"), list).unwrap();
    let batch = "[batch]\nname = \"b\"\n[manifest]\npath = \"list.tsv\"\nid = \"ID\"\nname = \"School\"\nto = [\"Email\"]\n\
        [letter]\nfrom = \"s@study.example\"\nhtml = \"l.html\"\nsubject = \"s\"\n";
    std::fs::write(folder.path().join("batch.toml"), batch).unwrap();
    let batch = Batch::load(folder.path()).unwrap();
    let (manifest, faults) = Manifest::read(&batch);
    manifest.unwrap_or_else(|| panic!("{faults:?}"))
}

fn recipients(list: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(id, name): &(&str, &str)| ((*id).to_owned(), (*name).to_owned());
    list.iter().map(own).collect()
}

fn read(shown: &str) -> Contents {
    Contents {
        pages: Some(1),
        text: Ok(Text {
            shown: shown.to_owned(),
            ..Text::default()
        }),
    }
}

fn judge(manifest: &Manifest, evidence: &RecipientIndex, index: usize, shown: &str) -> Proof {
    let asked = Asked {
        wants_text: true,
        evidence: Some(evidence),
        ..Asked::default()
    };
    let owner = Owner {
        manifest,
        index: u32::try_from(index).unwrap(),
    };
    Proof::of(&asked, owner, &read(shown), &mut Vec::new())
}

#[track_caller]
fn assert_verdicts(list: &[(&str, &str)], texts: &[(&str, Verdict)]) {
    let manifest = manifest(&recipients(list));
    let evidence = RecipientIndex::of(&manifest);
    for (text, verdict) in texts {
        let proof = judge(&manifest, &evidence, 0, text);
        assert_eq!(proof.verdict, *verdict, "{text:?} {proof:?}");
    }
}

#[test]
fn a_name_of_its_own_confirms_and_another_contradicts() {
    assert_verdicts(
        &[("1001", "Oak Park School"), ("1002", "Elm Hill School")],
        &[
            ("Report of Oak Park School, 1001", Verdict::Confirmed),
            ("OAK PARK SCHOOL'S report", Verdict::Confirmed),
            ("Oak Park School1", Verdict::Confirmed),
            ("Elm Hill School's report", Verdict::Contradicted),
            ("Oak Park School, Elm Hill School1", Verdict::Contradicted),
            ("Report no. 1001", Verdict::Ambiguous),
            ("Report no. 1002", Verdict::Ambiguous),
            ("Report no. 1003", Verdict::Silent),
        ],
    );
}

#[test]
fn short_ids_prove_nothing() {
    assert_verdicts(
        &[("1", "Oak Park School"), ("2", "Elm Hill School")],
        &[
            ("Page 1", Verdict::Ambiguous),
            ("Page 2", Verdict::Silent),
            ("Page 1 of 2", Verdict::Ambiguous),
        ],
    );
    assert_verdicts(
        &[("100123", "Oak Park School"), ("100124", "Elm Hill School")],
        &[
            ("No. 100123", Verdict::Confirmed),
            ("No. 100124", Verdict::Contradicted),
        ],
    );
}

#[test]
fn recipients_of_one_name_are_kept_apart_by_their_ids() {
    assert_verdicts(
        &[("1", "St Mary School"), ("2", "Saint Mary School")],
        &[
            ("St Mary School, 1", Verdict::Ambiguous),
            ("St Mary School, 2", Verdict::Contradicted),
            ("St Mary School, page 1 of 2", Verdict::Ambiguous),
            ("St Mary School", Verdict::Ambiguous),
        ],
    );
    assert_verdicts(
        &[("LE-1001", "St Mary School"), ("YO-1002", "St Mary School")],
        &[
            ("St Mary School, LE-1001", Verdict::Confirmed),
            ("St Mary School, YO-1002", Verdict::Contradicted),
            ("St Mary School, LE-1001 and YO-1002", Verdict::Contradicted),
        ],
    );
}

#[test]
fn where_a_line_ends_within_a_longer_name_neither_is_confirmed() {
    let list = [
        ("A1", "Elm Primary School"),
        ("B2", "Elm Primary School North"),
        ("C3", "Saint Elm Primary School"),
    ];
    assert_verdicts(
        &list,
        &[
            ("Elm Primary School", Verdict::Confirmed),
            ("Elm Primary School\nNorth of the river", Verdict::Ambiguous),
            (
                "Elm Primary School\nNorth of the river: Elm Primary School",
                Verdict::Confirmed,
            ),
            ("Elm Primary\nSchool", Verdict::Confirmed),
            ("Reports of St\nElm Primary School", Verdict::Ambiguous),
            ("Elm Primary School North", Verdict::Contradicted),
            ("Elm Primary\nSchool North", Verdict::Contradicted),
        ],
    );
    let longer = [list[1], list[0], list[2]];
    assert_verdicts(
        &longer,
        &[
            ("Elm Primary School North", Verdict::Confirmed),
            ("Elm Primary\nSchool North", Verdict::Confirmed),
            ("Elm Primary School\nNorth of the river", Verdict::Ambiguous),
            ("Elm Primary School", Verdict::Contradicted),
        ],
    );
}

#[test]
fn names_in_scripts_without_blanks_are_found() {
    assert_verdicts(
        &[("1", "東小学校"), ("2", "西小学校")],
        &[
            ("これは東小学校の報告書です", Verdict::Confirmed),
            ("これは西小学校の報告書です", Verdict::Contradicted),
        ],
    );
}

/// The parts of invented names, which nest in each other and differ in little.
const FIRST: [&str; 8] = [
    "Oak",
    "Elm",
    "St Mary",
    "Saint Mary",
    "Lycée",
    "Great Oak",
    "Ash & Elm",
    "Ash and Elm",
];
const SECOND: [&str; 6] = [
    "Park School",
    "Hill School",
    "Primary School",
    "Primary",
    "École",
    "School",
];
const THIRD: [&str; 5] = ["", "", " North", " Leeds", " 2"];

fn a_name() -> impl Strategy<Value = String> {
    (0..FIRST.len(), 0..SECOND.len(), 0..THIRD.len())
        .prop_map(|(one, two, three)| format!("{} {}{}", FIRST[one], SECOND[two], THIRD[three]))
}

fn an_id() -> impl Strategy<Value = String> {
    prop_oneof![
        (1..30_u32).prop_map(|id| id.to_string()),
        (1_000..1_030_u32).prop_map(|id| id.to_string()),
        (100_000..100_030_u32).prop_map(|id| id.to_string()),
        (1..30_u32).prop_map(|id| format!("RRS-{id:04}")),
    ]
}

/// The text of a report: the name in some form, perhaps the id, and figures.
fn text_of(id: &str, name: &str, form: usize, shows_id: bool, figures: &[u16]) -> String {
    let named = match form {
        0 => name.to_owned(),
        1 => format!("{name}'s"),
        2 => format!("{name}\u{2019}s"),
        3 => name.to_uppercase(),
        4 => name.replacen(' ', "\n", 1),
        5 => name.replace(' ', "\n"),
        // A footnote mark; behind a figure a reader sees it raised.
        _ if name.ends_with(char::is_numeric) => format!("{name} 1"),
        _ => format!("{name}1"),
    };
    let mut text = format!("Annual report\n{named}\nfor the year 2026. North of the river");
    if shows_id {
        text.push_str(&format!("\nNumber {id}."));
    }
    for figure in figures {
        text.push_str(&format!("\nWe found {figure} of 30, page 1 of 2"));
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_swap_is_confirmed_and_every_right_report_with_a_name_of_its_own_is(
        list in prop::collection::btree_map(an_id(), a_name(), 2..7),
        forms in prop::collection::vec(0..7_usize, 7),
        ids in prop::collection::vec(any::<bool>(), 7),
        figures in prop::collection::vec(1..500_u16, 0..4),
    ) {
        let list: Vec<(String, String)> = list.into_iter().collect();
        let manifest = manifest(&list);
        let evidence = RecipientIndex::of(&manifest);
        let texts: Vec<String> = list.iter().enumerate()
            .map(|(index, (id, name))| text_of(id, name, forms[index], ids[index], &figures))
            .collect();
        let wordings: Vec<Wording> = list.iter().map(|(_, name)| Wording::of(name)).collect();
        for (index, text) in texts.iter().enumerate() {
            let (own, form) = (&wordings[index], forms[index]);
            let is_own_name = wordings.iter().enumerate()
                .all(|(other, name)| other == index || name.letters() != own.letters());
            // Broken over lines, a name that holds another's may be the other's.
            let is_parted = form == 4 || form == 5;
            let holds_another = wordings.iter().enumerate()
                .any(|(other, name)| other != index && own.shows(name));
            if is_own_name && !(is_parted && holds_another) {
                let proof = judge(&manifest, &evidence, index, text);
                prop_assert_eq!(proof.verdict, Verdict::Confirmed, "{:?} {:?} {:?}", list, text, proof);
            }
            for other in (0..list.len()).filter(|other| *other != index) {
                let proof = judge(&manifest, &evidence, other, text);
                prop_assert_ne!(proof.verdict, Verdict::Confirmed, "{:?} {} {:?} {:?}", list, other, text, proof);
            }
        }
    }
}
