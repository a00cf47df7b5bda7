//! Where somebody may read, as prefixes.

mod appliance;

use appliance::{MOMENT, after_a_mail, build, key, question, with};
use policy::{Approver, Kind, Moment, Policies, Principal, Question};

/// `/ but /a /b; /a/c`
fn told(policies: &Policies, question: &Question<'_>) -> String {
    let scopes = policies.scopes(question, None).into_iter().map(|scope| {
        let but = if scope.except.is_empty() { "" } else { " but " };
        format!("{}{but}{}", scope.allowed, scope.except.join(" "))
    });
    scopes.collect::<Vec<_>>().join("; ")
}

fn read() -> Question<'static> {
    Question { arguments: None, ..question("mcp.fs.read", "{}") }
}

#[test]
fn rules_about_folders_become_prefixes() {
    for (rules, expected) in [
        ("", "/"),
        (r#"forbid (principal, action, resource in Path::"/a");"#, "/ but /a"),
        (r#"forbid (principal, action, resource in Path::"/");"#, ""),
        // Asking is not reading: search shows nothing for which somebody would have to be asked.
        (r#"@ask("host") forbid (principal, action, resource in Path::"/a");"#, "/ but /a"),
        (
            r#"forbid (principal, action, resource in Path::"/a") unless { resource in Path::"/a/b" };
            forbid (principal, action, resource in Path::"/a/b/c");"#,
            "/ but /a; /a/b but /a/b/c",
        ),
        (
            r#"forbid (principal, action, resource) unless { resource in Path::"/a" || resource in Path::"/b" };"#,
            "/a; /b",
        ),
        (r#"forbid (principal, action, resource == Path::"/a/x.md");"#, "/ but /a/x.md"),
        (r#"forbid (principal, action, resource) unless { resource == Path::"/a" };"#, ""),
        (r#"forbid (principal, action in Action::"server:mail", resource);"#, "/"),
        (r#"forbid (principal == Client::"reader", action, resource in Path::"/a");"#, "/"),
        (r#"forbid (principal, action, resource in Path::"/a") when { context.hour > 20 };"#, "/"),
        (
            r#"forbid (principal, action, resource in Path::"/a") when { context.hour < 20 };"#,
            "/ but /a",
        ),
        // `/ab` is not beneath `/a`.
        (
            r#"forbid (principal, action, resource in Path::"/a"); forbid (principal, action, resource in Path::"/ab/c");"#,
            "/ but /a /ab/c",
        ),
    ] {
        assert_eq!(told(&with(rules), &read()), expected, "{rules}");
    }
}

#[test]
fn rules_about_arguments_keep_rather_too_much_from_search() {
    for (condition, expected) in [
        (r#"when { context.arguments.path like "/a/b*" }"#, "/ but /a"),
        (r#"when { context.arguments.path like "/a/*" || context.arguments.path like "*/b" }"#, ""),
        (
            r#"when { context.arguments.path like "/a/*" || context.arguments.path like "/b/*/x" }"#,
            "/ but /a /b",
        ),
        (r#"when { context.arguments.path like "/a/*" && context.hour > 20 }"#, "/ but /a"),
        (r#"when { !(context.arguments.path like "/a/*") }"#, ""),
        (r#"unless { context.arguments.path like "/a/*" }"#, ""),
        (r#"when { context.arguments.path == "/a" }"#, ""),
    ] {
        let rule = format!(
            r#"forbid (principal, action == Action::"mcp.fs.read", resource) {condition};"#
        );
        assert_eq!(told(&with(&rule), &read()), expected, "{condition}");
    }
    let other = with(
        r#"forbid (principal, action == Action::"mcp.fs.write", resource) when { context.arguments.content like "/a/*" };"#,
    );
    let write = Question { arguments: None, ..question("mcp.fs.write", "{}") };
    assert_eq!(told(&other, &write), "", "what is alike to a folder is not the path");
    let within = with(
        r#"forbid (principal, action == Action::"mcp.fs.read", resource in Path::"/c") when { context.arguments.path == "/c/d" };"#,
    );
    assert_eq!(told(&within, &read()), "/ but /c");
    let optional = with(
        r#"forbid (principal, action == Action::"mcp.fs.list", resource) when { context.arguments has path && context.arguments.path like "/a/*" };"#,
    );
    let list = Question { arguments: None, ..question("mcp.fs.list", "{}") };
    assert_eq!(told(&optional, &list), "/ but /a");
}

#[test]
fn where_a_call_may_work_follows_from_its_own_arguments() {
    let keys = with(
        r#"forbid (principal, action == Action::"mcp.fs.read", resource) when { context.arguments.path like "*.key" };
        forbid (principal, action == Action::"mcp.fs.read", resource in Path::"/b") when { context.arguments.path like "/a/*" };"#,
    );
    for (arguments, expected) in [
        (r#"{"path":"/notes/n.md"}"#, "/"),
        (r#"{"path":"/notes/n.key"}"#, ""),
        (r#"{"path":"/a/x"}"#, "/ but /b"),
        (r#"{"path":7}"#, ""),
    ] {
        assert_eq!(told(&keys, &question("mcp.fs.read", arguments)), expected, "{arguments}");
    }
    let nobody =
        |arguments| Question { principal: key("nobody"), ..question("mcp.fs.read", arguments) };
    let policies = with(
        r#"permit (principal == Client::"nobody", action == Action::"mcp.fs.read", resource in Path::"/b") when { context.arguments.path like "*.md" };"#,
    );
    assert_eq!(told(&policies, &nobody(r#"{"path":"/b/a.md"}"#)), "/b");
    assert_eq!(told(&policies, &nobody(r#"{"path":"/b/a.txt"}"#)), "");
}

#[test]
fn a_word_opens_what_was_asked_for_and_nothing_else() {
    let policies = with(
        r#"@id("work") @ask("person") forbid (principal, action, resource in Path::"/work");
        @id("own") @ask("person") forbid (principal, action, resource in Path::"/work/own");
        @id("priv") @ask("person") forbid (principal, action, resource in Path::"/priv");
        @id("host") @ask("host") forbid (principal, action, resource in Path::"/host");
        forbid (principal, action, resource in Path::"/never");"#,
    );
    let opened = |path: &str, word| {
        let arguments = format!(r#"{{"path":"{path}"}}"#);
        let scopes = policies.scopes(&question("mcp.fs.read", &arguments), word);
        let scope = scopes.into_iter().next().unwrap();
        assert_eq!(scope.allowed, "/");
        scope.except.join(" ")
    };
    let (host, person) = (Some(Approver::Host), Some(Approver::Person));
    assert_eq!(opened("/work/a", None), "/host /never /priv /work");
    assert_eq!(opened("/work/a", person), "/host /never /priv /work/own");
    assert_eq!(opened("/work/own/a", person), "/host /never /priv");
    assert_eq!(opened("/host/a", host), "/never /priv /work");
    assert_eq!(opened("/work/a", host), "/host /never /priv /work", "a host's word is no person's");
    assert_eq!(opened("/", person), "/host /never /priv /work", "of what the call names");
}

#[test]
fn permits_give_what_they_name_and_nothing_that_hangs_on_arguments() {
    let nobody = Question { principal: key("nobody"), ..read() };
    let policies = with(
        r#"permit (principal == Client::"nobody", action, resource in Path::"/a");
        permit (principal == Client::"nobody", action == Action::"mcp.fs.read", resource) when { context.arguments.path like "/b/*" };"#,
    );
    assert_eq!(told(&policies, &nobody), "/a");
    assert_eq!(told(&build(&[]), &nobody), "");
    let person = Principal { name: "p", kind: Kind::Person };
    assert_eq!(told(&policies, &Question { principal: person, ..read() }), "/");
}

#[test]
fn scopes_are_those_of_the_moment_and_the_conversation() {
    let night =
        with(r#"forbid (principal, action, resource in Path::"/a") when { context.hour > 20 };"#);
    let at = |hour| Question { moment: Moment { hour, ..MOMENT }, ..read() };
    assert_eq!(told(&night, &at(20)), "/");
    assert_eq!(told(&night, &at(21)), "/ but /a");
    let mail = with(
        r#"forbid (principal, action, resource in Path::"/a") when { context.untrusted.contains("mail") };"#,
    );
    assert_eq!(told(&mail, &read()), "/");
    assert_eq!(told(&mail, &after_a_mail("mcp.fs.read", "{}")), "/ but /a");
}
