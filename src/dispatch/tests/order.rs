use super::*;

#[test]
fn every_pending_letter_is_handed_over_once_and_in_manifest_order() {
    let case = Case::new(12);
    let run = case.run(|_| taken());
    assert_eq!(run.ids(), numbered(12));
    assert_eq!(run.ending(), &Ending::Finished { left: 0 });
    assert_eq!(case.counts().accepted, 12);
}

#[test]
fn more_letters_than_are_read_at_once_all_go_out() {
    for schools in [256, 257] {
        let case = Case::new(schools);
        let run = case.run(|_| taken());
        assert_eq!(run.ids(), numbered(schools));
        assert_eq!(run.ending(), &Ending::Finished { left: 0 });
    }
}

#[test]
fn only_the_letters_asked_for_go_out() {
    let mut case = Case::new(5);
    case.only = Some(["s4", "s2"].map(String::from).into());
    let run = case.run(|_| taken());
    assert_eq!(run.ids(), ["s2", "s4"]);
    assert_eq!(run.ending(), &Ending::Finished { left: 0 });
    assert_eq!(case.counts().pending, 3);
}

#[test]
fn no_more_letters_go_out_than_the_limit_says() {
    let mut case = Case::new(5);
    for (limit, ids) in [(0, &[][..]), (3, &["s1", "s2", "s3"])] {
        case.limit = Some(limit);
        let run = case.run(|_| taken());
        assert_eq!(run.ids(), ids);
        assert_eq!(run.ending(), &Ending::Finished { left: 0 });
    }
}

#[test]
fn the_limit_counts_the_letters_asked_for_only() {
    let mut case = Case::new(6);
    case.only = Some(["s2", "s4", "s6"].map(String::from).into());
    case.limit = Some(2);
    assert_eq!(case.run(|_| taken()).ids(), ["s2", "s4"]);
}

#[test]
fn the_limit_counts_letters_and_not_tries() {
    let mut case = Case::new(3);
    case.limit = Some(2);
    let run = case.run(|call| {
        if call.attempt == 1 {
            transient()
        } else {
            taken()
        }
    });
    assert_eq!(run.of("s1").len() + run.of("s2").len(), 4);
    assert_eq!(run.calls.len(), 4);
    assert_eq!(case.counts().accepted, 2);
}

#[test]
fn a_second_run_sends_what_the_first_left_and_nothing_again() {
    let mut case = Case::new(5);
    case.limit = Some(2);
    case.run(|_| taken());
    case.limit = None;
    assert_eq!(case.run(|_| taken()).ids(), ["s3", "s4", "s5"]);
    let third = case.run(|_| taken());
    assert!(third.calls.is_empty());
    assert_eq!(third.ending(), &Ending::Finished { left: 0 });
}
