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

/// A name that is nearly one of ours is known at the start, and in production a fault as it is in the file: with a mistyped key
/// of Stripe's payments would be pretend.
#[test]
fn a_mistyped_name_of_the_environment_is_said() {
    let mut typo = env(&[("CUEHOUSE_STRIPE_SECRETKEY", "sk_live_x"), ("CUEHOUSE_PROT", "9000")]);
    let names = ["CUEHOUSE_PROT", "CUEHOUSE_STRIPE_SECRETKEY"];
    assert_eq!(Config::read(None, &typo).unwrap().unheard, names);
    typo.insert("CUEHOUSE_MODE".into(), "production".into());
    let faults = Config::read(None, &typo).unwrap_err();
    for name in names {
        assert!(faults.contains(&format!("there is no setting {name}")), "{faults:?}");
    }
    assert!(!faults.iter().any(|fault| fault.contains("sk_live_x")), "no value is repeated: {faults:?}");
    let beside = [
        ("CUEHOUSE_CONFIG", "shop.toml"),
        ("CUEHOUSE_TEST_STRICT", "1"),
        ("CUEHOUSE_CRASHES", "9"),
        ("CUEHOUSE_CRASH_SEED", "1"),
        ("CUEHOUSE_DAMAGE_CASES", "9"),
        ("HOME", "/"),
    ];
    assert!(Config::read(None, &env(&beside)).unwrap().unheard.is_empty());
    assert_eq!(
        Config::read(None, &env(&[("CUEHOUSE_CONFIGS", "shop.toml")])).unwrap().unheard,
        ["CUEHOUSE_CONFIGS"]
    );
}

/// Letters are part of what is said at once, and a password in an address is not part of what is said.
#[test]
fn letters_and_addresses_are_looked_at_with_all_else() {
    let said = |pairs: &[(&str, &str)]| Config::read(None, &env(pairs)).err().unwrap_or_default();
    for (name, wrong) in [
        ("CUEHOUSE_MAIL_URL", "mail.example"),
        ("CUEHOUSE_MAIL_URL", "smtp://"),
        ("CUEHOUSE_MAIL_URL", "smtp://shop:hunter2@mail.example?tls=perhaps"),
        ("CUEHOUSE_MAIL_FROM", "nobody"),
        ("CUEHOUSE_DATABASE_URL", "postgress://shop:hunter2@db.example/shop"),
        ("CUEHOUSE_SITE_URL", "https://shop:hunter2@shop.example/music"),
        ("CUEHOUSE_TRUSTED_PROXY", "10.0.0.0/33"),
        ("CUEHOUSE_STORAGE_URL", "s3://"),
        ("CUEHOUSE_AGE_PROFILE", "everybody"),
        ("CUEHOUSE_PRIVACY_PROFILE", "everybody"),
    ] {
        // Beside another fault, so that each is part of one list.
        let faults = said(&[(name, wrong), ("CUEHOUSE_PORT", "many")]);
        assert!(
            faults.len() == 2 && faults.iter().any(|f| f.starts_with(name)),
            "{name} {wrong}: {faults:?}"
        );
        assert!(!faults.iter().any(|fault| fault.contains("hunter2")), "{faults:?}");
    }
    let s3 = [
        ("CUEHOUSE_STORAGE_URL", "s3://sounds"),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_ENDPOINT_URL", "s3.example"),
    ];
    assert_eq!(said(&s3), ["AWS_ENDPOINT_URL should be an address such as https://s3.example"]);
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

/// Nothing is sent to Stripe by a shop without a key, not even under a key that was made up.
#[test]
fn stripes_own_address_takes_a_key() {
    let read = |url: &str| Config::read(None, &env(&[("CUEHOUSE_STRIPE_URL", url)]));
    let faults = read("https://api.stripe.com").unwrap_err();
    assert!(faults.len() == 1 && faults[0].contains("CUEHOUSE_STRIPE_SECRET_KEY"), "{faults:?}");
    assert!(read("http://127.0.0.1:12111").is_ok() && read("https://pretend-stripe.com.example").is_ok());
}

/// S3-19: the operator's synonyms stand beside the built-in ones, or the start says which line is none.
#[test]
fn synonyms_of_the_operator_are_read_or_every_wrong_line_is_said() {
    let file = std::env::temp_dir().join(format!("cuehouse-{}", crate::secrets::token().unwrap()));
    let read = |list: &str| {
        std::fs::write(&file, list).unwrap();
        Config::read(None, &env(&[("CUEHOUSE_SEARCH_SYNONYMS", &file.display().to_string())]))
    };
    let gong = ["gong".to_owned()];
    assert_eq!(read("gong, tamtam\n").unwrap().synonyms.of(&gong), [["tamtam"]]);
    let faults = read("gong\n# a remark\ntamtam, , bell\n").unwrap_err();
    assert_eq!(faults.len(), 2, "{faults:?}");
    for (fault, line) in faults.iter().zip(["line 1 (\"gong\")", "line 3 (\"tamtam, , bell\")"]) {
        assert!(fault.starts_with("CUEHOUSE_SEARCH_SYNONYMS is ") && fault.contains(line), "{fault}");
    }
    std::fs::remove_file(&file).unwrap();
    let gone = Config::read(None, &env(&[("CUEHOUSE_SEARCH_SYNONYMS", &file.display().to_string())]));
    assert_eq!(gone.unwrap_err().len(), 1);
    assert!(Config::read(None, &env(&[])).unwrap().synonyms.of(&gong).is_empty());
}

/// S2-50: services begin at ages of their own, between the site's minimum and 18; of anything else the start says what is
/// wrong, in a sentence each.
#[test]
fn services_begin_at_ages_of_their_own_or_the_start_says_why_not() {
    use crate::guardians::permission::Scope;

    let read = |text: &str| Config::read(None, &env(&[("CUEHOUSE_AGE_SERVICE_MINIMUMS", text)]));
    assert!(Config::read(None, &env(&[])).unwrap().age.services.is_empty());
    assert!(read(" ").unwrap().age.services.is_empty());
    let services = read("upload=14, sell = 18").unwrap().age.services;
    let ages = [Scope::Upload, Scope::Sell, Scope::Buy].map(|scope| services.of(scope));
    assert_eq!(ages, [Some(14), Some(18), None]);
    let file = "[age]\nservice_minimums = [\"upload=14\", \"sell=18\"]\n";
    assert_eq!(Config::read(Some(file), &env(&[])).unwrap().age.services, services);
    for (text, words) in [
        ("fly=14", "none of buy, upload, sell, payouts, profile, messages, contests"),
        ("publication=14", "none of buy"),
        ("marketing=14", "none of buy"),
        ("account=14", "CUEHOUSE_AGE_MINIMUM"),
        ("upload", "such as upload=14"),
        ("upload=14,", "such as upload=14"),
        ("upload=", "from 13 to 18"),
        ("upload=fourteen", "from 13 to 18"),
        ("upload=12", "from 13 to 18"),
        ("upload=19", "from 13 to 18"),
        ("upload=-14", "from 13 to 18"),
        ("upload=14,upload=15", "twice"),
    ] {
        let faults = read(text).unwrap_err();
        let is_said = faults[0].starts_with("CUEHOUSE_AGE_SERVICE_MINIMUMS ") && faults[0].contains(words);
        assert!(faults.len() == 1 && is_said, "{text}: {faults:?}");
    }
    let raised = [("CUEHOUSE_AGE_MINIMUM", "15"), ("CUEHOUSE_AGE_SERVICE_MINIMUMS", "upload=14,fly=1")];
    assert_eq!(Config::read(None, &env(&raised)).unwrap_err().len(), 2);
    // Nobody is a child who is of age.
    let ages = |minimum: &str, adult: &str| {
        let both = [("CUEHOUSE_AGE_MINIMUM", minimum), ("CUEHOUSE_AGE_ADULT", adult)];
        Config::read(None, &env(&both)).err().unwrap_or_default()
    };
    assert_eq!(ages("19", "18"), ["CUEHOUSE_AGE_MINIMUM must not be above CUEHOUSE_AGE_ADULT"]);
    assert!(ages("19", "19").is_empty() && ages("16", "21").is_empty());
}
