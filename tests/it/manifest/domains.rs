//! Domains that are well formed and perhaps not meant.

use serde_json::Value;

use crate::support::TestBatch;

/// A batch with one school for each address, and the findings about them.
#[track_caller]
fn findings(addresses: &[&str], manifest: &str) -> (i32, Vec<Value>) {
    let batch = TestBatch::new(addresses.len());
    let mut list = String::from("ID,School,Email\n");
    for (index, address) in addresses.iter().enumerate() {
        list.push_str(&format!(
            "S{:03},School {},{address}\n",
            index + 1,
            index + 1
        ));
    }
    batch.write("list.csv", list);
    batch.replace(
        "batch.toml",
        "id = \"ID\"",
        &format!("id = \"ID\"\n{manifest}"),
    );
    let checked = batch.run("check", &["--json"]);
    let found = checked.json()["findings"].as_array().unwrap().clone();
    (checked.code.unwrap(), found)
}

/// The texts of the findings of a batch that may go.
#[track_caller]
fn warned(addresses: &[&str]) -> Vec<String> {
    let (code, found) = findings(addresses, "");
    assert_eq!(code, 0, "{found:#?}");
    found
        .iter()
        .map(|finding| {
            assert_ne!(finding["severity"], "fault");
            assert!(
                finding["row"].is_u64()
                    && finding["column"] == "Email"
                    && finding["id"].is_string()
            );
            assert!(!finding["next_step"].as_str().unwrap().is_empty());
            finding["text"].as_str().unwrap().to_owned()
        })
        .collect()
}

#[test]
fn a_near_miss_of_a_common_domain_is_a_warning() {
    let common = [
        "a@north.sch.example",
        "b@north.sch.example",
        "c@north.sch.example",
    ];
    assert!(warned(&[&common[..], &["d@south.sch.example"]].concat()).is_empty());
    assert_eq!(
        warned(&[&common[..], &["d@noth.sch.example"]].concat()),
        ["`noth.sch.example` is used once: is it `north.sch.example`?"]
    );
}

#[test]
fn two_domains_of_one_school_that_are_nearly_the_same_are_a_warning() {
    let twice =
        |one: &str, other: &str| warned(&[&format!("{one}; {other}"), "head@south.sch.example"]);
    assert_eq!(
        twice("head@elmgrove.example", "office@elmgorve.example"),
        [
            "`elmgrove.example` and `elmgorve.example` are nearly the same, and only this recipient has them"
        ]
    );
    for other in [
        "office@elmgrove.example",
        "office@trust.example",
        "office@south.sch.example",
    ] {
        assert!(twice("head@elmgrove.example", other).is_empty(), "{other}");
    }
    assert!(twice("head@oak1.example", "office@oak2.example").is_empty());
}

#[test]
fn two_common_domains_that_are_close_are_both_meant() {
    let near = [
        "a@north.example",
        "b@north.example",
        "c@north.example",
        "a@forth.example",
        "b@forth.example",
    ];
    assert!(warned(&near).is_empty());
}

#[test]
fn a_near_miss_of_a_known_host_is_a_warning() {
    let texts = warned(&["a@gmial.com", "b@hotmial.co.uk", "c@school.example"]);
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(texts[0].contains("is it `gmail.com`?"), "{texts:?}");
    assert!(texts[1].contains("is it `hotmail.co.uk`?"), "{texts:?}");
}

#[test]
fn an_ending_that_no_domain_has_is_a_warning() {
    assert_eq!(
        warned(&["a@oak.co.ul", "b@elm.example"]),
        ["`oak.co.ul` has an ending that no domain has: is it `oak.co.uk`?"]
    );
}

#[test]
fn a_private_mailbox_among_schools_is_a_warning() {
    let texts = warned(&["a@gmail.com", "b@oak.example", "c@elm.example"]);
    assert_eq!(texts, ["`gmail.com` is a host of private mailboxes"]);
    assert!(warned(&["a@gmail.com", "b@gmail.com", "c@elm.example"]).is_empty());
}

#[test]
fn an_address_with_many_letters_is_reported() {
    assert!(warned(&["lead@x.example"; 5]).is_empty());
    let texts = warned(&[
        "Lead@x.example",
        "lead@x.example",
        "lead@x.example",
        "lead@x.example",
        "lead@x.example",
        "lead@X.example",
    ]);
    assert_eq!(texts, ["`lead@x.example` gets the letters of 6 recipients"]);
}

#[test]
fn an_address_of_two_recipients_is_named_where_that_is_not_usual() {
    let alike = [
        "office@oak.example",
        "a@x.example",
        "b@x.example",
        "Office@oak.example",
        "c@x.example",
    ];
    assert_eq!(
        warned(&alike),
        ["`office@oak.example` gets the letter of S001 `School 1` and that of S004 `School 4`"]
    );
    assert!(warned(&["lead@x.example", "lead@x.example", "b@x.example"]).is_empty());
}

#[test]
fn only_allowed_domains_may_be_written_to() {
    let addresses = ["a@oak.sch.example", "b@sch.example", "c@notsch.example"];
    let (code, found) = findings(&addresses, "allow_domains = [\"Sch.Example\"]");
    assert_eq!(code, 3);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(
        (&found[0]["id"], &found[0]["row"]),
        (&"S003".into(), &4.into())
    );
    assert_eq!(found[0]["severity"], "fault");
    assert_eq!(
        found[0]["text"],
        "`c@notsch.example` is in no domain that allow_domains names"
    );
}

#[test]
fn denied_domains_are_refused_before_allowed_ones_are_asked() {
    let (code, found) = findings(
        &["a@gmail.com", "b@mail.gmail.com", "c@oak.example"],
        "allow_domains = [\"com\", \"example\"]\ndeny_domains = [\"gmail.com\"]",
    );
    assert_eq!(code, 3);
    let faults: Vec<_> = found
        .iter()
        .filter(|found| found["severity"] == "fault")
        .collect();
    assert_eq!(faults.len(), 2, "{found:#?}");
    assert!(faults[0]["text"].as_str().unwrap().contains("deny_domains"));
}

#[test]
fn a_domain_in_the_batch_file_must_be_one() {
    let batch = TestBatch::new(1);
    batch.replace(
        "batch.toml",
        "id = \"ID\"",
        "id = \"ID\"\nallow_domains = [\"@school.example\"]",
    );
    batch
        .run("check", &[])
        .expect(2)
        .says("`@school.example` is not a domain name: write what stands after the @");
}
