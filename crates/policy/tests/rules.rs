//! Each kind of rule, and what follows without one.

mod appliance;

use appliance::{
    ALLOW, DENY, HOST, MOMENT, PERSON, after_a_mail, build, check, inputs, key, patterns, question,
    with,
};
use capfile::{TargetKind, TextSource};
use policy::{Answer, Kind, Moment, Origin, Policies, Principal, Question, Standing};

const TO_ANNA: &str = r#"{"to":["anna@example.org"]}"#;

#[test]
fn without_a_rule_scopes_licence_and_declarations_decide() {
    let policies = build(&[]);
    check(
        &policies,
        &[
            ("mcp.fs.read", r#"{"path":"/a"}"#, ALLOW, "scopes:claude"),
            ("mcp.fs.write", r#"{"path":"/a","content":""}"#, ALLOW, "scopes:claude"),
            ("mcp.fs.delete", r#"{"path":"/a"}"#, PERSON, "default:cannot_be_undone"),
            ("mcp.mail.send", TO_ANNA, PERSON, "default:leaves_the_appliance"),
            ("mcp.mail.prompts", "{}", ALLOW, "scopes:claude"),
            ("mcp.sync.run", r#"{"remote":"nas:"}"#, PERSON, "default:cannot_be_undone"),
            ("mcp.old.thing", "{}", DENY, "scopes:claude"),
            ("mcp.fs.nothing", "{}", DENY, "there is no such method"),
        ],
    );
    let ask = |principal, method| {
        let decision = policies.decide(&Question { principal, ..question(method, "{}") });
        (decision.answer, decision.rule.to_string())
    };
    let local = Principal { name: "local", kind: Kind::Local };
    let person = Principal { name: "luca", kind: Kind::Person };
    assert_eq!(ask(key("reader"), "mcp.fs.write"), (DENY, "scopes:reader".to_owned()));
    assert_eq!(ask(key("nobody"), "mcp.fs.read"), (DENY, "nothing permits it".to_owned()));
    assert_eq!(ask(local, "mcp.fs.read"), (ALLOW, "kind:local".to_owned()));
    assert_eq!(ask(local, "mcp.old.thing"), (PERSON, "default:cannot_be_undone".to_owned()));
    assert_eq!(ask(person, "mcp.old.thing"), (ALLOW, "kind:person".to_owned()));
    assert_eq!(ask(person, "mcp.mail.send"), (ALLOW, "kind:person".to_owned()));
    // A name is not a kind: a program called as a client is gets no more by it, and a client called as a person neither.
    assert_eq!(ask(key("luca"), "mcp.old.thing"), (DENY, "nothing permits it".to_owned()));
}

#[test]
fn the_licence_binds_everybody() {
    let mut inputs = inputs(&[("own.cedar", "permit (principal, action, resource);")]);
    inputs.licence.allows = patterns(&["mcp.fs.*", "mcp.old.*"]);
    let policies = Policies::build(&inputs).unwrap();
    for kind in [Kind::Key, Kind::Local, Kind::Person] {
        let principal = Principal { name: "claude", kind };
        let decision =
            policies.decide(&Question { principal, ..question("mcp.mail.search", "{}") });
        assert_eq!((decision.answer, &*decision.rule), (DENY, "licence:PLUS"), "{kind:?}");
        assert!(!policies.may_ever(principal, "mcp.mail.search"));
        assert!(policies.may_ever(principal, "mcp.fs.read"));
    }
    // What the scopes do not have, a permit of the owner's gives.
    let decision = policies.decide(&question("mcp.old.thing", "{}"));
    assert_eq!((decision.answer, &*decision.rule), (PERSON, "default:cannot_be_undone"));
}

#[test]
fn a_rule_about_a_folder_holds_for_all_beneath_it() {
    let policies =
        with(r#"@id("private") forbid (principal, action, resource in Path::"/notes/private");"#);
    let rule = "own.cedar:private";
    for (path, answer) in [
        ("/notes/private", DENY),
        ("/notes/private/a.md", DENY),
        ("/notes/private/deep/er/a.md", DENY),
        ("notes/private/a.md", DENY),
        ("/notes/./private/", DENY),
        ("//notes//private//a.md", DENY),
        ("/notes/x/../private/a.md", DENY),
        ("/../../notes/private/a.md", DENY),
        ("../notes/private", DENY),
        ("./notes/private", DENY),
        ("/notes/private/../a.md", ALLOW),
        ("/notes/privately", ALLOW),
        ("/notes/Private", ALLOW),
        ("/notes", ALLOW),
        ("/", ALLOW),
        ("", ALLOW),
    ] {
        let arguments = serde_json::json!({ "path": path }).to_string();
        let rule = if answer == DENY { rule } else { "scopes:claude" };
        check(&policies, &[("mcp.fs.read", &arguments, answer, rule)]);
    }
    check(
        &policies,
        &[
            ("mcp.fs.list", "{}", ALLOW, "scopes:claude"),
            ("mcp.fs.copy", r#"{"from":"/notes/private/a","to":"/a"}"#, DENY, rule),
            ("mcp.fs.copy", r#"{"from":"/a","to":"/notes/private/a"}"#, DENY, rule),
            ("mcp.fs.copy", r#"{"from":"/a","to":"/b"}"#, ALLOW, "scopes:claude"),
            ("mcp.fs.read", r#"{"p\u0061th":"/notes/priv\u0061te"}"#, DENY, rule),
        ],
    );
    // A path that is not given is the root, which the rule about the root has.
    let root =
        with(r#"forbid (principal, action == Action::"mcp.fs.list", resource == Path::"/");"#);
    check(&root, &[("mcp.fs.list", "{}", DENY, "own.cedar:1")]);
    check(&root, &[("mcp.fs.list", r#"{"path":null}"#, DENY, "own.cedar:1")]);
}

#[test]
fn arguments_that_a_rule_could_not_judge_are_refused() {
    let policies = with(r#"forbid (principal, action, resource in Path::"/notes/private");"#);
    check(
        &policies,
        &[
            ("mcp.fs.read", r#"{"path":["/a",1]}"#, DENY, "arguments:path"),
            ("mcp.fs.read", r#"{"path":5}"#, DENY, "arguments:path"),
            ("mcp.fs.read", r#"{"path":{"a":"/notes/private"}}"#, DENY, "arguments:path"),
            ("mcp.fs.read", "{\"path\":\"/notes/private\\u0000.md\"}", DENY, "arguments:path"),
            ("mcp.fs.read", r#"{"path":"/a\n"}"#, DENY, "arguments:path"),
            ("mcp.fs.read", r#"{"path":"/a","path":"/notes/private"}"#, DENY, "arguments"),
            ("mcp.fs.read", r#"{"path":"/notes/private","p\u0061th":"/a"}"#, DENY, "arguments"),
            ("mcp.fs.read", r#"{"path":"/a","x":{"y":1,"y":2}}"#, DENY, "arguments"),
            ("mcp.fs.read", r#"["/notes/private"]"#, DENY, "arguments"),
            ("mcp.fs.read", r#"{"path":"/a""#, DENY, "arguments"),
            (
                "mcp.fs.write",
                r#"{"path":"/a","content":"","overwrite":"no"}"#,
                DENY,
                "arguments:overwrite",
            ),
            ("mcp.fs.write", r#"{"path":"/a","content":"","mode":1.5}"#, DENY, "arguments:mode"),
            ("mcp.fs.write", r#"{"path":"/a","content":"","mode":1e300}"#, DENY, "arguments:mode"),
            ("mcp.fs.write", r#"{"path":"/a","content":"","mode":null}"#, ALLOW, "scopes:claude"),
            ("mcp.fs.write", r#"{"path":"/a","content":"","mode":7.0}"#, ALLOW, "scopes:claude"),
        ],
    );
    let deep = format!(r#"{{"path":"{}"}}"#, "/a".repeat(policy::limits::MAX_PATH_PARTS + 1));
    check(&policies, &[("mcp.fs.read", &deep, DENY, "arguments:path")]);
    let many = vec!["/a"; policy::limits::MAX_RESOURCES + 1];
    let many = serde_json::json!({ "path": many }).to_string();
    check(&policies, &[("mcp.fs.read", &many, DENY, "arguments:path")]);
}

#[test]
fn a_rule_about_accounts_recipients_remotes_workflows_and_hosts() {
    let policies = with(
        r#"@id("work") forbid (principal, action, resource == Account::"work");
        @id("evil") forbid (principal, action, resource in Domain::"evil.example");
        @id("bob") forbid (principal, action, resource == Recipient::"bob@example.org");
        @id("nas") forbid (principal, action, resource in Remote::"nas");
        @id("purge") forbid (principal, action, resource == Workflow::"purge");
        @id("host") forbid (principal, action, resource in Host::"evil.example");
        @id("address") forbid (principal, action, resource == Host::"127.0.0.1");
        @ask("never") permit (principal, action, resource);"#,
    );
    let ok = "own.cedar:8";
    let cases = [
        ("mcp.mail.search", r#"{"account":"work"}"#, "own.cedar:work"),
        ("mcp.mail.search", r#"{"account":"home"}"#, "scopes:claude"),
        ("mcp.mail.send", r#"{"account":"work","to":["a@b.example"]}"#, "own.cedar:work"),
        ("mcp.mail.send", r#"{"to":["a@b.example"]}"#, ok),
        ("mcp.mail.send", r#"{"to":["a@b.example","x@Evil.Example"]}"#, "own.cedar:evil"),
        (
            "mcp.mail.send",
            r#"{"to":["a@b.example"],"cc":["x@sub.evil.example"]}"#,
            "own.cedar:evil",
        ),
        ("mcp.mail.send", r#"{"to":["x@evil.example."]}"#, "arguments:to"),
        ("mcp.mail.send", r#"{"to":["x@notevil.example"]}"#, ok),
        ("mcp.mail.send", r#"{"to":["Bob <BOB@example.ORG>"]}"#, "own.cedar:bob"),
        ("mcp.mail.send", r#"{"to":["\"a@b.example\" <bob@example.org>"]}"#, "own.cedar:bob"),
        ("mcp.mail.send", r#"{"to":[" bob@example.org "]}"#, "own.cedar:bob"),
        ("mcp.mail.send", r#"{"to":["\"bob\"@example.org"]}"#, "arguments:to"),
        ("mcp.mail.send", r#"{"to":["a@b.example, bob@example.org"]}"#, "arguments:to"),
        ("mcp.mail.send", r#"{"to":["bob(x)@example.org"]}"#, "arguments:to"),
        ("mcp.mail.send", r#"{"to":["bob@[127.0.0.1]"]}"#, "arguments:to"),
        ("mcp.mail.send", r#"{"to":["bob@example.org\r\nBcc: x@y.example"]}"#, "arguments:to"),
        ("mcp.sync.run", r#"{"remote":"nas:backup"}"#, "own.cedar:nas"),
        ("mcp.sync.run", r#"{"remote":"nas:"}"#, "own.cedar:nas"),
        ("mcp.sync.run", r#"{"remote":"nas"}"#, "own.cedar:nas"),
        ("mcp.sync.run", r#"{"remote":"nas,host=x:backup"}"#, "arguments:remote"),
        ("mcp.sync.run", r#"{"remote":":sftp,host=x:y"}"#, "arguments:remote"),
        ("mcp.sync.run", r#"{"remote":"other:nas"}"#, ok),
        ("mcp.agent.start", r#"{"workflow":"purge"}"#, "own.cedar:purge"),
        ("mcp.agent.start", r#"{"workflow":"tidy"}"#, "scopes:claude"),
        ("mcp.web.fetch", r#"{"url":"https://evil.example/"}"#, "own.cedar:host"),
        ("mcp.web.fetch", r#"{"url":"HTTPS://user:pw@WWW.EVIL.example.:444/a"}"#, "own.cedar:host"),
        ("mcp.web.fetch", r#"{"url":"https://good.example@evil.example/"}"#, "own.cedar:host"),
        ("mcp.web.fetch", r#"{"url":"https:\\\\evil.example\\x"}"#, "own.cedar:host"),
        ("mcp.web.fetch", r#"{"url":"gopher://ev%69l.EXAMPLE/"}"#, "own.cedar:host"),
        ("mcp.web.fetch", r#"{"url":"http://0x7f.1/"}"#, "own.cedar:address"),
        ("mcp.web.fetch", r#"{"url":"https://evil.example.good.example/"}"#, ok),
        ("mcp.web.fetch", r#"{"url":"evil.example"}"#, "arguments:url"),
        ("mcp.web.fetch", r#"{"url":"http://evil.example:99999/"}"#, "arguments:url"),
        ("mcp.web.fetch", r#"{"url":"file:///etc/passwd"}"#, ok),
    ];
    for (method, arguments, rule) in cases {
        let lets = rule == ok || rule.starts_with("scopes");
        check(&policies, &[(method, arguments, if lets { ALLOW } else { DENY }, rule)]);
    }
    // What has no host is on no list of hosts.
    let listed = with(
        r#"forbid (principal, action == Action::"mcp.web.fetch", resource) unless { resource in Host::"good.example" };"#,
    );
    check(
        &listed,
        &[
            ("mcp.web.fetch", r#"{"url":"file:///etc/passwd"}"#, DENY, "own.cedar:1"),
            (
                "mcp.web.fetch",
                r#"{"url":"https://www.good.example"}"#,
                PERSON,
                "default:leaves_the_appliance",
            ),
        ],
    );
}

#[test]
fn a_rule_about_time_origin_kind_and_arguments() {
    let policies = with(
        r#"@id("night") forbid (principal, action in Action::"server:fs", resource) when { context.hour < 7 || context.hour > 21 };
        @id("sunday") forbid (principal, action in Action::"server:fs", resource) when { context.weekday == 7 };
        @id("later") forbid (principal, action in Action::"server:fs", resource) when { context.now > datetime("2030-01-01") };
        @id("console") forbid (principal, action == Action::"mcp.fs.list", resource) when { context.origin == "websocket" };
        @id("local") forbid (principal, action == Action::"mcp.fs.read", resource) when { principal.kind == "local" };
        @id("over") forbid (principal, action, resource) when { context.arguments has overwrite && context.arguments.overwrite };
        @id("bank") @ask("host") forbid (principal, action == Action::"mcp.mail.send", resource)
            when { context.arguments has subject && context.arguments.subject like "*invoice*" };
        @ask("never") permit (principal, action == Action::"mcp.mail.send", resource);"#,
    );
    let read = question("mcp.fs.read", r#"{"path":"/a"}"#);
    let at = |hour, weekday| Question { moment: Moment { hour, weekday, ..MOMENT }, ..read };
    let person = Principal { name: "anna", kind: Kind::Person };
    let local = Principal { name: "local", kind: Kind::Local };
    let list = Question { method: "mcp.fs.list", ..read };
    for (question, answer, rule) in [
        (read, ALLOW, "scopes:claude"),
        (at(6, 3), DENY, "own.cedar:night"),
        (at(7, 3), ALLOW, "scopes:claude"),
        (at(21, 3), ALLOW, "scopes:claude"),
        (at(22, 3), DENY, "own.cedar:night"),
        (at(9, 7), DENY, "own.cedar:sunday"),
        (
            Question { moment: Moment { timestamp: 1_893_456_000_001, ..MOMENT }, ..read },
            DENY,
            "own.cedar:later",
        ),
        (
            Question { moment: Moment { timestamp: 1_893_456_000_000, ..MOMENT }, ..read },
            ALLOW,
            "scopes:claude",
        ),
        (list, ALLOW, "scopes:claude"),
        (Question { origin: Origin::Websocket, ..list }, DENY, "own.cedar:console"),
        (Question { principal: local, ..read }, DENY, "own.cedar:local"),
        (Question { principal: person, ..read }, ALLOW, "kind:person"),
        (
            question("mcp.fs.write", r#"{"path":"/a","content":"","overwrite":true}"#),
            DENY,
            "own.cedar:over",
        ),
        (
            question("mcp.fs.write", r#"{"path":"/a","content":"","overwrite":false}"#),
            ALLOW,
            "scopes:claude",
        ),
        (
            question("mcp.mail.send", r#"{"to":["a@b.example"],"subject":"an invoice"}"#),
            HOST,
            "own.cedar:bank",
        ),
        (
            question("mcp.mail.send", r#"{"to":["a@b.example"],"subject":["an invoice"]}"#),
            DENY,
            "arguments:subject",
        ),
        (question("mcp.mail.send", r#"{"to":["a@b.example"]}"#), ALLOW, "own.cedar:9"),
    ] {
        let decision = policies.decide(&question);
        assert_eq!((decision.answer, &*decision.rule), (answer, rule), "{question:?}");
    }
}

#[test]
fn the_strictest_rule_decides() {
    let rules = [
        ("permit (principal, action, resource);", ALLOW),
        (r#"@ask("host") forbid (principal, action, resource);"#, HOST),
        (r#"@ask("person") forbid (principal, action, resource);"#, PERSON),
        ("forbid (principal, action, resource);", DENY),
    ];
    for (first, a) in rules {
        for (second, b) in rules {
            let policies = with(&format!("{first}\n{second}"));
            let decision = policies.decide(&question("mcp.fs.read", r#"{"path":"/a"}"#));
            assert_eq!(decision.answer, a.max(b), "{first} {second}");
        }
    }
}

#[test]
fn the_strictest_resource_decides() {
    let policies = with(
        r#"@id("b") @ask("host") forbid (principal, action, resource in Path::"/b");
        @id("c") forbid (principal, action, resource in Path::"/c");"#,
    );
    let copy = |from: &str, to: &str| {
        let arguments = serde_json::json!({ "from": from, "to": to }).to_string();
        policies.decide(&question("mcp.fs.copy", &arguments)).answer
    };
    assert_eq!(copy("/a", "/a"), ALLOW);
    assert_eq!(copy("/a", "/b"), HOST);
    assert_eq!(copy("/b", "/a"), HOST);
    assert_eq!(copy("/c", "/b"), DENY);
    assert_eq!(copy("/b", "/c"), DENY);
}

#[test]
fn never_lifts_the_everyday_questions_and_no_other() {
    let never = r#"@id("friends") @ask("never")
        permit (principal, action == Action::"mcp.mail.send", resource in Domain::"example.org");"#;
    let own = r#"@id("mine") @ask("host") forbid (principal, action == Action::"mcp.mail.send", resource);"#;
    let trusting = never.replace("@ask", r#"@untrusted("ok") @ask"#);
    let elsewhere = r#"{"to":["anna@example.org","x@y.example"]}"#;
    let quiet = question("mcp.mail.send", TO_ANNA);
    let told = after_a_mail("mcp.mail.send", TO_ANNA);
    let leaves = "default:leaves_the_appliance";
    for (rules, question, answer, rule) in [
        (never.to_owned(), quiet, ALLOW, "own.cedar:friends"),
        (never.to_owned(), told, PERSON, "default:untrusted"),
        (never.to_owned(), question("mcp.mail.send", elsewhere), PERSON, leaves),
        (trusting.clone(), told, ALLOW, "own.cedar:friends"),
        (format!("{never}{own}"), quiet, HOST, "own.cedar:mine"),
        (format!("{own}{trusting}"), told, HOST, "own.cedar:mine"),
        (own.to_owned(), quiet, PERSON, leaves),
        ("permit (principal, action, resource);".to_owned(), quiet, PERSON, leaves),
    ] {
        let decision = with(&rules).decide(&question);
        assert_eq!((decision.answer, &*decision.rule), (answer, rule), "{rules}");
    }
    let never = with(
        r#"@ask("never") permit (principal, action == Action::"mcp.fs.delete", resource in Path::"/tmp");"#,
    );
    check(
        &never,
        &[
            ("mcp.fs.delete", r#"{"path":"/tmp/a"}"#, ALLOW, "own.cedar:1"),
            ("mcp.fs.delete", r#"{"path":"/tmp/../a"}"#, PERSON, "default:cannot_be_undone"),
        ],
    );
}

#[test]
fn untrusted_text_asks_before_anything_leaves() {
    let policies = build(&[]);
    for source in TextSource::ALL {
        let untrusted = source.into();
        let ask = |method, arguments| {
            policies.decide(&Question { untrusted, ..question(method, arguments) })
        };
        assert_eq!(ask("mcp.fs.read", r#"{"path":"/a"}"#).answer, ALLOW);
        assert_eq!(ask("mcp.web.fetch", r#"{"url":"https://a.example"}"#).answer, PERSON);
        let rule = format!(
            r#"@id("s") forbid (principal, action, resource) when {{ context.untrusted.contains("{}") }};"#,
            source.name()
        );
        let policies = with(&rule);
        let read = question("mcp.fs.read", r#"{"path":"/a"}"#);
        // Asked thrice, since the first answer is remembered.
        for _ in 0..3 {
            assert_eq!(policies.decide(&read).answer, ALLOW);
            assert_eq!(policies.decide(&Question { untrusted, ..read }).answer, DENY);
        }
    }
}

#[test]
fn a_standing_permission_lifts_for_what_it_was_given() {
    let mut inputs = inputs(&[]);
    let always =
        |id: &str, client: &str, method: &str, target: Option<(TargetKind, &str)>| Standing {
            id: id.to_owned(),
            client: client.to_owned(),
            method: method.to_owned(),
            target: target.map(|(kind, value)| (kind, value.to_owned())),
        };
    inputs.standing = vec![
        always("1", "claude", "mcp.fs.delete", Some((TargetKind::Path, "/tmp/"))),
        always(
            "2",
            "claude",
            "mcp.mail.send",
            Some((TargetKind::Recipient, "Anna <ANNA@example.org>")),
        ),
        always("3", "reader", "mcp.sync.run", None),
        always("4", "claude", "mcp.gone.away", None),
        always("5", "claude", "mcp.fs.delete", Some((TargetKind::Account, "x"))),
    ];
    let policies = Policies::build(&inputs).unwrap();
    let leaves = "default:leaves_the_appliance";
    check(
        &policies,
        &[
            ("mcp.fs.delete", r#"{"path":"/tmp/a"}"#, ALLOW, "always:1"),
            ("mcp.fs.delete", r#"{"path":"/tmpa"}"#, PERSON, "default:cannot_be_undone"),
            ("mcp.mail.send", TO_ANNA, ALLOW, "always:2"),
            ("mcp.mail.send", r#"{"to":["bob@example.org"]}"#, PERSON, leaves),
            ("mcp.mail.send", r#"{"to":["anna@example.org","bob@example.org"]}"#, PERSON, leaves),
        ],
    );
    let told = policies.decide(&after_a_mail("mcp.mail.send", TO_ANNA));
    assert_eq!((told.answer, &*told.rule), (PERSON, "default:untrusted"));
    // It answers a question; it does not widen what the client may do.
    let reader =
        Question { principal: key("reader"), ..question("mcp.sync.run", r#"{"remote":"nas:"}"#) };
    let decision = policies.decide(&reader);
    assert_eq!((decision.answer, &*decision.rule), (DENY, "scopes:reader"));
    assert!(!policies.may_ever(key("reader"), "mcp.sync.run"));
    let warned: Vec<&str> = policies.warnings().iter().map(|one| one.what.file.as_str()).collect();
    assert_eq!(warned, ["always:4", "always:5"]);
}

#[test]
fn a_forbid_that_fails_denies_and_a_permit_that_fails_does_not_count() {
    // The path is required, so that Cedar accepts the rule; a call may still lack it.
    let forbid = with(
        r#"@id("f") forbid (principal, action == Action::"mcp.fs.read", resource) when { context.arguments.path like "/x*" };"#,
    );
    check(
        &forbid,
        &[
            ("mcp.fs.read", r#"{"path":"/xy"}"#, DENY, "own.cedar:f"),
            ("mcp.fs.read", r#"{"path":"/y"}"#, ALLOW, "scopes:claude"),
            ("mcp.fs.read", "{}", DENY, "own.cedar:f"),
        ],
    );
    let permit = with(
        r#"permit (principal == Client::"reader", action == Action::"mcp.fs.write", resource) when { context.arguments.path like "/x*" };"#,
    );
    let ask = |arguments| {
        let reader = Question { principal: key("reader"), ..question("mcp.fs.write", arguments) };
        let decision = permit.decide(&reader);
        (decision.answer, decision.rule.to_string())
    };
    assert_eq!(ask(r#"{"path":"/xy"}"#), (Answer::Allow, "own.cedar:1".to_owned()));
    assert_eq!(ask("{}"), (DENY, "scopes:reader".to_owned()));
}

#[test]
fn lists_hide_only_what_is_always_denied() {
    let policies = with(
        r#"forbid (principal, action == Action::"mcp.fs.delete", resource);
        forbid (principal, action == Action::"mcp.fs.copy", resource) when { context.hour < 25 };
        forbid (principal, action == Action::"mcp.fs.write", resource in Path::"/");
        forbid (principal, action == Action::"mcp.web.fetch", resource) unless { principal in Kind::"person" };
        permit (principal == Client::"reader", action == Action::"mcp.mail.send", resource in Domain::"example.org");"#,
    );
    let person = Principal { name: "p", kind: Kind::Person };
    for (principal, method, expected) in [
        (key("claude"), "mcp.fs.read", true),
        (key("claude"), "mcp.fs.delete", false),
        (person, "mcp.fs.delete", false),
        (key("claude"), "mcp.fs.copy", true),
        (key("claude"), "mcp.fs.write", true),
        (key("claude"), "mcp.mail.send", true),
        (key("claude"), "mcp.web.fetch", false),
        (person, "mcp.web.fetch", true),
        (key("claude"), "mcp.old.thing", false),
        (key("reader"), "mcp.mail.send", true),
        (key("reader"), "mcp.mail.search", false),
        (key("nobody"), "mcp.fs.read", false),
        (key("claude"), "mcp.no.such", false),
    ] {
        assert_eq!(policies.may_ever(principal, method), expected, "{principal:?} {method}");
    }
}
