//! The program from the shell: what its commands say and with what they end.

use crate::support::app::free_port;
use crate::support::database::TestDb;
use crate::support::folder::TestFolder;
use crate::support::process::Settings;
use crate::support::wavs::music;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_imported_from_the_shell() {
    let (folder, db) = (TestFolder::new(), TestDb::new().await);
    let shop = Settings::new(folder.path(), free_port(), &db.url);
    shop.adds("ines@example.com", "Ines Morrow", &["uploader"]);
    let sounds = folder.path().join("sounds");
    std::fs::create_dir_all(&sounds).unwrap();
    std::fs::write(sounds.join("rain.wav"), music(1, 1.0)).unwrap();
    let sounds = sounds.display().to_string();
    let words = ["import", &sounds, "--uploader", "@ines-morrow", "--publish", "--of-age", "--json"];
    for (taken, known, published) in [(1, 0, 1), (0, 1, 0)] {
        let said = shop.run(&words, "");
        assert!(said.status.success(), "{said:?}");
        let done: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
        let counts = ["taken", "known", "published"].map(|name| done[name].as_i64().unwrap());
        assert_eq!(counts, [taken, known, published], "{done}");
    }
    // A file that becomes nothing is named, and the exit is honest about it.
    std::fs::write(folder.path().join("sounds/words.wav"), "these are words, not a sound").unwrap();
    let said = shop.run(&words[..6], "");
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    assert!(text(&said.stderr).contains("words.wav: "), "{said:?}");
    assert!(text(&said.stdout).contains("1 with a fault"), "{said:?}");
    let stranger = shop.run(&["import", &sounds, "--uploader", "nobody"], "");
    assert_eq!(stranger.status.code(), Some(2), "nothing was looked at");
    assert!(text(&stranger.stderr).contains("nobody is called @nobody"), "{stranger:?}");
}

/// What a command exits with says what it found, and never that something was found when it could not look.
#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_tell_a_finding_from_a_command_that_could_not_begin() {
    let folder = TestFolder::new();
    let file = folder.path().join("certificate.json");
    std::fs::write(&file, "{}").unwrap();
    let file = file.display().to_string();
    let shop = Settings::new(folder.path(), free_port(), "sqlite:shop.db");
    let code = |shop: &Settings, words: &[&str]| shop.run(words, "").status.code();
    // Of a certificate 1 and 2 say something: none of these was checked.
    for words in [
        &["verify"][..],
        &["verify", &file, "--jsn"],
        &["verify", &file, "--issuer", "nowhere.json"],
        &["verify", "nowhere.json"],
    ] {
        assert_eq!(code(&shop, words), Some(3), "{words:?}");
    }
    assert_eq!(code(&shop, &["verify", "--help"]), Some(0));
    assert_eq!(code(&shop, &["chekc"]), Some(2));
    assert_eq!(code(&shop, &["check", "--depe"]), Some(2));
    std::fs::write(folder.path().join("cuehouse.toml"), "port = ").unwrap();
    assert_eq!(code(&shop, &["verify", &file]), Some(3));
    assert_eq!(code(&shop, &["check"]), Some(2));
    std::fs::remove_file(folder.path().join("cuehouse.toml")).unwrap();
    // A database that cannot be opened breaks no promise, and holds none.
    let away = shop.with("CUEHOUSE_DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing");
    assert_eq!(code(&away, &["check"]), Some(2));
    assert_eq!(code(&away, &["migrate"]), Some(1));
}

/// A file of settings that is not there is one fault of several, and the others are said with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_file_of_settings_hides_no_other_fault() {
    let folder = TestFolder::new();
    let shop = Settings::new(folder.path(), free_port(), "sqlite:shop.db")
        .with("CUEHOUSE_CONFIG", "nowhere.toml")
        .with("CUEHOUSE_MAIL_FROM", "nobody");
    let said = shop.run(&["serve"], "");
    assert_eq!(said.status.code(), Some(2), "{said:?}");
    for fault in ["nowhere.toml cannot be read", "CUEHOUSE_MAIL_FROM is \"nobody\""] {
        assert!(text(&said.stderr).contains(fault), "{said:?}");
    }
}

/// What `serve` logs can be read, names the address, and holds no secret that stands in an address.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_the_address_and_no_request() {
    let (folder, db) = (TestFolder::new(), TestDb::new().await);
    let shop = Settings::new(folder.path(), free_port(), &db.url).with("CUEHOUSE_PROT", "9000");
    let mut process = shop.start("serve");
    process.is_up().await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let asked = http.get(format!("{}/reset/a-single-use-secret", shop.url())).send().await.unwrap();
    assert_eq!(asked.status(), 410);
    let log = process.said();
    assert!(log.contains("there is no setting CUEHOUSE_PROT"), "{log}");
    process.ends().await;
    assert!(log.contains(&format!("Cuehouse is at {}", shop.url())), "{log}");
    assert!(log.contains("payments are pretend"), "{log}");
    assert!(!log.contains("a-single-use-secret") && !log.contains("Routes:"), "{log}");
    assert!(!log.contains('\u{1b}'), "colours in a file: {log:?}");
}
