//! The owner's files: what is refused, where and why, and how a decision is explained.

mod appliance;

use appliance::{ALLOW, DENY, PERSON, build, inputs, question, refused, with};
use policy::{File, Place, Policies, limits};

/// Checks that the rules are refused at this place, for a reason that has these words.
fn check_refused(rules: &str, line: usize, column: usize, reason: &str) {
    let error = refused(rules);
    assert_eq!(error.file, "own.cedar");
    assert!(error.reason.contains(reason), "{rules}: {error}");
    assert_eq!(error.place, Some(Place { line, column }), "{rules}: {error}");
}

#[test]
fn a_broken_file_is_refused_with_line_and_reason() {
    let permit = "permit (principal, action, resource)";
    for (rules, line, column, reason) in [
        ("permit (principal, action, resource)", 1, 37, "unexpected end of input"),
        (
            "\n\npermit (principal, action);",
            3,
            26,
            "this policy is missing the `resource` variable",
        ),
        (
            "// fine\nforbid (principal, action, resource) when { contxt.hour > 3 };",
            2,
            45,
            "contxt",
        ),
        ("forbid (principal, action == Action::\"fs.raed\", resource);", 1, 30, "fs.raed"),
        ("\nforbid (principal, action in Action::\"effect:chages\", resource);", 2, 30, "chages"),
        ("\nforbid (principal, action, resource in Pfad::\"/a\");", 2, 40, "Pfad"),
        ("\nforbid (principal in Kind::\"kez\", action, resource);", 2, 22, "kez"),
        (
            "forbid (principal, action, resource)\nwhen { context.hour > \"3\" };",
            2,
            23,
            "unexpected type",
        ),
        ("forbid (principal, action, resource)\nwhen { context.minute > 3 };", 2, 8, "minute"),
        (
            "forbid (principal, action == Action::\"mcp.fs.list\", resource)\nwhen { context.arguments.path like \"/a*\" };",
            2,
            8,
            "path",
        ),
        ("\npermit (principal == ?principal, action, resource);", 2, 1, "slots"),
        ("\n@ask(\"never\")\nforbid (principal, action, resource);", 2, 1, "belongs to a `permit`"),
        (&format!("\n@ask(\"host\") {permit};"), 2, 1, "belongs to a `forbid`"),
        (&format!("\n@id(\"a\")\n  @ask(\"nobody\") {permit};"), 3, 3, "it is `@ask(\"host\")`"),
        (&format!("@ask {permit};"), 1, 1, "it is `@ask(\"host\")`"),
        (&format!("\n@untrusted(\"ok\") {permit};"), 2, 1, "beside `@ask(\"never\")`"),
        (
            &format!("\n@ask(\"never\")\n@untrusted(\"yes\") {permit};"),
            3,
            1,
            "`@untrusted(\"ok\")`",
        ),
        (&format!("\n@aks(\"never\") {permit};"), 2, 1, "and no other"),
        (
            &format!("@id(\"a\") {permit};\n@id(\"a\") {permit};"),
            2,
            1,
            "another rule here has the name `a`",
        ),
        (&format!("@id(\"2\") {permit};"), 1, 1, "begins with a letter"),
        (&format!("@id(\"a b\") {permit};"), 1, 1, "begins with a letter"),
    ] {
        check_refused(rules, line, column, reason);
    }
    let text = refused("permit;").to_string();
    assert!(text.starts_with("`own.cedar` at line 1, column 7: unexpected token"), "{text}");
}

#[test]
fn a_rule_that_would_take_the_stack_or_all_memory_is_refused_before_it_is_read() {
    let rule =
        |condition: &str| format!("\npermit (principal, action, resource) when {{ {condition} }};");
    let nested = |depth: usize| rule(&format!("{}true{}", "(".repeat(depth), ")".repeat(depth)));
    let chain = |terms: usize| rule(&vec!["context.hour == 1"; terms].join(" || "));
    with(&nested(limits::MAX_NESTING - 1));
    with(&chain(limits::MAX_OPERATORS / 3));
    for (rules, reason) in [(nested(600), "deep"), (chain(2000), "operators")] {
        let error = refused(&rules);
        assert!(error.reason.contains(reason), "{error}");
        assert_eq!(error.place.map(|place| place.line), Some(2), "{error}");
    }
}

#[test]
fn names_that_no_call_has_are_refused() {
    for (rules, line, column, reason) in [
        ("\nforbid (principal, action, resource in Path::\"/a/\");", 2, 1, "write `Path::\"/a\"`"),
        (
            "forbid (principal, action, resource) when { resource in Path::\"a/../b\" };",
            1,
            1,
            "write `Path::\"/b\"`",
        ),
        (
            "forbid (principal, action, resource == Recipient::\"Anna@b.example\");",
            1,
            1,
            "write `Recipient::\"anna@b.example\"`",
        ),
        (
            "forbid (principal, action, resource == Recipient::\"anna\");",
            1,
            1,
            "no Recipient has such a name",
        ),
        (
            "forbid (principal, action, resource in Domain::\"B.example\");",
            1,
            1,
            "write `Domain::\"b.example\"`",
        ),
        (
            "forbid (principal, action, resource in Host::\"b\u{fc}cher.example\");",
            1,
            1,
            "write `Host::\"xn--bcher-kva.example\"`",
        ),
        (
            "forbid (principal, action, resource in Remote::\"nas:\");",
            1,
            1,
            "write `Remote::\"nas\"`",
        ),
    ] {
        check_refused(rules, line, column, reason);
    }
}

#[test]
fn one_broken_file_refuses_all() {
    let files = [("a.cedar", "forbid (principal, action, resource);"), ("b.cedar", "\nforbid;")];
    let error = Policies::build(&inputs(&files)).unwrap_err();
    assert_eq!((error.file.as_str(), error.place.map(|place| place.line)), ("b.cedar", Some(2)));
}

#[test]
fn files_have_bounds() {
    let rule = "forbid (principal, action, resource);\n";
    let build = |files: Vec<(String, String)>| {
        let mut inputs = inputs(&[]);
        inputs.files = files.into_iter().map(|(name, text)| File { name, text }).collect();
        inputs.tools.truncate(1);
        Policies::build(&inputs).map_err(|error| error.reason)
    };
    let named =
        |count: usize| (0..count).map(|at| (format!("{at}.cedar"), String::new())).collect();
    build(named(limits::MAX_FILES)).unwrap();
    assert!(build(named(limits::MAX_FILES + 1)).unwrap_err().contains("at most 100 files"));
    let one = |text: String| vec![("a.cedar".to_owned(), text)];
    build(one(" ".repeat(limits::MAX_FILE_BYTES))).unwrap();
    assert!(build(one(" ".repeat(limits::MAX_FILE_BYTES + 1))).unwrap_err().contains("split it"));
    let same = vec![("a.cedar".to_owned(), String::new()); 2];
    assert!(build(same).unwrap_err().contains("a name of its own"));
    let other = vec![("licence".to_owned(), rule.to_owned())];
    assert!(build(other).unwrap_err().contains("`.cedar`"));
    assert!(build(one(rule.repeat(limits::MAX_POLICIES + 1))).unwrap_err().contains("join some"));
}

#[test]
fn rules_of_the_same_name_in_two_files_are_two() {
    let text = r#"@id("x") forbid (principal, action, resource in Path::"/a");"#;
    let policies = build(&[("a.cedar", text), ("b.cedar", text)]);
    let explained = policies.explain(&question("mcp.fs.read", r#"{"path":"/a"}"#));
    let names: Vec<&str> = explained.matched.iter().map(|rule| &*rule.name).collect();
    assert_eq!(names, ["scopes:claude", "a.cedar:x", "b.cedar:x"]);
    assert_eq!(&*explained.decision.rule, "a.cedar:x");
}

#[test]
fn an_explanation_names_the_rule_its_place_and_its_text() {
    let text = "// Not at all.\n\n@id(\"secret\")\nforbid (\n  principal,\n  action,\n  resource in Path::\"/secret\"\n);\n// permit (principal, action, resource);\npermit (principal, action, resource);";
    let policies = with(text);
    let explained =
        policies.explain(&question("mcp.fs.copy", r#"{"from":"/a/./b","to":"/secret/x"}"#));
    let json = serde_json::to_value(&explained).unwrap();
    assert_eq!(
        json["decision"],
        serde_json::json!({ "answer": "deny", "rule": "own.cedar:secret" })
    );
    assert_eq!(json["rule"]["file"], "own.cedar");
    assert_eq!(json["rule"]["line"], 3);
    let rule = json["rule"]["text"].as_str().unwrap();
    assert!(rule.starts_with("@id(\"secret\")\nforbid (") && rule.ends_with(");"), "{rule}");
    assert_eq!(json["resources"], serde_json::json!(["Path::\"/a/b\"", "Path::\"/secret/x\""]));
    let matched: Vec<&str> = explained.matched.iter().map(|rule| &*rule.name).collect();
    assert_eq!(matched, ["scopes:claude", "own.cedar:secret", "own.cedar:10"]);
    // A rule that follows is shown as Cedar, too.
    let asked = policies.explain(&question("mcp.mail.send", r#"{"to":["a@b.example"]}"#));
    assert_eq!(asked.decision.answer, PERSON);
    let rule = asked.rule.unwrap();
    assert_eq!((rule.file, rule.line), (None, None));
    assert!(rule.text.contains(
        "@ask(\"person\")\nforbid (principal, action in Action::\"effect:open_world\", resource)"
    ));
    // What no rule decides is explained without one.
    for (method, arguments, rule) in [
        ("mcp.no.thing", "{}", "there is no such method"),
        ("mcp.fs.read", r#"{"path":1}"#, "arguments:path"),
    ] {
        let explained = policies.explain(&question(method, arguments));
        assert_eq!((explained.decision.answer, &*explained.decision.rule), (DENY, rule));
        assert_eq!(explained.rule, None);
    }
}

#[test]
fn what_can_never_match_is_warned_of() {
    let policies = with(
        "permit (principal, action, resource);\nforbid (principal, action, resource) when { context.hour > 3 && false };\nforbid (principal == Client::\"cluade\", action, resource);",
    );
    let warnings: Vec<String> = policies.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].starts_with("`own.cedar` at line 2, column 1:"), "{warnings:?}");
    assert!(warnings[1].contains("at line 3") && warnings[1].contains("cluade"), "{warnings:?}");
    assert_eq!(policies.decide(&question("mcp.fs.read", r#"{"path":"/a"}"#)).answer, ALLOW);
}

#[test]
fn what_follows_keeps_to_the_schema_too() {
    let mut inputs = inputs(&[]);
    inputs.licence.allows =
        appliance::patterns(&["mcp.fs.*", "mcp.mail.*", "mcp.web.*", "mcp.sync.*"]);
    let policies = Policies::build(&inputs).unwrap();
    let mut text = String::new();
    let calls = [
        ("mcp.mail.send", r#"{"to":["a@b.example"]}"#),
        ("mcp.sync.run", r#"{"remote":"x:"}"#),
        ("mcp.agent.start", "{}"),
    ];
    for (method, arguments) in calls {
        for rule in policies.explain(&appliance::after_a_mail(method, arguments)).matched {
            text.push_str(&rule.text);
            text.push('\n');
        }
    }
    for rule in [
        "licence:PLUS",
        "scopes:claude",
        "default:untrusted",
        "default:leaves_the_appliance",
        "default:cannot_be_undone",
    ] {
        assert!(text.contains(&format!("@id(\"{rule}\")")), "{text}");
    }
    let (schema, _) = cedar_policy::Schema::from_cedarschema_str(policies.schema()).unwrap();
    let set: cedar_policy::PolicySet = text.parse().unwrap();
    let result =
        cedar_policy::Validator::new(schema).validate(&set, cedar_policy::ValidationMode::Strict);
    assert!(result.validation_passed_without_warnings(), "{result}");
}

#[test]
fn the_schema_has_every_method_with_its_groups_its_resources_and_its_arguments() {
    let policies = build(&[]);
    let schema = policies.schema();
    let expected = r#"action "mcp.fs.write" in ["effect:changes", "effect:destructive", "effect:undoable", "server:fs"] appliesTo {
  principal: [Client],
  resource: [Path],
  context: {
    arguments: { "path": String, "content": String, "overwrite"?: Bool, "mode"?: Long },
    hour: Long,
    now: datetime,
    origin: String,
    untrusted: Set<String>,
    weekday: Long,
  },
};
action "mcp.mail.prompts" in ["effect:read_only", "server:mail"] appliesTo {
  principal: [Client],
  resource: [Tool],
  context: {
    arguments: {},
"#;
    assert!(schema.contains(expected), "{schema}");
    for part in [
        "entity Path in [Path, Server];\n",
        "action \"effect:open_world\";\n",
        "action \"server:fs\";\n",
        "action \"mcp.old.thing\" in [\"effect:changes\", \"effect:destructive\", \"effect:open_world\", \"server:old\"]",
        "resource: [Account, Recipient, Tool],\n",
        "\"to\": Set<String>",
    ] {
        assert!(schema.contains(part), "{part}: {schema}");
    }
}
