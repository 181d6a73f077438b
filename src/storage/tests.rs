use super::*;

#[test]
fn a_key_is_plain_and_leads_nowhere_else() {
    for fine in ["a", "masters/ab/01.wav", "a-b_c.d", "0/1/2.3"] {
        assert!(is_key(fine), "{fine}");
    }
    let long = "a".repeat(301);
    for bad in [
        "", "/a", "a/", "a//b", "../a", "a/..", "a..b", "a/.b", ".a", "A", "a b", "a\\b", "é", "a%2f", "a\0",
        &long,
    ] {
        assert!(!is_key(bad), "{bad}");
    }
}

#[test]
fn a_setting_names_its_store() {
    assert_eq!(StorageUrl::parse("file:data/files"), Some(StorageUrl::Folder("data/files".into())));
    let s3 = |prefix: &str| Some(StorageUrl::S3 { bucket: "b".into(), prefix: prefix.into() });
    assert_eq!(StorageUrl::parse("s3://b"), s3(""));
    assert_eq!(StorageUrl::parse("s3://b/p/q/"), s3("p/q"));
    assert_eq!(StorageUrl::parse("memory:"), Some(StorageUrl::Memory));
    for bad in ["ftp:x", "file:", "s3://", "s3:///p", "s3://b/a b", "memory", ""] {
        assert_eq!(StorageUrl::parse(bad), None, "{bad}");
    }
}

#[test]
fn keys_of_the_service_are_not_for_logs() {
    let access = S3Access {
        endpoint: None,
        region: "eu-central-1".into(),
        access_key: "AKID".into(),
        secret_key: "SESAME".into(),
        session_token: Some("SESAME".into()),
    };
    let said = format!("{access:?}");
    assert!(said.contains("eu-central-1") && !said.contains("SESAME") && !said.contains("AKID"), "{said}");
}
