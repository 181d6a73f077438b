use super::*;

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

#[test]
fn defaults_follow_the_data_folder() {
    let config = Config::read(None, &env(&[("CUEHOUSE_DATA_DIR", "/srv/shop")])).unwrap();
    assert_eq!(config.database_url, DbUrl::Sqlite("/srv/shop/cuehouse.db".into()));
    assert_eq!(config.storage_url, StorageUrl::Folder("/srv/shop/files".into()));
    assert_eq!(config.mail_url, "dir:/srv/shop/mail");
    assert_eq!(config.site_url, "http://127.0.0.1:8000");
    assert!(config.demo && config.stripe.is_pretend());
}

#[test]
fn a_mistyped_secret_is_not_repeated() {
    let faults = Config::read(None, &env(&[("CUEHOUSE_SECRET_KEY", "nearly-right")])).unwrap_err();
    assert!(faults.len() == 1 && faults[0].contains("CUEHOUSE_SECRET_KEY"), "{faults:?}");
    assert!(!faults[0].contains("nearly-right"), "{faults:?}");
}

#[test]
fn the_environment_overrides_the_file_and_every_fault_is_said() {
    let file = "port = 9000\nsite_name = \"Sounds\"\n[preview]\nanonymous = \"full\"\n";
    let config = Config::read(Some(file), &env(&[("CUEHOUSE_PORT", "9001")])).unwrap();
    assert_eq!((config.port, config.site_name.as_str(), config.preview_anonymous), (9001, "Sounds", true));
    let faults = Config::read(
        Some("prot = 1"),
        &env(&[("CUEHOUSE_PORT", "many"), ("CUEHOUSE_MODE", "test"), ("CUEHOUSE_STORAGE_URL", "s3://b")]),
    )
    .unwrap_err();
    assert_eq!(faults.len(), 5, "{faults:?}");
}

#[test]
fn production_refuses_what_is_pretended() {
    let faults = Config::read(None, &env(&[("CUEHOUSE_MODE", "production")])).unwrap_err();
    assert_eq!(faults.len(), 5, "{faults:?}");
    let key = STANDARD.encode((0..64u8).collect::<Vec<_>>());
    let mut good = env(&[
        ("CUEHOUSE_MODE", "production"),
        ("CUEHOUSE_SECRET_KEY", &key),
        ("CUEHOUSE_SITE_URL", "https://shop.example"),
        ("CUEHOUSE_STRIPE_SECRET_KEY", "sk_live_x"),
        ("CUEHOUSE_STRIPE_WEBHOOK_SECRET", "whsec_x"),
        ("CUEHOUSE_MAIL_URL", "smtps://mail.example"),
    ]);
    assert!(Config::read(None, &good).is_ok_and(|c| !c.demo && c.is_https()));
    good.insert("CUEHOUSE_STRIPE_URL".into(), "http://127.0.0.1:9".into());
    assert_eq!(Config::read(None, &good).unwrap_err().len(), 1);
    good.remove("CUEHOUSE_STRIPE_URL");
    good.insert("CUEHOUSE_VENDORS".into(), "ga4=G-TEST".into());
    assert_eq!(Config::read(None, &good).unwrap_err().len(), 1);
}
