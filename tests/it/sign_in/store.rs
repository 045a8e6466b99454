//! Where the sign-in is kept.

use std::fs;

use crate::support::signing_in::Desk;

const BROWSER: &[&str] = &["--flow", "browser"];
/// The flow that ends by itself if nothing stops it.
const DEVICE: &[&str] = &["--flow", "device"];

/// Neither `whoami` nor anything else uses what is kept; `logout` and `login` mend it.
#[track_caller]
fn is_refused_and_mended(desk: &Desk, words: &str) {
    desk.run("whoami", &[])
        .expect(6)
        .says(words)
        .says("next: run `postroom logout`, then `postroom login`");
    desk.run("logout", &[]).expect(0);
    desk.sign_in();
    desk.run("whoami", &[]).expect(0);
}

#[test]
fn a_damaged_sign_in_is_refused() {
    for text in ["", "{", "null", "{\"version\":1}", "not JSON at all"] {
        let desk = Desk::new();
        desk.sign_in();
        desk.write_elsewhere("state/sign-in.json", text);
        is_refused_and_mended(&desk, "damaged");
    }
}

#[test]
fn a_sign_in_that_is_not_text_is_refused() {
    let desk = Desk::new();
    desk.sign_in();
    fs::write(desk.store(), b"\xff\xfe\x00").unwrap();
    is_refused_and_mended(&desk, "cannot be read");
}

#[test]
fn the_sign_in_of_another_account_or_app_is_refused() {
    for (part, other) in [
        ("ann@study.example", "eve@study.example".to_owned()),
        ("\"version\":1", "\"version\":2".to_owned()),
        ("\"client_id\":\"", "\"client_id\":\"9".to_owned()),
        ("\"tenant_id\":\"", "\"tenant_id\":\"9".to_owned()),
    ] {
        let desk = Desk::new();
        desk.sign_in();
        let text = fs::read_to_string(desk.store()).unwrap();
        assert!(text.contains(part), "{part}");
        desk.write_elsewhere("state/sign-in.json", &text.replace(part, &other));
        is_refused_and_mended(&desk, "another account or app");
    }
}

#[cfg(unix)]
#[test]
fn a_sign_in_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    for mode in [0o640, 0o604, 0o666] {
        let desk = Desk::new();
        desk.sign_in();
        fs::set_permissions(desk.store(), fs::Permissions::from_mode(mode)).unwrap();
        let asked = desk.server.requests().len();
        desk.run("whoami", &[])
            .expect(6)
            .says("can be read by other users");
        assert_eq!(desk.server.requests().len(), asked);
        is_refused_and_mended(&desk, "can be read by other users");
    }
}

#[test]
fn a_folder_in_its_place_is_reported() {
    let desk = Desk::new();
    fs::create_dir_all(desk.store()).unwrap();
    desk.run("whoami", &[]).expect(6).says("next: ");
    desk.run("logout", &[]).expect(6).says("cannot be removed");
    fs::remove_dir(desk.store()).unwrap();
}

#[test]
fn a_place_that_cannot_be_written_is_reported() {
    let desk = Desk::new();
    desk.write_elsewhere("state", "a file where the folder belongs");
    let login = desk.begin(BROWSER);
    login.browse();
    login
        .end()
        .expect(6)
        .says("the sign-in cannot be kept in")
        .says("token_store");
}

#[test]
fn logging_out_forgets_the_sign_in() {
    let desk = Desk::new();
    desk.sign_in();
    let ran = desk.run("logout", &[]).expect(0);
    assert!(
        ran.stdout.contains("ann@study.example is forgotten"),
        "{ran:?}"
    );
    assert!(!desk.store().exists());
    let ran = desk.run("logout", &[]).expect(0);
    assert!(
        ran.stdout
            .contains("nobody was signed in as ann@study.example"),
        "{ran:?}"
    );
    desk.run("whoami", &[])
        .expect(6)
        .says("nobody is signed in as ann@study.example")
        .says("next: run `postroom login`");
}

/// A sign-in whose place is refused before anybody is asked.
#[track_caller]
fn is_refused(desk: &Desk, place: &str, words: &str) {
    desk.change(&format!("file:{}", desk.store().display()), place);
    desk.run("login", DEVICE)
        .expect(2)
        .says(words)
        .says("next: ");
}

#[test]
fn a_place_in_the_batch_folder_is_refused() {
    for name in ["token.json", "reports/token.json", "new/folder/token.json"] {
        let desk = Desk::new();
        let place = format!("file:{}", desk.batch.path(name).display());
        is_refused(&desk, &place, "token_store is in the batch's folder");
        assert!(!desk.batch.path("new").exists());
    }
}

#[test]
fn a_place_in_the_batch_folder_is_refused_from_within() {
    for argument in [".", "batch.toml", "./batch.toml"] {
        let desk = Desk::new();
        let place = format!("file:{}", desk.batch.path("token.json").display());
        desk.change(&format!("file:{}", desk.store().display()), &place);
        let output = crate::support::program()
            .args(["login", argument, "--flow", "device"])
            .args(["--secrets", ".secrets.toml"])
            .current_dir(desk.batch.folder())
            .env("PATH", "")
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        desk.watched(crate::support::Ran::of(output))
            .expect(2)
            .says("token_store is in the batch's folder");
    }
}

#[test]
fn a_place_that_depends_on_the_folder_of_the_run_is_refused() {
    for place in [
        "file:token.json",
        "file:",
        "token.json",
        "file:../token.json",
    ] {
        is_refused(&Desk::new(), place, "`token_store`");
    }
}

#[cfg(unix)]
#[test]
fn its_folder_is_made_for_its_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    desk.sign_in();
    let folder = desk.store().parent().unwrap().metadata().unwrap();
    assert_eq!(folder.permissions().mode() & 0o777, 0o700);
}

#[cfg(unix)]
#[test]
fn a_link_in_its_place_is_neither_read_nor_written_through() {
    let desk = Desk::new();
    desk.sign_in();
    let aside = desk.elsewhere("aside.json");
    fs::rename(desk.store(), &aside).unwrap();
    let kept = fs::read(&aside).unwrap();
    std::os::unix::fs::symlink(&aside, desk.store()).unwrap();
    desk.run("whoami", &[]).expect(6).says("is not a file");
    desk.sign_in();
    assert!(desk.store().symlink_metadata().unwrap().is_file());
    assert_eq!(fs::read(&aside).unwrap(), kept);
}
