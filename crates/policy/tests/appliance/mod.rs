//! The appliance of these tests: a few methods, two clients, and the owner's files of the test.

#![expect(dead_code, reason = "each test file uses its part")]
#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

use capfile::Effect::{self, Destructive, Idempotent, OpenWorld, ReadOnly, Undoable};
use capfile::{Pattern, Patterns, Target, TargetKind, TextSource, TextSources};
use policy::{
    Answer, Approver, Client, Decision, File, Inputs, Kind, Licence, Moment, Origin, Policies,
    PolicyError, Principal, Question, Tool,
};
use serde_json::{Value, json};

pub(crate) const ALLOW: Answer = Answer::Allow;
pub(crate) const DENY: Answer = Answer::Deny;
pub(crate) const HOST: Answer = Answer::Ask(Approver::Host);
pub(crate) const PERSON: Answer = Answer::Ask(Approver::Person);

/// A Wednesday morning.
pub(crate) const MOMENT: Moment = Moment { timestamp: 1_795_600_800_000, hour: 9, weekday: 3 };

pub(crate) fn patterns(texts: &[&str]) -> Patterns {
    let patterns: Vec<Pattern> = texts.iter().map(|text| text.parse().unwrap()).collect();
    patterns.iter().collect()
}

pub(crate) fn tool(
    method: &str,
    effects: &[Effect],
    works_on: &[(TargetKind, &str)],
    properties: &Value,
    required: &[&str],
) -> Tool {
    let server = method.split('.').nth(1).unwrap().to_owned();
    let target = |(kind, argument): &(TargetKind, &str)| Target::new(*kind, *argument);
    Tool {
        method: method.to_owned(),
        server,
        effects: effects.to_vec(),
        works_on: works_on.iter().map(target).collect(),
        input_schema: Some(
            json!({ "type": "object", "properties": properties, "required": required }),
        ),
    }
}

pub(crate) fn tools() -> Vec<Tool> {
    use TargetKind::{Account, Path, Recipient, Remote, Url, Workflow};
    let text = json!({ "type": "string" });
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    vec![
        tool("mcp.fs.read", &[ReadOnly], &[(Path, "path")], &json!({ "path": text }), &["path"]),
        tool("mcp.fs.list", &[ReadOnly], &[(Path, "path")], &json!({ "path": text }), &[]),
        tool(
            "mcp.fs.write",
            &[Destructive, Undoable],
            &[(Path, "path")],
            &json!({ "path": text, "content": text, "overwrite": { "type": "boolean" },
                "mode": { "type": ["integer", "null"] } }),
            &["path", "content"],
        ),
        tool(
            "mcp.fs.copy",
            &[Undoable],
            &[(Path, "from"), (Path, "to")],
            &json!({ "from": text, "to": text }),
            &["from", "to"],
        ),
        tool(
            "mcp.fs.delete",
            &[Destructive],
            &[(Path, "path")],
            &json!({ "path": text }),
            &["path"],
        ),
        tool(
            "mcp.mail.send",
            &[OpenWorld],
            &[(Account, "account"), (Recipient, "to"), (Recipient, "cc")],
            &json!({ "account": text, "to": texts, "cc": texts, "subject": text, "body": text }),
            &["to"],
        ),
        tool(
            "mcp.mail.search",
            &[ReadOnly],
            &[(Account, "account")],
            &json!({ "account": text }),
            &[],
        ),
        tool(
            "mcp.sync.run",
            &[Destructive, OpenWorld, Idempotent],
            &[(Remote, "remote")],
            &json!({ "remote": text }),
            &["remote"],
        ),
        tool(
            "mcp.agent.start",
            &[Undoable],
            &[(Workflow, "workflow")],
            &json!({ "workflow": text }),
            &["workflow"],
        ),
        tool(
            "mcp.web.fetch",
            &[ReadOnly, OpenWorld],
            &[(Url, "url")],
            &json!({ "url": text }),
            &["url"],
        ),
        Tool { method: "mcp.old.thing".to_owned(), server: "old".to_owned(), ..Tool::default() },
        Tool::reading("mail", "prompts"),
    ]
}

/// `claude` may do all but use `old`; `reader` may read files; the licence has all but workflows.
pub(crate) fn inputs(files: &[(&str, &str)]) -> Inputs {
    let all_but_old = ["mcp.fs.*", "mcp.mail.*", "mcp.sync.*", "mcp.agent.*", "mcp.web.*"];
    let client =
        |name: &str, scopes: &[&str]| Client { name: name.to_owned(), scopes: patterns(scopes) };
    let file =
        |(name, text): &(&str, &str)| File { name: (*name).to_owned(), text: (*text).to_owned() };
    Inputs {
        tools: tools(),
        licence: Licence { tier: "PLUS".to_owned(), allows: patterns(&["*"]) },
        clients: vec![
            client("claude", &all_but_old),
            client("reader", &["mcp.fs.read", "mcp.fs.list"]),
        ],
        standing: Vec::new(),
        files: files.iter().map(file).collect(),
    }
}

pub(crate) fn build(files: &[(&str, &str)]) -> Policies {
    Policies::build(&inputs(files)).unwrap()
}

pub(crate) fn with(rules: &str) -> Policies {
    build(&[("own.cedar", rules)])
}

pub(crate) fn refused(rules: &str) -> PolicyError {
    Policies::build(&inputs(&[("own.cedar", rules)])).unwrap_err()
}

pub(crate) fn key(name: &str) -> Principal<'_> {
    Principal { name, kind: Kind::Key }
}

pub(crate) fn question<'a>(method: &'a str, arguments: &'a str) -> Question<'a> {
    Question {
        principal: key("claude"),
        method,
        arguments: Some(arguments),
        moment: MOMENT,
        origin: Origin::Http,
        untrusted: TextSources::NONE,
    }
}

pub(crate) fn after_a_mail<'a>(method: &'a str, arguments: &'a str) -> Question<'a> {
    Question { untrusted: TextSource::Mail.into(), ..question(method, arguments) }
}

/// Checks the answer and the rule to each call of `claude`.
pub(crate) fn check(policies: &Policies, cases: &[(&str, &str, Answer, &str)]) {
    for (method, arguments, answer, rule) in cases {
        let decision = policies.decide(&question(method, arguments));
        let expected = Decision { answer: *answer, rule: (*rule).into() };
        assert_eq!(decision, expected, "{method} {arguments}");
        let explained = policies.explain(&question(method, arguments));
        assert_eq!(explained.decision, expected, "explained: {method} {arguments}");
    }
}
