use super::*;

#[track_caller]
fn check(text: &str, place: &Place) {
    let reference: SecretRef = text.parse().unwrap();
    assert!(reference.place() == place, "{text}");
    assert_eq!(reference.to_string(), text);
    let json = serde_json::to_string(&reference).unwrap();
    assert_eq!(serde_json::from_str::<SecretRef>(&json).unwrap(), reference);
}

fn vault(mount: &[&str], path: &[&str], field: &str, version: Option<u64>) -> Place {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let version = version.map(|version| version.try_into().unwrap());
    Place::Vault(VaultPlace {
        mount: owned(mount),
        path: owned(path),
        field: field.to_owned(),
        version,
    })
}

fn keyring(collection: &str, attributes: &[(&str, &str)]) -> Place {
    let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
    Place::Keyring(KeyringPlace {
        collection: collection.to_owned(),
        attributes: attributes.iter().map(owned).collect(),
    })
}

#[test]
fn every_form_is_read_and_written_as_it_was() {
    check("credential:mail.password", &Place::Credential("mail.password".to_owned()));
    check("file:/etc/a b/é", &Place::File("/etc/a b/é".into()));
    check("vault:secret/app#password", &vault(&["secret"], &["app"], "password", None));
    check(
        "vault:team%2Fkv/mail/a%20b%23?version=3#pass%3Fword",
        &vault(&["team", "kv"], &["mail", "a b#"], "pass?word", Some(3)),
    );
    check("keyring:default?service=mail", &keyring("default", &[("service", "mail")]));
    check(
        "keyring:My%20keys?user=a%26b%3Dc&service=x+y&empty=",
        &keyring("My keys", &[("empty", ""), ("service", "x+y"), ("user", "a&b=c")]),
    );
}

#[track_caller]
fn refused(text: &str, expected: SecretRefError) {
    let error = text.parse::<SecretRef>().unwrap_err();
    assert_eq!(error, expected, "{text}");
}

#[test]
fn what_is_no_reference_is_refused() {
    for text in ["", "hunter2", "hunter2:x", "File:/x", " file:/x", "https://x/y#z", ":x"] {
        refused(text, SecretRefError::Scheme);
    }
    for name in ["", ".", "..", "a/b", "a:b", "a b", "é", &"x".repeat(256)] {
        refused(&format!("credential:{name}"), SecretRefError::CredentialName);
    }
    for path in ["", "x", "//", "/", "/a/../b", "/a/./b", "/a/..", "~/x", "./x"] {
        refused(&format!("file:{path}"), SecretRefError::FilePath);
    }
    for place in [
        "",
        "a#b",
        "a/b",
        "a/b#",
        "/b#c",
        "a/#c",
        "a//b#c",
        "a/../b#c",
        "a/%2e%2E/b#c",
        "..%2F/b#c",
        "a/.#c",
        "a/b?#c",
        "a/b?version=#c",
        "a/b?version=0#c",
        "a/b?version=-1#c",
        "a/b?v=1#c",
        "a/b?version=1&x=2#c",
        "a/b#c?version=1",
        "a/b#c#d",
        "a/b?version=99999999999999999999#c",
    ] {
        refused(&format!("vault:{place}"), SecretRefError::VaultForm);
    }
    let many: Vec<String> = (0..=16).map(|n| format!("a{n}=b")).collect();
    for place in ["", "default", "default?", "?a=b", "x?a", "x?=b", "x?a=b&a=c", "x?a=b&", &{
        format!("x?{}", many.join("&"))
    }] {
        refused(&format!("keyring:{place}"), SecretRefError::KeyringForm);
    }
    for text in ["file:/a\nb", "vault:a/b%00#c", "vault:a/b%ff#c", "keyring:x?a=%1b", "file:/\x7f"]
    {
        refused(text, SecretRefError::Character);
    }
    refused(&format!("file:/{}", "x".repeat(MAX_REFERENCE_BYTES)), SecretRefError::TooLong);
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[expect(dead_code, reason = "what is tested never comes to be")]
    password: SecretRef,
}

/// As `settings` reads it: without showing the line, which is the parser's default.
fn yaml(password: &str) -> String {
    let options = serde_saphyr::options! { reject_unsupported_tags: true, with_snippet: false };
    let document = format!("password: {password}");
    serde_saphyr::from_str_with_options::<Config>(&document, options).unwrap_err().to_string()
}

/// A secret that stands in the document itself is not repeated, whatever it looks like to YAML or JSON.
#[test]
fn a_plain_secret_is_refused_without_being_repeated() {
    for plain in
        ["hunter2", "918273645", "-91827", "9.18273", "true", "918273645918273645918273645"]
    {
        let refusals = [
            yaml(plain),
            yaml(&format!("'{plain}'")),
            serde_json::from_str::<Config>(&format!(r#"{{"password":"{plain}"}}"#))
                .unwrap_err()
                .to_string(),
            match serde_json::from_str::<Config>(&format!(r#"{{"password":{plain}}}"#)) {
                Err(error) if error.is_data() => error.to_string(),
                // Not JSON at all.
                _ => continue,
            },
        ];
        for refusal in refusals {
            assert!(!refusal.contains(plain), "{refusal}");
            for scheme in ["`credential:", "`file:", "`vault:", "`keyring:"] {
                assert!(refusal.contains(scheme), "{refusal}");
            }
        }
    }
}

#[test]
fn no_refusal_repeats_the_text() {
    for text in
        ["hunter2", "credential:hunter2/", "file:hunter2", "vault:hunter2", "keyring:hunter2"]
    {
        let error = text.parse::<SecretRef>().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}

/// To YAML these are something else than a text. A tag too, which `settings` refuses.
#[test]
fn no_refusal_repeats_what_is_wrong_yaml() {
    for plain in [
        "*hunter2",
        "&hunter2",
        "@hunter2",
        "`hunter2",
        "|hunter2",
        "%hunter2",
        "{hunter2",
        "[hunter2]",
        "hunter2: x",
        "'hunter2",
        "\"hunter2",
        "\"\\hunter2\"",
        "{hunter2: x}",
    ] {
        let refusal = yaml(plain);
        assert!(!refusal.contains("hunter2"), "{plain}: {refusal}");
    }
}
